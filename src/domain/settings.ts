/**
 * The forms in which policies, grants and connections keep their rules in the control database.
 * Pure types and pure merging; the wire's forms stand in `src/contract`. Stored as JSON, so additions must be optional.
 */
import { stackRules } from "./body-layers.ts";
import type { ConnectionDocument } from "./documents.ts";
import { EMPTY_SCOPE } from "./scope.ts";
import type { Scope } from "./scope.ts";
import { NO_LIMITS } from "./limits.ts";
import type { CustomerRule, Limits, Trust } from "./limits.ts";
import type { PaymentRule } from "./payment.ts";

/** What a connection document holds beyond the columns of its row. */
export type ConnectionSettings = Omit<
  ConnectionDocument,
  "id" | "name" | "vendor" | "environment" | "status" | "baseUrl" | "auth" | "upstreamCredentials"
>;

/** Members that a policy or a grant states; an absent member is not stated. */
export interface GrantSettings {
  readonly scope: Partial<Scope>;
  readonly limits?: Limits;
  readonly customers?: CustomerRule;
  readonly payment?: PaymentRule;
}

export type Severity = "low" | "medium" | "high" | "critical";

export interface PolicySettings extends GrantSettings {
  readonly trust?: Trust;
  /** From which severity of the safety review issue is blocked; absent: the default (critical, provisioners only). */
  readonly blockFrom?: Severity;
}

export const DEFAULT_CUSTOMER_RULE: CustomerRule = { mode: "optional", unknown: "allow" };

/**
 * A grant's effective scope: its own members take the place of the policy's, except what only ever narrows
 * (denied parameters, body rules, removed members), which adds up. A grant can therefore not undo a policy's denial.
 */
export function mergeScope(policy: Partial<Scope>, own: Partial<Scope>): Scope {
  return {
    ...EMPTY_SCOPE,
    ...policy,
    ...own,
    denyQueryParams: union(policy.denyQueryParams, own.denyQueryParams),
    body: stackRules(policy.body ?? [], own.body ?? []),
    removeResponseMembers: union(policy.removeResponseMembers, own.removeResponseMembers),
  };
}

/** Limits of a policy and of its grant both hold: they add up, so neither can loosen the other. */
export function mergeLimits(policy: Limits | undefined, own: Limits | undefined): Limits {
  if (policy === undefined || own === undefined) return own ?? policy ?? NO_LIMITS;
  const customers =
    policy.perCustomer === null || own.perCustomer === null
      ? (own.perCustomer ?? policy.perCustomer)
      : {
          rate: [...policy.perCustomer.rate, ...own.perCustomer.rate],
          budgets: [...policy.perCustomer.budgets, ...own.perCustomer.budgets],
        };
  return {
    rate: [...policy.rate, ...own.rate],
    budgets: [...policy.budgets, ...own.budgets],
    perCustomer: customers,
  };
}

const STRICTNESS: Readonly<Record<Trust["mode"], number>> = { off: 0, first_use: 1, fixed: 2 };

/**
 * The address trust of a credential: its own if it states one, else the strictest of its policies' (equally strict
 * lists of addresses are intersected by their text, so that disagreement closes rather than opens), else the default
 * of its kind: `first_use` for delegated credentials, `off` for virtual keys.
 */
export function effectiveTrust(
  kind: "delegated" | "virtual",
  own: Trust | null,
  policies: readonly (Trust | undefined)[],
): Trust {
  if (own !== null) return own;
  const stated = policies.filter((trust) => trust !== undefined);
  if (stated.length === 0) return { mode: kind === "virtual" ? "off" : "first_use", addresses: [], allowWorkers: [] };
  return stated.reduce((a, b) => {
    if (STRICTNESS[a.mode] !== STRICTNESS[b.mode]) return STRICTNESS[a.mode] > STRICTNESS[b.mode] ? a : b;
    return {
      mode: a.mode,
      addresses: a.addresses.filter((address) => b.addresses.includes(address)),
      allowWorkers: a.allowWorkers.filter((address) => b.allowWorkers.includes(address)),
    };
  });
}

function union(a: readonly string[] | undefined, b: readonly string[] | undefined): readonly string[] {
  return [...new Set([...(a ?? []), ...(b ?? [])])];
}
