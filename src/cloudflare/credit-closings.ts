/**
 * Closed holds on their way to their ledger. They wait here for a moment, so that they ride on the account's next hold;
 * those that find none are sent on their own.
 *
 * The buffer lives as long as the isolate. What is lost with an isolate is closed by the ledger when the hold's time is over.
 * Closing twice changes nothing, so what may or may not have arrived is sent again.
 */
import type { CreditLedger, HoldClosing } from "./credit-ledger.ts";

/** How long a closing waits for a hold to ride on. */
const RIDE_WAIT_MS = 60;
export const MAX_RIDING = 200;
/** When the request that was to send them has died, the next one takes over after this long. */
const SENDER_LOST_MS = 2_000;
const MAX_ATTEMPTS = 4;
const RETRY_MS = 250;
/** Kept for one isolate; beyond this the oldest account's are dropped, and closed by the ledger itself. */
const MAX_BUFFERED = 20_000;

interface Waiting {
  readonly closings: HoldClosing[];
  /** When somebody promised to send them, or 0. */
  promisedAtMs: number;
}

export class ClosingBuffer {
  readonly #waiting = new Map<string, Waiting>();
  #size = 0;

  /** Takes up to `MAX_RIDING` of an account's closings out. */
  take(account: string): readonly HoldClosing[] {
    const waiting = this.#waiting.get(account);
    if (waiting === undefined) return NONE;
    const taken = waiting.closings.splice(0, MAX_RIDING);
    this.#size -= taken.length;
    if (waiting.closings.length === 0 && waiting.promisedAtMs === 0) this.#waiting.delete(account);
    return taken;
  }

  /** Puts them in (back); true when the caller is to send them after a while. */
  put(account: string, closings: readonly HoldClosing[], nowMs: number): boolean {
    let waiting = this.#waiting.get(account);
    if (waiting === undefined) {
      waiting = { closings: [], promisedAtMs: 0 };
      this.#waiting.set(account, waiting);
    }
    waiting.closings.push(...closings);
    this.#size += closings.length;
    if (this.#size > MAX_BUFFERED) this.#dropOldest();
    if (nowMs - waiting.promisedAtMs < SENDER_LOST_MS) return false;
    waiting.promisedAtMs = nowMs;
    return true;
  }

  /** The promised sending is happening. */
  sending(account: string): void {
    const waiting = this.#waiting.get(account);
    if (waiting === undefined) return;
    waiting.promisedAtMs = 0;
    if (waiting.closings.length === 0) this.#waiting.delete(account);
  }

  #dropOldest(): void {
    const oldest = this.#waiting.entries().next().value;
    if (oldest === undefined) return;
    this.#size -= oldest[1].closings.length;
    this.#waiting.delete(oldest[0]);
  }
}

const NONE: readonly HoldClosing[] = [];

/** Hands closings over; resolves when they were sent, or when somebody else has promised to. Never throws. */
export async function sendLater(
  buffer: ClosingBuffer,
  account: string,
  ledger: DurableObjectStub<CreditLedger>,
  closings: readonly HoldClosing[],
): Promise<void> {
  if (!buffer.put(account, closings, Date.now())) return;
  await sleep(RIDE_WAIT_MS);
  buffer.sending(account);
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    const taken = buffer.take(account);
    if (taken.length === 0) return;
    try {
      await ledger.close(taken);
      attempt = 0;
    } catch {
      buffer.put(account, taken, Date.now());
      buffer.sending(account);
      await sleep(RETRY_MS * attempt);
    }
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
