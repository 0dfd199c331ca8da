/** Prices on the wire: what a call costs the owner (`PriceRule`), and what it costs the caller (`PaymentRule`). */
import * as z from "zod";
import type { PaymentRule } from "../domain/payment.ts";
import type { PriceRule } from "../domain/price.ts";
import { HeaderName, Integer, MAX_URL_CHARS, MemberPath, readableText } from "./fields.ts";
import { EvmAddress, EvmNetwork } from "./payment.ts";
import { Method, PathPattern } from "./scope.ts";

/** An empty list, as `*`, is every method, and every path. */
const methods = z.array(Method).max(16).default([]);
const paths = z.array(PathPattern).max(64).default([]);
const perUnit = z.number().min(0).max(1e12);

export const PriceRuleWire = z
  .discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("fixed"), methods, paths, usd_micros: Integer }),
    z.strictObject({
      kind: z.literal("header"),
      methods,
      paths,
      name: HeaderName,
      usd_micros_per_unit: perUnit,
      max_usd_micros: Integer,
    }),
    z.strictObject({
      kind: z.literal("json"),
      methods,
      paths,
      members: z
        .array(
          z.strictObject({
            member: MemberPath,
            usd_micros_per_unit: perUnit,
            /** An answer without it is priced by the others; of one without any other member the maximum is charged. */
            optional: z.boolean().optional(),
          }),
        )
        .min(1)
        .max(16),
      max_usd_micros: Integer,
    }),
  ])
  .meta({ id: "PriceRule" });
export type PriceRuleWire = z.output<typeof PriceRuleWire>;

export function toPriceRule(wire: PriceRuleWire): PriceRule {
  const { methods: onMethods, paths: onPaths } = wire;
  switch (wire.kind) {
    case "fixed":
      return { kind: "fixed", methods: onMethods, paths: onPaths, usdMicros: wire.usd_micros };
    case "header":
      return {
        kind: "header",
        methods: onMethods,
        paths: onPaths,
        name: wire.name.toLowerCase(),
        usdMicrosPerUnit: wire.usd_micros_per_unit,
        maxUsdMicros: wire.max_usd_micros,
      };
    case "json":
      return {
        kind: "json",
        methods: onMethods,
        paths: onPaths,
        members: wire.members.map(({ member, usd_micros_per_unit: usdMicrosPerUnit, optional }) => ({
          member,
          usdMicrosPerUnit,
          ...(optional === true ? { optional } : {}),
        })),
        maxUsdMicros: wire.max_usd_micros,
      };
  }
}

export function fromPriceRule(rule: PriceRule): PriceRuleWire {
  const common = { methods: [...rule.methods], paths: [...rule.paths] };
  switch (rule.kind) {
    case "fixed":
      return { kind: "fixed", ...common, usd_micros: rule.usdMicros };
    case "header":
      return {
        kind: "header",
        ...common,
        name: rule.name,
        usd_micros_per_unit: rule.usdMicrosPerUnit,
        max_usd_micros: rule.maxUsdMicros,
      };
    case "json":
      return {
        kind: "json",
        ...common,
        members: rule.members.map(({ member, usdMicrosPerUnit, optional }) => ({
          member,
          usd_micros_per_unit: usdMicrosPerUnit,
          ...(optional === true ? { optional } : {}),
        })),
        max_usd_micros: rule.maxUsdMicros,
      };
  }
}

const short = readableText(256).min(1);
/** A million US dollars: more than any call costs, so that a slip of zeros is noticed. */
const MAX_PRICE_USD_MICROS = 1_000_000_000_000;
const Price = z.int().min(0).max(MAX_PRICE_USD_MICROS);

/** What a policy or grant asks the caller to pay. `facilitator_url` is checked against the egress rules by the route. */
export const PaymentWire = z
  .strictObject({
    provider: z.enum(["x402", "credits"]),
    default_usd_micros: Price,
    prices: z
      .array(z.strictObject({ methods, paths, usd_micros: Price }))
      .max(64)
      .optional(),
    flow: z.enum(["authorization", "upfront"]).optional(),
    quote_lifetime_seconds: z.int().min(1).max(3_600).optional(),
    accepts: z
      .array(
        z.strictObject({
          network: EvmNetwork,
          asset: EvmAddress,
          pay_to: EvmAddress,
          decimals: z.int().min(0).max(36),
          name: short,
          version: short,
        }),
      )
      .max(16)
      .optional(),
    facilitator_url: z.string().max(MAX_URL_CHARS).nullable().optional(),
    account: z.enum(["recipient", "customer"]).nullable().optional(),
  })
  .superRefine((wire, context) => {
    if (wire.provider === "x402" && (wire.accepts ?? []).length === 0) {
      context.addIssue({ code: "custom", path: ["accepts"], message: "Is required for x402" });
    }
    if ((wire.provider === "x402" || (wire.accepts ?? []).length > 0) && (wire.facilitator_url ?? null) === null) {
      context.addIssue({ code: "custom", path: ["facilitator_url"], message: "Is required where tokens are accepted" });
    }
    const tokens = (wire.accepts ?? []).map(({ network, asset }) => `${network}/${asset.toLowerCase()}`);
    for (const [at, token] of tokens.entries()) {
      if (tokens.indexOf(token) === at) continue;
      context.addIssue({ code: "custom", path: ["accepts", at, "asset"], message: "Is accepted already" });
    }
    if (wire.provider === "credits" && (wire.account ?? null) === null) {
      context.addIssue({ code: "custom", path: ["account"], message: "Is required for credits" });
    }
  })
  .meta({ id: "Payment" });
export type PaymentWire = z.output<typeof PaymentWire>;

const DEFAULT_QUOTE_LIFETIME_SECONDS = 60;

export function toPayment(wire: PaymentWire): PaymentRule {
  return {
    provider: wire.provider,
    prices: (wire.prices ?? []).map((each) => ({
      methods: each.methods,
      paths: each.paths,
      usdMicros: each.usd_micros,
    })),
    defaultUsdMicros: wire.default_usd_micros,
    flow: wire.flow ?? "authorization",
    quoteLifetimeSeconds: wire.quote_lifetime_seconds ?? DEFAULT_QUOTE_LIFETIME_SECONDS,
    accepts: (wire.accepts ?? []).map(({ pay_to: payTo, ...rest }) => ({ ...rest, payTo })),
    facilitatorUrl: wire.facilitator_url ?? null,
    account: wire.account ?? null,
  };
}

export function fromPayment(rule: PaymentRule): PaymentWire {
  return {
    provider: rule.provider,
    default_usd_micros: rule.defaultUsdMicros,
    prices: rule.prices.map((each) => ({
      methods: [...each.methods],
      paths: [...each.paths],
      usd_micros: each.usdMicros,
    })),
    flow: rule.flow,
    quote_lifetime_seconds: rule.quoteLifetimeSeconds,
    accepts: rule.accepts.map(({ payTo, ...rest }) => ({ ...rest, pay_to: payTo })),
    facilitator_url: rule.facilitatorUrl,
    account: rule.account,
  };
}
