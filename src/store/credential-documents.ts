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

interface CredentialRow {
  id: string;
  organisation_id: string;
  name: string;
  kind: "delegated" | "virtual";
  token_hash: string;
  pepper_id: string;
  previous_token_hash: string | null;
  previous_pepper_id: string | null;
  previous_expires_at_ms: number | null;
  status: "active" | "revoked";
  expires_at_ms: number | null;
  environment: string | null;
  labels_json: string;
  limits_json: string;
  trust_json: string | null;
  doc_version: number;
  organisation_status: string;
  recipient_id: string | null;
  recipient_name: string | null;
  recipient_kind: string | null;
  recipient_email: string | null;
  recipient_status: string | null;
  recipient_limits_json: string | null;
  recipient_environment: string | null;
}

interface GrantRow {
  id: string;
  connection_id: string;
  policy_id: string | null;
  environment: string | null;
  settings_json: string;
  policy_version: number | null;
  policy_settings_json: string | null;
}

interface ConnectionRow {
  id: string;
  name: string;
  vendor: string | null;
  environment: string | null;
  status: "active" | "paused";
  base_url: string;
  auth_json: string;
  settings_json: string;
}

interface UpstreamCredentialRow {
  id: string;
  connection_id: string;
  version: number;
  state: "active" | "canary";
  canary_share: number;
  environment: string | null;
  priority: number;
  weight: number;
  location_json: string;
}

interface CustomerRow {
  reference: string;
  limits_json: string;
}

/** A token is found by its lookup id; while a rotation overlaps, the one before is found too. */
const HOLDS_LOOKUP_ID = `c.id = (SELECT id FROM credentials WHERE lookup_id = ?1
  UNION ALL SELECT id FROM credentials WHERE previous_lookup_id = ?1 LIMIT 1)`;

const CREDENTIAL_SQL = `SELECT c.id, c.organisation_id, c.name, c.kind, c.token_hash, c.pepper_id,
  c.previous_token_hash, c.previous_pepper_id, c.previous_expires_at_ms, c.status, c.expires_at_ms, c.environment,
  c.labels_json, c.limits_json, c.trust_json, c.doc_version, o.status AS organisation_status, c.recipient_id,
  r.name AS recipient_name, r.kind AS recipient_kind, r.email AS recipient_email, r.status AS recipient_status,
  r.limits_json AS recipient_limits_json, r.environment AS recipient_environment
FROM credentials c JOIN organisations o ON o.id = c.organisation_id
LEFT JOIN recipients r ON r.id = c.recipient_id AND r.organisation_id = c.organisation_id
WHERE ${HOLDS_LOOKUP_ID}`;

const GRANTS_SQL = `SELECT g.id, g.connection_id, g.policy_id, g.environment, g.settings_json,
  p.version AS policy_version, p.settings_json AS policy_settings_json
FROM credentials c
JOIN grants g ON g.organisation_id = c.organisation_id AND g.credential_id = c.id
LEFT JOIN policies p ON p.organisation_id = c.organisation_id AND p.id = g.policy_id
WHERE ${HOLDS_LOOKUP_ID} ORDER BY g.created_at_ms, g.id`;

const CONNECTIONS_SQL = `SELECT n.id, n.name, n.vendor, n.environment, n.status, n.base_url, n.auth_json, n.settings_json
FROM credentials c
JOIN grants g ON g.organisation_id = c.organisation_id AND g.credential_id = c.id
JOIN connections n ON n.organisation_id = c.organisation_id AND n.id = g.connection_id
WHERE ${HOLDS_LOOKUP_ID}`;

const UPSTREAM_SQL = `SELECT u.id, u.connection_id, u.version, u.state, u.canary_share, u.environment, u.priority,
  u.weight, u.location_json
FROM credentials c
JOIN grants g ON g.organisation_id = c.organisation_id AND g.credential_id = c.id
JOIN upstream_credentials u ON u.organisation_id = c.organisation_id AND u.connection_id = g.connection_id
WHERE ${HOLDS_LOOKUP_ID} AND u.state IN ('active', 'canary') ORDER BY u.priority, u.created_at_ms, u.id`;

/** Few: only customers with limits of their own, and their number is bounded where they are written. */
const CUSTOMERS_SQL = `SELECT n.reference, n.limits_json
FROM credentials c JOIN customers n ON n.organisation_id = c.organisation_id
WHERE ${HOLDS_LOOKUP_ID} AND n.limits_json IS NOT NULL ORDER BY n.reference`;

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
