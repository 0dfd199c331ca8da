/**
 * Finds the RelayKey tokens that a request carries, wherever a vendor's own SDK puts its key. Text only: nothing here is
 * verified, and whether a place counts for a connection is the pipeline's to decide.
 *
 * Always holds: everything that looks like a token in a header (cookies and Referer aside, which never travel on) or in
 * a query value is reported or, past `MAX_PRESENTED`, still recognised by `carriesToken` and so kept from the vendor.
 * Text that does not look like a token is reported only where nothing but a token can be meant, so that a made-up
 * credential reads as invalid and not as missing, while an SDK's placeholder key beside a real token does no harm.
 */
import { decodeBase64Unpadded, utf8Text } from "./encoding.ts";
import { containsToken, looksLikeToken } from "./token.ts";

export type Place =
  | { readonly kind: "header"; readonly name: string }
  | { readonly kind: "query"; readonly name: string }
  | { readonly kind: "subprotocol" };

export interface Presented {
  /** Unverified; may be of any form when the place is `X-RelayKey` or `Authorization`. */
  readonly token: string;
  /** Header names in lower case; query names decoded. */
  readonly place: Place;
}

/** More than two different tokens are refused anyway. */
export const MAX_PRESENTED = 16;
/** Longer than all headers together may be, so that nothing passes because it was too long to look at. */
const MAX_CREDENTIAL_CHARS = 32_768;
/** Entry of Sec-WebSocket-Protocol in which browsers' realtime clients send their key. */
const SUBPROTOCOL_PREFIX = "openai-insecure-api-key.";
/** Dropped on every request, so that a token in them is neither used nor forwarded. */
const NEVER_PLACES: ReadonlySet<string> = new Set(["cookie", "cookie2", "referer"]);

/** The tokens in a request's headers and raw query (with or without its `?`), in the order of their places. */
export function findPresented(headers: Iterable<[string, string]>, rawQuery: string): Presented[] {
  const found: Presented[] = [];
  const others: Presented[] = [];
  for (const [rawName, value] of headers) {
    const name = rawName.toLowerCase();
    if (NEVER_PLACES.has(name)) continue;
    const place: Place = name === "sec-websocket-protocol" ? { kind: "subprotocol" } : { kind: "header", name };
    const tokens = place.kind === "subprotocol" ? subprotocolTokens(value) : tokensIn(value);
    for (const token of tokens) add(found, { token, place });
    if (tokens.length > 0) continue;
    if (name === "x-relaykey") add(found, { token: bareCredential(value), place });
    if (name === "authorization") add(others, { token: bareCredential(value), place });
  }
  for (const [name, value] of queryPairs(rawQuery)) {
    if (looksLikeToken(value)) add(found, { token: value, place: { kind: "query", name } });
  }
  return found.length > 0 ? found : others;
}

/** Whether something that looks like a RelayKey token stands anywhere in a header's value, in clear or in Basic form. */
export function carriesToken(value: string): boolean {
  return containsToken(value) || tokensIn(value).length > 0;
}

/** Whether an entry of Sec-WebSocket-Protocol is there to carry a credential. */
export function isTokenSubprotocol(entry: string): boolean {
  return entry.startsWith(SUBPROTOCOL_PREFIX) || containsToken(entry);
}

/** The raw query (without `?`) less every parameter whose decoded value looks like a token; the rest byte for byte. */
export function queryWithoutTokens(rawQuery: string): string {
  const query = rawQuery.startsWith("?") ? rawQuery.slice(1) : rawQuery;
  if (!mayHoldToken(query)) return query;
  return query
    .split("&")
    .filter((pair) => !looksLikeToken(splitPair(pair)[1]))
    .join("&");
}

function add(list: Presented[], presented: Presented): void {
  if (presented.token === "" || list.length >= MAX_PRESENTED) return;
  list.push(presented);
}

/** Tokens in a header value: its words (parted by commas, spaces, quotes …), and what Basic words decode to. */
function tokensIn(value: string): string[] {
  const tokens: string[] = [];
  if (value.includes("rk_") || value.includes("vk_")) tokens.push(...words(value).filter(looksLikeToken));
  if (/basic/i.test(value)) tokens.push(...basicTokens(value));
  return tokens;
}

function words(value: string): string[] {
  return value.split(/[\s,;:="'<>()[\]{}|&?]+/);
}

/** Either half of `user:password` after each `Basic` word. */
function basicTokens(value: string): string[] {
  const tokens: string[] = [];
  for (const match of value.matchAll(/\bbasic[ \t]+([^\s,]+)/gi)) {
    tokens.push(...basicHalves(match[1] ?? "").filter(looksLikeToken));
  }
  return tokens;
}

function basicHalves(encoded: string): string[] {
  if (encoded.length > MAX_CREDENTIAL_CHARS) return [];
  const bytes = decodeBase64Unpadded(encoded);
  const text = bytes === null ? null : utf8Text(bytes);
  if (text === null) return [];
  const colon = text.indexOf(":");
  return colon < 0 ? [text] : [text.slice(0, colon), text.slice(colon + 1)];
}

/** The credential of `Bearer x`, `token x`, `Basic x` or plain `x`, whatever it looks like. */
function bareCredential(value: string): string {
  const match = /^\s*(?:[A-Za-z][A-Za-z-]*[ \t]+)?(\S+)\s*$/.exec(value.slice(0, MAX_CREDENTIAL_CHARS));
  return match?.[1] ?? value.slice(0, MAX_CREDENTIAL_CHARS).trim();
}

function subprotocolTokens(value: string): string[] {
  return value
    .split(",")
    .map((entry) => entry.trim())
    .map((entry) => (entry.startsWith(SUBPROTOCOL_PREFIX) ? entry.slice(SUBPROTOCOL_PREFIX.length) : entry))
    .filter(looksLikeToken);
}

/** Whether a raw query can hold a token at all: its prefixes hold an underscore, plain or encoded. */
function mayHoldToken(query: string): boolean {
  return query.includes("k_") || /%[5-7]/.test(query);
}

function* queryPairs(rawQuery: string): Generator<readonly [string, string]> {
  const query = rawQuery.startsWith("?") ? rawQuery.slice(1) : rawQuery;
  if (query === "" || !mayHoldToken(query)) return;
  for (const pair of query.split("&")) yield splitPair(pair);
}

/** Name and value as form decoding reads them (URL standard §5.1); what cannot be decoded stays as it stands. */
function splitPair(pair: string): [string, string] {
  const equals = pair.indexOf("=");
  const name = equals < 0 ? pair : pair.slice(0, equals);
  return [formDecoded(name), equals < 0 ? "" : formDecoded(pair.slice(equals + 1)).trim()];
}

function formDecoded(text: string): string {
  if (!text.includes("%") && !text.includes("+")) return text;
  const spaced = text.replaceAll("+", " ");
  // Sound escapes are decoded even where others in the same text are not.
  return spaced.replace(/(?:%[0-9A-Fa-f]{2})+/g, (escapes) => {
    try {
      return decodeURIComponent(escapes);
    } catch {
      return escapes.replace(/%([0-7][0-9A-Fa-f])/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
    }
  });
}
