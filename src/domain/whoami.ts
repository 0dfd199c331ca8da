/** The caller's own credential as the wire shows it: what it reaches, what remains, when that resets. Pure; no secret. */
import type { LimitStatus } from "./admission.ts";
import type { CredentialDocument } from "./documents.ts";
import type { Scope } from "./scope.ts";

interface Seen {
  readonly limits: readonly (LimitStatus & { readonly grantId: string | null })[];
  readonly trustedAddresses: readonly {
    readonly address: string;
    readonly trustedAtMs: number;
    readonly how: string;
  }[];
}

export function whoamiDocument(document: CredentialDocument, seen: Seen, nowMs: number): Record<string, unknown> {
  return {
    id: document.id,
    name: document.name,
    kind: document.kind,
    status: "active",
    environment: document.environment,
    labels: document.labels,
    recipient: document.recipient === null ? null : { id: document.recipient.id, name: document.recipient.name },
    expires_at: timeOf(document.expiresAtMs),
    expires_in_seconds:
      document.expiresAtMs === null ? null : Math.max(0, Math.floor((document.expiresAtMs - nowMs) / 1000)),
    trust: { mode: document.trust.mode, addresses: document.trust.addresses },
    trusted_addresses: [
      ...document.trust.addresses.map((address) => ({ address, trusted_at: null, how: "policy" })),
      ...seen.trustedAddresses.map((each) => ({
        address: each.address,
        trusted_at: timeOf(each.trustedAtMs),
        how: each.how,
      })),
    ],
    limits: seen.limits.filter((limit) => limit.grantId === null).map((limit) => limitDocument(limit, nowMs)),
    grants: document.grants.map((grant) => ({
      id: grant.id,
      connection_id: grant.connection.id,
      connection_name: grant.connection.name,
      connection_status: grant.connection.status,
      vendor: grant.connection.vendor,
      environment: grant.environment ?? grant.connection.environment,
      path: `/${grant.connection.id}`,
      ...scopeDocument(grant.scope),
      limits: seen.limits.filter((limit) => limit.grantId === grant.id).map((limit) => limitDocument(limit, nowMs)),
    })),
  };
}

/** The scope with the member names under which it was asked for; the short form beside `rules` where there is one rule. */
function scopeDocument(scope: Scope): Record<string, unknown> {
  const [only, ...more] = scope.rules;
  return {
    rules: scope.rules,
    ...(only === undefined || more.length > 0 ? {} : { allowed_methods: only.methods, allowed_paths: only.paths }),
    deny_query_params: scope.denyQueryParams,
    allow_query_params: scope.allowQueryParams,
    body_rules: scope.body.map(({ member, effect, values }) => ({ member, effect, values })),
    max_body_bytes: scope.maxBodyBytes,
    graphql: scope.graphql,
    json_rpc: scope.jsonRpc,
    models: scope.models,
    allow_headers: scope.allowHeaders,
    remove_response_members: scope.removeResponseMembers,
  };
}

function limitDocument(limit: LimitStatus, nowMs: number): Record<string, unknown> {
  return {
    name: limit.name,
    kind: limit.kind,
    unit: limit.unit,
    limit: limit.limit,
    remaining: limit.remaining,
    window_seconds: limit.windowSeconds,
    resets_at: timeOf(resetMs(limit, nowMs)),
    resets_in_seconds: limit.resetSeconds,
  };
}

/** The seconds are rounded up; windows of budgets end with a second. */
function resetMs(limit: LimitStatus, nowMs: number): number {
  const latestMs = nowMs + limit.resetSeconds * 1000;
  return limit.kind === "budget" ? Math.floor(latestMs / 1000) * 1000 : latestMs;
}

function timeOf(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
