/** Dashboard sessions, found by the hash of their cookie. The hash is the only thing known before the organisation is. */
import { and, eq, gt, isNull } from "drizzle-orm";
import type { ControlDb } from "./control-db.ts";
import { members, organisations, sessions } from "./control-schema.ts";

export interface ActiveSession {
  readonly organisationId: string;
  readonly memberId: string;
  readonly memberName: string;
  readonly role: "owner" | "admin" | "auditor";
  readonly lastSeenAtMs: number;
}

/** Only a session that is neither over nor revoked, of an active member of an active organisation. */
export async function findSession(db: ControlDb, id: string, nowMs: number): Promise<ActiveSession | null> {
  const [found] = await db
    .select({
      organisationId: sessions.organisationId,
      memberId: members.id,
      memberName: members.name,
      role: members.role,
      lastSeenAtMs: sessions.lastSeenAtMs,
    })
    .from(sessions)
    .innerJoin(members, and(eq(members.organisationId, sessions.organisationId), eq(members.id, sessions.memberId)))
    .innerJoin(organisations, eq(organisations.id, sessions.organisationId))
    .where(
      and(
        eq(sessions.id, id),
        isNull(sessions.revokedAtMs),
        gt(sessions.expiresAtMs, nowMs),
        eq(members.status, "active"),
        eq(organisations.status, "active"),
      ),
    );
  return found ?? null;
}

export async function touchSession(db: ControlDb, organisationId: string, id: string, nowMs: number): Promise<void> {
  await db
    .update(sessions)
    .set({ lastSeenAtMs: nowMs })
    .where(and(eq(sessions.organisationId, organisationId), eq(sessions.id, id)));
}
