/**
 * Vendors that want a login first, over the started stack: one login serves everyone, a token is replaced before it ends and
 * once after it is rejected, and a call that was refused for its token is made again whole. Also several keys and failover.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { apiClient, member, text, type ApiClient } from "./harness/api-client.ts";
import { startRecordingVendor, type RecordedRequest, type RecordingVendor } from "./harness/recording-vendor.ts";
import { filesBelow, startStack, type Stack } from "./harness/stack.ts";

let stack: Stack;
let vendor: RecordingVendor;
let api: ApiClient;

const SECRET = "client-secret-of-the-vendor";
let issued = 0;
let accepted = new Set<string>();
let lifetimeSeconds = 3_600;

const logins = (): RecordedRequest[] =>
  vendor.requests.filter((request) => /token$|authenticate$/.test(request.target));
const calls = (): RecordedRequest[] => vendor.requests.filter((request) => request.target.startsWith("/v1/"));

beforeAll(async () => {
  [stack, vendor] = await Promise.all([startStack({ demo: false }), startRecordingVendor()]);
  api = apiClient(stack);
  vendor.answerWith((request, response) => {
    const json = (status: number, body: unknown): void =>
      void response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    if (request.target.endsWith("/token")) {
      if (!request.body.toString().includes(SECRET)) return json(401, { error: "invalid_client" });
      issued += 1;
      accepted.add(`Bearer access-token-${issued}`);
      return json(200, { access_token: `access-token-${issued}`, token_type: "bearer", expires_in: lifetimeSeconds });
    }
    if (request.target.endsWith("/authenticate")) {
      issued += 1;
      // A new login ends the session before, as some vendors have it.
      accepted = new Set([`Bearer access-token-${issued}`]);
      return json(200, `access-token-${issued}`);
    }
    if (!accepted.has(request.headers.authorization ?? "")) return json(401, { error: "unauthorized" });
    json(200, { ok: true });
  });
});

afterAll(async () => {
  await stack?.stop();
  await vendor?.stop();
});

async function connect(id: string, auth: unknown, secret: string): Promise<string> {
  const connection = { id, name: id, base_url: vendor.origin, auth, secret };
  const created = await api.admin("POST", "/api/v1/connections", connection);
  expect(created.status, created.text).toBe(201);
  const credential = await api.admin("POST", "/api/v1/delegated-credentials", {
    connection_id: id,
    name: id,
    allowed_methods: ["GET", "POST"],
    allowed_paths: ["/v1/*"],
    ttl_seconds: 900,
    kind: "virtual",
  });
  expect(credential.status, credential.text).toBe(201);
  return text(member(credential.body, "token"));
}

const oauth = (clientAuth: "basic" | "body") => ({
  scheme: "oauth2_client_credentials",
  token_url: `${vendor.origin}/token`,
  client_id: "client",
  client_auth: clientAuth,
});

describe("client credentials", () => {
  it("cost one login for many callers, and another once the token is rejected, for writes too", async () => {
    const token = await connect("conn_oauth", oauth("body"), SECRET);
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => api.proxy("GET", "/conn_oauth/v1/things", token)),
    );
    expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([200]));
    expect(logins()).toHaveLength(1);
    accepted.clear();
    const before = calls().length;
    const write = await api.proxy("POST", "/conn_oauth/v1/things", token, { body: "the whole body" });
    expect(write.status).toBe(200);
    expect(logins()).toHaveLength(2);
    expect(
      calls()
        .slice(before)
        .map((request) => request.body.toString()),
    ).toEqual(["the whole body", "the whole body"]);
    expect((await api.proxy("GET", "/conn_oauth/v1/things", token)).status).toBe(200);
    expect(logins()).toHaveLength(2);
  });

  it("are renewed before a token ends", async () => {
    lifetimeSeconds = 1;
    const token = await connect("conn_short", oauth("body"), SECRET);
    const before = logins().length;
    expect((await api.proxy("GET", "/conn_short/v1/things", token)).status).toBe(200);
    await new Promise((done) => setTimeout(done, 1_000));
    expect((await api.proxy("GET", "/conn_short/v1/things", token)).status).toBe(200);
    expect(logins().length - before).toBe(2);
    lifetimeSeconds = 3_600;
  });

  it("that the vendor refuses make no call, and the answer says nothing of the secret", async () => {
    const token = await connect("conn_refused", oauth("body"), "another-secret-of-ours");
    const before = calls().length;
    const answer = await api.proxy("GET", "/conn_refused/v1/things", token);
    expect([answer.status, member(answer.body, "code")]).toEqual([503, "secret_unavailable"]);
    expect(calls().length).toBe(before);
  });
});

describe("a vendor's own login", () => {
  it("is made with the parts of the secret, and repeated when the session has ended", async () => {
    const auth = {
      scheme: "token_exchange",
      login_path: "/authenticate",
      login_headers: { "x-api-key": "{privateKey}" },
      login_body: { username: "{username}", password: "{password}", privateKey: "{privateKey}" },
      token_ttl_seconds: 14_400,
      headers: { "x-api-key": "{privateKey}", authorization: "Bearer {token}" },
    };
    const secret = JSON.stringify({ username: "kate-api", password: "pass-word-1", privateKey: "private-key-1" });
    const token = await connect("conn_exchange", auth, secret);
    const before = logins().length;
    expect((await api.proxy("GET", "/conn_exchange/v1/things", token)).status).toBe(200);
    const [login] = logins().slice(before);
    expect(JSON.parse(login?.body.toString() ?? "null")).toEqual(JSON.parse(secret));
    expect(login?.headers["x-api-key"]).toBe("private-key-1");
    accepted.clear();
    expect((await api.proxy("GET", "/conn_exchange/v1/things", token)).status).toBe(200);
    expect(logins().length - before).toBe(2);
  });
});

describe("several keys", () => {
  it("fail over when the vendor refuses one, and the refused one is tried last from then on", async () => {
    const token = await connect("conn_several", { scheme: "bearer" }, "first-key-of-the-vendor");
    const added = await api.admin("POST", "/api/v1/connections/conn_several/upstream-credentials", {
      secret: "second-key-of-the-vendor",
      priority: 200,
    });
    expect(added.status, added.text).toBe(201);
    accepted.add("Bearer second-key-of-the-vendor");
    const before = calls().length;
    for (let call = 0; call < 5; call += 1) {
      expect((await api.proxy("POST", "/conn_several/v1/things", token, { body: "x" })).status).toBe(200);
    }
    const keys = calls()
      .slice(before)
      .map((request) => request.headers.authorization?.split(" ")[1]?.split("-")[0]);
    expect(keys).toEqual(["first", "second", "second", "second", "second", "second"]);
  });
});

describe("at rest", () => {
  it("neither tokens nor secrets stand in any file", () => {
    const needles = [
      SECRET,
      "access-token-1",
      "access-token-2",
      "pass-word-1",
      "private-key-1",
      "second-key-of-the-vendor",
    ];
    for (const { path, bytes } of filesBelow(stack.stateDirectory)) {
      for (const needle of needles) expect([path, needle, bytes.includes(needle)]).toEqual([path, needle, false]);
    }
    for (const needle of needles) expect([needle, stack.output().includes(needle)]).toEqual([needle, false]);
  });
});
