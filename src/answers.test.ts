/** What callers may and may not tell apart, and what every answer of the proxy carries. */
import { describe, expect, it } from "vitest";
import { credentialInvalid } from "./domain/problem.ts";
import { answerOwnRoute } from "./own-routes.ts";
import { handleCall } from "./pipeline.ts";
import { connection, grant, MASTER_KEY, scope, SETTINGS, world, type World } from "./pipeline.fixture.ts";
import { resolveRoute } from "./domain/route.ts";

async function send(
  made: World,
  headers: Record<string, string> = {},
  path = "/conn_test/contacts/7",
  method = "GET",
): Promise<Response> {
  const url = `http://localhost${path}`;
  const request = new Request(url, { method, headers: { authorization: `Bearer ${made.token}`, ...headers } });
  const route = resolveRoute(url, { proxyDomain: "localhost" });
  if (route.kind !== "proxy") throw new Error(`not a proxy route: ${route.kind}`);
  return handleCall(request, route, made.ports, SETTINGS);
}

/** All that a caller sees, less the request's own id. */
async function seen(response: Response): Promise<unknown> {
  const { instance: _instance, ...body } = await response.json<Record<string, unknown>>();
  const headers = [...response.headers].filter(([name]) => name !== "x-relaykey-request-id");
  return { status: response.status, headers, body };
}

describe("a token that does not count", () => {
  it("is told the same whether it is forged, unknown, revoked or expired", async () => {
    const grants = [grant({ connection: connection({ noRetryHeader: "vendor-should-retry" }) })];
    const forged = world({ grants });
    const limits = [
      {
        name: "recipient-60s",
        kind: "rate",
        unit: "requests",
        limit: 5,
        remaining: 1,
        windowSeconds: 60,
        resetSeconds: 9,
      },
    ] as const;
    const told = [await seen(await send({ ...forged, token: `${forged.token.slice(0, -8)}00000000` }))];
    const unknown = world({ grants });
    unknown.ports.credentials.find = () => Promise.resolve(null);
    told.push(await seen(await send(unknown)));
    for (const reason of ["revoked", "expired", "suspended"]) {
      const made = world({ grants });
      made.reply = () => ({ decision: "refused", refusal: credentialInvalid(reason), limits });
      told.push(await seen(await send(made)));
    }
    for (const state of ["revoked", "expired"] as const) {
      const made = world({ grants });
      made.ports.gate.inspect = () => Promise.resolve({ state, limits: [], trustedAddresses: [] });
      const headers = { authorization: `Bearer ${made.token}`, "x-relaykey": `${made.token.slice(0, -8)}00000000` };
      const request = new Request("http://localhost/.relaykey/whoami", { headers });
      told.push(await seen(await answerOwnRoute(request, "whoami", made.ports, SETTINGS)));
    }
    for (const each of told) expect(each).toEqual(told[0]);
    expect(JSON.stringify(told[0])).toContain("credential_invalid");
  });
});

describe("a refusal that may pass", () => {
  it("says in whole seconds when to come back, also where nobody knows", async () => {
    const made = world();
    made.vendor = () => Promise.reject(new TypeError("unreachable"));
    const response = await send(made);
    expect(response.status).toBe(502);
    expect(response.headers.get("retry-after")).toMatch(/^[1-9]\d*$/);
    const body = await response.json<Record<string, unknown>>();
    expect(body).toMatchObject({ retryable: true, retry_after_seconds: Number(response.headers.get("retry-after")) });
    const final = await send(world(), {}, "/conn_test/elsewhere");
    expect(final.headers.get("retry-after")).toBeNull();
    expect(final.headers.get("x-should-retry")).toBe("false");
  });
});

describe("X-RelayKey-Customer", () => {
  it("is judged before the grant, and never recorded when it is not a name", async () => {
    for (const name of ["two words", "x".repeat(129)]) {
      const made = world();
      const response = await send(made, { "x-relaykey-customer": name }, "/conn_other/contacts");
      expect(await response.json()).toMatchObject({ status: 400, code: "invalid_request" });
      expect(made.admissions[0]?.customer).toBeNull();
    }
  });

  it("never carries the token into the record", async () => {
    for (const path of ["/conn_test/contacts/7", "/conn_other/contacts", "/conn_test//contacts"]) {
      const made = world();
      const response = await send(made, { "x-relaykey-customer": made.token }, path);
      expect(response.status).toBe(400);
      expect(JSON.stringify(made.admissions)).not.toContain(made.token);
    }
  });
});

describe("an ambiguous path", () => {
  it("is recorded without a token that escapes hide", async () => {
    const made = world();
    const hidden = made.token.replace("rk_", "%72k%5f");
    await send(made, {}, `/conn_test//${hidden}`);
    expect(JSON.stringify(made.admissions)).not.toContain(made.token.slice(9));
    expect(made.admissions[0]?.path).toBe("/[token]");
  });
});

describe("a WebSocket", () => {
  const handshake = {
    upgrade: "websocket",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    "sec-websocket-version": "13",
  };

  it("is refused before the vendor where the grant's rules look into bodies", async () => {
    const ruled = [
      scope({ graphql: { operations: ["query"], fields: null } }),
      scope({ models: ["small-*"] }),
      scope({ jsonRpc: { methods: ["tools/list"], tools: null } }),
      scope({ body: [{ member: "amount", effect: "deny", values: [] }] }),
      scope({ removeResponseMembers: ["email"] }),
    ];
    for (const each of ruled) {
      const made = world({ grants: [grant({ scope: each })] });
      const response = await send(made, handshake);
      expect(await response.json()).toMatchObject({ status: 403, code: "body_denied" });
      expect(made.sent).toEqual([]);
    }
  });

  it("is named as the vendor's answer where it passes", async () => {
    const made = world();
    made.vendor = () => {
      const [client, server] = Object.values(new WebSocketPair());
      server?.accept();
      return new Response(null, { status: 101, webSocket: client ?? null, headers: { "x-echo": MASTER_KEY } });
    };
    const response = await send(made, handshake);
    expect(response.status).toBe(101);
    expect(response.headers.get("x-echo")).toBe("*".repeat(MASTER_KEY.length));
    expect(response.headers.get("x-relaykey-source")).toBe("upstream");
    expect(response.headers.get("x-relaykey-request-id")).toMatch(/^req_/);
  });
});

describe("a body", () => {
  it("that is too large for its grant stays refused when the document is read anew", async () => {
    const made = world({ grants: [grant({ scope: scope({ maxBodyBytes: 4 }) })] });
    const { reply } = made;
    const asked: (string | undefined)[] = [];
    made.reply = (request) => {
      asked.push(request.refusal?.code);
      return request.document === null ? { decision: "need_document" } : reply(request);
    };
    const url = "http://localhost/conn_test/contacts";
    const headers = { authorization: `Bearer ${made.token}` };
    const route = resolveRoute(url, { proxyDomain: "localhost" });
    if (route.kind !== "proxy") throw new Error("not a proxy route");
    const request = new Request(url, { method: "POST", headers, body: "12345" });
    const response = await handleCall(request, route, made.ports, SETTINGS);
    expect(await response.json()).toMatchObject({ status: 413, code: "body_too_large" });
    expect(asked).toEqual(["body_too_large", "body_too_large"]);
    expect(made.sent).toEqual([]);
  });

  it("is no part of a GET: an empty one passes, another is refused before the gate lets it go", async () => {
    const bytes = [new Uint8Array(0), new TextEncoder().encode("x")];
    const told: number[] = [];
    for (const each of bytes) {
      const made = world();
      const url = "http://localhost/conn_test/contacts";
      const route = resolveRoute(url, { proxyDomain: "localhost" });
      if (route.kind !== "proxy") throw new Error("not a proxy route");
      const stream = new ReadableStream({
        start(controller) {
          if (each.byteLength > 0) controller.enqueue(each);
          controller.close();
        },
      });
      // A GET with a body comes over the wire alone; a script cannot make one.
      const request = new Proxy(new Request(url, { headers: { authorization: `Bearer ${made.token}` } }), {
        get: (target, name) => {
          const value: unknown = name === "body" ? stream : Reflect.get(target, name, target);
          return typeof value === "function" ? value.bind(target) : value;
        },
      });
      told.push((await handleCall(request, route, made.ports, SETTINGS)).status);
      expect(made.sent).toHaveLength(each.byteLength === 0 ? 1 : 0);
    }
    expect(told).toEqual([200, 400]);
  });
});

describe("a JSON answer that may name a next page", () => {
  const paged = [grant({ connection: connection({ urlMembers: ["next"] }) })];
  const answer = (body: object): Response => {
    const bytes = new TextEncoder().encode(JSON.stringify(body));
    const headers = {
      "content-type": "application/json",
      etag: '"v1"',
      "content-md5": "x",
      "content-length": String(bytes.byteLength),
    };
    return new Response(bytes, { headers });
  };

  it("is pointed back at the proxy, and then is not byte for byte what the vendor's ETag names", async () => {
    const made = world({ grants: paged });
    made.vendor = () => answer({ next: "https://vendor.example.com/contacts?page=2" });
    const response = await send(made);
    expect(await response.json()).toEqual({ next: "http://localhost/conn_test/contacts?page=2" });
    expect(response.headers.get("etag")).toBe('W/"v1"');
    expect(response.headers.get("content-md5")).toBeNull();
  });

  it("keeps its ETag where nothing was changed", async () => {
    const made = world({ grants: paged });
    made.vendor = () => answer({ next: null, items: ["https://vendor.example.com/a"] });
    const response = await send(made);
    expect(await response.json()).toEqual({ next: null, items: ["https://vendor.example.com/a"] });
    expect(response.headers.get("etag")).toBe('"v1"');
    expect(response.headers.get("content-md5")).toBe("x");
  });

  it.each([
    ['"v1"', 'W/"v1"'],
    ['W/"v1"', 'W/"v1"'],
    ["v1", null],
  ])("that streams has its ETag %s told as %s", async (etag, told) => {
    const made = world({ grants: paged });
    const body = (): ReadableStream => new Blob(['{"next":null}']).stream();
    made.vendor = () => new Response(body(), { headers: { "content-type": "application/json", etag } });
    const response = await send(made);
    expect(await response.json()).toEqual({ next: null });
    expect(response.headers.get("etag")).toBe(told);
  });
});

describe("a failure after the call went out", () => {
  const failing = async (method: string, headers: Record<string, string> = {}, answer?: () => Response) => {
    const reliability = { ...connection().reliability, idempotencyHeader: "idempotency-key", maxAttempts: 1 };
    const rules = [{ methods: ["*"], paths: ["/contacts/*"] }];
    const made = world({ grants: [grant({ connection: connection({ reliability }), scope: scope({ rules }) })] });
    made.vendor = answer ?? (() => Promise.reject(new Error("reset")));
    const response = await send(made, headers, "/conn_test/contacts/7", method);
    const document: unknown = await response.json();
    const { status } = response;
    return {
      status,
      document,
      after: response.headers.get("retry-after"),
      again: response.headers.get("x-should-retry"),
    };
  };

  it.each([
    ["GET", {}],
    ["PUT", {}],
    ["DELETE", {}],
    ["POST", { "idempotency-key": "mine" }],
  ])("may be tried again by %s %o", async (method, headers) => {
    const told = await failing(method, headers);
    expect(told).toMatchObject({ status: 502, document: { retryable: true }, after: "2", again: null });
  });

  it.each([
    ["POST", {}],
    ["PATCH", {}],
    ["POST", { "idempotency-key": " " }],
    ["POST", { "x-other-key": "mine" }],
  ])("invites nobody to write twice by %s %o", async (method, headers) => {
    const told = await failing(method, headers);
    expect(told).toMatchObject({ status: 502, document: { retryable: false }, after: null, again: "false" });
    expect(told.document).toMatchObject({ detail: expect.stringContaining("may have carried the call out") });
  });

  it("is final where the vendor's answer cannot be read, whatever the method", async () => {
    const unreadable = () => new Response("x", { headers: { "content-encoding": "zstd" } });
    const told = await failing("GET", {}, unreadable);
    expect(told).toMatchObject({ status: 502, document: { retryable: false }, after: null, again: "false" });
  });
});
