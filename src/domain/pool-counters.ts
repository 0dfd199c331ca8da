/**
 * Counters of a shared limit's pool: calendar budgets, and sliding windows for rates and vendor quotas. Pure.
 *
 * `held` is what open leases could still use: it counts as used until their gates have reported.
 * Invariant of windows: a use is counted from its report until `perSeconds` after a time that is never earlier than the
 * true one. So in any `perSeconds` at most `requests` calls are made, however late leased calls are used.
 */
import { budgetWindow } from "./budget.ts";
import { limitKey, type PoolLimit } from "./lease.ts";

/** Windows of at most this many calls keep the exact time of each. */
const EXACT_CALLS = 256;
/** Others gather uses in slots of this part of the window; a use then counts for up to one slot longer. */
const SLOTS_PER_WINDOW = 64;
/** Dropping a count that is needed again soon would cost more than keeping it. */
const IDLE_KEPT_MS = 3_600_000;

export interface BudgetCount {
  readonly kind: "budget";
  startMs: number;
  /** End of the window, exclusive: from then on the count says nothing. */
  endMs: number;
  used: number;
  held: number;
}

export interface Slot {
  /** Not before any of the uses. */
  readonly endMs: number;
  calls: number;
  /** Calls by gate; quotas only. */
  readonly byGate: Record<string, number> | null;
}

export interface WindowCount {
  readonly kind: "window";
  readonly spanMs: number;
  /** Ascending by `endMs`. */
  slots: Slot[];
  held: number;
  heldByGate: Record<string, number>;
  /** Theoretical arrival time of the next conforming call, for bursts (GCRA); epoch ms with fraction. */
  arrivalMs: number;
}

export type Count = BudgetCount | WindowCount;
type WindowLimit = Extract<PoolLimit, { kind: "rate" | "quota" }>;

/** What a limit has left, and when it has more. */
export interface Room {
  readonly left: number;
  /** What would be left if every open lease came back unused. */
  readonly atMost: number;
  /** Epoch ms at which `wanted` may be left, when no lease comes back; in the past when only leases are in the way. */
  readonly freeMs: number;
}

export function isDollars(limit: PoolLimit): boolean {
  return limit.kind === "budget" && limit.unit === "usd_micros";
}

/** The counter of a limit, made or moved into the present window as needed. */
export function countOf(counts: Map<string, Count>, limit: PoolLimit, nowMs: number): Count {
  const key = limitKey(limit);
  let count = counts.get(key);
  if (limit.kind === "budget") {
    const { startMs, endMs } = budgetWindow(limit, nowMs);
    if (count === undefined || count.kind !== "budget") {
      count = { kind: "budget", startMs, endMs, used: 0, held: 0 };
      counts.set(key, count);
    } else if (startMs > count.startMs) {
      // Open leases of the window before belong to that window: none of them outlives it.
      Object.assign(count, { startMs, endMs, used: 0, held: 0 });
    }
    return count;
  }
  if (count === undefined || count.kind !== "window") {
    count = { kind: "window", spanMs: limit.perSeconds * 1000, slots: [], held: 0, heldByGate: {}, arrivalMs: 0 };
    counts.set(key, count);
  }
  dropOld(count, limit, nowMs);
  return count;
}

function dropOld(count: WindowCount, limit: WindowLimit, nowMs: number): void {
  const oldestMs = nowMs - limit.perSeconds * 1000;
  let old = 0;
  while (old < count.slots.length && (count.slots[old]?.endMs ?? 0) <= oldestMs) old += 1;
  if (old > 0) count.slots.splice(0, old);
}

/** Epoch ms from which a count that nothing is held in may be dropped: it says nothing any more, and has not for a while. */
export function staleAtMs(count: Count): number {
  if (count.kind === "budget") return count.endMs + IDLE_KEPT_MS;
  return Math.max(count.arrivalMs, (count.slots.at(-1)?.endMs ?? 0) + count.spanMs) + IDLE_KEPT_MS;
}

/** Room for `wanted` units of this limit, asked for by `gateId`. */
export function roomOf(
  counts: Map<string, Count>,
  limit: PoolLimit,
  gateId: string,
  wanted: number,
  nowMs: number,
): Room {
  const count = countOf(counts, limit, nowMs);
  if (count.kind === "budget" || limit.kind === "budget") {
    const budget = count as BudgetCount;
    const amount = limit.kind === "budget" ? limit.limit : 0;
    const { endMs } = budgetWindow(limit as Extract<PoolLimit, { kind: "budget" }>, nowMs);
    return { left: amount - budget.used - budget.held, atMost: amount - budget.used, freeMs: endMs };
  }
  const whole = windowRoom(count.slots, limit, limit.requests, count.held, null, wanted);
  if (limit.kind === "quota") {
    const share = Math.max(1, Math.floor(limit.requests * limit.maxShare));
    const own = windowRoom(count.slots, limit, share, count.heldByGate[gateId] ?? 0, gateId, wanted);
    // A share that is used up is not helped by what others give back.
    return own.left < whole.left ? { ...own, atMost: own.left } : whole;
  }
  const burst = burstRoom(count, limit, wanted, nowMs);
  return burst !== null && burst.left < whole.left ? { ...burst, atMost: Math.min(burst.atMost, whole.atMost) } : whole;
}

function windowRoom(
  slots: readonly Slot[],
  limit: WindowLimit,
  amount: number,
  held: number,
  gateId: string | null,
  wanted: number,
): Room {
  const callsOf = (slot: Slot): number => (gateId === null ? slot.calls : (slot.byGate?.[gateId] ?? 0));
  const used = slots.reduce((sum, slot) => sum + callsOf(slot), 0);
  let free = amount - used - held;
  let freeMs = 0;
  for (const slot of slots) {
    if (free >= wanted) break;
    free += callsOf(slot);
    freeMs = slot.endMs + limit.perSeconds * 1000;
  }
  return { left: amount - used - held, atMost: amount - used, freeMs };
}

/** GCRA: of `requests` calls in `perSeconds`, only `burst` may come at once. Null when the limit names no burst. */
function burstRoom(count: WindowCount, limit: WindowLimit, wanted: number, nowMs: number): Room | null {
  if (limit.kind !== "rate" || !hasBurst(limit)) return null;
  const burst = Math.max(1, limit.burst ?? 1);
  const stepMs = (limit.perSeconds * 1000) / limit.requests;
  const aheadMs = Math.max(0, count.arrivalMs - nowMs);
  const atMost = Math.floor(burst - aheadMs / stepMs + 1e-9);
  const freeMs = nowMs + Math.ceil(Math.max(0, aheadMs - (burst - wanted - count.held) * stepMs));
  return { left: atMost - count.held, atMost, freeMs };
}

/** Whether calls of this limit must be handed out one by one, since saved-up ones could come at once. */
export function hasBurst(limit: PoolLimit): boolean {
  return limit.kind === "rate" && limit.burst !== null && limit.burst < limit.requests;
}

/** Counts calls that were made at about `atMs`. */
export function countUse(count: WindowCount, limit: WindowLimit, gateId: string, atMs: number, calls: number): void {
  if (limit.kind === "rate" && hasBurst(limit)) {
    const stepMs = (limit.perSeconds * 1000) / limit.requests;
    count.arrivalMs = Math.max(count.arrivalMs, atMs) + calls * stepMs;
  }
  const widthMs =
    limit.requests <= EXACT_CALLS ? 1 : Math.max(1, Math.floor((limit.perSeconds * 1000) / SLOTS_PER_WINDOW));
  const endMs = Math.ceil(atMs / widthMs) * widthMs;
  let index = count.slots.length;
  while (index > 0 && (count.slots[index - 1]?.endMs ?? 0) > endMs) index -= 1;
  let slot = count.slots[index - 1];
  if (slot === undefined || slot.endMs !== endMs) {
    slot = { endMs, calls: 0, byGate: limit.kind === "quota" ? {} : null };
    count.slots.splice(index, 0, slot);
  }
  slot.calls += calls;
  if (slot.byGate !== null) slot.byGate[gateId] = (slot.byGate[gateId] ?? 0) + calls;
}

/** Adds to (or takes from) what open leases hold. */
export function hold(count: Count, gateId: string, units: number): void {
  count.held += units;
  if (count.kind !== "window") return;
  const ofGate = (count.heldByGate[gateId] ?? 0) + units;
  if (ofGate === 0) delete count.heldByGate[gateId];
  else count.heldByGate[gateId] = ofGate;
}
