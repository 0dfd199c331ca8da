/**
 * Which header names mean what, for requests and responses alike. Names are compared in their plain form (lower case, whatever is
 * no letter and no digit read as `-`), because many servers read `X_Forwarded_For` and `X-Forwarded-For` as one variable
 * (RFC 3875 §4.1.18), and some every other sign as well.
 */

import type { ReadHeaders } from "./header-map.ts";

/** Lower case, with `-` for every sign that a name may hold (RFC 9110 §5.6.2). */
export function plainName(name: string): string {
  const lower = name.toLowerCase();
  return PLAIN.test(lower) ? lower : lower.replaceAll(/[^a-z0-9]/g, "-");
}

const PLAIN = /^[a-z0-9-]*$/;

/** One hop only (RFC 9110 §7.6.1, RFC 7540 §3.2.1, and the older `Proxy-Connection`). */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "te",
  "trailer",
  "trailers",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
  "proxy",
]);

/** Whether the plain name belongs to one hop only; `Proxy-*` does as a family. */
export function isHopByHop(plain: string): boolean {
  return HOP_BY_HOP.has(plain) || plain.startsWith("proxy-");
}

/** Plain names that `Connection` declares to be for this hop (RFC 9110 §7.6.1). */
export function connectionNamed(headers: ReadHeaders): ReadonlySet<string> {
  const value = headers.get("connection");
  if (value === null) return NONE;
  return new Set(value.split(",").map((name) => plainName(name.trim())));
}

const NONE: ReadonlySet<string> = new Set();

/** RelayKey's own headers. */
export function isRelayKeyHeader(plain: string): boolean {
  return plain.startsWith("x-relaykey") || plain.startsWith("relaykey");
}

/** Headers by which a payment is asked for, made or acknowledged (x402, versions 1 and 2). */
export function isPaymentHeader(plain: string): boolean {
  return plain.startsWith("payment-") || plain.startsWith("x-payment") || plain === "settlement-overrides";
}
