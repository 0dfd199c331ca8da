/** A credential while it is being written, and the request that comes of it. */
import { signal } from "@preact/signals";
import type { Signal } from "@preact/signals";
import type { Credential } from "../../../../src/contract/credential.ts";
import { grantBody, grantDraft, grantIsComplete } from "./grant-editor.tsx";
import type { GrantDraft } from "./grant-editor.tsx";
import { limitsBody, limitsDraft } from "./limits-form.tsx";
import type { LimitsDraft } from "./limits-form.tsx";
import { lines } from "./scope-draft.ts";

export interface CredentialDraft {
  readonly name: Signal<string>;
  readonly kind: Signal<string>;
  readonly recipientId: Signal<string>;
  readonly environment: Signal<string>;
  /** Seconds; `never`; `keep` for one that exists; `at` for the time in `expiresAt`. */
  readonly ttl: Signal<string>;
  readonly expiresAt: Signal<string>;
  readonly trust: Signal<string>;
  readonly addresses: Signal<string>;
  readonly grants: Signal<readonly GrantDraft[]>;
  readonly limits: LimitsDraft;
  readonly allowWorkers: readonly string[];
}

const DAY_SECONDS = 86_400;

export function credentialDraft(from: Credential | null, connectionId = "", recipientId = ""): CredentialDraft {
  return {
    name: signal(from?.name ?? ""),
    kind: signal(from?.kind ?? "delegated"),
    recipientId: signal(from?.recipient_id ?? recipientId),
    environment: signal(from?.environment ?? ""),
    ttl: signal(from === null ? String(7 * DAY_SECONDS) : "keep"),
    expiresAt: signal(""),
    trust: signal(from?.trust.mode ?? "default"),
    addresses: signal((from?.trust.addresses ?? []).join("\n")),
    grants: signal(from === null ? [grantDraft(connectionId)] : from.grants.map((grant) => grantDraft("", grant))),
    limits: limitsDraft(from?.limits),
    allowWorkers: from?.trust.allow_workers ?? [],
  };
}

function trustBody(draft: CredentialDraft): Record<string, unknown> {
  if (draft.trust.value === "default") return {};
  const addresses = lines(draft.addresses.value);
  return {
    trust: {
      mode: draft.trust.value,
      ...(addresses.length === 0 ? {} : { addresses }),
      ...(draft.allowWorkers.length === 0 ? {} : { allow_workers: draft.allowWorkers }),
    },
  };
}

/** What a review looks at; null while something is missing. */
export function reviewBody(draft: CredentialDraft): Record<string, unknown> | null {
  if (!draft.grants.value.every(grantIsComplete)) return null;
  return {
    kind: draft.kind.value,
    grants: draft.grants.value.map(grantBody),
    limits: limitsBody(draft.limits),
    ...(Number(draft.ttl.value) > 0 ? { ttl_seconds: Number(draft.ttl.value) } : {}),
    ...trustBody(draft),
  };
}

export function createBody(draft: CredentialDraft): Record<string, unknown> {
  return {
    name: draft.name.value.trim(),
    kind: draft.kind.value,
    grants: draft.grants.value.map(grantBody),
    limits: limitsBody(draft.limits),
    ...(draft.recipientId.value === "" ? {} : { recipient_id: draft.recipientId.value }),
    ...(draft.environment.value.trim() === "" ? {} : { environment: draft.environment.value.trim() }),
    ...expiryBody(draft),
    ...trustBody(draft),
  };
}

export function changeBody(draft: CredentialDraft): Record<string, unknown> {
  return {
    name: draft.name.value.trim(),
    grants: draft.grants.value.map(grantBody),
    limits: limitsBody(draft.limits),
    recipient_id: draft.recipientId.value === "" ? null : draft.recipientId.value,
    environment: draft.environment.value.trim() === "" ? null : draft.environment.value.trim(),
    ...(draft.ttl.value === "never" ? { expires_at: null } : expiryBody(draft)),
    ...trustBody(draft),
  };
}

function expiryBody(draft: CredentialDraft): Record<string, unknown> {
  if (draft.ttl.value === "at" && draft.expiresAt.value !== "") {
    return { expires_at: new Date(draft.expiresAt.value).toISOString() };
  }
  return Number(draft.ttl.value) > 0 ? { ttl_seconds: Number(draft.ttl.value) } : {};
}
