/**
 * Writes to the audit database: events, notices and signed chain heads, each of them idempotent, many rows to a
 * statement. One bound JSON parameter carries all rows, since D1 binds at most 100 parameters.
 */
import type { ChainCheckpoint, EventTuple } from "../domain/chain.ts";
import type { Notice } from "../domain/notice.ts";
import type { LateOutcome } from "../domain/payment-nonce.ts";

/** Columns in the order of `EventTuple`. */
const EVENT_COLUMNS = [
  "organisation_id",
  "credential_id",
  "seq",
  "admission",
  "at_ms",
  "recipient_id",
  "connection_id",
  "grant_id",
  "customer",
  "environment",
  "method",
  "path",
  "operation",
  "decision",
  "reason",
  "status",
  "upstream_status",
  "attempts",
  "latency_ms",
  "upstream_ms",
  "bytes_in",
  "bytes_out",
  "cost_usd_micros",
  "address",
  "user_agent",
  "request_id",
  "upstream_credential_id",
  "count",
  "notes",
  "prev_hash",
  "hash",
  "id",
] as const satisfies { readonly length: EventTuple["length"] };

/**
 * Its one parameter is the JSON list of events. Materialised, since json_each would write out each row's text anew for every
 * one of its columns: a third of the time. Each row is parsed once, into binary JSON; read as text it would be looked through
 * again for every column.
 */
export const INSERT_EVENTS = `WITH rows AS MATERIALIZED (SELECT jsonb(value) AS event FROM json_each(?1))
  INSERT INTO audit_events (${EVENT_COLUMNS.join(", ")})
  SELECT ${EVENT_COLUMNS.map((_, at) => `event ->> ${at}`).join(", ")} FROM rows`;
const INSERT_NOTICE = `INSERT OR IGNORE INTO notices
  (id, organisation_id, credential_id, kind, payload, state, attempts, created_at_ms, next_attempt_ms)
  VALUES (?1, ?2, ?3, ?4, ?5, 'pending', 0, ?6, ?6)`;
const INSERT_CHECKPOINT = `INSERT INTO audit_checkpoints (credential_id, seq, hash, at_ms, key_id, signature)
  VALUES (?1, ?2, ?3, ?4, ?5, ?6)`;

/** Only an open question is answered: the word of a later call counts more. */
const RESOLVE_PAYMENT = `UPDATE audit_payments SET state = ?3,
    charged_usd_micros = CASE ?3 WHEN 'kept' THEN usd_micros ELSE 0 END,
    transaction_hash = coalesce(nullif(?4, ''), transaction_hash)
  WHERE organisation_id = ?1 AND reference = ?2 AND state = 'unknown'`;

/** What arrives together. */
export interface AuditRows {
  readonly events: readonly EventTuple[];
  readonly notices?: readonly Notice[];
  readonly checkpoint?: ChainCheckpoint | null;
}

/** The statements that store these rows. Running them again changes nothing. */
export function storeRows(database: D1Database, rows: AuditRows): D1PreparedStatement[] {
  const statements: D1PreparedStatement[] = [];
  if (rows.events.length > 0) statements.push(insertEvents(database, rows.events));
  for (const notice of rows.notices ?? []) statements.push(insertNotice(database, notice));
  if (rows.checkpoint) statements.push(insertCheckpoint(database, rows.checkpoint));
  return statements;
}

/** What became of a payment that stands as `unknown`. Changes nothing about any other. */
export function resolvePayment(
  database: D1Database,
  payment: {
    readonly organisationId: string;
    readonly reference: string;
    readonly state: LateOutcome;
    readonly transaction: string;
  },
): D1PreparedStatement {
  const { organisationId, reference, state, transaction } = payment;
  return database.prepare(RESOLVE_PAYMENT).bind(organisationId, reference, state, transaction);
}

/** One statement for all events of a message (at most 2 MB of JSON). */
export function insertEvents(database: D1Database, events: readonly EventTuple[]): D1PreparedStatement {
  return database.prepare(INSERT_EVENTS).bind(JSON.stringify(events));
}

function insertNotice(database: D1Database, notice: Notice): D1PreparedStatement {
  const { id, organisationId, credentialId, kind, atMs } = notice;
  return database.prepare(INSERT_NOTICE).bind(id, organisationId, credentialId, kind, JSON.stringify(notice), atMs);
}

function insertCheckpoint(database: D1Database, checkpoint: ChainCheckpoint): D1PreparedStatement {
  const { credentialId, seq, hash, atMs, keyId, signature } = checkpoint;
  return database.prepare(INSERT_CHECKPOINT).bind(credentialId, seq, hash, atMs, keyId, signature);
}
