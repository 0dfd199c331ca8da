/**
 * The headers that reach the caller: the vendor's, less what belongs to one hop and what would speak for RelayKey, for
 * its payments, or for its origin in a browser. RelayKey sets its own headers afterwards.
 *
 * The vendor's `RateLimit` and `Retry-After` pass: they are about the vendor's limits. Where RelayKey has limits of its
 * own to tell of, the pipeline overwrites them.
 */
import { HeaderMap, type ReadHeaders } from "./header-map.ts";
import { connectionNamed, isHopByHop, isPaymentHeader, isRelayKeyHeader, plainName } from "./header-names.ts";

export interface CallerHeaderOptions {
  /** A WebSocket answer (101): `Upgrade` and `Sec-WebSocket-*` go along. */
  readonly upgrade?: boolean;
  /** The body is changed on its way, so headers about its exact bytes would be wrong. */
  readonly bodyRewritten?: boolean;
}

const NEVER_PASSED: ReadonlySet<string> = new Set([
  "set-cookie",
  "set-cookie2",
  // Policies that a browser keeps for the whole origin, which is RelayKey's and not the vendor's.
  "strict-transport-security",
  "alt-svc",
  "clear-site-data",
  "service-worker-allowed",
  "public-key-pins",
  "public-key-pins-report-only",
  "expect-ct",
  "nel",
  "report-to",
  "reporting-endpoints",
  "accept-ch",
  "critical-ch",
  "origin-agent-cluster",
  // Navigation and caching at the edge on the vendor's word.
  "refresh",
  "cdn-cache-control",
  "cloudflare-cdn-cache-control",
  "surrogate-control",
  "surrogate-key",
  "x-accel-redirect",
  "x-sendfile",
]);

/** Headers about the body's exact bytes (RFC 9530 among them). */
const ABOUT_BYTES: ReadonlySet<string> = new Set([
  "content-length",
  "content-md5",
  "digest",
  "content-digest",
  "repr-digest",
  "accept-ranges",
  "etag",
]);

/** The caller's response headers; `change` may alter each value on its way, or take it out (null). `upstream` is not changed. */
export function callerResponseHeaders(
  upstream: ReadHeaders,
  options: CallerHeaderOptions,
  change: (name: string, value: string) => string | null = unchanged,
): HeaderMap {
  const perHop = connectionNamed(upstream);
  const headers = new HeaderMap();
  for (const [name, value] of upstream) {
    const plain = plainName(name);
    if (isHopByHop(plain) || perHop.has(plain) || NEVER_PASSED.has(plain)) continue;
    if (isRelayKeyHeader(plain) || isPaymentHeader(plain) || plain.startsWith("cf-")) continue;
    if (options.bodyRewritten === true && ABOUT_BYTES.has(plain)) continue;
    if (plain.startsWith("sec-websocket-") && options.upgrade !== true) continue;
    const changed = change(name, value);
    if (changed !== null) headers.append(name, changed);
  }
  if (options.upgrade === true) headers.set("upgrade", "websocket");
  return headers;
}

/**
 * Takes away what speaks of a body's exact bytes, once they were changed or may be: the same answer with other URLs in it. An
 * ETag becomes a weak one (RFC 9110 section 8.8.1), which still does for If-None-Match and for nothing that needs the bytes.
 */
export function dropAboutBytes(headers: HeaderMap): void {
  const etag = headers.get("etag");
  for (const name of ABOUT_BYTES) headers.delete(name);
  if (etag !== null && ENTITY_TAG.test(etag)) headers.set("etag", etag.startsWith("W/") ? etag : `W/${etag}`);
}

const ENTITY_TAG = /^(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"$/;

function unchanged(_name: string, value: string): string {
  return value;
}
