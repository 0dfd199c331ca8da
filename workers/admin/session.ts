/**
 * Dashboard sessions as the API reads them: an HttpOnly, SameSite=Strict cookie whose value is random and of which only
 * a keyed hash is stored. A change must come from the dashboard's own origin.
 */
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { deriveKey } from "../../src/domain/derived-key.ts";
import { encodeHex, utf8 } from "../../src/domain/encoding.ts";
import { findSession, touchSession } from "../../src/store/sessions.ts";
import type { AdminSettings } from "./env.ts";
import type { Caller, PublicContext } from "./route.ts";

export const SESSION_COOKIE = "__Host-relaykey_session";
/** Without https a `__Host-` cookie would be dropped. */
export const LOCAL_SESSION_COOKIE = "relaykey_session";
const MAX_COOKIE_CHARS = 128;
const TOUCH_INTERVAL_MS = 60_000;

export function sessionCookieName(settings: AdminSettings): string {
  return settings.local ? LOCAL_SESSION_COOKIE : SESSION_COOKIE;
}

/** What is stored of a session: HMAC-SHA-256 of the cookie's value, lower-case hex. */
export function sessionIdOf(settings: AdminSettings, cookieValue: string): string {
  return encodeHex(hmac(sha256, deriveKey(settings.signingSeed, "session"), utf8(cookieValue)));
}

/** The session cookie's value, or null. */
export function sessionCookie(settings: AdminSettings, request: Request): string | null {
  const name = sessionCookieName(settings);
  for (const part of (request.headers.get("cookie") ?? "").split(";")) {
    const [key, value] = part.trim().split("=", 2);
    if (key === name && value !== undefined && value !== "" && value.length <= MAX_COOKIE_CHARS) return value;
  }
  return null;
}

/**
 * Whether a request with a cookie may change something: browsers say where it comes from, and anything that is not the
 * dashboard's own origin, or does not say, is refused.
 */
export function isSameOrigin(settings: AdminSettings, request: Request): boolean {
  const own = new URL(request.url).origin;
  const origin = request.headers.get("origin");
  if (origin !== null) return origin === own || origin === settings.adminOrigin;
  return request.headers.get("sec-fetch-site") === "same-origin";
}

/** The member behind a session cookie, or null when it is unknown, over, revoked, or the member was removed. */
export async function sessionCaller(context: PublicContext, cookieValue: string): Promise<Caller | null> {
  const id = sessionIdOf(context.settings, cookieValue);
  const session = await findSession(context.db, id, context.nowMs);
  if (session === null) return null;
  if (session.lastSeenAtMs + TOUCH_INTERVAL_MS < context.nowMs) {
    context.defer(touchSession(context.db, session.organisationId, id, context.nowMs));
  }
  return {
    kind: "member",
    id: session.memberId,
    name: session.memberName,
    role: session.role,
    organisationId: session.organisationId,
    constraints: null,
  };
}
