/**
 * One POST per Idempotency-Key. The stored response is sealed by the caller's own secret before it comes here:
 * this file never sees a token.
 */
import { and, eq, isNull, lt, lte, sql } from "drizzle-orm";
import type { ControlDb } from "./control-db.ts";
import { idempotencyKeys } from "./control-schema.ts";

export type IdempotencyRow = typeof idempotencyKeys.$inferSelect;

/**
 * Claims the key for this request. Null: it is this request's to run. Otherwise the row of the request that holds it.
 * An expired claim is taken over.
 */
export async function claimIdempotencyKey(
  db: ControlDb,
  claim: { organisationId: string; keyHash: string; requestHash: string; nowMs: number; lifetimeMs: number },
): Promise<IdempotencyRow | null> {
  const row = {
    organisationId: claim.organisationId,
    keyHash: claim.keyHash,
    requestHash: claim.requestHash,
    status: null,
    response: null,
    createdAtMs: claim.nowMs,
    expiresAtMs: claim.nowMs + claim.lifetimeMs,
  };
  const inserted = await db
    .insert(idempotencyKeys)
    .values(row)
    .onConflictDoUpdate({
      target: [idempotencyKeys.organisationId, idempotencyKeys.keyHash],
      set: {
        requestHash: sql`excluded.request_hash`,
        status: null,
        response: null,
        createdAtMs: sql`excluded.created_at_ms`,
        expiresAtMs: sql`excluded.expires_at_ms`,
      },
      setWhere: lte(idempotencyKeys.expiresAtMs, claim.nowMs),
    })
    .returning({ keyHash: idempotencyKeys.keyHash });
  if (inserted.length > 0) return null;
  const [held] = await db.select().from(idempotencyKeys).where(ofKey(claim.organisationId, claim.keyHash));
  // Released between the two statements: the other request failed, so the client may simply try again.
  return held ?? row;
}

export async function completeIdempotencyKey(
  db: ControlDb,
  organisationId: string,
  keyHash: string,
  answer: { status: number; response: string },
): Promise<void> {
  await db.update(idempotencyKeys).set(answer).where(ofKey(organisationId, keyHash));
}

/** Gives a claim back after a request that changed nothing. */
export async function releaseIdempotencyKey(db: ControlDb, organisationId: string, keyHash: string): Promise<void> {
  await db.delete(idempotencyKeys).where(and(ofKey(organisationId, keyHash), isNull(idempotencyKeys.status)));
}

/** For the cron: old keys go. */
export async function dropExpiredIdempotencyKeys(db: ControlDb, nowMs: number): Promise<void> {
  await db.delete(idempotencyKeys).where(lt(idempotencyKeys.expiresAtMs, nowMs));
}

function ofKey(organisationId: string, keyHash: string) {
  return and(eq(idempotencyKeys.organisationId, organisationId), eq(idempotencyKeys.keyHash, keyHash));
}
