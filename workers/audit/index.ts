/**
 * The audit Worker: takes events off the queue into the audit database, and notices to those they concern; writes exports
 * and the archive. It has no public route.
 */
import { consume } from "./consume.ts";
import { dispatchNotices } from "./dispatch.ts";
import { dispatcherFor, runWebhooks } from "./dispatcher.ts";
import type { AuditEnv } from "./env.ts";
import { clearUp, each, writeExports } from "./housekeeping.ts";

export default {
  async queue(batch, env, context): Promise<void> {
    await consume(batch, env);
    if (batch.messages.length === 0) return;
    await each({
      notices: () => dispatchNotices(env.AUDIT_DB, dispatcherFor(env), Date.now()),
      webhooks: () => runWebhooks(env, false),
    });
    // An export takes longer than the next batch should wait.
    context.waitUntil(each({ exports: () => writeExports(env) }));
  },
  async scheduled(_controller, env): Promise<void> {
    await each({
      notices: () => dispatchNotices(env.AUDIT_DB, dispatcherFor(env), Date.now()),
      webhooks: () => runWebhooks(env, true),
      exports: () => writeExports(env),
      clearUp: () => clearUp(env, Date.now()),
    });
  },
  fetch(): Response {
    return new Response(null, { status: 404 });
  },
} satisfies ExportedHandler<AuditEnv>;
