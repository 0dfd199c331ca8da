/**
 * Dashboard sessions that a management key opens, so that the key itself is sent once and kept by no browser. Such a session
 * may what the key may, is looked up with the key at each request, and so ends when the key is revoked, expires or is
 * replaced: the cookie says by a mark which token opened it, and holds while that token would.
 */
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { deriveKey } from "../../src/domain/derived-key.ts";
import { encodeBase64Url, encodeHex, equalText, utf8 } from "../../src/domain/encoding.ts";
import { readToken } from "../../src/domain/token.ts";
import { runBatch } from "../../src/store/control-db.ts";
import { insertSession } from "../../src/store/members.ts";
import type { AdminSettings } from "./env.ts";
import { freshSecret, MAX_USER_AGENT_CHARS, SESSION_TTL_MS, sessionCookieHeader } from "./login.ts";
import type { RouteContext } from "./route.ts";

/** Between a cookie's random part and its mark; in neither of them. */
const MARK_SIGN = ".";

/**
 * What is stored of the whole cookie, its mark included. The owner's key has no row that could be revoked, so it takes
 * part: once it is replaced, no session from before it is found.
 */
export function keySessionId(settings: AdminSettings, cookieValue: string): string {
  const bound = utf8(`${cookieValue}\n${settings.ownerKey}`);
  return encodeHex(hmac(sha256, deriveKey(settings.signingSeed, "session"), bound));
}

/** Whether this token opened the session. One whose cookie has no mark was opened by none. */
export function isOpenedBy(settings: AdminSettings, cookieValue: string, lookupId: string): boolean {
  const [random = "", mark = ""] = cookieValue.split(MARK_SIGN);
  return equalText(markOf(settings, random, lookupId), mark);
}

/** Names a token in a cookie without saying anything about it. */
function markOf(settings: AdminSettings, random: string, lookupId: string): string {
  return encodeBase64Url(hmac(sha256, deriveKey(settings.signingSeed, "session_mark"), utf8(`${random}\n${lookupId}`)));
}

/** Gives the cookie that carries the session. The owner's key may have any form, and needs no mark. */
export async function openKeySession(context: RouteContext, token: string): Promise<string> {
  const random = freshSecret(context);
  const value = `${random}${MARK_SIGN}${markOf(context.settings, random, readToken(token)?.lookupId ?? "")}`;
  await runBatch(context.db, [
    insertSession(context.db, {
      id: keySessionId(context.settings, value),
      organisationId: context.organisationId,
      memberId: context.caller.id,
      createdAtMs: context.nowMs,
      lastSeenAtMs: context.nowMs,
      expiresAtMs: context.nowMs + SESSION_TTL_MS,
      revokedAtMs: null,
      userAgent: (context.request.headers.get("user-agent") ?? "").slice(0, MAX_USER_AGENT_CHARS),
    }),
  ]);
  return sessionCookieHeader(context.settings, value, SESSION_TTL_MS / 1000);
}
