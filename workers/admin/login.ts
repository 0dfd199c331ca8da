/**
 * Logging in: one-time links and the sessions they open. A link's secret and a cookie's value exist in one mail and one
 * browser; the database holds keyed hashes. A session is short, ends when it is revoked, and never changes its value.
 */
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { deriveKey } from "../../src/domain/derived-key.ts";
import { encodeBase64Url, encodeHex, utf8 } from "../../src/domain/encoding.ts";
import { isFailedGuard, runBatch } from "../../src/store/control-db.ts";
import { guardPresent, insertSession, updateMember, type MemberRow } from "../../src/store/members.ts";
import type { AdminSettings } from "./env.ts";
import type { PublicContext } from "./route.ts";
import { sessionCookieName, sessionIdOf } from "./session.ts";

export const LOGIN_LINK_TTL_MS = 15 * 60_000;
export const MAX_LOGIN_LINKS_PER_HOUR = 5;
export const LOGIN_SECRET_CHARS = 43;
export const SESSION_TTL_MS = 12 * 3_600_000;
const SECRET_BYTES = 32;
export const MAX_USER_AGENT_CHARS = 256;

export function freshSecret(context: PublicContext): string {
  return encodeBase64Url(context.random(SECRET_BYTES));
}

/** What is stored of a login link. */
export function loginLinkId(settings: AdminSettings, secret: string): string {
  return encodeHex(hmac(sha256, deriveKey(settings.signingSeed, "login_link"), utf8(secret)));
}

/** Opens a session and gives the cookie that carries it; null when the member was removed at the same moment. */
export async function openSession(context: PublicContext, member: MemberRow): Promise<string | null> {
  const value = freshSecret(context);
  const expiresAtMs = context.nowMs + SESSION_TTL_MS;
  const opened = runBatch(context.db, [
    guardPresent(context.db, member.organisationId, member.id),
    insertSession(context.db, {
      id: sessionIdOf(context.settings, value),
      organisationId: member.organisationId,
      memberId: member.id,
      createdAtMs: context.nowMs,
      lastSeenAtMs: context.nowMs,
      expiresAtMs,
      revokedAtMs: null,
      userAgent: (context.request.headers.get("user-agent") ?? "").slice(0, MAX_USER_AGENT_CHARS),
    }),
    updateMember(context.db, member.organisationId, member.id, {
      status: "active",
      lastLoginAtMs: context.nowMs,
      updatedAtMs: context.nowMs,
    }),
  ]);
  try {
    await opened;
  } catch (cause) {
    if (isFailedGuard(cause)) return null;
    throw cause;
  }
  return sessionCookieHeader(context.settings, value, SESSION_TTL_MS / 1000);
}

/** Empty value and no lifetime: the browser forgets it. */
export function endedCookieHeader(settings: AdminSettings): string {
  return sessionCookieHeader(settings, "", 0);
}

export function sessionCookieHeader(settings: AdminSettings, value: string, maxAgeSeconds: number): string {
  const secure = settings.local ? "" : "; Secure";
  return `${sessionCookieName(settings)}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${maxAgeSeconds}${secure}`;
}
