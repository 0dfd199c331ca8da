/** What a payment's state means, and what it was paid with, in words. Pure. */
import type { PaymentRecord } from "../../../../src/contract/payment-record.ts";
import { tokenText } from "../amount.ts";
import { plain } from "../format.ts";
import { knownToken, networkName } from "../tokens.ts";
import type { Tone } from "../ui/text.tsx";

type State = PaymentRecord["state"];

export const STATE_WORDS: Readonly<Record<State, { readonly tone: Tone; readonly means: string }>> = {
  reserved: { tone: "accent", means: "Set aside for a call that is under way." },
  settled: { tone: "ok", means: "Taken, and the call was answered." },
  released: { tone: "calm", means: "Not taken: the call did not succeed." },
  failed: { tone: "bad", means: "The settlement was refused. Nothing was taken, and the call got no answer." },
  unknown: {
    tone: "warn",
    means:
      "The facilitator gave no clear answer, so nobody knows yet whether it was taken. RelayKey goes on asking; the payer is never asked to pay anew.",
  },
  kept: {
    tone: "warn",
    means: "Taken for a call that failed; the payer can use it for the next try of the same call.",
  },
  refunded: { tone: "accent", means: "Taken for a call that failed, and given back as prepaid credits." },
};

export const PAYMENT_STATES = Object.keys(STATE_WORDS) as readonly State[];

/** `0.001 USDC`; of a token that is not known, its atomic units. */
export function paidAmount(payment: PaymentRecord): string | null {
  const { amount, asset, network } = payment;
  if (amount === null) return null;
  const token = knownToken(network ?? "", asset ?? "");
  return token === null ? `${plain(amount)} atomic units` : `${tokenText(amount, token.decimals)} ${token.symbol}`;
}

export function paidWith(payment: PaymentRecord): string {
  if (payment.provider === "credits") return "Credits";
  const token = knownToken(payment.network ?? "", payment.asset ?? "");
  const on = payment.network === null ? "" : ` on ${plain(networkName(payment.network))}`;
  return `${token?.symbol ?? "Token"}${on}`;
}
