/** What a change must do beside itself: reach the gates before it is acknowledged, stand on the record, happen once. */
import { describe, expect, it, vi } from "vitest";
import type { GateNamespace } from "../../src/cloudflare/gate-fanout.ts";
import { parsePeppers, parseToken } from "../../src/domain/token.ts";
import { loadCredentialDocument } from "../../src/store/credential-documents.ts";
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
import type { Answer } from "./admin.fixture.ts";
import { runCron } from "./cron.ts";

vi.setConfig({ testTimeout: 60_000 });

const CREDENTIALS = "/api/v1/delegated-credentials";

/** Gates that say what they were told, and fail when asked to. */
function recordingGates(fails: () => boolean): { gates: GateNamespace; told: string[] } {
  const told: string[] = [];
  const tell = (what: string): Promise<void> => {
    if (fails()) return Promise.reject(new Error("the gate is away"));
    told.push(what);
    return Promise.resolve();
  };
  const gates: GateNamespace = {
    getByName: (id) => ({
      require: (version) => tell(`require ${id} ${version}`),
      revoke: (version) => tell(`revoke ${id} ${version}`),
      inspect: () => Promise.resolve({ state: "active", limits: [], trustedAddresses: [] }),
      listTrusted: () => tell("list").then(() => []),
      addTrusted: (address) => tell(`add ${address}`).then(() => ({ ok: true, address })),
      removeTrusted: (address) => tell(`remove ${address}`).then(() => ({ ok: true, address })),
      confirm: () => Promise.resolve({ ok: true }),
      denyAddress: () => Promise.resolve({ ok: true }),
    }),
  };
  return { gates, told };
}

async function documentOf(answer: Answer) {
  const peppers = parsePeppers(bindings.RELAYKEY_PEPPERS);
  const parsed = peppers.ok ? parseToken(textOf(answer, "token"), peppers.value) : null;
  return loadCredentialDocument(bindings.CONTROL_DB, parsed?.lookupId ?? "");
}

async function pendingOf(id: string): Promise<number | null> {
  const row = bindings.CONTROL_DB.prepare("SELECT gate_pending FROM credentials WHERE id = ?").bind(id);
  return (await row.first<number>("gate_pending")) ?? null;
}

describe("acknowledgement", () => {
  it("answers 503 while a gate cannot be told, and 200 once it was", async () => {
    const connection = textOf(await newConnection(), "id");
    const credential = await newCredential(connection);
    const id = textOf(credential, "id");
    let away = true;
    const { gates, told } = recordingGates(() => away);
    const refused = await call("POST", `${CREDENTIALS}/${id}/revoke`, { env: { GATES: gates } });
    expect(refused.status, refused.text).toBe(503);
    expect(refused.json).toMatchObject({ code: "unavailable", retryable: true });
    expect(refused.headers.get("retry-after")).toBe("5");
    expect(await pendingOf(id)).toBe(1);
    expect((await documentOf(credential))?.status).toBe("revoked");
    away = false;
    const revoked = await call("POST", `${CREDENTIALS}/${id}/revoke`, { env: { GATES: gates } });
    expect(revoked.status, revoked.text).toBe(200);
    expect(told).toEqual([`revoke ${id} 2`]);
    expect(await pendingOf(id)).toBe(0);
    const again = await call("POST", `${CREDENTIALS}/${id}/revoke`, { env: { GATES: gates } });
    expect(again.status).toBe(200);
    expect(told).toHaveLength(1);
  });

  it("leaves gates that could not be told to the cron", async () => {
    const connection = textOf(await newConnection(), "id");
    const id = textOf(await newCredential(connection), "id");
    const { gates: away } = recordingGates(() => true);
    const paused = await call("POST", `/api/v1/connections/${connection}/pause`, { env: { GATES: away } });
    expect(paused.status).toBe(503);
    const { gates, told } = recordingGates(() => false);
    await runCron({ ...bindings, GATES: gates }, Date.now());
    expect(told).toContain(`require ${id} 2`);
    expect(await pendingOf(id)).toBe(0);
  });

  it("tells those that are left when a change is repeated, and makes no second change of it", async () => {
    const connection = textOf(await newConnection(), "id");
    const policy = textOf(
      await call("POST", "/api/v1/policies", {
        body: { name: "Reading", allowed_methods: ["GET"], allowed_paths: ["/**"] },
      }),
      "id",
    );
    const recipient = textOf(await call("POST", "/api/v1/recipients", { body: { name: "Kate" } }), "id");
    const scope = { policy_id: policy, allowed_methods: undefined, allowed_paths: undefined };
    const id = textOf(await newCredential(connection, { ...scope, recipient_id: recipient }), "id");
    const changes: [string, string, object | undefined][] = [
      ["POST", `/api/v1/connections/${connection}/pause`, undefined],
      ["PATCH", `/api/v1/connections/${connection}`, { name: "Other" }],
      ["PATCH", `/api/v1/policies/${policy}`, { deny_query_params: ["expand"] }],
      ["PATCH", `/api/v1/recipients/${recipient}`, { environment: "production" }],
    ];
    for (const [at, [method, path, body]] of changes.entries()) {
      const options = body === undefined ? {} : { body };
      const { gates: away } = recordingGates(() => true);
      for (let again = 0; again < 3; again += 1) {
        expect((await call(method, path, { ...options, env: { GATES: away } })).status, path).toBe(503);
      }
      const { gates, told } = recordingGates(() => false);
      const done = await call(method, path, { ...options, env: { GATES: gates } });
      expect(done.status, done.text).toBe(200);
      expect(told).toEqual([`require ${id} ${at + 2}`]);
      expect((await call(method, path, { ...options, env: { GATES: gates } })).status).toBe(200);
      expect(told).toHaveLength(1);
    }
    expect((await call("GET", `/api/v1/policies/${policy}`)).json["version"]).toBe(2);
  });

  it("makes nothing twice when what could not be acknowledged is repeated", async () => {
    const connection = textOf(await newConnection(), "id");
    const other = textOf(await newConnection(), "id");
    const credential = textOf(await newCredential(connection), "id");
    const binding = {
      credential_id: credential,
      connection_id: other,
      allowed_methods: ["GET"],
      allowed_paths: ["/x"],
    };
    const additions: [string, unknown, () => Promise<Answer>][] = [
      [
        `/api/v1/connections/${connection}/upstream-credentials`,
        { secret: FAKE_SECRET },
        () => call("GET", `/api/v1/connections/${connection}/upstream-credentials`),
      ],
      ["/admin/bindings", binding, () => call("GET", `/admin/bindings?credential_id=${credential}`)],
    ];
    for (const [path, body, list] of additions) {
      const { gates: away } = recordingGates(() => true);
      const options = { body, headers: { "idempotency-key": `repeat ${path}`.replaceAll(" ", "-") } };
      expect((await call("POST", path, { ...options, env: { GATES: away } })).status).toBe(503);
      expect((await list()).json["data"]).toHaveLength(1);
      const { gates } = recordingGates(() => false);
      const again = await call("POST", path, { ...options, env: { GATES: gates } });
      expect(again.status, again.text).toBe(201);
      expect((await list()).json["data"]).toHaveLength(2);
    }
  });

  it("revokes all credentials of a recipient in one acknowledged step", async () => {
    const connection = textOf(await newConnection(), "id");
    const recipient = textOf(await call("POST", "/api/v1/recipients", { body: { name: "Kate" } }), "id");
    const made = await Promise.all([1, 2, 3].map(() => newCredential(connection, { recipient_id: recipient })));
    const { gates, told } = recordingGates(() => false);
    const revoked = await call("POST", `/api/v1/recipients/${recipient}/revoke`, { env: { GATES: gates } });
    expect(revoked.status, revoked.text).toBe(200);
    expect(revoked.json["revoked_credentials"]).toHaveLength(3);
    expect(told.toSorted()).toEqual(made.map((each) => `revoke ${textOf(each, "id")} 2`).toSorted());
    for (const each of made) expect((await documentOf(each))?.status).toBe("revoked");
    const refused = await newCredential(connection, { recipient_id: recipient });
    expect(refused.status).toBe(422);
    expect(fieldsOf(refused)).toEqual(["recipient_id"]);
  });
});

describe("what a change reaches", () => {
  it("lets a policy's change reach every grant, with the grant's own members on top", async () => {
    const connection = textOf(await newConnection(), "id");
    const policy = await call("POST", "/api/v1/policies", {
      body: { name: "P", allowed_methods: ["GET"], allowed_paths: ["/a"], deny_query_params: ["x"] },
    });
    const policyId = textOf(policy, "id");
    const scope = { allowed_methods: undefined, allowed_paths: undefined, policy_id: policyId };
    const credential = await newCredential(connection, { ...scope, deny_query_params: ["y"] });
    expect(credential.status, credential.text).toBe(201);
    const before = await documentOf(credential);
    expect(before?.grants[0]).toMatchObject({ policyVersion: 1, scope: { denyQueryParams: ["x", "y"] } });
    const changed = await call("PATCH", `/api/v1/policies/${policyId}`, {
      body: { allowed_methods: ["POST"], allowed_paths: ["/b"], trust: { mode: "off" } },
    });
    expect(changed.json, changed.text).toMatchObject({ version: 2, deny_query_params: ["x"] });
    const after = await documentOf(credential);
    expect(after).toMatchObject({ version: 2, trust: { mode: "off" } });
    expect(after?.grants[0]).toMatchObject({
      policyVersion: 2,
      scope: { rules: [{ methods: ["POST"], paths: ["/b"] }], denyQueryParams: ["x", "y"] },
    });
    const versions = await call("GET", `/api/v1/policies/${policyId}/versions?limit=1`);
    expect(versions.json["data"]).toMatchObject([{ version: 2 }]);
    const older = await call(
      "GET",
      `/api/v1/policies/${policyId}/versions?limit=1&cursor=${textOf(versions, "next_cursor")}`,
    );
    expect(older.json).toMatchObject({ data: [{ version: 1 }], next_cursor: null });
    expect((await call("DELETE", `/api/v1/policies/${policyId}`)).status).toBe(409);
  });

  it("raises the version for every part that a document is made of", async () => {
    const connection = await newConnection();
    const connectionId = textOf(connection, "id");
    const [upstream] = connection.json["upstream_credentials"] as { id: string }[];
    const recipient = textOf(await call("POST", "/api/v1/recipients", { body: { name: "Kate" } }), "id");
    const credential = await newCredential(connectionId, { recipient_id: recipient });
    const id = textOf(credential, "id");
    const keys = `/api/v1/connections/${connectionId}/upstream-credentials`;
    const changes: [string, string, unknown][] = [
      ["PATCH", `/api/v1/connections/${connectionId}`, { name: "Other" }],
      ["POST", `/api/v1/connections/${connectionId}/pause`, {}],
      ["POST", `/api/v1/connections/${connectionId}/resume`, {}],
      ["POST", keys, { secret: FAKE_SECRET }],
      ["PATCH", `${keys}/${upstream?.id}`, { status: "disabled" }],
      ["POST", `${keys}/${upstream?.id}/rotate`, { secret: FAKE_SECRET }],
      ["DELETE", `${keys}/${upstream?.id}`, undefined],
      ["PATCH", `/api/v1/recipients/${recipient}`, { name: "Kate B." }],
      ["PATCH", `${CREDENTIALS}/${id}`, { name: "Other" }],
    ];
    let version = 1;
    for (const [method, path, body] of changes) {
      const answer = await call(method, path, { body });
      expect(answer.status, `${method} ${path} ${answer.text}`).toBeLessThan(300);
      version += 1;
      const document = await documentOf(credential);
      expect(document?.version, `${method} ${path}`).toBe(version);
    }
    expect((await documentOf(credential))?.grants[0]?.connection.upstreamCredentials).toHaveLength(1);
    const grants = [{ connection_id: connectionId, allowed_methods: ["PUT"], allowed_paths: ["/w"] }];
    const before = (await documentOf(credential))?.grants[0]?.id;
    await call("PATCH", `${CREDENTIALS}/${id}`, { body: { grants } });
    const after = await documentOf(credential);
    expect(after?.grants).toMatchObject([{ id: before, scope: { rules: [{ methods: ["PUT"], paths: ["/w"] }] } }]);
    expect((await call("DELETE", `/api/v1/connections/${connectionId}`)).status).toBe(204);
    expect(await documentOf(credential)).toMatchObject({ version: version + 2, grants: [] });
  });

  it("does not undo what another change did in the same moment", async () => {
    const connection = await newConnection();
    const id = textOf(connection, "id");
    const [key] = connection.json["upstream_credentials"] as { id: string }[];
    const path = `/api/v1/connections/${id}`;
    for (let i = 0; i < 5; i++) {
      await Promise.all([
        call("PATCH", path, { body: { name: `Name ${i}` } }),
        call("POST", `${path}/pause`),
        call("PATCH", `${path}/upstream-credentials/${key?.id}`, { body: { priority: i } }),
        call("PATCH", `${path}/upstream-credentials/${key?.id}`, { body: { status: "disabled" } }),
      ]);
      const read = await call("GET", path);
      expect(read.json).toMatchObject({ status: "paused", upstream_credentials: [{ status: "disabled" }] });
      await call("POST", `${path}/resume`);
      await call("PATCH", `${path}/upstream-credentials/${key?.id}`, { body: { status: "active" } });
    }
  });

  it("replaces a master key with a canary, and promotes it", async () => {
    const connection = await newConnection();
    const id = textOf(connection, "id");
    const credential = await newCredential(id);
    const [old] = connection.json["upstream_credentials"] as { id: string }[];
    const keys = `/api/v1/connections/${id}/upstream-credentials`;
    const canary = await call("POST", `${keys}/${old?.id}/rotate`, {
      body: { secret: `${FAKE_SECRET}-new1`, canary_share: 0.1 },
    });
    expect(canary.json, canary.text).toMatchObject({ status: "canary", canary_share: 0.1, last4: "new1" });
    const states = async () =>
      (await documentOf(credential))?.grants[0]?.connection.upstreamCredentials.map((each) => each.state);
    expect(await states()).toEqual(["active", "canary"]);
    const promoted = await call("POST", `${keys}/${textOf(canary, "id")}/promote`);
    expect(promoted.json, promoted.text).toMatchObject({ status: "active" });
    expect(await states()).toEqual(["active"]);
  });

  it("rotates a token with overlap: both are found, the old one until its end", async () => {
    const connection = textOf(await newConnection(), "id");
    const issued = await newCredential(connection);
    const path = `${CREDENTIALS}/${textOf(issued, "id")}/rotate`;
    const rotated = await call("POST", path, { body: { overlap_seconds: 60 } });
    expect(rotated.status, rotated.text).toBe(200);
    expect(textOf(rotated, "token")).not.toBe(textOf(issued, "token"));
    const [byOld, byNew] = [await documentOf(issued), await documentOf(rotated)];
    expect(byOld).toEqual(byNew);
    expect(byNew?.tokenHashes.map((each) => each.expiresAtMs === null)).toEqual([true, false]);
    await call("POST", path, { body: {} });
    expect(await documentOf(issued)).toBeNull();
    expect(await documentOf(rotated)).toBeNull();
  });
});

describe("Idempotency-Key", () => {
  const headers = { "idempotency-key": "key-1" };

  it("gives the same answer to the same request, and makes one thing", async () => {
    const connection = textOf(await newConnection(), "id");
    const first = await newCredential(connection, { name: "once" }, { headers });
    const second = await newCredential(connection, { name: "once" }, { headers });
    expect(first.status, first.text).toBe(201);
    expect(second.status, second.text).toBe(201);
    expect(second.text).toBe(first.text);
    expect(second.headers.get("idempotency-replayed")).toBe("true");
    const list = await call("GET", `${CREDENTIALS}?name=once`);
    expect(list.json["data"]).toHaveLength(1);
    const other = await newCredential(connection, { name: "another" }, { headers });
    expect(other.status).toBe(409);
    expect(other.json["code"]).toBe("idempotency_mismatch");
  });

  it("keeps the stored answer closed to whoever has the database alone", async () => {
    const connection = textOf(await newConnection(), "id");
    const issued = await newCredential(connection, {}, { headers: { "idempotency-key": "key-2" } });
    const rows = await bindings.CONTROL_DB.prepare("SELECT * FROM idempotency_keys").all();
    const text = JSON.stringify(rows.results);
    expect(text).not.toContain(textOf(issued, "token"));
    expect(text).not.toContain("key-2");
    const admin = await newKey("admin");
    const foreign = await newCredential(connection, {}, { key: admin, headers: { "idempotency-key": "key-2" } });
    expect(foreign.status).toBe(201);
    expect(textOf(foreign, "id")).not.toBe(textOf(issued, "id"));
  });

  it("runs one of many at once, and lets a refusal be tried again", async () => {
    const connection = textOf(await newConnection(), "id");
    const racing = { headers: { "idempotency-key": "key-3" } };
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => newCredential(connection, { name: "race" }, racing)),
    );
    const made = answers.filter((answer) => answer.status === 201).map((answer) => textOf(answer, "id"));
    expect(new Set(made).size).toBe(1);
    expect(answers.every((answer) => answer.status === 201 || answer.status === 409)).toBe(true);
    const list = await call("GET", `${CREDENTIALS}?name=race`);
    expect(list.json["data"]).toHaveLength(1);
    const again = { headers: { "idempotency-key": "key-4" } };
    const refused = await newConnection({ id: "conn_taken" });
    expect(refused.status).toBe(201);
    expect((await newConnection({ id: "conn_taken" }, again)).status).toBe(409);
    await call("DELETE", "/api/v1/connections/conn_taken");
    expect((await newConnection({ id: "conn_taken" }, again)).status).toBe(201);
    const malformed = await newConnection({}, { headers: { "idempotency-key": "ü" } });
    expect(malformed.status).toBe(422);
  });
});

describe("the record", () => {
  it("says who changed what, before and after, and cannot be changed itself", async () => {
    const connection = await newConnection({ name: "Before" });
    const id = textOf(connection, "id");
    const admin = await newKey("admin");
    await call("PATCH", `/api/v1/connections/${id}`, { key: admin, body: { name: "After" } });
    const credential = await newCredential(id);
    const events = await call("GET", `/api/v1/control-events?target_id=${id}`);
    expect(events.json["data"]).toMatchObject([
      {
        action: "changeConnection",
        actor: { role: "admin", kind: "management_key" },
        before: { name: "Before" },
        after: { name: "After" },
      },
      { action: "createConnection", actor: { id: "mk_owner" }, before: null, after: { name: "Before" } },
    ]);
    const issued = await call("GET", `/api/v1/control-events?target_id=${textOf(credential, "id")}`);
    expect(issued.text).toContain("createDelegatedCredential");
    expect(issued.text).not.toContain(textOf(credential, "token"));
    for (const sql of ["UPDATE control_events SET action = 'x'", "DELETE FROM control_events"]) {
      await expect(bindings.CONTROL_DB.prepare(sql).run()).rejects.toThrow(/append-only/);
    }
  });

  it("holds no secret and no token in any table", async () => {
    const connection = textOf(await newConnection(), "id");
    const issued = await newCredential(connection, { prompt_with_token: true });
    const key = await newKey("auditor");
    expect(textOf(issued, "prompt")).toContain(textOf(issued, "token"));
    const tables = await bindings.CONTROL_DB.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
    for (const { name } of tables.results) {
      if (String(name).startsWith("_cf") || String(name).startsWith("sqlite")) continue;
      const rows = await bindings.CONTROL_DB.prepare(`SELECT * FROM "${String(name)}"`).all();
      const text = JSON.stringify(rows.results);
      for (const secret of [FAKE_SECRET, textOf(issued, "token"), key]) {
        expect(text, String(name)).not.toContain(secret);
        expect(text, String(name)).not.toContain(btoa(secret).replace(/=+$/, ""));
        expect(text, String(name)).not.toContain(encodeURIComponent(secret));
      }
    }
  });
});

describe("trusted addresses", () => {
  it("are those of the policy before the first call, and what was added beside them", async () => {
    const trust = { mode: "fixed", addresses: ["203.0.113.0/24", "2001:db8::/48"] };
    const id = textOf(await newCredential(textOf(await newConnection(), "id"), { trust }), "id");
    const listed = trust.addresses.map((address) => ({ address, trusted_at: null, how: "policy" }));
    const path = `${CREDENTIALS}/${id}/trusted-addresses`;
    expect((await call("GET", path)).json["data"]).toEqual(listed);
    expect((await call("POST", path, { body: { address: "198.51.100.7" } })).status).toBe(201);
    expect((await call("GET", path)).json["data"]).toMatchObject([
      ...listed,
      { address: "198.51.100.7", how: "admin", trusted_at: expect.stringMatching(/^20\d\d-/) },
    ]);
  });
});
