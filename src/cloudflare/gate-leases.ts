/**
 * A gate's talk with the pools of shared limits: brings leases when they are missing, reports what became of them.
 * One request per pool is under way at a time; calls that need the same pool wait for it together.
 *
 * What always holds: a report leaves only after the records it was made from are durable.
 */
import type { LimitStatus } from "../domain/admission.ts";
import { alertsDue, budgetWindow, newBudgetCounter, type BudgetCounter } from "../domain/budget.ts";
import { apply } from "../domain/gate-apply.ts";
import { demandsOf, poolRefusal, poolStatuses } from "../domain/gate-pools.ts";
import type { GateRecord } from "../domain/gate-records.ts";
import type { GateState } from "../domain/gate-state.ts";
import type { Exhausted, LeaseReply, LeaseReport, LimitPool, PoolLimitStatus, PoolTerms } from "../domain/lease.ts";
import { limitKey } from "../domain/lease.ts";
import type { LeaseRecord } from "../domain/lease-book.ts";
import type { PoolDemand } from "../domain/lease-use.ts";
import { leaseRequest, planTake, poolsToTell, reportsOf, stillExhausted, unusedUnits } from "../domain/lease-use.ts";
import type { Refusal } from "../domain/problem.ts";

export interface LimitPoolObject extends Rpc.DurableObjectBranded, LimitPool {}

/** How often leases for a repeat are asked for: others may take what was brought. */
const MAX_DRAW_ROUNDS = 4;
/** Pools whose last answer is remembered. */
const MAX_REMEMBERED_POOLS = 256;

interface Callers {
  calls: number;
  usdMicros: number;
}

export class GateLeases {
  readonly #gateId: string;
  readonly #pools: DurableObjectNamespace<LimitPoolObject>;
  readonly #state: GateState;
  readonly #commit: (records: readonly GateRecord[]) => Promise<void>;
  readonly #asking = new Map<string, Promise<void>>();
  /** What the calls that wait for a pool need together. */
  readonly #callers = new Map<string, Callers>();
  readonly #exhausted = new Map<string, Exhausted>();
  readonly #statuses = new Map<string, readonly PoolLimitStatus[]>();
  readonly #announced = new Map<string, BudgetCounter>();

  constructor(
    gateId: string,
    pools: DurableObjectNamespace<LimitPoolObject>,
    state: GateState,
    commit: (records: readonly GateRecord[]) => Promise<void>,
  ) {
    this.#gateId = gateId;
    this.#pools = pools;
    this.#state = state;
    this.#commit = commit;
  }

  /**
   * Asks the pools of these demands. Null: ask the gate again, there may be leases now. A refusal: a pool has nothing
   * left. Throws when a pool cannot be reached.
   */
  async obtain(demands: readonly PoolDemand[]): Promise<Refusal | null> {
    const known = this.#refusal(demands);
    if (known !== null) return known;
    for (const demand of demands) this.#count(demand, 1);
    try {
      await Promise.all(demands.map((demand) => this.#ask(demand)));
    } finally {
      for (const demand of demands) this.#count(demand, -1);
    }
    return this.#refusal(demands);
  }

  /**
   * One more request to the vendor under a call that drew its own: a unit of each of these pools, for good. False: one of
   * them has none left. Returns once that is durable.
   */
  async drawAgain(terms: readonly PoolTerms[]): Promise<boolean> {
    for (let round = 0; round < MAX_DRAW_ROUNDS; round += 1) {
      const nowMs = Date.now();
      const plan = planTake(this.#state.leases, demandsOf(terms, 0), nowMs);
      if (plan.kind === "take") {
        const { draws } = plan;
        void this.#record({ op: "draw", draws, nowMs });
        await this.#record({ op: "settle", draws, usdMicros: null, forwarded: true });
        return true;
      }
      if ((await this.obtain(plan.demands)) !== null) return false;
    }
    return false;
  }

  /** How the pools of a call stand, as far as they said so lately. */
  statuses(terms: readonly PoolTerms[], nowMs: number): LimitStatus[] {
    return terms.flatMap((each) => {
      const statuses = this.#statuses.get(each.pool);
      if (statuses === undefined) return [];
      return poolStatuses(each.pool, statuses, unusedUnits(this.#state.leases, each, nowMs), nowMs);
    });
  }

  /** Asks the pools how they stand now, for inspection. */
  async inspect(terms: readonly PoolTerms[]): Promise<LimitStatus[]> {
    const asked = terms.map(async (each) => {
      const statuses = await this.#pools.getByName(each.pool).inspect(each);
      const nowMs = Date.now();
      return poolStatuses(each.pool, statuses, unusedUnits(this.#state.leases, each, nowMs), nowMs);
    });
    return (await Promise.all(asked)).flat();
  }

  /** Whether some pool is owed a report. */
  owes(): boolean {
    return poolsToTell(this.#state.leases).length > 0;
  }

  /** Reports what became of closed leases. Failures are left for the next time. */
  async report(): Promise<void> {
    for (const pool of poolsToTell(this.#state.leases)) {
      const reports = reportsOf(this.#state.leases, pool);
      await this.#commit([]);
      try {
        const { forget } = await this.#pools.getByName(pool).report(this.#gateId, reports);
        await this.#record(told(pool, reports, forget));
      } catch {
        return;
      }
    }
  }

  #refusal(demands: readonly PoolDemand[]): Refusal | null {
    const nowMs = Date.now();
    for (const demand of demands) {
      const known = this.#exhausted.get(demand.terms.pool);
      if (known !== undefined && stillExhausted(known, demand, nowMs)) return poolRefusal(known, nowMs);
    }
    return null;
  }

  #count({ terms, usdMicros }: PoolDemand, sign: 1 | -1): void {
    const callers = this.#callers.get(terms.pool) ?? { calls: 0, usdMicros: 0 };
    callers.calls += sign;
    callers.usdMicros += sign * usdMicros;
    if (callers.calls > 0) this.#callers.set(terms.pool, callers);
    else this.#callers.delete(terms.pool);
  }

  #ask(demand: PoolDemand): Promise<void> {
    const { pool } = demand.terms;
    const underWay = this.#asking.get(pool);
    if (underWay !== undefined) return underWay;
    const asking = this.#lease(demand).finally(() => this.#asking.delete(pool));
    this.#asking.set(pool, asking);
    return asking;
  }

  async #lease(demand: PoolDemand): Promise<void> {
    const { terms } = demand;
    const { pool, version } = terms;
    const held = this.#state.leases.pools[pool] !== undefined;
    const retired = held ? this.#record({ op: "retire", pool, version, nowMs: Date.now() }) : null;
    const waiting = this.#callers.get(pool) ?? { calls: 1, usdMicros: demand.usdMicros };
    const request = leaseRequest(this.#state.leases, this.#gateId, demand, waiting, Date.now());
    await retired;
    const reply = await this.#pools.getByName(pool).lease(request);
    if (request.reports.length > 0 || reply.forget.length > 0)
      void this.#record(told(pool, request.reports, reply.forget));
    this.#remember(pool, reply.statuses);
    this.#announce(pool, reply);
    if (reply.kind === "granted") {
      this.#exhausted.delete(pool);
      void this.#record({ op: "receive", lease: reply.lease, nowMs: Date.now() });
    } else this.#exhausted.set(pool, reply.exhausted);
  }

  /** Notes what shared budgets have reached, once per threshold and window as far as this memory goes. */
  #announce(pool: string, reply: LeaseReply): void {
    const nowMs = Date.now();
    const full = reply.kind === "exhausted" ? limitKey(reply.exhausted.limit) : null;
    for (const { limit, used, remaining } of reply.statuses) {
      if (limit.kind !== "budget") continue;
      const { kind: _kind, ...budget } = limit;
      const key = limitKey(limit);
      const { startMs } = budgetWindow(budget, nowMs);
      const announced = this.#announced.get(`${pool} ${key}`);
      const counter = announced?.startMs === startMs ? announced : newBudgetCounter(startMs);
      const due = alertsDue(counter, budget, key === full && remaining === 0 ? budget.limit : used);
      if (due.length === 0) continue;
      if (this.#announced.size >= MAX_REMEMBERED_POOLS) this.#announced.clear();
      this.#announced.set(`${pool} ${key}`, counter);
      const records = due.map((percent): GateRecord => ["shared_alert", nowMs, pool, budget, used, percent]);
      for (const record of records) apply(this.#state, record);
      this.#commit(records).catch(() => undefined);
    }
  }

  #remember(pool: string, statuses: readonly PoolLimitStatus[]): void {
    if (this.#statuses.size >= MAX_REMEMBERED_POOLS) this.#statuses.clear();
    if (this.#exhausted.size >= MAX_REMEMBERED_POOLS) this.#exhausted.clear();
    this.#statuses.set(pool, statuses);
  }

  /** Applies and stores one lease record; what is decided on it is stored after it, in the same log. */
  #record(record: LeaseRecord): Promise<void> {
    apply(this.#state, ["lease", record]);
    const stored = this.#commit([["lease", record]]);
    // A failed write ends the object; whoever waits for a later write learns of it.
    stored.catch(() => undefined);
    return stored;
  }
}

function told(pool: string, reports: readonly LeaseReport[], forget: readonly string[]): LeaseRecord {
  const revisions = reports.map(({ leaseId, revision }) => [leaseId, revision] as const);
  return { op: "told", pool, revisions, forget, nowMs: Date.now() };
}
