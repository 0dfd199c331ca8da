/**
 * A limit shared by many credentials (a recipient's, a connection's, a customer's, a vendor's quota): grants leases to
 * gates, recalls unused ones before it refuses, and asks gates about leases that have ended.
 *
 * The rules are in src/domain/pool.ts; this class stores, times and talks. Its state may change while it waits for a gate,
 * so every decision is made anew after each wait, and nothing read before one is used after it.
 */
import { DurableObject } from "cloudflare:workers";
import type {
  LeaseHolder,
  LeaseReply,
  LeaseReport,
  LeaseRequest,
  LimitPool,
  PoolLimitStatus,
  PoolTerms,
  ReportReply,
} from "../domain/lease.ts";
import {
  askLater,
  dropStale,
  dueLeases,
  grant,
  nextDueMs,
  statusesOf,
  type Pool,
  type PoolLease,
} from "../domain/pool.ts";
import { account } from "../domain/pool-account.ts";
import { PoolStore } from "./pool-store.ts";

/** Gates asked at once in one round of a recall; the largest holdings first. */
const MAX_RECALL_GATES = 64;
/** Rounds before a refusal is final, waits included. */
const MAX_RECALL_ROUNDS = 8;
/** A lease is left alone until it has had time to arrive: recalled on its way, units would go round without being used. */
const YOUNG_MS = 30;
const ASK_TIMEOUT_MS = 10_000;
/** The alarm gathers what is due within this time. */
const ALARM_STEP_MS = 500;
/** An alarm that comes this soon is soon enough for any lease: none lives longer. */
const MAX_ALARM_AHEAD_MS = 60_500;
const MAX_FORGETS = 1_000;

interface LeaseHolderObject extends Rpc.DurableObjectBranded, LeaseHolder {}

export interface SharedLimitEnv {
  readonly GATES: DurableObjectNamespace<LeaseHolderObject>;
}

export class SharedLimit extends DurableObject<SharedLimitEnv> implements LimitPool {
  readonly #store: PoolStore;
  readonly #pool: Pool;
  /** Null: not known yet. */
  #name: string | null;
  /** Gates that are being asked, so that nobody is asked twice at once. */
  readonly #asking = new Map<string, Promise<void>>();
  /** Leases that a gate may forget and has not been told of. Lost with the memory, it asks again by reporting them. */
  readonly #forgets = new Map<string, string[]>();
  #alarmMs: number | null = null;

  constructor(ctx: DurableObjectState, env: SharedLimitEnv) {
    super(ctx, env);
    this.#store = new PoolStore(ctx.storage.sql);
    this.#pool = this.#store.load(Date.now());
    this.#name = this.#store.name ?? ctx.id.name ?? null;
    // The alarm that was set before a restart still comes; one more is harmless.
    if (this.#pool.leases.size > 0) this.#schedule();
  }

  /** Grants a lease, or says why not and until when. */
  async lease(request: LeaseRequest): Promise<LeaseReply> {
    this.#name ??= request.terms.pool;
    this.#account(request.gateId, request.reports);
    const tried = new Set<string>();
    for (let round = 0; ; round += 1) {
      const nowMs = Date.now();
      const outcome = grant(this.#pool, request, nowMs, round >= MAX_RECALL_ROUNDS);
      if (outcome.kind === "recall") {
        const holders = outcome.holders.filter((lease) => !tried.has(lease.id));
        if (holders.length > 0) await this.#recall(holders, tried, nowMs);
        else round = MAX_RECALL_ROUNDS;
        continue;
      }
      this.#save();
      const forget = this.#forgets.get(request.gateId) ?? [];
      this.#forgets.delete(request.gateId);
      const statuses = statusesOf(this.#pool, request.terms, request.gateId, nowMs);
      return outcome.kind === "granted"
        ? { kind: "granted", lease: outcome.lease, statuses, forget }
        : { kind: "exhausted", exhausted: outcome.exhausted, statuses, forget };
    }
  }

  /** Takes reports of closed leases (refunds, ended calls). */
  report(gateId: string, reports: readonly LeaseReport[]): Promise<ReportReply> {
    this.#account(gateId, reports);
    this.#save();
    const forget = this.#forgets.get(gateId) ?? [];
    this.#forgets.delete(gateId);
    return Promise.resolve({ forget });
  }

  inspect(terms: PoolTerms): Promise<PoolLimitStatus[]> {
    return Promise.resolve(statusesOf(this.#pool, terms, "", Date.now()));
  }

  /** Reconciles leases that have ended with their gates. */
  override async alarm(): Promise<void> {
    this.#alarmMs = null;
    const nowMs = Date.now();
    await this.#askAll(dueLeases(this.#pool, nowMs));
    dropStale(this.#pool, Date.now());
    this.#save();
    if (this.#pool.leases.size > 0 || this.#pool.counts.size > 0) return;
    // Customers come and go: a pool that counts nothing any more costs nothing any more.
    await this.ctx.storage.deleteAll();
    this.#store.cleared();
  }

  async #recall(holders: readonly PoolLease[], tried: Set<string>, nowMs: number): Promise<void> {
    const grown = holders.filter((lease) => lease.grantedAtMs + YOUNG_MS <= nowMs);
    if (grown.length === 0) {
      await scheduler.wait(YOUNG_MS);
      return;
    }
    const asked = await this.#askAll(grown);
    for (const lease of asked) tried.add(lease.id);
  }

  /** Asks the gates with the largest holdings about these leases; returns those asked about. */
  async #askAll(leases: readonly PoolLease[]): Promise<readonly PoolLease[]> {
    const byGate = Map.groupBy(leases, (lease) => lease.gateId);
    const size = (of: readonly PoolLease[]): number =>
      of.reduce((sum, { units }) => sum + units.calls + units.usdMicros, 0);
    const gates = [...byGate].toSorted((a, b) => size(b[1]) - size(a[1])).slice(0, MAX_RECALL_GATES);
    await Promise.all(gates.map(([gateId, of]) => this.#ask(gateId, of)));
    return gates.flatMap(([, of]) => of);
  }

  async #ask(gateId: string, leases: readonly PoolLease[]): Promise<void> {
    const underWay = this.#asking.get(gateId);
    if (underWay !== undefined) {
      await underWay;
      const still = leases.filter((lease) => this.#pool.leases.get(lease.id) === lease && !lease.closed);
      if (still.length > 0) await this.#ask(gateId, still);
      return;
    }
    const asking = this.#askGate(gateId, leases).finally(() => {
      if (this.#asking.get(gateId) === asking) this.#asking.delete(gateId);
    });
    this.#asking.set(gateId, asking);
    await asking;
  }

  async #askGate(gateId: string, leases: readonly PoolLease[]): Promise<void> {
    const forget = this.#forgets.get(gateId) ?? [];
    try {
      if (this.#name === null) throw new Error("The pool does not know its name");
      const reports = await within(
        ASK_TIMEOUT_MS,
        this.env.GATES.getByName(gateId).closeLeases({
          pool: this.#name,
          leases: leases.map(({ id, expiresAtMs }) => ({ id, expiresAtMs })),
          forget,
        }),
      );
      const left = (this.#forgets.get(gateId) ?? []).filter((id) => !forget.includes(id));
      if (left.length > 0) this.#forgets.set(gateId, left);
      else this.#forgets.delete(gateId);
      this.#account(gateId, reports);
    } catch {
      // Not reached: what it holds stays counted as used, and it is asked again.
      askLater(leases, Date.now());
    }
    this.#save();
  }

  #account(gateId: string, reports: readonly LeaseReport[]): void {
    if (reports.length === 0) return;
    const done = account(this.#pool, gateId, reports, Date.now());
    if (done.length === 0) return;
    this.#forgets.set(gateId, [...(this.#forgets.get(gateId) ?? []), ...done].slice(-MAX_FORGETS));
  }

  #save(): void {
    this.#store.save(this.#pool, this.#name);
    this.#schedule();
  }

  /** One alarm for all leases; it comes no more often than needed to reconcile. */
  #schedule(): void {
    if (this.#alarmMs !== null && this.#alarmMs <= Date.now() + MAX_ALARM_AHEAD_MS) return;
    const dueMs = nextDueMs(this.#pool);
    if (dueMs === null) return;
    const alarmMs = Math.max(dueMs, Date.now()) + ALARM_STEP_MS;
    if (this.#alarmMs !== null && this.#alarmMs <= alarmMs) return;
    this.#alarmMs = alarmMs;
    // Storage failures abort the object, so there is nothing to handle here.
    void this.ctx.storage.setAlarm(this.#alarmMs);
  }
}

/** A gate that hangs must not hold up its pool. */
async function within<T>(timeoutMs: number, work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | null = null;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("The gate did not answer in time")), timeoutMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
