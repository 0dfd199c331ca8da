/**
 * An x402 payment that is held for one call: kept reserved while the vendor works, settled when its headers are here,
 * released otherwise. Never throws from `close` and `release`; an error at `settle` means that nobody knows.
 */
import type { PaymentState } from "../domain/payment.ts";
import type { Refusal } from "../domain/problem.ts";
import { err, ok, type Result } from "../domain/result.ts";
import type { CheckedPayment, PaymentTerms } from "../domain/x402-check.ts";
import { encodeHeader } from "../domain/x402-wire.ts";
import type { PaymentHold, PaymentInput, PaymentReceipt } from "../ports.ts";
import type { PaymentNonces, SettleReply } from "./payment-nonces.ts";
import { LEASE_LOST, offerRefusal, settlementUnknown } from "./payment-refusals.ts";

/** Well inside the lease of 15 s. */
const RENEW_INTERVAL_MS = 5_000;

export interface HeldPayment {
  readonly input: PaymentInput;
  readonly terms: PaymentTerms;
  readonly payment: CheckedPayment;
  readonly nonces: DurableObjectStub<PaymentNonces>;
  /** Of money that is here already; null: it is still to be settled. */
  readonly transaction: string | null;
  readonly refund: Refund | null;
}

/** Gives back what an `upfront` call paid for nothing. */
export interface Refund {
  /** `recipient:rcpt_…` or `customer:name`. */
  readonly account: string;
  give(payment: CheckedPayment, usdMicros: number): Promise<void>;
}

/** Puts the payment and what became of it on the call's record; a later word replaces an earlier one. */
export function notePayment(
  { input, payment, terms }: Pick<HeldPayment, "input" | "payment" | "terms">,
  state: PaymentState,
  transaction: string,
  account: string | null = null,
): void {
  const { payer, amount, asset, network, nonce } = payment;
  input.note("payment", {
    provider: "x402",
    payer,
    amount,
    asset,
    network,
    nonce,
    transaction,
    state,
    usd_micros: terms.usdMicros,
    ...(account === null ? {} : { account }),
  });
}

export function heldPayment(held: HeldPayment): PaymentHold {
  const { input, payment, nonces, terms } = held;
  const { requestId } = input;
  const renewal = setInterval(() => {
    // A failed renewal is not fatal: the next one comes in time, and a lost lease is found when it is settled.
    nonces.renew(payment.nonce, requestId).catch(() => undefined);
  }, RENEW_INTERVAL_MS);
  const note = (state: PaymentState, transaction: string | null): void => notePayment(held, state, transaction ?? "");
  note(held.transaction === null ? "reserved" : "kept", held.transaction);
  let delivered: string | null = null;
  return {
    async settle() {
      clearInterval(renewal);
      const settled = await settle(held);
      if (settled.kind === "settled") {
        delivered = settled.transaction;
        note("settled", settled.transaction);
        return ok(receipt(payment, settled.transaction));
      }
      // A lost lease leaves the payment to whoever took it over, and their call's record.
      const lost = held.transaction === null ? "released" : "kept";
      note(settled.kind === "lost" ? lost : settled.kind, held.transaction);
      return refused(held, settled);
    },
    close: () => Promise.resolve(),
    async release() {
      clearInterval(renewal);
      try {
        if (delivered !== null) {
          await nonces.giveBack(payment.nonce, requestId);
          note("kept", delivered);
          return;
        }
        if (held.transaction !== null && held.refund !== null) {
          // First given back, under the payment's own name and so only once, then spent.
          await held.refund.give(payment, terms.usdMicros);
          await nonces.deliver(payment.nonce, requestId);
          notePayment(held, "refunded", held.transaction, held.refund.account);
          return;
        }
        note(held.transaction === null ? "released" : "kept", held.transaction);
        await nonces.release(payment.nonce, requestId);
      } catch {
        // The lease ends by itself; money that came stays the payer's to use.
      }
    },
  };
}

async function settle(held: HeldPayment): Promise<SettleReply> {
  const { nonces, payment, transaction, input } = held;
  try {
    if (transaction === null) return await nonces.settle(payment.nonce, input.requestId, true);
    const delivers = await nonces.deliver(payment.nonce, input.requestId);
    return delivers ? { kind: "settled", transaction } : { kind: "lost" };
  } catch {
    return { kind: "unknown" };
  }
}

function refused(held: HeldPayment, reply: Exclude<SettleReply, { kind: "settled" }>): Result<never, Refusal> {
  if (reply.kind !== "failed") return err(reply.kind === "lost" ? LEASE_LOST : settlementUnknown());
  const refusal = offerRefusal(held.terms, reply.reason);
  const failure = { success: false, errorReason: reply.reason, transaction: "", network: held.payment.network };
  return err({ ...refusal, headers: { ...refusal.headers, "payment-response": encodeHeader(failure) } });
}

function receipt(payment: CheckedPayment, transaction: string): PaymentReceipt {
  const { payer, amount, facilitatorNetwork: network } = payment;
  const told = { success: true, transaction, network, payer };
  const headers =
    payment.x402Version === 2
      ? { "payment-response": encodeHeader({ ...told, amount }) }
      : { "x-payment-response": encodeHeader(told) };
  return { headers, note: {} };
}
