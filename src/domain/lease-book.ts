/**
 * A gate's leases of shared limits: what it holds, what it drew, what it still owes a report about.
 *
 * Pure and replayable: changes are `LeaseRecord`s, applied by `applyLeaseRecord`, which the gate logs. Replaying the log
 * gives the same book. Decisions that read the book stand in `lease-use.ts`.
 * The book is plain JSON. It never talks to a pool and never reads a clock.
 *
 * Invariants: nothing is drawn from a lease that is closed, expired, unknown or of other terms; a closed lease never opens
 * again; settling gives back at most what was drawn.
 */
import type { Lease, LeaseClosing } from "./lease.ts";

/** Most calls a gate asks for at once. */
export const MAX_WANTED_CALLS = 256;
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
    case "told":
      for (const [id, revision] of record.revisions) {
        const lease = findLease(book, record.pool, id);
        if (lease !== undefined) lease.told = Math.max(lease.told, revision);
      }
      return forget(book, record.pool, record.forget, record.nowMs);
  }
}

function receive(book: LeaseBook, lease: Lease, nowMs: number): void {
  if (nowMs >= lease.expiresAtMs || findLease(book, lease.pool, lease.id) !== undefined) return;
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
  const lease = findLease(book, draw.pool, draw.lease);
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

export function isOpen(lease: HeldLease, version: string, nowMs: number): boolean {
  return !lease.closed && lease.version === version && nowMs < lease.expiresAtMs;
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
      const lease = findLease(book, pool, draw.lease);
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
  // What is only remembered until a lease's end comes from here, so it is dropped here, whatever the pool.
  for (const pool of Object.keys(book.pools)) forget(book, pool, [], nowMs);
  for (const { id, expiresAtMs } of closing.leases) {
    const lease = findLease(book, closing.pool, id);
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

export function findLease(book: LeaseBook, pool: string, id: string): HeldLease | undefined {
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
