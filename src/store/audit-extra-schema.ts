/**
 * Further tables of the audit database: the mailbox of a local machine, exports, and how far recurring work has come.
 * Their migrations stand beside the others (from `migrations/audit/0100_mailbox_exports.sql` on) and are written by hand.
 */
import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** Mails of a local installation. Empty in a deployment, where no page shows it. */
export const devMailbox = sqliteTable(
  "dev_mailbox",
  {
    id: text("id").primaryKey(),
    to: text("to_address").notNull(),
    subject: text("subject").notNull(),
    text: text("text").notNull(),
    atMs: integer("at_ms").notNull(),
  },
  (t) => [index("dev_mailbox_by_age").on(t.atMs)],
);

/** One export of audit events: what was asked for, how far it is, where it lies. */
export const auditExports = sqliteTable(
  "audit_exports",
  {
    id: text("id").primaryKey(),
    organisationId: text("organisation_id").notNull(),
    format: text("format", { enum: ["ndjson", "csv", "parquet"] }).notNull(),
    filter: text("filter_json", { mode: "json" }).$type<ExportFilter>().notNull(),
    state: text("state", { enum: ["pending", "running", "done", "failed"] }).notNull(),
    rows: integer("rows").notNull(),
    bytes: integer("bytes").notNull(),
    objectKey: text("object_key"),
    sha256: text("sha256"),
    createdBy: text("created_by").notNull(),
    createdAtMs: integer("created_at_ms").notNull(),
    /** When somebody last worked on it. */
    startedAtMs: integer("started_at_ms"),
    finishedAtMs: integer("finished_at_ms"),
    expiresAtMs: integer("expires_at_ms").notNull(),
    /** Since the last part was finished. */
    attempts: integer("attempts").notNull(),
    /** The unfinished upload; null before and after it. */
    uploadId: text("upload_id"),
    /** Highest row number that belongs to the export; null before it is begun. */
    upToN: integer("up_to_n"),
  },
  (t) => [
    index("audit_exports_by_age").on(t.organisationId, t.createdAtMs, t.id),
    index("audit_exports_by_state").on(t.state, t.createdAtMs),
  ],
);

/**
 * Finished parts of an unfinished export. A part ends inside a page of rows: that page begins after row `after_n`, before it
 * there were `rows` rows, and its first `skip_bytes` bytes (with that digest) are in the parts up to this one.
 */
export const auditExportParts = sqliteTable(
  "audit_export_parts",
  {
    exportId: text("export_id").notNull(),
    part: integer("part").notNull(),
    etag: text("etag").notNull(),
    afterN: integer("after_n").notNull(),
    rows: integer("rows").notNull(),
    skipBytes: integer("skip_bytes").notNull(),
    skipSha256: text("skip_sha256").notNull(),
    /** What the format's encoder noted of the pages between the part before and that page. */
    notes: text("notes_json", { mode: "json" }).$type<readonly string[]>().notNull(),
  },
  (t) => [primaryKey({ columns: [t.exportId, t.part] })],
);

/** Position up to which a recurring piece of work has read. */
export const workPositions = sqliteTable("work_positions", {
  name: text("name").primaryKey(),
  position: text("position").notNull(),
});

/** Events that an export holds; an absent member does not filter. Times are epoch ms, `toMs` excluded. */
export interface ExportFilter {
  readonly credentialId?: string;
  readonly recipientId?: string;
  readonly connectionId?: string;
  readonly customer?: string;
  readonly environment?: string;
  readonly decision?: "allowed" | "denied";
  readonly fromMs?: number;
  readonly toMs?: number;
}
