/**
 * Turns a refusal into the answer that callers see. The only place where the proxy writes a problem document, so the
 * headers that steer clients (`WWW-Authenticate`, `Retry-After`, `x-should-retry`, `X-RelayKey-*`) are always there.
 */
import type { LimitStatus } from "../domain/admission.ts";
import type { ConnectionDocument } from "../domain/documents.ts";
import { DEFAULT_RETRY_SECONDS, mayPass, PROBLEM_KINDS, problemDocument, type Refusal } from "../domain/problem.ts";
import { rateLimitHeaders } from "../domain/ratelimit-headers.ts";

export interface RefusalContext {
  readonly requestId: string;
  readonly limits: readonly LimitStatus[];
  /** Known once a grant was found; lets the vendor's SDK understand that a refusal is final. */
  readonly connection: ConnectionDocument | null;
  /** The request's `Accept`; absent: it takes anything. */
  readonly accept?: string | null;
}

export function refusalResponse(refusal: Refusal, context: RefusalContext): Response {
  const kind = PROBLEM_KINDS[refusal.code];
  const headers = new Headers({
    "content-type": problemContentType(context.accept ?? null),
    "cache-control": "no-store",
    "x-relaykey-request-id": context.requestId,
    "x-relaykey-source": "relaykey",
  });
  if (kind.status === 401) headers.set("www-authenticate", 'Bearer realm="RelayKey", error="invalid_token"');
  // Whose token does not count learns nothing of limits, nor of the vendor behind the connection.
  const known = kind.status !== 401;
  const retryable = mayPass(refusal);
  const seconds = refusal.retryAfterSeconds ?? (retryable ? DEFAULT_RETRY_SECONDS : null);
  const limits = known ? limitsToTell(refusal, context.limits, seconds ?? DEFAULT_RETRY_SECONDS) : [];
  for (const [name, value] of Object.entries(rateLimitHeaders(limits))) headers.set(name, value);
  if (seconds !== null) headers.set("retry-after", String(Math.max(1, Math.ceil(seconds))));
  if (!retryable) {
    headers.set("x-should-retry", "false");
    if (known && context.connection?.noRetryHeader) headers.set(context.connection.noRetryHeader, "false");
  }
  for (const [name, value] of Object.entries(refusal.headers ?? {})) headers.set(name, value);
  const told = seconds === null ? refusal : { ...refusal, retryAfterSeconds: seconds };
  return new Response(JSON.stringify(problemDocument(told, context.requestId)), { status: kind.status, headers });
}

/** Where the vendor's own wait is in the way, and no limit that RelayKey counts: nothing until the wait is over. */
function limitsToTell(refusal: Refusal, limits: readonly LimitStatus[], waitSeconds: number): readonly LimitStatus[] {
  if (refusal.code !== "vendor_limited" || limits.some(({ remaining }) => remaining === 0)) return limits;
  const windowSeconds = Math.max(1, Math.ceil(waitSeconds));
  const wait = { windowSeconds, resetSeconds: windowSeconds, limit: 0, remaining: 0 };
  return [...limits, { name: "vendor", kind: "quota", unit: "requests", ...wait }];
}

/**
 * Clients that ask for a vendor's own media type alone (Octokit) do not know problem documents and take them for binary,
 * which hides the reason from their users; with a charset (always UTF-8, RFC 8259 section 8.1) they read the text.
 */
function problemContentType(accept: string | null): string {
  const knowsJson = accept === null || /\*\/\*|application\/(?:\*|json|problem\+json)/i.test(accept);
  return knowsJson ? "application/problem+json" : "application/problem+json; charset=utf-8";
}
