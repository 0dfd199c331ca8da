/**
 * Until when each open admission is kept open. Pure: time is an argument.
 *
 * A Worker renews its long calls; an admission that is neither renewed nor settled for `ADMISSION_LEASE_MS` is given up.
 * The ends are memory only. After a restart nobody knows who renewed before, so what was open gets some time, once: that
 * time is on record (`grace`), because an idle object is thrown out of memory, and one that gave time at every start would
 * never close anything.
 */
import type { GateRecord } from "./gate-records.ts";
import type { GateState } from "./gate-state.ts";
import { ADMISSION_LEASE_MS, RESTART_GRACE_MS } from "./gate-state.ts";

export class AdmissionLeases {
  /** In the order of their ends: all leases are equally long, and a renewed one moves to the back. */
  readonly #ends = new Map<number, number>();

  /** The leases of what was open before a restart, and the record of the time given, if there is a new one. */
  static restart(
    state: GateState,
    nowMs: number,
  ): { readonly leases: AdmissionLeases; readonly grace: GateRecord | null } {
    const leases = new AdmissionLeases();
    let newest = 0;
    for (const admission of state.open.keys()) newest = Math.max(newest, admission);
    if (newest === 0) return { leases, grace: null };
    const known = state.grace !== null && state.grace.admission >= newest ? state.grace.untilMs : null;
    const untilMs = known ?? nowMs + RESTART_GRACE_MS;
    const ends = [...state.open].map(
      ([admission, { atMs }]) => [admission, Math.max(atMs + ADMISSION_LEASE_MS, untilMs)] as const,
    );
    for (const [admission, endMs] of ends.toSorted((a, b) => a[1] - b[1])) leases.#ends.set(admission, endMs);
    return { leases, grace: known === null ? ["grace", untilMs, state.admissions] : null };
  }

  open(admission: number, nowMs: number): void {
    this.#ends.set(admission, nowMs + ADMISSION_LEASE_MS);
  }

  close(admission: number): void {
    this.#ends.delete(admission);
  }

  /**
   * Renews one that is still open. The answer is a record when the time given after a restart must be extended for it, so
   * that a call that lives on outlives the next restart too.
   */
  renew(state: GateState, admission: number, nowMs: number): GateRecord | null {
    if (!this.#ends.delete(admission)) return null;
    const untilMs = nowMs + ADMISSION_LEASE_MS;
    this.#ends.set(admission, untilMs);
    const { grace } = state;
    if (grace === null || admission > grace.admission || grace.untilMs >= nowMs + ADMISSION_LEASE_MS / 2) return null;
    return ["grace", untilMs, grace.admission];
  }

  /** Takes out those that have ended. */
  takeEnded(nowMs: number): readonly number[] {
    const ended: number[] = [];
    for (const [admission, endMs] of this.#ends) {
      if (endMs > nowMs) break;
      this.#ends.delete(admission);
      ended.push(admission);
    }
    return ended;
  }

  /** When the next one ends, or null. */
  nextMs(): number | null {
    return this.#ends.values().next().value ?? null;
  }
}
