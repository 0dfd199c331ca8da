/**
 * A gate's leases of shared limits: what it holds, what it drew, what it still owes a report about.
 *
 * Pure and replayable: decisions (`planTake`, `leaseRequest`, `reportsOf`) read the book and change nothing; changes are
 * `LeaseRecord`s, applied by `applyLeaseRecord`, which the gate logs. Replaying the log gives the same book.
 * The book is plain JSON. It never talks to a pool and never reads a clock.
 *
 * Invariants: nothing is drawn from a lease that is closed, expired, unknown or of other terms; a closed lease never opens
 * again; settling gives back at most what was drawn.
 */
import type { Exhausted, Lease, LeaseClosing, LeaseReport, LeaseRequest, LeaseUnits, PoolTerms } from "./lease.ts";

/** Most calls a gate asks for at once. */
export const MAX_WANTED_CALLS = 256;
/** Most reports in one message. */
export const MAX_REPORTS = 64;
/** Draws of a larger lease are timed in steps of this part of its life; at most one group per step is kept. */
const USE_STEPS = 8;
/** Leases of at most this many calls keep the exact time of each. */
const EXACT_USES = 8;

/** A lease at its gate. Mutable: owned by the book, changed by `applyLeaseRecord` only. */
export interface HeldLease {
  readonly id: string;
  readonly version: string;
  readonly calls: number;
  readonly usdMicros: number;
  readonly expiresAtMs: number;
  /** Width of the steps in which draws are timed, in ms. */
  readonly stepMs: number;
  usedCalls: number;
  returnedCalls: number;
  usedUsdMicros: number;
  pending: number;
  uses: [number, number][];
  closed: boolean;
  revision: number;
  /** Revision that the pool has confirmed; -1: none. */
  told: number;
}

interface PoolPage {
  leases: HeldLease[];
  /** Size of the lease received last and what was drawn from it when it ended: the next wish follows from it. */
  lastCalls: number;
  lastUsdMicros: number;
}

export interface LeaseBook {
  readonly schema: 1;
  readonly pools: Record<string, PoolPage>;
}

/** What one admission drew from one lease. Kept with the admission until it is settled. */
export interface Draw {
  readonly pool: string;
  readonly lease: string;
  readonly calls: number;
  readonly usdMicros: number;
}

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

export type LeaseRecord =
  | { readonly op: "receive"; readonly lease: Lease; readonly nowMs: number }
  | { readonly op: "draw"; readonly draws: readonly Draw[]; readonly nowMs: number }
  /**
   * The admission that made these draws is over. `usdMicros`: what it cost (null: unknown, the reservation is spent);
   * `forwarded` false: nothing reached the vendor, so request budgets get the call back.
   */
  | {
      readonly op: "settle";
      readonly draws: readonly Draw[];
      readonly usdMicros: number | null;
      readonly forwarded: boolean;
    }
  /** The pool recalls or reconciles. Unknown leases are remembered as closed until they expire. */
  | { readonly op: "close"; readonly closing: LeaseClosing; readonly nowMs: number }
  /** Leases of this pool that can give nothing more are closed, so that they can be reported. */
  | { readonly op: "retire"; readonly pool: string; readonly version: string; readonly nowMs: number }
  /** Time has passed: drops what is only remembered until a lease's end. Once in a while. */
  | { readonly op: "sweep"; readonly nowMs: number }
  /** The pool has taken these reports and accounted for the `forget` ones in full. */
  | {
      readonly op: "told";
      readonly pool: string;
      readonly revisions: readonly (readonly [string, number])[];
      readonly forget: readonly string[];
      readonly nowMs: number;
    };

export function newLeaseBook(): LeaseBook {
  return { schema: 1, pools: {} };
}

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

function isOpen(lease: HeldLease, version: string, nowMs: number): boolean {
  return !lease.closed && lease.version === version && nowMs < lease.expiresAtMs;
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
    const lease = find(book, closing.pool, id);
    return lease === undefined ? reportOf(tombstone(id, 0)) : reportOf(lease);
  });
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

/** Applies one record. Deterministic; unknown leases are ignored, so that replay after a `told` is harmless. */
export function applyLeaseRecord(book: LeaseBook, record: LeaseRecord): void {
  switch (record.op) {
    case "receive":
      return receive(book, record.lease, record.nowMs);
    case "draw":
      return record.draws.forEach((draw) => applyDraw(book, draw, record.nowMs));
    case "settle":
      return settle(book, record.draws, record.usdMicros, record.forwarded);
    case "close":
      return close(book, record.closing, record.nowMs);
    case "retire":
      return retire(book, record.pool, record.version, record.nowMs);
    case "sweep":
      return Object.keys(book.pools).forEach((pool) => forget(book, pool, [], record.nowMs));
    case "told":
      for (const [id, revision] of record.revisions) {
        const lease = find(book, record.pool, id);
        if (lease !== undefined) lease.told = Math.max(lease.told, revision);
      }
      return forget(book, record.pool, record.forget, record.nowMs);
  }
}

function receive(book: LeaseBook, lease: Lease, nowMs: number): void {
  if (nowMs >= lease.expiresAtMs || find(book, lease.pool, lease.id) !== undefined) return;
  const page = pageOf(book, lease.pool);
  page.leases.push({
    ...tombstone(lease.id, lease.expiresAtMs),
    version: lease.version,
    calls: lease.units.calls,
    usdMicros: lease.units.usdMicros,
    stepMs: lease.units.calls <= EXACT_USES ? 1 : Math.max(1, Math.ceil((lease.expiresAtMs - nowMs) / USE_STEPS)),
    closed: false,
  });
  page.lastCalls = Math.max(1, Math.min(MAX_WANTED_CALLS, lease.units.calls * 2));
  page.lastUsdMicros = lease.units.usdMicros * 2;
}

function applyDraw(book: LeaseBook, draw: Draw, nowMs: number): void {
  const lease = find(book, draw.pool, draw.lease);
  if (lease === undefined) return;
  lease.usedCalls += draw.calls;
  lease.usedUsdMicros += draw.usdMicros;
  lease.pending += 1;
  lease.revision += 1;
  if (draw.calls === 0) return;
  // The end of the step: a use counted too late is safe, one counted too early is not.
  const atMs = Math.ceil(nowMs / lease.stepMs) * lease.stepMs;
  const last = lease.uses.at(-1);
  if (last !== undefined && last[0] >= atMs) last[1] += draw.calls;
  else lease.uses.push([atMs, draw.calls]);
}

function settle(book: LeaseBook, draws: readonly Draw[], cost: number | null, forwarded: boolean): void {
  for (const pool of new Set(draws.map((draw) => draw.pool))) {
    const ofPool = draws.filter((draw) => draw.pool === pool);
    const reserved = ofPool.reduce((sum, draw) => sum + draw.usdMicros, 0);
    // Pools without dollar budgets drew no dollars; a cost is nothing to them.
    let back = reserved === 0 || (forwarded && cost === null) ? 0 : reserved - (forwarded ? (cost ?? 0) : 0);
    for (const draw of ofPool.toReversed()) {
      // A call that cost more than it declared makes `back` negative: it is counted in full on one lease.
      const fromThis = Math.min(back, draw.usdMicros);
      back -= fromThis;
      const lease = find(book, pool, draw.lease);
      if (lease === undefined) continue;
      lease.usedUsdMicros -= fromThis;
      if (!forwarded) lease.returnedCalls += draw.calls;
      lease.pending -= 1;
      lease.revision += 1;
    }
  }
}

function close(book: LeaseBook, closing: LeaseClosing, nowMs: number): void {
  forget(book, closing.pool, closing.forget, nowMs);
  for (const { id, expiresAtMs } of closing.leases) {
    const lease = find(book, closing.pool, id);
    if (lease === undefined) {
      // Its grant may still be under way: remembered as closed until nothing could be drawn from it anyway.
      if (nowMs < expiresAtMs) pageOf(book, closing.pool).leases.push(tombstone(id, expiresAtMs));
    } else if (!lease.closed) {
      lease.closed = true;
      lease.revision += 1;
      const page = pageOf(book, closing.pool);
      page.lastCalls = 1;
      page.lastUsdMicros = 0;
    }
  }
}

function retire(book: LeaseBook, pool: string, version: string, nowMs: number): void {
  const page = book.pools[pool];
  if (page === undefined) return;
  for (const lease of page.leases) {
    if (lease.closed) continue;
    const expired = !isOpen(lease, version, nowMs);
    const empty = lease.calls > 0 ? lease.usedCalls >= lease.calls : lease.usedUsdMicros >= lease.usdMicros;
    if (!expired && !empty) continue;
    lease.closed = true;
    lease.revision += 1;
    if (empty) continue;
    page.lastCalls = Math.max(1, lease.usedCalls);
    page.lastUsdMicros = lease.usedUsdMicros;
  }
}

function forget(book: LeaseBook, pool: string, ids: readonly string[], nowMs: number): void {
  const page = book.pools[pool];
  if (page === undefined) return;
  page.leases = page.leases.filter((lease) =>
    isTombstone(lease) ? nowMs < lease.expiresAtMs : !(lease.closed && ids.includes(lease.id)),
  );
  if (page.leases.length === 0) delete book.pools[pool];
}

function find(book: LeaseBook, pool: string, id: string): HeldLease | undefined {
  return book.pools[pool]?.leases.find((lease) => lease.id === id);
}

function pageOf(book: LeaseBook, pool: string): PoolPage {
  return (book.pools[pool] ??= { leases: [], lastCalls: 0, lastUsdMicros: 0 });
}

/** A lease that was closed before it arrived: nothing can be drawn from it. */
function tombstone(id: string, expiresAtMs: number): HeldLease {
  return {
    id,
    version: "",
    calls: 0,
    usdMicros: 0,
    expiresAtMs,
    stepMs: 1,
    usedCalls: 0,
    returnedCalls: 0,
    usedUsdMicros: 0,
    pending: 0,
    uses: [],
    closed: true,
    revision: 0,
    told: 0,
  };
}

function isTombstone(lease: HeldLease): boolean {
  return lease.version === "" && lease.calls === 0 && lease.usdMicros === 0;
}
