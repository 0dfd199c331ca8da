/** Members of an organisation, their login links and sessions. Of links and cookies only keyed hashes are stored. */
import { and, count, eq, gt, inArray, isNull, lt, ne, notExists, sql, type SQL } from "drizzle-orm";
import { afterPosition, failBatchIf, newestFirst } from "./control-db.ts";
import type { ControlDb, PageRequest, Statement } from "./control-db.ts";
import { loginLinks, members, organisations, sessions } from "./control-schema.ts";

export type MemberRow = typeof members.$inferSelect;
export type SessionRow = typeof sessions.$inferSelect;
export type LoginLinkRow = typeof loginLinks.$inferSelect;

export function insertMember(db: ControlDb, row: MemberRow): Statement {
  return db.insert(members).values(row);
}

export function updateMember(
  db: ControlDb,
  organisationId: string,
  id: string,
  change: Partial<Omit<MemberRow, "id" | "organisationId">>,
): Statement {
  return db.update(members).set(change).where(ofId(organisationId, id));
}

export async function findMember(db: ControlDb, organisationId: string, id: string): Promise<MemberRow | null> {
  const [found] = await db.select().from(members).where(ofId(organisationId, id));
  return found ?? null;
}

export function listMembers(db: ControlDb, organisationId: string, page: PageRequest): Promise<MemberRow[]> {
  const after = afterPosition(members.createdAtMs, members.id, page);
  return db
    .select()
    .from(members)
    .where(and(eq(members.organisationId, organisationId), ne(members.status, "removed"), after))
    .orderBy(...newestFirst(members.createdAtMs, members.id))
    .limit(page.limit + 1);
}

export async function findMemberByEmail(
  db: ControlDb,
  organisationId: string,
  email: string,
): Promise<MemberRow | null> {
  const [found] = await db
    .select()
    .from(members)
    .where(and(eq(members.organisationId, organisationId), eq(members.email, email)));
  return found ?? null;
}

export async function countMembers(db: ControlDb, organisationId: string): Promise<number> {
  const [row] = await db
    .select({ total: count() })
    .from(members)
    .where(and(eq(members.organisationId, organisationId), ne(members.status, "removed")));
  return row?.total ?? 0;
}

/** Fails its batch when there are so many members already: the count and the change are one step. */
export function guardMembers(db: ControlDb, organisationId: string, max: number): Statement {
  const present = db
    .select({ total: count() })
    .from(members)
    .where(and(eq(members.organisationId, organisationId), ne(members.status, "removed")));
  return failBatchIf(db, sql`(${present}) >= ${max}`);
}

/** Fails its batch when a member that had been removed was invited again. */
export function guardRemoved(db: ControlDb, row: MemberRow): Statement {
  const read = db
    .select({ id: members.id })
    .from(members)
    .where(and(ofId(row.organisationId, row.id), eq(members.status, "removed")));
  return failBatchIf(db, notExists(read));
}

/** Fails its batch when the member was removed since: nobody is let in, or changed, beside their removal. */
export function guardPresent(db: ControlDb, organisationId: string, id: string): Statement {
  return failBatchIf(db, notExists(present(db, organisationId, eq(members.id, id))));
}

/** Fails its batch when nobody but this member is an owner, so that two owners do not remove each other at one moment. */
export function guardOtherOwner(db: ControlDb, organisationId: string, id: string): Statement {
  const other = present(db, organisationId, and(eq(members.role, "owner"), ne(members.id, id)));
  return failBatchIf(db, notExists(other));
}

function present(db: ControlDb, organisationId: string, which: SQL | undefined) {
  return db
    .select({ id: members.id })
    .from(members)
    .where(and(eq(members.organisationId, organisationId), ne(members.status, "removed"), which));
}

/** Everyone who may log in with this address, over all active organisations. */
export async function membersByEmail(db: ControlDb, email: string): Promise<MemberRow[]> {
  const found = await db
    .select({ member: members })
    .from(members)
    .innerJoin(organisations, eq(organisations.id, members.organisationId))
    .where(
      and(eq(members.email, email), inArray(members.status, ["invited", "active"]), eq(organisations.status, "active")),
    )
    .limit(MAX_MEMBERSHIPS);
  return found.map((row) => row.member);
}

const MAX_MEMBERSHIPS = 10;

export function insertLoginLink(db: ControlDb, row: LoginLinkRow): Statement {
  return db.insert(loginLinks).values(row);
}

/** Fails its batch when so many login links were made for an address since then, used or not. */
export function guardLoginLinks(db: ControlDb, email: string, sinceMs: number, max: number): Statement {
  const made = db
    .select({ total: count() })
    .from(loginLinks)
    .where(and(eq(loginLinks.email, email), gt(loginLinks.createdAtMs, sinceMs)));
  return failBatchIf(db, sql`(${made}) >= ${max}`);
}

/** Login links made for an address since then, used or not. */
export async function countLoginLinks(db: ControlDb, email: string, sinceMs: number): Promise<number> {
  const [row] = await db
    .select({ total: count() })
    .from(loginLinks)
    .where(and(eq(loginLinks.email, email), gt(loginLinks.createdAtMs, sinceMs)));
  return row?.total ?? 0;
}

/** Uses a link: once and in time. Null when it is unknown, used or over. */
export async function useLoginLink(db: ControlDb, id: string, nowMs: number): Promise<LoginLinkRow | null> {
  const [used] = await db
    .update(loginLinks)
    .set({ usedAtMs: nowMs })
    .where(and(eq(loginLinks.id, id), isNull(loginLinks.usedAtMs), gt(loginLinks.expiresAtMs, nowMs)))
    .returning();
  return used ?? null;
}

export function insertSession(db: ControlDb, row: SessionRow): Statement {
  return db.insert(sessions).values(row);
}

export async function revokeSession(db: ControlDb, organisationId: string, id: string, nowMs: number): Promise<void> {
  await db
    .update(sessions)
    .set({ revokedAtMs: nowMs })
    .where(and(eq(sessions.organisationId, organisationId), eq(sessions.id, id), isNull(sessions.revokedAtMs)));
}

export function revokeSessionsOf(db: ControlDb, organisationId: string, memberId: string, nowMs: number): Statement {
  const live = and(eq(sessions.memberId, memberId), isNull(sessions.revokedAtMs));
  return db
    .update(sessions)
    .set({ revokedAtMs: nowMs })
    .where(and(eq(sessions.organisationId, organisationId), live));
}

/** For the cron: sessions and links that are long over go. */
export async function dropExpiredLogins(db: ControlDb, nowMs: number): Promise<void> {
  const before = nowMs - KEPT_MS;
  await db.batch([
    db.delete(sessions).where(lt(sessions.expiresAtMs, before)),
    db.delete(loginLinks).where(lt(loginLinks.expiresAtMs, before)),
  ]);
}

const KEPT_MS = 7 * 86_400_000;

function ofId(organisationId: string, id: string) {
  return and(eq(members.organisationId, organisationId), eq(members.id, id));
}
