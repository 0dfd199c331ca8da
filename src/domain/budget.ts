/**
 * Budgets: what may be spent in a day or a month. Pure: time is an argument.
 *
 * Invariant: `spent + reserved <= limit` after every admission, as long as no call costs more than it declared. A call
 * that cost more is counted at what it did cost: the figure is then above the limit, and nothing more is admitted.
 */
import type { BudgetLimit } from "./limits.ts";

const DAY_MS = 86_400_000;

/** Alerts are given when the spent part of a budget reaches these percentages, once per window. */
export const ALERT_THRESHOLDS_PERCENT = [50, 80, 100] as const;

export interface BudgetWindow {
  readonly startMs: number;
  /** Exclusive. */
  readonly endMs: number;
}

/** Counted amounts of one budget in the window that starts at `startMs`. */
export interface BudgetCounter {
  startMs: number;
  spent: number;
  reserved: number;
  /** Highest threshold that was already announced in this window; 0: none. */
  alertedPercent: number;
}

export function newBudgetCounter(startMs: number): BudgetCounter {
  return { startMs, spent: 0, reserved: 0, alertedPercent: 0 };
}

/** The window last asked for, per limit: it is asked for several times in each request, and changes once a day. */
const latestWindows = new WeakMap<BudgetLimit, BudgetWindow>();

/**
 * The window that holds `nowMs`: calendar day or month in UTC, or counted from the anchor. An anchor on the 31st starts
 * in shorter months on their last day.
 */
export function budgetWindow(limit: BudgetLimit, nowMs: number): BudgetWindow {
  const latest = latestWindows.get(limit);
  if (latest !== undefined && latest.startMs <= nowMs && nowMs < latest.endMs) return latest;
  const window = windowAt(limit, nowMs);
  latestWindows.set(limit, window);
  return window;
}

function windowAt(limit: BudgetLimit, nowMs: number): BudgetWindow {
  if (limit.window === "day") {
    const anchorMs = limit.anchorMs ?? 0;
    const startMs = anchorMs + Math.floor((nowMs - anchorMs) / DAY_MS) * DAY_MS;
    return { startMs, endMs: startMs + DAY_MS };
  }
  const anchor = new Date(limit.anchorMs ?? 0);
  const now = new Date(nowMs);
  const months = (now.getUTCFullYear() - anchor.getUTCFullYear()) * 12 + now.getUTCMonth() - anchor.getUTCMonth();
  const first = addMonths(anchor, months);
  return first <= nowMs
    ? { startMs: first, endMs: addMonths(anchor, months + 1) }
    : { startMs: addMonths(anchor, months - 1), endMs: first };
}

function addMonths(anchor: Date, months: number): number {
  const year = anchor.getUTCFullYear();
  const month = anchor.getUTCMonth() + months;
  const lastDay = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
  return (
    Date.UTC(year, month, Math.min(anchor.getUTCDate(), lastDay)) + (((anchor.getTime() % DAY_MS) + DAY_MS) % DAY_MS)
  );
}

/** What may still be reserved; a counter of an earlier window counts as empty. */
export function budgetRemaining(counter: BudgetCounter | undefined, limit: BudgetLimit, window: BudgetWindow): number {
  if (counter === undefined || counter.startMs !== window.startMs) return limit.limit;
  return Math.max(0, limit.limit - counter.spent - counter.reserved);
}

/** Moves a counter into `window`, forgetting the earlier one. A counter never moves backwards. */
export function rollBudget(counter: BudgetCounter, window: BudgetWindow): void {
  if (window.startMs === counter.startMs) return;
  counter.startMs = window.startMs;
  counter.spent = 0;
  counter.reserved = 0;
  counter.alertedPercent = 0;
}

/** Turns a reservation into what was really spent; a reservation of an earlier window changes nothing. */
export function settleBudget(counter: BudgetCounter, startMs: number, reserved: number, spent: number): void {
  if (counter.startMs !== startMs) return;
  counter.reserved -= reserved;
  counter.spent += spent;
}

/** Thresholds that were reached since the last call, lowest first; marks them as announced. */
export function alertsDue(counter: BudgetCounter, limit: BudgetLimit, amount: number): readonly number[] {
  const due = ALERT_THRESHOLDS_PERCENT.filter(
    (percent) => percent > counter.alertedPercent && amount * 100 >= limit.limit * percent,
  );
  counter.alertedPercent = due.at(-1) ?? counter.alertedPercent;
  return due;
}
