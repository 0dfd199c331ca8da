/**
 * The prepaid provider: the caller's credential (or the customer it names) says whose account pays. One call to the ledger
 * before the vendor, which also carries what earlier calls were charged; everything after runs beside the answer.
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
import { sendLater, type ClosingBuffer } from "./credit-closings.ts";
import type { CreditLedger, CreditReply, HoldClosing } from "./credit-ledger.ts";

/** Beyond the call's own time limits, until a hold that nobody closed is closed by itself. */
const HOLD_MARGIN_MS = 60_000;
/** An answer that takes longer than this is marked as gone out, so that a crash leaves it charged. */
const MARK_AFTER_MS = 250;

export interface CreditOptions {
  readonly ledgers: DurableObjectNamespace<CreditLedger>;
  readonly closings: ClosingBuffer;
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
  const name = ledgerName(input.document.organisationId, account);
  const ledger = options.ledgers.getByName(name);
  const send = (closings: readonly HoldClosing[]): Promise<void> => sendLater(options.closings, name, ledger, closings);
  const lifetimeMs = 2 * connection.reliability.totalTimeoutMs + HOLD_MARGIN_MS;
  const riding = options.closings.take(name);
  let reply: CreditReply;
  try {
    reply = await ledger.hold(input.requestId, usdMicros, lifetimeMs, riding);
  } catch (failure) {
    // Nobody knows whether they arrived.
    if (riding.length > 0) options.defer(send(riding));
    throw failure;
  }
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
  const mark = marker(() => ledger.delivered(input.requestId), options.defer);
  return ok({
    settle: () => {
      note("settled", told === "fixed" ? usdMicros : null);
      // Most calls are closed long before; only those that go on need to be marked.
      mark.start();
      return Promise.resolve(ok({ headers: {}, note: {} }));
    },
    close: (actualUsdMicros) => {
      mark.stop();
      return send([{ id: input.requestId, usdMicros: told === "fixed" ? null : actualUsdMicros }]);
    },
    release: () => {
      mark.stop();
      note("released", 0);
      // At once: the account may be waiting for it.
      options.defer(ledger.close([{ id: input.requestId, usdMicros: 0 }]).catch(() => undefined));
      return Promise.resolve();
    },
  });
}

/** Runs `work` once `MARK_AFTER_MS` have passed, unless it is stopped before. */
function marker(work: () => Promise<unknown>, defer: CreditOptions["defer"]): { start(): void; stop(): void } {
  let stopped = false;
  let stop = (): void => undefined;
  return {
    start() {
      if (stopped) return;
      const wait = new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, MARK_AFTER_MS);
        stop = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      defer(wait.then(() => (stopped ? undefined : work())).catch(() => undefined));
    },
    stop() {
      stopped = true;
      stop();
    },
  };
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
