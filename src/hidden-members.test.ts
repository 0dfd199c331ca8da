/** Bodies of calls under a grant that hides members of answers and has no rule for GraphQL: what is read, and what streams on. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { resolveRoute } from "./domain/route.ts";
import type { Scope } from "./domain/scope.ts";
import { handleCall } from "./pipeline.ts";
import { grant, scope, SETTINGS, world, type World } from "./pipeline.fixture.ts";
import { MAX_JUDGED_BODY_BYTES, MAX_JUDGED_BODY_MS } from "./steps/request-body.ts";

const ALIASED = JSON.stringify({ query: "{ viewer { x: email } }" });

function hiding(more: Partial<Scope> = {}): World {
  const made = world({ grants: [grant({ scope: scope({ removeResponseMembers: ["email"], ...more }) })] });
  made.vendor = async (request) => Response.json({ got: (await request.text()).length, email: "a@b" });
  return made;
}

function post(made: World, body: BodyInit, contentType: string, more: Record<string, string> = {}): Promise<Response> {
  const url = "http://localhost/conn_test/contacts/7";
  const headers = { authorization: `Bearer ${made.token}`, "content-type": contentType, ...more };
  const request = new Request(url, { method: "POST", headers, body });
  const route = resolveRoute(url, { proxyDomain: "localhost" });
  if (route.kind !== "proxy") throw new Error(`not a proxy route: ${route.kind}`);
  return handleCall(request, route, made.ports, { ...SETTINGS, maxBodyBytes: 16 * MAX_JUDGED_BODY_BYTES });
}

afterEach(() => {
  vi.useRealTimers();
});

describe("GraphQL under a grant that hides members", () => {
  it.each(["application/json", "text/plain", "application/octet-stream", "application/x-www-form-urlencoded"])(
    "never reaches the vendor, sent as %s",
    async (type) => {
      const made = hiding();
      const response = await post(made, ALIASED, type);
      expect(response.status).toBe(403);
      expect(await response.json()).toMatchObject({ code: "body_denied" });
      expect(made.log).not.toContain("fetch");
    },
  );

  it("is not hidden by blanks that come alone", async () => {
    const made = hiding();
    const pieces = [" ", "\n", ALIASED].map((piece) => new TextEncoder().encode(piece));
    const slow = new ReadableStream<Uint8Array>({
      pull(controller) {
        const piece = pieces.shift();
        if (piece === undefined) controller.close();
        else controller.enqueue(piece);
      },
    });
    expect((await post(made, slow, "text/plain")).status).toBe(403);
  });

  it("is not hidden by a coding", async () => {
    const response = await post(hiding(), Uint8Array.of(0x1f, 0x8b, 8), "text/plain", { "content-encoding": "gzip" });
    expect(response.status).toBe(403);
  });
});

describe("other bodies under such a grant", () => {
  it.each([
    ["application/json", '{"name": "x", "n": 1.0}'],
    ["application/x-www-form-urlencoded", "name=x&text={a}"],
    ["multipart/form-data; boundary=x", '--x\r\ncontent-disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n'],
    ["text/plain", "query { a }"],
  ])("of type %s arrive as they were sent", async (type, body) => {
    const made = hiding();
    const response = await post(made, body, type);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ got: body.length });
  });

  it("stream on after their first bytes, however large", async () => {
    const made = hiding();
    const called = Promise.withResolvers<null>();
    let left = 40;
    const upload = new ReadableStream<Uint8Array>({
      async pull(controller) {
        // The vendor has the call before the caller has sent it all.
        if (left === 20) await called.promise;
        controller.enqueue(new Uint8Array(65_536).fill(0x61));
        left -= 1;
        if (left === 0) controller.close();
      },
    });
    made.vendor = async (request) => {
      called.resolve(null);
      return Response.json({ got: (await request.text()).length });
    };
    const response = await post(made, upload, "text/csv");
    expect(await response.json()).toEqual({ got: 40 * 65_536 });
  });

  it("of JSON are read up to a bound, which the grant can raise", async () => {
    const large = JSON.stringify({ text: "a".repeat(MAX_JUDGED_BODY_BYTES) });
    const refused = await post(hiding(), large, "application/json");
    expect(refused.status).toBe(413);
    expect(await refused.json()).toMatchObject({ detail: expect.stringContaining("max_body_bytes") });
    const raised = hiding({ maxBodyBytes: 2 * MAX_JUDGED_BODY_BYTES });
    expect((await post(raised, large, "application/json")).status).toBe(200);
  });

  it("are not waited for without end", async () => {
    vi.useFakeTimers();
    const stalled = new ReadableStream<Uint8Array>({ pull: () => new Promise(() => undefined) });
    const answer = post(hiding(), stalled, "text/csv");
    await vi.advanceTimersByTimeAsync(MAX_JUDGED_BODY_MS + 1_000);
    expect((await answer).status).toBe(400);
  });
});
