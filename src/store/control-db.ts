/** The control database behind drizzle, and the page and batch helpers that all its queries share. */
import { and, desc, eq, lt, or, sql } from "drizzle-orm";
import type { SQL } from "drizzle-orm";
import type { BatchItem } from "drizzle-orm/batch";
import { drizzle } from "drizzle-orm/d1";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { SQLiteColumn } from "drizzle-orm/sqlite-core";
import { organisations } from "./control-schema.ts";

export type ControlDb = DrizzleD1Database;
export type Statement = BatchItem<"sqlite">;

export function controlDb(database: D1Database): ControlDb {
  return drizzle(database);
}

/** What a list asks for: newest first, after a position. `limit` rows are wanted; one more is read to see if there are more. */
export interface PageRequest {
  readonly limit: number;
  readonly after: { readonly atMs: number; readonly id: string } | null;
}

/** Rows after the position in the order newest first; ids tell equal times apart, so inserts never shift a page. */
export function afterPosition(atMs: SQLiteColumn, id: SQLiteColumn, page: PageRequest): SQL | undefined {
  if (page.after === null) return undefined;
  return or(lt(atMs, page.after.atMs), and(eq(atMs, page.after.atMs), lt(id, page.after.id)));
}

export function newestFirst(atMs: SQLiteColumn, id: SQLiteColumn): [SQL, SQL] {
  return [desc(atMs), desc(id)];
}

/** All or nothing. D1 refuses an empty batch, so it is not sent. */
export async function runBatch(db: ControlDb, statements: readonly Statement[]): Promise<unknown[]> {
  const [first, ...rest] = statements;
  return first === undefined ? [] : db.batch([first, ...rest]);
}

/** Whether a failure is a broken UNIQUE or PRIMARY KEY constraint, however deep the driver wrapped it. */
export function isUniqueViolation(cause: unknown): boolean {
  for (let at = cause, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    if (/UNIQUE constraint failed/i.test(at.message)) return true;
  }
  return false;
}

/** `column IN (…)` with one bound parameter, since D1 binds at most 100. */
export function inList(column: SQLiteColumn, values: readonly string[]): SQL {
  return sql`${column} IN (SELECT value FROM json_each(${JSON.stringify(values)}))`;
}

/**
 * Of a change, only what differs: two changes at once then do not undo each other where they touch different columns
 * (renaming a connection must not resume one that was paused in the same moment).
 */
export function onlyChanged<Row extends object>(before: Row, change: Partial<Row>): Partial<Row> {
  const old = new Map<string, unknown>(Object.entries(before));
  const entries = Object.entries(change).filter(
    ([name, value]) => JSON.stringify(old.get(name)) !== JSON.stringify(value),
  );
  return Object.fromEntries(entries) as Partial<Row>;
}

/**
 * Fails the whole batch that it stands in when the condition holds at that moment. SQLite raises errors in triggers only;
 * reading a text that is no JSON is the one failure that needs no table.
 */
export function failBatchIf(db: ControlDb, condition: SQL): Statement {
  // Some table must be read from, and there is always an organisation.
  return db
    .select({ failed: sql`CASE WHEN ${condition} THEN json('limit reached') END` })
    .from(organisations)
    .limit(1);
}

/** Whether a batch failed by `failBatchIf`. */
export function isFailedGuard(cause: unknown): boolean {
  for (let at = cause, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    if (/malformed JSON/i.test(at.message)) return true;
  }
  return false;
}
