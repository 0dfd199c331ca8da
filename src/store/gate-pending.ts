/**
 * Which credentials' gates have yet to hear of a change. Raising `doc_version` and setting `gate_pending` is one
 * statement, in the batch of the change; only a gate that was told this very version is marked as told.
 */
import { and, asc, eq, gt, isNull, or, sql } from "drizzle-orm";
import type { SQL } from "drizzle-orm";
import { runBatch } from "./control-db.ts";
import type { ControlDb } from "./control-db.ts";
import { credentials, grants } from "./control-schema.ts";

export interface PendingRow {
  readonly id: string;
  readonly organisationId: string;
  readonly docVersion: number;
  readonly status: "active" | "revoked";
}

const PENDING_COLUMNS = {
  id: credentials.id,
  organisationId: credentials.organisationId,
  docVersion: credentials.docVersion,
  status: credentials.status,
};
const MARK_CHUNK = 50;

/** Which credentials a change reaches. */
export type Affected =
  | { readonly credentialId: string }
  | { readonly recipientId: string }
  | { readonly policyId: string }
  | { readonly connectionId: string }
  /** Every credential of the organisation. */
  | "organisation";

/**
 * Raises the version of every live credential that the change reaches, and returns them. Goes into the change's batch,
 * before anything that removes the grants by which they are found.
 */
export function raiseVersions(db: ControlDb, organisationId: string, affected: Affected, nowMs: number) {
  return db
    .update(credentials)
    .set({ docVersion: sql`${credentials.docVersion} + 1`, gatePending: 1, updatedAtMs: nowMs })
    .where(
      and(
        eq(credentials.organisationId, organisationId),
        eq(credentials.status, "active"),
        or(isNull(credentials.expiresAtMs), gt(credentials.expiresAtMs, nowMs)),
        reached(organisationId, affected),
      ),
    )
    .returning(PENDING_COLUMNS);
}

/** Marks credentials as revoked and their gates as to be told. Rows already revoked are left as they are. */
export function revokeCredentials(db: ControlDb, organisationId: string, affected: Affected, nowMs: number) {
  return db
    .update(credentials)
    .set({
      status: "revoked",
      revokedAtMs: nowMs,
      updatedAtMs: nowMs,
      docVersion: sql`${credentials.docVersion} + 1`,
      gatePending: 1,
    })
    .where(
      and(
        eq(credentials.organisationId, organisationId),
        eq(credentials.status, "active"),
        reached(organisationId, affected),
      ),
    )
    .returning(PENDING_COLUMNS);
}

/** Everything of that reach whose gate has still to be told, from this or from an earlier request. */
export function pendingGates(db: ControlDb, organisationId: string, affected: Affected): Promise<PendingRow[]> {
  return db
    .select(PENDING_COLUMNS)
    .from(credentials)
    .where(
      and(
        eq(credentials.organisationId, organisationId),
        eq(credentials.gatePending, 1),
        reached(organisationId, affected),
      ),
    );
}

/** For the cron: the oldest pending credentials of all organisations. */
export function oldestPendingGates(db: ControlDb, limit: number): Promise<PendingRow[]> {
  return db
    .select(PENDING_COLUMNS)
    .from(credentials)
    .where(eq(credentials.gatePending, 1))
    .orderBy(asc(credentials.updatedAtMs))
    .limit(limit);
}

/** A row whose version has risen again in the meantime stays pending. */
export async function markGatesTold(
  db: ControlDb,
  organisationId: string,
  told: readonly { readonly id: string; readonly docVersion: number }[],
): Promise<void> {
  for (let at = 0; at < told.length; at += MARK_CHUNK) {
    const statements = told.slice(at, at + MARK_CHUNK).map((row) =>
      db
        .update(credentials)
        .set({ gatePending: 0 })
        .where(
          and(
            eq(credentials.organisationId, organisationId),
            eq(credentials.id, row.id),
            eq(credentials.docVersion, row.docVersion),
          ),
        ),
    );
    await runBatch(db, statements);
  }
}

function reached(organisationId: string, affected: Affected): SQL | undefined {
  if (affected === "organisation") return undefined;
  if ("credentialId" in affected) return eq(credentials.id, affected.credentialId);
  if ("recipientId" in affected) return eq(credentials.recipientId, affected.recipientId);
  const column = "policyId" in affected ? grants.policyId : grants.connectionId;
  const id = "policyId" in affected ? affected.policyId : affected.connectionId;
  return sql`${credentials.id} IN (SELECT ${grants.credentialId} FROM ${grants}
    WHERE ${grants.organisationId} = ${organisationId} AND ${column} = ${id})`;
}
