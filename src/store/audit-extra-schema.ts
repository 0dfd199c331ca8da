/**
 * Further tables of the audit database: the mailbox of a local machine, exports, and how far recurring work has come.
 * Their migration stands beside the others (`migrations/audit/0100_mailbox_exports.sql`) and is written by hand.
 */
import { index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

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
    startedAtMs: integer("started_at_ms"),
    finishedAtMs: integer("finished_at_ms"),
    expiresAtMs: integer("expires_at_ms").notNull(),
    attempts: integer("attempts").notNull(),
  },
  (t) => [
    index("audit_exports_by_age").on(t.organisationId, t.createdAtMs, t.id),
    index("audit_exports_by_state").on(t.state, t.createdAtMs),
  ],
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
