/** How a budget filled since its window began, as the points of a line. Pure. */
import type { BudgetUse } from "../../../../src/contract/budget.ts";
import type { UsageRow } from "../../../../src/contract/usage.ts";

export interface CurvePoint {
  /** Share of the window that has passed, 0..1. */
  readonly x: number;
  /** Share of the budget that was used then, 0..1. */
  readonly y: number;
}

type Sums = Pick<UsageRow, "at" | "forwarded" | "cost_usd_micros">;

/**
 * Sums of the audit say how it grew, the counter says where it stands: what the audit has not yet, or counts otherwise,
 * is in the last step. Rows are of the budget's holder, in any order; those before the window are left out.
 */
export function budgetCurve(budget: BudgetUse, rows: readonly Sums[], nowMs: number): readonly CurvePoint[] {
  const startMs = Date.parse(budget.starts_at);
  const spanMs = Date.parse(budget.resets_at) - startMs;
  if (spanMs <= 0 || budget.limit <= 0) return [];
  const share = (atMs: number): number => Math.min(Math.max((atMs - startMs) / spanMs, 0), 1);
  const level = (used: number): number => Math.min(Math.max(used / budget.limit, 0), 1);
  const points: CurvePoint[] = [{ x: 0, y: 0 }];
  let used = 0;
  const timed = rows
    .map((row) => ({ row, atMs: row.at === null ? Number.NaN : Date.parse(row.at) }))
    .filter(({ atMs }) => atMs >= startMs && atMs <= nowMs)
    .toSorted((left, right) => left.atMs - right.atMs);
  for (const { row, atMs } of timed) {
    points.push({ x: share(atMs), y: level(used) });
    used = Math.min(used + (budget.unit === "requests" ? row.forwarded : row.cost_usd_micros), budget.used);
  }
  points.push({ x: share(nowMs), y: level(budget.used) });
  return points;
}
