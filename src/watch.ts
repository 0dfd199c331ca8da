/**
 * The deadlines of one call behind one timer. Nearly every deadline is called off before its time, and setting and
 * clearing a timer for each costs more than noting it here; the timer is set anew only for an earlier one.
 */
interface Deadline {
  atMs: number;
  readonly passed: () => void;
}

/** Calls a deadline off. Calling it again, or after the deadline, changes nothing. */
export type CallOff = () => void;

/** Timers may fire early by their granularity. */
const TIMER_SLACK_MS = 1;

export class Watch {
  readonly #nowMs: () => number;
  readonly #deadlines = new Set<Deadline>();
  #timer: ReturnType<typeof setTimeout> | null = null;
  #timerAtMs = Number.POSITIVE_INFINITY;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Calls `passed` once, `delayMs` from now, unless it is called off or the watch is ended before. */
  after(delayMs: number, passed: () => void): CallOff {
    const deadline = { atMs: this.#nowMs() + Math.max(0, delayMs), passed };
    this.#deadlines.add(deadline);
    if (deadline.atMs < this.#timerAtMs) this.#set(deadline.atMs);
    return () => this.#deadlines.delete(deadline);
  }

  /** Calls off everything. */
  end(): void {
    this.#deadlines.clear();
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#timerAtMs = Number.POSITIVE_INFINITY;
  }

  #set(atMs: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timerAtMs = atMs;
    this.#timer = setTimeout(() => this.#fire(), Math.max(0, atMs - this.#nowMs()));
  }

  #fire(): void {
    this.#timer = null;
    this.#timerAtMs = Number.POSITIVE_INFINITY;
    const nowMs = this.#nowMs() + TIMER_SLACK_MS;
    let nextMs = Number.POSITIVE_INFINITY;
    for (const deadline of this.#deadlines) {
      if (deadline.atMs <= nowMs) {
        this.#deadlines.delete(deadline);
        deadline.passed();
      } else nextMs = Math.min(nextMs, deadline.atMs);
    }
    // One that passed may have set another deadline, and with it the timer.
    if (nextMs < this.#timerAtMs) this.#set(nextMs);
  }
}
