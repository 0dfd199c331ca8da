/**
 * Constraints while they are being written: what a provisioner's key, or a job with an identity token, may mint. A change
 * replaces them as a whole, so members that the form has no field for are kept with the scope.
 */
import { signal } from "@preact/signals";
import type { Signal } from "@preact/signals";
import type { ConstraintsWire } from "../../../../src/contract/management-key.ts";
import { labelsBody, labelsDraft } from "./labels-draft.ts";
import type { LabelsDraft } from "./labels-draft.ts";
import { limitsBody, limitsDraft } from "./limits-draft.ts";
import type { LimitsDraft } from "./limits-draft.ts";
import { isComplete, scopeBody, scopeDraft } from "./scope-draft.ts";
import type { ScopeDraft } from "./scope-draft.ts";

/** As many grants as a review takes. */
const MAX_REVIEWED = 32;

export interface ConstraintsDraft {
  readonly connectionIds: Signal<readonly string[]>;
  readonly scope: ScopeDraft;
  /** Seconds. */
  readonly ttl: Signal<string>;
  /** Empty: any number. */
  readonly maxActive: Signal<string>;
  /** Empty: any name. */
  readonly namePattern: Signal<string>;
  readonly labels: LabelsDraft;
  readonly limits: LimitsDraft;
}

/** `ttlSeconds`: the lifetime that a new one begins with. */
export function constraintsDraft(from: ConstraintsWire | null, ttlSeconds: number): ConstraintsDraft {
  return {
    connectionIds: signal(from?.connections ?? []),
    scope: scopeDraft(from === null ? null : scopeOf(from)),
    ttl: signal(String(from?.max_ttl_seconds ?? ttlSeconds)),
    maxActive: signal(String(from?.max_active ?? "")),
    namePattern: signal(from?.name_pattern ?? ""),
    labels: labelsDraft(from?.labels),
    limits: limitsDraft(from?.limits),
  };
}

/** The short form of one rule becomes that rule. */
function scopeOf(from: ConstraintsWire) {
  return {
    ...from,
    rules: from.rules ?? [{ methods: from.allowed_methods ?? [], paths: from.allowed_paths ?? [] }],
    deny_query_params: from.deny_query_params ?? [],
    models: from.models ?? null,
    remove_response_members: from.remove_response_members ?? [],
  };
}

export function constraintsBody(draft: ConstraintsDraft): Record<string, unknown> {
  const labels = labelsBody(draft.labels);
  const limits = limitsBody(draft.limits);
  const limited = (limits.rate?.length ?? 0) + (limits.budgets?.length ?? 0) > 0 || limits.per_customer !== null;
  return {
    ...scopeBody(draft.scope),
    connections: draft.connectionIds.value,
    max_ttl_seconds: Number(draft.ttl.value),
    ...(limited ? { limits } : {}),
    ...(draft.maxActive.value === "" ? {} : { max_active: Number(draft.maxActive.value) }),
    ...(draft.namePattern.value.trim() === "" ? {} : { name_pattern: draft.namePattern.value.trim() }),
    ...(Object.keys(labels).length === 0 ? {} : { labels }),
  };
}

/** What a safety review looks at: the most that could be minted. Null while something is missing. */
export function constraintsReview(draft: ConstraintsDraft): Record<string, unknown> | null {
  const ids = draft.connectionIds.value;
  if (ids.length === 0 || !isComplete(draft.scope)) return null;
  const scope = scopeBody(draft.scope);
  return {
    kind: "delegated",
    grants: ids.slice(0, MAX_REVIEWED).map((id) => ({ connection_id: id, ...scope })),
    limits: limitsBody(draft.limits),
    ttl_seconds: Number(draft.ttl.value),
  };
}
