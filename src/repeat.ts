/**
 * Whether and when a call is repeated, with the same key or another. Reads the pure rules (`retry.ts`, `vendor-signs.ts`)
 * and keeps what one call has used up so far; the attempts themselves are made in `forward.ts`.
 */
import { needsAccessToken } from "./domain/auth-apply.ts";
import { HeaderMap } from "./domain/header-map.ts";
import type { Reliability } from "./domain/reliability.ts";
import {
  backoffMs,
  idempotencyHeaderOn,
  mayRepeat,
  newRetryBudget,
  takeRepeat,
  type RetryBudget,
} from "./domain/retry.ts";
import type { VendorSigns } from "./domain/vendor-signs.ts";
import type { ForwardCall, Progress } from "./forward-call.ts";
import type { KeptBody } from "./vendor-body.ts";

/** Keys that one call tries after the first: a failover must not walk through a long list. */
const MAX_KEY_SWITCHES = 3;
/** Timers may fire early by their granularity; a call before the vendor's time would be held back by its own hold. */
const TIMER_SLACK_MS = 5;
const MAX_BUDGETS = 1_000;

/**
 * The headers, and whether they carry an idempotency key that the vendor knows on this path. Where the policy adds one to a
 * write without, it is the same for every attempt.
 */
export function withIdempotencyKey(
  call: ForwardCall,
  rule: Reliability,
): { readonly headers: HeaderMap; readonly hasKey: boolean } {
  const name = idempotencyHeaderOn(rule, call.path);
  if (name === null) return { headers: call.headers, hasKey: false };
  // A vendor takes a blank one for none.
  if ((call.headers.get(name)?.trim() ?? "") !== "") return { headers: call.headers, hasKey: true };
  if (!rule.injectIdempotencyKey || mayRepeat(call.method, false)) return { headers: call.headers, hasKey: false };
  const headers = new HeaderMap(call.headers);
  headers.set(name, call.requestId);
  return { headers, hasKey: true };
}

/** Whether this answer is to be followed by a repeat, and after how many ms; null: it is the call's answer. */
export async function repeatAfter(
  progress: Progress,
  status: number,
  signs: VendorSigns,
  body: KeptBody,
): Promise<number | null> {
  const { call, rule } = progress;
  if (!body.again || signs.shouldRetry === false) return null;
  // A 401 says that nothing was carried out (RFC 9110 §15.5.2), so another key may be tried whatever the method.
  if (signs.kind === "refused" && (progress.repeatable || status === 401)) {
    return (await switchKey(progress, "refused")) ? 0 : null;
  }
  if (!progress.repeatable) return null;
  if (signs.kind === "limited" && (await switchKey(progress, "limited"))) return 0;
  const wanted = signs.kind === "limited" || signs.shouldRetry === true || rule.retryStatuses.includes(status);
  return wanted ? repeatDelay(progress, signs.waitMs, call.ports.random.unit()) : null;
}

async function switchKey(progress: Progress, reason: "refused" | "limited"): Promise<boolean> {
  const { call, rule } = progress;
  if (progress.switches >= MAX_KEY_SWITCHES) return false;
  const renew = reason === "refused" && !progress.renewed && needsAccessToken(call.connection.auth);
  if (!renew && progress.unclear && !mayRepeat(call.method, false)) return false;
  if (!renew && call.connection.upstreamCredentials.length < 2) return false;
  // A limit is the vendor's plea for fewer calls: trying another key is extra load all the same.
  if (reason === "limited" && !takeRepeat(progress.budget, rule.retryBudgetShare, call.ports.clock.nowMs()))
    return false;
  try {
    if (!(await call.switchKey(renew ? "token_rejected" : reason))) return false;
  } catch {
    // The vendor's own answer is worth more to the caller than news about a second key.
    return false;
  }
  if (renew) progress.renewed = true;
  else progress.switches += 1;
  return true;
}

/** How long to wait before a repeat of the same call; null when attempts, time or budget allow none. */
export function repeatDelay(progress: Progress, vendorWaitMs: number | null, random: number): number | null {
  const { rule } = progress;
  // Attempts with another key or token do not use up those of the first.
  const switched = progress.switches + (progress.renewed ? 1 : 0);
  if (progress.attempts - switched >= rule.maxAttempts) return null;
  const waitMs = backoffMs(rule, progress.attempts - switched, vendorWaitMs, random);
  const nowMs = progress.call.ports.clock.nowMs();
  if (waitMs === null || nowMs + waitMs >= progress.deadlineMs) return null;
  if (!takeRepeat(progress.budget, rule.retryBudgetShare, nowMs)) return null;
  return waitMs + (vendorWaitMs === null ? 0 : TIMER_SLACK_MS);
}

/**
 * Waits for a repeat's time; false when the caller has gone, the connection's health speaks against it by then, or the
 * vendor's quota has nothing left for it.
 */
export async function pause(progress: Progress, outcome: string, waitMs: number): Promise<boolean> {
  const { call } = progress;
  if (waitMs > 0) {
    await call.ports.sleep(waitMs);
    if (call.signal?.aborted === true) return false;
    if ((await call.ports.health.check(call.organisationId, call.connection)) !== null) return false;
  }
  if (!(await withinQuota(call))) return false;
  progress.givenUp.push({ outcome, waitMs });
  return true;
}

async function withinQuota({ takeQuota }: ForwardCall): Promise<boolean> {
  try {
    return takeQuota === null || (await takeQuota());
  } catch {
    return false;
  }
}

/** Whether anything could make this call go out twice; only then its body is kept. */
export function couldRepeat(progress: Progress): boolean {
  const { connection } = progress.call;
  const otherKey = connection.upstreamCredentials.length > 1 || needsAccessToken(connection.auth);
  return !progress.call.upgrade && (otherKey || (progress.repeatable && progress.rule.maxAttempts > 1));
}

const budgets = new Map<string, RetryBudget>();

export function budgetOf(organisationId: string, connectionId: string, nowMs: number): RetryBudget {
  const key = `${organisationId} ${connectionId}`;
  let budget = budgets.get(key);
  if (budget === undefined) {
    if (budgets.size >= MAX_BUDGETS) budgets.clear();
    budget = newRetryBudget(nowMs);
    budgets.set(key, budget);
  }
  return budget;
}
