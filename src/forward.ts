/**
 * Forwards one admitted call to the vendor: attempts, timeouts, partner-aware repeats, failover to another key.
 *
 * It never follows a redirect, never decodes a body it need not look into, never repeats a call that might be carried out
 * twice, and never keeps a body that no repeat could need. Every attempt is reported to the connection's health.
 */
import { HeaderMap } from "./domain/header-map.ts";
import type { Refusal } from "./domain/problem.ts";
import { err, ok, type Result } from "./domain/result.ts";
import { countCall, mayRepeat } from "./domain/retry.ts";
import { needsBodyStart, readVendorSigns, type VendorSigns } from "./domain/vendor-signs.ts";
import type { ForwardCall, Progress } from "./forward-call.ts";
import { budgetOf, couldRepeat, pause, repeatAfter, repeatDelay, withIdempotencyKey } from "./repeat.ts";
import { attemptCall, type Attempt } from "./vendor-attempt.ts";
import { keepBody, peekBody, type KeptBody } from "./vendor-body.ts";

export interface ForwardAnswer {
  /** As the vendor sent it; its status is one that HTTP knows. */
  readonly response: Response;
  /** Those of the response. */
  readonly headers: HeaderMap;
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

export async function forward(call: ForwardCall): Promise<Result<ForwardAnswer, ForwardFailure>> {
  const { connection, ports } = call;
  const rule = connection.reliability;
  const startedMs = ports.clock.nowMs();
  const { headers, hasKey } = withIdempotencyKey(call, rule);
  const progress: Progress = {
    call,
    rule,
    budget: budgetOf(call.organisationId, connection.id, startedMs),
    repeatable: !call.upgrade && mayRepeat(call.method, hasKey),
    unclear: false,
    deadlineMs: startedMs + rule.totalTimeoutMs,
    breaker: ports.health.breaker?.(call.organisationId, connection) ?? "closed",
    keyId: null,
    attempts: 0,
    switches: 0,
    renewed: false,
    upstreamMs: 0,
    givenUp: [],
  };
  countCall(progress.budget, rule.retryBudgetShare);
  const body = await keepBody(call, couldRepeat(progress) ? rule.replayBodyMaxBytes : 0);
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

async function oneAttempt(progress: Progress, headers: HeaderMap, body: KeptBody): Promise<Attempt> {
  const { call, rule } = progress;
  // Nothing is sent for a caller that has gone, so nothing counts as forwarded.
  if (call.signal?.aborted === true || call.brokenBody.signal.aborted) return { kind: "client_gone" };
  const startedMs = call.ports.clock.nowMs();
  const controller = new AbortController();
  call.brokenBody.signal.addEventListener("abort", () => controller.abort(), { once: true });
  const request = call.buildRequest(headers, body.next(), controller.signal);
  progress.attempts += 1;
  progress.keyId = call.keyId();
  const timeoutMs = Math.max(1, Math.min(rule.firstByteTimeoutMs + body.uploadMs, progress.deadlineMs - startedMs));
  const attempt = await attemptCall(request, call.ports.fetch, call.watch, timeoutMs, call.signal, controller);
  progress.upstreamMs += Math.max(0, call.ports.clock.nowMs() - startedMs);
  return attempt;
}

async function afterAnswer(progress: Progress, answered: Response, body: KeptBody): Promise<Step> {
  const { call, rule } = progress;
  const { status } = answered;
  const headers = HeaderMap.of(answered.headers);
  if (status === 101 && call.upgrade) return ok(answer(progress, answered, headers));
  let response = answered;
  let bodyStart: string | null = null;
  if (needsBodyStart(rule, status, headers)) ({ response, bodyStart } = await peekBody(answered));
  const nowMs = call.ports.clock.nowMs();
  const signs = readVendorSigns(rule, status, headers, bodyStart, nowMs);
  const repeat = await repeatAfter(progress, status, signs, body);
  report(progress, status, signs, nowMs, repeat !== null);
  // After any other answer that is worth a repeat (a 409 while the first is still under way, too) it may be carried out.
  if (signs.kind !== "limited" && signs.kind !== "refused") progress.unclear = true;
  if (repeat !== null && (await pause(progress, String(status), repeat))) {
    await drop(response);
    return "again";
  }
  if (status >= 200 && status <= 599) return ok(answer(progress, response, headers));
  await drop(response);
  return err(failure(progress, unknownStatus(status)));
}

async function afterFailure(
  progress: Progress,
  attempt: Exclude<Attempt, { kind: "answer" }>,
  body: KeptBody,
): Promise<Step> {
  const { call } = progress;
  if (attempt.kind === "client_gone") {
    const whose = call.brokenBody.signal.aborted ? UPLOAD_BROKEN_OFF : CLIENT_GONE;
    return err(failure(progress, call.bodyRefusal() ?? whose));
  }
  progress.unclear = true;
  const repeat = body.again && progress.repeatable ? repeatDelay(progress, null, call.ports.random.unit()) : null;
  // While a body streams its sender may be the one who failed, and no caller may close the connection to the others.
  if (body.uploadMs === 0) {
    call.ports.health.report(call.organisationId, call.connection, {
      upstreamCredentialId: progress.keyId,
      status: null,
      failed: repeat === null,
      repeated: repeat !== null,
      holdUntilMs: null,
    });
  }
  if (repeat !== null && (await pause(progress, attempt.kind, repeat))) return "again";
  return err(failure(progress, attempt.kind === "timeout" ? TIMEOUT : UNREACHABLE));
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

async function drop(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => undefined);
}

function notesOf({ givenUp, breaker }: Progress): Readonly<Record<string, unknown>> {
  const given_up = givenUp.map(({ outcome, waitMs }) => ({ outcome, wait_ms: waitMs }));
  return { ...(given_up.length === 0 ? {} : { given_up }), ...(breaker === "closed" ? {} : { breaker }) };
}

function answer(progress: Progress, response: Response, headers: HeaderMap): ForwardAnswer {
  return { response, headers, attempts: progress.attempts, upstreamMs: progress.upstreamMs, notes: notesOf(progress) };
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
/** Unlike after a caller who is merely gone, the vendor cannot have carried the call out. */
const UPLOAD_BROKEN_OFF: Refusal = {
  code: "upstream_unreachable",
  detail: "The body broke off before it was complete, and so did the call to the vendor.",
  reason: "upload_broken_off",
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
