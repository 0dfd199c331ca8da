/**
 * The audit database: what happened. Filled by the audit Worker alone; read by the admin API.
 *
 * Always holds (by the triggers of `0001_audit_guards.sql`): an event is never changed; it is deleted only when an archive
 * segment covers its row number; inserting it again, with whatever content, changes nothing; the rollups count each event
 * once; so do the payments. Times are epoch milliseconds. Each index costs one billed row write per event, so those for rare values
 * are partial: a query must repeat the index's condition literally (`status >= 400`, `method NOT IN ('GET', 'POST')`, …) to use it.
 * Indexes begin with the organisation and end with the time; events of one moment follow each other by row number, which every
 * index ends with anyway.
 */
import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import { PAYMENT_PROVIDERS, PAYMENT_STATES } from "../domain/payment.ts";

/** One per request, refusals included. `n` is the order of arrival and never used twice. */
export const auditEvents = sqliteTable(
  "audit_events",
  {
    n: integer("n").primaryKey({ autoIncrement: true }),
    id: text("id").notNull(),
    organisationId: text("organisation_id").notNull(),
    /** Null: refused before authentication, folded; `count` says how many. */
    credentialId: text("credential_id"),
    seq: integer("seq").notNull(),
    admission: integer("admission").notNull(),
    atMs: integer("at_ms").notNull(),
    recipientId: text("recipient_id"),
    connectionId: text("connection_id"),
    grantId: text("grant_id"),
    customer: text("customer"),
    environment: text("environment"),
    method: text("method").notNull(),
    path: text("path").notNull(),
    operation: text("operation"),
    decision: text("decision", { enum: ["allowed", "denied"] }).notNull(),
    reason: text("reason").notNull(),
    status: integer("status"),
    upstreamStatus: integer("upstream_status"),
    attempts: integer("attempts").notNull(),
    latencyMs: integer("latency_ms"),
    upstreamMs: integer("upstream_ms"),
    bytesIn: integer("bytes_in"),
    bytesOut: integer("bytes_out"),
    costUsdMicros: integer("cost_usd_micros"),
    address: text("address"),
    userAgent: text("user_agent").notNull(),
    requestId: text("request_id").notNull(),
    upstreamCredentialId: text("upstream_credential_id"),
    count: integer("count").notNull(),
    /** Canonical JSON, as it was hashed. */
    notes: text("notes").notNull(),
    prevHash: text("prev_hash").notNull(),
    hash: text("hash").notNull(),
  },
  (t) => [
    index("audit_events_by_time").on(t.organisationId, t.atMs),
    uniqueIndex("audit_events_chain").on(t.credentialId, t.seq),
    index("audit_events_by_credential").on(t.organisationId, t.credentialId, t.atMs),
    index("audit_events_by_connection").on(t.organisationId, t.connectionId, t.atMs),
    index("audit_events_by_path").on(t.organisationId, t.path, t.atMs),
    index("audit_events_by_address").on(t.organisationId, t.address, t.atMs),
    index("audit_events_by_recipient")
      .on(t.organisationId, t.recipientId, t.atMs)
      .where(sql`recipient_id IS NOT NULL`),
    index("audit_events_by_customer")
      .on(t.organisationId, t.customer, t.atMs)
      .where(sql`customer IS NOT NULL`),
    index("audit_events_by_reason")
      .on(t.organisationId, t.reason, t.atMs)
      .where(sql`reason <> 'ok'`),
    index("audit_events_denied")
      .on(t.organisationId, t.atMs)
      .where(sql`decision = 'denied'`),
    index("audit_events_errors")
      .on(t.organisationId, t.atMs)
      .where(sql`status >= 400`),
    index("audit_events_failed")
      .on(t.organisationId, t.status, t.atMs)
      .where(sql`status >= 400`),
    index("audit_events_odd_method")
      .on(t.organisationId, t.method, t.atMs)
      .where(sql`method NOT IN ('GET', 'POST')`),
    index("audit_events_by_request").on(t.requestId),
    index("audit_events_by_id").on(t.id),
  ],
);

/** Sums per hour and everything that usage is asked by; empty text stands for null. Kept by a trigger. */
export const auditRollups = sqliteTable(
  "audit_rollups",
  {
    organisationId: text("organisation_id").notNull(),
    hourMs: integer("hour_ms").notNull(),
    credentialId: text("credential_id").notNull(),
    recipientId: text("recipient_id").notNull(),
    connectionId: text("connection_id").notNull(),
    environment: text("environment").notNull(),
    customer: text("customer").notNull(),
    requests: integer("requests").notNull(),
    /** Admitted; the vendor was called, or may have been. */
    forwarded: integer("forwarded").notNull(),
    refused: integer("refused").notNull(),
    /** Outcomes that nobody saw. */
    unknown: integer("unknown").notNull(),
    /** Attempts beyond the first. */
    retries: integer("retries").notNull(),
    /** Answers of 500 and above from the vendor, and calls that reached no vendor. */
    upstreamErrors: integer("upstream_errors").notNull(),
    costUsdMicros: integer("cost_usd_micros").notNull(),
    bytesIn: integer("bytes_in").notNull(),
    bytesOut: integer("bytes_out").notNull(),
    latencySumMs: integer("latency_sum_ms").notNull(),
    /** Histogram of admitted calls: how many took at most so many milliseconds (not cumulative). */
    latency50: integer("latency_50").notNull(),
    latency100: integer("latency_100").notNull(),
    latency250: integer("latency_250").notNull(),
    latency500: integer("latency_500").notNull(),
    latency1000: integer("latency_1000").notNull(),
    latency2500: integer("latency_2500").notNull(),
    latency5000: integer("latency_5000").notNull(),
    latency10000: integer("latency_10000").notNull(),
    latencyMore: integer("latency_more").notNull(),
    /** Calls that were paid for and answered, and what callers paid for them, by provider. */
    paymentCalls: integer("payment_calls").notNull().default(0),
    paidX402UsdMicros: integer("paid_x402_usd_micros").notNull().default(0),
    paidCreditsUsdMicros: integer("paid_credits_usd_micros").notNull().default(0),
    /** Token payments for calls that failed, given back as credits. */
    refundedUsdMicros: integer("refunded_usd_micros").notNull().default(0),
    /** Calls after which nobody knew whether the payment was taken. */
    paymentsUnknown: integer("payments_unknown").notNull().default(0),
  },
  (t) => [
    primaryKey({
      columns: [t.organisationId, t.hourMs, t.credentialId, t.recipientId, t.connectionId, t.environment, t.customer],
    }),
  ],
);

/** Refusals and failures per hour and reason. Kept by a trigger. */
export const auditReasons = sqliteTable(
  "audit_reasons",
  {
    organisationId: text("organisation_id").notNull(),
    hourMs: integer("hour_ms").notNull(),
    reason: text("reason").notNull(),
    credentialId: text("credential_id").notNull(),
    connectionId: text("connection_id").notNull(),
    count: integer("count").notNull(),
  },
  (t) => [primaryKey({ columns: [t.organisationId, t.hourMs, t.reason, t.credentialId, t.connectionId] })],
);

/**
 * One row per payment: what the events' notes say of it, the last call's word counting. Kept by a trigger, and not aged out
 * with the events: receipts are kept as the sums are. `at_ms` and `id` are those of the first event and never change.
 */
export const auditPayments = sqliteTable(
  "audit_payments",
  {
    id: text("id").primaryKey(),
    organisationId: text("organisation_id").notNull(),
    /** x402: network, asset, payer and nonce; credits: the request, which pays for itself alone. */
    reference: text("reference").notNull(),
    atMs: integer("at_ms").notNull(),
    updatedAtMs: integer("updated_at_ms").notNull(),
    provider: text("provider", { enum: PAYMENT_PROVIDERS }).notNull(),
    state: text("state", { enum: PAYMENT_STATES }).notNull(),
    usdMicros: integer("usd_micros").notNull(),
    /** What the payer has paid and was not given back; null: not known (yet). */
    chargedUsdMicros: integer("charged_usd_micros"),
    /** `recipient:rcpt_…` or `customer:name`. */
    account: text("account"),
    payer: text("payer"),
    amount: text("amount"),
    asset: text("asset"),
    network: text("network"),
    nonce: text("nonce"),
    transaction: text("transaction_hash"),
    eventId: text("event_id").notNull(),
    credentialId: text("credential_id"),
    recipientId: text("recipient_id"),
    connectionId: text("connection_id"),
    grantId: text("grant_id"),
    customer: text("customer"),
    environment: text("environment"),
    method: text("method").notNull(),
    path: text("path").notNull(),
    status: integer("status"),
    requestId: text("request_id").notNull(),
  },
  (t) => [
    uniqueIndex("audit_payments_by_reference").on(t.organisationId, t.reference),
    index("audit_payments_by_time").on(t.organisationId, t.atMs, t.id),
    index("audit_payments_by_credential").on(t.credentialId, t.atMs, t.id),
    index("audit_payments_by_recipient")
      .on(t.recipientId, t.atMs, t.id)
      .where(sql`recipient_id IS NOT NULL`),
    index("audit_payments_by_customer")
      .on(t.customer, t.atMs, t.id)
      .where(sql`customer IS NOT NULL`),
    index("audit_payments_by_transaction")
      .on(t.transaction)
      .where(sql`transaction_hash IS NOT NULL`),
    index("audit_payments_open")
      .on(t.state, t.atMs, t.id)
      .where(sql`state NOT IN ('settled', 'released')`),
  ],
);

/** Rows `first_n..last_n` are in the bucket under `object_key`, whole and checked. Only then may they be deleted here. */
export const archiveSegments = sqliteTable("archive_segments", {
  id: text("id").primaryKey(),
  firstN: integer("first_n").notNull(),
  lastN: integer("last_n").notNull(),
  rows: integer("rows").notNull(),
  fromMs: integer("from_ms").notNull(),
  toMs: integer("to_ms").notNull(),
  objectKey: text("object_key").notNull(),
  sha256: text("sha256").notNull(),
  createdAtMs: integer("created_at_ms").notNull(),
});

/** What people are to be told. `payload` is a `Notice` (src/domain/notice.ts) as JSON. */
export const notices = sqliteTable(
  "notices",
  {
    id: text("id").primaryKey(),
    organisationId: text("organisation_id").notNull(),
    credentialId: text("credential_id").notNull(),
    kind: text("kind").notNull(),
    payload: text("payload").notNull(),
    state: text("state", { enum: ["pending", "sent", "dropped"] }).notNull(),
    attempts: integer("attempts").notNull(),
    createdAtMs: integer("created_at_ms").notNull(),
    nextAttemptMs: integer("next_attempt_ms").notNull(),
    sentAtMs: integer("sent_at_ms"),
  },
  (t) => [
    index("notices_pending")
      .on(t.nextAttemptMs)
      .where(sql`state = 'pending'`),
  ],
);

/** Signed heads of the credentials' chains. */
export const auditCheckpoints = sqliteTable(
  "audit_checkpoints",
  {
    credentialId: text("credential_id").notNull(),
    seq: integer("seq").notNull(),
    hash: text("hash").notNull(),
    atMs: integer("at_ms").notNull(),
    keyId: text("key_id").notNull(),
    signature: text("signature").notNull(),
  },
  (t) => [primaryKey({ columns: [t.credentialId, t.seq] })],
);
