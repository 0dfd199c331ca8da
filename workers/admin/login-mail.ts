/** Mails one-time login links to whoever may log in with an address; at most so many an hour. */
import { workerMailer } from "../../src/cloudflare/worker-mailer.ts";
import { loginMail } from "../../src/domain/notice-text.ts";
import { isFailedGuard, runBatch } from "../../src/store/control-db.ts";
import {
  countLoginLinks,
  guardLoginLinks,
  insertLoginLink,
  membersByEmail,
  type MemberRow,
} from "../../src/store/members.ts";
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
    if (!(await storeLink(context, email, member, { secret, expiresAtMs }))) return;
    const sent = await mailer.send(loginMail(freshId(context, "msg"), email, `${origin}/login/${secret}`, expiresAtMs));
    if (!sent.ok) console.warn("login mail not sent", { reason: sent.error.reason });
  }
}

/** However many ask at once: counting and storing are one step. False: there are enough for this hour. */
async function storeLink(
  context: PublicContext,
  email: string,
  member: MemberRow,
  link: { readonly secret: string; readonly expiresAtMs: number },
): Promise<boolean> {
  const { db, nowMs } = context;
  const row = {
    id: loginLinkId(context.settings, link.secret),
    organisationId: member.organisationId,
    email,
    memberId: member.id,
    createdAtMs: nowMs,
    expiresAtMs: link.expiresAtMs,
    usedAtMs: null,
  };
  try {
    const guard = guardLoginLinks(db, email, nowMs - HOUR_MS, MAX_LOGIN_LINKS_PER_HOUR);
    await runBatch(db, [guard, insertLoginLink(db, row)]);
    return true;
  } catch (cause) {
    if (isFailedGuard(cause)) return false;
    throw cause;
  }
}
