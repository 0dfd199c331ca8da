/** Step 6: payment. Without a payment rule on the grant no payment code runs. */
import type { ReadHeaders } from "../domain/header-map.ts";
import type { Outcome, Refusal } from "../domain/problem.ts";
import { ok } from "../domain/result.ts";
import type { PaymentHold, Ports } from "../ports.ts";
import type { Caller } from "./authenticate.ts";
import type { Judgement } from "./judge.ts";
import type { OpenCall } from "./open-call.ts";

const FREE: PaymentHold = {
  settle: () => Promise.resolve(ok({ headers: {}, note: {} })),
  close: () => Promise.resolve(),
  release: () => Promise.resolve(),
};

export async function takePayment(
  call: {
    readonly request: Request;
    readonly headers: ReadHeaders;
    readonly requestId: string;
    readonly caller: Caller;
    readonly judgement: Judgement & { readonly grant: NonNullable<Judgement["grant"]> };
    readonly open: Pick<OpenCall, "note">;
    readonly held: Refusal | null;
  },
  ports: Ports,
): Promise<Outcome<PaymentHold>> {
  const { grant, path, customer } = call.judgement;
  if (grant.payment === null) return ok(FREE);
  return ports.payments.take({
    document: call.caller.document,
    grant,
    headers: call.headers,
    method: call.request.method,
    path,
    resourceUrl: call.request.url,
    customer,
    requestId: call.requestId,
    nowMs: ports.clock.nowMs(),
    held: call.held,
    note: call.open.note,
  });
}

export interface FailedCall {
  readonly reason: string;
  /** The caller went away when the vendor had the call and had not said that it failed. */
  readonly gone: boolean;
  /** Whether `settle` was called and went well. */
  readonly settled: boolean;
}

/**
 * Nothing of an answer was passed on. A caller that hung up after its call had gone out pays for it: it may be carried out,
 * and hanging up must not make it free. For what the vendor failed to do nothing is taken.
 */
export async function closeFailed(
  payment: PaymentHold,
  { reason, gone, settled }: FailedCall,
  defer: Ports["defer"],
): Promise<void> {
  if (!gone) return payment.release(reason);
  const paid = settled ? Promise.resolve(true) : payment.settle().then((receipt) => receipt.ok);
  const taken = paid.then((came) => (came ? payment.close(null) : undefined));
  // Nobody waits for an answer any more, so the work must be kept alive by itself.
  defer(taken);
  await taken;
}
