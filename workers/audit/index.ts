/**
 * The audit Worker: takes events off the queue into the audit database, and notices to those they concern.
 * It has no public route.
 */
import { consume } from "./consume.ts";
import { dispatchNotices } from "./dispatch.ts";
import { dispatcherFor, runWebhooks } from "./dispatcher.ts";
import type { AuditEnv } from "./env.ts";

export default {
  async queue(batch, env): Promise<void> {
    await consume(batch, env);
    if (batch.messages.length === 0) return;
    await dispatchNotices(env.AUDIT_DB, dispatcherFor(env), Date.now());
    await runWebhooks(env, false);
  },
  async scheduled(_controller, env): Promise<void> {
    await dispatchNotices(env.AUDIT_DB, dispatcherFor(env), Date.now());
    await runWebhooks(env, true);
  },
  fetch(): Response {
    return new Response(null, { status: 404 });
  },
} satisfies ExportedHandler<AuditEnv>;
