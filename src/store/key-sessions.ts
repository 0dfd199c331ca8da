/** Dashboard sessions that a management key opened: rows of `sessions` whose holder is a key and no member. */
import { and, eq, gt, isNull, like } from "drizzle-orm";
import type { ControlDb } from "./control-db.ts";
import { organisations, sessions } from "./control-schema.ts";

export interface KeySession {
  readonly organisationId: string;
  /** `mk_…`; whether the key is still live is for the caller to look up. */
  readonly keyId: string;
}

/** Only a session that is neither over nor revoked, in an active organisation. */
export async function findKeySession(db: ControlDb, id: string, nowMs: number): Promise<KeySession | null> {
  const [found] = await db
    .select({ organisationId: sessions.organisationId, keyId: sessions.memberId })
    .from(sessions)
    .innerJoin(organisations, eq(organisations.id, sessions.organisationId))
    .where(
      and(
        eq(sessions.id, id),
        like(sessions.memberId, "mk_%"),
        isNull(sessions.revokedAtMs),
        gt(sessions.expiresAtMs, nowMs),
        eq(organisations.status, "active"),
      ),
    );
  return found ?? null;
}
