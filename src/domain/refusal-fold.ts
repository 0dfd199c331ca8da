/**
 * Folds refusals that come in floods: the first of each minute get an event of their own, the rest are counted and
 * become one event per reason with a `count`. Pure; holds no more than `MAX_FOLDS` sums, whatever is sent.
 * A crash loses the sums of a few seconds at most, never an event that was already written.
 */
const MINUTE_MS = 60_000;
/** How long refusals are summed up. An idle object is forgotten after ten seconds, and its sums with it. */
export const FOLD_MS = 5_000;
export const MAX_FOLDS = 32;
/** Refusals of a dead credential with an event of their own, per minute. */
export const MAX_DEAD_EVENTS_PER_MINUTE = 60;
/** The same for a living credential. */
export const MAX_REFUSED_EVENTS_PER_MINUTE = 3_000;

/** Reasons for which every further call will be refused as well. */
const FINAL: ReadonlySet<string> = new Set(["revoked", "expired", "suspended", "credential_invalid"]);

export interface Fold<T> {
  /** The first folded refusal: its facts stand for all. */
  readonly sample: T;
  readonly firstMs: number;
  readonly reason: string;
  count: number;
}

export class RefusalFold<T> {
  readonly #folds = new Map<string, Fold<T>>();
  #minute = 0;
  #dead = 0;
  #living = 0;

  /** Whether one more refusal gets its own event; counts it when it does. */
  ownEvent(reason: string, nowMs: number): boolean {
    const minute = Math.floor(nowMs / MINUTE_MS);
    if (minute !== this.#minute) {
      this.#minute = minute;
      this.#dead = 0;
      this.#living = 0;
    }
    if (FINAL.has(reason)) {
      this.#dead += 1;
      return this.#dead <= MAX_DEAD_EVENTS_PER_MINUTE;
    }
    this.#living += 1;
    return this.#living <= MAX_REFUSED_EVENTS_PER_MINUTE;
  }

  /** Counts a refusal without an event of its own. */
  add(reason: string, key: string, sample: T, nowMs: number): void {
    const full = this.#folds.size >= MAX_FOLDS;
    const known = this.#folds.get(key) ?? (full ? this.#folds.values().next().value : undefined);
    if (known !== undefined) known.count += 1;
    else this.#folds.set(key, { sample, firstMs: nowMs, reason, count: 1 });
  }

  get size(): number {
    return this.#folds.size;
  }

  /** When the oldest sum is due, or null. */
  dueMs(): number | null {
    const oldest = this.#folds.values().next().value;
    return oldest === undefined ? null : oldest.firstMs + FOLD_MS;
  }

  /** Takes out the sums that are due. */
  take(nowMs: number): readonly Fold<T>[] {
    const due: Fold<T>[] = [];
    for (const [key, fold] of this.#folds) {
      if (fold.firstMs + FOLD_MS > nowMs) continue;
      due.push(fold);
      this.#folds.delete(key);
    }
    return due;
  }
}
