import { describe, expect, it } from "vitest";
import { handleCall } from "./pipeline.ts";
import { connection, grant, MASTER_KEY, scope, SETTINGS, world, type World } from "./pipeline.fixture.ts";
import type { GrantDocument } from "./domain/documents.ts";
import { err, ok } from "./domain/result.ts";
import { resolveRoute } from "./domain/route.ts";

/** A limit as the gate tells it. */
const LIMIT = {
  name: "rate",
  kind: "rate",
  unit: "requests",
  limit: 5,
  remaining: 3,
  windowSeconds: 60,
  resetSeconds: 9,
} as const;
const PRODUCTION_KEYS = connection().upstreamCredentials.map((key) => ({ ...key, environment: "production" }));

interface Sent {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Record<string, string>;
  readonly body?: BodyInit | null;
  readonly signal?: AbortSignal;
}

async function send(made: World, sent: Sent = {}): Promise<Response> {
  const url = `http://localhost${sent.path ?? "/conn_test/contacts/7"}`;
  const request = new Request(url, {
    method: sent.method ?? "GET",
    headers: { authorization: `Bearer ${made.token}`, ...sent.headers },
    body: sent.body ?? null,
    signal: sent.signal ?? null,
  });
  const route = resolveRoute(url, { proxyDomain: "localhost" });
  if (route.kind !== "proxy") throw new Error(`not a proxy route: ${route.kind}`);
  return handleCall(request, route, made.ports, SETTINGS);
}

const PRICED: NonNullable<GrantDocument["payment"]> = {
  provider: "credits",
  prices: [],
  defaultUsdMicros: 1_000,
  flow: "authorization",
  quoteLifetimeSeconds: 60,
  accepts: [],
  facilitatorUrl: null,
  account: "recipient",
};

async function problem(response: Response): Promise<Record<string, unknown>> {
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  expect(response.headers.get("x-relaykey-source")).toBe("relaykey");
  return response.json();
}

describe("a document that stands for nothing any more", () => {
  it.each(["revoked", "suspended"] as const)(
    "%s: refused, on record, and neither key nor vendor is touched",
    async (status) => {
      const made = world({ status });
      const response = await send(made);
      expect(response.status).toBe(401);
      expect(await problem(response)).toMatchObject({ code: "credential_invalid" });
      expect(made.admissions[0]?.refusal).toMatchObject({ code: "credential_invalid", reason: status });
      expect(made.log).toEqual(["find", "admit"]);
    },
  );
});

describe("a call that is to be paid for while the vendor is failing", () => {
  const circuitOpen = { code: "circuit_open", detail: "The vendor is failing." } as const;
  const failing = (payment: GrantDocument["payment"]): World => {
    const made = world({ grants: [grant({ payment })] });
    made.reply = () => ({ decision: "go", admission: 1, limits: [], held: circuitOpen });
    return made;
  };

  it("hears of the price first", async () => {
    const made = failing(PRICED);
    const take = () => Promise.resolve(err({ code: "payment_required", detail: "Pay first." } as const));
    const response = await send({ ...made, ports: { ...made.ports, payments: { take } } });
    expect(response.status).toBe(402);
    expect(made.admissions[0]?.asksPayment).toBe(true);
    expect(made.settlements).toMatchObject([{ reason: "payment_required", forwarded: false }]);
    expect(made.log).toEqual(["find", "admit", "settle"]);
  });

  it("is refused once it has paid, and keeps its payment", async () => {
    const made = failing(PRICED);
    const released: string[] = [];
    const hold = {
      settle: () => Promise.reject(new Error("nothing was delivered")),
      close: () => Promise.reject(new Error("nothing was delivered")),
      release: async (reason: string) => void released.push(reason),
    };
    const response = await send({ ...made, ports: { ...made.ports, payments: { take: async () => ok(hold) } } });
    expect(response.status).toBe(503);
    expect(await problem(response)).toMatchObject({ code: "circuit_open" });
    expect(released).toEqual(["circuit_open"]);
    expect(made.settlements).toMatchObject([{ reason: "circuit_open", forwarded: false }]);
    expect(made.sent).toEqual([]);
  });

  it("does not ask the gate to wait where there is no price", async () => {
    const made = world();
    await send(made);
    expect(made.admissions[0]?.asksPayment).toBe(false);
  });
});

describe("a paid call whose vendor does not answer", () => {
  const paid = (vendor: World["vendor"], more: Partial<GrantDocument> = {}): { made: World; steps: string[] } => {
    const made = world({ grants: [grant({ payment: PRICED, ...more })] });
    made.vendor = vendor;
    const steps: string[] = [];
    const hold = {
      settle: async () => (steps.push("settle"), ok({ headers: {}, note: {} })),
      close: async (usdMicros: number | null) => void steps.push(`close ${String(usdMicros)}`),
      release: async (reason: string) => void steps.push(`release ${reason}`),
    };
    return { made: { ...made, ports: { ...made.ports, payments: { take: async () => ok(hold) } } }, steps };
  };

  it("is charged when the caller hung up after the call had gone out", async () => {
    const controller = new AbortController();
    const { made, steps } = paid(() => {
      controller.abort();
      return new Promise<Response>(() => undefined);
    });
    await send(made, { signal: controller.signal });
    expect(made.sent).toHaveLength(1);
    expect(steps).toEqual(["settle", "close null"]);
    expect(made.settlements).toMatchObject([{ reason: "client_gone", forwarded: true }]);
  });

  it.each([
    ["a short answer", {}],
    ["an answer to take members out of", { scope: scope({ removeResponseMembers: ["secret"] }) }],
  ])("is charged when the caller hung up in the middle of %s, which breaks it off", async (_name, more) => {
    const leaving = new AbortController();
    const answer = (controller: AbortController | null, status: number) => (): Response => {
      const pull = (stream: ReadableStreamDefaultController): void => {
        controller?.abort();
        stream.error(new Error("broken off"));
      };
      // Not before somebody reads.
      const body = new ReadableStream<Uint8Array>({ pull }, { highWaterMark: 0 });
      return new Response(body, { status, headers: { "content-type": "application/json", "content-length": "9" } });
    };
    const gone = paid(answer(leaving, 200), more);
    await send(gone.made, { method: "POST", signal: leaving.signal });
    expect(gone.steps).toEqual(["settle", "close null"]);
    expect(gone.made.settlements).toMatchObject([{ reason: "client_gone", forwarded: true }]);
    // The vendor's own doing, and a failure that it has said, cost nothing all the same.
    for (const [controller, status] of [
      [null, 200],
      [new AbortController(), 500],
    ] as const) {
      const broken = paid(answer(controller, status), more);
      await send(broken.made, { method: "POST", signal: controller?.signal ?? AbortSignal.any([]) });
      expect(broken.steps.at(-1)).toMatch(/^release /);
    }
  });

  it("is not charged when the caller had gone before, or when the vendor cannot be reached", async () => {
    const early = paid(() => new Response("never asked"));
    await send(early.made, { signal: AbortSignal.abort() });
    expect(early.made.sent).toEqual([]);
    expect(early.steps).toEqual(["release upstream_unreachable"]);
    const broken = paid(() => Promise.reject(new Error("reset")));
    await send(broken.made, { method: "POST" });
    expect(broken.steps).toEqual(["release upstream_unreachable"]);
  });
});

describe("an allowed call", () => {
  it("is admitted before the secret is read, and the vendor sees its key and not the token", async () => {
    const made = world();
    const response = await send(made);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ ok: true });
    expect(made.log).toEqual(["find", "admit", "open", "fetch", "settle"]);
    const [outgoing] = made.sent;
    expect(outgoing?.url).toBe("https://vendor.example.com/contacts/7");
    expect(outgoing?.headers.get("authorization")).toBe(`Bearer ${MASTER_KEY}`);
    expect(JSON.stringify([...(outgoing?.headers ?? [])])).not.toContain(made.token);
    expect(made.settlements).toMatchObject([
      { admission: 1, status: 200, upstreamStatus: 200, forwarded: true, reason: null },
    ]);
    expect(response.headers.get("x-relaykey-request-id")).toMatch(/^req_/);
    expect(response.headers.get("x-relaykey-source")).toBe("upstream");
  });

  it("keeps the query byte for byte, and drops the token's own parameter", async () => {
    const made = world({ grants: [grant({ connection: connection({ tokenQueryParams: ["ak"] }) })] });
    await send(made, { path: `/conn_test/contacts?q=a%20b&ak=${made.token}&x=1` });
    expect(made.sent[0]?.url).toBe("https://vendor.example.com/contacts?q=a%20b&x=1");
  });

  it("streams a body of unknown length and settles at its end", async () => {
    const made = world();
    const chunks = ["data: 1\n\n", "data: 2\n\n"];
    made.vendor = () =>
      new Response(
        new ReadableStream({
          pull(controller) {
            const next = chunks.shift();
            if (next === undefined) controller.close();
            else controller.enqueue(new TextEncoder().encode(next));
          },
        }),
        { headers: { "content-type": "text/event-stream" } },
      );
    const response = await send(made);
    expect(made.settlements).toEqual([]);
    expect(await response.text()).toBe("data: 1\n\ndata: 2\n\n");
    expect(made.settlements).toMatchObject([{ bytesOut: 18, status: 200 }]);
  });

  it("records the bytes of an upload, of stated length and of none", async () => {
    for (const stated of [true, false]) {
      const made = world();
      let arrived = "";
      made.vendor = async (request) => {
        arrived = await request.text();
        return new Response("{}");
      };
      const body = new Blob(["12345", "678"]);
      const headers = stated ? { "content-length": "8" } : {};
      await (await send(made, { method: "POST", body: stated ? body : body.stream(), headers })).text();
      expect(arrived).toBe("12345678");
      expect(made.settlements).toMatchObject([{ bytesIn: 8 }]);
    }
  });

  it.each([
    [8, 200],
    [7, 413],
  ])("lets an upload of no stated length be 8 bytes long where %i are allowed: %i", async (maxBodyBytes, status) => {
    const made = world();
    const reports: unknown[] = [];
    const ports = {
      ...made.ports,
      health: { ...made.ports.health, report: (...told: unknown[]) => reports.push(told) },
    };
    made.vendor = async (request) => new Response(await request.text());
    const url = "http://localhost/conn_test/contacts/7";
    const headers = { authorization: `Bearer ${made.token}` };
    const request = new Request(url, { method: "POST", headers, body: new Blob(["12345", "678"]).stream() });
    const route = resolveRoute(url, { proxyDomain: "localhost" });
    if (route.kind !== "proxy") throw new Error("not a proxy route");
    const response = await handleCall(request, route, ports, { ...SETTINGS, maxBodyBytes });
    await response.text();
    expect(response.status).toBe(status);
    expect(made.settlements).toMatchObject([{ status, bytesIn: 8, forwarded: true }]);
    // It says nothing about the vendor.
    expect(reports).toHaveLength(status === 413 ? 0 : 1);
  });

  it("masks a key that the vendor echoes, in the body and in a header", async () => {
    const made = world();
    made.vendor = () => new Response(`you sent ${MASTER_KEY}!`, { status: 400, headers: { "x-echo": MASTER_KEY } });
    const response = await send(made);
    const text = `${await response.text()} ${response.headers.get("x-echo")}`;
    expect(text).not.toContain(MASTER_KEY);
    expect(text).toContain("you sent *");
    expect(made.settlements[0]?.notes).toMatchObject({ echo_masked: true });
  });

  it("masks it in the reason phrase too", async () => {
    const made = world();
    made.vendor = () => new Response("no", { status: 401, statusText: `Bad key ${MASTER_KEY}` });
    const { statusText } = await send(made);
    expect(statusText).toBe(`Bad key ${"*".repeat(MASTER_KEY.length)}`);
  });

  it("passes by the platform's cache, which does not know the key", async () => {
    const made = world();
    let asked: Request | null = null;
    made.vendor = (request) => {
      asked = request;
      return new Response("ok");
    };
    await send(made);
    expect(asked).toMatchObject({ cache: "no-store" });
  });

  it.each(["zstd", "deflate", "gzip, gzip", "GZIP"])("does not pass on what it cannot search: %s", async (coding) => {
    const made = world();
    made.vendor = () => new Response("coded", { headers: { "content-encoding": coding } });
    const response = await send(made);
    expect(response.status).toBe(502);
    expect(await response.json()).toMatchObject({ code: "upstream_unreachable" });
    expect(made.settlements).toMatchObject([{ upstreamStatus: 200, reason: "unsearchable" }]);
  });

  it("points a Location at the vendor back at the proxy", async () => {
    const made = world();
    made.vendor = () =>
      new Response(null, { status: 302, headers: { location: "https://vendor.example.com/contacts/8" } });
    const response = await send(made);
    expect(response.status).toBe(302);
    expect(response.headers.get("location")).toBe("http://localhost/conn_test/contacts/8");
  });

  it.each([
    ["http://localhost/conn_other/x", null],
    ["//localhost/.relaykey/whoami", null],
    ["../../conn_other/x", "http://localhost/conn_test/conn_other/x"],
    ["/../conn_other/x", "https://vendor.example.com/../conn_other/x"],
  ])("lets no Location lead the token to another connection: %s", async (location, seen) => {
    const made = world();
    made.vendor = () => new Response(null, { status: 307, headers: { location, link: `<${location}>; rel=next` } });
    const response = await send(made);
    expect(response.status).toBe(307);
    expect(response.headers.get("location")).toBe(seen);
    expect(response.headers.get("link")).toBe(seen === null ? null : `<${seen}>; rel=next`);
  });
});

describe("response rules", () => {
  const ruled = () =>
    world({ grants: [grant({ scope: scope({ removeResponseMembers: ["items[].email", "secret"] }) })] });

  it("take members out of JSON answers and leave the rest byte for byte", async () => {
    const made = ruled();
    made.vendor = () => new Response('{"items": [ {"id": 1.0, "email": "a@b"}], "secret": {"x": 1}}');
    expect(await (await send(made)).text()).toBe('{"items": [{"id": 1.0}]}');
  });

  it.each([
    ["text", "hello a@b", "text/plain"],
    ["broken JSON", '{"items":[{"email":"a@b"', "application/json"],
    ["a stream", 'data: {"secret":1}\n\n', "text/event-stream"],
  ])("refuse %s, which nobody can judge", async (_name, body, type) => {
    const made = ruled();
    made.vendor = () => new Response(body, { headers: { "content-type": type } });
    const response = await send(made);
    expect(await problem(response)).toMatchObject({ status: 403, code: "body_denied" });
    expect(made.settlements).toMatchObject([{ forwarded: true, reason: "response_unreadable" }]);
  });

  it("let an empty answer pass", async () => {
    const made = ruled();
    made.vendor = () => new Response(null, { status: 204 });
    expect((await send(made)).status).toBe(204);
  });
});

describe("a refused call", () => {
  it.each([
    ["no token", {}, 401, "credential_missing", { headers: { authorization: "" } }],
    [
      "a forged token",
      {},
      401,
      "credential_invalid",
      { headers: { authorization: `Bearer rk_proxy_${"A".repeat(67)}` } },
    ],
    ["an unknown connection", {}, 403, "connection_not_granted", { path: "/conn_other/contacts" }],
    ["another path", {}, 403, "path_denied", { path: "/conn_test/deals" }],
    ["another method", {}, 403, "method_denied", { method: "DELETE" }],
    ["an ambiguous path", {}, 400, "ambiguous_path", { path: "/conn_test/contacts/%2e%2e/deals" }],
    ["an encoded slash", {}, 400, "ambiguous_path", { path: "/conn_test/contacts%2f..%2fdeals" }],
    ["a customer that cannot be", {}, 400, "invalid_request", { headers: { "x-relaykey-customer": "a b" } }],
    [
      "a denied parameter",
      { grants: [grant({ scope: scope({ denyQueryParams: ["expand"] }) })] },
      403,
      "query_denied",
      { path: "/conn_test/contacts?Expand%5B%5D=x" },
    ],
    [
      "another environment",
      { environment: "staging", grants: [grant({ connection: connection({ environment: "production" }) })] },
      403,
      "environment_denied",
      {},
    ],
    [
      "a key of another environment",
      { environment: "staging", grants: [grant({ connection: connection({ upstreamCredentials: PRODUCTION_KEYS }) })] },
      403,
      "environment_denied",
      {},
    ],
    [
      "a paused connection",
      { grants: [grant({ connection: connection({ status: "paused" }) })] },
      503,
      "connection_paused",
      {},
    ],
  ] as const)("%s: %s %s", async (_name, change, status, code, sent) => {
    const made = world(change as Parameters<typeof world>[0]);
    const response = await send(made, sent);
    expect(await problem(response)).toMatchObject({ status, code, error: { code } });
    expect(response.status).toBe(status);
    expect(made.sent).toEqual([]);
    expect(made.log).not.toContain("open");
    const recorded = made.log.filter((step) => step === "admit" || step === "doorstep");
    expect(recorded).toHaveLength(1);
  });

  it("with two different tokens is on record and reads 400", async () => {
    const made = world();
    const other = world();
    const response = await send(made, { headers: { "x-relaykey": `${other.token.slice(0, -1)}0` } });
    expect(response.status).toBe(400);
    expect(made.admissions[0]?.refusal?.code).toBe("conflicting_credentials");
  });

  it("counts a token in a usual place, wherever else it or another one stands", async () => {
    const made = world();
    expect((await send(made, { headers: { apikey: made.token } })).status).toBe(200);
    expect(made.sent[0]?.headers.has("apikey")).toBe(false);
    const response = await send(made, { headers: { apikey: `${made.token.slice(0, -1)}0` } });
    expect(await problem(response)).toMatchObject({ status: 400, code: "conflicting_credentials" });
    const misplaced = await send(made, { headers: { apikey: made.token, authorization: "Basic Og==" } });
    expect(await problem(misplaced)).toMatchObject({ status: 401, code: "credential_missing" });
  });

  it("says which scope would have been enough", async () => {
    const response = await send(world(), { path: "/conn_test/deals/4" });
    expect(await problem(response)).toMatchObject({
      smallest_scope: { allowed_methods: ["GET"], allowed_paths: ["/deals/4"] },
    });
    expect(response.headers.get("x-should-retry")).toBe("false");
  });
});

describe("the vendor asks everyone to wait", () => {
  it.each([
    ["no limit of its own", [], '"vendor";r=0;t=42', '"vendor";q=0;w=42'],
    ["a limit with something left", [LIMIT], '"vendor";r=0;t=42, "rate";r=3;t=9', '"vendor";q=0;w=42, "rate";q=5;w=60'],
    ["a limit that is used up", [{ ...LIMIT, remaining: 0 }], '"rate";r=0;t=9', '"rate";q=5;w=60'],
  ] as const)("tells a credential with %s when to go on", async (_name, limits, state, policy) => {
    const made = world();
    const refusal = { code: "vendor_limited", detail: "Wait.", retryAfterSeconds: 41.2 } as const;
    made.reply = () => ({ decision: "refused", refusal, limits });
    const response = await send(made);
    expect(response.status).toBe(429);
    expect(response.headers.get("retry-after")).toBe("42");
    expect(response.headers.get("ratelimit")).toBe(state);
    expect(response.headers.get("ratelimit-policy")).toBe(policy);
  });
});

describe("any failing part refuses", () => {
  it.each([
    ["find", 503, "unavailable", 0],
    ["admit", 503, "unavailable", 0],
    ["open", 503, "secret_unavailable", 1],
    ["fetch", 502, "upstream_unreachable", 1],
  ] as const)("%s fails: %i %s", async (part, status, code, settled) => {
    const made = world();
    made.broken.add(part);
    const response = await send(made);
    const document = await problem(response);
    expect(document).toMatchObject({ status, code });
    expect(JSON.stringify(document)).not.toContain("planted failure");
    expect(JSON.stringify(document)).not.toContain(MASTER_KEY);
    expect(made.settlements).toHaveLength(settled);
    if (part !== "fetch") expect(made.sent).toEqual([]);
  });

  it("reads the document anew when the gate says it is old, and judges by the new one", async () => {
    const made = world();
    let asked = 0;
    made.reply = (request) => {
      asked += 1;
      if (asked === 1) return { decision: "reload" };
      if (request.document === null) return { decision: "need_document" };
      return { decision: "go", admission: 1, limits: [] };
    };
    expect((await send(made)).status).toBe(200);
    expect(made.log.filter((step) => step === "find")).toHaveLength(2);
    expect(made.admissions).toHaveLength(3);
  });

  it("does not let a token through that a rotation has replaced while its call was under way", async () => {
    const made = world();
    let asked = 0;
    made.reply = () => {
      asked += 1;
      // The document that is read anew knows another token.
      if (asked === 1) made.document.tokenHashes.splice(0);
      return asked === 1 ? { decision: "reload" } : { decision: "go", admission: 1, limits: [] };
    };
    const response = await send(made);
    expect(response.status).toBe(401);
    expect(made.sent).toEqual([]);
  });

  it("gives up on a configuration that never settles", async () => {
    const made = world();
    made.reply = () => ({ decision: "reload" });
    expect((await send(made)).status).toBe(503);
    expect(made.sent).toEqual([]);
  });

  it("answers 502 when a small answer breaks off, and settles once", async () => {
    const made = world();
    made.vendor = () =>
      new Response(new ReadableStream({ pull: (c) => c.error(new Error("reset")) }), {
        headers: { "content-length": "10" },
      });
    const response = await send(made);
    expect(response.status).toBe(502);
    expect(made.settlements).toHaveLength(1);
    expect(made.settlements[0]).toMatchObject({ forwarded: true, costUsdMicros: null });
  });
});
