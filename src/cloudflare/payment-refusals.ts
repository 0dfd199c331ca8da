/** What the x402 provider refuses with. One place, so that every 402 carries both versions' offers. */
import type { Refusal } from "../domain/problem.ts";
import type { PaymentTerms } from "../domain/x402-check.ts";
import { v1NetworkName } from "../domain/x402-networks.ts";
import { makeOffers } from "../domain/x402-quote.ts";
import { encodeHeader, paymentRequired, v1Requirements, type WireProblem } from "../domain/x402-wire.ts";

const RETRY_AFTER_SECONDS = 2;

/** A 402 with offers. `error`: what was wrong with the payment that came; null: none came. */
export function offerRefusal(terms: PaymentTerms, error: string | null): Refusal {
  const offers = makeOffers(terms.rule, terms.call, terms, terms.quoteKey);
  const { url, description } = terms.resource;
  const v1 = offers.flatMap((offer) => {
    const network = v1NetworkName(offer.network);
    return network === null ? [] : [v1Requirements(offer, network, url, description)];
  });
  const asked = "The call costs money: pay one of the offers and send the payment with the call.";
  return {
    code: "payment_required",
    detail: error === null ? asked : `The payment was not accepted: ${error}.`,
    extensions: {
      x402Version: 1,
      accepts: v1,
      price_usd_micros: terms.usdMicros,
      ...(error === null ? {} : { payment_error: error }),
    },
    headers: {
      "payment-required": encodeHeader(
        paymentRequired(terms.resource, offers, error ?? "PAYMENT-SIGNATURE header is required"),
      ),
    },
  };
}

export function malformed(problem: WireProblem): Refusal {
  if (problem === "too_large") {
    return { code: "header_too_large", detail: "The payment header is longer than 16 KiB." };
  }
  return {
    code: "invalid_request",
    detail: `The payment header cannot be read: ${problem}.`,
    extensions: { payment_error: problem },
  };
}

export function replayed(transaction: string): Refusal {
  return {
    code: "payment_replayed",
    detail: "This payment was used for another call. Nothing was charged for this one.",
    ...(transaction === "" ? {} : { extensions: { transaction } }),
  };
}

/** Retrying the same payment resolves it; a new payment would pay twice. */
export function settlementUnknown(): Refusal {
  return {
    code: "settlement_unknown",
    detail:
      "It is not known yet whether the payment was settled. Repeat the call with the same payment; do not pay again.",
    retryAfterSeconds: RETRY_AFTER_SECONDS,
  };
}

export const IN_USE: Refusal = {
  code: "payment_replayed",
  detail: "This payment is being used by another call.",
};
export const LEASE_LOST: Refusal = {
  code: "unavailable",
  detail: "The payment's reservation was lost before it was settled. Nothing was charged; repeat the call.",
  retryAfterSeconds: RETRY_AFTER_SECONDS,
};
export const VERIFIER_DOWN: Refusal = {
  code: "unavailable",
  detail: "Payments cannot be verified now. Nothing was charged; repeat the call with the same payment.",
  retryAfterSeconds: RETRY_AFTER_SECONDS,
};
export const NO_FACILITATOR: Refusal = {
  code: "unavailable",
  detail: "Payments cannot be verified: the policy names no facilitator.",
};
export const BOTH_VERSIONS: Refusal = {
  code: "invalid_request",
  detail: "The call carries two payments (PAYMENT-SIGNATURE and X-PAYMENT). Send one.",
};
