/**
 * Forwards one admitted call to the vendor: attempts, timeouts, partner-aware repeats, failover to another key.
 *
 * It never follows a redirect, never decodes a body it need not look into, never repeats a call that might be carried out
 * twice, and never keeps a body that no repeat could need. Every attempt is reported to the connection's health.
 */
import { needsAccessToken } from "./domain/auth-apply.ts";
import type { ConnectionDocument } from "./domain/documents.ts";
import type { Refusal } from "./domain/problem.ts";
import type { Reliability } from "./domain/reliability.ts";
import { err, ok, type Result } from "./domain/result.ts";
import { backoffMs, countCall, mayRepeat, newRetryBudget, takeRepeat, type RetryBudget } from "./domain/retry.ts";
import { needsBodyStart, readVendorSigns, type VendorSigns } from "./domain/vendor-signs.ts";
import type { Ports } from "./ports.ts";
import { attemptCall, type Attempt } from "./vendor-attempt.ts";
import { keepBody, peekBody, type KeptBody } from "./vendor-body.ts";

/** Keys that one call tries after the first: a failover must not walk through a long list. */
const MAX_KEY_SWITCHES = 3;
/** Timers may fire early by their granularity; a call before the vendor's time would be held back by its own hold. */
const TIMER_SLACK_MS = 5;
const MAX_BUDGETS = 1_000;

/** Why the present key is given up for this call. */
export type SwitchReason = "token_rejected" | "refused" | "limited";

export interface ForwardCall {
  readonly organisationId: string;
  readonly connection: ConnectionDocument;
  readonly requestId: string;
  readonly method: string;
  /** Headers for the vendor, without its key. */
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | null;
  /** Content-Length as declared; a stream that is known to be too long to keep is then passed on untouched. */
  readonly declaredBytes?: number | null;
  readonly upgrade: boolean;
  /** The caller's: when it goes away, so does the vendor call. */
  readonly signal: AbortSignal | null;
  /**
   * The request with the present key, `redirect: "manual"` and this signal. `outgoing` may be written to: what is written
   * must be the same places for every key. Throws when the key cannot be used.
   */
  readonly buildRequest: (outgoing: Headers, body: BodyInit | null, signal: AbortSignal) => Request;
  /** Moves on to another key or token; false when there is none. May throw when it cannot be read. */
  readonly switchKey: (reason: SwitchReason) => Promise<boolean>;
  readonly keyId: () => string | null;
  readonly ports: Pick<Ports, "clock" | "random" | "fetch" | "sleep" | "health">;
}

export interface ForwardAnswer {
  /** As the vendor sent it; its status is one that HTTP knows. */
  readonly response: Response;
  readonly attempts: number;
  /** Time spent waiting for the vendor, over all attempts; pauses between them not included. */
  readonly upstreamMs: number;
  /** For the audit event: `attempts` that were given up, with their reasons. */
  readonly notes: Readonly<Record<string, unknown>>;
}

export interface ForwardFailure {
  readonly refusal: Refusal;
  /** False when it is certain that no byte reached the vendor. */
  readonly forwarded: boolean;
  readonly attempts: number;
  readonly upstreamMs: number;
  readonly notes: Readonly<Record<string, unknown>>;
}

/** What goes on between attempts. */
interface Progress {
  readonly call: ForwardCall;
  readonly rule: Reliability;
  readonly budget: RetryBudget;
  /** Repeating cannot double an effect. */
  readonly repeatable: boolean;
  readonly deadlineMs: number;
  /** The key of the attempt under way. */
  keyId: string | null;
  attempts: number;
  switches: number;
  renewed: boolean;
  upstreamMs: number;
  readonly givenUp: { readonly outcome: string; readonly waitMs: number }[];
}

export async function forward(call: ForwardCall): Promise<Result<ForwardAnswer, ForwardFailure>> {
  const { connection, ports } = call;
  const rule = connection.reliability;
  const startedMs = ports.clock.nowMs();
  const headers = withIdempotencyKey(call, rule);
  const progress: Progress = {
    call,
    rule,
    budget: budgetOf(call.organisationId, connection.id, startedMs),
    repeatable: !call.upgrade && mayRepeat(call.method, hasIdempotencyKey(rule, headers)),
    deadlineMs: startedMs + rule.totalTimeoutMs,
    keyId: null,
    attempts: 0,
    switches: 0,
    renewed: false,
    upstreamMs: 0,
    givenUp: [],
  };
  countCall(progress.budget, rule.retryBudgetShare);
  const body = await keepBody(call.body, couldRepeat(progress), rule.replayBodyMaxBytes, call.declaredBytes ?? null);
  for (;;) {
    let attempt: Attempt;
    try {
      attempt = await oneAttempt(progress, headers, body);
    } catch (broken) {
      if (progress.attempts === 0) throw broken;
      // The vendor was reached with an earlier key, so this call is on its record.
      return err(failure(progress, NEXT_KEY_UNUSABLE));
    }
    const step =
      attempt.kind === "answer"
        ? await afterAnswer(progress, attempt.response, body)
        : await afterFailure(progress, attempt, body);
    if (step !== "again") return step;
  }
}

type Step = "again" | Result<ForwardAnswer, ForwardFailure>;

async function oneAttempt(progress: Progress, headers: Headers, body: KeptBody): Promise<Attempt> {
  const { call, rule } = progress;
  const startedMs = call.ports.clock.nowMs();
  const controller = new AbortController();
  const request = call.buildRequest(headers, body.next(), controller.signal);
  progress.attempts += 1;
  progress.keyId = call.keyId();
  const timeoutMs = Math.max(1, Math.min(rule.firstByteTimeoutMs, progress.deadlineMs - startedMs));
  const attempt = await attemptCall(request, call.ports.fetch, timeoutMs, call.signal, controller);
  progress.upstreamMs += Math.max(0, call.ports.clock.nowMs() - startedMs);
  return attempt;
}

async function afterAnswer(progress: Progress, answered: Response, body: KeptBody): Promise<Step> {
  const { call, rule } = progress;
  const { status, headers } = answered;
  if (status === 101 && call.upgrade) return ok(answer(progress, answered));
  let response = answered;
  let bodyStart: string | null = null;
  if (needsBodyStart(rule, status, headers)) ({ response, bodyStart } = await peekBody(answered));
  const nowMs = call.ports.clock.nowMs();
  const signs = readVendorSigns(rule, status, headers, bodyStart, nowMs);
  const repeat = await repeatAfter(progress, status, signs, body);
  report(progress, status, signs, nowMs, repeat !== null);
  if (repeat !== null && (await pause(progress, String(status), repeat))) {
    await drop(response);
    return "again";
  }
  if (status >= 200 && status <= 599) return ok(answer(progress, response));
  await drop(response);
  return err(failure(progress, unknownStatus(status)));
}

/** Whether this answer is to be followed by a repeat, and after how many ms; null: it is the call's answer. */
async function repeatAfter(
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

async function afterFailure(
  progress: Progress,
  attempt: Exclude<Attempt, { kind: "answer" }>,
  body: KeptBody,
): Promise<Step> {
  const { call } = progress;
  if (attempt.kind === "client_gone") return err(failure(progress, CLIENT_GONE));
  const repeat = body.again && progress.repeatable ? repeatDelay(progress, null, call.ports.random.unit()) : null;
  call.ports.health.report(call.organisationId, call.connection, {
    upstreamCredentialId: progress.keyId,
    status: null,
    failed: repeat === null,
    repeated: repeat !== null,
    holdUntilMs: null,
  });
  if (repeat !== null && (await pause(progress, attempt.kind, repeat))) return "again";
  return err(failure(progress, attempt.kind === "timeout" ? TIMEOUT : UNREACHABLE));
}

async function switchKey(progress: Progress, reason: "refused" | "limited"): Promise<boolean> {
  const { call, rule } = progress;
  if (progress.switches >= MAX_KEY_SWITCHES) return false;
  const renew = reason === "refused" && !progress.renewed && needsAccessToken(call.connection.auth);
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
function repeatDelay(progress: Progress, vendorWaitMs: number | null, random: number): number | null {
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

/** Waits for a repeat's time; false when the caller has gone or the connection's health speaks against it by then. */
async function pause(progress: Progress, outcome: string, waitMs: number): Promise<boolean> {
  const { call } = progress;
  if (waitMs > 0) {
    await call.ports.sleep(waitMs);
    if (call.signal?.aborted === true) return false;
    if ((await call.ports.health.check(call.organisationId, call.connection)) !== null) return false;
  }
  progress.givenUp.push({ outcome, waitMs });
  return true;
}

/** `repeated`: another attempt follows, so this one's failure does not count for the breaker. */
function report(progress: Progress, status: number, signs: VendorSigns, nowMs: number, repeated: boolean): void {
  const { call } = progress;
  call.ports.health.report(call.organisationId, call.connection, {
    upstreamCredentialId: progress.keyId,
    status,
    failed: signs.kind === "failing" && !repeated,
    repeated,
    holdUntilMs: signs.waitMs === null ? null : nowMs + signs.waitMs,
    refused: signs.kind === "refused",
    quota: signs.quota,
  });
}

/** Whether anything could make this call go out twice; only then its body is kept. */
function couldRepeat(progress: Progress): boolean {
  const { connection } = progress.call;
  const otherKey = connection.upstreamCredentials.length > 1 || needsAccessToken(connection.auth);
  return !progress.call.upgrade && (otherKey || (progress.repeatable && progress.rule.maxAttempts > 1));
}

function hasIdempotencyKey(rule: Reliability, headers: Headers): boolean {
  return rule.idempotencyHeader !== null && headers.has(rule.idempotencyHeader);
}

/** The vendor's idempotency key, where it knows one and the policy adds it: one per call, the same for every attempt. */
function withIdempotencyKey(call: ForwardCall, rule: Reliability): Headers {
  if (!rule.injectIdempotencyKey || rule.idempotencyHeader === null || mayRepeat(call.method, false))
    return call.headers;
  if (call.headers.has(rule.idempotencyHeader)) return call.headers;
  const headers = new Headers(call.headers);
  headers.set(rule.idempotencyHeader, call.requestId);
  return headers;
}

const budgets = new Map<string, RetryBudget>();

function budgetOf(organisationId: string, connectionId: string, nowMs: number): RetryBudget {
  const key = `${organisationId} ${connectionId}`;
  let budget = budgets.get(key);
  if (budget === undefined) {
    if (budgets.size >= MAX_BUDGETS) budgets.clear();
    budget = newRetryBudget(nowMs);
    budgets.set(key, budget);
  }
  return budget;
}

async function drop(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => undefined);
}

function notesOf(progress: Progress): Readonly<Record<string, unknown>> {
  return progress.givenUp.length === 0
    ? {}
    : { given_up: progress.givenUp.map(({ outcome, waitMs }) => ({ outcome, wait_ms: waitMs })) };
}

function answer(progress: Progress, response: Response): ForwardAnswer {
  return { response, attempts: progress.attempts, upstreamMs: progress.upstreamMs, notes: notesOf(progress) };
}

function failure(progress: Progress, refusal: Refusal): ForwardFailure {
  const { attempts, upstreamMs } = progress;
  return { refusal, forwarded: attempts > 0, attempts, upstreamMs, notes: notesOf(progress) };
}

const CLIENT_GONE: Refusal = {
  code: "upstream_unreachable",
  detail: "The caller went away before the vendor answered.",
  reason: "client_gone",
};
const NEXT_KEY_UNUSABLE: Refusal = {
  code: "secret_unavailable",
  detail: "The vendor did not accept the first key, and the next one cannot be used. Ask an admin to replace it.",
};
const TIMEOUT: Refusal = { code: "upstream_timeout", detail: "The vendor did not answer in time." };
const UNREACHABLE: Refusal = { code: "upstream_unreachable", detail: "The vendor could not be reached." };

function unknownStatus(status: number): Refusal {
  return {
    code: "upstream_unreachable",
    detail: `The vendor answered with status ${status}, which HTTP does not know.`,
    reason: "upstream_status_unknown",
  };
}
