/** How far an unfinished export is: its upload and the parts that are in the bucket already. */
import { asc, eq } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { auditExportParts, auditExports } from "./audit-extra-schema.ts";

export type ExportPart = typeof auditExportParts.$inferSelect;

/** In the order of the file. */
export function exportParts(database: D1Database, exportId: string): Promise<ExportPart[]> {
  return drizzle(database)
    .select()
    .from(auditExportParts)
    .where(eq(auditExportParts.exportId, exportId))
    .orderBy(asc(auditExportParts.part));
}

/** A finished part is progress: earlier attempts count no more. Fails when another run has stored this part. */
export async function storeExportPart(database: D1Database, part: ExportPart, nowMs: number): Promise<void> {
  const db = drizzle(database);
  await db.batch([
    db.insert(auditExportParts).values(part),
    db.update(auditExports).set({ attempts: 1, startedAtMs: nowMs }).where(eq(auditExports.id, part.exportId)),
  ]);
}

/** Forgets what was written, so that the export begins anew. */
export async function forgetExportParts(database: D1Database, exportId: string): Promise<void> {
  const db = drizzle(database);
  await db.batch([
    db.delete(auditExportParts).where(eq(auditExportParts.exportId, exportId)),
    db
      .update(auditExports)
      .set({ uploadId: null, upToN: null, rows: 0, bytes: 0 })
      .where(eq(auditExports.id, exportId)),
  ]);
}

/** Of a file that is complete, nothing needs to be known of its parts. */
export async function dropExportParts(database: D1Database, exportId: string): Promise<void> {
  await drizzle(database).delete(auditExportParts).where(eq(auditExportParts.exportId, exportId));
}
