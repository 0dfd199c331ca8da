/**
 * When a vendor call may be repeated, and how long to wait before. Pure: time and randomness are arguments.
 *
 * Invariants: a call that is neither safe nor carries an idempotency key is never repeated after the vendor may have
 * carried it out; over any longer run, repeats stay within the connection's share of extra load.
 */
import { compilePattern, matchPattern } from "./pattern.ts";
import type { Reliability } from "./reliability.ts";

/** Methods that change nothing (RFC 9110 §9.2.1); repeating them repeats no effect. */
const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/** Methods of which several calls do no more than one (RFC 9110 §9.2.2). */
const IDEMPOTENT_METHODS: ReadonlySet<string> = new Set([...SAFE_METHODS, "PUT", "DELETE"]);

/** Repeats that a quiet connection may make before it has earned any. */
const LENT_REPEATS = 5;
/** A used-up loan grows again by one repeat in this time, so that a rarely used connection can repeat at all. */
const LOAN_INTERVAL_MS = 10_000;
/** Earned repeats that are kept at most: what a sudden failure may cause at once. */
const MAX_SAVED_REPEATS = 100;

/** Whether the same call may be sent twice without risking a second effect. */
export function mayRepeat(method: string, hasIdempotencyKey: boolean): boolean {
  return hasIdempotencyKey || SAFE_METHODS.has(method);
}

/**
 * Whether a caller may send a call again whose outcome nobody knows. `ownKey`: the caller's own idempotency key; one that
 * RelayKey adds is another for the next call.
 */
export function callerMayRepeat(method: string, ownKey: boolean): boolean {
  return ownKey || IDEMPOTENT_METHODS.has(method);
}

/**
 * The header in which a call on this path may carry an idempotency key; null: the vendor does not know one there, and so
 * would carry out each repeat. `path`: canonical upstream path, base path included.
 */
export function idempotencyHeaderOn(
  { idempotencyHeader, idempotencyPaths = [] }: Pick<Reliability, "idempotencyHeader" | "idempotencyPaths">,
  path: string,
): string | null {
  if (idempotencyHeader === null || idempotencyPaths.length === 0) return idempotencyHeader;
  const known = idempotencyPaths.some((text) => {
    const pattern = compilePattern(text);
    return pattern !== null && matchPattern(pattern, path);
  });
  return known ? idempotencyHeader : null;
}

export interface BackoffRule {
  readonly baseDelayMs: number;
  readonly maxDelayMs: number;
}

/**
 * Wait before attempt `attempt + 1`, or null when the vendor asks for more than the policy allows to wait.
 * Full jitter: uniform between 0 and the exponential bound, so that callers spread; never less than the vendor said.
 */
export function backoffMs(
  rule: BackoffRule,
  attempt: number,
  vendorWaitMs: number | null,
  random: number,
): number | null {
  if (vendorWaitMs !== null && vendorWaitMs > rule.maxDelayMs) return null;
  const bound = Math.min(rule.maxDelayMs, rule.baseDelayMs * 2 ** Math.min(attempt - 1, 30));
  // Everyone was told the same time: without jitter on top all would come back at once.
  return Math.min(rule.maxDelayMs, (vendorWaitMs ?? 0) + Math.floor(random * bound));
}

/**
 * How many repeats a connection may still make in this isolate: at most `max(loan, share × calls)`. The loan serves quiet
 * connections; what calls earn pays it back first, so both do not add up. Mutable; changed by the functions below only.
 */
export interface RetryBudget {
  /** Repeats that may be made now (fractions are earned by calls). */
  repeats: number;
  /** Lent repeats that calls have not earned yet. */
  debt: number;
  lentAtMs: number;
}

export function newRetryBudget(nowMs: number): RetryBudget {
  return { repeats: LENT_REPEATS, debt: LENT_REPEATS, lentAtMs: nowMs };
}

/** Counts a first attempt. `share`: extra load allowed, 0.2 = one repeat for five calls. */
export function countCall(budget: RetryBudget, share: number): void {
  const repaid = Math.min(budget.debt, share);
  budget.debt -= repaid;
  budget.repeats = Math.min(MAX_SAVED_REPEATS, budget.repeats + share - repaid);
}

/** Takes one repeat if the budget has it. */
export function takeRepeat(budget: RetryBudget, share: number, nowMs: number): boolean {
  if (share <= 0) return false;
  if (budget.repeats < 1 && budget.debt < LENT_REPEATS && nowMs - budget.lentAtMs >= LOAN_INTERVAL_MS) {
    budget.repeats += 1;
    budget.debt += 1;
    budget.lentAtMs = nowMs;
  }
  // Sums of shares are not exact in binary: five times 0.2 must buy one repeat.
  if (budget.repeats < 1 - 1e-9) return false;
  budget.repeats -= 1;
  return true;
}
