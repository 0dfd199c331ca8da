/**
 * The control database: what is configured, by whom, and who may do what.
 *
 * Always holds: every row carries `organisation_id` and every query names it; nothing is deleted by cascade; no column
 * holds a master key or a token in clear (tokens are keyed hashes, master keys are sealed, see `src/cloudflare/envelope.ts`).
 * Times are epoch milliseconds. JSON columns hold the domain's own (camelCase) forms, never the wire's.
 */
// oxlint-disable max-lines -- drizzle-kit reads the schema from one file, and it is a table of data
import { sql } from "drizzle-orm";
import { index, integer, primaryKey, real, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import type { SecretLocation } from "../domain/documents.ts";
import type { Limits, NamedCustomerLimits, Trust } from "../domain/limits.ts";
import type { AuthScheme } from "../domain/auth-scheme.ts";
import type { ConnectionSettings, GrantSettings, PolicySettings } from "../domain/settings.ts";

const organisationId = () => text("organisation_id").notNull();
const createdAtMs = () => integer("created_at_ms").notNull();
const updatedAtMs = () => integer("updated_at_ms").notNull();
const labels = () => text("labels_json", { mode: "json" }).$type<Record<string, string>>().notNull();

/** A tenant. `plan` names a row of the plans in `src/domain/plan.ts`. */
export const organisations = sqliteTable("organisations", {
  id: text("id").primaryKey(),
  name: text("name").notNull(),
  plan: text("plan").notNull(),
  status: text("status", { enum: ["active", "suspended"] }).notNull(),
  createdAtMs: createdAtMs(),
});

/** A third-party API. Its id may be chosen by the client, so it is unique within its organisation only. */
export const connections = sqliteTable(
  "connections",
  {
    organisationId: organisationId(),
    id: text("id").notNull(),
    name: text("name").notNull(),
    vendor: text("vendor"),
    environment: text("environment"),
    status: text("status", { enum: ["active", "paused"] }).notNull(),
    baseUrl: text("base_url").notNull(),
    auth: text("auth_json", { mode: "json" }).$type<AuthScheme>().notNull(),
    settings: text("settings_json", { mode: "json" }).$type<ConnectionSettings>().notNull(),
    createdBy: text("created_by").notNull(),
    createdAtMs: createdAtMs(),
    updatedAtMs: updatedAtMs(),
  },
  (t) => [
    primaryKey({ columns: [t.organisationId, t.id] }),
    index("connections_by_age").on(t.organisationId, t.createdAtMs, t.id),
  ],
);

/** A master key of a connection. `version` rises with each replacement and is bound into the envelope. */
export const upstreamCredentials = sqliteTable(
  "upstream_credentials",
  {
    id: text("id").primaryKey(),
    organisationId: organisationId(),
    connectionId: text("connection_id").notNull(),
    name: text("name"),
    version: integer("version").notNull(),
    state: text("state", { enum: ["active", "canary", "disabled"] }).notNull(),
    canaryShare: real("canary_share").notNull(),
    /** The credential that a canary is to replace. */
    replacesId: text("replaces_id"),
    environment: text("environment"),
    priority: integer("priority").notNull(),
    weight: integer("weight").notNull(),
    last4: text("last4").notNull(),
    location: text("location_json", { mode: "json" }).$type<SecretLocation>().notNull(),
    createdBy: text("created_by").notNull(),
    createdAtMs: createdAtMs(),
    updatedAtMs: updatedAtMs(),
    rotatedAtMs: integer("rotated_at_ms"),
  },
  (t) => [index("upstream_credentials_by_connection").on(t.organisationId, t.connectionId, t.createdAtMs, t.id)],
);

/** Who holds credentials. */
export const recipients = sqliteTable(
  "recipients",
  {
    id: text("id").primaryKey(),
    organisationId: organisationId(),
    name: text("name").notNull(),
    email: text("email"),
    kind: text("kind", { enum: ["person", "agent", "service", "team", "customer"] }).notNull(),
    environment: text("environment"),
    labels: labels(),
    limits: text("limits_json", { mode: "json" }).$type<Limits>().notNull(),
    status: text("status", { enum: ["active", "revoked"] }).notNull(),
    createdBy: text("created_by").notNull(),
    createdAtMs: createdAtMs(),
    updatedAtMs: updatedAtMs(),
    revokedAtMs: integer("revoked_at_ms"),
  },
  (t) => [index("recipients_by_age").on(t.organisationId, t.createdAtMs, t.id)],
);

/** A reusable policy; `settings` is the current version, history stands in `policy_versions`. */
export const policies = sqliteTable(
  "policies",
  {
    id: text("id").primaryKey(),
    organisationId: organisationId(),
    name: text("name").notNull(),
    version: integer("version").notNull(),
    settings: text("settings_json", { mode: "json" }).$type<PolicySettings>().notNull(),
    createdBy: text("created_by").notNull(),
    createdAtMs: createdAtMs(),
    updatedAtMs: updatedAtMs(),
  },
  (t) => [index("policies_by_age").on(t.organisationId, t.createdAtMs, t.id)],
);

export const policyVersions = sqliteTable(
  "policy_versions",
  {
    organisationId: organisationId(),
    policyId: text("policy_id").notNull(),
    version: integer("version").notNull(),
    name: text("name").notNull(),
    settings: text("settings_json", { mode: "json" }).$type<PolicySettings>().notNull(),
    createdBy: text("created_by").notNull(),
    createdAtMs: createdAtMs(),
  },
  (t) => [primaryKey({ columns: [t.organisationId, t.policyId, t.version] })],
);

/**
 * What RelayKey issues. `doc_version` rises whenever anything the compiled document depends on changes; `gate_pending`
 * is 1 from then on until the credential's gate has been told. A rotation gives a new
 * token; the one before stays good until `previous_expires_at_ms`.
 */
export const credentials = sqliteTable(
  "credentials",
  {
    id: text("id").primaryKey(),
    organisationId: organisationId(),
    name: text("name").notNull(),
    kind: text("kind", { enum: ["delegated", "virtual"] }).notNull(),
    lookupId: text("lookup_id").notNull(),
    tokenHash: text("token_hash").notNull(),
    pepperId: text("pepper_id").notNull(),
    tokenLast4: text("token_last4").notNull(),
    previousLookupId: text("previous_lookup_id"),
    previousTokenHash: text("previous_token_hash"),
    previousPepperId: text("previous_pepper_id"),
    previousExpiresAtMs: integer("previous_expires_at_ms"),
    status: text("status", { enum: ["active", "revoked"] }).notNull(),
    expiresAtMs: integer("expires_at_ms"),
    recipientId: text("recipient_id"),
    environment: text("environment"),
    labels: labels(),
    limits: text("limits_json", { mode: "json" }).$type<Limits>().notNull(),
    /** Null: what the grants' policies say, else the kind's default. */
    trust: text("trust_json", { mode: "json" }).$type<Trust>(),
    /** Findings of the safety review that an admin acknowledged, by id. */
    acknowledged: text("acknowledged_json", { mode: "json" }).$type<readonly string[]>().notNull(),
    docVersion: integer("doc_version").notNull(),
    gatePending: integer("gate_pending").notNull(),
    createdBy: text("created_by").notNull(),
    createdAtMs: createdAtMs(),
    updatedAtMs: updatedAtMs(),
    rotatedAtMs: integer("rotated_at_ms"),
    revokedAtMs: integer("revoked_at_ms"),
  },
  (t) => [
    uniqueIndex("credentials_by_lookup").on(t.lookupId),
    uniqueIndex("credentials_by_previous_lookup").on(t.previousLookupId),
    index("credentials_by_age").on(t.organisationId, t.createdAtMs, t.id),
    index("credentials_by_recipient").on(t.organisationId, t.recipientId),
    index("credentials_by_creator").on(t.organisationId, t.createdBy, t.createdAtMs, t.id),
    index("credentials_pending").on(t.gatePending, t.updatedAtMs),
  ],
);

/** Credential × connection × policy. `settings` are the grant's own members; they refine the policy's. */
export const grants = sqliteTable(
  "grants",
  {
    id: text("id").primaryKey(),
    organisationId: organisationId(),
    credentialId: text("credential_id").notNull(),
    connectionId: text("connection_id").notNull(),
    policyId: text("policy_id"),
    environment: text("environment"),
    settings: text("settings_json", { mode: "json" }).$type<GrantSettings>().notNull(),
    createdAtMs: createdAtMs(),
  },
  (t) => [
    uniqueIndex("grants_by_credential").on(t.organisationId, t.credentialId, t.connectionId),
    index("grants_by_connection").on(t.organisationId, t.connectionId),
    index("grants_by_policy").on(t.organisationId, t.policyId),
    index("grants_by_age").on(t.organisationId, t.createdAtMs, t.id),
  ],
);

/** An end customer behind shared credentials; `reference` is what `X-RelayKey-Customer` names. */
export const customers = sqliteTable(
  "customers",
  {
    id: text("id").primaryKey(),
    organisationId: organisationId(),
    reference: text("reference").notNull(),
    name: text("name").notNull(),
    labels: labels(),
    /** Over all its calls; null: it has none of its own. */
    limits: text("limits_json", { mode: "json" }).$type<NamedCustomerLimits["limits"]>(),
    createdBy: text("created_by").notNull(),
    createdAtMs: createdAtMs(),
    updatedAtMs: updatedAtMs(),
  },
  (t) => [
    uniqueIndex("customers_by_reference").on(t.organisationId, t.reference),
    index("customers_by_age").on(t.organisationId, t.createdAtMs, t.id),
    index("customers_limited")
      .on(t.organisationId, t.reference)
      .where(sql`limits_json IS NOT NULL`),
  ],
);

/** Authority over the admin API. `constraints` only for provisioners. */
export const managementKeys = sqliteTable(
  "management_keys",
  {
    id: text("id").primaryKey(),
    organisationId: organisationId(),
    name: text("name").notNull(),
    role: text("role", { enum: ["owner", "admin", "provisioner", "auditor"] }).notNull(),
    lookupId: text("lookup_id").notNull(),
    tokenHash: text("token_hash").notNull(),
    pepperId: text("pepper_id").notNull(),
    tokenLast4: text("token_last4").notNull(),
    previousLookupId: text("previous_lookup_id"),
    previousTokenHash: text("previous_token_hash"),
    previousPepperId: text("previous_pepper_id"),
    previousExpiresAtMs: integer("previous_expires_at_ms"),
    constraints: text("constraints_json", { mode: "json" }).$type<Record<string, unknown>>(),
    status: text("status", { enum: ["active", "revoked"] }).notNull(),
    expiresAtMs: integer("expires_at_ms"),
    lastUsedAtMs: integer("last_used_at_ms"),
    createdBy: text("created_by").notNull(),
    createdAtMs: createdAtMs(),
    updatedAtMs: updatedAtMs(),
    revokedAtMs: integer("revoked_at_ms"),
  },
  (t) => [
    uniqueIndex("management_keys_by_lookup").on(t.lookupId),
    uniqueIndex("management_keys_by_previous_lookup").on(t.previousLookupId),
    index("management_keys_by_age").on(t.organisationId, t.createdAtMs, t.id),
  ],
);

/** A person who logs in to the dashboard. */
export const members = sqliteTable(
  "members",
  {
    id: text("id").primaryKey(),
    organisationId: organisationId(),
    email: text("email").notNull(),
    name: text("name").notNull(),
    role: text("role", { enum: ["owner", "admin", "auditor"] }).notNull(),
    status: text("status", { enum: ["invited", "active", "removed"] }).notNull(),
    createdBy: text("created_by").notNull(),
    createdAtMs: createdAtMs(),
    updatedAtMs: updatedAtMs(),
    lastLoginAtMs: integer("last_login_at_ms"),
  },
  (t) => [
    uniqueIndex("members_by_email").on(t.organisationId, t.email),
    index("members_by_age").on(t.organisationId, t.createdAtMs, t.id),
    index("members_by_email_alone").on(t.email),
  ],
);

/** A dashboard session. `id` is the hash of the cookie's value. */
export const sessions = sqliteTable(
  "sessions",
  {
    id: text("id").primaryKey(),
    organisationId: organisationId(),
    memberId: text("member_id").notNull(),
    createdAtMs: createdAtMs(),
    lastSeenAtMs: integer("last_seen_at_ms").notNull(),
    expiresAtMs: integer("expires_at_ms").notNull(),
    revokedAtMs: integer("revoked_at_ms"),
    userAgent: text("user_agent").notNull(),
  },
  (t) => [index("sessions_by_member").on(t.organisationId, t.memberId), index("sessions_by_expiry").on(t.expiresAtMs)],
);

/** A mailed one-time login link. `id` is the hash of the link's secret. */
export const loginLinks = sqliteTable(
  "login_links",
  {
    id: text("id").primaryKey(),
    organisationId: organisationId(),
    email: text("email").notNull(),
    memberId: text("member_id"),
    createdAtMs: createdAtMs(),
    expiresAtMs: integer("expires_at_ms").notNull(),
    usedAtMs: integer("used_at_ms"),
  },
  (t) => [index("login_links_by_email").on(t.email, t.createdAtMs), index("login_links_by_expiry").on(t.expiresAtMs)],
);

/** One POST per key. `response` is sealed under a key that only the caller can derive again. */
export const idempotencyKeys = sqliteTable(
  "idempotency_keys",
  {
    organisationId: organisationId(),
    /** SHA-256 of caller, operation and Idempotency-Key. */
    keyHash: text("key_hash").notNull(),
    requestHash: text("request_hash").notNull(),
    /** Null while the first request is running. */
    status: integer("status"),
    response: text("response"),
    createdAtMs: createdAtMs(),
    expiresAtMs: integer("expires_at_ms").notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.organisationId, t.keyHash] }),
    index("idempotency_keys_by_expiry").on(t.expiresAtMs),
  ],
);

/** A one-time page for a recipient. `payload` is encrypted under a key that stands only in the URL's fragment. */
export const shareLinks = sqliteTable(
  "share_links",
  {
    id: text("id").primaryKey(),
    organisationId: organisationId(),
    credentialId: text("credential_id").notNull(),
    /** Hash of the public part of the link. */
    lookupHash: text("lookup_hash").notNull(),
    /** Set to null when the link is opened or withdrawn. */
    payload: text("payload"),
    createdBy: text("created_by").notNull(),
    createdAtMs: createdAtMs(),
    expiresAtMs: integer("expires_at_ms").notNull(),
    openedAtMs: integer("opened_at_ms"),
    openedAddress: text("opened_address"),
    withdrawnAtMs: integer("withdrawn_at_ms"),
  },
  (t) => [
    uniqueIndex("share_links_by_lookup").on(t.lookupHash),
    index("share_links_by_credential").on(t.organisationId, t.credentialId),
    index("share_links_by_age").on(t.organisationId, t.createdAtMs, t.id),
  ],
);

/** Where events are sent. The signing secret is sealed like a master key. */
export const webhooks = sqliteTable(
  "webhooks",
  {
    id: text("id").primaryKey(),
    organisationId: organisationId(),
    name: text("name").notNull(),
    url: text("url").notNull(),
    events: text("events_json", { mode: "json" }).$type<readonly string[]>().notNull(),
    secretVersion: integer("secret_version").notNull(),
    secret: text("secret_json", { mode: "json" }).$type<SecretLocation>().notNull(),
    status: text("status", { enum: ["active", "paused"] }).notNull(),
    createdBy: text("created_by").notNull(),
    createdAtMs: createdAtMs(),
    updatedAtMs: updatedAtMs(),
  },
  (t) => [index("webhooks_by_age").on(t.organisationId, t.createdAtMs, t.id)],
);

export const webhookDeliveries = sqliteTable(
  "webhook_deliveries",
  {
    id: text("id").primaryKey(),
    organisationId: organisationId(),
    webhookId: text("webhook_id").notNull(),
    event: text("event").notNull(),
    payload: text("payload_json").notNull(),
    state: text("state", { enum: ["pending", "delivered", "failed"] }).notNull(),
    attempts: integer("attempts").notNull(),
    lastStatus: integer("last_status"),
    nextAttemptAtMs: integer("next_attempt_at_ms"),
    createdAtMs: createdAtMs(),
    updatedAtMs: updatedAtMs(),
  },
  (t) => [
    index("webhook_deliveries_by_webhook").on(t.organisationId, t.webhookId, t.createdAtMs, t.id),
    index("webhook_deliveries_due").on(t.state, t.nextAttemptAtMs),
  ],
);

/** Which OIDC tokens may be exchanged for a short-lived credential, and within which constraints. */
export const exchangeTrusts = sqliteTable(
  "exchange_trusts",
  {
    id: text("id").primaryKey(),
    organisationId: organisationId(),
    name: text("name").notNull(),
    issuer: text("issuer").notNull(),
    audience: text("audience").notNull(),
    jwksUrl: text("jwks_url"),
    /** Claims that must be equal, each to one of the listed values. */
    claims: text("claims_json", { mode: "json" }).$type<Record<string, readonly string[]>>().notNull(),
    constraints: text("constraints_json", { mode: "json" }).$type<Record<string, unknown>>().notNull(),
    status: text("status", { enum: ["active", "paused"] }).notNull(),
    createdBy: text("created_by").notNull(),
    createdAtMs: createdAtMs(),
    updatedAtMs: updatedAtMs(),
  },
  (t) => [
    index("exchange_trusts_by_issuer").on(t.issuer),
    index("exchange_trusts_by_age").on(t.organisationId, t.createdAtMs, t.id),
  ],
);

/** Single use of an assertion: `id` is the hash of issuer and `jti`. */
export const usedAssertions = sqliteTable(
  "used_assertions",
  {
    organisationId: organisationId(),
    id: text("id").notNull(),
    expiresAtMs: integer("expires_at_ms").notNull(),
  },
  (t) => [primaryKey({ columns: [t.organisationId, t.id] }), index("used_assertions_by_expiry").on(t.expiresAtMs)],
);

/** Every change of the control plane. Append-only: triggers refuse UPDATE and DELETE. */
export const controlEvents = sqliteTable(
  "control_events",
  {
    id: text("id").primaryKey(),
    organisationId: organisationId(),
    atMs: integer("at_ms").notNull(),
    actorId: text("actor_id").notNull(),
    actorKind: text("actor_kind", { enum: ["management_key", "member", "exchange", "system"] }).notNull(),
    actorName: text("actor_name").notNull(),
    role: text("role").notNull(),
    /** The operation's id, e.g. `createConnection`. */
    action: text("action").notNull(),
    targetType: text("target_type").notNull(),
    targetId: text("target_id").notNull(),
    /** The wire forms before and after; null where there is none. Secrets never stand in them. */
    before: text("before_json", { mode: "json" }).$type<Record<string, unknown>>(),
    after: text("after_json", { mode: "json" }).$type<Record<string, unknown>>(),
    requestId: text("request_id").notNull(),
    address: text("address"),
  },
  (t) => [
    index("control_events_by_age").on(t.organisationId, t.atMs, t.id),
    index("control_events_by_target").on(t.organisationId, t.targetId, t.atMs),
  ],
);
