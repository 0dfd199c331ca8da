import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { gateDocumentOf, grantOf, requestOf } from "../../tests/harness/gate-fixtures.ts";
import type { ProxyEnv } from "../../workers/proxy/env.ts";
import { accessTokens } from "./access-tokens.ts";
import { connectionHealth } from "./connection-health.ts";
import { canaryKey, connectionStateName } from "./connection-state-name.ts";
import type { ConnectionNews } from "./connection-state.ts";
import { HealthMemory } from "./health-memory.ts";
import type { ConnectionDocument, UpstreamCredentialDocument } from "../domain/documents.ts";
import { NO_LIMITS } from "../domain/limits.ts";
import { DEFAULT_RELIABILITY } from "../domain/reliability.ts";
import type { CallReport } from "../ports.ts";

function bound<T>(binding: T | undefined): T {
  if (binding === undefined) throw new Error("A binding is missing");
  return binding;
}

const bindings = env as Partial<ProxyEnv>;
const GATES = bound(bindings.GATES);
const HEALTH = bound(bindings.HEALTH);

const CREDENTIAL: UpstreamCredentialDocument = {
  id: "ucred_a",
  version: 1,
  environment: null,
  priority: 0,
  weight: 1,
  state: "active",
  canaryShare: 0,
  location: { provider: "worker_secret", binding: "X" },
};

const RULE = { failures: 3, windowSeconds: 30, openSeconds: 1 };

function connectionOf(id: string, changes: Partial<ConnectionDocument> = {}): ConnectionDocument {
  return {
    id,
    name: "Vendor",
    vendor: null,
    environment: null,
    status: "active",
    baseUrl: "https://vendor.test/api",
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
    reliability: { ...DEFAULT_RELIABILITY, breaker: RULE },
    quota: null,
    limits: NO_LIMITS,
    prices: [],
    operations: [],
    upstreamCredentials: [CREDENTIAL],
    ...changes,
  };
}

const NO_NEWS: ConnectionNews = { failures: 0, successes: 0, probe: false, holds: [], rule: RULE };
const stateOf = (id: string) => HEALTH.getByName(connectionStateName("org_default", id));

/** What one isolate knows, with its deferred work. */
class Isolate {
  readonly memory = new HealthMemory();
  readonly deferred: Promise<unknown>[] = [];
  nowMs = () => Date.now();

  get health() {
    return connectionHealth({
      states: HEALTH,
      memory: this.memory,
      nowMs: () => this.nowMs(),
      defer: (work) => void this.deferred.push(work),
    });
  }

  async check(connection: ConnectionDocument): Promise<string> {
    const refusal = await this.health.check("org_default", connection);
    await Promise.all(this.deferred.splice(0));
    return refusal?.code ?? "go";
  }

  async report(connection: ConnectionDocument, report: Partial<CallReport>): Promise<void> {
    this.health.report("org_default", connection, {
      upstreamCredentialId: "ucred_a",
      status: 200,
      failed: false,
      holdUntilMs: null,
      ...report,
    });
    await Promise.all(this.deferred.splice(0));
  }
}

const FAILED: Partial<CallReport> = { status: 503, failed: true };

describe("a connection's breaker", () => {
  it("opens for every isolate, lets one probe out, and closes after a good one", async () => {
    const connection = connectionOf("conn_breaker");
    const [first, second] = [new Isolate(), new Isolate()];
    expect(await second.check(connection)).toBe("go");
    for (let call = 0; call < 3; call += 1) await first.report(connection, FAILED);
    expect(await first.check(connection)).toBe("circuit_open");
    // The other isolate asks now and then; from then on it knows.
    second.nowMs = () => Date.now() + 2_100;
    await second.check(connection);
    second.nowMs = () => Date.now();
    expect(await second.check(connection)).toBe("circuit_open");
    await scheduler.wait(1_050);
    const outcomes = [await first.check(connection), await second.check(connection), await first.check(connection)];
    expect(outcomes).toEqual(["go", "circuit_open", "circuit_open"]);
    await first.report(connection, {});
    expect(await first.check(connection)).toBe("go");
    second.nowMs = () => Date.now() + 16_000;
    expect(await second.check(connection)).toBe("go");
  });

  it("opens again when the probe fails", async () => {
    const connection = connectionOf("conn_probe");
    const isolate = new Isolate();
    for (let call = 0; call < 3; call += 1) await isolate.report(connection, FAILED);
    await scheduler.wait(1_050);
    expect(await isolate.check(connection)).toBe("go");
    await isolate.report(connection, FAILED);
    expect(await isolate.check(connection)).toBe("circuit_open");
  });

  it("is off when the connection has none", async () => {
    const connection = connectionOf("conn_none", { reliability: { ...DEFAULT_RELIABILITY, breaker: null } });
    const isolate = new Isolate();
    for (let call = 0; call < 50; call += 1) await isolate.report(connection, FAILED);
    expect(await isolate.check(connection)).toBe("go");
  });

  it("costs no call while all is well", async () => {
    const connection = connectionOf("conn_free");
    const isolate = new Isolate();
    await isolate.check(connection);
    const asked = vi.spyOn(HEALTH, "getByName");
    for (let call = 0; call < 100; call += 1) {
      expect(await isolate.health.check("org_default", connection)).toBeNull();
      await isolate.report(connection, {});
    }
    expect(asked).not.toHaveBeenCalled();
  });
});

describe("a vendor's wait", () => {
  it("holds every isolate, survives a restart, and ends", async () => {
    const connection = connectionOf("conn_wait");
    const [first, second] = [new Isolate(), new Isolate()];
    await first.report(connection, { status: 429, holdUntilMs: Date.now() + 1_200 });
    expect(await first.health.check("org_default", connection)).toMatchObject({
      code: "vendor_limited",
      retryAfterSeconds: 2,
    });
    await evictDurableObject(stateOf("conn_wait"));
    await second.check(connection);
    expect(await second.check(connection)).toBe("vendor_limited");
    await scheduler.wait(1_250);
    expect(await second.check(connection)).toBe("go");
    expect(await first.check(connection)).toBe("go");
  });

  it("reaches the gates that use the connection, so that nobody needs to ask", async () => {
    const document = gateDocumentOf({ credentialId: "dcred_push", grants: [grantOf({ connectionId: "conn_push" })] });
    const gate = GATES.getByName("dcred_push");
    await stateOf("conn_push").subscribe("dcred_push");
    expect((await gate.admit(requestOf({ document, connectionId: "conn_push" }))).decision).toBe("go");
    await stateOf("conn_push").report({
      ...NO_NEWS,
      holds: [{ upstreamCredentialId: null, untilMs: Date.now() + 60_000 }],
    });
    await vi.waitFor(async () => {
      const reply = await gate.admit(requestOf({ connectionId: "conn_push" }));
      expect(reply).toMatchObject({ decision: "refused", refusal: { code: "vendor_limited" } });
    });
    const late = await stateOf("conn_push").subscribe("dcred_later");
    expect(late).toMatchObject([{ connectionId: "conn_push", code: "vendor_limited" }]);
  });

  it("holds a connection with several keys only when all of them must wait", async () => {
    const other = { ...CREDENTIAL, id: "ucred_b" };
    const connection = connectionOf("conn_keys", { upstreamCredentials: [CREDENTIAL, other] });
    const isolate = new Isolate();
    const holdUntilMs = Date.now() + 60_000;
    await isolate.report(connection, { status: 429, holdUntilMs });
    expect(await isolate.check(connection)).toBe("go");
    expect(isolate.health.usable?.("org_default", connection, "ucred_a")).toBe(false);
    expect(isolate.health.usable?.("org_default", connection, "ucred_b")).toBe(true);
    await isolate.report(connection, { upstreamCredentialId: "ucred_b", status: 429, holdUntilMs });
    expect(await isolate.check(connection)).toBe("vendor_limited");
  });

  it("holds a call that may use only the key that must wait", async () => {
    const other = { ...CREDENTIAL, id: "ucred_b", environment: "sandbox" };
    const connection = connectionOf("conn_environments", { upstreamCredentials: [CREDENTIAL, other] });
    const isolate = new Isolate();
    await isolate.report(connection, { status: 429, holdUntilMs: Date.now() + 60_000 });
    const outcome = async (keys: readonly string[]) =>
      (await isolate.health.check("org_default", connection, keys))?.code ?? "go";
    expect(await outcome(["ucred_a"])).toBe("vendor_limited");
    expect(await outcome(["ucred_b"])).toBe("go");
    expect(await outcome(["ucred_a", "ucred_b"])).toBe("go");
  });

  it("puts a refused key last until it is accepted again", async () => {
    const connection = connectionOf("conn_refused");
    const isolate = new Isolate();
    await isolate.report(connection, { status: 401, refused: true });
    expect(isolate.health.usable?.("org_default", connection, "ucred_a")).toBe(false);
    await isolate.report(connection, {});
    expect(isolate.health.usable?.("org_default", connection, "ucred_a")).toBe(true);
  });

  it("sends a canary back for every isolate after its third refusal, and remembers it", async () => {
    const canary = { ...CREDENTIAL, id: "ucred_new", state: "canary" as const, canaryShare: 0.5 };
    const connection = connectionOf("conn_canary", { upstreamCredentials: [CREDENTIAL, canary] });
    const key = canaryKey("ucred_new", canary.version);
    const [first, second] = [new Isolate(), new Isolate()];
    const seen = { upstreamCredentialId: "ucred_new" } as const;
    await first.report(connection, { ...seen, status: 503, failed: false });
    await first.report(connection, { ...seen, status: 401, refused: true });
    await second.report(connection, { ...seen, status: 401, refused: true });
    expect(await stateOf("conn_canary").canary(key)).toBe("wait");
    await first.report(connection, { ...seen, status: 401, refused: true });
    expect(await stateOf("conn_canary").canary(key)).toBe("return");
    await evictDurableObject(stateOf("conn_canary"));
    const third = new Isolate();
    await third.check(connection);
    await third.check(connection);
    expect(third.health.usable?.("org_default", connection, "ucred_new")).toBe(false);
    expect(third.health.usable?.("org_default", connection, "ucred_a")).toBe(true);
    const replaced = { ...connection, upstreamCredentials: [CREDENTIAL, { ...canary, version: canary.version + 1 }] };
    expect(third.health.usable?.("org_default", replaced, "ucred_new")).toBe(true);
  });

  it("is foreseen from what the vendor says is left", async () => {
    const connection = connectionOf("conn_pace");
    const isolate = new Isolate();
    const resetMs = Date.now() + 1_000;
    await isolate.report(connection, { quota: { remaining: 2, resetMs } });
    expect([await isolate.check(connection), await isolate.check(connection)]).toEqual(["go", "go"]);
    expect(await isolate.check(connection)).toBe("vendor_limited");
    // An answer that was under way longer states an older, higher figure.
    await isolate.report(connection, { quota: { remaining: 2, resetMs } });
    expect(await isolate.check(connection)).toBe("vendor_limited");
    await scheduler.wait(1_050);
    expect(await isolate.check(connection)).toBe("go");
  });
});

describe("access tokens", () => {
  const auth = {
    scheme: "oauth2_client_credentials",
    token_url: "https://login.vendor.test/token",
    client_id: "client",
    scope: null,
    audience: null,
    client_auth: "body",
  } as const;
  let logins = 0;
  let lifetime = 3_600;
  let answer: (() => Response) | null = null;

  beforeEach(() => {
    logins = 0;
    lifetime = 3_600;
    answer = null;
    vi.spyOn(globalThis, "fetch").mockImplementation(async (input) => {
      const request = new Request(input);
      expect(request.url).toBe(auth.token_url);
      expect(new TextDecoder().decode(await request.arrayBuffer())).toContain("client_secret=s3cret-s3cret");
      logins += 1;
      await scheduler.wait(20);
      if (answer !== null) return answer();
      return Response.json({ access_token: `token-number-${logins}`, expires_in: lifetime });
    });
  });

  afterEach(() => {
    vi.restoreAllMocks();
  });

  const tokensOf = () => accessTokens({ states: HEALTH, memory: new HealthMemory(), nowMs: () => Date.now() });
  const get = (id: string, rejected: string | null = null, from = tokensOf()) =>
    from.get("org_default", connectionOf(id, { auth }), CREDENTIAL, "s3cret-s3cret", rejected);

  it("are fetched once for everyone", async () => {
    const tokens = await Promise.all(Array.from({ length: 20 }, () => get("conn_token")));
    expect(new Set(tokens)).toEqual(new Set(["token-number-1"]));
    expect(await get("conn_token")).toBe("token-number-1");
    expect(logins).toBe(1);
  });

  it("are replaced once when one is rejected, however many say so", async () => {
    const rejected = await get("conn_reject");
    const tokens = await Promise.all(Array.from({ length: 10 }, () => get("conn_reject", rejected)));
    expect(new Set(tokens)).toEqual(new Set(["token-number-2"]));
    expect(logins).toBe(2);
  });

  it("are renewed before they end", async () => {
    lifetime = 1;
    const isolate = tokensOf();
    expect(await get("conn_renew", null, isolate)).toBe("token-number-1");
    expect(await get("conn_renew", null, isolate)).toBe("token-number-1");
    await scheduler.wait(920);
    expect(await get("conn_renew", null, isolate)).toBe("token-number-2");
  });

  it("do not bring a flood of logins when every fresh one is rejected", async () => {
    let token = await get("conn_flood");
    for (let call = 0; call < 20; call += 1) token = await get("conn_flood", token);
    expect(logins).toBeLessThanOrEqual(5);
  });

  it("fail without a word of the vendor's answer, and rest a moment", async () => {
    answer = () => Response.json({ error: "invalid_client", secret: "s3cret-s3cret" }, { status: 401 });
    await expect(get("conn_bad")).rejects.toThrow(/^The login at the vendor failed: refused$/);
    await expect(get("conn_bad")).rejects.toThrow("refused");
    expect(logins).toBe(1);
  });

  it("and secrets are in no row of the object", async () => {
    const token = await get("conn_rows");
    await stateOf("conn_rows").report({ ...NO_NEWS, failures: 3 });
    const text = await runInDurableObject(stateOf("conn_rows"), (_, state) => {
      const tables = state.storage.sql.exec("SELECT name FROM sqlite_master WHERE type = 'table'").toArray();
      return tables
        .map((row) => String(row["name"]))
        .filter((name) => !name.startsWith("_cf"))
        .map((name) => JSON.stringify(state.storage.sql.exec(`SELECT * FROM ${name}`).toArray()))
        .join("\n");
    });
    expect(text).toContain("open");
    expect(text).not.toContain(token);
    expect(text).not.toContain("s3cret");
  });
});
