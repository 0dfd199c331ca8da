/**
 * Closed holds on their way to their ledger: they ride on the account's next hold; see `RideBuffer`. What is lost with an
 * isolate is closed by the ledger when the hold's time is over.
 */
import type { CreditLedger, HoldClosing } from "./credit-ledger.ts";
import type { RideBuffer } from "./ride-buffer.ts";

export type ClosingBuffer = RideBuffer<HoldClosing>;

const CLOCK = {
  nowMs: () => Date.now(),
  sleep: (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms)),
};

/** Hands closings over; resolves when they were sent, or when somebody else has promised to. Never throws. */
export async function sendLater(
  buffer: ClosingBuffer,
  account: string,
  ledger: DurableObjectStub<CreditLedger>,
  closings: readonly HoldClosing[],
): Promise<void> {
  if (!buffer.put(account, closings, CLOCK.nowMs())) return;
  await buffer.sendLater(account, CLOCK, (late) => ledger.close(late));
}
