/**
 * Dashboard sessions that a management key opens, so that the key itself is sent once and kept by no browser. Such a session
 * may what the key may, is looked up with the key at each request, and so ends when the key is revoked or expires.
 */
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { deriveKey } from "../../src/domain/derived-key.ts";
import { encodeHex, utf8 } from "../../src/domain/encoding.ts";
import { runBatch } from "../../src/store/control-db.ts";
import { insertSession } from "../../src/store/members.ts";
import type { AdminSettings } from "./env.ts";
import { freshSecret, MAX_USER_AGENT_CHARS, SESSION_TTL_MS, sessionCookieHeader } from "./login.ts";
import type { RouteContext } from "./route.ts";

/**
 * What is stored of the cookie. The owner's key has no row that could be revoked, so it takes part: once it is replaced, no
 * session from before it is found.
 */
export function keySessionId(settings: AdminSettings, cookieValue: string): string {
  const bound = utf8(`${cookieValue}\n${settings.ownerKey}`);
  return encodeHex(hmac(sha256, deriveKey(settings.signingSeed, "session"), bound));
}

/** Gives the cookie that carries the session. */
export async function openKeySession(context: RouteContext): Promise<string> {
  const value = freshSecret(context);
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
