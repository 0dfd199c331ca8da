/**
 * Ends a rotation that failed: a canary that the vendor refused too often is disabled, so that the proven key takes all
 * calls again. The proxy has tried it last since its third refusal; this makes it so for good, and puts it on record.
 * Gates are told by the cron that calls this.
 */
import { canaryKey, connectionStateName } from "../../src/cloudflare/connection-state-name.ts";
import { ID_RANDOM_BYTES, newId } from "../../src/domain/ids.ts";
import { listCanaries, returnCanary } from "../../src/store/canaries.ts";
import type { UpstreamCredentialRow } from "../../src/store/connections.ts";
import type { ControlDb } from "../../src/store/control-db.ts";
import { insertControlEvent } from "../../src/store/control-events.ts";
import { raiseVersions } from "../../src/store/gate-pending.ts";
import { upstreamCredentialView } from "./connection-view.ts";
import type { AdminEnv } from "./env.ts";

const MAX_CANARIES_PER_RUN = 100;

export async function returnFailedCanaries(env: AdminEnv, db: ControlDb, nowMs: number): Promise<void> {
  for (const row of await listCanaries(db, MAX_CANARIES_PER_RUN)) {
    const state = env.HEALTH.getByName(connectionStateName(row.organisationId, row.connectionId));
    // An object that cannot be asked now is asked again in a minute.
    const verdict = await state.canary(canaryKey(row.id, row.version)).catch(() => "wait" as const);
    if (verdict === "return") await sendBack(db, row, nowMs);
  }
}

async function sendBack(db: ControlDb, row: UpstreamCredentialRow, nowMs: number): Promise<void> {
  const random = (): Uint8Array => crypto.getRandomValues(new Uint8Array(ID_RANDOM_BYTES));
  const after = { ...row, state: "disabled" as const, canaryShare: 0, updatedAtMs: nowMs };
  await db.batch([
    raiseVersions(db, row.organisationId, { connectionId: row.connectionId }, nowMs),
    returnCanary(db, row, nowMs),
    insertControlEvent(db, {
      id: newId("evt", random()),
      organisationId: row.organisationId,
      atMs: nowMs,
      actorId: "system",
      actorKind: "system",
      actorName: "RelayKey",
      role: "system",
      action: "returnCanary",
      targetType: "upstream_credential",
      targetId: row.id,
      before: upstreamCredentialView(row),
      after: upstreamCredentialView(after),
      requestId: newId("req", random()),
      address: null,
    }),
  ]);
}
