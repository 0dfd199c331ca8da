/** Credentials and grants as answers show them: scopes as they hold, the policy's part included. Never a token. */
import type { Credential } from "../../src/contract/credential.ts";
import { wireTime } from "../../src/contract/fields.ts";
import { fromLimits, fromTrust } from "../../src/contract/limits.ts";
import { fromGrantSettings, fromStatedSettings } from "../../src/contract/policy.ts";
import type { Grant } from "../../src/contract/policy.ts";
import { effectiveTrust, mergeLimits, mergeScope } from "../../src/domain/settings.ts";
import type { GrantSettings } from "../../src/domain/settings.ts";
import type { CredentialRow, GrantWithPolicy } from "../../src/store/credentials.ts";

export function credentialView(row: CredentialRow, grants: readonly GrantWithPolicy[], nowMs: number): Credential {
  const own = grants.filter((each) => each.grant.credentialId === row.id);
  return {
    id: row.id,
    name: row.name,
    kind: row.kind,
    status: credentialStatus(row, nowMs),
    recipient_id: row.recipientId,
    environment: row.environment,
    labels: row.labels,
    grants: own.map(grantView),
    limits: fromLimits(row.limits),
    trust: fromTrust(
      effectiveTrust(
        row.kind,
        row.trust,
        own.map((each) => each.policy?.settings.trust),
      ),
    ),
    token_last4: row.tokenLast4,
    acknowledged_findings: [...row.acknowledged],
    expires_at: wireTime(row.expiresAtMs),
    previous_token_expires_at: wireTime(row.previousExpiresAtMs),
    created_by: row.createdBy,
    created_at: wireTime(row.createdAtMs),
    updated_at: wireTime(row.updatedAtMs),
    rotated_at: wireTime(row.rotatedAtMs),
    revoked_at: wireTime(row.revokedAtMs),
  };
}

export function credentialStatus(row: CredentialRow, nowMs: number): Credential["status"] {
  if (row.status === "revoked") return "revoked";
  return row.expiresAtMs !== null && row.expiresAtMs <= nowMs ? "expired" : "active";
}

export function grantView({ grant, policy }: GrantWithPolicy): Grant {
  return {
    id: grant.id,
    connection_id: grant.connectionId,
    policy_id: grant.policyId,
    policy_version: policy?.version ?? null,
    environment: grant.environment,
    ...fromGrantSettings(effectiveSettings({ grant, policy })),
    own: fromStatedSettings(grant.settings),
  };
}

/** What holds for a grant: its own members over the policy's. */
export function effectiveSettings({ grant, policy }: Pick<GrantWithPolicy, "grant" | "policy">): GrantSettings {
  const base = policy?.settings;
  const own = grant.settings;
  const customers = own.customers ?? base?.customers;
  const payment = own.payment ?? base?.payment;
  return {
    scope: mergeScope(base?.scope ?? {}, own.scope),
    limits: mergeLimits(base?.limits, own.limits),
    ...(customers === undefined ? {} : { customers }),
    ...(payment === undefined ? {} : { payment }),
  };
}
