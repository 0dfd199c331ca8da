/**
 * A vendor that fails in every way, seen from both sides: what the caller gets, and what arrives at the vendor. No write is
 * doubled, no failure multiplies the vendor's load, and every call ends in time with an answer and one event.
 */
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { apiClient, member, text, type Answer, type ApiClient, type Json } from "./harness/api-client.ts";
import { startFlakyVendor, type FlakyVendor } from "./harness/flaky-vendor.ts";
import { startStack, until, type Stack } from "./harness/stack.ts";

let stack: Stack;
let vendor: FlakyVendor;
let api: ApiClient;

const QUICK = {
  first_byte_timeout_ms: 400,
  idle_timeout_ms: 400,
  total_timeout_ms: 5_000,
  base_delay_ms: 5,
  max_delay_ms: 1_500,
  breaker: null,
};

beforeAll(async () => {
  [stack, vendor] = await Promise.all([startStack({ demo: false }), startFlakyVendor()]);
  api = apiClient(stack);
});

afterAll(async () => {
  await stack?.stop();
  await vendor?.stop();
});

interface Caller {
  readonly id: string;
  readonly credentialId: string;
  readonly token: string;
  call(method: string, path: string, init?: RequestInit): Promise<Answer>;
}

let callers = 0;

/** A connection of its own for each case: budgets, breakers and waits do not reach over. */
async function caller(
  reliability: Record<string, unknown> = {},
  connection: Record<string, unknown> = {},
): Promise<Caller> {
  callers += 1;
  const id = `conn_flaky${callers}`;
  const created = await api.admin("POST", "/api/v1/connections", {
    id,
    name: id,
    base_url: vendor.origin,
    auth: { scheme: "bearer" },
    secret: `flaky-master-key-${callers}`,
    reliability: { ...QUICK, ...reliability },
    ...connection,
  });
  expect(created.status, created.text).toBe(201);
  const issued = await api.admin("POST", "/api/v1/delegated-credentials", {
    connection_id: id,
    name: id,
    allowed_methods: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
    allowed_paths: ["/**"],
    ttl_seconds: 900,
    kind: "virtual",
    acknowledge_findings: [],
  });
  expect(issued.status, issued.text).toBe(201);
  const token = text(member(issued.body, "token"));
  return {
    id,
    credentialId: text(member(issued.body, "id")),
    token,
    call: (method, path, init) => api.proxy(method, `/${id}${path}`, token, init),
  };
}

const STATUSES = [
  200, 201, 202, 204, 301, 304, 307, 400, 401, 403, 404, 405, 408, 409, 410, 412, 418, 422, 423, 425, 428, 429,
];
const FAILURES = [500, 501, 502, 503, 504, 505, 507, 520, 529, 599];

describe("statuses", () => {
  it("pass unchanged, and no write is sent twice whatever the status", async () => {
    const { id, call } = await caller();
    for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
      for (const status of [...STATUSES, ...FAILURES]) {
        const path = `/status/${status}/${method}/${id}`;
        const answer = await call(method, path, method === "DELETE" ? {} : { body: "x=1" });
        expect([method, answer.status]).toEqual([method, status]);
        expect(vendor.of(path)).toHaveLength(1);
      }
    }
  }, 60_000);

  it("are repeated for reads within the attempts, and a repeat's answer is the call's", async () => {
    const { id, call, credentialId } = await caller();
    for (const status of [502, 503, 504]) {
      const path = `/once/${status}/${id}`;
      const answer = await call("GET", path);
      expect([status, answer.status]).toEqual([status, 200]);
      expect(vendor.of(path)).toHaveLength(2);
    }
    const events = await api.events(credentialId, 3);
    expect(events.map((event) => [member(event, "status"), member(event, "attempts")])).toEqual(
      Array(3).fill([200, 2]),
    );
  });

  it("that HTTP does not know become an answer that it does", async () => {
    const { id, call } = await caller();
    for (const status of [999, 600, 700]) {
      const answer = await call("GET", `/status/${status}/${id}`);
      expect(answer.status).toBe(502);
      expect(member(answer.body, "code")).toBe("upstream_unreachable");
    }
    for (const status of [100, 102, 103]) {
      expect((await call("GET", `/early/${status}/${id}`)).status).toBe(200);
    }
  });

  it("of redirects are handed on, a loop included", async () => {
    const { id, call } = await caller();
    const path = `/loop/x/${id}`;
    expect((await call("GET", path)).status).toBe(302);
    expect(vendor.of(path)).toHaveLength(1);
  });
});

describe("broken connections", () => {
  it("are tried again for reads only", async () => {
    const { id, call } = await caller();
    expect((await call("GET", `/reset/1/${id}`)).status).toBe(200);
    expect(vendor.of(`/reset/1/${id}`)).toHaveLength(2);
    const write = await call("POST", `/reset/99/w${id}`, { body: "x" });
    expect([write.status, member(write.body, "code")]).toEqual([502, "upstream_unreachable"]);
    expect(vendor.of(`/reset/99/w${id}`)).toHaveLength(1);
  });

  it.each(["garbage", "half"])("that send %s are an unreachable vendor", async (act) => {
    const { id, call } = await caller({ max_attempts: 1 });
    const answer = await call("POST", `/${act}/x/${id}`, { body: "x" });
    expect([answer.status, member(answer.body, "code")]).toEqual([502, "upstream_unreachable"]);
    expect(vendor.of(`/${act}/x/${id}`)).toHaveLength(1);
  });

  it("end in time when the vendor says nothing, and the vendor's connection ends with them", async () => {
    const { id, call } = await caller();
    const before = vendor.aborted();
    const startedMs = Date.now();
    const answer = await call("POST", `/silent/x/${id}`, { body: "x" });
    expect([answer.status, member(answer.body, "code")]).toEqual([504, "upstream_timeout"]);
    expect(Date.now() - startedMs).toBeLessThan(2_000);
    expect(vendor.of(`/silent/x/${id}`)).toHaveLength(1);
    await until(
      () => vendor.aborted() > before,
      3_000,
      () => "the vendor's connection stayed open",
    );
  });

  it("end when the caller goes away", async () => {
    const { id, token } = await caller({ first_byte_timeout_ms: 20_000, total_timeout_ms: 30_000 });
    const before = vendor.aborted();
    // A reset: after a mere end of sending a client might still read, so the runtime waits.
    const socket = connect(stack.proxyPort, "127.0.0.1");
    socket.on("error", () => undefined);
    socket.write(`GET /${id}/silent/x/${id} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${token}\r\n\r\n`);
    await until(
      () => vendor.of(`/silent/x/${id}`).length === 1,
      5_000,
      () => "the call did not arrive",
    );
    socket.resetAndDestroy();
    await until(
      () => vendor.aborted() > before,
      3_000,
      () => "the vendor's connection stayed open",
    );
    expect(vendor.of(`/silent/x/${id}`)).toHaveLength(1);
  });

  it("in mid-body are on record, and no complete answer is made of them", async () => {
    const { id, call, credentialId } = await caller({ max_attempts: 1 });
    for (const path of [
      `/short/20/${id}`,
      `/short/200000/${id}`,
      `/chunkdeath/x/${id}`,
      `/badchunk/x/${id}`,
      `/drip/x/${id}`,
    ]) {
      const outcome = await call("GET", path).then(
        (answer) => answer.status,
        () => "broken",
      );
      expect([path, outcome === "broken" || outcome === 502 || outcome === 504]).toEqual([path, true]);
    }
    const events = await api.events(credentialId, 5);
    expect(events).toHaveLength(5);
  });

  it("that stop coming end with 504 after the idle timeout, and the vendor's connection is let go", async () => {
    const { id, call, credentialId } = await caller();
    for (const path of [`/drip/x/${id}`, `/gzipdrip/x/${id}`]) {
      const before = vendor.aborted();
      const startedMs = Date.now();
      const answer = await call("GET", path);
      expect([path, answer.status, member(answer.body, "code")]).toEqual([path, 504, "upstream_timeout"]);
      expect(Date.now() - startedMs).toBeLessThan(3_000);
      await expect.poll(() => vendor.aborted(), { timeout: 3_000 }).toBe(before + 1);
    }
    const events = await api.events(credentialId, 2);
    expect(events.map((event) => [member(event, "status"), member(event, "reason")])).toEqual(
      Array(2).fill([504, "idle_timeout"]),
    );
  });

  it("that announce too little lose the rest, and nothing of it reaches the next caller", async () => {
    const { id, call } = await caller();
    const answer = await call("GET", `/long/x/${id}`);
    expect(answer.text).toBe("first");
    expect((await call("GET", `/status/200/${id}`)).text).toBe("ok");
  });
});

describe("slow uploads", () => {
  it("reach the vendor with the length that was announced", async () => {
    const { id, token } = await caller({ first_byte_timeout_ms: 20_000, total_timeout_ms: 30_000 });
    const socket = connect(stack.proxyPort, "127.0.0.1");
    const answer = new Promise<string>((resolve) => socket.once("data", (data) => resolve(data.toString())));
    socket.write(`POST /${id}/status/200/${id} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${token}\r\n`);
    socket.write("content-type: text/plain\r\ncontent-length: 10\r\n\r\nfirst");
    // Longer than a body is waited for before the vendor is called.
    await new Promise((done) => setTimeout(done, 2_500));
    socket.write("after");
    expect(await answer).toContain(" 200 ");
    socket.destroy();
    const [seen] = vendor.of(`/status/200/${id}`);
    expect(seen?.body).toBe("firstafter");
    expect(seen?.headers.toLowerCase()).toContain("content-length: 10");
  });
});

describe("broken uploads", () => {
  const PIECE_BYTES = 65_536;
  const piece = "x".repeat(PIECE_BYTES);
  const chunk = `${PIECE_BYTES.toString(16)}\r\n${piece}\r\n`;
  const WAYS = ["end", "reset"];
  const HEADERS = ["", "idempotency-key: a1\r\n"];
  /** Pieces: within what is kept for a repeat, and beyond it. */
  const LENGTHS = [
    ["transfer-encoding: chunked", chunk, 3],
    ["transfer-encoding: chunked", chunk, 40],
    ["content-length: 300000", piece, 3],
    ["content-length: 9000000", piece, 40],
  ] as const;

  /** A call that its caller breaks off after the first pieces. */
  async function breakOff(
    { id, token }: Caller,
    [method, headers, piece, count, way]: readonly [string, string, string, number, string],
  ): Promise<void> {
    const path = `/status/200/${id}`;
    const socket = connect(stack.proxyPort, "127.0.0.1");
    socket.on("error", () => undefined);
    socket.write(`${method} /${id}${path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${token}\r\n`);
    socket.write(`${headers}\r\n\r\n`);
    for (let each = 0; each < count; each += 1) {
      socket.write(piece);
      await new Promise((done) => setTimeout(done, 5));
    }
    await new Promise((done) => setTimeout(done, 100));
    if (way === "reset") socket.resetAndDestroy();
    else socket.end();
    await new Promise((done) => setTimeout(done, 100));
    socket.destroy();
  }

  /** And its event, which comes soon; the vendor has not seen the whole. */
  async function brokenOff(...upload: Parameters<typeof breakOff>[1]): Promise<Json> {
    const one = await caller({ first_byte_timeout_ms: 20_000, total_timeout_ms: 30_000 });
    await breakOff(one, upload);
    const startedMs = Date.now();
    const [event = null] = await api.events(one.credentialId, 1);
    expect(Date.now() - startedMs).toBeLessThan(5_000);
    expect(vendor.of(`/status/200/${one.id}`)).toHaveLength(0);
    return event;
  }

  it.each(
    WAYS.flatMap((way) => HEADERS.flatMap((header) => LENGTHS.map((length) => [way, header, ...length] as const))),
  )("by a caller's %s never pass for the whole (%j, %s)", async (way, header, length, sent, count) => {
    expect(member(await brokenOff("POST", header + length, sent, count, way), "status")).toBe(502);
  });

  it("that grow beyond the limit are refused with 413, and the vendor gets no whole of them", async () => {
    const { id, call, credentialId } = await caller({ first_byte_timeout_ms: 20_000, total_timeout_ms: 30_000 });
    const before = vendor.truncated();
    const mebibyte = new Uint8Array(1_048_576);
    let left = 101;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        left -= 1;
        if (left < 0) controller.close();
        else controller.enqueue(mebibyte);
      },
    });
    // Node asks for `duplex` where a body streams; the Workers' types do not know it.
    const streamed: RequestInit & { readonly duplex: "half" } = { body, duplex: "half" };
    const answer = await call("POST", `/status/200/${id}`, streamed);
    expect([answer.status, member(answer.body, "code")]).toEqual([413, "body_too_large"]);
    await expect.poll(() => vendor.truncated(), { timeout: 5_000 }).toBe(before + 1);
    expect(vendor.of(`/status/200/${id}`)).toHaveLength(0);
    const [event = null] = await api.events(credentialId, 1);
    expect([member(event, "status"), member(event, "attempts")]).toEqual([413, 1]);
  });

  it("do not close the connection to others, whatever length was stated", async () => {
    const one = await caller({ breaker: { failures: 3, window_seconds: 30, open_seconds: 30 } });
    const lengths = ["transfer-encoding: chunked", "content-length: 90000", "content-length: 9000000"];
    for (const length of lengths) {
      const sent = length.startsWith("transfer") ? chunk : piece;
      for (let count = 0; count < 4; count += 1) await breakOff(one, ["POST", length, sent, 1, "end"]);
    }
    const events = await api.events(one.credentialId, 12);
    expect(events.map((event) => member(event, "status"))).toEqual(Array(12).fill(502));
    // Of a long one that was announced the platform does not tell who broke off.
    const reasons = [...Array(8).fill("upload_broken_off"), ...Array(4).fill("upstream_unreachable")];
    expect(events.map((event) => member(event, "reason"))).toEqual(reasons);
    expect((await one.call("GET", `/status/200/${one.id}`)).status).toBe(200);
  });

  it.each(WAYS)("are on record when the call could not be judged without the rest (%s)", async (way) => {
    const event = await brokenOff("GET", "content-length: 900000", "", 1, way);
    expect([member(event, "status"), member(event, "reason")]).toEqual([400, "invalid_request"]);
  });
});

describe("limits", () => {
  it("are waited for when the wait is short, and passed on when it is long", async () => {
    const { id, call } = await caller();
    const startedMs = Date.now();
    expect((await call("GET", `/limited/1/${id}`)).status).toBe(200);
    expect(Date.now() - startedMs).toBeGreaterThanOrEqual(1_000);
    const [first, second] = vendor.of(`/limited/1/${id}`);
    expect((second?.atMs ?? 0) - (first?.atMs ?? 0)).toBeGreaterThanOrEqual(990);
    const other = await caller();
    expect((await other.call("GET", `/limited/60/${other.id}`)).status).toBe(429);
    expect(vendor.of(`/limited/60/${other.id}`)).toHaveLength(1);
  });

  it("stop everyone at once, with the seconds that remain, and without a call", async () => {
    const { id, call } = await caller();
    expect((await call("POST", `/limited/2/${id}`, { body: "x" })).status).toBe(429);
    const before = vendor.seen.length;
    const held = await call("GET", `/status/200/${id}`);
    expect([held.status, member(held.body, "code")]).toEqual([429, "vendor_limited"]);
    expect(Number(held.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
    expect(Number(held.headers.get("retry-after"))).toBeLessThanOrEqual(2);
    expect(held.headers.get("ratelimit")).toMatch(/^"vendor";r=0;t=[12]$/);
    expect(held.headers.get("ratelimit-policy")).toMatch(/^"vendor";q=0;w=[12]$/);
    expect(vendor.seen.length).toBe(before);
    await new Promise((done) => setTimeout(done, 2_100));
    expect((await call("GET", `/status/200/${id}`)).status).toBe(200);
  });

  it("are seen in bodies of 200, 400 and 403, whose bytes still arrive", async () => {
    const limit_signs = [{ statuses: [200, 400, 403], body_includes: "RATELIMITED" }];
    const { id, call } = await caller({ limit_signs });
    for (const status of [200, 400, 403]) {
      expect((await call("GET", `/bodysign/${status}/${id}`)).text).toBe("ok");
      expect(vendor.of(`/bodysign/${status}/${id}`)).toHaveLength(2);
      const write = await call("POST", `/bodysign/${status}/w${id}`, { body: "x" });
      expect([write.status, write.text]).toEqual([status, '{"error":"RATELIMITED"}']);
    }
  });

  it("are foreseen: the call for which nothing is left is not made", async () => {
    const { id, call } = await caller({ quota_headers: [{ remaining: "x-left", reset: "x-reset", unit: "seconds" }] });
    expect((await call("GET", `/quota/0/${id}`)).status).toBe(200);
    const held = await call("GET", `/status/200/${id}`);
    expect(member(held.body, "code")).toBe("vendor_limited");
    expect(vendor.of(`/status/200/${id}`)).toHaveLength(0);
  });
});

describe("a vendor's quota", () => {
  it("counts repeats: however often calls fail, the vendor gets no more requests than it", async () => {
    const { id, call } = await caller({}, { quota: { requests: 7, per_seconds: 3_600, max_share: 1 } });
    const answers = await Promise.all(Array.from({ length: 12 }, () => call("GET", `/status/503/${id}`)));
    expect(vendor.of(`/status/503/${id}`)).toHaveLength(7);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503, 429]));
  });
});

describe("load", () => {
  it("grows by a fifth at most when everything fails, measured at the vendor", async () => {
    const { id, call } = await caller();
    for (let round = 0; round < 15; round += 1) {
      await Promise.all(Array.from({ length: 20 }, () => call("GET", `/status/503/${id}`)));
    }
    expect(vendor.of(`/status/503/${id}`).length).toBeLessThanOrEqual(360);
    expect(vendor.of(`/status/503/${id}`).length).toBeGreaterThan(300);
  }, 60_000);

  it("stops when the breaker opens, and one probe finds out that the vendor is back", async () => {
    const breaker = { failures: 5, window_seconds: 30, open_seconds: 1 };
    const { id, call } = await caller({ breaker, max_attempts: 1 });
    let answer = await call("GET", `/status/500/${id}`);
    for (let count = 0; count < 30 && answer.status === 500; count += 1)
      answer = await call("GET", `/status/500/${id}`);
    expect([answer.status, member(answer.body, "code")]).toEqual([503, "circuit_open"]);
    const arrived = vendor.of(`/status/500/${id}`).length;
    expect(arrived).toBeLessThanOrEqual(8);
    await Promise.all(Array.from({ length: 10 }, () => call("GET", `/status/500/${id}`)));
    expect(vendor.of(`/status/500/${id}`).length).toBe(arrived);
    await new Promise((done) => setTimeout(done, 1_100));
    await Promise.all(Array.from({ length: 10 }, () => call("GET", `/status/500/probe${id}`)));
    expect(vendor.of(`/status/500/probe${id}`)).toHaveLength(1);
    await until(
      async () => (await call("GET", `/status/200/${id}`)).status === 200,
      5_000,
      () => "the breaker stayed open",
    );
  });
});

describe("idempotency", () => {
  it("makes writes repeatable: with the caller's key or one that is added, the same each time, and the body whole", async () => {
    const { id, call } = await caller({ idempotency_header: "idempotency-key", inject_idempotency_key: true });
    const body = "y".repeat(100_000);
    expect((await call("POST", `/once/503/${id}`, { body })).status).toBe(200);
    const [first, second] = vendor.of(`/once/503/${id}`);
    expect([first?.body, second?.body]).toEqual([body, body]);
    const keyOf = (headers: string | undefined) => /idempotency-key: (\S+)/.exec(headers ?? "")?.[1];
    expect(keyOf(first?.headers)).toMatch(/^req_/);
    expect(keyOf(second?.headers)).toBe(keyOf(first?.headers));
    await call("POST", `/once/503/own${id}`, { body, headers: { "idempotency-key": "mine" } });
    expect(vendor.of(`/once/503/own${id}`).map((request) => keyOf(request.headers))).toEqual(["mine", "mine"]);
  });

  it("is the caller's word with a vendor that nobody described, unless the connection says otherwise", async () => {
    const headers = { "idempotency-key": "mine" };
    const plain = await caller();
    expect((await plain.call("POST", `/once/503/with${plain.id}`, { body: "x", headers })).status).toBe(200);
    expect((await plain.call("POST", `/once/503/without${plain.id}`, { body: "x" })).status).toBe(503);
    const ignored = await caller({ idempotency_header: null });
    expect((await ignored.call("POST", `/once/503/${ignored.id}`, { body: "x", headers })).status).toBe(503);
    for (const [path, times] of [
      [`/once/503/with${plain.id}`, 2],
      [`/once/503/without${plain.id}`, 1],
      [`/once/503/${ignored.id}`, 1],
    ] as const)
      expect(vendor.of(path), path).toHaveLength(times);
  });
});
