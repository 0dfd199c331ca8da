/**
 * Limits while they are being written: any number of rates and budgets, and the same again for each customer. What has no
 * amount is not there. Members that the form has no field for (a budget's anchor) stay with their row.
 */
import { signal } from "@preact/signals";
import type { Signal } from "@preact/signals";
import type { LimitsWire } from "../../../../src/contract/limits.ts";

/** As many as the API takes. */
export const MAX_ROWS = 8;
const MICROS = 1_000_000;

type RateWire = NonNullable<LimitsWire["rate"]>[number];
type BudgetWire = NonNullable<LimitsWire["budgets"]>[number];

export interface RateDraft {
  readonly key: number;
  readonly requests: Signal<string>;
  readonly seconds: Signal<string>;
  readonly burst: Signal<string>;
}

export interface BudgetDraft {
  readonly key: number;
  /** Calls, or dollars with decimals. */
  readonly amount: Signal<string>;
  readonly unit: Signal<string>;
  readonly window: Signal<string>;
  readonly anchor: string | null;
}

export interface LimitSetDraft {
  readonly rates: Signal<readonly RateDraft[]>;
  readonly budgets: Signal<readonly BudgetDraft[]>;
}

export interface LimitsDraft extends LimitSetDraft {
  readonly perCustomer: LimitSetDraft;
}

let lastKey = 0;

export function rateDraft(from: RateWire | null = null): RateDraft {
  lastKey += 1;
  return {
    key: lastKey,
    requests: signal(from === null ? "" : String(from.requests)),
    seconds: signal(String(from?.per_seconds ?? 60)),
    burst: signal(String(from?.burst ?? "")),
  };
}

export function budgetDraft(from: BudgetWire | null = null): BudgetDraft {
  lastKey += 1;
  const dollars = from?.unit === "usd_micros";
  return {
    key: lastKey,
    amount: signal(from === null ? "" : String(dollars ? from.limit / MICROS : from.limit)),
    unit: signal(from?.unit ?? "requests"),
    window: signal(from?.window ?? "month"),
    anchor: from?.anchor ?? null,
  };
}

export function limitsDraft(from: LimitsWire = {}): LimitsDraft {
  return { ...setDraft(from), perCustomer: setDraft(from.per_customer ?? {}) };
}

function setDraft(from: Pick<LimitsWire, "rate" | "budgets">): LimitSetDraft {
  return {
    rates: signal((from.rate ?? []).map(rateDraft)),
    budgets: signal((from.budgets ?? []).map(budgetDraft)),
  };
}

/** Whether a row says anything yet. */
export function isStated(row: RateDraft | BudgetDraft): boolean {
  return ("requests" in row ? row.requests : row.amount).value.trim() !== "";
}

/** Complete: what is not in it is to be taken away. */
export function limitsBody(draft: LimitsDraft): LimitsWire {
  const perCustomer = setBody(draft.perCustomer);
  const none = perCustomer.rate.length === 0 && perCustomer.budgets.length === 0;
  return { ...setBody(draft), per_customer: none ? null : perCustomer };
}

function setBody(draft: LimitSetDraft): { rate: RateWire[]; budgets: BudgetWire[] } {
  return {
    rate: draft.rates.value.filter(isStated).map((row) => ({
      requests: Number(row.requests.value),
      per_seconds: Number(row.seconds.value),
      burst: row.burst.value.trim() === "" ? null : Number(row.burst.value),
    })),
    budgets: draft.budgets.value.filter(isStated).map((row): BudgetWire => {
      const dollars = row.unit.value === "usd_micros";
      return {
        unit: dollars ? "usd_micros" : "requests",
        limit: dollars ? Math.round(Number(row.amount.value) * MICROS) : Number(row.amount.value),
        window: row.window.value === "day" ? "day" : "month",
        anchor: row.anchor,
      };
    }),
  };
}
