/**
 * The x402 provider: offers on a 402, takes a signed authorization, reserves it, has the facilitator verify and settle it.
 *
 * Always holds: nothing is forwarded before the payment is reserved; the caller gets no answer of the vendor before the
 * money came; when nobody knows whether it came the caller is told so and never asked to pay anew.
 */
import type { ReadHeaders } from "../domain/header-map.ts";
import type { PaymentRule } from "../domain/payment.ts";
import { callPrice } from "../domain/payment-price.ts";
import type { Refusal } from "../domain/problem.ts";
import { err, ok, type Result } from "../domain/result.ts";
import { checkPayment, type CheckedPayment, type PaymentTerms } from "../domain/x402-check.ts";
import { readPayment, type PresentedPayment } from "../domain/x402-wire.ts";
import type { PaymentHold, PaymentInput } from "../ports.ts";
import { verifyPayment, type FacilitatorOptions, type FacilitatorOrder } from "./facilitator.ts";
import { heldPayment, notePayment, type Refund } from "./payment-hold.ts";
import type { PaymentNonces } from "./payment-nonces.ts";
import {
  BOTH_VERSIONS,
  IN_USE,
  malformed,
  NO_FACILITATOR,
  offerRefusal,
  replayed,
  settlementUnknown,
  VERIFIER_DOWN,
} from "./payment-refusals.ts";

/** Time for the settlement after the vendor has answered. */
const SETTLE_BUDGET_SECONDS = 20;

export interface X402Options extends FacilitatorOptions {
  readonly nonces: DurableObjectNamespace<PaymentNonces>;
  readonly quoteKey: Uint8Array;
  /** Public origin of the proxy; null: the request's own. */
  readonly proxyOrigin: string | null;
  /** Null: the rule names no account, the payment keeps. */
  readonly refund: Refund | null;
}

export function carriesPayment(headers: ReadHeaders): boolean {
  return headers.has("payment-signature") || headers.has("x-payment");
}

/** Throws when the reservation cannot be made: the call is then refused. */
export async function takeX402(
  input: PaymentInput,
  rule: PaymentRule,
  options: X402Options,
): Promise<Result<PaymentHold, Refusal>> {
  const terms = termsOf(input, rule, options);
  const presented = present(input.headers);
  if (presented === null) return err(offerRefusal(terms, null));
  if (!presented.ok) return presented;
  const checked = checkPayment(presented.value, terms);
  if (!checked.ok) return err(offerRefusal(terms, checked.error));
  if (input.held !== null) return err(input.held);
  if (rule.facilitatorUrl === null) return err(NO_FACILITATOR);
  return reserve(input, terms, checked.value, orderOf(checked.value, rule.facilitatorUrl), options);
}

/** Under which a payment is listed, and refunded once. */
export function paymentReference(payment: CheckedPayment): string {
  return `${payerName(payment)}/${payment.nonce}`;
}

/** Of the object that keeps the payer's nonces of one token. */
function payerName({ network, asset, payer }: CheckedPayment): string {
  return `${network}/${asset}/${payer}`;
}

/** The 402 for a call that carries no payment. */
export function x402Offer(input: PaymentInput, rule: PaymentRule, options: X402Options): Refusal {
  return offerRefusal(termsOf(input, rule, options), null);
}

async function reserve(
  input: PaymentInput,
  terms: PaymentTerms,
  payment: CheckedPayment,
  order: FacilitatorOrder,
  options: X402Options,
): Promise<Result<PaymentHold, Refusal>> {
  const { requestId } = input;
  const { nonce, digest, paymentId, validBeforeMs, stale } = payment;
  const nonces = options.nonces.getByName(payerName(payment));
  const listed = { organisationId: input.document.organisationId, reference: paymentReference(payment) };
  const wish = { nonce, digest, paymentId, listed, requestId, validBeforeMs, fresh: stale === null };
  const reply = await nonces.reserve(wish, order);
  const held = (transaction: string | null): PaymentHold =>
    heldPayment({ input, terms, payment, nonces, transaction, refund: options.refund });
  switch (reply.kind) {
    case "stale":
      return err(offerRefusal(terms, stale));
    case "replayed":
      return err(replayed(reply.transaction));
    case "busy":
      return err(IN_USE);
    case "unknown":
      notePayment({ input, payment, terms }, "unknown", "");
      return err(settlementUnknown());
    case "paid":
      return ok(held(reply.transaction));
    case "reserved":
      break;
  }
  if (terms.rule.flow === "upfront") {
    const settled = await nonces.settle(nonce, requestId, false);
    if (settled.kind === "settled") return ok(held(settled.transaction));
    notePayment({ input, payment, terms }, settled.kind === "failed" ? "failed" : "unknown", "");
    return err(settled.kind === "failed" ? offerRefusal(terms, settled.reason) : settlementUnknown());
  }
  const verified = await verifyPayment(order, options);
  if (verified.ok) return ok(held(null));
  await nonces.release(nonce, requestId);
  return err(verified.error.kind === "refused" ? offerRefusal(terms, verified.error.reason) : VERIFIER_DOWN);
}

/** Null: the call carries no payment. */
function present(headers: ReadHeaders): Result<PresentedPayment, Refusal> | null {
  const v2 = headers.get("payment-signature");
  const v1 = headers.get("x-payment");
  if (v2 !== null && v1 !== null) return err(BOTH_VERSIONS);
  const text = v2 ?? v1;
  if (text === null) return null;
  const read = readPayment(text, v2 === null ? 1 : 2);
  return read.ok ? read : err(malformed(read.error));
}

function termsOf(input: PaymentInput, rule: PaymentRule, options: X402Options): PaymentTerms {
  const { connection } = input.grant;
  const neededSeconds = Math.ceil(connection.reliability.totalTimeoutMs / 1_000) + SETTLE_BUDGET_SECONDS;
  return {
    rule,
    call: { grantId: input.grant.id, method: input.method, path: input.path },
    usdMicros: callPrice(rule, input.method, input.path),
    maxTimeoutSeconds: neededSeconds + rule.quoteLifetimeSeconds,
    neededSeconds,
    resource: { url: publicUrl(input.resourceUrl, options.proxyOrigin), description: connection.name },
    requestUrl: publicUrl(input.resourceUrl, null),
    quoteKey: options.quoteKey,
    nowMs: input.nowMs,
  };
}

/** Without its query, which may hold a token and is nothing for a facilitator to read. */
function publicUrl(requestUrl: string, proxyOrigin: string | null): string {
  const url = new URL(requestUrl);
  return `${proxyOrigin ?? url.origin}${url.pathname}`;
}

function orderOf(payment: CheckedPayment, url: string): FacilitatorOrder {
  const { payer, amount, facilitatorNetwork: network } = payment;
  return { url, body: JSON.stringify(payment.facilitatorBody), payer, network, amount };
}
