/** A budget's amounts in its present window, as answers show them. */
import type { BudgetUse } from "../../src/contract/budget.ts";
import { wireTime } from "../../src/contract/fields.ts";
import { budgetWindow } from "../../src/domain/budget.ts";
import type { BudgetLimit } from "../../src/domain/limits.ts";

export type Amounts = Pick<BudgetUse, "unit" | "window" | "limit" | "used" | "remaining" | "starts_at" | "resets_at">;

export function amounts(budget: BudgetLimit, used: number, remaining: number, nowMs: number): Amounts {
  const { startMs, endMs } = budgetWindow(budget, nowMs);
  return {
    unit: budget.unit,
    window: budget.window,
    limit: budget.limit,
    used,
    remaining,
    starts_at: wireTime(startMs),
    resets_at: wireTime(endMs),
  };
}
