/**
 * One grant of a credential while it is being written, and the request's member that comes of it. What an existing grant
 * states and this form has no field for is sent back as it was read.
 */
import { signal } from "@preact/signals";
import type { Signal } from "@preact/signals";
import type { Grant, GrantOwn } from "../../../../src/contract/policy.ts";
import { isComplete, scopeBody, scopeDraft } from "./scope-draft.ts";
import type { ScopeDraft } from "./scope-draft.ts";

export interface GrantDraft {
  readonly key: number;
  readonly connectionId: Signal<string>;
  /** Empty: rules of its own. */
  readonly policyId: Signal<string>;
  readonly scope: ScopeDraft;
  /** Whether what the grant states beside its policy stays. */
  readonly keepsOwn: Signal<boolean>;
  /** As it was read; null for a new one. */
  readonly from: Grant | null;
}

let lastKey = 0;

export function grantDraft(connectionId = "", from: Grant | null = null): GrantDraft {
  lastKey += 1;
  return {
    key: lastKey,
    connectionId: signal(from?.connection_id ?? connectionId),
    policyId: signal(from?.policy_id ?? ""),
    scope: scopeDraft(from),
    keepsOwn: signal(true),
    from,
  };
}

export function grantBody(draft: GrantDraft): Record<string, unknown> {
  const { from } = draft;
  const base = {
    connection_id: draft.connectionId.value.trim(),
    ...(from === null || from.environment === null ? {} : { environment: from.environment }),
  };
  if (draft.policyId.value !== "") return { ...base, ...ownBesidePolicy(draft), policy_id: draft.policyId.value };
  return { ...base, ...besideOwnRules(from), ...scopeBody(draft.scope) };
}

/** What stays beside a policy: all that was beside one before; of a grant with rules of its own, what is no scope. */
function ownBesidePolicy({ from, keepsOwn }: GrantDraft): GrantOwn {
  if (from === null || !keepsOwn.value) return {};
  return from.policy_id === null ? notScope(from.own) : from.own;
}

/** Rules that were a policy's until now take its limits, customers and price along: leaving a policy loosens nothing. */
function besideOwnRules(from: Grant | null): GrantOwn {
  if (from === null) return {};
  if (from.policy_id === null) return notScope(from.own);
  return {
    limits: from.limits,
    ...(from.customers === null ? {} : { customers: notLoosened(from.customers) }),
    ...(from.price === null ? {} : { price: from.price }),
  };
}

function notScope({ limits, customers, price }: GrantOwn): GrantOwn {
  return {
    ...(limits === undefined ? {} : { limits }),
    ...(customers === undefined ? {} : { customers }),
    ...(price === undefined ? {} : { price }),
  };
}

/** Answers name these words as plain text. */
function notLoosened(rule: { readonly mode: string; readonly unknown: string }): NonNullable<GrantOwn["customers"]> {
  const mode = rule.mode === "optional" || rule.mode === "refused" ? rule.mode : "required";
  return { mode, unknown: rule.unknown === "allow" ? "allow" : "refuse" };
}

const OWN_WORDS = {
  rules: "methods and paths",
  allowed_methods: "methods",
  allowed_paths: "paths",
  deny_query_params: "refused query parameters",
  allow_query_params: "allowed query parameters",
  body_rules: "rules for bodies",
  max_body_bytes: "the size of bodies",
  graphql: "GraphQL",
  json_rpc: "JSON-RPC",
  models: "models",
  allow_headers: "account headers",
  remove_response_members: "members removed from answers",
  limits: "limits",
  customers: "customers",
  price: "a price",
} as const satisfies Record<keyof GrantOwn, string>;

/** What the grant states beside its policy, in words. */
export function ownWords(from: Grant | null): readonly string[] {
  if (from === null || from.policy_id === null) return [];
  const { own } = from;
  return Object.entries(OWN_WORDS).flatMap(([name, words]) => (Object.hasOwn(own, name) ? [words] : []));
}

export function grantIsComplete(draft: GrantDraft): boolean {
  return draft.connectionId.value !== "" && (draft.policyId.value !== "" || isComplete(draft.scope));
}
