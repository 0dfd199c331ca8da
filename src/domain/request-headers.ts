/**
 * The headers that reach the vendor: the caller's, less everything by which a caller could speak as RelayKey, as another
 * account, from another address, for another path or method, or pass its own credential on. A deny list by design: vendors
 * have headers of their own that no list could name.
 *
 * Always holds: no header of the result carries a RelayKey token, and none that this module denies comes from the caller,
 * whether written with `-`, `_` or `.`. The vendor's key is set later, by the caller of this module.
 *
 * `Origin` passes (the vendor's CORS answer is the vendor's to give); `Referer` and `Sec-Fetch-*` do not: they tell of
 * the proxy's URL and of pages that are none of the vendor's business.
 */
import { readableCodings, withoutCharsets } from "./content-coding.ts";
import { HeaderMap, type ReadHeaders } from "./header-map.ts";
import { connectionNamed, isHopByHop, isPaymentHeader, isRelayKeyHeader, plainName } from "./header-names.ts";
import { carriesToken, isTokenSubprotocol, type Presented } from "./presented.ts";
import type { Outcome, Refusal } from "./problem.ts";
import { err, ok } from "./result.ts";

export const MAX_HEADERS = 128;
/** Names and values together. Servers commonly take between 8 and 32 KiB. */
export const MAX_HEADER_BYTES_TOTAL = 32_768;

export interface VendorHeaderOptions {
  /** What `findPresented` found; headers named there are dropped whatever they hold. */
  readonly presented: readonly Presented[];
  /** Lower-case names of headers that switch the vendor's account, beside those that are known of any. */
  readonly accountHeaders: readonly string[];
  /** Those of them that the grant allows, in any case. */
  readonly allowHeaders: readonly string[];
  /** The owner's fixed headers; they win over the caller's, look-alikes included. */
  readonly fixed: Readonly<Record<string, string>>;
  /** Added where the caller sent none of that name. */
  readonly defaults?: Readonly<Record<string, string>> | undefined;
  /** Headers in which the vendor's key travels: never taken from the caller. */
  readonly authHeaderNames: readonly string[];
  /** A WebSocket handshake: `Upgrade` and `Sec-WebSocket-*` go along, less the token's subprotocol. */
  readonly upgrade: boolean;
}

/** The vendor's request headers, or `header_too_large`. `incoming` is not changed. */
export function vendorRequestHeaders(incoming: ReadHeaders, options: VendorHeaderOptions): Outcome<HeaderMap> {
  const perHop = connectionNamed(incoming);
  const denied = deniedByOptions(options);
  const allowed = new Set(options.allowHeaders.map((name) => name.toLowerCase()));
  const own = options.accountHeaders;
  const account = own.length === 0 ? ACCOUNT_HEADERS : new Set([...ACCOUNT_HEADERS, ...own.map(plainName)]);
  const headers = new HeaderMap();
  let count = 0;
  let bytes = 0;
  for (const [name, value] of incoming) {
    count += 1;
    bytes += name.length + value.length;
    if (count > MAX_HEADERS || bytes > MAX_HEADER_BYTES_TOTAL) return err(TOO_LARGE);
    const plain = plainName(name);
    if (isNeverSent(plain) || perHop.has(plain) || denied.has(plain)) continue;
    if (account.has(plain) && !allowed.has(name.toLowerCase())) continue;
    if (plain.startsWith("sec-websocket-") || carriesToken(value)) continue;
    const narrow = NARROWED.get(plain);
    if (narrow === undefined) headers.append(name, value);
    else if (plain === name) headers.append(name, narrow(value));
  }
  for (const [name, value] of Object.entries(options.fixed)) {
    if (!isFraming(plainName(name))) headers.set(name, value);
  }
  for (const [name, value] of Object.entries(options.defaults ?? {})) {
    if (!headers.has(name) && !isFraming(plainName(name))) headers.set(name, value);
  }
  if (options.upgrade) copyHandshake(incoming, headers);
  return ok(headers);
}

/** Too many or too large (RFC 6585 §5). Bytes are counted as UTF-16 units, which header text never exceeds. */
const TOO_LARGE: Refusal = {
  code: "header_too_large",
  detail: `At most ${MAX_HEADERS} headers of ${MAX_HEADER_BYTES_TOTAL} bytes together are forwarded.`,
};

/** Whether the owner may fix a header of that name on a connection: it must not be about framing, RelayKey or payment. */
export function isFixableHeader(name: string): boolean {
  const plain = plainName(name);
  return !isFraming(plain) && !isRelayKeyHeader(plain) && !isPaymentHeader(plain);
}

/**
 * Switch the account at one vendor or another, act for another user, or name a second resource that is read; a connection
 * that was made without the catalogue names none. A grant may allow each by its name.
 */
const ACCOUNT_HEADERS: ReadonlySet<string> = new Set([
  "stripe-account",
  "stripe-context",
  "openai-organization",
  "openai-project",
  "anthropic-workspace-id",
  "on-behalf-of",
  "x-on-behalf-of",
  "as-user",
  "impersonate-user",
  "sudo",
  "dropbox-api-select-user",
  "dropbox-api-select-admin",
  "paypal-auth-assertion",
  "x-grafana-org-id",
  "x-scope-orgid",
  "x-amz-copy-source",
  "x-copy-from",
  "x-goog-copy-source",
  "x-ms-copy-source",
  "x-ms-rename-source",
]);

/** What a caller may ask of an answer's form, less what could not be searched for the key; look-alikes of the names do not pass. */
const NARROWED: ReadonlyMap<string, (value: string) => string> = new Map([
  ["accept", withoutCharsets],
  ["accept-encoding", readableCodings],
]);

function deniedByOptions(options: VendorHeaderOptions): ReadonlySet<string> {
  const denied = new Set(options.authHeaderNames.map(plainName));
  for (const name of Object.keys(options.fixed)) denied.add(plainName(name));
  for (const { place } of options.presented) if (place.kind === "header") denied.add(plainName(place.name));
  return denied;
}

/** Set by the platform's fetch alone. */
function isFraming(plain: string): boolean {
  return isHopByHop(plain) || FRAMING.has(plain);
}

const FRAMING: ReadonlySet<string> = new Set(["host", "content-length", "expect"]);

const NEVER_SENT: ReadonlySet<string> = new Set([
  // The caller's own credentials and where it comes from.
  "authorization",
  "cookie",
  "cookie2",
  "referer",
  // A second path, host or method that the scope never judged.
  "x-http-method",
  "x-http-method-override",
  "x-method",
  "x-method-override",
  "http-method-override",
  "x-http-path-override",
  "x-http-host-override",
  "x-http-destinationurl",
  "x-override-url",
  "x-host",
  "destination",
  // An answer in another charset, or as a difference to an earlier one (RFC 3229), could not be searched for the key.
  "accept-charset",
  "a-im",
  // Who passed it on.
  "forwarded",
  "via",
  "cdn-loop",
  "early-data",
  // Payment clients ask to see payment headers by it.
  "access-control-expose-headers",
]);

const NEVER_SENT_PREFIXES = [
  "cf-",
  "x-forwarded",
  "x-original-",
  "x-rewrite-",
  "x-envoy-",
  "x-middleware-",
  "sec-fetch-",
] as const;

/** As parts of names without separators: `True-Client-IP`, `Fastly-Client-IP`, `X-Azure-ClientIP`, `WL-Proxy-Client-IP` … */
const ADDRESS_PARTS =
  /clientip|clientaddr|realip|remoteip|remoteaddr|originatingip|forwardedfor|userip|socketip|hostip/;

/** Verdicts by plain name: the same few names come with every request. */
const verdicts = new Map<string, boolean>();
const MAX_VERDICTS = 1_000;

function isNeverSent(plain: string): boolean {
  const known = verdicts.get(plain);
  if (known !== undefined) return known;
  if (verdicts.size >= MAX_VERDICTS) verdicts.clear();
  const verdict = judgeName(plain);
  verdicts.set(plain, verdict);
  return verdict;
}

function judgeName(plain: string): boolean {
  if (isFraming(plain) || NEVER_SENT.has(plain) || isRelayKeyHeader(plain) || isPaymentHeader(plain)) return true;
  for (const prefix of NEVER_SENT_PREFIXES) if (plain.startsWith(prefix)) return true;
  return ADDRESS_PARTS.test(plain.replaceAll("-", "")) || plain.includes("method-override");
}

/** RFC 6455 §4.1. The client's key and version go along; so do the subprotocols that carry no credential. */
function copyHandshake(incoming: ReadHeaders, headers: HeaderMap): void {
  headers.set("upgrade", "websocket");
  for (const name of ["sec-websocket-key", "sec-websocket-version", "sec-websocket-extensions"]) {
    const value = incoming.get(name);
    if (value !== null && !carriesToken(value)) headers.set(name, value);
  }
  const offered = incoming.get("sec-websocket-protocol") ?? "";
  const kept = offered
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "" && !isTokenSubprotocol(entry));
  if (kept.length > 0) headers.set("sec-websocket-protocol", kept.join(", "));
}
