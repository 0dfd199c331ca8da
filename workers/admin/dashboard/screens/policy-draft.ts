/** A policy while it is being written, and the request that comes of it. */
import { signal } from "@preact/signals";
import type { Signal } from "@preact/signals";
import type { Policy } from "../../../../src/contract/policy.ts";
import type { FieldError } from "../../../../src/contract/problem.ts";
import { ok } from "../../../../src/domain/result.ts";
import type { Result } from "../../../../src/domain/result.ts";
import { limitsBody, limitsDraft } from "./limits-draft.ts";
import type { LimitsDraft } from "./limits-draft.ts";
import { paymentBody, paymentDraft } from "./payment-draft.ts";
import type { PaymentDraft } from "./payment-draft.ts";
import { lines, scopeBody, scopeDraft } from "./scope-draft.ts";
import type { ScopeDraft } from "./scope-draft.ts";

export interface PolicyDraft {
  readonly name: Signal<string>;
  readonly blockFrom: Signal<string>;
  /** Empty: as usual for the kind of credential. */
  readonly trust: Signal<string>;
  /** One address or block a line, for `fixed`. */
  readonly addresses: Signal<string>;
  /** Empty: as the grant says. */
  readonly customers: Signal<string>;
  /** Whether only registered customers may be named. */
  readonly onlyKnown: Signal<boolean>;
  readonly scope: ScopeDraft;
  readonly limits: LimitsDraft;
  readonly payment: PaymentDraft;
}

export function policyDraft(policy: Policy | null): PolicyDraft {
  return {
    name: signal(policy?.name ?? ""),
    blockFrom: signal(policy?.block_from ?? ""),
    trust: signal(policy?.trust?.mode ?? ""),
    addresses: signal((policy?.trust?.addresses ?? []).join("\n")),
    customers: signal(policy?.customers?.mode ?? ""),
    onlyKnown: signal(policy?.customers?.unknown === "refuse"),
    scope: scopeDraft(policy),
    limits: limitsDraft(policy?.limits),
    payment: paymentDraft(policy?.price ?? null),
  };
}

export function policyBody(draft: PolicyDraft, policy: Policy | null): Result<object, readonly FieldError[]> {
  const price = paymentBody(draft.payment);
  if (!price.ok) return price;
  const mode = draft.trust.value;
  return ok({
    ...policyScope(draft.scope, policy),
    name: draft.name.value.trim(),
    limits: limitsBody(draft.limits),
    block_from: draft.blockFrom.value === "" ? null : draft.blockFrom.value,
    trust: mode === "" ? null : { ...policy?.trust, mode, addresses: lines(draft.addresses.value) },
    ...(draft.customers.value === ""
      ? {}
      : { customers: { mode: draft.customers.value, unknown: draft.onlyKnown.value ? "refuse" : "allow" } }),
    price: price.value,
  });
}

/** The whole scope, to save it or to try it against past calls. */
export function policyScope(scope: ScopeDraft, policy: Policy | null): object {
  return { ...(policy === null ? {} : emptied(policy)), ...scopeBody(scope) };
}

/** A change leaves alone what it does not state: a list that was emptied must be said to be empty. */
function emptied(policy: Policy): object {
  return {
    ...(policy.deny_query_params.length === 0 ? {} : { deny_query_params: [] }),
    ...(policy.models === null ? {} : { models: null }),
    ...(policy.remove_response_members.length === 0 ? {} : { remove_response_members: [] }),
  };
}
