/** Mails one-time login links to whoever may log in with an address; at most so many an hour. */
import { workerMailer } from "../../src/cloudflare/worker-mailer.ts";
import { loginMail } from "../../src/domain/notice-text.ts";
import { runBatch } from "../../src/store/control-db.ts";
import { countLoginLinks, insertLoginLink, membersByEmail } from "../../src/store/members.ts";
import { freshId } from "./changes.ts";
import { freshSecret, LOGIN_LINK_TTL_MS, loginLinkId, MAX_LOGIN_LINKS_PER_HOUR } from "./login.ts";
import type { PublicContext } from "./route.ts";

const HOUR_MS = 3_600_000;

export async function mailLoginLinks(context: PublicContext, email: string): Promise<void> {
  const found = await membersByEmail(context.db, email);
  if (found.length === 0) return;
  if ((await countLoginLinks(context.db, email, context.nowMs - HOUR_MS)) >= MAX_LOGIN_LINKS_PER_HOUR) return;
  const origin = context.settings.adminOrigin ?? new URL(context.request.url).origin;
  const mailer = workerMailer(context.env);
  for (const member of found) {
    const secret = freshSecret(context);
    const expiresAtMs = context.nowMs + LOGIN_LINK_TTL_MS;
    await runBatch(context.db, [
      insertLoginLink(context.db, {
        id: loginLinkId(context.settings, secret),
        organisationId: member.organisationId,
        email,
        memberId: member.id,
        createdAtMs: context.nowMs,
        expiresAtMs,
        usedAtMs: null,
      }),
    ]);
    const sent = await mailer.send(loginMail(freshId(context, "msg"), email, `${origin}/login/${secret}`, expiresAtMs));
    if (!sent.ok) console.warn("login mail not sent", { reason: sent.error.reason });
  }
}
