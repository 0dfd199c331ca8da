/** What is said of a budget: how much of it is used, whose it is, and whether it will last. Pure. */
import type { BudgetUse } from "../../../../src/contract/budget.ts";
import { count, money, plural, relative } from "../format.ts";

/** Of a window: before this much has passed, nothing can be said of the pace. */
const MIN_ELAPSED_SHARE = 0.02;
/** From this share on a budget needs attention. */
export const NEARLY_USED_SHARE = 0.8;

export function usedShare(budget: Pick<BudgetUse, "used" | "limit">): number {
  return budget.limit === 0 ? 1 : Math.min(budget.used / budget.limit, 1);
}

/** `1,240 of 2,000 calls`, `$4.10 of $25.00`. */
export function usedText(budget: Pick<BudgetUse, "used" | "limit" | "unit">): string {
  return budget.unit === "requests"
    ? `${count(budget.used)} of ${plural(budget.limit, "call")}`
    : `${money(budget.used)} of ${money(budget.limit)}`;
}

export function percentText(share: number): string {
  const percent = share * 100;
  if (percent > 0 && percent < 1) return "under 1 %";
  // Not used up is never called 100 %.
  return `${percent >= 100 ? 100 : Math.min(Math.round(percent), 99)} %`;
}

/** When it will be used up if the rest of its window goes on as the part that has passed; null: not in this window. */
export function usedUpMs(budget: BudgetUse, nowMs: number): number | null {
  const startMs = Date.parse(budget.starts_at);
  const endMs = Date.parse(budget.resets_at);
  const elapsedMs = nowMs - startMs;
  if (budget.used <= 0 || budget.used >= budget.limit || elapsedMs < (endMs - startMs) * MIN_ELAPSED_SHARE) return null;
  const atMs = startMs + (elapsedMs * budget.limit) / budget.used;
  return atMs < endMs ? atMs : null;
}

/** `resets in 9 days; at this pace used up in 3 days`. */
export function outlook(budget: BudgetUse, nowMs: number): string {
  const resets = `resets ${relative(Date.parse(budget.resets_at), nowMs)}`;
  if (budget.used >= budget.limit) return `used up, ${resets}`;
  const atMs = usedUpMs(budget, nowMs);
  return atMs === null ? resets : `${resets}; at this pace used up ${relative(atMs, nowMs)}`;
}
