/**
 * Signed quotes: what makes an offer of a while ago still payable without anything being stored. Pure.
 *
 * A quote is `<expiry, seconds since 1970>.<MAC>`. The MAC covers every member of the offer and the grant, method and path
 * for which it was made, so that a quote for one route or one policy buys nothing on another, and nothing in it can be edited.
 */
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { encodeBase64Url, equalText, utf8 } from "./encoding.ts";
import type { PaymentRule } from "./payment.ts";
import { atomicAmount } from "./payment-price.ts";
import type { Requirements } from "./x402-wire.ts";

/** For what a quote was made. */
export interface QuotedCall {
  readonly grantId: string;
  readonly method: string;
  readonly path: string;
}

const QUOTE = /^([1-9]\d{0,11})\.([A-Za-z0-9_-]{22})$/;
const MAC_BYTES = 16;

/** Offers for a call, in the rule's order. */
export function makeOffers(
  rule: PaymentRule,
  call: QuotedCall,
  terms: { readonly usdMicros: number; readonly maxTimeoutSeconds: number; readonly nowMs: number },
  key: Uint8Array,
): readonly Requirements[] {
  const expiresAtSeconds = Math.floor(terms.nowMs / 1_000) + rule.quoteLifetimeSeconds;
  return rule.accepts.map((accept) => {
    const offer = {
      scheme: "exact",
      network: accept.network,
      amount: atomicAmount(terms.usdMicros, accept.decimals).toString(),
      asset: accept.asset,
      payTo: accept.payTo,
      maxTimeoutSeconds: terms.maxTimeoutSeconds,
    } as const;
    const domain = { name: accept.name, version: accept.version };
    const quote = `${expiresAtSeconds}.${macOf({ ...offer, extra: domain }, call, expiresAtSeconds, key)}`;
    return { ...offer, extra: { ...domain, quote } };
  });
}

export type QuoteVerdict = "good" | "expired" | "not_ours";

/** Whether RelayKey made this offer for this call, and whether it still stands. */
export function checkQuote(offer: Requirements, call: QuotedCall, nowMs: number, key: Uint8Array): QuoteVerdict {
  const match = QUOTE.exec(offer.extra.quote);
  if (match === null) return "not_ours";
  const expiresAtSeconds = Number(match[1]);
  if (!equalText(macOf(offer, call, expiresAtSeconds, key), match[2] ?? "")) return "not_ours";
  return nowMs <= expiresAtSeconds * 1_000 ? "good" : "expired";
}

type Unquoted = Omit<Requirements, "extra"> & { readonly extra: Omit<Requirements["extra"], "quote"> };

function macOf(offer: Unquoted, call: QuotedCall, expiresAtSeconds: number, key: Uint8Array): string {
  const covered = [
    expiresAtSeconds,
    call.grantId,
    call.method,
    call.path,
    offer.scheme,
    offer.network,
    offer.amount,
    offer.asset,
    offer.payTo,
    offer.maxTimeoutSeconds,
    offer.extra.name,
    offer.extra.version,
  ];
  return encodeBase64Url(hmac(sha256, key, utf8(JSON.stringify(covered))).subarray(0, MAC_BYTES));
}
