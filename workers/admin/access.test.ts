/** Who may do what: provisioners within their constraints, management keys and their ranks, sessions and their origin. */
import { describe, expect, it, vi } from "vitest";
import { controlDb } from "../../src/store/control-db.ts";
import { members, sessions } from "../../src/store/control-schema.ts";
import {
  FAKE_SECRET,
  bindings,
  call,
  fieldsOf,
  newConnection,
  newCredential,
  newKey,
  textOf,
} from "./admin.fixture.ts";
import { readSettings } from "./env.ts";
import { rewrapOldSecrets } from "./kek-rotation.ts";
import { sessionIdOf } from "./session.ts";
import { otherOrganisation } from "./tenant.fixture.ts";

vi.setConfig({ testTimeout: 60_000 });

const CREDENTIALS = "/api/v1/delegated-credentials";

describe("a provisioner", () => {
  const constraints = {
    connections: ["conn_a1b2c3"],
    allowed_methods: ["GET"],
    allowed_paths: ["/crm/v3/objects/*"],
    deny_query_params: ["archived"],
    max_ttl_seconds: 3_600,
    limits: { rate: [{ requests: 60, per_seconds: 60 }] },
    max_active: 2,
    name_pattern: "agent-run-*",
  };
  const request = {
    connection_id: "conn_a1b2c3",
    name: "agent-run-2026-05-01",
    allowed_methods: ["GET"],
    allowed_paths: ["/crm/v3/objects/contacts/*"],
    ttl_seconds: 900,
  };

  it("mints within its constraints, inherits them, sees only its own, and nothing else", async () => {
    await newConnection({ id: "conn_a1b2c3" });
    await newConnection({ id: "conn_other" });
    const key = await newKey("provisioner", { constraints });
    const issued = await call("POST", CREDENTIALS, { key, body: request });
    expect(issued.status, issued.text).toBe(201);
    expect(textOf(issued, "token")).toMatch(/^rk_proxy_/);
    expect(issued.json).toMatchObject({
      limits: { rate: [{ requests: 60, per_seconds: 60 }] },
      grants: [{ deny_query_params: ["archived"], allowed_paths: ["/crm/v3/objects/contacts/*"] }],
    });

    const outside: [Record<string, unknown>, string][] = [
      [{ allowed_methods: ["GET", "DELETE"] }, "allowed_methods"],
      [{ allowed_paths: ["/crm/v3/*"] }, "allowed_paths"],
      [{ allowed_paths: ["/crm/v3/objects/contacts/*", "/**"] }, "allowed_paths"],
      [{ ttl_seconds: 3_601 }, "ttl_seconds"],
      [{ name: "something else" }, "name"],
      [{ limits: { rate: [{ requests: 61, per_seconds: 60 }] } }, "limits"],
      [{ connection_id: "conn_other" }, "connection_id"],
      [{ connection_id: "conn_nowhere" }, "connection_id"],
    ];
    for (const [change, field] of outside) {
      const refused = await call("POST", CREDENTIALS, { key, body: { ...request, ...change } });
      expect(refused.status, `${field} ${refused.text}`).toBe(403);
      expect(refused.json["code"]).toBe("outside_constraint");
      expect(fieldsOf(refused)).toContain(field);
    }

    const foreign = await newCredential("conn_a1b2c3");
    const list = await call("GET", CREDENTIALS, { key });
    expect(list.json["data"]).toMatchObject([{ id: textOf(issued, "id") }]);
    const notIts = await call("GET", `${CREDENTIALS}?created_by=${textOf(foreign, "created_by")}`, { key });
    expect(notIts.json["data"]).toEqual([]);
    for (const [method, suffix] of [
      ["GET", ""],
      ["POST", "/revoke"],
      ["POST", "/rotate"],
      ["DELETE", ""],
    ] as const) {
      const answer = await call(method, `${CREDENTIALS}/${textOf(foreign, "id")}${suffix}`, { key });
      expect(answer.status, `${method} ${suffix}`).toBe(404);
    }
    expect((await call("POST", CREDENTIALS, { key, body: request })).status).toBe(201);
    const third = await call("POST", CREDENTIALS, { key, body: request });
    expect(third.status, third.text).toBe(403);
    expect(fieldsOf(third)).toEqual(["max_active"]);
    expect((await call("POST", `${CREDENTIALS}/${textOf(issued, "id")}/revoke`, { key })).status).toBe(200);
    expect((await call("POST", CREDENTIALS, { key, body: request })).status).toBe(201);
  });

  it("keeps its maximum of live credentials however many requests race", async () => {
    await newConnection({ id: "conn_race" });
    const racing = { ...constraints, connections: ["conn_race"] };
    const key = await newKey("provisioner", { constraints: racing });
    const body = { ...request, connection_id: "conn_race" };
    const answers = await Promise.all(Array.from({ length: 10 }, () => call("POST", CREDENTIALS, { key, body })));
    expect(answers.filter((answer) => answer.status === 201)).toHaveLength(2);
    expect(answers.filter((answer) => answer.json["code"] === "outside_constraint")).toHaveLength(8);
  });

  it("states no rule for customers of its own where its policy states one", async () => {
    const rules = { allowed_methods: ["GET"], allowed_paths: ["/crm/v3/objects/contacts/*"] };
    const known = { customers: { mode: "required", unknown: "refuse" } };
    const policies = [known, {}].map((more) =>
      call("POST", "/api/v1/policies", { body: { name: "C", ...rules, ...more } }),
    );
    const [strict, silent] = (await Promise.all(policies)).map((answer) => textOf(answer, "id"));
    await newConnection({ id: "conn_customer_rule" });
    const key = await newKey("provisioner", {
      constraints: { ...constraints, connections: ["conn_customer_rule"], max_active: 9 },
    });
    const { allowed_methods: _methods, allowed_paths: _paths, ...bare } = request;
    const issue = (more: object) =>
      call("POST", CREDENTIALS, { key, body: { ...bare, connection_id: "conn_customer_rule", ...more } });
    const loose = { customers: { mode: "optional", unknown: "allow" } };
    const refused = await issue({ policy_id: strict, ...loose });
    expect([refused.status, refused.json["code"], fieldsOf(refused)]).toEqual([
      403,
      "outside_constraint",
      ["customers"],
    ]);
    expect((await issue({ policy_id: strict })).status).toBe(201);
    expect((await issue({ policy_id: silent, ...loose })).status).toBe(201);
  });

  it("states no address trust of its own where its policy states one", async () => {
    const rules = { allowed_methods: ["GET"], allowed_paths: ["/crm/v3/objects/contacts/*"] };
    const fixed = { trust: { mode: "fixed", addresses: ["203.0.113.0/24"] } };
    const policies = [fixed, {}].map((more) =>
      call("POST", "/api/v1/policies", { body: { name: "P", ...rules, ...more } }),
    );
    const [trusting, silent] = (await Promise.all(policies)).map((answer) => textOf(answer, "id"));
    await newConnection({ id: "conn_trust" });
    const key = await newKey("provisioner", {
      constraints: { ...constraints, connections: ["conn_trust"], max_active: 9 },
    });
    const { allowed_methods: _methods, allowed_paths: _paths, ...bare } = request;
    const issue = (more: object) =>
      call("POST", CREDENTIALS, { key, body: { ...bare, connection_id: "conn_trust", ...more } });
    const refused = await issue({ policy_id: trusting, trust: { mode: "off" } });
    expect([refused.status, refused.json["code"], fieldsOf(refused)]).toEqual([403, "outside_constraint", ["trust"]]);
    expect((await issue({ policy_id: trusting })).json["trust"]).toMatchObject(fixed.trust);
    expect((await issue({ policy_id: silent, trust: { mode: "off" } })).status).toBe(201);
  });

  it("gets no new token for a credential that an admin has taken outside its constraints", async () => {
    await newConnection({ id: "conn_wide" });
    await newConnection({ id: "conn_other" });
    const policy = await call("POST", "/api/v1/policies", {
      body: { name: "Reading", allowed_methods: ["GET"], allowed_paths: ["/crm/v3/objects/contacts/*"] },
    });
    const key = await newKey("provisioner", {
      constraints: { ...constraints, connections: ["conn_wide"], max_active: 9 },
    });
    const { allowed_methods: _methods, allowed_paths: _paths, ...bare } = request;
    const body = { ...bare, connection_id: "conn_wide", policy_id: textOf(policy, "id") };
    const mint = async () => `${CREDENTIALS}/${textOf(await call("POST", CREDENTIALS, { key, body }), "id")}`;
    const [endless, granted, widened] = [await mint(), await mint(), await mint()];
    const handOut = async (path: string) => [
      await call("POST", `${path}/rotate`, { key, body: {} }),
      await call("POST", `${path}/share`, { key, body: {} }),
    ];
    const expectOutside = async (path: string, field: string) => {
      for (const answer of await handOut(path)) {
        expect(answer.status, `${field} ${answer.text}`).toBe(403);
        expect(answer.json["code"]).toBe("outside_constraint");
        expect(fieldsOf(answer)).toContain(field);
      }
    };
    expect((await handOut(widened)).map((answer) => answer.status)).toEqual([200, 201]);
    expect((await call("PATCH", endless, { body: { expires_at: null } })).status).toBe(200);
    await expectOutside(endless, "ttl_seconds");
    const added = { allowed_methods: ["GET"], allowed_paths: ["/crm/v3/objects/*"], connection_id: "conn_other" };
    const binding = { ...added, credential_id: granted.slice(CREDENTIALS.length + 1) };
    expect((await call("POST", "/admin/bindings", { body: binding })).status).toBe(201);
    await expectOutside(granted, "grants[1].connection_id");
    const wide = { body: { allowed_paths: ["/**"], allowed_methods: ["GET"] } };
    expect((await call("PATCH", `/api/v1/policies/${textOf(policy, "id")}`, wide)).status).toBe(200);
    await expectOutside(widened, "grants[0].allowed_paths");
    expect((await call("POST", `${widened}/rotate`, { body: {} })).status).toBe(200);
  });

  it("has its maximum lifetime when it names none", async () => {
    await newConnection({ id: "conn_ttl" });
    const key = await newKey("provisioner", {
      constraints: { ...constraints, connections: ["conn_ttl"], allowed_paths: ["/**"] },
    });
    const { ttl_seconds: _ttl, ...endless } = { ...request, connection_id: "conn_ttl" };
    const issued = await call("POST", CREDENTIALS, { key, body: endless });
    const lifetimeMs = Date.parse(textOf(issued, "expires_at")) - Date.parse(textOf(issued, "created_at"));
    expect(lifetimeMs).toBe(3_600_000);
  });
});

describe("management keys", () => {
  const PATH = "/api/v1/management-keys";

  it("are shown once, work at once, and stop at once", async () => {
    const made = await call("POST", PATH, { body: { name: "reader", role: "auditor" } });
    const key = textOf(made, "key");
    expect(key).toMatch(/^rk_mgmt_auditor_/);
    expect((await call("GET", "/api/v1/connections", { key })).status).toBe(200);
    const read = await call("GET", `${PATH}/${textOf(made, "id")}`);
    expect(read.text).not.toContain(key);
    expect(read.json["last_used_at"]).toBeTypeOf("string");
    const rotated = await call("POST", `${PATH}/${textOf(made, "id")}/rotate`, { body: { overlap_seconds: 60 } });
    const next = textOf(rotated, "key");
    for (const live of [key, next]) expect((await call("GET", PATH, { key: live })).status).toBe(200);
    const again = textOf(await call("POST", `${PATH}/${textOf(made, "id")}/rotate`, { body: {} }), "key");
    for (const dead of [key, next]) expect((await call("GET", PATH, { key: dead })).status).toBe(401);
    await call("POST", `${PATH}/${textOf(made, "id")}/revoke`);
    expect((await call("GET", PATH, { key: again })).status).toBe(401);
    expect((await call("POST", `${PATH}/${textOf(made, "id")}/rotate`, { body: {} })).status).toBe(409);
  });

  it("expire", async () => {
    const key = await newKey("auditor", { ttl_seconds: 1 });
    expect((await call("GET", PATH, { key })).status).toBe(200);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 2_000 });
    expect((await call("GET", PATH, { key })).status).toBe(401);
    vi.useRealTimers();
  });

  it("let nobody raise their own rank", async () => {
    const admin = await newKey("admin");
    for (const role of ["owner", "admin"]) {
      const refused = await call("POST", PATH, { key: admin, body: { name: "x", role } });
      expect(refused.status).toBe(403);
    }
    const other = await call("POST", PATH, { body: { name: "other", role: "admin" } });
    for (const verb of ["rotate", "revoke"]) {
      const refused = await call("POST", `${PATH}/${textOf(other, "id")}/${verb}`, { key: admin });
      expect(refused.status, verb).toBe(403);
    }
    const missing = await call("POST", PATH, { body: { name: "x", role: "provisioner" } });
    expect(fieldsOf(missing)).toEqual(["constraints"]);
  });
});

describe("sessions", () => {
  it("act for their member, from the dashboard's own origin only, until they end", async () => {
    const db = controlDb(bindings.CONTROL_DB);
    const id = sessionIdOf(readSettings(bindings), "cookie-value");
    const row = { organisationId: "org_default", createdAtMs: 1, updatedAtMs: 1 };
    await db.insert(members).values({
      ...row,
      id: "mem_0123456789abcdef",
      email: "ann@example.com",
      name: "Ann",
      role: "admin",
      status: "active",
      createdBy: "test",
      lastLoginAtMs: null,
    });
    await db.insert(sessions).values({
      ...row,
      id,
      memberId: "mem_0123456789abcdef",
      lastSeenAtMs: 1,
      expiresAtMs: Date.now() + 60_000,
      revokedAtMs: null,
      userAgent: "test",
    });
    const cookie = "a=b; relaykey_session=cookie-value";
    const read = await call("GET", "/api/v1/connections", { key: null, headers: { cookie } });
    expect(read.status, read.text).toBe(200);
    const body = { name: "By session" };
    const bare = await call("POST", "/api/v1/recipients", { key: null, headers: { cookie }, body });
    expect(bare.json["code"]).toBe("csrf_refused");
    const evil = { cookie, origin: "https://evil.example" };
    const foreign = await call("POST", "/api/v1/recipients", { key: null, headers: evil, body });
    expect(foreign.json["code"]).toBe("csrf_refused");
    const own = { cookie, origin: "http://localhost:8788" };
    const made = await call("POST", "/api/v1/recipients", { key: null, headers: own, body });
    expect(made.status, made.text).toBe(201);
    expect(made.json["created_by"]).toBe("mem_0123456789abcdef");
    const wrong = { cookie: "relaykey_session=other" };
    expect((await call("GET", "/api/v1/connections", { key: null, headers: wrong })).status).toBe(401);
    await db.update(members).set({ status: "removed" });
    expect((await call("GET", "/api/v1/connections", { key: null, headers: { cookie } })).status).toBe(401);
  });
});

describe("key-encryption keys", () => {
  it("are the deployment's: another organisation neither moves nor counts what is sealed", async () => {
    const key = await otherOrganisation("org_tenant");
    const refused = await call("POST", "/api/v1/key-rotation", { key });
    expect(refused.status).toBe(403);
    expect(refused.text).not.toContain("remaining");
    expect((await call("POST", "/api/v1/key-rotation")).status).toBe(200);
  });

  it("move sealed secrets under the current one, and the secrets stay what they were", async () => {
    const connection = await newConnection();
    const settings = readSettings(bindings);
    const fresh = { id: "knew", key: crypto.getRandomValues(new Uint8Array(32)) };
    const db = controlDb(bindings.CONTROL_DB);
    expect(await rewrapOldSecrets(db, [fresh, ...settings.keks])).toBeGreaterThan(0);
    expect(await rewrapOldSecrets(db, [fresh, ...settings.keks])).toBe(0);
    const stored = await bindings.CONTROL_DB.prepare(
      "SELECT location_json FROM upstream_credentials WHERE connection_id = ?",
    )
      .bind(textOf(connection, "id"))
      .first<string>("location_json");
    expect(stored).toContain('"kekId":"knew"');
    expect(await rewrapOldSecrets(db, [...settings.keks, fresh])).toBeGreaterThan(0);
  });
});

describe("a stored master key", () => {
  it("is sent to another host on an owner's word alone", async () => {
    const admin = await newKey("admin");
    const connection = await newConnection({ base_url: "https://api.vendor.example/v1" });
    const path = `/api/v1/connections/${textOf(connection, "id")}`;
    const elsewhere: Record<string, unknown>[] = [
      { base_url: "https://api.attacker.example/v1" },
      { base_url: "https://api.vendor.example:8443/v1" },
      { origins: [{ name: "files", base_url: "https://files.attacker.example" }] },
      {
        auth: {
          scheme: "oauth2_client_credentials",
          token_url: "https://login.attacker.example/token",
          client_id: "x",
          client_auth: "body",
        },
      },
    ];
    for (const body of elsewhere) {
      const refused = await call("PATCH", path, { key: admin, body });
      expect(refused.status, JSON.stringify(body)).toBe(403);
      expect(refused.json["code"]).toBe("role_denied");
    }
    expect((await call("GET", path)).json).toMatchObject({ base_url: "https://api.vendor.example/v1", origins: [] });
    const moved = { base_url: "https://api.vendor.example/v2", name: "Vendor, v2" };
    expect((await call("PATCH", path, { key: admin, body: moved })).status).toBe(200);
    expect((await call("PATCH", path, { body: elsewhere[0] })).status).toBe(200);
  });

  it("has a part shown in answers on an owner's word alone", async () => {
    const admin = await newKey("admin");
    const auth = {
      scheme: "token_exchange",
      login_path: "/login",
      login_body: { user: "{username}", pass: "{password}" },
      public_parts: ["username"],
      token_ttl_seconds: 60,
      headers: { authorization: "Bearer {token}" },
    };
    const secret = { username: "relaykey-integration", password: "not-a-real-password" };
    const connection = await newConnection({ auth, secret });
    expect(connection.status, connection.text).toBe(201);
    const path = `/api/v1/connections/${textOf(connection, "id")}`;
    const open = { auth: { ...auth, public_parts: ["username", "password"] } };
    const refused = await call("PATCH", path, { key: admin, body: open });
    expect(refused.status).toBe(403);
    expect(refused.json["detail"]).toContain("the part password");
    expect((await call("GET", path)).json["auth"]).toMatchObject({ public_parts: ["username"] });
    expect((await call("PATCH", path, { key: admin, body: { auth: { ...auth, public_parts: [] } } })).status).toBe(200);
    expect((await call("PATCH", path, { key: admin, body: { auth } })).status).toBe(403);
    expect((await call("PATCH", path, { body: open })).status).toBe(200);
  });

  it("is never read from the deployment's own stores for another organisation", async () => {
    const key = await otherOrganisation("org_tenant");
    const places = [
      { provider: "worker_secret", binding: "OPERATORS_VENDOR_KEY" },
      { provider: "vault", mount: "secret", path: "operator/vendor", field: "key" },
      { provider: "aws_secrets_manager", secret_id: "operator/vendor" },
    ];
    const own = await newConnection({}, { key });
    const path = `/api/v1/connections/${textOf(own, "id")}`;
    for (const location of places) {
      const refused = [
        await newConnection({ secret: undefined, location }, { key }),
        await call("POST", `${path}/upstream-credentials`, { key, body: { location } }),
        await call("POST", `${path}/rotate`, { key, body: { location } }),
      ];
      for (const answer of refused) {
        expect(answer.status, answer.text).toBe(422);
        expect(fieldsOf(answer)).toEqual(["location"]);
      }
    }
    expect((await newConnection({ secret: undefined, location: places[1] })).status).toBe(201);
  });

  it("is read from a place outside on an owner's word alone", async () => {
    const admin = await newKey("admin");
    const location = { provider: "vault", mount: "secret", path: "vendors/crm", field: "key" };
    const base = { base_url: "https://api.attacker.example" };
    const own = await newConnection(base, { key: admin });
    const path = `/api/v1/connections/${textOf(own, "id")}`;
    const [upstream] = own.json["upstream_credentials"] as { id: string }[];
    const one = `${path}/upstream-credentials/${upstream?.id}`;
    const empty = textOf(await newConnection({ ...base, secret: undefined }, { key: admin }), "id");
    const flat = { connection_id: textOf(own, "id"), location };
    const makers: [string, object][] = [
      [`${path}/upstream-credentials`, { location }],
      ["/admin/upstream-credentials", flat],
      [`${one}/rotate`, { location }],
      [`${one}/rotate`, { location, canary_share: 0.5 }],
      [`${path}/rotate`, { location }],
      [`/api/v1/connections/${empty}/rotate`, { location }],
    ];
    const refused = [await newConnection({ ...base, secret: undefined, location }, { key: admin })];
    for (const [at, body] of makers) refused.push(await call("POST", at, { key: admin, body }));
    for (const answer of refused) {
      expect(answer.status, answer.text).toBe(403);
      expect(answer.json["code"]).toBe("role_denied");
      expect(fieldsOf(answer)).toEqual(["location"]);
    }
    const kept = await call("GET", path);
    expect(kept.json["upstream_credentials"]).toMatchObject([{ id: upstream?.id, provider: "envelope" }]);
    const other = { secret: `${FAKE_SECRET}-2` };
    expect((await call("POST", `${path}/rotate`, { key: admin, body: other })).status).toBe(200);
    for (const [at, body] of makers.slice(0, 4)) {
      const done = await call("POST", at, { body });
      expect([200, 201], done.text).toContain(done.status);
    }
  });

  it("is not there yet: then an admin may still correct the address", async () => {
    const admin = await newKey("admin");
    const connection = await newConnection({ secret: undefined }, { key: admin });
    const path = `/api/v1/connections/${textOf(connection, "id")}`;
    const corrected = await call("PATCH", path, { key: admin, body: { base_url: "https://api.other.example" } });
    expect(corrected.status, corrected.text).toBe(200);
  });
});

describe("base URLs", () => {
  it("are checked in every spelling, and named", async () => {
    const strict = { env: { ALLOW_PRIVATE_UPSTREAMS: "false" } };
    const bad = [
      "http://api.vendor.example",
      "https://user:pw@api.vendor.example",
      "https://127.0.0.1",
      "https://2130706433",
      "https://0x7f.1",
      "https://[::ffff:169.254.169.254]",
      "https://169.254.169.254/latest",
      "https://localhost",
      "https://10.0.0.1.",
      "https://１２７.0.0.1",
      "https://api.vendor.example/a/../b?x=1",
      "not a url",
    ];
    for (const url of bad) {
      const answer = await newConnection({ base_url: url }, strict);
      expect(answer.status, url).toBe(422);
      expect(fieldsOf(answer), url).toEqual(["base_url"]);
    }
    const token = {
      scheme: "oauth2_client_credentials",
      token_url: "https://10.0.0.1/t",
      client_id: "x",
      client_auth: "body",
    };
    expect(fieldsOf(await newConnection({ auth: token }, strict))).toEqual(["auth.token_url"]);
    const origins = [{ name: "files", base_url: "https://192.168.0.1" }];
    expect(fieldsOf(await newConnection({ origins }, strict))).toEqual(["origins[0].base_url"]);
  });
});

describe("a connection outside a provisioner's constraints", () => {
  it("looks like one that does not exist, whatever is asked", async () => {
    const mine = textOf(await newConnection(), "id");
    const foreign = textOf(await newConnection({ environment: "production" }), "id");
    const constraints = {
      connections: [mine],
      allowed_methods: ["GET"],
      allowed_paths: ["/contacts/*"],
      max_ttl_seconds: 600,
    };
    const key = await newKey("provisioner", { constraints });
    for (const path of ["/api/v1/delegated-credentials", "/api/v1/scope-reviews"]) {
      for (const more of [{}, { environment: "staging" }, { allowed_paths: ["/**"] }]) {
        const told = [];
        for (const connection_id of [foreign, "conn_nobody_has_made"]) {
          const scope = { allowed_methods: ["GET"], allowed_paths: ["/contacts/*"], ...more };
          const named = path.endsWith("credentials") ? { name: "x", ttl_seconds: 60 } : {};
          told.push(await call("POST", path, { key, body: { connection_id, ...scope, ...named } }));
        }
        expect(told.map(({ status }) => status)).toEqual([403, 403]);
        const [known, unknown] = told.map(({ json: { instance: _instance, ...rest } }) => rest);
        expect(known).toEqual(unknown);
        expect(known).toMatchObject({ code: "outside_constraint", largest_scope: { connections: [mine] } });
      }
    }
  });
});
