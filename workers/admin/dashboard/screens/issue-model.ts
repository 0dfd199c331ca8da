/** A credential while it is being written, and the request that comes of it. A change sends only what was changed. */
import { signal } from "@preact/signals";
import type { Signal } from "@preact/signals";
import type { Credential } from "../../../../src/contract/credential.ts";
import { grantBody, grantDraft, grantIsComplete } from "./grant-draft.ts";
import type { GrantDraft } from "./grant-draft.ts";
import { labelsBody, labelsDraft } from "./labels-draft.ts";
import type { LabelsDraft } from "./labels-draft.ts";
import { limitsBody, limitsDraft } from "./limits-draft.ts";
import type { LimitsDraft } from "./limits-draft.ts";
import { lines } from "./scope-draft.ts";

export interface CredentialDraft {
  readonly name: Signal<string>;
  readonly kind: Signal<string>;
  readonly recipientId: Signal<string>;
  readonly environment: Signal<string>;
  readonly labels: LabelsDraft;
  /** Seconds; `never`; `keep` for one that exists; `at` for the time in `expiresAt`. */
  readonly ttl: Signal<string>;
  readonly expiresAt: Signal<string>;
  /** When it ends now, RFC 3339; null: never, or it is new. */
  readonly endsAt: string | null;
  /** `default`: what its kind or its policies say. */
  readonly trust: Signal<string>;
  readonly addresses: Signal<string>;
  readonly grants: Signal<readonly GrantDraft[]>;
  readonly limits: LimitsDraft;
  readonly allowWorkers: readonly string[];
  /** Ids of findings that would stop it and that somebody has looked at. */
  readonly acknowledged: Signal<readonly string[]>;
}

const DAY_SECONDS = 86_400;

export function credentialDraft(from: Credential | null, connectionId = "", recipientId = ""): CredentialDraft {
  return {
    name: signal(from?.name ?? ""),
    kind: signal<string>(from?.kind ?? "delegated"),
    recipientId: signal(from?.recipient_id ?? recipientId),
    environment: signal(from?.environment ?? ""),
    labels: labelsDraft(from?.labels),
    ttl: signal(from === null ? String(7 * DAY_SECONDS) : "keep"),
    expiresAt: signal(""),
    endsAt: from?.expires_at ?? null,
    trust: signal<string>(from?.trust.mode ?? "default"),
    addresses: signal((from?.trust.addresses ?? []).join("\n")),
    grants: signal(from === null ? [grantDraft(connectionId)] : from.grants.map((grant) => grantDraft("", grant))),
    limits: limitsDraft(from?.limits),
    allowWorkers: from?.trust.allow_workers ?? [],
    acknowledged: signal<readonly string[]>(from?.acknowledged_findings ?? []),
  };
}

/** What a review looks at; null while something is missing. */
export function reviewBody(draft: CredentialDraft): Record<string, unknown> | null {
  if (!draft.grants.value.every(grantIsComplete)) return null;
  return {
    kind: draft.kind.value,
    grants: draft.grants.value.map(grantBody),
    limits: limitsBody(draft.limits),
    ...(draft.ttl.value === "keep" && draft.endsAt !== null ? { expires_at: draft.endsAt } : expiryMember(draft)),
    ...(draft.acknowledged.value.length === 0 ? {} : { acknowledge_findings: draft.acknowledged.value }),
    ...(draft.trust.value === "default" ? {} : { trust: trustMember(draft) }),
  };
}

export function createBody(draft: CredentialDraft): Record<string, unknown> {
  const { trust, recipient_id: recipientId, environment, acknowledge_findings: ids, ...rest } = allMembers(draft);
  return {
    ...rest,
    ...(draft.acknowledged.value.length === 0 ? {} : { acknowledge_findings: ids }),
    kind: draft.kind.value,
    ...(recipientId === null ? {} : { recipient_id: recipientId }),
    ...(environment === null ? {} : { environment }),
    ...expiryMember(draft),
    ...(trust === null ? {} : { trust }),
  };
}

/**
 * Only what differs from `from`, so that what the form does not know, and what others change meanwhile, stays. Grants are
 * one member: when one of them differs all are sent, the others as they were read.
 */
export function changeBody(draft: CredentialDraft, from: Credential): Record<string, unknown> {
  const before = allMembers(credentialDraft(from));
  const changed = Object.entries(allMembers(draft)).filter(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(before[name]),
  );
  const expiry = draft.ttl.value === "never" ? { expires_at: null } : expiryMember(draft);
  return { ...Object.fromEntries(changed), ...expiry };
}

function allMembers(draft: CredentialDraft): Record<string, unknown> {
  return {
    name: draft.name.value.trim(),
    recipient_id: draft.recipientId.value === "" ? null : draft.recipientId.value,
    environment: draft.environment.value.trim() === "" ? null : draft.environment.value.trim(),
    labels: labelsBody(draft.labels),
    grants: draft.grants.value.map(grantBody),
    limits: limitsBody(draft.limits),
    trust: trustMember(draft),
    acknowledge_findings: draft.acknowledged.value,
  };
}

function trustMember(draft: CredentialDraft): Record<string, unknown> | null {
  if (draft.trust.value === "default") return null;
  const addresses = lines(draft.addresses.value);
  return {
    mode: draft.trust.value,
    ...(addresses.length === 0 ? {} : { addresses }),
    ...(draft.allowWorkers.length === 0 ? {} : { allow_workers: draft.allowWorkers }),
  };
}

function expiryMember(draft: CredentialDraft): Record<string, unknown> {
  if (draft.ttl.value === "at" && draft.expiresAt.value !== "") {
    return { expires_at: new Date(draft.expiresAt.value).toISOString() };
  }
  return Number(draft.ttl.value) > 0 ? { ttl_seconds: Number(draft.ttl.value) } : {};
}
