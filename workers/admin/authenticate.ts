/**
 * Who is calling: the owner's key, a management key, or a dashboard session. Checked without I/O as far as possible, so
 * that guesses cost nothing. The token stays in the request; the caller that comes out of here carries none.
 */
import { Constraints } from "../../src/contract/management-key.ts";
import type { AdminProblem } from "../../src/contract/problem.ts";
import { equalText } from "../../src/domain/encoding.ts";
import { DEFAULT_ORGANISATION_ID } from "../../src/domain/ids.ts";
import { err, ok } from "../../src/domain/result.ts";
import type { Result } from "../../src/domain/result.ts";
import { parseToken, verifyTokenHash } from "../../src/domain/token.ts";
import { findKeySession } from "../../src/store/key-sessions.ts";
import { findManagementKey, findManagementKeyByLookup, touchManagementKey } from "../../src/store/management-keys.ts";
import type { ManagementKeyRow } from "../../src/store/management-keys.ts";
import { isOpenedBy, keySessionId } from "./key-session.ts";
import type { Caller, PublicContext } from "./route.ts";
import { isSameOrigin, sessionCaller, sessionCookie } from "./session.ts";

const LAST_USED_INTERVAL_MS = 60_000;
/** The key in `RELAYKEY_OWNER_KEY` has no row; this is its id on the record of changes. */
export const OWNER_KEY_ID = "mk_owner";

const OWNER_CALLER: Caller = {
  kind: "management_key",
  id: OWNER_KEY_ID,
  name: "Owner key",
  role: "owner",
  organisationId: DEFAULT_ORGANISATION_ID,
  constraints: null,
};

const INVALID: AdminProblem = {
  code: "credential_invalid",
  detail: "The management key or session is unknown, expired or revoked",
};

/** The bearer token of a request, or null. */
export function bearerToken(request: Request): string | null {
  return /^Bearer +(\S{1,512})$/i.exec(request.headers.get("authorization") ?? "")?.[1] ?? null;
}

/** The secret by which this caller proved itself; stored responses are sealed under it. */
export function callerSecret(context: PublicContext): string {
  return bearerToken(context.request) ?? sessionCookie(context.settings, context.request) ?? "";
}

export async function authenticate(context: PublicContext): Promise<Result<Caller, AdminProblem>> {
  if (context.request.headers.has("authorization")) {
    const token = bearerToken(context.request);
    const caller = token === null ? null : await keyCaller(context, token);
    return caller === null ? err(INVALID) : ok(caller);
  }
  const cookie = sessionCookie(context.settings, context.request);
  if (cookie === null) {
    return err({ code: "credential_missing", detail: "Send a management key as Authorization: Bearer rk_mgmt_…" });
  }
  if (!["GET", "HEAD"].includes(context.request.method) && !isSameOrigin(context.settings, context.request)) {
    return err({ code: "csrf_refused", detail: "A session may change things only from the dashboard itself" });
  }
  const caller = (await sessionCaller(context, cookie)) ?? (await keySessionCaller(context, cookie));
  return caller === null ? err(INVALID) : ok(caller);
}

async function keyCaller(context: PublicContext, token: string): Promise<Caller | null> {
  const { ownerKey, peppers } = context.settings;
  // Compared before it is parsed: the owner's key outlives the peppers it was made under.
  if (ownerKey.length > 0 && equalText(token, ownerKey)) return OWNER_CALLER;
  const parsed = parseToken(token, peppers);
  if (parsed === null || parsed.kind !== "management") return null;
  const row = await findManagementKeyByLookup(context.db, parsed.lookupId);
  if (row === null || row.role !== parsed.role || !isLive(row, context.nowMs)) return null;
  if (!verifyTokenHash(token, liveTokens(row, context.nowMs), peppers)) return null;
  if ((row.lastUsedAtMs ?? 0) + LAST_USED_INTERVAL_MS < context.nowMs) {
    context.defer(touchManagementKey(context.db, row.organisationId, row.id, context.nowMs));
  }
  return callerOf(row);
}

/**
 * The key behind a session that a key opened, looked up afresh. Null as well once the token that opened it would be
 * refused: replaced, or made under a pepper that is gone.
 */
async function keySessionCaller(context: PublicContext, cookieValue: string): Promise<Caller | null> {
  const id = keySessionId(context.settings, cookieValue);
  const session = await findKeySession(context.db, id, context.nowMs);
  if (session === null) return null;
  if (session.keyId === OWNER_KEY_ID) return OWNER_CALLER;
  const row = await findManagementKey(context.db, session.organisationId, session.keyId);
  if (row === null || !isLive(row, context.nowMs)) return null;
  const { settings } = context;
  const tokens = liveTokens(row, context.nowMs).filter((each) => settings.peppers.some((p) => p.id === each.pepperId));
  return tokens.some((each) => isOpenedBy(settings, cookieValue, each.lookupId)) ? callerOf(row) : null;
}

function callerOf(row: ManagementKeyRow): Caller {
  return {
    kind: "management_key",
    id: row.id,
    name: row.name,
    role: row.role,
    organisationId: row.organisationId,
    constraints: constraintsOf(row),
  };
}

function isLive(row: ManagementKeyRow, nowMs: number): boolean {
  return row.status === "active" && (row.expiresAtMs === null || row.expiresAtMs > nowMs);
}

interface LiveToken {
  readonly lookupId: string;
  readonly hash: string;
  readonly pepperId: string;
}

/** The key's token, and the one before a rotation while that is still good. */
function liveTokens(row: ManagementKeyRow, nowMs: number): LiveToken[] {
  const tokens = [{ lookupId: row.lookupId, hash: row.tokenHash, pepperId: row.pepperId }];
  const { previousLookupId: lookupId, previousTokenHash: hash, previousPepperId: pepperId } = row;
  if (lookupId === null || hash === null || pepperId === null) return tokens;
  if ((row.previousExpiresAtMs ?? 0) > nowMs) tokens.push({ lookupId, hash, pepperId });
  return tokens;
}

/** Null when they do not read: a provisioner without constraints may do nothing. */
function constraintsOf(row: ManagementKeyRow): Caller["constraints"] {
  const parsed = row.constraints === null ? null : Constraints.safeParse(row.constraints);
  return parsed?.success ? parsed.data : null;
}
