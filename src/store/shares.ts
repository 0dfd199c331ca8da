/** Share links: sealed texts that are given out once. Of the link itself only a hash is stored. */
import { and, eq, gt, isNull, lt, notExists } from "drizzle-orm";
import { afterPosition, failBatchIf, newestFirst } from "./control-db.ts";
import type { ControlDb, PageRequest, Statement } from "./control-db.ts";
import { shareLinks } from "./control-schema.ts";

export type ShareRow = typeof shareLinks.$inferSelect;

const KEPT_MS = 90 * 86_400_000;

export function insertShare(db: ControlDb, row: ShareRow): Statement {
  return db.insert(shareLinks).values(row);
}

export async function findShare(db: ControlDb, organisationId: string, id: string): Promise<ShareRow | null> {
  const [found] = await db
    .select()
    .from(shareLinks)
    .where(and(eq(shareLinks.organisationId, organisationId), eq(shareLinks.id, id)));
  return found ?? null;
}

/** The hash is the only thing known before the organisation is. */
export async function findShareByLookup(db: ControlDb, lookupHash: string): Promise<ShareRow | null> {
  const [found] = await db.select().from(shareLinks).where(eq(shareLinks.lookupHash, lookupHash));
  return found ?? null;
}

export function listShares(
  db: ControlDb,
  organisationId: string,
  credentialId: string,
  page: PageRequest,
): Promise<ShareRow[]> {
  const own = and(eq(shareLinks.organisationId, organisationId), eq(shareLinks.credentialId, credentialId));
  return db
    .select()
    .from(shareLinks)
    .where(and(own, afterPosition(shareLinks.createdAtMs, shareLinks.id, page)))
    .orderBy(...newestFirst(shareLinks.createdAtMs, shareLinks.id))
    .limit(page.limit + 1);
}

/** Takes the sealed text out, once. Of two who open at the same moment one gets null, as does whoever comes too late. */
export async function takeShare(
  db: ControlDb,
  row: ShareRow,
  nowMs: number,
  address: string | null,
): Promise<string | null> {
  const [taken] = await db
    .update(shareLinks)
    .set({ openedAtMs: nowMs, openedAddress: address, payload: null })
    .where(
      and(
        eq(shareLinks.organisationId, row.organisationId),
        eq(shareLinks.id, row.id),
        isNull(shareLinks.openedAtMs),
        isNull(shareLinks.withdrawnAtMs),
        gt(shareLinks.expiresAtMs, nowMs),
      ),
    )
    .returning({ id: shareLinks.id });
  return taken === undefined ? null : row.payload;
}

/** Fails its batch when the link was opened: one that was opened stays opened. */
export function withdrawShare(
  db: ControlDb,
  organisationId: string,
  id: string,
  nowMs: number,
): [guard: Statement, Statement] {
  const unopened = and(
    eq(shareLinks.organisationId, organisationId),
    eq(shareLinks.id, id),
    isNull(shareLinks.openedAtMs),
  );
  return [
    failBatchIf(db, notExists(db.select({ id: shareLinks.id }).from(shareLinks).where(unopened))),
    db.update(shareLinks).set({ withdrawnAtMs: nowMs, payload: null }).where(unopened),
  ];
}

/** For the cron: sealed texts that nobody may open any more go, and old links with them. */
export async function dropExpiredShares(db: ControlDb, nowMs: number): Promise<void> {
  await db.batch([
    db.update(shareLinks).set({ payload: null }).where(lt(shareLinks.expiresAtMs, nowMs)),
    db.delete(shareLinks).where(lt(shareLinks.expiresAtMs, nowMs - KEPT_MS)),
  ]);
}
