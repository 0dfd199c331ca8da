/** Canaries of all organisations, for the cron that sends refused ones back. */
import { and, eq } from "drizzle-orm";
import type { UpstreamCredentialRow } from "./connections.ts";
import type { ControlDb } from "./control-db.ts";
import { upstreamCredentials } from "./control-schema.ts";

export function listCanaries(db: ControlDb, limit: number): Promise<UpstreamCredentialRow[]> {
  return db.select().from(upstreamCredentials).where(eq(upstreamCredentials.state, "canary")).limit(limit);
}

/** Disables a canary, unless it was promoted or replaced in the meantime. A statement for a batch. */
export function returnCanary(db: ControlDb, row: UpstreamCredentialRow, nowMs: number) {
  return db
    .update(upstreamCredentials)
    .set({ state: "disabled", canaryShare: 0, updatedAtMs: nowMs })
    .where(
      and(
        eq(upstreamCredentials.organisationId, row.organisationId),
        eq(upstreamCredentials.id, row.id),
        eq(upstreamCredentials.version, row.version),
        eq(upstreamCredentials.state, "canary"),
      ),
    );
}
