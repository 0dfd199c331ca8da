/** A credential's monthly budget as the API tells of it, for the tests of what is drawn and said of budgets. */
import type { BudgetUse } from "../../src/contract/budget.ts";

export const START_MS = Date.parse("2026-11-01T00:00:00.000Z");
export const DAY_MS = 86_400_000;

/** Begins at `START_MS` and lasts 30 days. */
export function budget(used: number, limit: number, part: Partial<BudgetUse> = {}): BudgetUse {
  return {
    of: "credential",
    name: "run",
    credential_id: "dcred_0123456789abcdef",
    recipient_id: null,
    connection_id: null,
    customer: null,
    unit: "requests",
    window: "month",
    limit,
    used,
    remaining: Math.max(limit - used, 0),
    starts_at: new Date(START_MS).toISOString(),
    resets_at: new Date(START_MS + 30 * DAY_MS).toISOString(),
    ...part,
  };
}
