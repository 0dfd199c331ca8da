import { afterEach, describe, expect, it, vi } from "vitest";
import type { ConnectionDocument, UpstreamCredentialDocument } from "./domain/documents.ts";
import { HeaderMap } from "./domain/header-map.ts";
import { NO_LIMITS } from "./domain/limits.ts";
import { DEFAULT_RELIABILITY, type Reliability } from "./domain/reliability.ts";
import { forward } from "./forward.ts";
import type { ForwardCall, SwitchReason } from "./forward-call.ts";
import type { CallReport } from "./ports.ts";
import { Watch } from "./watch.ts";

let connections = 0;

interface Seen {
  readonly method: string;
  readonly headers: Headers;
  readonly body: string;
  readonly key: string;
}

type Answer = Response | Error | "hang" | (() => Response);

interface Bench {
  readonly seen: Seen[];
  readonly reports: CallReport[];
  readonly slept: number[];
  readonly switches: SwitchReason[];
  held: boolean;
  phase: "closed" | "open" | "half_open";
  readonly connection: ConnectionDocument;
  run(call?: Partial<ForwardCall>): ReturnType<typeof forward>;
}

const RULE: Reliability = { ...DEFAULT_RELIABILITY, firstByteTimeoutMs: 40, totalTimeoutMs: 10_000 };

function headerMap(values: Readonly<Record<string, string>>): HeaderMap {
  return new HeaderMap(new Headers(values));
}

/** A connection whose vendor gives these answers, the last one for ever. */
function bench(answers: readonly Answer[], rule: Partial<Reliability> = {}, keys = 1): Bench {
  connections += 1;
  const seen: Seen[] = [];
  const reports: CallReport[] = [];
  const slept: number[] = [];
  const switches: SwitchReason[] = [];
  let key = 0;
  const connection = {
    ...CONNECTION,
    id: `conn_${connections}`,
    reliability: { ...RULE, ...rule },
    upstreamCredentials: Array.from({ length: keys }, (_, index) => ({ ...CREDENTIAL, id: `ucred_${index}` })),
  };
  const made: Bench = {
    seen,
    reports,
    slept,
    switches,
    held: false,
    phase: "closed",
    connection,
    run: (call = {}) =>
      forward({
        organisationId: "org_default",
        connection,
        requestId: "req_1",
        method: "GET",
        path: "/v1/things",
        headers: headerMap({ accept: "text/plain" }),
        body: null,
        upgrade: false,
        signal: null,
        buildRequest: (headers, body, signal) => {
          headers.set("x-key", String(key));
          const method = call.method ?? "GET";
          const request = new Request("https://vendor.test/v1/things", { method, body, redirect: "manual", signal });
          headers.writeTo(request.headers);
          return request;
        },
        switchKey: (reason) => {
          switches.push(reason);
          key += 1;
          return Promise.resolve(key < keys || reason === "token_rejected");
        },
        keyId: () => `ucred_${key}`,
        takeQuota: null,
        bodyRefusal: () => null,
        brokenBody: new AbortController(),
        watch: new Watch(() => Date.now()),
        ports: {
          clock: { nowMs: () => Date.now() },
          random: { bytes: (length) => new Uint8Array(length), unit: () => 0.5 },
          fixedLength: () => new TransformStream(),
          sleep: (ms) => {
            slept.push(ms);
            return Promise.resolve();
          },
          health: {
            check: () => Promise.resolve(made.held ? { code: "circuit_open", detail: "Held back." } : null),
            breaker: () => made.phase,
            report: (_organisationId, _connection, report) => void reports.push(report),
          },
          fetch: async (request) => {
            const { method, headers } = request;
            seen.push({ method, headers, body: await request.text(), key: headers.get("x-key") ?? "" });
            const answer = answers[Math.min(seen.length, answers.length) - 1];
            if (answer instanceof Error) throw answer;
            if (answer === "hang") {
              return new Promise<Response>((_, reject) => {
                request.signal.addEventListener("abort", () => reject(new Error("aborted")));
              });
            }
            return typeof answer === "function" ? answer() : (answer?.clone() ?? Response.error());
          },
        },
        ...call,
      }),
  };
  return made;
}

const CREDENTIAL: UpstreamCredentialDocument = {
  id: "ucred_0",
  version: 1,
  environment: null,
  priority: 0,
  weight: 1,
  state: "active",
  canaryShare: 0,
  location: { provider: "worker_secret", binding: "X" },
};

const CONNECTION: ConnectionDocument = {
  id: "conn_0",
  name: "Vendor",
  vendor: null,
  environment: null,
  status: "active",
  baseUrl: "https://vendor.test",
  origins: [],
  auth: { scheme: "bearer" },
  headers: {},
  collapseBasePath: false,
  allowEncodedSlash: false,
  accountHeaders: [],
  tokenHeaders: [],
  tokenQueryParams: [],
  urlMembers: [],
  noRetryHeader: null,
  reliability: RULE,
  quota: null,
  limits: NO_LIMITS,
  prices: [],
  operations: [],
  upstreamCredentials: [CREDENTIAL],
};

const bytes = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(new TextEncoder().encode(text));

const status = (code: number, headers: Record<string, string> = {}, body = "x") =>
  new Response([204, 205, 304].includes(code) ? null : body, { status: code, headers });

afterEach(() => {
  vi.restoreAllMocks();
});

describe("what is repeated", () => {
  const statuses = [200, 204, 301, 400, 401, 403, 404, 408, 409, 418, 425, 429, 451, 500, 501, 502, 503, 504, 529, 599];

  it.each(["POST", "PUT", "PATCH", "DELETE"])(
    "never a %s without an idempotency key, whatever happens",
    async (method) => {
      for (const code of statuses) {
        const vendor = bench([status(code)]);
        const result = await vendor.run({ method, body: bytes("{}") });
        expect(vendor.seen).toHaveLength(1);
        expect(result.ok && result.value.response.status).toBe(code);
      }
      for (const answer of [new Error("reset"), "hang"] as const) {
        const vendor = bench([answer]);
        const result = await vendor.run({ method, body: bytes("{}") });
        expect(vendor.seen).toHaveLength(1);
        expect(result.ok).toBe(false);
      }
    },
  );

  it.each(["GET", "HEAD", "OPTIONS"])("a %s after the configured statuses, up to the attempts", async (method) => {
    for (const code of statuses) {
      const vendor = bench([status(code, {}, "")]);
      const result = await vendor.run({ method });
      expect(vendor.seen).toHaveLength(RULE.retryStatuses.includes(code) ? 3 : 1);
      expect(result.ok && result.value.attempts).toBe(vendor.seen.length);
    }
  });

  it("a safe call after a reset and after a timeout, until it succeeds", async () => {
    const vendor = bench([new Error("reset"), "hang", status(200)]);
    const result = await vendor.run();
    expect(result.ok && result.value.response.status).toBe(200);
    expect(result.ok && result.value.notes).toEqual({
      given_up: [
        { outcome: "unreachable", wait_ms: 100 },
        { outcome: "timeout", wait_ms: 200 },
      ],
    });
    expect(vendor.reports.map((report) => [report.failed, report.repeated])).toEqual([
      [false, true],
      [false, true],
      [false, false],
    ]);
  });

  it("nothing for which the vendor's quota has no unit left, or none is known of", async () => {
    for (const takeQuota of [() => Promise.resolve(false), () => Promise.reject(new Error("away"))]) {
      for (const answer of [status(503), status(401), new Error("reset")]) {
        const vendor = bench([answer, status(200)], {}, 2);
        await vendor.run({ takeQuota });
        expect(vendor.seen).toHaveLength(1);
      }
    }
    let left = 1;
    const vendor = bench([status(503), status(503), status(200)]);
    await vendor.run({ takeQuota: () => Promise.resolve(left-- > 0) });
    expect(vendor.seen).toHaveLength(2);
  });

  it("a write with the caller's idempotency key, unchanged, with the same body", async () => {
    const vendor = bench([status(503), status(200)], { idempotencyHeader: "idempotency-key" });
    const body = new Response("payload").body;
    await vendor.run({ method: "POST", body, headers: headerMap({ "idempotency-key": "abc" }) });
    expect(vendor.seen.map((each) => [each.body, each.headers.get("idempotency-key")])).toEqual([
      ["payload", "abc"],
      ["payload", "abc"],
    ]);
  });

  it("a write to which a key was added, once per call", async () => {
    const rule = { idempotencyHeader: "idempotency-key", injectIdempotencyKey: true };
    const vendor = bench([status(503), status(200)], rule);
    await vendor.run({ method: "POST", body: bytes("{}") });
    expect(vendor.seen.map((each) => each.headers.get("idempotency-key"))).toEqual(["req_1", "req_1"]);
    const read = bench([status(200)], rule);
    await read.run();
    expect(read.seen[0]?.headers.has("idempotency-key")).toBe(false);
  });

  it("a write only on the paths where the vendor knows its key", async () => {
    const rule = { idempotencyHeader: "idempotency-key", injectIdempotencyKey: true };
    const headers = headerMap({ "idempotency-key": "abc" });
    const other = bench([status(503), status(200)], { ...rule, idempotencyPaths: ["/emails"] });
    await other.run({ method: "POST", headers, body: bytes("{}") });
    expect(other.seen).toHaveLength(1);
    await other.run({ method: "POST", body: bytes("{}") });
    expect(other.seen.map((each) => each.headers.get("idempotency-key"))).toEqual(["abc", null]);
    const known = bench([status(503), status(200)], { ...rule, idempotencyPaths: ["/emails", "/v1/*"] });
    await known.run({ method: "POST", body: bytes("{}") });
    expect(known.seen.map((each) => each.headers.get("idempotency-key"))).toEqual(["req_1", "req_1"]);
  });

  it("a write never for a blank idempotency key", async () => {
    const vendor = bench([status(503), status(200)], { idempotencyHeader: "idempotency-key" });
    await vendor.run({ method: "POST", body: bytes("{}"), headers: headerMap({ "idempotency-key": " " }) });
    expect(vendor.seen).toHaveLength(1);
    const rule = { idempotencyHeader: "idempotency-key", injectIdempotencyKey: true };
    const added = bench([status(503), status(200)], rule);
    await added.run({ method: "POST", body: bytes("{}"), headers: headerMap({ "idempotency-key": "" }) });
    expect(added.seen.map((each) => each.headers.get("idempotency-key"))).toEqual(["req_1", "req_1"]);
  });

  it("nothing when the vendor says not to, and more when it says so", async () => {
    const no = bench([status(503, { "x-should-retry": "false" })]);
    await no.run();
    expect(no.seen).toHaveLength(1);
    const yes = bench([status(409, { "x-should-retry": "true" }), status(200)]);
    await yes.run();
    expect(yes.seen).toHaveLength(2);
    const write = bench([status(409, { "x-should-retry": "true" })]);
    await write.run({ method: "POST" });
    expect(write.seen).toHaveLength(1);
  });

  it("nothing while the connection is held back", async () => {
    const vendor = bench([status(503)]);
    vendor.held = true;
    const result = await vendor.run();
    expect(vendor.seen).toHaveLength(1);
    expect(result.ok && result.value.response.status).toBe(503);
  });

  it("at most a fifth of the calls, over many failing ones", async () => {
    const vendor = bench([status(503)]);
    for (let call = 0; call < 200; call += 1) await vendor.run();
    expect(vendor.seen.length).toBeGreaterThan(200);
    expect(vendor.seen.length).toBeLessThanOrEqual(240);
  });
});

describe("the call's record", () => {
  it("says when the call was a breaker's probe", async () => {
    const vendor = bench([status(200)]);
    vendor.phase = "half_open";
    const result = await vendor.run();
    expect(result.ok && result.value.notes).toEqual({ breaker: "half_open" });
    vendor.phase = "closed";
    const plain = await vendor.run();
    expect(plain.ok && plain.value.notes).toEqual({});
  });
});

describe("waiting", () => {
  it("obeys Retry-After, and hands the answer on when that is too long", async () => {
    const short = bench([status(429, { "retry-after": "2" }), status(200)]);
    const result = await short.run();
    expect(result.ok && result.value.response.status).toBe(200);
    expect(short.slept[0]).toBeGreaterThanOrEqual(2_000);
    expect(short.reports[0]?.holdUntilMs).toBeGreaterThan(Date.now() + 1_000);
    const long = bench([status(429, { "retry-after": "120" })]);
    const passed = await long.run();
    expect(long.seen).toHaveLength(1);
    expect(passed.ok && passed.value.response.status).toBe(429);
  });

  it("finds a limit in the body without taking anything from it", async () => {
    const limitSigns = [{ statuses: [200], header: null, bodyIncludes: "THROTTLED" }];
    const vendor = bench([status(200, {}, '{"code":"THROTTLED"}'), status(200, {}, "fine")], { limitSigns });
    const result = await vendor.run();
    expect(vendor.seen).toHaveLength(2);
    expect(result.ok && (await result.value.response.text())).toBe("fine");
    const write = bench([status(200, {}, '{"code":"THROTTLED"}')], { limitSigns });
    const kept = await write.run({ method: "POST" });
    expect(kept.ok && (await kept.value.response.text())).toBe('{"code":"THROTTLED"}');
  });

  it("looks into no event stream, and for a short while only into a body that does not come", async () => {
    const limitSigns = [{ statuses: [200, 403], header: null, bodyIncludes: "THROTTLED" }];
    const endless = () => new ReadableStream<Uint8Array>({ pull: () => new Promise(() => undefined) });
    const startedMs = Date.now();
    const events = bench([() => new Response(endless(), { headers: { "content-type": "text/event-stream" } })], {
      limitSigns,
    });
    const streamed = await events.run();
    expect(streamed.ok && streamed.value.response.status).toBe(200);
    expect(Date.now() - startedMs).toBeLessThan(500);
    const slow = bench([() => new Response(endless(), { status: 403 })], { limitSigns });
    const refused = await slow.run();
    expect(refused.ok && refused.value.response.status).toBe(403);
    expect(Date.now() - startedMs).toBeLessThan(3_000);
  });

  it("does not start a repeat that the total time does not allow", async () => {
    const vendor = bench([status(503)], { totalTimeoutMs: 50, baseDelayMs: 200 });
    await vendor.run();
    expect(vendor.seen).toHaveLength(1);
  });
});

describe("failures", () => {
  it("tells a timeout from a vendor that cannot be reached", async () => {
    const slow = await bench(["hang"]).run({ method: "POST" });
    expect(slow.ok || slow.error.refusal.code).toBe("upstream_timeout");
    const gone = await bench([new Error("reset")]).run({ method: "POST" });
    expect(gone.ok || gone.error).toMatchObject({
      refusal: { code: "upstream_unreachable" },
      forwarded: true,
      attempts: 1,
    });
  });

  it("ends with the caller, and sends nothing for one that has gone already", async () => {
    const controller = new AbortController();
    const vendor = bench(["hang"], { firstByteTimeoutMs: 5_000 });
    setTimeout(() => controller.abort(), 10);
    const result = await vendor.run({ signal: controller.signal });
    expect(result.ok || result.error.refusal.reason).toBe("client_gone");
    const late = bench([status(200)]);
    const never = await late.run({ signal: AbortSignal.abort() });
    expect(late.seen).toHaveLength(0);
    expect(never.ok || never.error).toMatchObject({ forwarded: false, attempts: 0 });
  });

  it("turns a status that HTTP does not know into a refusal", async () => {
    const odd = status(200);
    Object.defineProperty(odd, "status", { value: 999 });
    const result = await bench([() => odd]).run();
    expect(result.ok || result.error.refusal).toMatchObject({
      code: "upstream_unreachable",
      reason: "upstream_status_unknown",
    });
  });

  it("counts for the breaker once per call, and never for the caller's mistakes", async () => {
    const failing = bench([status(503)]);
    await failing.run();
    expect(failing.reports.filter((report) => report.failed)).toHaveLength(1);
    const mistaken = bench([status(422)]);
    await mistaken.run();
    expect(mistaken.reports.filter((report) => report.failed)).toHaveLength(0);
  });
});

describe("other keys", () => {
  it("are tried at once when the vendor refuses one, whatever the method", async () => {
    const vendor = bench([status(401), status(200)], {}, 2);
    const result = await vendor.run({ method: "POST", body: new Response("payload").body });
    expect(result.ok && result.value.response.status).toBe(200);
    expect(vendor.seen.map((each) => [each.key, each.body])).toEqual([
      ["0", "payload"],
      ["1", "payload"],
    ]);
    expect(vendor.switches).toEqual(["refused"]);
    expect(vendor.reports[0]).toMatchObject({ upstreamCredentialId: "ucred_0", refused: true });
    expect(vendor.slept).toEqual([]);
  });

  it("are tried when one is exhausted, but only for calls that may be repeated", async () => {
    const read = bench([status(429, { "retry-after": "60" }), status(200)], {}, 2);
    const result = await read.run();
    expect(result.ok && result.value.response.status).toBe(200);
    const write = bench([status(429)], {}, 2);
    await write.run({ method: "POST" });
    expect(write.seen).toHaveLength(1);
  });

  it.each([
    ["a timeout", "hang" as const, status(429)],
    ["a reset", new Error("reset"), status(401)],
    ["a failure", status(502), status(429)],
    ["a conflict with itself", status(409), status(429)],
  ])("are not tried for a write that may have been carried out with the first: %s", async (_name, first, second) => {
    const rule = { idempotencyHeader: "idempotency-key", retryStatuses: [409, 429, 502] };
    const headers = headerMap({ "idempotency-key": "abc" });
    const write = bench([first, second], rule, 2);
    await write.run({ method: "POST", headers, body: bytes("{}") });
    expect(new Set(write.seen.map((each) => each.key))).toEqual(new Set(["0"]));
    expect(write.switches).toEqual([]);
    const read = bench([first, second, status(200)], rule, 2);
    const result = await read.run();
    expect(result.ok && result.value.response.status).toBe(200);
    expect(read.seen.map((each) => each.key)).toEqual(["0", "0", "1"]);
  });

  it("end with the last: its answer is handed on", async () => {
    const vendor = bench([status(401)], {}, 9);
    const result = await vendor.run();
    expect(result.ok && result.value.response.status).toBe(401);
    expect(vendor.seen).toHaveLength(4);
  });

  it("include one new access token", async () => {
    const auth = {
      scheme: "oauth2_client_credentials",
      token_url: "https://vendor.test/token",
      client_id: "c",
      scope: null,
      audience: null,
      client_auth: "basic",
    } as const;
    const vendor = bench([status(401)]);
    const result = await vendor.run({
      connection: { ...vendor.connection, auth },
      method: "POST",
      body: new Response("b").body,
    });
    expect(vendor.switches).toEqual(["token_rejected"]);
    expect(vendor.seen.map((each) => each.body)).toEqual(["b", "b"]);
    expect(result.ok && result.value.response.status).toBe(401);
  });

  it("that cannot be used end the call, which is on the vendor's record", async () => {
    const vendor = bench([status(401)], {}, 2);
    let built = 0;
    const result = await vendor.run({
      buildRequest: () => {
        built += 1;
        if (built > 1) throw new Error("unusable");
        return new Request("https://vendor.test/");
      },
    });
    expect(result.ok || result.error).toMatchObject({
      refusal: { code: "secret_unavailable" },
      forwarded: true,
      attempts: 1,
    });
  });

  it("do not matter when they cannot be read: the vendor's answer is handed on", async () => {
    const vendor = bench([status(401, {}, "who are you")], {}, 2);
    const result = await vendor.run({ switchKey: () => Promise.reject(new Error("vault is down")) });
    expect(result.ok && (await result.value.response.text())).toBe("who are you");
  });
});

describe("bodies", () => {
  const stream = (chunks: number, size: number) => {
    let left = chunks;
    return new ReadableStream<Uint8Array>({
      pull(controller) {
        if (left === 0) return controller.close();
        left -= 1;
        controller.enqueue(new Uint8Array(size).fill(97 + left));
      },
    });
  };

  it("that are too long to keep stream on whole, and are sent once", async () => {
    const vendor = bench([status(503)], { idempotencyHeader: "idempotency-key", replayBodyMaxBytes: 1_000 });
    const headers = headerMap({ "idempotency-key": "abc" });
    await vendor.run({ method: "POST", body: stream(9, 300), headers });
    expect(vendor.seen).toHaveLength(1);
    expect(vendor.seen[0]?.body).toBe([..."ihgfedcba"].map((letter) => letter.repeat(300)).join(""));
  });

  it("that still stream when an attempt fails say nothing about the vendor; those at hand do", async () => {
    for (const [declaredBytes, reports] of [
      [2_700, 1],
      [null, 0],
      [300_000, 0],
    ] as const) {
      for (const broken of [new Error("connection refused"), "hang"] as const) {
        const vendor = bench([broken], { firstByteTimeoutMs: 20, totalTimeoutMs: 60 });
        const result = await vendor.run({ method: "POST", body: stream(9, 300), declaredBytes });
        expect(result.ok).toBe(false);
        expect([declaredBytes, broken, vendor.reports.length]).toEqual([declaredBytes, broken, reports]);
      }
    }
  });

  it("are not read ahead when no repeat could need them, or when they say that they are too long", async () => {
    for (const call of [
      { method: "POST" },
      { method: "POST", headers: headerMap({ "idempotency-key": "abc" }), declaredBytes: 5_000_000 },
    ]) {
      const body = stream(3, 10);
      const passed: unknown[] = [];
      const vendor = bench([status(200)], { idempotencyHeader: "idempotency-key" });
      await vendor.run({
        ...call,
        body,
        buildRequest: (headers, given) => {
          passed.push(given);
          return new Request("https://vendor.test/", { method: "POST", headers, body: given });
        },
      });
      expect(passed).toEqual([body]);
      expect(passed[0]).toBe(body);
    }
  });
});
