/**
 * What is read of the control database for one credential's document: the statements, each by the token's lookup id, and the
 * shapes of their rows. Imported by the proxy Worker, so it is prepared SQL without drizzle.
 */
export interface CredentialRow {
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

export interface GrantRow {
  id: string;
  connection_id: string;
  policy_id: string | null;
  environment: string | null;
  settings_json: string;
  policy_version: number | null;
  policy_settings_json: string | null;
}

export interface ConnectionRow {
  id: string;
  name: string;
  vendor: string | null;
  environment: string | null;
  status: "active" | "paused";
  base_url: string;
  auth_json: string;
  settings_json: string;
}

export interface UpstreamCredentialRow {
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

export interface CustomerRow {
  reference: string;
  limits_json: string;
}

/** A token is found by its lookup id; while a rotation overlaps, the one before is found too. */
const HOLDS_LOOKUP_ID = `c.id = (SELECT id FROM credentials WHERE lookup_id = ?1
  UNION ALL SELECT id FROM credentials WHERE previous_lookup_id = ?1 LIMIT 1)`;

export const CREDENTIAL_SQL = `SELECT c.id, c.organisation_id, c.name, c.kind, c.token_hash, c.pepper_id,
  c.previous_token_hash, c.previous_pepper_id, c.previous_expires_at_ms, c.status, c.expires_at_ms, c.environment,
  c.labels_json, c.limits_json, c.trust_json, c.doc_version, o.status AS organisation_status, c.recipient_id,
  r.name AS recipient_name, r.kind AS recipient_kind, r.email AS recipient_email, r.status AS recipient_status,
  r.limits_json AS recipient_limits_json, r.environment AS recipient_environment
FROM credentials c JOIN organisations o ON o.id = c.organisation_id
LEFT JOIN recipients r ON r.id = c.recipient_id AND r.organisation_id = c.organisation_id
WHERE ${HOLDS_LOOKUP_ID}`;

export const GRANTS_SQL = `SELECT g.id, g.connection_id, g.policy_id, g.environment, g.settings_json,
  p.version AS policy_version, p.settings_json AS policy_settings_json
FROM credentials c
JOIN grants g ON g.organisation_id = c.organisation_id AND g.credential_id = c.id
LEFT JOIN policies p ON p.organisation_id = c.organisation_id AND p.id = g.policy_id
WHERE ${HOLDS_LOOKUP_ID} ORDER BY g.created_at_ms, g.id`;

export const CONNECTIONS_SQL = `SELECT n.id, n.name, n.vendor, n.environment, n.status, n.base_url, n.auth_json, n.settings_json
FROM credentials c
JOIN grants g ON g.organisation_id = c.organisation_id AND g.credential_id = c.id
JOIN connections n ON n.organisation_id = c.organisation_id AND n.id = g.connection_id
WHERE ${HOLDS_LOOKUP_ID}`;

export const UPSTREAM_SQL = `SELECT u.id, u.connection_id, u.version, u.state, u.canary_share, u.environment, u.priority,
  u.weight, u.location_json
FROM credentials c
JOIN grants g ON g.organisation_id = c.organisation_id AND g.credential_id = c.id
JOIN upstream_credentials u ON u.organisation_id = c.organisation_id AND u.connection_id = g.connection_id
WHERE ${HOLDS_LOOKUP_ID} AND u.state IN ('active', 'canary') ORDER BY u.priority, u.created_at_ms, u.id`;

/** Few: only customers with limits of their own, and their number is bounded where they are written. */
export const CUSTOMERS_SQL = `SELECT n.reference, n.limits_json
FROM credentials c JOIN customers n ON n.organisation_id = c.organisation_id
WHERE ${HOLDS_LOOKUP_ID} AND n.limits_json IS NOT NULL ORDER BY n.reference`;
