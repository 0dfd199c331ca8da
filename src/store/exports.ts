/** Exports of audit events: what was asked for and how far it is, and the events themselves in the order of arrival. */
import { and, eq, inArray, lt, or, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import type { ChainCheckpoint } from "../domain/chain.ts";
import type { ExportRow } from "../domain/export-row.ts";
import { auditExportParts, auditExports, type ExportFilter } from "./audit-extra-schema.ts";
import { ROW_COLUMNS } from "./audit-rows.ts";
import { afterPosition, newestFirst } from "./control-db.ts";
import type { PageRequest } from "./control-db.ts";

export type ExportJob = typeof auditExports.$inferSelect;

export const MAX_EXPORT_ATTEMPTS = 3;

export async function insertExport(database: D1Database, row: ExportJob): Promise<void> {
  await drizzle(database).insert(auditExports).values(row);
}

export async function findExport(database: D1Database, organisationId: string, id: string): Promise<ExportJob | null> {
  const [found] = await drizzle(database)
    .select()
    .from(auditExports)
    .where(and(eq(auditExports.organisationId, organisationId), eq(auditExports.id, id)));
  return found ?? null;
}

export function listExports(database: D1Database, organisationId: string, page: PageRequest): Promise<ExportJob[]> {
  const after = afterPosition(auditExports.createdAtMs, auditExports.id, page);
  return drizzle(database)
    .select()
    .from(auditExports)
    .where(and(eq(auditExports.organisationId, organisationId), after))
    .orderBy(...newestFirst(auditExports.createdAtMs, auditExports.id))
    .limit(page.limit + 1);
}

/**
 * Takes a job that waits, or that somebody began and gave up: the one that nobody has worked on for the longest time, so
 * that a large export does not hold up the small ones. Null: there is none.
 */
export async function takeExport(database: D1Database, nowMs: number, staleMs: number): Promise<ExportJob | null> {
  const db = drizzle(database);
  const abandoned = and(eq(auditExports.state, "running"), lt(auditExports.startedAtMs, nowMs - staleMs));
  const waiting = db
    .select({ id: auditExports.id })
    .from(auditExports)
    .where(or(eq(auditExports.state, "pending"), abandoned))
    .orderBy(sql`coalesce(${auditExports.startedAtMs}, 0)`, auditExports.createdAtMs)
    .limit(1);
  const [taken] = await db
    .update(auditExports)
    .set({ state: "running", startedAtMs: nowMs, attempts: sql`${auditExports.attempts} + 1` })
    .where(inArray(auditExports.id, waiting))
    .returning();
  return taken ?? null;
}

export async function noteExport(
  database: D1Database,
  id: string,
  change: Partial<Omit<ExportJob, "id" | "organisationId">>,
): Promise<void> {
  await drizzle(database).update(auditExports).set(change).where(eq(auditExports.id, id));
}

/** Those whose time is over, with what lies in the bucket. */
export function expiredExports(database: D1Database, nowMs: number, limit: number): Promise<ExportJob[]> {
  return drizzle(database).select().from(auditExports).where(lt(auditExports.expiresAtMs, nowMs)).limit(limit);
}

export async function deleteExport(database: D1Database, id: string): Promise<void> {
  const db = drizzle(database);
  await db.batch([
    db.delete(auditExportParts).where(eq(auditExportParts.exportId, id)),
    db.delete(auditExports).where(eq(auditExports.id, id)),
  ]);
}

const FILTERS = {
  credentialId: "credential_id = ?",
  recipientId: "recipient_id = ?",
  connectionId: "connection_id = ?",
  customer: "customer = ?",
  environment: "environment = ?",
  decision: "decision = ?",
  fromMs: "at_ms >= ?",
  toMs: "at_ms < ?",
} as const satisfies Record<keyof ExportFilter, string>;
const MEMBERS = Object.keys(FILTERS) as (keyof ExportFilter)[];

/** Rows looked at by one statement. */
const WINDOW_ROWS = 20_000;

/**
 * One page after a row number, ascending. Without an organisation: of all, for the archive. Read in the order of the table,
 * window by window: by an index of what is asked for, each page would have to sort all that is left.
 */
export async function exportRows(
  database: D1Database,
  organisationId: string | null,
  filter: ExportFilter,
  range: { readonly afterN: number; readonly upToN: number; readonly limit: number },
): Promise<readonly ExportRow[]> {
  const stated = MEMBERS.flatMap((member) => {
    const value = filter[member];
    return value === undefined ? [] : [{ condition: FILTERS[member], value }];
  });
  const own = organisationId === null ? [] : [{ condition: "organisation_id = ?", value: organisationId }];
  const conditions = [...own, ...stated];
  const where = ["n > ?", "n <= ?", ...conditions.map((each) => each.condition)].join(" AND ");
  const statement = database.prepare(
    `SELECT ${ROW_COLUMNS} FROM audit_events e NOT INDEXED WHERE ${where} ORDER BY n LIMIT ?`,
  );
  const values = conditions.map((each) => each.value);
  const rows: ExportRow[] = [];
  let { afterN } = range;
  while (afterN < range.upToN && rows.length < range.limit) {
    const endN = Math.min(range.upToN, afterN + WINDOW_ROWS);
    const { results } = await statement.bind(afterN, endN, ...values, range.limit - rows.length).all<ExportRow>();
    rows.push(...results);
    if (rows.length < range.limit) afterN = await nextNumber(database, endN);
  }
  return rows;
}

/** Just before the first row after `n`: where rows have left for the archive, long ranges are empty. */
async function nextNumber(database: D1Database, n: number): Promise<number> {
  const found = await database
    .prepare("SELECT min(n) AS n FROM audit_events WHERE n > ?")
    .bind(n)
    .first<{ n: number | null }>();
  return (found?.n ?? Number.MAX_SAFE_INTEGER) - 1;
}

/** Signed heads of the chains of an organisation's credentials, or of one; ascending. */
export async function exportCheckpoints(
  database: D1Database,
  organisationId: string,
  range: { readonly credentialId: string | undefined; readonly upToN: number; readonly limit: number },
): Promise<readonly ChainCheckpoint[]> {
  const { results } = await database
    .prepare(
      `SELECT credential_id AS credentialId, seq, hash, at_ms AS atMs, key_id AS keyId, signature
       FROM audit_checkpoints c
       WHERE (?1 IS NULL OR credential_id = ?1)
         AND EXISTS (SELECT 1 FROM audit_events e
           WHERE e.credential_id = c.credential_id AND e.organisation_id = ?2 AND e.n <= ?4)
         AND (EXISTS (SELECT 1 FROM audit_events e WHERE e.credential_id = c.credential_id AND e.seq = c.seq AND e.n <= ?4)
           OR NOT EXISTS (SELECT 1 FROM audit_events e WHERE e.credential_id = c.credential_id AND e.seq >= c.seq))
       ORDER BY credential_id, seq LIMIT ?3`,
    )
    .bind(range.credentialId ?? null, organisationId, range.limit, range.upToN)
    .all<ChainCheckpoint>();
  return results;
}
