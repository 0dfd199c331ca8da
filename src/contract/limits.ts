/** Limits, trust and customer rules on the wire, and their way to the domain's forms and back. */
import * as z from "zod";
import { formatBlock, parseBlock } from "../domain/address.ts";
import type { CustomerRule, Limits, NamedCustomerLimits, Trust } from "../domain/limits.ts";
import { Integer, PositiveInteger, TimeInput, wireTime } from "./fields.ts";

const MAX_RATES = 8;
const MAX_BUDGETS = 8;
const MAX_WINDOW_SECONDS = 31 * 86_400;
const MAX_ADDRESSES = 256;

export const RateLimitWire = z
  .strictObject({
    requests: PositiveInteger.max(1_000_000_000),
    per_seconds: z.int().min(1).max(MAX_WINDOW_SECONDS),
    burst: PositiveInteger.max(1_000_000_000).nullable().optional(),
  })
  .refine((rate) => rate.burst === null || rate.burst === undefined || rate.burst <= rate.requests, {
    path: ["burst"],
    message: "Must not exceed requests",
  });

export const BudgetLimitWire = z.strictObject({
  unit: z.enum(["requests", "usd_micros"]),
  limit: Integer,
  window: z.enum(["day", "month"]),
  // Calendars of the first century read as those of the twentieth: such a window would never end.
  anchor: TimeInput.refine((text) => Date.parse(text) >= 0, "Lies before 1970")
    .nullable()
    .optional(),
});

const rate = z.array(RateLimitWire).max(MAX_RATES).optional();
const budgets = z.array(BudgetLimitWire).max(MAX_BUDGETS).optional();

export const LimitsWire = z
  .strictObject({ rate, budgets, per_customer: z.strictObject({ rate, budgets }).nullable().optional() })
  .meta({ id: "Limits" });
export type LimitsWire = z.infer<typeof LimitsWire>;

/** Of one customer by name, over everything that it is named on. */
export const CustomerLimitsWire = z.strictObject({ rate, budgets }).meta({ id: "CustomerLimits" });
export type CustomerLimitsWire = z.infer<typeof CustomerLimitsWire>;

/** An address or a CIDR block, in canonical text afterwards. */
export const AddressBlock = z
  .string()
  .max(64)
  .transform((text, context) => {
    const block = parseBlock(text);
    if (block !== null) return formatBlock(block);
    context.addIssue({ code: "custom", message: "Is not an address or an aligned CIDR block" });
    return z.NEVER;
  })
  .pipe(z.string());

export const TrustWire = z
  .strictObject({
    mode: z.enum(["first_use", "fixed", "off"]),
    addresses: z.array(AddressBlock).max(MAX_ADDRESSES).optional(),
    allow_workers: z.array(AddressBlock).max(MAX_ADDRESSES).optional(),
  })
  .meta({ id: "Trust" });
export type TrustWire = z.infer<typeof TrustWire>;

export const CustomerRuleWire = z
  .strictObject({ mode: z.enum(["required", "optional", "refused"]), unknown: z.enum(["allow", "refuse"]).optional() })
  .meta({ id: "CustomerRule" });
export type CustomerRuleWire = z.infer<typeof CustomerRuleWire>;

export function toLimits(wire: LimitsWire): Limits {
  return {
    rate: (wire.rate ?? []).map(toRate),
    budgets: (wire.budgets ?? []).map(toBudget),
    perCustomer:
      wire.per_customer === null || wire.per_customer === undefined
        ? null
        : {
            rate: (wire.per_customer.rate ?? []).map(toRate),
            budgets: (wire.per_customer.budgets ?? []).map(toBudget),
          },
  };
}

export function fromLimits(limits: Limits): LimitsWire {
  return {
    rate: limits.rate.map(fromRate),
    budgets: limits.budgets.map(fromBudget),
    per_customer:
      limits.perCustomer === null
        ? null
        : { rate: limits.perCustomer.rate.map(fromRate), budgets: limits.perCustomer.budgets.map(fromBudget) },
  };
}

/** Null: none are stated. */
export function toCustomerLimits(wire: CustomerLimitsWire | null): NamedCustomerLimits["limits"] | null {
  const { rate: rates, budgets: amounts } = toLimits(wire ?? {});
  return rates.length + amounts.length === 0 ? null : { rate: rates, budgets: amounts };
}

export function fromCustomerLimits(limits: NamedCustomerLimits["limits"] | null): CustomerLimitsWire {
  return { rate: (limits?.rate ?? []).map(fromRate), budgets: (limits?.budgets ?? []).map(fromBudget) };
}

export function toTrust(wire: TrustWire): Trust {
  return { mode: wire.mode, addresses: wire.addresses ?? [], allowWorkers: wire.allow_workers ?? [] };
}

export function fromTrust(trust: Trust): TrustWire {
  return { mode: trust.mode, addresses: [...trust.addresses], allow_workers: [...trust.allowWorkers] };
}

export function toCustomerRule(wire: CustomerRuleWire): CustomerRule {
  return { mode: wire.mode, unknown: wire.unknown ?? "allow" };
}

function toRate(wire: z.infer<typeof RateLimitWire>): Limits["rate"][number] {
  return { requests: wire.requests, perSeconds: wire.per_seconds, burst: wire.burst ?? null };
}

function fromRate(limit: Limits["rate"][number]): z.infer<typeof RateLimitWire> {
  return { requests: limit.requests, per_seconds: limit.perSeconds, burst: limit.burst };
}

function toBudget(wire: z.infer<typeof BudgetLimitWire>): Limits["budgets"][number] {
  const anchor = wire.anchor ?? null;
  return {
    unit: wire.unit,
    limit: wire.limit,
    window: wire.window,
    anchorMs: anchor === null ? null : Date.parse(anchor),
  };
}

function fromBudget(budget: Limits["budgets"][number]): z.infer<typeof BudgetLimitWire> {
  return { unit: budget.unit, limit: budget.limit, window: budget.window, anchor: wireTime(budget.anchorMs) };
}
