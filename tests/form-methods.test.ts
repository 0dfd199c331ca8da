/**
 * A form cannot name another method than the one that was judged, however long it is and however it is sent; forms that do not
 * are untouched to the byte, with the length that was announced.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { apiClient, member, text, type Answer, type ApiClient } from "./harness/api-client.ts";
import { startFlakyVendor, type FlakyVendor } from "./harness/flaky-vendor.ts";
import { startStack, type Stack } from "./harness/stack.ts";

let stack: Stack;
let vendor: FlakyVendor;
let api: ApiClient;

beforeAll(async () => {
  [stack, vendor] = await Promise.all([startStack({ demo: false }), startFlakyVendor()]);
  api = apiClient(stack);
  const created = await api.admin("POST", "/api/v1/connections", {
    id: "conn_forms",
    name: "Forms",
    base_url: vendor.origin,
    auth: { scheme: "bearer" },
    secret: "forms-master-key",
  });
  expect(created.status, created.text).toBe(201);
});

afterAll(async () => {
  await stack?.stop();
  await vendor?.stop();
});

interface Caller {
  readonly credentialId: string;
  post(path: string, type: string, body: Uint8Array, announced: boolean): Promise<Answer>;
}

async function caller(methods: readonly string[]): Promise<Caller> {
  const issued = await api.admin("POST", "/api/v1/delegated-credentials", {
    connection_id: "conn_forms",
    name: "forms",
    allowed_methods: methods,
    allowed_paths: ["/**"],
    ttl_seconds: 900,
    kind: "virtual",
    acknowledge_findings: [],
  });
  expect(issued.status, issued.text).toBe(201);
  const token = text(member(issued.body, "token"));
  return {
    credentialId: text(member(issued.body, "id")),
    post(path, type, body, announced) {
      // Node asks for `duplex` where a body streams; the Workers' types do not know it.
      const init: RequestInit & { readonly duplex: "half" } = {
        body: announced ? body : inPieces(body),
        headers: { "content-type": type },
        duplex: "half",
      };
      return api.proxy("POST", `/conn_forms${path}`, token, init);
    },
  };
}

const PIECE_BYTES = 10_000;

function inPieces(bytes: Uint8Array): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      if (at >= bytes.byteLength) return controller.close();
      controller.enqueue(bytes.subarray(at, at + PIECE_BYTES));
      at += PIECE_BYTES;
    },
  });
}

/** A body in chunked transfer coding (RFC 9112 section 7.1), as it was meant. */
function withoutChunks(raw: string): string {
  let text = "";
  for (let at = 0; ;) {
    const line = raw.indexOf("\r\n", at);
    const size = Number.parseInt(raw.slice(at, line), 16);
    if (!(size > 0)) return text;
    text += raw.slice(line + 2, line + 2 + size);
    at = line + 2 + size + 2;
  }
}

const LONG = 1_000_000;
const URLENCODED = "application/x-www-form-urlencoded";
const MULTIPART = "multipart/form-data; boundary=bound";

/** `name` is the last field, behind as many bytes of another. */
function form(type: string, name: string, before: number): Uint8Array {
  const filling = "x".repeat(before);
  if (type === URLENCODED) return new TextEncoder().encode(`file=${filling}&${name}=DELETE`);
  const part = (field: string, value: string) =>
    `--bound\r\ncontent-disposition: form-data; name="${field}"\r\n\r\n${value}\r\n`;
  return new TextEncoder().encode(`${part("file", filling)}${part(name, "DELETE")}--bound--\r\n`);
}

const CASES = [URLENCODED, MULTIPART].flatMap((type) =>
  [10, 100_000, LONG].flatMap((bytes) => [true, false].map((announced) => [type, bytes, announced] as const)),
);

describe("a form that names another method", () => {
  it.each(CASES)(
    "is refused where the scope refuses methods: %s, %i bytes, announced: %s",
    async (type, bytes, announced) => {
      const { credentialId, post } = await caller(["GET", "POST"]);
      const path = `/status/200/${credentialId}`;
      const answer = await post(path, type, form(type, "_method", bytes), announced);
      expect([answer.status, member(answer.body, "code")]).toEqual([403, "body_denied"]);
      expect(member(answer.body, "denied_member")).toBe("_method");
      const events = await api.events(credentialId, 1);
      expect(events.map((event) => [member(event, "status"), member(event, "reason")])).toEqual([[403, "body_denied"]]);
      expect(vendor.of(path)).toHaveLength(0);
    },
  );

  it("passes where the scope has those methods as well", async () => {
    const { credentialId, post } = await caller(["GET", "POST", "PUT", "PATCH", "DELETE"]);
    const path = `/status/200/${credentialId}`;
    expect((await post(path, URLENCODED, form(URLENCODED, "_method", 10), true)).status).toBe(200);
    expect(vendor.of(path)).toHaveLength(1);
  });
});

describe("another form", () => {
  it.each(CASES)("arrives as it was sent: %s, %i bytes, announced: %s", async (type, bytes, announced) => {
    const { credentialId, post } = await caller(["GET", "POST"]);
    const path = `/status/200/${credentialId}`;
    const sent = form(type, "payment_method", bytes);
    const answer = await post(path, type, sent, announced);
    expect(answer.status, answer.text).toBe(200);
    const [seen] = vendor.of(path);
    const body = announced ? seen?.body : withoutChunks(seen?.body ?? "");
    // Not compared by `toBe`, which would print a million letters.
    expect(body === new TextDecoder().decode(sent)).toBe(true);
    const length = `content-length: ${sent.byteLength}`;
    expect(seen?.headers.toLowerCase().includes(length)).toBe(announced);
  });
});
