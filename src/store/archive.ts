/** What of the audit lies in the bucket, and what may therefore leave the database. Triggers hold the latter as well. */
import { desc } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { archiveSegments } from "./audit-schema.ts";

export type ArchiveSegment = typeof archiveSegments.$inferSelect;

/** Last row number that is archived; 0 when none is. */
export async function archivedUpTo(database: D1Database): Promise<number> {
  const [last] = await drizzle(database)
    .select({ lastN: archiveSegments.lastN })
    .from(archiveSegments)
    .orderBy(desc(archiveSegments.lastN))
    .limit(1);
  return last?.lastN ?? 0;
}

/** Highest row number of an event before that time; rows that arrived late come along. 0: there is none. */
export async function lastRowBefore(database: D1Database, beforeMs: number): Promise<number> {
  const found = await database
    // From the newest back, past the events of today: no index has the time alone.
    .prepare("SELECT n FROM audit_events NOT INDEXED WHERE at_ms < ? ORDER BY n DESC LIMIT 1")
    .bind(beforeMs)
    .first<{ n: number | null }>();
  return found?.n ?? 0;
}

export async function insertSegment(database: D1Database, segment: ArchiveSegment): Promise<void> {
  await drizzle(database).insert(archiveSegments).values(segment);
}

/** Segments all of whose events are older than that, oldest first, of which rows are still in the database. */
export async function segmentsToClear(
  database: D1Database,
  beforeMs: number,
  limit: number,
): Promise<readonly ArchiveSegment[]> {
  const { results } = await database
    .prepare(
      `SELECT id, first_n AS firstN, last_n AS lastN, rows, from_ms AS fromMs, to_ms AS toMs, object_key AS objectKey,
         sha256, created_at_ms AS createdAtMs
       FROM archive_segments s WHERE to_ms < ?1
         AND EXISTS (SELECT 1 FROM audit_events e WHERE e.n BETWEEN s.first_n AND s.last_n)
       ORDER BY first_n LIMIT ?2`,
    )
    .bind(beforeMs, limit)
    .all<ArchiveSegment>();
  return results;
}

/** Deletes up to `limit` rows of a segment; returns how many. */
export async function clearSegment(database: D1Database, segment: ArchiveSegment, limit: number): Promise<number> {
  const result = await database
    .prepare(
      `DELETE FROM audit_events WHERE n IN
         (SELECT n FROM audit_events WHERE n BETWEEN ?1 AND ?2 ORDER BY n LIMIT ?3)`,
    )
    .bind(segment.firstN, segment.lastN, limit)
    .run();
  return result.meta.changes;
}
