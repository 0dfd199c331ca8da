/** What the audit Worker tells people with: the mailer and the webhooks of this deployment. */
import { noticeDispatcher } from "../../src/cloudflare/notices.ts";
import { deliverDueWebhooks } from "../../src/cloudflare/webhooks.ts";
import { collectWebhookEvents } from "../../src/cloudflare/webhook-sources.ts";
import { workerMailer } from "../../src/cloudflare/worker-mailer.ts";
import { decodeBase64Url } from "../../src/domain/encoding.ts";
import { parsePeppers } from "../../src/domain/token.ts";
import type { NoticeDispatcher } from "../../src/ports.ts";
import { controlDb } from "../../src/store/control-db.ts";
import type { AuditEnv } from "./env.ts";

export function dispatcherFor(env: AuditEnv): NoticeDispatcher {
  const seed = decodeBase64Url(env.RELAYKEY_SIGNING_SEED);
  if (seed === null) throw new Error("RELAYKEY_SIGNING_SEED is not base64url");
  return noticeDispatcher({
    db: controlDb(env.CONTROL_DB),
    mailer: workerMailer(env),
    adminOrigin: env.ADMIN_ORIGIN ?? "",
    signingSeed: seed,
    nowMs: () => Date.now(),
  });
}

/** Sends what webhooks wait for; with `collect`, first looks through both databases for what happened since. */
export async function runWebhooks(env: AuditEnv, collect: boolean): Promise<void> {
  const keks = parsePeppers(env.RELAYKEY_KEKS);
  if (!keks.ok) throw new Error(`RELAYKEY_KEKS: ${keks.error}`);
  const db = controlDb(env.CONTROL_DB);
  if (collect) await collectWebhookEvents(db, env.AUDIT_DB, Date.now());
  await deliverDueWebhooks(db, {
    fetch: (request) => fetch(request),
    keks: keks.value,
    allowPrivate: env.ALLOW_PRIVATE_UPSTREAMS === "true",
    nowMs: () => Date.now(),
  });
}
