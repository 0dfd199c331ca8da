/**
 * The limits that the gate counts itself: those of the credential and of its grants. Pure.
 * (Limits that several credentials share are counted elsewhere and reach the gate as leases; see `lease-book.ts`.)
 *
 * A counter's key names what is counted and over which window, not how much is allowed: raising or lowering a limit
 * keeps what was already used.
 */
import type { GateDocument, LimitStatus } from "./admission.ts";
import type { BudgetCounter } from "./budget.ts";
import { budgetRemaining, budgetWindow, newBudgetCounter, rollBudget } from "./budget.ts";
import type { BudgetLimit, Limits, RateLimit } from "./limits.ts";
import type { RateWindow } from "./rate.ts";
import { newRateWindow, rateRemaining, rateResetMs, rateWaitMs, takeRate } from "./rate.ts";

export interface RateMeter {
  readonly key: string;
  readonly name: string;
  readonly grantId: string | null;
  readonly limit: RateLimit;
}

export interface BudgetMeter {
  readonly key: string;
  readonly name: string;
  readonly grantId: string | null;
  readonly limit: BudgetLimit;
}

export interface MeterSet {
  readonly rates: readonly RateMeter[];
  readonly budgets: readonly BudgetMeter[];
}

export interface CompiledMeters {
  readonly credential: MeterSet;
  /** Per grant: its own meters and the credential's. */
  readonly byGrant: ReadonlyMap<string, MeterSet>;
  readonly budgetsByKey: ReadonlyMap<string, BudgetMeter>;
}

/** Counted amounts, by meter key. */
export interface Counters {
  readonly rates: Map<string, RateWindow>;
  readonly budgets: Map<string, BudgetCounter>;
}

/** An amount held in one budget window for one open admission. `perRequest`: the budget counts requests, not money. */
export type BudgetHold = readonly [key: string, startMs: number, amount: number, perRequest: 0 | 1];

export const NO_METERS: CompiledMeters = {
  credential: { rates: [], budgets: [] },
  byGrant: new Map(),
  budgetsByKey: new Map(),
};

const EMPTY_WINDOW = newRateWindow();

export function compileMeters(document: GateDocument): CompiledMeters {
  const credential = meterSet("c", "credential", null, document.limits);
  const byGrant = new Map<string, MeterSet>();
  for (const grant of document.grants) {
    const own = meterSet(`g:${grant.id}`, "grant", grant.id, grant.limits);
    byGrant.set(grant.id, {
      rates: [...credential.rates, ...own.rates],
      budgets: [...credential.budgets, ...own.budgets],
    });
  }
  const all = [...credential.budgets, ...[...byGrant.values()].flatMap((set) => set.budgets)];
  return { credential, byGrant, budgetsByKey: new Map(all.map((meter) => [meter.key, meter])) };
}

/** The meters of a grant, or the credential's alone when no grant is named. */
export function metersOf(meters: CompiledMeters, grantId: string | null): MeterSet {
  return (grantId === null ? undefined : meters.byGrant.get(grantId)) ?? meters.credential;
}

function meterSet(scope: string, label: string, grantId: string | null, limits: Limits): MeterSet {
  const rates = new Map<string, RateMeter>();
  for (const limit of limits.rate) {
    const key = `${scope}:${limit.perSeconds}`;
    const known = rates.get(key)?.limit;
    const strictest = known === undefined ? limit : stricterRate(known, limit);
    rates.set(key, { key, name: `${label}-${limit.perSeconds}s`, grantId, limit: strictest });
  }
  const budgets = new Map<string, BudgetMeter>();
  for (const limit of limits.budgets) {
    const key = `${scope}:${limit.unit}:${limit.window}:${limit.anchorMs ?? ""}`;
    const known = budgets.get(key)?.limit;
    const strictest = known !== undefined && known.limit < limit.limit ? known : limit;
    budgets.set(key, { key, name: `${label}-${limit.unit}-${limit.window}`, grantId, limit: strictest });
  }
  return { rates: [...rates.values()], budgets: [...budgets.values()] };
}

function stricterRate(a: RateLimit, b: RateLimit): RateLimit {
  return {
    requests: Math.min(a.requests, b.requests),
    perSeconds: a.perSeconds,
    burst: a.burst === null ? b.burst : b.burst === null ? a.burst : Math.min(a.burst, b.burst),
  };
}

/** The meter that makes the caller wait longest, or null when every rate has room. */
export function rateInTheWay(
  set: MeterSet,
  counters: Counters,
  nowMs: number,
): { readonly meter: RateMeter; readonly waitMs: number } | null {
  let worst: { readonly meter: RateMeter; readonly waitMs: number } | null = null;
  for (const meter of set.rates) {
    const window = counters.rates.get(meter.key) ?? EMPTY_WINDOW;
    const waitMs = rateWaitMs(window, meter.limit, nowMs);
    if (waitMs > (worst?.waitMs ?? 0)) worst = { meter, waitMs };
  }
  return worst;
}

export function takeRates(set: MeterSet, counters: Counters, nowMs: number): void {
  for (const { key, limit } of set.rates) {
    let window = counters.rates.get(key);
    if (window === undefined) {
      window = newRateWindow();
      counters.rates.set(key, window);
    }
    takeRate(window, limit, nowMs);
  }
}

/** The first budget that has no room for this call, with the time until its window ends; or null. */
export function budgetInTheWay(
  set: MeterSet,
  counters: Counters,
  reserveUsdMicros: number,
  nowMs: number,
): { readonly meter: BudgetMeter; readonly waitMs: number } | null {
  for (const meter of set.budgets) {
    const window = budgetWindow(meter.limit, nowMs);
    const remaining = budgetRemaining(counters.budgets.get(meter.key), meter.limit, window);
    // A free call still needs a budget that is not used up: its true cost may turn out to be more.
    const needed = meter.limit.unit === "requests" ? 1 : Math.max(1, reserveUsdMicros);
    if (remaining < needed) return { meter, waitMs: window.endMs - nowMs };
  }
  return null;
}

export function reserveBudgets(
  set: MeterSet,
  counters: Counters,
  reserveUsdMicros: number,
  nowMs: number,
): readonly BudgetHold[] {
  const holds: BudgetHold[] = [];
  for (const meter of set.budgets) {
    const window = budgetWindow(meter.limit, nowMs);
    const counter = counters.budgets.get(meter.key) ?? newBudgetCounter(window.startMs);
    counters.budgets.set(meter.key, counter);
    rollBudget(counter, window);
    const perRequest = meter.limit.unit === "requests";
    const amount = perRequest ? 1 : reserveUsdMicros;
    counter.reserved += amount;
    holds.push([meter.key, window.startMs, amount, perRequest ? 1 : 0]);
  }
  return holds;
}

/** The state of each meter, for `RateLimit` headers and `whoami`. */
export function limitStatuses(set: MeterSet, counters: Counters, nowMs: number): LimitStatus[] {
  const statuses: LimitStatus[] = [];
  for (const { key, name, limit } of set.rates) {
    const window = counters.rates.get(key) ?? EMPTY_WINDOW;
    statuses.push({
      name,
      kind: "rate",
      unit: "requests",
      limit: limit.requests,
      remaining: rateRemaining(window, limit, nowMs),
      windowSeconds: limit.perSeconds,
      resetSeconds: Math.min(limit.perSeconds, Math.ceil(rateResetMs(window, limit, nowMs) / 1000)),
    });
  }
  for (const { key, name, limit } of set.budgets) {
    const window = budgetWindow(limit, nowMs);
    statuses.push({
      name,
      kind: "budget",
      unit: limit.unit,
      limit: limit.limit,
      remaining: budgetRemaining(counters.budgets.get(key), limit, window),
      windowSeconds: Math.round((window.endMs - window.startMs) / 1000),
      resetSeconds: Math.ceil((window.endMs - nowMs) / 1000),
    });
  }
  return statuses;
}
