/**
 * What a gate decides from its book of leases: which to draw from, what to ask a pool for, what to report. Pure: reads
 * the book and changes nothing; the records that follow are applied by `applyLeaseRecord`.
 */
import type { Exhausted, LeaseClosing, LeaseReport, LeaseRequest, LeaseUnits, PoolTerms } from "./lease.ts";
import { findLease, isOpen, MAX_WANTED_CALLS, type Draw, type HeldLease, type LeaseBook } from "./lease-book.ts";

/** Most reports in one message. */
const MAX_REPORTS = 64;

/** What one call needs from one pool. */
export interface PoolDemand {
  readonly terms: PoolTerms;
  /** Most that the call can cost. */
  readonly usdMicros: number;
}

export type TakePlan =
  /** Apply `{ op: "draw", draws, nowMs }` and keep `draws` with the admission. */
  | { readonly kind: "take"; readonly draws: readonly Draw[] }
  /** Leases are missing: ask these pools (all at once), then plan again. */
  | { readonly kind: "lease"; readonly demands: readonly PoolDemand[] };

/** Decides from which leases a call draws, for all its pools or none. */
export function planTake(book: LeaseBook, demands: readonly PoolDemand[], nowMs: number): TakePlan {
  const draws: Draw[] = [];
  const missing: PoolDemand[] = [];
  for (const demand of demands) {
    const drawn = drawFrom(book, demand, nowMs);
    if (drawn === null) missing.push(demand);
    else draws.push(...drawn);
  }
  return missing.length > 0 ? { kind: "lease", demands: missing } : { kind: "take", draws };
}

function drawFrom(book: LeaseBook, demand: PoolDemand, nowMs: number): Draw[] | null {
  const { terms } = demand;
  let calls = terms.countsCalls ? 1 : 0;
  let usdMicros = terms.countsDollars ? demand.usdMicros : 0;
  const draws: Draw[] = [];
  if (calls === 0 && usdMicros === 0) return draws;
  for (const lease of book.pools[terms.pool]?.leases ?? []) {
    if (!isOpen(lease, terms.version, nowMs)) continue;
    const fromCalls = Math.min(calls, lease.calls - lease.usedCalls);
    const fromUsd = Math.max(0, Math.min(usdMicros, lease.usdMicros - lease.usedUsdMicros));
    if (fromCalls === 0 && fromUsd === 0) continue;
    draws.push({ pool: terms.pool, lease: lease.id, calls: fromCalls, usdMicros: fromUsd });
    calls -= fromCalls;
    usdMicros -= fromUsd;
    if (calls === 0 && usdMicros === 0) return draws;
  }
  return null;
}

/** What the gate still holds unused of a pool. */
export function unusedUnits(book: LeaseBook, terms: PoolTerms, nowMs: number): LeaseUnits {
  let calls = 0;
  let usdMicros = 0;
  for (const lease of book.pools[terms.pool]?.leases ?? []) {
    if (!isOpen(lease, terms.version, nowMs)) continue;
    calls += lease.calls - lease.usedCalls;
    usdMicros += Math.max(0, lease.usdMicros - lease.usedUsdMicros);
  }
  return { calls, usdMicros };
}

/**
 * The request that brings a pool's missing units. Apply (and make durable) `{ op: "retire", … }` first, so that what
 * can give nothing more is reported along. `waiting`: all calls that wait for this pool, `first`: the one that is next.
 */
export function leaseRequest(
  book: LeaseBook,
  gateId: string,
  first: PoolDemand,
  waiting: LeaseUnits,
  nowMs: number,
): LeaseRequest {
  const { terms } = first;
  const held = unusedUnits(book, terms, nowMs);
  const page = book.pools[terms.pool];
  const least: LeaseUnits = {
    calls: terms.countsCalls && held.calls === 0 ? 1 : 0,
    usdMicros: terms.countsDollars ? Math.max(0, first.usdMicros - held.usdMicros) : 0,
  };
  const needed: LeaseUnits = {
    calls: terms.countsCalls ? Math.min(MAX_WANTED_CALLS, Math.max(least.calls, waiting.calls - held.calls)) : 0,
    usdMicros: terms.countsDollars ? Math.max(least.usdMicros, waiting.usdMicros - held.usdMicros) : 0,
  };
  const want: LeaseUnits = {
    calls: terms.countsCalls ? Math.max(needed.calls, page?.lastCalls ?? 0) : 0,
    usdMicros: terms.countsDollars ? Math.max(needed.usdMicros, page?.lastUsdMicros ?? 0) : 0,
  };
  return { gateId, terms, least, waiting: needed, want, reports: reportsOf(book, terms.pool) };
}

/** Reports about closed leases that the pool has not confirmed yet, oldest first, at most `MAX_REPORTS`. */
export function reportsOf(book: LeaseBook, pool: string): LeaseReport[] {
  const leases = book.pools[pool]?.leases ?? [];
  return leases
    .filter((lease) => lease.closed && lease.told < lease.revision)
    .slice(0, MAX_REPORTS)
    .map(reportOf);
}

/** Pools that are owed a report: tell them with `SharedLimit.report` when no lease request is due anyway. */
export function poolsToTell(book: LeaseBook): string[] {
  return Object.keys(book.pools).filter((pool) =>
    (book.pools[pool]?.leases ?? []).some((lease) => lease.closed && lease.told < lease.revision),
  );
}

/** The answer to `closeLeases`, after its record has been applied. */
export function closingReports(book: LeaseBook, closing: LeaseClosing): LeaseReport[] {
  return closing.leases.map(({ id }) => {
    const lease = findLease(book, closing.pool, id);
    return lease === undefined ? unknownLease(id) : reportOf(lease);
  });
}

/** Never arrived, or arrived after its end: nothing was drawn from it, and nothing can be. */
function unknownLease(leaseId: string): LeaseReport {
  return { leaseId, revision: 0, usedCalls: 0, returnedCalls: 0, usedUsdMicros: 0, pending: 0, uses: [] };
}

function reportOf(lease: HeldLease): LeaseReport {
  return {
    leaseId: lease.id,
    revision: lease.revision,
    usedCalls: lease.usedCalls,
    returnedCalls: lease.returnedCalls,
    usedUsdMicros: lease.usedUsdMicros,
    pending: lease.pending,
    uses: lease.uses.map(([atMs, calls]) => ({ atMs, calls })),
  };
}

/** Whether an earlier "exhausted" still answers this demand. */
export function stillExhausted(known: Exhausted, demand: PoolDemand, nowMs: number): boolean {
  if (known.pool !== demand.terms.pool || known.version !== demand.terms.version || nowMs >= known.untilMs)
    return false;
  const dollars = known.limit.kind === "budget" && known.limit.unit === "usd_micros";
  return !dollars || demand.usdMicros >= known.least.usdMicros;
}
