/**
 * Reads one credential's compiled document from the control database.
 *
 * One D1 batch, so that the parts belong together (a batch is one transaction). Imported by the proxy Worker: no zod,
 * no drizzle, only prepared SQL. Never opens a secret: sealed locations pass through as they are stored.
 */
import type { AuthScheme } from "../domain/auth-scheme.ts";
import type {
  ConnectionDocument,
  CredentialDocument,
  GrantDocument,
  SecretLocation,
  UpstreamCredentialDocument,
} from "../domain/documents.ts";
import { NO_LIMITS } from "../domain/limits.ts";
import type { Limits, NamedCustomerLimits, Trust } from "../domain/limits.ts";
import { DEFAULT_CUSTOMER_RULE, effectiveTrust, mergeLimits, mergeScope } from "../domain/settings.ts";
import type { ConnectionSettings, GrantSettings, PolicySettings } from "../domain/settings.ts";
import {
  CREDENTIAL_SQL,
  GRANTS_SQL,
  CONNECTIONS_SQL,
  UPSTREAM_SQL,
  CUSTOMERS_SQL,
  type CredentialRow,
  type GrantRow,
  type ConnectionRow,
  type UpstreamCredentialRow,
  type CustomerRow,
} from "./credential-rows.ts";

/**
 * The document of the credential whose token carries `lookupId`, or null when there is none.
 * A credential whose recipient was revoked reads as revoked. Throws when D1 fails.
 */
export async function loadCredentialDocument(db: D1Database, lookupId: string): Promise<CredentialDocument | null> {
  const statements = [CREDENTIAL_SQL, GRANTS_SQL, CONNECTIONS_SQL, UPSTREAM_SQL, CUSTOMERS_SQL].map((sql) =>
    db.prepare(sql).bind(lookupId),
  );
  const [credentials, grants, connections, upstream, customers] = await db.batch(statements);
  const row = rows<CredentialRow>(credentials)[0];
  if (row === undefined) return null;
  const named = namedCustomers(rows<CustomerRow>(customers));
  return {
    ...compile(row, rows<GrantRow>(grants), rows<ConnectionRow>(connections), rows<UpstreamCredentialRow>(upstream)),
    ...(named.length === 0 ? {} : { namedCustomers: named }),
  };
}

function namedCustomers(customerRows: readonly CustomerRow[]): readonly NamedCustomerLimits[] {
  return customerRows.map((each) => ({
    customer: each.reference,
    limits: JSON.parse(each.limits_json) as NamedCustomerLimits["limits"],
  }));
}

/** Whether an end customer of that reference is registered. */
export async function customerExists(db: D1Database, organisationId: string, reference: string): Promise<boolean> {
  const found = await db
    .prepare("SELECT 1 AS found FROM customers WHERE organisation_id = ?1 AND reference = ?2")
    .bind(organisationId, reference)
    .first();
  return found !== null;
}

function rows<T>(result: D1Result | undefined): T[] {
  return (result?.results ?? []) as T[];
}

function compile(
  row: CredentialRow,
  grantRows: readonly GrantRow[],
  connectionRows: readonly ConnectionRow[],
  upstreamRows: readonly UpstreamCredentialRow[],
): CredentialDocument {
  const connections = new Map(connectionRows.map((each) => [each.id, connectionDocument(each, upstreamRows)]));
  const policies = grantRows.map((each) => policyOf(each));
  const trust = row.trust_json === null ? null : (JSON.parse(row.trust_json) as Trust | null);
  const holderActive = row.recipient_id === null || row.recipient_status === "active";
  const organisationActive = row.organisation_status === "active";
  return {
    version: row.doc_version,
    organisationId: row.organisation_id,
    id: row.id,
    name: row.name,
    kind: row.kind,
    tokenHashes: tokenHashes(row),
    status: row.status !== "active" || !holderActive ? "revoked" : organisationActive ? "active" : "suspended",
    expiresAtMs: row.expires_at_ms,
    environment: row.environment ?? row.recipient_environment,
    labels: JSON.parse(row.labels_json) as Record<string, string>,
    recipient: recipientOf(row),
    limits: JSON.parse(row.limits_json) as Limits,
    trust: effectiveTrust(
      row.kind,
      trust,
      policies.map((policy) => policy?.trust),
    ),
    grants: grantRows.flatMap((each, i) => grantDocument(each, policies[i] ?? null, connections)),
  };
}

function tokenHashes(row: CredentialRow): CredentialDocument["tokenHashes"] {
  const current = { hash: row.token_hash, pepperId: row.pepper_id, expiresAtMs: null };
  if (row.previous_token_hash === null || row.previous_pepper_id === null) return [current];
  const previous = {
    hash: row.previous_token_hash,
    pepperId: row.previous_pepper_id,
    // An overlap without an end would never end: it counts as over.
    expiresAtMs: row.previous_expires_at_ms ?? 0,
  };
  return [current, previous];
}

function recipientOf(row: CredentialRow): CredentialDocument["recipient"] {
  if (row.recipient_id === null || row.recipient_name === null) return null;
  return {
    id: row.recipient_id,
    name: row.recipient_name,
    kind: row.recipient_kind ?? "person",
    email: row.recipient_email,
    limits: row.recipient_limits_json === null ? NO_LIMITS : (JSON.parse(row.recipient_limits_json) as Limits),
  };
}

function policyOf(row: GrantRow): PolicySettings | null {
  return row.policy_settings_json === null ? null : (JSON.parse(row.policy_settings_json) as PolicySettings);
}

/** Empty for a grant whose connection or policy is gone: it then grants nothing. */
function grantDocument(
  row: GrantRow,
  policy: PolicySettings | null,
  connections: ReadonlyMap<string, ConnectionDocument>,
): GrantDocument[] {
  const connection = connections.get(row.connection_id);
  if (connection === undefined || (row.policy_id !== null && policy === null)) return [];
  const own = JSON.parse(row.settings_json) as GrantSettings;
  return [
    {
      id: row.id,
      connection,
      policyId: row.policy_id,
      policyVersion: row.policy_version,
      environment: row.environment,
      scope: mergeScope(policy?.scope ?? {}, own.scope),
      limits: mergeLimits(policy?.limits, own.limits),
      customers: own.customers ?? policy?.customers ?? DEFAULT_CUSTOMER_RULE,
      payment: own.payment ?? policy?.payment ?? null,
    },
  ];
}

function connectionDocument(row: ConnectionRow, upstream: readonly UpstreamCredentialRow[]): ConnectionDocument {
  return {
    ...(JSON.parse(row.settings_json) as ConnectionSettings),
    id: row.id,
    name: row.name,
    vendor: row.vendor,
    environment: row.environment,
    status: row.status,
    baseUrl: row.base_url,
    auth: JSON.parse(row.auth_json) as AuthScheme,
    upstreamCredentials: uniqueById(upstream.filter((each) => each.connection_id === row.id)).map(upstreamDocument),
  };
}

function upstreamDocument(row: UpstreamCredentialRow): UpstreamCredentialDocument {
  return {
    id: row.id,
    version: row.version,
    environment: row.environment,
    priority: row.priority,
    weight: row.weight,
    state: row.state,
    canaryShare: row.canary_share,
    location: JSON.parse(row.location_json) as SecretLocation,
  };
}

function uniqueById<T extends { readonly id: string }>(list: readonly T[]): T[] {
  return [...new Map(list.map((each) => [each.id, each])).values()];
}
