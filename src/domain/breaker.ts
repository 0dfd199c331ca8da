/**
 * A circuit breaker: after enough failures calls are held back for a while, then one probe decides. Pure: time is an
 * argument; the breaker is plain JSON and is changed by these functions only.
 *
 * It opens when a window holds `failures` failures and at least half of the calls since the first of them failed, so that
 * a few failing calls among many good ones (one caller's bad request, say) stop nobody.
 * Invariant: while open nobody passes; while half-open one probe is out at a time.
 */
export interface BreakerRule {
  readonly failures: number;
  readonly windowSeconds: number;
  readonly openSeconds: number;
}

/** A probe whose outcome nobody reported is given up after this time, so that a lost one cannot hold calls for ever. */
export const PROBE_TIMEOUT_MS = 15_000;
/** Failures kept; a rule that asks for more opens at this many. */
const MAX_FAILURES = 200;

export type Breaker =
  | {
      readonly phase: "closed";
      /** Epoch ms of the failures in the window, ascending. */
      readonly failures: readonly number[];
      /** Good calls since the first of them. */
      readonly successes: number;
    }
  | { readonly phase: "open"; readonly untilMs: number }
  | { readonly phase: "half_open"; readonly probeUntilMs: number };

export const CLOSED: Breaker = { phase: "closed", failures: [], successes: 0 };

export interface Outcomes {
  readonly failures: number;
  readonly successes: number;
  /** One of them was the probe's. */
  readonly probe: boolean;
}

/** The breaker after these outcomes. While it is open or half-open only the probe's outcome counts. */
export function afterOutcomes(breaker: Breaker, rule: BreakerRule, outcomes: Outcomes, nowMs: number): Breaker {
  if (breaker.phase !== "closed") {
    if (!outcomes.probe) return breaker;
    return outcomes.failures > 0 ? opened(rule, nowMs) : CLOSED;
  }
  const sinceMs = nowMs - rule.windowSeconds * 1000;
  const kept = breaker.failures.filter((atMs) => atMs > sinceMs);
  const failures = [...kept, ...Array.from({ length: Math.min(outcomes.failures, MAX_FAILURES) }, () => nowMs)];
  if (failures.length === 0) return CLOSED;
  // Good calls before the first failure in the window say nothing about the vendor's state since then.
  const successes = (kept.length === 0 ? 0 : breaker.successes) + outcomes.successes;
  const enough = failures.length >= Math.min(MAX_FAILURES, Math.max(1, rule.failures));
  if (enough && failures.length >= successes) return opened(rule, nowMs);
  return { phase: "closed", failures: failures.slice(-MAX_FAILURES), successes };
}

/** Hands out the probe when it is time for one: the breaker with the probe out, or null when the caller must wait. */
export function claimProbe(breaker: Breaker, nowMs: number): Breaker | null {
  if (breaker.phase === "closed") return null;
  const waitUntilMs = breaker.phase === "open" ? breaker.untilMs : breaker.probeUntilMs;
  return nowMs < waitUntilMs ? null : { phase: "half_open", probeUntilMs: nowMs + PROBE_TIMEOUT_MS };
}

/** Epoch ms before which no call should be tried, or null when calls may go. */
export function heldUntilMs(breaker: Breaker): number | null {
  if (breaker.phase === "closed") return null;
  return breaker.phase === "open" ? breaker.untilMs : breaker.probeUntilMs;
}

function opened(rule: BreakerRule, nowMs: number): Breaker {
  return { phase: "open", untilMs: nowMs + rule.openSeconds * 1000 };
}
