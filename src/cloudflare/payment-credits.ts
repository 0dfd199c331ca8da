/**
 * The prepaid provider: the caller's credential (or the customer it names) says whose account pays. One call to the ledger
 * before the vendor; everything after runs beside the answer.
 *
 * What is held is the policy's price. Where the vendor's own answer says what the call cost (a header or a JSON member
 * priced on the connection), that is charged instead, at most what was held; otherwise the price itself is.
 */
import { accountOf, ledgerName, type CreditAccountName } from "../domain/credit-account.ts";
import type { PaymentState } from "../domain/payment.ts";
import { callPrice } from "../domain/payment-price.ts";
import { priceRule } from "../domain/price-cost.ts";
import type { Refusal } from "../domain/problem.ts";
import { err, ok, type Result } from "../domain/result.ts";
import type { PaymentHold, PaymentInput } from "../ports.ts";
import type { CreditLedger } from "./credit-ledger.ts";

/** Beyond the call's own time limits, until a hold that nobody closed is closed by itself. */
const HOLD_MARGIN_MS = 60_000;
/** An answer that takes longer than this is marked as gone out, so that a crash leaves it charged. */
const MARK_AFTER_MS = 250;

export interface CreditOptions {
  readonly ledgers: DurableObjectNamespace<CreditLedger>;
  readonly defer: (work: Promise<unknown>) => void;
}

export function ledgerOf(
  ledgers: DurableObjectNamespace<CreditLedger>,
  organisationId: string,
  account: CreditAccountName,
): DurableObjectStub<CreditLedger> {
  return ledgers.getByName(ledgerName(organisationId, account));
}

/** Throws when the ledger cannot be asked: the call is then refused. */
export async function takeCredits(
  input: PaymentInput,
  rule: NonNullable<PaymentInput["grant"]["payment"]>,
  options: CreditOptions,
): Promise<Result<PaymentHold, Refusal>> {
  const account = accountOf(rule, input.document, input.customer);
  if (account === null) return err(rule.account === "customer" ? NO_CUSTOMER : NO_RECIPIENT);
  const usdMicros = callPrice(rule, input.method, input.path);
  const { connection } = input.grant;
  const ledger = ledgerOf(options.ledgers, input.document.organisationId, account);
  const lifetimeMs = 2 * connection.reliability.totalTimeoutMs + HOLD_MARGIN_MS;
  const reply = await ledger.hold(input.requestId, usdMicros, lifetimeMs);
  if (!reply.granted) return err(exhausted(account, usdMicros, reply.availableUsdMicros));
  const told = priceRule(connection.prices, input.method, input.path)?.kind ?? "fixed";
  const note = (state: PaymentState, charged: number | null): void => {
    const { kind, reference } = account;
    input.note("payment", {
      provider: "credits",
      account: `${kind}:${reference}`,
      usd_micros: usdMicros,
      state,
      charged,
    });
  };
  note("reserved", null);
  // A ledger that cannot be told now finds the hold when its time is over: delivered ones are charged, others released.
  const later = (work: Promise<unknown>): void => options.defer(work.catch(() => undefined));
  let closed = false;
  return ok({
    settle: () => {
      note("settled", told === "fixed" ? usdMicros : null);
      // Most calls are closed long before; only those that go on need to be marked.
      const mark = new Promise<void>((resolve) => {
        setTimeout(resolve, MARK_AFTER_MS);
      }).then(() => (closed ? undefined : ledger.delivered(input.requestId)));
      later(mark);
      return Promise.resolve(ok({ headers: {}, note: {} }));
    },
    close: (actualUsdMicros) => {
      closed = true;
      return ledger.close(input.requestId, told === "fixed" ? null : actualUsdMicros).catch(() => undefined);
    },
    release: () => {
      closed = true;
      note("released", 0);
      later(ledger.release(input.requestId));
      return Promise.resolve();
    },
  });
}

const NO_CUSTOMER: Refusal = {
  code: "payment_required",
  detail: "Calls under this policy are paid by the end customer: name one in X-RelayKey-Customer.",
};
const NO_RECIPIENT: Refusal = {
  code: "payment_required",
  detail: "Calls under this policy are paid by the credential's recipient, and this credential has none.",
};

function exhausted(account: CreditAccountName, usdMicros: number, availableUsdMicros: number): Refusal {
  const who = account.kind === "customer" ? "this customer" : "this credential's recipient";
  return {
    code: "credits_exhausted",
    detail: `The call costs ${usdMicros} millionths of a US dollar, and the prepaid credits of ${who} do not suffice.`,
    extensions: { price_usd_micros: usdMicros, available_usd_micros: Math.max(0, availableUsdMicros) },
  };
}
