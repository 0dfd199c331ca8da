/**
 * The audit Worker: takes events off the queue into the audit database, and notices to those they concern.
 * It has no public route.
 */
import type { NoticeDispatcher } from "../../src/ports.ts";
import { consume } from "./consume.ts";
import { dispatchNotices, NO_DISPATCHER } from "./dispatch.ts";
import type { AuditEnv } from "./env.ts";

/** The seam for mail and webhooks. */
function dispatcherFor(_env: AuditEnv): NoticeDispatcher {
  return NO_DISPATCHER;
}

export default {
  async queue(batch, env): Promise<void> {
    await consume(batch, env);
    if (batch.messages.length > 0) await dispatchNotices(env.AUDIT_DB, dispatcherFor(env), Date.now());
  },
  async scheduled(_controller, env): Promise<void> {
    await dispatchNotices(env.AUDIT_DB, dispatcherFor(env), Date.now());
  },
  fetch(): Response {
    return new Response(null, { status: 404 });
  },
} satisfies ExportedHandler<AuditEnv>;
