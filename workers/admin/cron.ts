/**
 * What the admin Worker does every minute: gates that could not be told are told first, then what is over is cleared away.
 * A step that fails keeps no other from running.
 */
import { rewrapWebhookSecrets } from "../../src/cloudflare/webhooks.ts";
import { tellGates } from "../../src/cloudflare/gate-fanout.ts";
import { controlDb } from "../../src/store/control-db.ts";
import type { ControlDb } from "../../src/store/control-db.ts";
import { markGatesTold, oldestPendingGates } from "../../src/store/gate-pending.ts";
import type { PendingRow } from "../../src/store/gate-pending.ts";
import { dropExpiredIdempotencyKeys } from "../../src/store/idempotency.ts";
import { dropExpiredAssertions } from "../../src/store/exchange-trusts.ts";
import { dropExpiredLogins } from "../../src/store/members.ts";
import { dropExpiredShares } from "../../src/store/shares.ts";
import { dropOldDeliveries } from "../../src/store/webhooks.ts";
import { returnFailedCanaries } from "./canary-return.ts";
import { readSettings } from "./env.ts";
import type { AdminEnv } from "./env.ts";
import { remindOfExpiry } from "./expiry-reminders.ts";
import { rewrapOldSecrets } from "./kek-rotation.ts";

const MAX_GATES_PER_RUN = 400;

type Step = (env: AdminEnv, db: ControlDb, nowMs: number) => Promise<unknown>;

const STEPS: Readonly<Record<string, Step>> = {
  tellPendingGates,
  returnFailedCanaries,
  dropExpiredIdempotencyKeys: (_env, db, nowMs) => dropExpiredIdempotencyKeys(db, nowMs),
  dropExpiredLogins: (_env, db, nowMs) => dropExpiredLogins(db, nowMs),
  dropExpiredAssertions: (_env, db, nowMs) => dropExpiredAssertions(db, nowMs),
  dropExpiredShares: (_env, db, nowMs) => dropExpiredShares(db, nowMs),
  dropOldDeliveries: (_env, db, nowMs) => dropOldDeliveries(db, nowMs),
  remindOfExpiry,
  rewrapWebhookSecrets: (env, db) => rewrapWebhookSecrets(db, readSettings(env).keks),
  rewrapOldSecrets: (env, db) => rewrapOldSecrets(db, readSettings(env).keks),
};

export async function runCron(env: AdminEnv, nowMs: number): Promise<void> {
  const db = controlDb(env.CONTROL_DB);
  for (const [name, step] of Object.entries(STEPS)) {
    try {
      await step(env, db, nowMs);
    } catch (cause) {
      console.error("cron step failed", { step: name, error: cause instanceof Error ? cause.name : "unknown" });
    }
  }
}

async function tellPendingGates(env: AdminEnv, db: ControlDb): Promise<void> {
  const pending = await oldestPendingGates(db, MAX_GATES_PER_RUN);
  const told = new Set((await tellGates(env.GATES, pending)).map((row) => row.id));
  const byOrganisation = new Map<string, PendingRow[]>();
  for (const row of pending) {
    if (!told.has(row.id)) continue;
    byOrganisation.set(row.organisationId, [...(byOrganisation.get(row.organisationId) ?? []), row]);
  }
  for (const [organisationId, rows] of byOrganisation) await markGatesTold(db, organisationId, rows);
}
