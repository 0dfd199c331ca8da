/**
 * What a call can cost at most, and what it did cost, by the connection's price rules. Pure; amounts are whole millionths
 * of a US dollar, rounded up.
 *
 * The first rule whose method and path match holds. An empty list of methods or paths, and the method `*`, match all; GET
 * stands for HEAD too, as in a scope.
 * An answer of 400 or above costs nothing unless it states a cost itself; a good answer that should have stated its cost
 * and did not is `null`: what was reserved then stays spent, so that silence never makes calls free. The same where one of
 * several members is missing that is not optional, since callers can often choose what an answer shows (`?fields=`); and where
 * the answer was not read to its end and states less than was reserved: usage is summed up in the last event of a stream.
 */
import type { ReadHeaders } from "./header-map.ts";
import { compilePattern, matchPattern, type Pattern } from "./pattern.ts";
import type { PriceRule } from "./price.ts";
import { methodAllowed } from "./scope-judge.ts";

/** Values of the members that a price rule names, as found in the answer. */
export type JsonUsage = Readonly<Record<string, number>>;

/** What of an answer says its cost. */
export interface PricedAnswer {
  readonly status: number;
  readonly headers: ReadHeaders;
  /** What `usageMeter` found in the body; null when there was none to find. */
  readonly usage: JsonUsage | null;
  /** All of the body was seen. */
  readonly whole: boolean;
}

interface CompiledRule {
  readonly rule: PriceRule;
  /** Null: every path. */
  readonly patterns: readonly Pattern[] | null;
}

const compiled = new WeakMap<readonly PriceRule[], readonly CompiledRule[]>();

/** The rule that prices this call, or null. `path`: canonical upstream path, base path included. */
export function priceRule(prices: readonly PriceRule[], method: string, path: string): PriceRule | null {
  if (prices.length === 0) return null;
  for (const { rule, patterns } of compile(prices)) {
    const methods = rule.methods;
    if (methods.length > 0 && !methodAllowed(methods, method)) continue;
    if (patterns === null || patterns.some((pattern) => matchPattern(pattern, path))) return rule;
  }
  return null;
}

function compile(prices: readonly PriceRule[]): readonly CompiledRule[] {
  let rules = compiled.get(prices);
  if (rules === undefined) {
    rules = prices.map((rule) => ({
      rule,
      patterns: rule.paths.length === 0 ? null : rule.paths.map(compilePattern).filter((pattern) => pattern !== null),
    }));
    compiled.set(prices, rules);
  }
  return rules;
}

/** Most that the call can cost: what is reserved at admission. 0 when nothing prices it. */
export function reserveFor(prices: readonly PriceRule[], method: string, path: string): number {
  const rule = priceRule(prices, method, path);
  if (rule === null) return 0;
  return wholeMicros(rule.kind === "fixed" ? rule.usdMicros : rule.maxUsdMicros);
}

/**
 * What the call cost. Null: not known (or nothing on this connection has a price), the reservation counts as spent.
 */
export function costOf(
  prices: readonly PriceRule[],
  method: string,
  path: string,
  { status, headers, usage, whole }: PricedAnswer,
): number | null {
  if (prices.length === 0) return null;
  const rule = priceRule(prices, method, path);
  if (rule === null) return 0;
  const failed = status >= 400;
  if (rule.kind === "fixed") return failed ? 0 : wholeMicros(rule.usdMicros);
  const stated = rule.kind === "header" ? headerUnits(rule, headers) : memberUnits(rule, usage);
  if (stated === null) return failed ? 0 : null;
  const cost = wholeMicros(stated);
  return whole || failed || cost >= reserveFor(prices, method, path) ? cost : null;
}

function headerUnits(rule: Extract<PriceRule, { kind: "header" }>, headers: ReadHeaders): number | null {
  const text = headers.get(rule.name)?.trim() ?? "";
  if (!/^\d{1,15}(\.\d{1,15})?$/.test(text)) return null;
  return Number(text) * rule.usdMicrosPerUnit;
}

/** Null: one is missing that must be there, or none is there at all. */
function memberUnits(rule: Extract<PriceRule, { kind: "json" }>, usage: JsonUsage | null): number | null {
  let sum: number | null = null;
  for (const { member, usdMicrosPerUnit, optional } of rule.members) {
    const value = usage !== null && Object.hasOwn(usage, member) ? usage[member] : undefined;
    if (value === undefined && optional === true) continue;
    if (value === undefined || !Number.isFinite(value) || value < 0) return null;
    sum = (sum ?? 0) + value * usdMicrosPerUnit;
  }
  return sum;
}

/** Rounds up, but not over the error of binary fractions (1000 × 0.15 is 150, not 151). */
function wholeMicros(value: number): number {
  return Math.max(0, Math.min(Number.MAX_SAFE_INTEGER, Math.ceil(value - 1e-6)));
}
