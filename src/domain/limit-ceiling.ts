/**
 * Limits as ceilings for other limits: whether requested limits are at least as strict in every window, and what is
 * inherited where nothing was stated. Pure.
 */
import type { BudgetLimit, Limits, RateLimit } from "./limits.ts";

type Counted = Pick<Limits, "rate" | "budgets">;

/** What the ceiling adds: rates when none are stated, and each budget of a unit and window that is not stated. */
export function inheritLimits(ceiling: Limits, own: Limits): Limits {
  const perCustomer =
    ceiling.perCustomer === null || own.perCustomer === null
      ? (own.perCustomer ?? ceiling.perCustomer)
      : inherit(ceiling.perCustomer, own.perCustomer);
  return { ...inherit(ceiling, own), perCustomer };
}

/** A sentence that says which ceiling is not kept; null when all are. Apply `inheritLimits` first. */
export function limitsProblem(ceiling: Limits, own: Limits): string | null {
  const shared = countedProblem(ceiling, own);
  if (shared !== null || ceiling.perCustomer === null) return shared;
  const each = countedProblem(ceiling.perCustomer, own.perCustomer ?? { rate: [], budgets: [] });
  return each === null ? null : `Per customer: ${each}`;
}

function inherit(ceiling: Counted, own: Counted): Counted {
  return {
    rate: own.rate.length === 0 ? ceiling.rate : own.rate,
    budgets: [
      ...own.budgets,
      ...ceiling.budgets.filter((budget) => !own.budgets.some((each) => sameWindow(each, budget))),
    ],
  };
}

function countedProblem(ceiling: Counted, own: Counted): string | null {
  for (const limit of ceiling.rate) {
    if (!keepsRate(limit, own.rate))
      return `At most ${limit.requests} requests in ${limit.perSeconds} s${burstText(limit)}.`;
  }
  for (const limit of ceiling.budgets) {
    const kept = own.budgets.some((each) => sameWindow(each, limit) && each.limit <= limit.limit);
    const loose = own.budgets.some(
      (each) => each.unit === limit.unit && each.window === limit.window && each.limit > limit.limit,
    );
    if (!kept || loose) return `At most ${limit.limit} ${limit.unit} per ${limit.window}.`;
  }
  return null;
}

/**
 * Whether the requested rates never let more through in the ceiling's window, nor, where the ceiling bounds it, more at once:
 * a bucket lies inside another when it is no larger and drains no faster.
 */
function keepsRate(limit: RateLimit, rates: readonly RateLimit[]): boolean {
  const { burst } = limit;
  const slow = (rate: RateLimit): boolean => rate.requests * limit.perSeconds <= limit.requests * rate.perSeconds;
  return (
    rates.some((rate) => mostIn(rate, limit.perSeconds) <= limit.requests) &&
    (burst === null || rates.some((rate) => (rate.burst ?? rate.requests) <= burst && slow(rate)))
  );
}

/** The most requests that a rate lets through in any window of that length. */
function mostIn(rate: RateLimit, windowSeconds: number): number {
  return rate.requests * Math.ceil(windowSeconds / rate.perSeconds);
}

function burstText(rate: RateLimit): string {
  return rate.burst === null ? "" : `, ${rate.burst} at once`;
}

function sameWindow(left: BudgetLimit, right: BudgetLimit): boolean {
  return left.unit === right.unit && left.window === right.window && left.anchorMs === right.anchorMs;
}
