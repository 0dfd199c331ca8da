/**
 * The main job from outside: the stack starts as the README says and is driven over HTTP, like any client would.
 * A master key goes in, a scoped token comes out, calls go through, and every one is on record.
 */
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { apiClient, items, member, text, type ApiClient, type Json } from "./harness/api-client.ts";
import { startRecordingVendor, type RecordingVendor } from "./harness/recording-vendor.ts";
import { occurrences } from "./harness/secret-search.ts";
import { filesBelow, startStack, type Stack } from "./harness/stack.ts";

let stack: Stack;
let vendor: RecordingVendor;
let api: ApiClient;
/** Fresh per run, with characters that URL and form encoding change. */
const masterKey = `master/${randomBytes(24).toString("base64")}+key=`;

beforeAll(async () => {
  [stack, vendor] = await Promise.all([startStack({ demo: false }), startRecordingVendor()]);
  api = apiClient(stack);
});

afterAll(async () => {
  await stack?.stop();
  await vendor?.stop();
});

async function createConnection(id: string, auth: unknown = { scheme: "bearer" }): Promise<void> {
  const answer = await api.admin("POST", "/api/v1/connections", {
    id,
    name: `Vendor ${id}`,
    base_url: vendor.origin,
    auth,
    secret: masterKey,
  });
  expect(answer.text).toContain(id);
  expect(answer.status).toBe(201);
}

async function createToken(connectionId: string): Promise<{ readonly id: string; readonly token: string }> {
  const answer = await api.admin("POST", "/api/v1/delegated-credentials", {
    connection_id: connectionId,
    name: "agent run",
    allowed_methods: ["GET"],
    allowed_paths: ["/contacts", "/contacts/*"],
    ttl_seconds: 900,
  });
  expect(answer.status, answer.text).toBe(201);
  return { id: text(member(answer.body, "id")), token: text(member(answer.body, "token")) };
}

const decisions = (events: readonly Json[]) =>
  events.map((event) => [member(event, "decision"), member(event, "reason"), member(event, "status")]);

describe("the main job", () => {
  it("swaps the key in, refuses what lies outside the scope, obeys a revoke, and records all of it", async () => {
    await createConnection("conn_main");
    const { id, token } = await createToken("conn_main");
    expect(token).toMatch(/^rk_proxy_[0-9A-Za-z]{67}$/);

    const allowed = await api.proxy("GET", "/conn_main/contacts?limit=2", token);
    expect(allowed.status, allowed.text).toBe(200);
    expect(allowed.headers.get("x-relaykey-source")).toBe("upstream");
    expect(allowed.headers.get("x-relaykey-request-id")).toMatch(/^req_/);
    expect(vendor.requests).toHaveLength(1);
    expect(vendor.requests[0]?.target).toBe("/contacts?limit=2");
    expect(vendor.requests[0]?.headers.authorization).toBe(`Bearer ${masterKey}`);
    expect(JSON.stringify(vendor.requests[0])).not.toContain(token);

    const governance = await api.proxy("GET", "/proxy/main/contacts/7", token);
    expect(governance.status, governance.text).toBe(200);
    expect(vendor.requests).toHaveLength(2);

    const denied = await api.proxy("GET", "/conn_main/invoices", token);
    expect(denied.status).toBe(403);
    expect(member(denied.body, "code")).toBe("path_denied");
    expect(denied.headers.get("content-type")).toContain("application/problem+json");
    expect(denied.headers.get("x-relaykey-source")).toBe("relaykey");
    const wrongMethod = await api.proxy("DELETE", "/conn_main/contacts/7", token);
    expect(wrongMethod.status).toBe(403);
    expect(member(wrongMethod.body, "code")).toBe("method_denied");
    expect(vendor.requests, "a refused call reached the vendor").toHaveLength(2);

    const revoked = await api.admin("POST", `/api/v1/delegated-credentials/${id}/revoke`);
    expect(revoked.status, revoked.text).toBe(200);
    const after = await api.proxy("GET", "/conn_main/contacts", token);
    expect(after.status).toBe(401);
    expect(member(after.body, "code")).toBe("credential_invalid");
    expect(after.headers.get("www-authenticate")).toBeTruthy();
    expect(vendor.requests).toHaveLength(2);

    const events = await api.events(id, 5);
    expect(events.map((event) => member(event, "seq"))).toEqual([1, 2, 3, 4, 5]);
    expect(decisions(events)).toEqual([
      ["allowed", "ok", 200],
      ["allowed", "ok", 200],
      ["denied", "path_denied", 403],
      ["denied", "method_denied", 403],
      ["denied", "revoked", 401],
    ]);
    const first = events[0] ?? null;
    expect(member(first, "connection_id")).toBe("conn_main");
    expect(member(first, "method")).toBe("GET");
    expect(member(first, "path")).toBe("/contacts");
    expect(member(first, "upstream_status")).toBe(200);
    expect(member(first, "request_id")).toBe(allowed.headers.get("x-relaykey-request-id"));
  });

  it("answers without a token, with a forged one and for an unknown connection as the contract says", async () => {
    const { token } = await createToken("conn_main");
    const reached = vendor.requests.length;
    const missing = await api.proxy("GET", "/conn_main/contacts", null);
    expect([missing.status, member(missing.body, "code")]).toEqual([401, "credential_missing"]);
    const forged = await api.proxy(
      "GET",
      "/conn_main/contacts",
      `${token.slice(0, -1)}${token.endsWith("A") ? "B" : "A"}`,
    );
    expect([forged.status, member(forged.body, "code")]).toEqual([401, "credential_invalid"]);
    const unknown = await api.proxy("GET", "/conn_nowhere/contacts", token);
    expect([unknown.status, member(unknown.body, "code")]).toEqual([403, "connection_not_granted"]);
    expect(vendor.requests).toHaveLength(reached);
  });

  it("takes every auth scheme's key to its place and to no other", async () => {
    const schemes: readonly [string, unknown, (request: RecordingVendor["requests"][number]) => string | undefined][] =
      [
        [
          "conn_header",
          { scheme: "header", name: "x-api-key", prefix: "" },
          (seen) => String(seen.headers["x-api-key"]),
        ],
        [
          "conn_basic",
          { scheme: "basic", secret_in: "username" },
          (seen) =>
            Buffer.from(seen.headers.authorization?.slice(6) ?? "", "base64")
              .toString("utf8")
              .split(":")[0],
        ],
        [
          "conn_query",
          { scheme: "query", name: "ak" },
          (seen) => new URL(seen.target, vendor.origin).searchParams.get("ak") ?? "",
        ],
      ];
    for (const [id, auth, keyIn] of schemes) {
      await createConnection(id, auth);
      const { token } = await createToken(id);
      const answer = await api.proxy("GET", `/${id}/contacts`, token);
      expect(answer.status, `${id}: ${answer.text}`).toBe(200);
      const seen = vendor.requests.at(-1);
      expect(seen === undefined ? undefined : keyIn(seen), id).toBe(masterKey);
    }
  });
});

describe("durability", () => {
  it("keeps tokens, revocations and undelivered records through kill -9 of everything", async () => {
    const kept = await createToken("conn_main");
    const revoked = await createToken("conn_main");
    await api.admin("POST", `/api/v1/delegated-credentials/${revoked.id}/revoke`);
    const calls = await Promise.all(
      Array.from({ length: 8 }, (_, n) => api.proxy("GET", `/conn_main/contacts/${n}`, kept.token)),
    );
    expect(calls.map((call) => call.status)).toEqual(Array.from({ length: 8 }, () => 200));
    await stack.kill();

    await stack.start();
    const again = await api.proxy("GET", "/conn_main/contacts/again", kept.token);
    expect(again.status, again.text).toBe(200);
    const refused = await api.proxy("GET", "/conn_main/contacts", revoked.token);
    expect(refused.status).toBe(401);
    const events = await api.events(kept.id, 9);
    expect(events.map((event) => member(event, "seq"))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(
      decisions(events).filter(
        ([decision, reason]) => decision !== "allowed" || (reason !== "ok" && reason !== "unknown"),
      ),
    ).toEqual([]);
    const ids = new Set(events.map((event) => member(event, "request_id")));
    for (const call of [...calls, again]) expect(ids).toContain(call.headers.get("x-relaykey-request-id"));
    expect(ids.size).toBe(9);
  }, 120_000);

  it("comes back by itself when only workerd dies", async () => {
    const { id, token } = await createToken("conn_main");
    expect((await api.proxy("GET", "/conn_main/contacts/1", token)).status).toBe(200);
    await stack.killRuntime();
    expect((await api.proxy("GET", "/conn_main/contacts/2", token)).status).toBe(200);
    expect(decisions(await api.events(id, 2)).map(([decision]) => decision)).toEqual(["allowed", "allowed"]);
  }, 120_000);
});

describe("secrets", () => {
  it("are in no file of the state, in no output and in no answer", async () => {
    vendor.answerWith((request, response) => {
      const key = request.headers.authorization ?? "";
      response
        .writeHead(400, { "content-type": "application/json", "x-debug": key })
        .end(JSON.stringify({ error: `bad key ${key}` }));
    });
    const { id, token } = await createToken("conn_main");
    const echoed = await api.proxy("GET", "/conn_main/contacts", token);
    expect(echoed.status).toBe(400);
    vendor.answerWith((_request, response) => void response.writeHead(204).end());
    for (const path of [
      "/api/v1/connections",
      "/api/v1/connections/conn_main",
      "/api/v1/connections/conn_main/upstream-credentials",
      "/api/v1/delegated-credentials",
      `/api/v1/delegated-credentials/${id}`,
      "/api/v1/audit-events?limit=100",
      "/openapi.json",
      "/health",
      "/dev/mailbox",
    ]) {
      await api.admin("GET", path);
    }
    await api.proxy("GET", "/.relaykey/whoami", token);
    await api.proxy("GET", "/.relaykey/prompt", token);
    await api.events(id, 1);

    expect(occurrences(masterKey, Buffer.from(api.transcript())), "in an answer").toEqual([]);
    for (const [name, secret] of [
      ["master key", masterKey],
      ["token", token],
      ["owner key", stack.ownerKey],
    ] as const) {
      for (const file of filesBelow(stack.stateDirectory)) {
        expect(occurrences(secret, file.bytes), `${name} in ${file.path}`).toEqual([]);
      }
    }
    expect(occurrences(masterKey, Buffer.from(stack.output())), "in the output").toEqual([]);
    expect(occurrences(token, Buffer.from(stack.output())), "in the output").toEqual([]);
    const connection = await api.admin("GET", "/api/v1/connections/conn_main");
    const credentials = items(member(connection.body, "upstream_credentials"));
    expect(credentials.map((credential) => member(credential, "last4"))).toEqual([masterKey.slice(-4)]);
  });
});
