/**
 * Limits as they are configured. All amounts are integers: requests, or millionths of a US dollar.
 * How they are counted stands in `rate.ts`, `budget.ts` and `gate.ts`.
 */

/** At most `requests` in any `perSeconds`, of which `burst` may come at once (default: `requests`). */
export interface RateLimit {
  readonly requests: number;
  readonly perSeconds: number;
  readonly burst: number | null;
}

export type BudgetUnit = "requests" | "usd_micros";

/** `day` and `month` are calendar windows in UTC; an anchor shifts their start (RFC 3339 date-time, as epoch ms). */
export interface BudgetLimit {
  readonly unit: BudgetUnit;
  readonly limit: number;
  readonly window: "day" | "month";
  readonly anchorMs: number | null;
}

export interface Limits {
  readonly rate: readonly RateLimit[];
  readonly budgets: readonly BudgetLimit[];
  /** Applied to each end customer on its own, across all credentials that name the customer. */
  readonly perCustomer: { readonly rate: readonly RateLimit[]; readonly budgets: readonly BudgetLimit[] } | null;
}

export const NO_LIMITS: Limits = { rate: [], budgets: [], perCustomer: null };

/** Limits of one end customer by name, over everything that it is named on. */
export interface NamedCustomerLimits {
  readonly customer: string;
  readonly limits: Pick<Limits, "rate" | "budgets">;
}

/** Requests per window for a whole vendor key; no credential may take more than `maxShare` (0..1] of a window. */
export interface VendorQuota {
  readonly requests: number;
  readonly perSeconds: number;
  readonly maxShare: number;
}

/** How `X-RelayKey-Customer` is treated on a grant. */
export interface CustomerRule {
  readonly mode: "required" | "optional" | "refused";
  /** Whether a customer that was never registered may be named. */
  readonly unknown: "allow" | "refuse";
}

/** Which addresses may use a credential. `addresses` are CIDR blocks or single addresses in text form. */
export interface Trust {
  readonly mode: "first_use" | "fixed" | "off";
  readonly addresses: readonly string[];
  /** Addresses of other Workers that may be used although they can never be confirmed. */
  readonly allowWorkers: readonly string[];
}
