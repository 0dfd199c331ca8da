/**
 * The payment port: chooses the provider that a policy names. Where a prepaid policy also accepts a token, a caller
 * without credits is offered that, and a payment that comes with the call is taken instead of credits.
 */
import { accountOf } from "../domain/credit-account.ts";
import type { PaymentRule } from "../domain/payment.ts";
import { callPrice } from "../domain/payment-price.ts";
import type { Refusal } from "../domain/problem.ts";
import { err, ok, type Result } from "../domain/result.ts";
import type { PaymentHold, PaymentInput, PaymentPort } from "../ports.ts";
import type { ClosingBuffer } from "./credit-closings.ts";
import type { CreditLedger } from "./credit-ledger.ts";
import { ledgerOf, takeCredits } from "./payment-credits.ts";
import type { PaymentNonces } from "./payment-nonces.ts";
import { carriesPayment, paymentReference, takeX402, x402Offer, type X402Options } from "./payment-x402.ts";

export interface PaymentOptions {
  readonly ledgers: DurableObjectNamespace<CreditLedger>;
  readonly closings: ClosingBuffer;
  readonly nonces: DurableObjectNamespace<PaymentNonces>;
  readonly quoteKey: Uint8Array;
  readonly proxyOrigin: string | null;
  readonly allowPrivate: boolean;
  readonly fetch: (request: Request) => Promise<Response>;
  readonly defer: (work: Promise<unknown>) => void;
}

const NOTHING_DUE: PaymentHold = {
  settle: () => Promise.resolve(ok({ headers: {}, note: {} })),
  close: () => Promise.resolve(),
  release: () => Promise.resolve(),
};

export function payments(options: PaymentOptions): PaymentPort {
  return {
    async take(input) {
      const rule = input.grant.payment;
      if (rule === null || callPrice(rule, input.method, input.path) === 0) return ok(NOTHING_DUE);
      const x402 = { ...options, refund: refundOf(input, rule, options) };
      return rule.provider === "x402" ? takeToken(input, rule, x402, options) : takePrepaid(input, rule, x402, options);
    },
  };
}

/** A refund of an earlier `upfront` call pays before a token is asked for. */
async function takeToken(
  input: PaymentInput,
  rule: PaymentRule,
  x402: X402Options,
  options: PaymentOptions,
): Promise<Result<PaymentHold, Refusal>> {
  if (rule.account !== null && !carriesPayment(input.headers)) {
    const prepaid = await takeCredits(input, rule, options);
    if (prepaid.ok) return prepaid;
  }
  return takeX402(input, rule, x402);
}

async function takePrepaid(
  input: PaymentInput,
  rule: PaymentRule,
  x402: X402Options,
  options: PaymentOptions,
): Promise<Result<PaymentHold, Refusal>> {
  const payable = rule.accepts.length > 0 && rule.facilitatorUrl !== null;
  if (payable && carriesPayment(input.headers)) return takeX402(input, rule, x402);
  const prepaid = await takeCredits(input, rule, options);
  if (prepaid.ok || !payable) return prepaid;
  const offer = x402Offer(input, rule, x402);
  return err({
    ...prepaid.error,
    extensions: { ...offer.extensions, ...prepaid.error.extensions },
    ...(offer.headers === undefined ? {} : { headers: offer.headers }),
  });
}

function refundOf(input: PaymentInput, rule: PaymentRule, options: PaymentOptions): X402Options["refund"] {
  const account = accountOf(rule, input.document, input.customer);
  if (account === null) return null;
  const ledger = ledgerOf(options.ledgers, input.document.organisationId, account);
  return {
    account: `${account.kind}:${account.reference}`,
    async give(payment, usdMicros) {
      await ledger.move("refund", usdMicros, paymentReference(payment), "Paid for a call that failed");
    },
  };
}
