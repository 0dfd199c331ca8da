/**
 * Whether a presented payment pays for this call: its offer, what was signed, its times, its signature. Pure.
 *
 * What comes out holds of the signed bytes alone, never of what somebody said about them: payer, amount, token and
 * recipient were covered by the payer's signature, for an offer that RelayKey itself made.
 */
import { encodeHex } from "./encoding.ts";
import type { PaymentRule } from "./payment.ts";
import { atomicAmount } from "./payment-price.ts";
import { err, ok, type Result } from "./result.ts";
import { authorizationDigest, recoverSigner, type TransferAuthorization } from "./x402-authorization.ts";
import { chainIdOf, v1NetworkName } from "./x402-networks.ts";
import { checkQuote, type QuotedCall } from "./x402-quote.ts";
import { v1Requirements, type PresentedPayment, type Requirements } from "./x402-wire.ts";

/** The chain's clock may run ahead of or behind ours. */
const CLOCK_SKEW_SECONDS = 5;

export interface PaymentTerms {
  readonly rule: PaymentRule;
  readonly call: QuotedCall;
  readonly usdMicros: number;
  readonly maxTimeoutSeconds: number;
  /** The authorization must hold for this long: the vendor's time to answer and the settlement's. */
  readonly neededSeconds: number;
  readonly resource: { readonly url: string; readonly description: string };
  /** The same resource at the origin by which the caller came. */
  readonly requestUrl: string;
  readonly quoteKey: Uint8Array;
  readonly nowMs: number;
}

/** A payment whose signature was found to be the payer's, over exactly the offer. */
export interface CheckedPayment {
  readonly x402Version: 1 | 2;
  readonly network: string;
  readonly asset: string;
  readonly amount: string;
  /** Lower case, as is `nonce`. */
  readonly payer: string;
  readonly nonce: string;
  /** Hex of what was signed and for which call: tells one use of a nonce from another. */
  readonly digest: string;
  readonly paymentId: string | null;
  readonly validBeforeMs: number;
  /** Null: good for a first use. Otherwise why it is too old for one. */
  readonly stale: "quote_expired" | "valid_before_too_soon" | null;
  /** What a facilitator is told, in the payment's own version. */
  readonly facilitatorBody: object;
  readonly facilitatorNetwork: string;
}

/** Words of the specification where it has one. */
export type PaymentFlaw =
  | "offer_mismatch"
  | "resource_mismatch"
  | "invalid_network"
  | "invalid_exact_evm_recipient_mismatch"
  | "invalid_exact_evm_payload_authorization_value_mismatch"
  | "invalid_exact_evm_payload_authorization_valid_after"
  | "invalid_exact_evm_signature";

export function checkPayment(presented: PresentedPayment, terms: PaymentTerms): Result<CheckedPayment, PaymentFlaw> {
  return presented.x402Version === 2 ? checkV2(presented, terms) : checkV1(presented, terms);
}

function checkV2(
  presented: Extract<PresentedPayment, { x402Version: 2 }>,
  terms: PaymentTerms,
): Result<CheckedPayment, PaymentFlaw> {
  const { accepted } = presented;
  const quote = checkQuote(accepted, terms.call, terms.nowMs, terms.quoteKey);
  if (quote === "not_ours") return err("offer_mismatch");
  const known = [null, terms.resource.url, terms.requestUrl];
  if (!known.includes(presented.resourceUrl)) return err("resource_mismatch");
  const transfer = checkTransfer(presented, accepted, terms);
  if (!transfer.ok) return transfer;
  const paymentPayload = {
    x402Version: 2,
    resource: terms.resource,
    accepted,
    payload: presented.transfer,
  };
  return ok({
    ...transfer.value,
    x402Version: 2,
    paymentId: presented.paymentId,
    stale: quote === "expired" ? "quote_expired" : transfer.value.stale,
    facilitatorBody: { x402Version: 2, paymentPayload, paymentRequirements: accepted },
    facilitatorNetwork: accepted.network,
  });
}

/** Version 1 carries no offer back, so what is offered now is what counts; the first token whose signature fits is paid in. */
function checkV1(
  presented: Extract<PresentedPayment, { x402Version: 1 }>,
  terms: PaymentTerms,
): Result<CheckedPayment, PaymentFlaw> {
  let flaw: PaymentFlaw = "invalid_network";
  for (const accept of terms.rule.accepts) {
    if (v1NetworkName(accept.network) !== presented.network) continue;
    const offer: Requirements = {
      scheme: "exact",
      network: accept.network,
      amount: atomicAmount(terms.usdMicros, accept.decimals).toString(),
      asset: accept.asset,
      payTo: accept.payTo,
      maxTimeoutSeconds: terms.maxTimeoutSeconds,
      extra: { name: accept.name, version: accept.version, quote: "" },
    };
    const transfer = checkTransfer(presented, offer, terms);
    if (!transfer.ok) {
      flaw = transfer.error;
      continue;
    }
    const { url, description } = terms.resource;
    const paymentPayload = { x402Version: 1, scheme: "exact", network: presented.network, payload: presented.transfer };
    const paymentRequirements = v1Requirements(offer, presented.network, url, description);
    return ok({
      ...transfer.value,
      x402Version: 1,
      paymentId: null,
      facilitatorBody: { x402Version: 1, paymentPayload, paymentRequirements },
      facilitatorNetwork: presented.network,
    });
  }
  return err(flaw);
}

type CheckedTransfer = Omit<CheckedPayment, "x402Version" | "paymentId" | "facilitatorBody" | "facilitatorNetwork">;

function checkTransfer(
  presented: PresentedPayment,
  offer: Requirements,
  terms: PaymentTerms,
): Result<CheckedTransfer, PaymentFlaw> {
  const { authorization, signature } = presented.transfer;
  const chainId = chainIdOf(offer.network);
  if (chainId === null) return err("invalid_network");
  if (!sameHex(authorization.to, offer.payTo)) return err("invalid_exact_evm_recipient_mismatch");
  if (authorization.value !== offer.amount) return err("invalid_exact_evm_payload_authorization_value_mismatch");
  const nowSeconds = BigInt(Math.floor(terms.nowMs / 1_000));
  if (BigInt(authorization.validAfter) > nowSeconds + BigInt(CLOCK_SKEW_SECONDS)) {
    return err("invalid_exact_evm_payload_authorization_valid_after");
  }
  const { name, version } = offer.extra;
  const digest = authorizationDigest(authorization, { name, version, chainId, contract: offer.asset });
  const payer = authorization.from.toLowerCase();
  if (recoverSigner(digest, signature) !== payer) return err("invalid_exact_evm_signature");
  const tooSoon = BigInt(authorization.validBefore) < nowSeconds + BigInt(terms.neededSeconds);
  const { grantId, method, path } = terms.call;
  return ok({
    network: offer.network,
    asset: offer.asset.toLowerCase(),
    amount: offer.amount,
    payer,
    nonce: authorization.nonce.toLowerCase(),
    digest: JSON.stringify([encodeHex(digest), grantId, method, path]),
    validBeforeMs: validBeforeMs(authorization),
    stale: tooSoon ? "valid_before_too_soon" : null,
  });
}

function validBeforeMs(authorization: TransferAuthorization): number {
  const ms = BigInt(authorization.validBefore) * 1_000n;
  return ms > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(ms);
}

function sameHex(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
