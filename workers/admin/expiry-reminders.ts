/**
 * Reminds recipients of credentials that end soon: once, three days before, and only when they were given out for longer
 * than a week. Goes on from where it stopped; a provider that fails now is asked again in the next run.
 */
import { workerMailer } from "../../src/cloudflare/worker-mailer.ts";
import { expiryMail } from "../../src/domain/notice-text.ts";
import type { ControlDb } from "../../src/store/control-db.ts";
import { expiringCredentials } from "../../src/store/expiring-credentials.ts";
import { readPosition, writePosition } from "../../src/store/work-positions.ts";
import type { AdminEnv } from "./env.ts";

const DAY_MS = 86_400_000;
const NOTICE_MS = 3 * DAY_MS;
const MIN_LIFETIME_MS = 7 * DAY_MS;
const MAX_PER_RUN = 100;
const POSITION = "reminders/expiry";

export async function remindOfExpiry(env: AdminEnv, db: ControlDb, nowMs: number): Promise<void> {
  const upToMs = nowMs + NOTICE_MS;
  let reached = Number((await readPosition(env.AUDIT_DB, POSITION)) ?? upToMs);
  const due = await expiringCredentials(db, Math.max(reached, nowMs), upToMs, MAX_PER_RUN);
  const mailer = workerMailer(env);
  for (const credential of due) {
    if (credential.expiresAtMs - credential.createdAtMs >= MIN_LIFETIME_MS) {
      const sent = await mailer.send(expiryMail(credential, credential.email));
      if (!sent.ok && sent.error.retryable) break;
    }
    reached = credential.expiresAtMs;
  }
  await writePosition(env.AUDIT_DB, POSITION, String(due.length === 0 ? upToMs : reached));
}
