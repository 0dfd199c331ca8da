/**
 * Small reports to Durable Objects that can wait for a moment, so that they ride on the next call to the same object; those
 * that find none are sent on their own.
 *
 * A buffer lives as long as its isolate; who sends lives as long as one request, since bindings belong to it. What is lost with
 * an isolate must be closed by the object itself, and taking a report twice must change nothing: what may or may not have
 * arrived is sent again.
 */

/** How long a report waits for a call to ride on. */
const RIDE_WAIT_MS = 60;
const MAX_RIDING = 200;
/** When the request that was to send them has died, the next one takes over after this long. */
const SENDER_LOST_MS = 2_000;
const MAX_ATTEMPTS = 4;
const RETRY_MS = 250;
/** Kept for one isolate; beyond this the oldest object's are dropped. */
const MAX_BUFFERED = 20_000;

interface Waiting<Report> {
  readonly reports: Report[];
  /** When somebody promised to send them, or 0. */
  promisedAtMs: number;
}

export interface RideClock {
  readonly nowMs: () => number;
  readonly sleep: (delayMs: number) => Promise<void>;
}

/** `name`: the object's. */
export class RideBuffer<Report> {
  readonly #waiting = new Map<string, Waiting<Report>>();
  #size = 0;

  /** Takes up to `MAX_RIDING` of an object's reports out. */
  take(name: string): readonly Report[] {
    const waiting = this.#waiting.get(name);
    if (waiting === undefined) return [];
    const taken = waiting.reports.splice(0, MAX_RIDING);
    this.#size -= taken.length;
    if (waiting.reports.length === 0 && waiting.promisedAtMs === 0) this.#waiting.delete(name);
    return taken;
  }

  /** Puts them in (back); true when the caller is to send them after a while. */
  put(name: string, reports: readonly Report[], nowMs: number): boolean {
    let waiting = this.#waiting.get(name);
    if (waiting === undefined) {
      waiting = { reports: [], promisedAtMs: 0 };
      this.#waiting.set(name, waiting);
    }
    waiting.reports.push(...reports);
    this.#size += reports.length;
    if (this.#size > MAX_BUFFERED) this.#dropOldest();
    if (nowMs - waiting.promisedAtMs < SENDER_LOST_MS) return false;
    waiting.promisedAtMs = nowMs;
    return true;
  }

  /** The promised sending is happening. */
  sending(name: string): void {
    const waiting = this.#waiting.get(name);
    if (waiting === undefined) return;
    waiting.promisedAtMs = 0;
    if (waiting.reports.length === 0) this.#waiting.delete(name);
  }

  /** For whom `put` told to: sends what found no call to ride on, again when it failed. Never throws. */
  async sendLater(name: string, clock: RideClock, send: (reports: readonly Report[]) => Promise<void>): Promise<void> {
    await clock.sleep(RIDE_WAIT_MS);
    this.sending(name);
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
      const reports = this.take(name);
      if (reports.length === 0) return;
      try {
        await send(reports);
        attempt = 0;
      } catch {
        this.put(name, reports, clock.nowMs());
        this.sending(name);
        await clock.sleep(RETRY_MS * attempt);
      }
    }
  }

  #dropOldest(): void {
    const oldest = this.#waiting.entries().next().value;
    if (oldest === undefined) return;
    this.#size -= oldest[1].reports.length;
    this.#waiting.delete(oldest[0]);
  }
}
