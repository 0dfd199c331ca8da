import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { gateDocumentOf, grantOf, requestOf, settlementOf } from "../../tests/harness/gate-fixtures.ts";
import type { ProxyEnv } from "../../workers/proxy/env.ts";
import type { AdmissionReply, AdmissionRequest, GateDocument } from "../domain/admission.ts";
import {
  connectionPool,
  poolTerms,
  quotaPool,
  recipientPool,
  type LeaseClosing,
  type PoolLimit,
} from "../domain/lease.ts";
import { NO_LIMITS, type BudgetLimit } from "../domain/limits.ts";
import { SharedLimit, type SharedLimitEnv } from "./shared-limit.ts";

function bound<T>(binding: T | undefined): T {
  if (binding === undefined) throw new Error("A binding is missing");
  return binding;
}

const bindings = env as Partial<ProxyEnv>;
const GATES = bound(bindings.GATES);
const POOLS = bound(bindings.POOLS);

const budget = (unit: BudgetLimit["unit"], limit: number): BudgetLimit => ({
  unit,
  limit,
  window: "month",
  anchorMs: null,
});

let requests = 0;

/** Every row of an object, as text. */
function dump(sql: SqlStorage): string {
  const tables = sql.exec("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\'");
  return tables
    .toArray()
    .map((row) => JSON.stringify(sql.exec(`SELECT * FROM "${String(row["name"])}"`).toArray()))
    .join("\n");
}

/** One after the other, from the beginning again at the end. */
function turn(callers: readonly Caller[], index: number): Caller {
  const caller = callers[index % callers.length];
  if (caller === undefined) throw new Error("There are no callers");
  return caller;
}

class Caller {
  readonly document: GateDocument;

  constructor(document: GateDocument) {
    this.document = document;
  }

  get gate() {
    return GATES.getByName(this.document.credentialId);
  }

  async admit(changes: Partial<AdmissionRequest> = {}): Promise<AdmissionReply> {
    requests += 1;
    const request = requestOf({ documentVersion: this.document.version, requestId: `req_${requests}`, ...changes });
    const reply = await this.gate.admit(request);
    if (reply.decision !== "need_document") return reply as AdmissionReply;
    return (await this.gate.admit({ ...request, document: this.document })) as AdmissionReply;
  }

  /** `go` (settled at this cost), or the refusal's code. */
  async call(reserveUsdMicros = 0, costUsdMicros: number | null = null, forwarded = true): Promise<string> {
    const reply = await this.admit({ reserveUsdMicros });
    if (reply.decision === "refused") return reply.refusal.code;
    if (reply.decision !== "go") return reply.decision;
    await this.gate.settle([settlementOf(reply.admission, { costUsdMicros, forwarded })]);
    return "go";
  }
}

/** Credentials of one recipient whose limits they share. */
function family(name: string, count: number, budgets: readonly BudgetLimit[]): Caller[] {
  const recipient = { id: `rcpt_${name}`, name: "Team", email: null, limits: { ...NO_LIMITS, budgets } };
  return Array.from(
    { length: count },
    (_, index) => new Caller(gateDocumentOf({ credentialId: `dcred_${name}_${index}`, recipient })),
  );
}

async function remaining(name: string, budgets: readonly BudgetLimit[]): Promise<number[]> {
  const limits: PoolLimit[] = budgets.map((each) => ({ kind: "budget", ...each }));
  const pool = recipientPool("org_default", `rcpt_${name}`);
  const statuses = await POOLS.getByName(pool).inspect(poolTerms(pool, limits));
  return statuses.map((status) => status.remaining);
}

describe("a budget shared by many credentials", { timeout: 60_000 }, () => {
  it("admits exactly its amount under 400 concurrent callers over 20 credentials", async () => {
    const budgets = [budget("requests", 1_000)];
    const callers = family("exact", 20, budgets);
    const outcomes = new Map<string, number>();
    const until = async (caller: Caller): Promise<void> => {
      for (;;) {
        const outcome = await caller.call();
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
        if (outcome !== "go") return;
      }
    };
    await Promise.all(Array.from({ length: 400 }, (_, index) => until(turn(callers, index))));
    expect(Object.fromEntries(outcomes)).toEqual({ go: 1_000, budget_exhausted: 400 });
    expect(await remaining("exact", budgets)).toEqual([0]);
  });

  it("is not exceeded when gates and pool lose their memory at any moment", async () => {
    const budgets = [budget("requests", 300)];
    const callers = family("evict", 6, budgets);
    const pool = POOLS.getByName(recipientPool("org_default", "rcpt_evict"));
    let admitted = 0;
    let over = false;
    let evictions = 0;
    const until = async (caller: Caller): Promise<void> => {
      let refusals = 0;
      while (refusals < 3) {
        // An eviction breaks the calls under way: their outcome is not known, and they are counted by the gate alone.
        const outcome = await caller.call().catch(() => "broken");
        if (outcome === "go") admitted += 1;
        if (outcome === "budget_exhausted") refusals += 1;
      }
    };
    const evict = async (): Promise<void> => {
      while (!over) {
        await scheduler.wait(15);
        await evictDurableObject(pool).catch(() => undefined);
        evictions += 1;
        await evictDurableObject(turn(callers, evictions).gate).catch(() => undefined);
      }
    };
    const evicting = evict();
    await Promise.all(Array.from({ length: 30 }, (_, index) => until(turn(callers, index))));
    over = true;
    await evicting;
    expect(admitted).toBeLessThanOrEqual(300);
    expect(admitted).toBeGreaterThan(200);
  });

  it("gets back what calls did not cost, and what never reached the vendor", async () => {
    const budgets = [budget("requests", 20), budget("usd_micros", 1_000)];
    const [caller, other] = family("refund", 2, budgets);
    if (caller === undefined || other === undefined) throw new Error("Two credentials are needed");
    // 300 reserved each: only two such calls may be under way at the same time beside 250 that are spent for good.
    expect(await caller.call(250, null)).toBe("go");
    const first = await caller.admit({ reserveUsdMicros: 300 });
    const second = await other.admit({ reserveUsdMicros: 300 });
    expect([first.decision, second.decision]).toEqual(["go", "go"]);
    expect(await other.call(300)).toBe("budget_exhausted");
    if (first.decision === "go") {
      await caller.gate.settle([settlementOf(first.admission, { costUsdMicros: 100 })]);
    }
    if (second.decision === "go") {
      await other.gate.settle([settlementOf(second.admission, { costUsdMicros: 0, forwarded: false })]);
    }
    await scheduler.wait(400);
    expect(await other.call(650, 650)).toBe("go");
    await runDurableObjectAlarm(other.gate);
    await scheduler.wait(300);
    expect(await other.call(1)).toBe("budget_exhausted");
  });

  it("has its gates announce half, four fifths and all of it", async () => {
    const budgets = [budget("requests", 40)];
    const callers = family("alerts", 2, budgets);
    for (let call = 0; call < 42; call += 1) await turn(callers, call).call();
    const announced = new Set<string>();
    for (const caller of callers) {
      const text = await runInDurableObject(caller.gate, (_, state) => dump(state.storage.sql));
      for (const [found] of text.matchAll(/shared_alert.{0,200}/g)) {
        expect(found).toContain("recipient:org_default:rcpt_alerts");
        const percent = /,(50|80|100)\]/.exec(found.replaceAll("\\", ""))?.[1];
        if (percent !== undefined) announced.add(percent);
      }
    }
    expect([...announced].toSorted()).toEqual(["100", "50", "80"]);
  });

  it("keeps its rows small: leases that are done with are gone", async () => {
    const budgets = [budget("requests", 40)];
    const callers = family("rows", 2, budgets);
    for (let call = 0; call < 50; call += 1) await callers[call % 2]?.call();
    for (const caller of callers) await runDurableObjectAlarm(caller.gate);
    const pool = POOLS.getByName(recipientPool("org_default", "rcpt_rows"));
    const rows = await runInDurableObject(pool, (_, state) => state.storage.sql.exec("SELECT id FROM lease").toArray());
    expect(rows).toEqual([]);
    expect(await remaining("rows", budgets)).toEqual([0]);
  });
});

describe("a pool", { timeout: 30_000 }, () => {
  it("finds its gates again when an alarm wakes it and does not say its name", async () => {
    const budgets = [budget("requests", 50)];
    const [caller] = family("nameless", 1, budgets);
    await caller?.call();
    const pool = POOLS.getByName(recipientPool("org_default", "rcpt_nameless"));
    const asked = await runInDurableObject(pool, async (_, state) => {
      Object.defineProperty(state.id, "name", { value: undefined });
      const closings: string[] = [];
      const gate = { closeLeases: async (closing: LeaseClosing) => (closings.push(closing.pool), []) };
      const gates = { getByName: () => gate } as unknown as SharedLimitEnv["GATES"];
      vi.setSystemTime(Date.now() + 300_000);
      await new SharedLimit(state, { GATES: gates }).alarm();
      vi.useRealTimers();
      return closings;
    });
    expect(asked).toEqual([recipientPool("org_default", "rcpt_nameless")]);
  });

  it("asks about leases that ended, whatever alarm was set for later, and keeps nothing when it counts nothing", async () => {
    const budgets = [budget("requests", 40)];
    const [caller] = family("alarm", 1, budgets);
    if (caller === undefined) throw new Error("A credential is needed");
    const pool = POOLS.getByName(recipientPool("org_default", "rcpt_alarm"));
    const alarmMs = () => runInDurableObject(pool, (_, state) => state.storage.getAlarm());
    expect(await caller.call()).toBe("go");
    expect(await alarmMs()).toBeLessThan(Date.now() + 62_000);
    // As if the month and everything in it were over.
    await runInDurableObject(pool, (_, state) => {
      state.storage.sql.exec("DELETE FROM lease");
      state.storage.sql.exec("UPDATE count SET text = json_set(text, '$.endMs', 0)");
    });
    await evictDurableObject(pool);
    await runInDurableObject(pool, (instance) => instance.alarm?.());
    const tables = await runInDurableObject(pool, (_, state) =>
      state.storage.sql.exec("SELECT name FROM sqlite_master WHERE name IN ('meta', 'lease', 'count')").toArray(),
    );
    expect(tables).toEqual([]);
    // A gate that still holds a lease from before uses it up, and the pool goes on with new numbers.
    for (let call = 0; call < 6; call += 1) expect(await caller.call()).toBe("go");
    expect((await remaining("alarm", budgets))[0]).toBeLessThan(40);
  });
});

describe("a vendor's quota", { timeout: 30_000 }, () => {
  it("is shared so that one credential cannot take more than its share, nor all of them more than the whole", async () => {
    const quota = { requests: 10, perSeconds: 3_600, maxShare: 0.5 };
    const connectionId = "conn_quota";
    const callers = Array.from(
      { length: 3 },
      (_, index) =>
        new Caller(
          gateDocumentOf({
            credentialId: `dcred_quota_${index}`,
            grants: [grantOf({ connectionId, quota })],
          }),
        ),
    );
    const counts: number[] = [];
    for (const caller of callers) {
      let admitted = 0;
      for (let call = 0; call < 8; call += 1) {
        const reply = await caller.admit({ connectionId });
        if (reply.decision === "go") admitted += 1;
        else if (reply.decision === "refused") expect(reply.refusal.code).toBe("vendor_limited");
      }
      counts.push(admitted);
    }
    expect(counts).toEqual([5, 5, 0]);
    const pool = quotaPool("org_default", connectionId);
    const [status] = await POOLS.getByName(pool).inspect(poolTerms(pool, [{ kind: "quota", ...quota }]));
    expect(status?.remaining).toBe(0);
    expect(status?.resetMs).toBeGreaterThan(Date.now() + 3_500_000);
  });
});

describe("repeats of calls under a vendor's quota", { timeout: 30_000 }, () => {
  it("take units of it as calls do, whoever races, also after a restart, and nothing where there is none", async () => {
    const quota = { requests: 12, perSeconds: 3_600, maxShare: 1 };
    const connectionId = "conn_again";
    const grant = grantOf({ connectionId, quota });
    const [first, second] = ["a", "b"].map(
      (name) => new Caller(gateDocumentOf({ credentialId: `dcred_again_${name}`, grants: [grant] })),
    );
    if (first === undefined || second === undefined) throw new Error("missing");
    for (const caller of [first, second]) expect((await caller.admit({ connectionId })).decision).toBe("go");
    const tries = Array.from({ length: 20 }, (_, at) => (at % 2 === 0 ? first : second).gate.repeat(grant.id));
    let repeats = (await Promise.all(tries)).filter(Boolean).length;
    // One may hold for a moment what the other misses.
    expect(repeats).toBeGreaterThan(4);
    await evictDurableObject(first.gate);
    for (let n = 0; n < 20; n += 1) if (await (n % 2 === 0 ? first : second).gate.repeat(grant.id)) repeats += 1;
    expect(repeats).toBeLessThanOrEqual(10);
    const pool = quotaPool("org_default", connectionId);
    const [status] = await POOLS.getByName(pool).inspect(poolTerms(pool, [{ kind: "quota", ...quota }]));
    expect(status?.remaining).toBe(0);
    const free = new Caller(gateDocumentOf({ credentialId: "dcred_again_free" }));
    await free.admit();
    expect(await free.gate.repeat(free.document.grants[0]?.id ?? "")).toBe(true);
  });
});

describe("a rate of a connection", { timeout: 30_000 }, () => {
  it("holds for everyone together, in every window, and comes back", async () => {
    const connectionId = "conn_rate";
    const limit = { requests: 20, perSeconds: 1, burst: null };
    const rate = [limit];
    const callers = Array.from(
      { length: 4 },
      (_, index) =>
        new Caller(
          gateDocumentOf({
            credentialId: `dcred_rate_${index}`,
            grants: [grantOf({ connectionId, connectionLimits: { ...NO_LIMITS, rate } })],
          }),
        ),
    );
    const startedMs = Date.now();
    let admitted = 0;
    const run = async (caller: Caller): Promise<void> => {
      while (Date.now() < startedMs + 3_000) {
        const reply = await caller.admit({ connectionId });
        if (reply.decision === "go") admitted += 1;
        else await scheduler.wait(20);
      }
    };
    await Promise.all(Array.from({ length: 12 }, (_, index) => run(turn(callers, index))));
    const seconds = (Date.now() - startedMs) / 1000;
    expect(admitted).toBeLessThanOrEqual(20 * (Math.floor(seconds) + 1));
    // More than one window's worth came back; a busy machine may miss the end of another.
    expect(admitted).toBeGreaterThan(30);
    const pool = connectionPool("org_default", connectionId);
    expect(await POOLS.getByName(pool).inspect(poolTerms(pool, [{ kind: "rate", ...limit }]))).toHaveLength(1);
  });
});
