/**
 * A connection's keys from outside: which one a call uses, what happens when the vendor refuses or limits one, rotation
 * with a canary, the test call, and operations from an OpenAPI document.
 */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { items, member, text, type Json } from "./harness/api-client.ts";
import type { RecordingVendor } from "./harness/recording-vendor.ts";
import { until } from "./harness/stack.ts";
import { everythingSeen, madeUpSecret, startWorld, type Connected, type World } from "./compat/world.ts";

let world: World;
let vendor: RecordingVendor;
/** What the vendor answers to each key; 200 for any other. */
let statusOf: Map<string, number>;

beforeAll(async () => {
  world = await startWorld({ RELAYKEY_CRON_SECONDS: "1" });
  vendor = await world.vendor();
  vendor.answerWith((request, response) => {
    const status = statusOf.get(String(request.headers.authorization).replace("Bearer ", "")) ?? 200;
    response.writeHead(status, {
      "content-type": "application/json",
      ...(status === 429 ? { "retry-after": "60" } : {}),
    });
    response.end(`{"status":${status}}`);
  });
});
afterAll(() => world?.stop());
beforeEach(() => {
  statusOf = new Map();
});

const SCOPE = [{ methods: ["GET", "POST"], paths: ["/**"] }];

async function addKey(
  connected: Connected,
  more: Record<string, unknown> = {},
): Promise<{ id: string; secret: string }> {
  const secret = madeUpSecret();
  const path = `/api/v1/connections/${connected.id}/upstream-credentials`;
  const added = await world.api.admin("POST", path, { secret, ...more });
  expect(added.status, added.text).toBe(201);
  return { id: text(member(added.body, "id")), secret };
}

async function keysOf(connected: Connected): Promise<readonly Json[]> {
  const answer = await world.api.admin("GET", `/api/v1/connections/${connected.id}`);
  return items(member(answer.body, "upstream_credentials"));
}

/** Calls once and gives back the status and the keys that the vendor saw for it, in order. */
async function call(connected: Connected, token: string, method = "GET"): Promise<[number, string[]]> {
  const before = vendor.requests.length;
  const answer = await world.api.proxy(method, `/${connected.id}/things`, token);
  const keys = vendor.requests.slice(before).map(({ headers }) => String(headers.authorization).replace("Bearer ", ""));
  return [answer.status, keys];
}

function command(
  script: string,
  environment: Record<string, string>,
): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [script], {
      cwd: join(import.meta.dirname, ".."),
      env: { ...process.env, ...environment, NODE_OPTIONS: "" },
    });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.on("close", (code) => resolve({ code, output }));
  });
}

describe("several keys", () => {
  it("uses the one of lower priority number, and the next when the vendor refuses it, writes included", async () => {
    const connected = await world.connect("conn_order", { base_url: vendor.origin, auth: { scheme: "bearer" } });
    const spare = await addKey(connected, { priority: 10 });
    const token = await connected.token(SCOPE);
    expect(await call(connected, token)).toEqual([200, [connected.secret]]);
    statusOf.set(connected.secret, 401);
    // A refused call was not carried out, so even a write may be made again with another key.
    expect(await call(connected, token, "POST")).toEqual([200, [connected.secret, spare.secret]]);
    // The refused key rests and is not offered to the vendor again at once.
    expect(await call(connected, token)).toEqual([200, [spare.secret]]);
  });

  it("turns to the next one when the vendor's limit for a key is met", async () => {
    const connected = await world.connect("conn_limits", { base_url: vendor.origin, auth: { scheme: "bearer" } });
    const spare = await addKey(connected, { priority: 10 });
    const token = await connected.token(SCOPE);
    statusOf.set(connected.secret, 429);
    expect(await call(connected, token)).toEqual([200, [connected.secret, spare.secret]]);
    expect(await call(connected, token)).toEqual([200, [spare.secret]]);
  });

  it("never uses another environment's key", async () => {
    const connected = await world.connect("conn_envs", {
      base_url: vendor.origin,
      auth: { scheme: "none" },
      secret: undefined,
    });
    await world.api.admin("PATCH", `/api/v1/connections/${connected.id}`, { auth: { scheme: "bearer" } });
    const production = await addKey(connected, { environment: "production" });
    const sandbox = await addKey(connected, { environment: "sandbox" });
    const inSandbox = await connected.token(SCOPE, { environment: "sandbox" });
    const inProduction = await connected.token(SCOPE, { environment: "production" });
    for (let i = 0; i < 4; i += 1) {
      expect(await call(connected, inSandbox)).toEqual([200, [sandbox.secret]]);
      expect(await call(connected, inProduction)).toEqual([200, [production.secret]]);
    }
    statusOf.set(sandbox.secret, 401);
    const [status, keys] = await call(connected, inSandbox);
    expect(status).toBe(401);
    expect(keys).not.toContain(production.secret);
  });
});

describe("rotation", () => {
  it("replaces a key at once", async () => {
    const connected = await world.connect("conn_rotate", { base_url: vendor.origin, auth: { scheme: "bearer" } });
    const token = await connected.token(SCOPE);
    expect(await call(connected, token)).toEqual([200, [connected.secret]]);
    const [key] = await keysOf(connected);
    const secret = madeUpSecret();
    const path = `/api/v1/connections/${connected.id}/upstream-credentials/${text(member(key ?? null, "id"))}/rotate`;
    const rotated = await world.api.admin("POST", path, { secret });
    expect(rotated.status, rotated.text).toBe(200);
    expect(await call(connected, token)).toEqual([200, [secret]]);
  });

  it("a canary that the vendor refuses costs no call and goes back by itself", async () => {
    const connected = await world.connect("conn_canary", { base_url: vendor.origin, auth: { scheme: "bearer" } });
    const token = await connected.token(SCOPE);
    const [key] = await keysOf(connected);
    const bad = madeUpSecret();
    statusOf.set(bad, 401);
    const path = `/api/v1/connections/${connected.id}/upstream-credentials/${text(member(key ?? null, "id"))}/rotate`;
    const rotated = await world.api.admin("POST", path, { secret: bad, canary_share: 0.99 });
    expect(rotated.status, rotated.text).toBe(201);
    const canary = text(member(rotated.body, "id"));
    const stateOf = async () =>
      member((await keysOf(connected)).find((each) => member(each, "id") === canary) ?? null, "status");
    expect(await stateOf()).toBe("canary");
    let refused = 0;
    await until(
      async () => {
        const [status, keys] = await call(connected, token);
        expect(status).toBe(200);
        if (keys.includes(bad)) refused += 1;
        await new Promise((resolve) => setTimeout(resolve, 100));
        return (await stateOf()) === "disabled";
      },
      30_000,
      () => `the canary was still in use after ${refused} refusals`,
    );
    expect(refused).toBeLessThanOrEqual(4);
    expect(await call(connected, token)).toEqual([200, [connected.secret]]);
  });

  it("a canary that works is promoted, and the old key retires", async () => {
    const connected = await world.connect("conn_promote", { base_url: vendor.origin, auth: { scheme: "bearer" } });
    const token = await connected.token(SCOPE);
    const [key] = await keysOf(connected);
    const fresh = madeUpSecret();
    const path = `/api/v1/connections/${connected.id}/upstream-credentials`;
    const rotated = await world.api.admin("POST", `${path}/${text(member(key ?? null, "id"))}/rotate`, {
      secret: fresh,
      canary_share: 0.5,
    });
    const seen = new Set<string>();
    for (let i = 0; i < 40; i += 1) for (const used of (await call(connected, token))[1]) seen.add(used);
    expect([...seen].sort()).toEqual([connected.secret, fresh].sort());
    const promoted = await world.api.admin("POST", `${path}/${text(member(rotated.body, "id"))}/promote`);
    expect(promoted.status, promoted.text).toBe(200);
    for (let i = 0; i < 5; i += 1) expect(await call(connected, token)).toEqual([200, [fresh]]);
  });
});

describe("the test call", () => {
  it("says in plain words what it found, and shows nothing of the key", async () => {
    const connected = await world.connect("conn_tested", { vendor: "stripe", base_url: vendor.origin });
    const test = () => world.api.admin("POST", `/api/v1/connections/${connected.id}/test`);
    const good = await test();
    expect(good.status, good.text).toBe(200);
    expect(good.body).toMatchObject({ ok: true, status: 200 });
    expect(vendor.requests.at(-1)?.target).toBe("/v1/balance");
    statusOf.set(connected.secret, 401);
    const bad = await test();
    expect(bad.body).toMatchObject({ ok: false, status: 401 });
    expect(text(member(bad.body, "summary"))).toContain("does not accept the key");
    expect(`${good.text}${bad.text}`).not.toContain(connected.secret);
  });

  it("tries the base of a connection without a vendor, or the path that is named", async () => {
    const connected = await world.connect("conn_any", { base_url: `${vendor.origin}/api`, auth: { scheme: "bearer" } });
    const path = `/api/v1/connections/${connected.id}/test`;
    expect((await world.api.admin("POST", path)).body).toMatchObject({ ok: true });
    expect(vendor.requests.at(-1)?.target).toBe("/api/");
    expect((await world.api.admin("POST", path, { path: "/me" })).body).toMatchObject({ ok: true });
    expect(vendor.requests.at(-1)?.target).toBe("/api/me");
  });
});

describe("an OpenAPI document", () => {
  it("names the calls in audit events", async () => {
    const connected = await world.connect("conn_named", { base_url: vendor.origin, auth: { scheme: "bearer" } });
    const issued = await world.api.admin("POST", "/api/v1/delegated-credentials", {
      name: "named",
      grants: [{ connection_id: connected.id, rules: SCOPE }],
      ttl_seconds: 600,
    });
    const document = {
      openapi: "3.1.0",
      info: { title: "Things", version: "1" },
      paths: {
        "/things": { get: { operationId: "listThings" } },
        "/things/{id}": { get: { operationId: "getThing" } },
      },
    };
    const path = `/api/v1/connections/${connected.id}/openapi`;
    const uploaded = await world.api.admin("PUT", path, document);
    expect(uploaded.status, uploaded.text).toBe(200);
    expect(items(member(uploaded.body, "operations")).length).toBe(2);
    await world.api.proxy("GET", `/${connected.id}/things/7`, text(member(issued.body, "token")));
    const [event] = await world.api.events(text(member(issued.body, "id")), 1);
    expect(event).toMatchObject({ operation: "getThing", path: "/things/7" });
    const refused = await world.api.admin("PUT", path, { swagger: "2.0" });
    expect(refused.status).toBeGreaterThanOrEqual(400);
    expect(refused.status).toBeLessThan(500);
  });
});

describe("a key that lives elsewhere", () => {
  it("is read from Vault and from a Worker secret, and is unavailable when it cannot be read", async () => {
    const vault = await world.vendor();
    const [inVault, inWorker, vaultToken] = [madeUpSecret(), madeUpSecret(), madeUpSecret()];
    let sealed = false;
    vault.answerWith((request, response) => {
      const known =
        request.headers["x-vault-token"] === vaultToken && request.target.startsWith("/v1/secret/data/apps/");
      const status = sealed ? 503 : known ? 200 : 403;
      response.writeHead(status, { "content-type": "application/json" });
      response.end(
        JSON.stringify(status === 200 ? { data: { data: { api_key: inVault }, metadata: {} } } : { errors: [] }),
      );
    });
    await world.stack.kill();
    const lines = [`VAULT_ADDR="${vault.origin}"`, `VAULT_TOKEN="${vaultToken}"`, `CRM_KEY="${inWorker}"`];
    appendFileSync(world.stack.varsPath, `${lines.join("\n")}\n`);
    await world.stack.start();

    const auth = { scheme: "bearer" };
    const located = (id: string, location: unknown) =>
      world.connect(id, { base_url: vendor.origin, auth, secret: undefined, location });
    const ofVault = (path: string) => ({ provider: "vault", mount: "secret", path, field: "api_key" });
    const fromVault = await located("conn_vault", ofVault("apps/crm"));
    const fromWorker = await located("conn_worker", { provider: "worker_secret", binding: "CRM_KEY" });
    const vaultCaller = await fromVault.token(SCOPE);
    expect(await call(fromVault, vaultCaller)).toEqual([200, [inVault]]);
    expect(await call(fromWorker, await fromWorker.token(SCOPE))).toEqual([200, [inWorker]]);

    sealed = true;
    // What was read a moment ago still serves; what was never read is refused, and the vendor is not called.
    expect(await call(fromVault, vaultCaller)).toEqual([200, [inVault]]);
    const unread = await located("conn_unread", ofVault("apps/other"));
    const token = await unread.token(SCOPE);
    const before = vendor.requests.length;
    const answer = await world.api.proxy("GET", "/conn_unread/things", token);
    expect(answer.status).toBe(503);
    expect(answer.body).toMatchObject({ code: "secret_unavailable", retryable: true });
    expect(vendor.requests.length).toBe(before);
    expect(world.api.transcript()).not.toContain(inVault);
    expect(world.stack.output()).not.toContain(vaultToken);
  });

  it("can never be one of RelayKey's own secrets", async () => {
    for (const binding of ["RELAYKEY_KEKS", "VAULT_TOKEN", "CONTROL_DB"]) {
      const made = await world.api.admin("POST", "/api/v1/connections", {
        id: `conn_own_${binding.toLowerCase()}`,
        name: "own",
        base_url: vendor.origin,
        auth: { scheme: "bearer" },
        location: { provider: "worker_secret", binding },
      });
      if (made.status !== 201) continue;
      const issued = await world.api.admin("POST", "/api/v1/delegated-credentials", {
        name: "own",
        grants: [{ connection_id: text(member(made.body, "id")), rules: SCOPE }],
        ttl_seconds: 600,
      });
      const answer = await world.api.proxy(
        "GET",
        `/${text(member(made.body, "id"))}/x`,
        text(member(issued.body, "token")),
      );
      expect(answer.status, binding).toBe(503);
    }
  });
});

describe("key-encryption keys", () => {
  it("are replaced while calls go on, and the old one may then leave", async () => {
    const connected = await world.connect("conn_kek", { base_url: vendor.origin, auth: { scheme: "bearer" } });
    const token = await connected.token(SCOPE);
    const vars = readFileSync(world.stack.varsPath, "utf8");
    const old = /^RELAYKEY_KEKS="(.*)"$/m.exec(vars)?.[1] ?? "";
    const fresh = `k2:${randomBytes(32).toString("base64url")}`;
    const restartWith = async (keks: string): Promise<void> => {
      await world.stack.kill();
      writeFileSync(world.stack.varsPath, vars.replace(`RELAYKEY_KEKS="${old}"`, `RELAYKEY_KEKS="${keks}"`));
      await world.stack.start();
    };
    await restartWith(`${fresh},${old}`);
    expect(await call(connected, token)).toEqual([200, [connected.secret]]);
    const run = await command("scripts/keys-rotate.ts", {
      ADMIN_ORIGIN: world.stack.admin,
      RELAYKEY_OWNER_KEY: world.stack.ownerKey,
    });
    expect(run.output).toContain("everything is sealed under k2");
    expect(run.code).toBe(0);
    expect(run.output).not.toContain(world.stack.ownerKey);
    await restartWith(fresh);
    expect(await call(connected, token)).toEqual([200, [connected.secret]]);
  });
});

it("no token ever reached the vendor", () => {
  expect(everythingSeen(vendor)).not.toMatch(/rk_proxy_[0-9A-Za-z]{20}/);
});
