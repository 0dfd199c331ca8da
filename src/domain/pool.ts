/**
 * A limit shared by many credentials: grants leases to their gates and accounts for what they report. Pure; the state is
 * mutable and owned by one Durable Object, which stores what `changed` names after each step.
 *
 * Invariants: for every limit, used + held ≤ its amount after each grant; a lease's units stay held until its gate has
 * reported; reports are accounted once, later revisions replacing earlier ones. What a call cost above its declared
 * maximum is the one thing that can lift `used` over the amount: it was spent, so it is counted.
 */
import { budgetWindow } from "./budget.ts";
import {
  limitKey,
  type Exhausted,
  type Lease,
  type LeaseRequest,
  type LeaseUnits,
  type PoolLimit,
  type PoolLimitStatus,
  type PoolTerms,
} from "./lease.ts";
import { countOf, hasBurst, hold, isDollars, roomOf, staleAtMs, type Count, type Room } from "./pool-counters.ts";

/** Leases that may be open or awaited at once. */
export const MAX_LEASES = 20_000;
/** Lifetime of leases of budgets alone. Recall brings unused units back earlier. */
const BUDGET_LEASE_MS = 60_000;
/** Leases of rates and quotas live for this part of the shortest window, within these bounds: used late, a call counts longer. */
const WINDOW_PART = 8;
const MIN_WINDOW_LEASE_MS = 500;
const MAX_WINDOW_LEASE_MS = 5_000;
/** A refusal is asked about again after this time while units may still come back. */
const RETRY_SOON_MS = 250;
const RETRY_UNKNOWN_MS = 1_000;
const MAX_REFUSAL_MS = 60_000;
/** A gate that did not answer is asked again after this time. */
const FAILED_ASK_MS = 5_000;

/** A lease as its pool knows it. */
export interface PoolLease {
  readonly id: string;
  readonly gateId: string;
  readonly units: LeaseUnits;
  readonly limits: readonly PoolLimit[];
  readonly grantedAtMs: number;
  readonly expiresAtMs: number;
  closed: boolean;
  revision: number;
  /** What has been accounted for against budgets. */
  counted: LeaseUnits;
  pending: number;
  /** When the gate is to be asked. Not stored: after a restart everyone is asked at the lease's end. */
  askAtMs: number;
}

export interface Pool {
  /** Number of the next lease. */
  next: number;
  readonly leases: Map<string, PoolLease>;
  readonly counts: Map<string, Count>;
  /** Open leases of each gate that has any. */
  readonly openByGate: Map<string, number>;
  /** What must be stored: ids of leases (gone ones: delete), keys of counters. */
  readonly changed: { readonly leases: Set<string>; readonly counts: Set<string> };
}

export type Grant =
  | { readonly kind: "granted"; readonly lease: Lease }
  /** Others hold what is missing: recall from `holders`, account for their reports, then try again. */
  | { readonly kind: "recall"; readonly limit: PoolLimit; readonly holders: readonly PoolLease[] }
  | { readonly kind: "exhausted"; readonly exhausted: Exhausted };

export function newPool(next: number): Pool {
  return {
    next,
    leases: new Map(),
    counts: new Map(),
    openByGate: new Map(),
    changed: { leases: new Set(), counts: new Set() },
  };
}

/** Puts a stored lease back, held units included. Counters are put back before. */
export function restoreLease(pool: Pool, lease: PoolLease, nowMs: number): void {
  pool.leases.set(lease.id, lease);
  if (!lease.closed) holdAll(pool, lease, 1, nowMs);
}

/** Decides about a request. `recalled`: nothing more can be recalled, so a shortage is final. */
export function grant(pool: Pool, request: LeaseRequest, nowMs: number, recalled: boolean): Grant {
  const { terms, least, waiting, want, gateId } = request;
  let callsLeft = Number.MAX_SAFE_INTEGER;
  let dollarsLeft = Number.MAX_SAFE_INTEGER;
  for (const limit of terms.limits) {
    const wanted = isDollars(limit) ? least.usdMicros : least.calls;
    const room = roomOf(pool.counts, limit, gateId, wanted, nowMs);
    if (room.left < wanted) return short(pool, request, limit, room, wanted, nowMs, recalled);
    if (isDollars(limit)) dollarsLeft = Math.min(dollarsLeft, room.left);
    else callsLeft = Math.min(callsLeft, room.left);
  }
  if (pool.leases.size >= MAX_LEASES) return tooMany(pool, request, nowMs);
  // What calls wait for is used at once. Beyond it, the nearer a limit is to its end, and the more gates draw on it, the
  // smaller the leases.
  const others = pool.openByGate.size - (pool.openByGate.has(gateId) ? 1 : 0);
  const part = 2 * (others + 1);
  const size = (units: keyof LeaseUnits, left: number): number =>
    Math.max(least[units], Math.min(waiting[units], left), Math.min(want[units], Math.floor(left / part)));
  const calls = terms.limits.some(hasBurst)
    ? Math.max(least.calls, Math.min(waiting.calls, callsLeft))
    : size("calls", callsLeft);
  const usdMicros = size("usdMicros", dollarsLeft);
  return { kind: "granted", lease: open(pool, request, { calls, usdMicros }, nowMs) };
}

function open(pool: Pool, request: LeaseRequest, units: LeaseUnits, nowMs: number): Lease {
  const { terms, gateId } = request;
  const id = pool.next.toString(36);
  pool.next += 1;
  const expiresAtMs = nowMs + lifetimeMs(terms, nowMs);
  const lease: PoolLease = {
    id,
    gateId,
    units,
    limits: terms.limits,
    grantedAtMs: nowMs,
    expiresAtMs,
    closed: false,
    revision: -1,
    counted: { calls: 0, usdMicros: 0 },
    pending: 0,
    askAtMs: expiresAtMs,
  };
  pool.leases.set(id, lease);
  pool.changed.leases.add(id);
  holdAll(pool, lease, 1, nowMs);
  return { id, pool: terms.pool, version: terms.version, units, expiresAtMs };
}

/** No lease outlives the shortest budget window it counts in, so a call is never counted in a window it was not made in. */
function lifetimeMs(terms: PoolTerms, nowMs: number): number {
  let ms = BUDGET_LEASE_MS;
  for (const limit of terms.limits) {
    if (limit.kind === "budget") ms = Math.min(ms, budgetWindow(limit, nowMs).endMs - nowMs);
    else {
      const part = (limit.perSeconds * 1000) / WINDOW_PART;
      ms = Math.min(ms, Math.max(MIN_WINDOW_LEASE_MS, Math.min(MAX_WINDOW_LEASE_MS, part)));
    }
  }
  return Math.max(1, Math.floor(ms));
}

/** Limits that share a counter are counted once. */
export function distinct(limits: readonly PoolLimit[]): PoolLimit[] {
  const seen = new Map(limits.map((limit) => [limitKey(limit), limit]));
  return [...seen.values()];
}

export function holdAll(pool: Pool, lease: PoolLease, sign: 1 | -1, nowMs: number): void {
  const openLeases = (pool.openByGate.get(lease.gateId) ?? 0) + sign;
  if (openLeases === 0) pool.openByGate.delete(lease.gateId);
  else pool.openByGate.set(lease.gateId, openLeases);
  for (const limit of distinct(lease.limits)) {
    const count = countOf(pool.counts, limit, nowMs);
    if (count.kind === "budget" && count.startMs > lease.grantedAtMs) continue;
    hold(count, lease.gateId, sign * (isDollars(limit) ? lease.units.usdMicros : lease.units.calls));
  }
}

/** Leases whose gates should be asked now: past their end, or closed with calls under way a while ago. */
export function dueLeases(pool: Pool, nowMs: number): PoolLease[] {
  return [...pool.leases.values()].filter((lease) => lease.askAtMs <= nowMs);
}

/** When `dueLeases` or `dropStale` will have something to do; null: never. */
export function nextDueMs(pool: Pool): number | null {
  let next = Infinity;
  for (const lease of pool.leases.values()) next = Math.min(next, lease.askAtMs);
  if (pool.leases.size === 0) for (const count of pool.counts.values()) next = Math.min(next, staleAtMs(count));
  return next === Infinity ? null : next;
}

/** Drops counts whose windows are over, so that a pool that nobody uses any more ends up with nothing to store. */
export function dropStale(pool: Pool, nowMs: number): void {
  for (const [key, count] of pool.counts) {
    if (count.held > 0 || staleAtMs(count) > nowMs) continue;
    pool.counts.delete(key);
    pool.changed.counts.add(key);
  }
}

/** The gate could not be asked: its leases stay held, and it is asked again later. */
export function askLater(leases: readonly PoolLease[], nowMs: number): void {
  for (const lease of leases) lease.askAtMs = Math.max(lease.askAtMs, nowMs + FAILED_ASK_MS);
}

export function statusesOf(pool: Pool, terms: PoolTerms, gateId: string, nowMs: number): PoolLimitStatus[] {
  return terms.limits.map((limit) => {
    const amount = limit.kind === "budget" ? limit.limit : limit.requests;
    const room = roomOf(pool.counts, limit, gateId, amount, nowMs);
    const count = countOf(pool.counts, limit, nowMs);
    const used = count.kind === "budget" ? count.used : 0;
    return { limit, remaining: Math.max(0, room.left), used, resetMs: Math.max(nowMs, room.freeMs) };
  });
}

function short(
  pool: Pool,
  request: LeaseRequest,
  limit: PoolLimit,
  room: Room,
  wanted: number,
  nowMs: number,
  recalled: boolean,
): Grant {
  const key = limitKey(limit);
  const concerned = [...pool.leases.values()].filter((lease) => lease.limits.some((each) => limitKey(each) === key));
  const holders = concerned.filter((lease) => !lease.closed && lease.gateId !== request.gateId);
  if (!recalled && room.atMost >= wanted && holders.length > 0) return { kind: "recall", limit, holders };
  // Something may still come back: from leases that could not be recalled, to budgets also from calls under way.
  const mayReturn = concerned.some((lease) => !lease.closed || limit.kind === "budget");
  const resetMs = room.freeMs > nowMs ? room.freeMs : nowMs + RETRY_UNKNOWN_MS;
  const untilMs = Math.min(resetMs, nowMs + (mayReturn ? RETRY_SOON_MS : MAX_REFUSAL_MS));
  return { kind: "exhausted", exhausted: exhausted(request, limit, untilMs, resetMs) };
}

function tooMany(pool: Pool, request: LeaseRequest, nowMs: number): Grant {
  const limit = request.terms.limits[0];
  if (limit === undefined) throw new Error("A pool without limits grants no leases");
  const untilMs = Math.min(nowMs + RETRY_SOON_MS, Math.max(nowMs + 1, nextDueMs(pool) ?? nowMs));
  return { kind: "exhausted", exhausted: exhausted(request, limit, untilMs, untilMs) };
}

function exhausted(request: LeaseRequest, limit: PoolLimit, untilMs: number, resetMs: number): Exhausted {
  const { pool, version } = request.terms;
  return { pool, version, limit, least: request.least, untilMs, resetMs };
}
