/** What a call costs its caller, by a payment rule. Pure; amounts are whole millionths of a US dollar. */
import type { PaymentRule } from "./payment.ts";
import type { PriceRule } from "./price.ts";
import { priceRule } from "./price-cost.ts";

const USD_DECIMALS = 6;

const fixedRules = new WeakMap<PaymentRule, readonly PriceRule[]>();

/** The first rule whose method and path match, else the default. `path`: canonical upstream path. */
export function callPrice(rule: PaymentRule, method: string, path: string): number {
  let rules = fixedRules.get(rule);
  if (rules === undefined) {
    rules = rule.prices.map((each) => ({ kind: "fixed", ...each }));
    fixedRules.set(rule, rules);
  }
  const found = priceRule(rules, method, path);
  return found === null || found.kind !== "fixed" ? rule.defaultUsdMicros : found.usdMicros;
}

/** The amount in a token's atomic units, rounded up. */
export function atomicAmount(usdMicros: number, decimals: number): bigint {
  const micros = BigInt(usdMicros);
  if (decimals >= USD_DECIMALS) return micros * 10n ** BigInt(decimals - USD_DECIMALS);
  const divisor = 10n ** BigInt(USD_DECIMALS - decimals);
  return (micros + divisor - 1n) / divisor;
}
