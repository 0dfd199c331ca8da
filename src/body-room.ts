/**
 * Room for the bodies that are kept in memory until their calls are decided; afterwards the caller's limits hold them. An isolate has 128 MB for everything
 * (Cloudflare Workers, "Limits"), and what is looked at before a call is admitted is held by no rate, so it has a bound of its
 * own: for all callers together, and for each of them so that none takes it all.
 */

/** Of all bodies that are kept at a time, in one isolate. */
export const MAX_KEPT_BYTES = 33_554_432;
/** Of those of one credential. */
export const MAX_KEPT_BYTES_PER_HOLDER = 16_777_216;
/** The platform may end a request without a word; what it held counts no longer than this. */
const MAX_HELD_MS = 120_000;

export interface BodyHold {
  /** Whether the body may take `bytes` in all. */
  readonly grow: (bytes: number) => boolean;
  /** Whether it was once refused. */
  readonly refused: () => boolean;
  /** The call is decided; what grows from now on is not counted. */
  readonly release: () => void;
}

interface Held {
  readonly holder: string;
  readonly untilMs: number;
  bytes: number;
}

export class BodyRoom {
  /** In the order in which they began. */
  readonly #held = new Set<Held>();
  readonly #byHolder = new Map<string, number>();
  #allBytes = 0;

  /** `holder`: id of a credential. Nothing is held before the first `grow`. */
  hold(holder: string, nowMs: number): BodyHold {
    this.#forget(nowMs);
    const held: Held = { holder, untilMs: nowMs + MAX_HELD_MS, bytes: 0 };
    let refused = false;
    let released = false;
    return {
      grow: (bytes) => {
        refused ||= !released && !this.#grow(held, bytes);
        return !refused;
      },
      refused: () => refused,
      release: () => {
        released = true;
        this.#drop(held);
      },
    };
  }

  #grow(held: Held, bytes: number): boolean {
    const more = bytes - held.bytes;
    const own = (this.#byHolder.get(held.holder) ?? 0) + more;
    if (this.#allBytes + more > MAX_KEPT_BYTES || own > MAX_KEPT_BYTES_PER_HOLDER) return false;
    this.#held.add(held);
    this.#count(held, more);
    return true;
  }

  #drop(held: Held): void {
    if (this.#held.delete(held)) this.#count(held, -held.bytes);
  }

  #count(held: Held, more: number): void {
    held.bytes += more;
    this.#allBytes += more;
    const own = (this.#byHolder.get(held.holder) ?? 0) + more;
    if (own > 0) this.#byHolder.set(held.holder, own);
    else this.#byHolder.delete(held.holder);
  }

  #forget(nowMs: number): void {
    for (const held of this.#held) {
      if (held.untilMs > nowMs) break;
      this.#drop(held);
    }
  }
}
