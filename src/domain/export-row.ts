/**
 * How audit events leave the database: one table of columns for NDJSON, CSV and Parquet, named as in the API. Pure.
 * Every member that an event's hash covers is there, so that a verifier needs nothing but the export. CSV has the payment's
 * members in columns of their own besides.
 */
import { csvRow, type CsvCell } from "./csv.ts";
import type { ChainCheckpoint } from "./chain.ts";

/** An event as it is stored; `notes` is the canonical JSON that was hashed. */
export interface ExportRow {
  readonly n: number;
  readonly id: string;
  readonly organisationId: string;
  readonly credentialId: string | null;
  readonly seq: number;
  readonly admission: number;
  readonly atMs: number;
  readonly recipientId: string | null;
  readonly connectionId: string | null;
  readonly grantId: string | null;
  readonly customer: string | null;
  readonly environment: string | null;
  readonly method: string;
  readonly path: string;
  readonly operation: string | null;
  readonly decision: string;
  readonly reason: string;
  readonly status: number | null;
  readonly upstreamStatus: number | null;
  readonly attempts: number;
  readonly latencyMs: number | null;
  readonly upstreamMs: number | null;
  readonly bytesIn: number | null;
  readonly bytesOut: number | null;
  readonly costUsdMicros: number | null;
  readonly address: string | null;
  readonly userAgent: string;
  readonly requestId: string;
  readonly upstreamCredentialId: string | null;
  readonly count: number;
  readonly notes: string;
  readonly prevHash: string;
  readonly hash: string;
}

export interface ExportColumn {
  readonly name: string;
  /** `json`: text in CSV and Parquet, a value in NDJSON. `time`: RFC 3339 in NDJSON and CSV, milliseconds in Parquet. */
  readonly type: "text" | "integer" | "time" | "json";
  readonly value: (row: ExportRow) => string | number | null;
}

const text = (name: string, value: (row: ExportRow) => string | null): ExportColumn => ({ name, type: "text", value });
const integer = (name: string, value: (row: ExportRow) => number | null): ExportColumn => ({
  name,
  type: "integer",
  value,
});

export const EXPORT_COLUMNS: readonly ExportColumn[] = [
  text("id", (row) => row.id),
  text("organisation_id", (row) => row.organisationId),
  integer("seq", (row) => row.seq),
  integer("admission", (row) => row.admission),
  { name: "at", type: "time", value: (row) => row.atMs },
  text("credential_id", (row) => row.credentialId),
  text("recipient_id", (row) => row.recipientId),
  text("connection_id", (row) => row.connectionId),
  text("grant_id", (row) => row.grantId),
  text("customer", (row) => row.customer),
  text("environment", (row) => row.environment),
  text("method", (row) => row.method),
  text("path", (row) => row.path),
  text("operation", (row) => row.operation),
  text("decision", (row) => row.decision),
  text("reason", (row) => row.reason),
  integer("status", (row) => row.status),
  integer("upstream_status", (row) => row.upstreamStatus),
  integer("attempts", (row) => row.attempts),
  integer("latency_ms", (row) => row.latencyMs),
  integer("upstream_ms", (row) => row.upstreamMs),
  integer("bytes_in", (row) => row.bytesIn),
  integer("bytes_out", (row) => row.bytesOut),
  integer("cost_usd_micros", (row) => row.costUsdMicros),
  text("address", (row) => row.address),
  text("user_agent", (row) => row.userAgent),
  text("request_id", (row) => row.requestId),
  text("upstream_credential_id", (row) => row.upstreamCredentialId),
  integer("count", (row) => row.count),
  { name: "notes", type: "json", value: (row) => row.notes },
  text("prev_hash", (row) => row.prevHash),
  text("hash", (row) => row.hash),
];

/** One line with its line feed. `notes` goes in as it was hashed. */
export function ndjsonLine(row: ExportRow): string {
  const members = EXPORT_COLUMNS.map((column) => `${JSON.stringify(column.name)}:${jsonValue(column, row)}`);
  return `{${members.join(",")}}\n`;
}

/** Signed heads of the chains follow the events, each on a line of its own. */
export function checkpointLine(checkpoint: ChainCheckpoint): string {
  const { credentialId, seq, hash, atMs, keyId, signature } = checkpoint;
  const members = { credential_id: credentialId, seq, hash, at_ms: atMs, key_id: keyId, signature };
  return `${JSON.stringify({ checkpoint: members })}\n`;
}

/** The public half of the signing key. Whoever checks an export should have it from elsewhere as well. */
export function keyLine(keyId: string, publicKey: string): string {
  return `${JSON.stringify({ key: { algorithm: "Ed25519", key_id: keyId, public_key: publicKey } })}\n`;
}

/** Members of `notes.payment` with a column of their own in CSV, where nobody can look into `notes`. */
const PAYMENT_MEMBERS = [
  "provider",
  "state",
  "usd_micros",
  "account",
  "payer",
  "amount",
  "asset",
  "network",
  "transaction",
] as const;

export function csvHeader(): string {
  const names = EXPORT_COLUMNS.map((column) => column.name);
  return csvRow([...names, ...PAYMENT_MEMBERS.map((member) => `payment_${member}`)]);
}

export function csvLine(row: ExportRow): string {
  const cells = EXPORT_COLUMNS.map((column): CsvCell => (column.type === "time" ? time(row.atMs) : column.value(row)));
  return csvRow([...cells, ...paymentCells(row.notes)]);
}

/** Empty cells for an event without a payment. */
function paymentCells(notes: string): readonly CsvCell[] {
  const payment = notes.includes('"payment":') ? memberOf(parsed(notes), "payment") : null;
  return PAYMENT_MEMBERS.map((member) => {
    const value = memberOf(payment, member);
    return typeof value === "string" || typeof value === "number" ? value : null;
  });
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? (value as Readonly<Record<string, unknown>>)[name]
    : null;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function jsonValue(column: ExportColumn, row: ExportRow): string {
  const value = column.value(row);
  if (column.type === "json") return typeof value === "string" ? value : "null";
  return JSON.stringify(column.type === "time" ? time(row.atMs) : value);
}

function time(ms: number): string {
  return new Date(ms).toISOString();
}
