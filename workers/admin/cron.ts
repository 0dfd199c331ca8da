/** What the admin Worker does every minute: gates that could not be told are told, and what is over is cleared away. */
import { tellGates } from "../../src/cloudflare/gate-fanout.ts";
import { controlDb } from "../../src/store/control-db.ts";
import { markGatesTold, oldestPendingGates } from "../../src/store/gate-pending.ts";
import type { PendingRow } from "../../src/store/gate-pending.ts";
import { dropExpiredIdempotencyKeys } from "../../src/store/idempotency.ts";
import { returnFailedCanaries } from "./canary-return.ts";
import type { AdminEnv } from "./env.ts";

const MAX_GATES_PER_RUN = 400;

export async function runCron(env: AdminEnv, nowMs: number): Promise<void> {
  const db = controlDb(env.CONTROL_DB);
  await returnFailedCanaries(env, db, nowMs);
  const pending = await oldestPendingGates(db, MAX_GATES_PER_RUN);
  const told = new Set((await tellGates(env.GATES, pending)).map((row) => row.id));
  const byOrganisation = new Map<string, PendingRow[]>();
  for (const row of pending) {
    if (!told.has(row.id)) continue;
    byOrganisation.set(row.organisationId, [...(byOrganisation.get(row.organisationId) ?? []), row]);
  }
  for (const [organisationId, rows] of byOrganisation) await markGatesTold(db, organisationId, rows);
  await dropExpiredIdempotencyKeys(db, nowMs);
}
