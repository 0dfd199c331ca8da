/** Policies and grants on the wire, and their way to the domain's settings and back. */
import * as z from "zod";
import { EMPTY_SCOPE } from "../domain/scope.ts";
import type { GrantSettings, PolicySettings } from "../domain/settings.ts";
import { ConnectionId, CredentialId, Environment, GrantId, Name, PolicyId, Time, readableText } from "./fields.ts";
import {
  CustomerRuleWire,
  LimitsWire,
  TrustWire,
  fromLimits,
  fromTrust,
  toCustomerRule,
  toLimits,
  toTrust,
} from "./limits.ts";
import { PaymentWire, fromPayment, toPayment } from "./price.ts";
import {
  SCOPE_MEMBERS,
  ScopeView,
  checkScopeForms,
  fromScope,
  fromStatedScope,
  statesRules,
  toScope,
} from "./scope.ts";
import type { ScopeMembers } from "./scope.ts";

export const Severity = z.enum(["low", "medium", "high", "critical"]);

/** Members that a policy and a grant share. */
export const RULE_MEMBERS = {
  ...SCOPE_MEMBERS,
  limits: LimitsWire.optional(),
  customers: CustomerRuleWire.optional(),
  price: PaymentWire.nullable().optional(),
};

const policyMembers = {
  ...RULE_MEMBERS,
  trust: TrustWire.nullable().optional(),
  block_from: Severity.nullable().optional(),
};

export const PolicyCreate = z
  .strictObject({ name: Name, ...policyMembers })
  .superRefine((wire, context) => {
    checkScopeForms(wire, context);
    if (!statesRules(wire)) context.addIssue({ code: "custom", path: ["rules"], message: "Is required" });
  })
  .meta({ id: "PolicyCreate" });

export const PolicyPatch = z
  .strictObject({ name: Name.optional(), ...policyMembers })
  .superRefine(checkScopeForms)
  .meta({ id: "PolicyPatch" });

const ruleView = {
  ...ScopeView.shape,
  limits: LimitsWire,
  customers: z.strictObject({ mode: z.string(), unknown: z.string() }).nullable(),
  price: PaymentWire.nullable(),
};

export const Policy = z
  .strictObject({
    id: PolicyId,
    name: z.string(),
    version: z.int(),
    ...ruleView,
    trust: TrustWire.nullable(),
    block_from: Severity.nullable(),
    created_by: z.string(),
    created_at: Time,
    updated_at: Time,
  })
  .meta({ id: "Policy" });
export type Policy = z.infer<typeof Policy>;

export const PolicyVersion = z
  .strictObject({
    policy_id: PolicyId,
    version: z.int(),
    name: z.string(),
    ...ruleView,
    trust: TrustWire.nullable(),
    block_from: Severity.nullable(),
    created_by: z.string(),
    created_at: Time,
  })
  .meta({ id: "PolicyVersion" });

/** One grant inside a credential: a policy, or scope members, or a policy refined by scope members. */
export const GRANT_MEMBERS = {
  connection_id: ConnectionId,
  policy_id: PolicyId.nullable().optional(),
  environment: Environment.nullable().optional(),
  ...RULE_MEMBERS,
};

export function checkGrantForms(
  wire: Partial<ScopeMembers> & { policy_id?: string | null | undefined },
  context: z.RefinementCtx,
): void {
  checkScopeForms(wire, context);
  // Half a short form was reported already.
  if ((wire.policy_id ?? null) === null && !statesRules(wire) && wire.allowed_methods === undefined) {
    context.addIssue({ code: "custom", path: ["allowed_paths"], message: "Is required without policy_id" });
  }
}

export const GrantInput = z.strictObject(GRANT_MEMBERS).superRefine(checkGrantForms).meta({ id: "GrantInput" });
export type GrantInput = z.output<typeof GrantInput>;

export const MAX_ACKNOWLEDGED_FINDINGS = 100;
export const FindingIds = z.array(readableText(128).min(1)).max(MAX_ACKNOWLEDGED_FINDINGS);

/** The governance API's binding: a grant that names its credential in the body. Findings are acknowledged on the credential. */
export const BindingCreate = z
  .strictObject({ credential_id: CredentialId, acknowledge_findings: FindingIds.optional(), ...GRANT_MEMBERS })
  .superRefine(checkGrantForms)
  .meta({ id: "BindingCreate" });

export const BindingPatch = z
  .strictObject({
    policy_id: PolicyId.nullable().optional(),
    environment: Environment.nullable().optional(),
    acknowledge_findings: FindingIds.optional(),
    ...RULE_MEMBERS,
  })
  .superRefine(checkScopeForms)
  .meta({ id: "BindingPatch" });

/** What a grant states beside its policy, in the form in which a request may state it again. */
export const GrantOwn = z.strictObject(RULE_MEMBERS).meta({ id: "GrantOwn" });
export type GrantOwn = z.infer<typeof GrantOwn>;

/** A grant's scope as it holds, the policy's part included; `own` is the grant's part alone. */
export const Grant = z
  .strictObject({
    id: GrantId,
    connection_id: ConnectionId,
    policy_id: PolicyId.nullable(),
    policy_version: z.int().nullable(),
    environment: z.string().nullable(),
    ...ruleView,
    own: GrantOwn,
  })
  .meta({ id: "Grant" });
export type Grant = z.infer<typeof Grant>;

export const Binding = z
  .strictObject({ ...Grant.shape, credential_id: CredentialId, created_at: Time })
  .meta({ id: "Binding" });

type RuleWire = z.output<typeof PolicyPatch> | Omit<GrantInput, "connection_id">;

/** Only what is stated, so that the policy's changes reach the rest. */
export function toGrantSettings(wire: RuleWire): GrantSettings {
  return {
    scope: toScope(wire),
    ...(wire.limits === undefined ? {} : { limits: toLimits(wire.limits) }),
    ...(wire.customers === undefined ? {} : { customers: toCustomerRule(wire.customers) }),
    ...(wire.price === undefined || wire.price === null ? {} : { payment: toPayment(wire.price) }),
  };
}

/** `base` with the stated members in place of its own; `null` takes a member away. */
export function patchGrantSettings(wire: RuleWire, base: GrantSettings): GrantSettings {
  const { payment, ...rest } = base;
  const stated = toGrantSettings(wire);
  return {
    ...rest,
    ...(payment === undefined || wire.price === null ? {} : { payment }),
    ...stated,
    scope: { ...base.scope, ...stated.scope },
  };
}

export function patchPolicySettings(wire: z.output<typeof PolicyPatch>, base: PolicySettings): PolicySettings {
  const { trust, blockFrom, ...rest } = base;
  const nextTrust = wire.trust === undefined ? trust : (wire.trust && toTrust(wire.trust)) || undefined;
  const nextBlock = wire.block_from === undefined ? blockFrom : (wire.block_from ?? undefined);
  return {
    ...patchGrantSettings(wire, rest),
    ...(nextTrust === undefined ? {} : { trust: nextTrust }),
    ...(nextBlock === undefined ? {} : { blockFrom: nextBlock }),
  };
}

/** What a grant or policy shows, of effective or of stored settings. */
export function fromGrantSettings(settings: GrantSettings) {
  return {
    ...fromScope({ ...EMPTY_SCOPE, ...settings.scope }),
    limits: fromLimits(settings.limits ?? { rate: [], budgets: [], perCustomer: null }),
    customers: settings.customers === undefined ? null : { ...settings.customers },
    price: settings.payment === undefined ? null : fromPayment(settings.payment),
  };
}

/** What is stated and nothing else: `toGrantSettings` turned round. */
export function fromStatedSettings(settings: GrantSettings): GrantOwn {
  return {
    ...fromStatedScope(settings.scope),
    ...(settings.limits === undefined ? {} : { limits: fromLimits(settings.limits) }),
    ...(settings.customers === undefined ? {} : { customers: { ...settings.customers } }),
    ...(settings.payment === undefined ? {} : { price: fromPayment(settings.payment) }),
  };
}

export function fromPolicySettings(settings: PolicySettings) {
  return {
    ...fromGrantSettings(settings),
    trust: settings.trust === undefined ? null : fromTrust(settings.trust),
    block_from: settings.blockFrom ?? null,
  };
}
