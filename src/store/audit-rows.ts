/** What all who read rows of the audit's events share: the columns of a row, and the number of the last one. */
import { getTableColumns } from "drizzle-orm";
import { auditEvents } from "./audit-schema.ts";

export type AuditEventRow = typeof auditEvents.$inferSelect;

/** All columns of an `AuditEventRow`, of the table `e`. */
export const ROW_COLUMNS = Object.entries(getTableColumns(auditEvents))
  .map(([name, column]) => `e.${column.name} AS ${name}`)
  .join(", ");

/** Row number of the event that came last; 0 when there is none. What arrives later has a higher one. */
export async function highestRowNumber(database: D1Database): Promise<number> {
  const found = await database.prepare("SELECT max(n) AS n FROM audit_events").first<{ n: number | null }>();
  return found?.n ?? 0;
}
