/**
 * Talks to an x402 facilitator: `POST /verify` and `POST /settle`. Never follows redirects, never waits long, reads at most
 * 64 KiB, and believes nothing that contradicts what was recovered locally: a lie counts as no answer.
 */
import { checkEgressUrl } from "../domain/egress.ts";
import type { SettleOutcome } from "../domain/payment-nonce.ts";
import { err, ok, type Result } from "../domain/result.ts";
import { parseObject, type JsonObject } from "../domain/x402-wire.ts";
import { boundedText } from "./bounded-text.ts";

const VERIFY_TIMEOUT_MS = 5_000;
const SETTLE_TIMEOUT_MS = 15_000;
const MAX_ANSWER_BYTES = 65_536;
const MAX_REASON_CHARS = 120;

/** All that the facilitator must be told, and what its answer must agree with. Plain, so that it can be stored. */
export interface FacilitatorOrder {
  readonly url: string;
  /** JSON `{x402Version, paymentPayload, paymentRequirements}`. */
  readonly body: string;
  /** Lower case, as recovered from the signature. */
  readonly payer: string;
  /** As the version of the body spells it. */
  readonly network: string;
  readonly amount: string;
}

export interface FacilitatorOptions {
  readonly fetch: (request: Request) => Promise<Response>;
  readonly allowPrivate: boolean;
}

export type VerifyProblem =
  | { readonly kind: "refused"; readonly reason: string }
  /** Down, slow, broken or lying. */
  | { readonly kind: "no_answer" };

export async function verifyPayment(
  order: FacilitatorOrder,
  options: FacilitatorOptions,
): Promise<Result<void, VerifyProblem>> {
  const answer = await post(order, "verify", VERIFY_TIMEOUT_MS, options);
  if (answer === null || typeof answer["isValid"] !== "boolean") return err({ kind: "no_answer" });
  if (!answer["isValid"]) return err({ kind: "refused", reason: reasonOf(answer["invalidReason"]) });
  return agrees(answer["payer"], order.payer) ? ok(undefined) : err({ kind: "no_answer" });
}

export async function settlePayment(order: FacilitatorOrder, options: FacilitatorOptions): Promise<SettleOutcome> {
  const answer = await post(order, "settle", SETTLE_TIMEOUT_MS, options);
  if (answer === null || typeof answer["success"] !== "boolean") return { kind: "unclear" };
  if (!answer["success"]) {
    const reason = reasonOf(answer["errorReason"]);
    if (NONCE_USED.test(reason)) return { kind: "used" };
    if (TOO_LATE.test(reason)) return { kind: "expired", reason };
    return NOT_SETTLED.test(reason) && !MAY_BE_SETTLED.test(reason) ? { kind: "failed", reason } : { kind: "unclear" };
  }
  const { transaction, payer, network, amount } = answer;
  const honest =
    typeof transaction === "string" &&
    TRANSACTION.test(transaction) &&
    agrees(payer, order.payer) &&
    agrees(network, order.network) &&
    agrees(amount, order.amount);
  return honest ? { kind: "settled", transaction: transaction.toLowerCase() } : { kind: "unclear" };
}

const TRANSACTION = /^0x[0-9a-fA-F]{64}$/;
const NONCE_USED = /nonce_already_used|authorization_(?:is_)?used/i;
const TOO_LATE = /valid_before|expired/i;
/** Reasons found before a transaction is sent, or after one was reverted. Any other reason says nothing for sure. */
const NOT_SETTLED = /^(?:invalid_|insufficient_|unsupported_|asset_not_deployed)/;
const MAY_BE_SETTLED = /transaction_failed|transfer_event|pending|timed?_?out|unexpected/i;

/** A member that is missing contradicts nothing. */
function agrees(told: unknown, known: string): boolean {
  return (
    told === undefined || told === null || (typeof told === "string" && told.toLowerCase() === known.toLowerCase())
  );
}

/** A reason as it may be shown: one word or a short line without control characters. */
function reasonOf(value: unknown): string {
  return typeof value === "string" && value !== ""
    ? value.replaceAll(/[^\x20-\x7e]/g, "?").slice(0, MAX_REASON_CHARS)
    : "unspecified";
}

async function post(
  order: FacilitatorOrder,
  operation: "verify" | "settle",
  timeoutMs: number,
  options: FacilitatorOptions,
): Promise<JsonObject | null> {
  const url = checkEgressUrl(order.url, { allowPrivate: options.allowPrivate });
  if (!url.ok) return null;
  try {
    const request = new Request(`${url.value.replace(/\/$/, "")}/${operation}`, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json" },
      body: order.body,
      redirect: "manual",
      signal: AbortSignal.timeout(timeoutMs),
    });
    const response = await options.fetch(request);
    // Facilitators answer refusals with 200 or with a 4xx that has the same body.
    if (response.status >= 500 || (response.status >= 300 && response.status < 400)) {
      await response.body?.cancel();
      return null;
    }
    const text = await boundedText(response, MAX_ANSWER_BYTES);
    return text === null ? null : parseObject(text);
  } catch {
    return null;
  }
}
