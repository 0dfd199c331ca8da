/**
 * Step 10: the vendor's answer goes to the caller, cleaned; the call is settled when its last byte has passed. The settled
 * entry becomes the audit event.
 */
import type { LimitStatus } from "../domain/admission.ts";
import { maskedForms } from "../domain/auth-apply.ts";
import { declaredLength, HeaderMap, type ReadHeaders } from "../domain/header-map.ts";
import { maskText, secretForms, StreamMasker } from "../domain/mask.ts";
import { costOf } from "../domain/price-cost.ts";
import { PROBLEM_KINDS, type Refusal } from "../domain/problem.ts";
import type { Result } from "../domain/result.ts";
import { callerMayRepeat, idempotencyHeaderOn } from "../domain/retry.ts";
import { JsonUrlRewriter, mayHoldMember, type UrlMap } from "../domain/rewrite.ts";
import type { ProxyRoute } from "../domain/route.ts";
import { urlMapFor } from "../domain/url-map.ts";
import type { PaymentHold, PipelineSettings, Ports } from "../ports.ts";
import type { VendorAnswer, VendorFailure } from "./call-vendor.ts";
import { callerHeaders, type CallerHeaders } from "./caller-headers.ts";
import { deliver, type ByteFilter, type DeliveryEnd, type DeliveryFailure } from "./deliver.ts";
import type { Judgement } from "./judge.ts";
import type { Ending, OpenCall } from "./open-call.ts";
import { closeFailed } from "./payment.ts";
import { refusalResponse } from "./refuse.ts";
import type { BodyReader } from "./request-body.ts";
import { answerLate, withoutMembers } from "./response-rules.ts";
import type { ReadTimes } from "./timed-read.ts";
import { usageMeter } from "./usage-meter.ts";

export interface AnsweredCall {
  readonly request: Request;
  readonly route: ProxyRoute;
  readonly requestId: string;
  readonly judgement: Judgement & { readonly grant: NonNullable<Judgement["grant"]> };
  readonly limits: readonly LimitStatus[];
  readonly open: OpenCall;
  readonly answer: Result<VendorAnswer, VendorFailure>;
  readonly payment: PaymentHold;
  readonly body: BodyReader;
}

export async function answerCaller(call: AnsweredCall, ports: Ports, settings: PipelineSettings): Promise<Response> {
  if (!call.answer.ok) return failed(call, call.answer.error);
  const { connection, scope } = call.judgement.grant;
  const { status } = call.answer.value.response;
  if (status === 402) {
    await call.answer.value.response.body?.cancel().catch(() => undefined);
    await call.payment.release("vendor_payment_required");
    return failed(call, { ...sent(call.answer.value), refusal: VENDOR_PAYMENT, forwarded: true });
  }
  const times = readTimes(call, ports);
  const { method } = call.request;
  const shown = await withoutMembers(call.answer.value.response, scope.removeResponseMembers, method, times);
  if (!shown.ok) {
    const gone = hungUp(call, status);
    const reason = shown.error.reason ?? shown.error.code;
    await closeFailed(call.payment, { reason, gone, settled: false }, ports.defer);
    return failed(call, { ...sent(call.answer.value), refusal: gone ? CLIENT_GONE : shown.error, forwarded: true });
  }
  const { response, headers: answered } = call.answer.value;
  const upstream = shown.value === response ? answered : HeaderMap.of(shown.value.headers);
  const vendor: VendorAnswer = { ...call.answer.value, response: shown.value, headers: upstream };
  let receipt: Readonly<Record<string, string>> = {};
  if (status >= 400) await call.payment.release(`upstream_${status}`);
  else {
    const paid = await call.payment.settle();
    if (!paid.ok) {
      await vendor.response.body?.cancel().catch(() => undefined);
      return failed(call, { ...sent(vendor), refusal: paid.error, forwarded: true });
    }
    receipt = paid.value.headers;
    for (const [name, value] of Object.entries(paid.value.note)) call.open.note(name, value);
  }
  const forms = secretForms(vendor.key.secret, maskedForms(connection.auth, vendor.key.secret, vendor.key.accessToken));
  let known: UrlMap | null = null;
  // Most answers hold no URL of the vendor's, so the map is made when one is met.
  const map = (): UrlMap => (known ??= urlMap(call, settings));
  const upgrade = (vendor.response.webSocket ?? null) !== null;
  const bodyRewritten = scope.removeResponseMembers.length > 0;
  const own = { requestId: call.requestId, limits: call.limits, receipt };
  const headers = callerHeaders(upstream, forms, map, own, { upgrade, bodyRewritten });
  if (upgrade) return upgraded(call, vendor, headers, ports);
  const rewrites = connection.urlMembers.length > 0 && isJson(upstream);
  const maskers: StreamMasker[] = [];
  const meter = usageMeter(connection.prices, method, call.judgement.path, upstream);
  const filters = (whole: Uint8Array | null): ByteFilter[] => {
    const masker = new StreamMasker(forms);
    maskers.push(masker);
    const chain: ByteFilter[] = meter === null ? [masker] : [meter, masker];
    const may = rewrites && (whole === null || mayHoldMember(whole, connection.urlMembers));
    return may ? [...chain, new JsonUrlRewriter(connection.urlMembers, map)] : chain;
  };
  const masked = (): boolean => maskers.some((each) => each.hits > 0) || headers.masked;
  const delivered = await deliver({
    upstream: vendor.response,
    declaredBytes: declaredLength(upstream),
    statusText: maskText(vendor.response.statusText, forms),
    headers: headers.value,
    method,
    filters,
    masked,
    resizes: rewrites,
    times,
    fixedLength: ports.fixedLength,
    signal: call.request.signal,
    ended: (end) => {
      const stated = { status, headers: upstream, usage: meter?.usage() ?? null, whole: end.how === "whole" };
      const cost = costOf(connection.prices, method, call.judgement.path, stated);
      if (masked()) call.open.note("echo_masked", true);
      call.open.settle({ ...ending(call, vendor, end), costUsdMicros: cost });
      if (status < 400 && call.judgement.grant.payment !== null) ports.defer(call.payment.close(cost));
    },
  });
  if (typeof delivered === "string") {
    // Nothing reached the caller after all.
    const gone = hungUp(call, status);
    await closeFailed(call.payment, { reason: delivered, gone, settled: gone }, ports.defer);
    return failed(call, { ...sent(vendor), refusal: gone ? CLIENT_GONE : undelivered(delivered), forwarded: true });
  }
  if (!call.open.isSettled()) ports.defer(call.open.settled);
  return delivered;
}

/** From now on; what the attempts took does not count. */
function readTimes(call: AnsweredCall, ports: Ports): ReadTimes {
  const { idleTimeoutMs, totalTimeoutMs } = call.judgement.grant.connection.reliability;
  const { nowMs } = ports.clock;
  return { idleTimeoutMs, deadlineMs: nowMs() + totalTimeoutMs, nowMs, watch: call.open.watch };
}

const VENDOR_PAYMENT: Refusal = {
  code: "vendor_payment_required",
  detail: "The vendor itself asks for payment for this call. The owner of the connection must see to it.",
};
const BROKE_OFF: Refusal = {
  code: "upstream_unreachable",
  detail: "The vendor's answer broke off before it was complete.",
  reason: "vendor_died",
};

const UNSEARCHABLE: Refusal = {
  code: "upstream_unreachable",
  detail: "The vendor's answer is in a content coding that cannot be searched for the key, so it is not passed on.",
  reason: "unsearchable",
  retryable: false,
};

const CLIENT_GONE: Refusal = {
  code: "upstream_unreachable",
  detail: "The caller went away before the vendor's answer was complete.",
  reason: "client_gone",
};

/** A caller's end also ends the reading of the vendor's answer, which must not be taken for the vendor's failure. */
function hungUp(call: AnsweredCall, status: number): boolean {
  return status < 400 && call.request.signal.aborted;
}

function undelivered(failure: DeliveryFailure): Refusal {
  if (failure === "vendor_died") return BROKE_OFF;
  return failure === "unsearchable" ? UNSEARCHABLE : answerLate(failure);
}

function sent(vendor: VendorAnswer): Omit<VendorFailure, "refusal" | "forwarded"> {
  return {
    attempts: vendor.attempts,
    upstreamMs: vendor.upstreamMs,
    upstreamCredentialId: vendor.key.credential?.id ?? null,
    notes: vendor.notes,
  };
}

/** RelayKey answers although the call was forwarded: the vendor was not reached, too slow, or broke off. */
function failed(call: AnsweredCall, failure: VendorFailure): Response {
  const { refusal } = failure;
  call.open.settle({
    status: PROBLEM_KINDS[refusal.code].status,
    upstreamStatus: call.answer.ok ? call.answer.value.response.status : null,
    reason: refusal.reason ?? refusal.code,
    attempts: failure.attempts,
    upstreamMs: failure.upstreamMs,
    bytesIn: call.body.bytesSeen(),
    bytesOut: 0,
    costUsdMicros: null,
    upstreamCredentialId: failure.upstreamCredentialId,
    forwarded: failure.forwarded,
    notes: failure.notes,
  });
  const { connection } = call.judgement.grant;
  const accept = call.request.headers.get("accept");
  const told = failure.forwarded ? forCaller(call, refusal) : refusal;
  return refusalResponse(told, { requestId: call.requestId, limits: call.limits, connection, accept });
}

const UNCLEAR: ReadonlySet<string> = new Set(["upstream_unreachable", "upstream_timeout"]);

/** Nobody is invited to send a write again that the vendor may have carried out. */
function forCaller({ request, judgement }: AnsweredCall, refusal: Refusal): Refusal {
  if (!UNCLEAR.has(refusal.code) || refusal.retryable === false) return refusal;
  const name = idempotencyHeaderOn(judgement.grant.connection.reliability, judgement.path);
  const ownKey = name !== null && (request.headers.get(name)?.trim() ?? "") !== "";
  if (callerMayRepeat(request.method, ownKey)) return refusal;
  const detail = `${refusal.detail} The vendor may have carried the call out: look before it is sent again.`;
  return { ...refusal, detail, retryable: false };
}

function ending(call: AnsweredCall, vendor: VendorAnswer, end: DeliveryEnd): Ending {
  return {
    status: vendor.response.status,
    upstreamStatus: vendor.response.status,
    reason: end.how === "whole" ? null : end.how,
    attempts: vendor.attempts,
    upstreamMs: vendor.upstreamMs,
    bytesIn: call.body.bytesSeen(),
    bytesOut: end.bytesOut,
    costUsdMicros: null,
    upstreamCredentialId: vendor.key.credential?.id ?? null,
    forwarded: true,
    notes: vendor.notes,
  };
}

/** A WebSocket: the handshake is the call. Its messages pass through the platform, so their bytes are not counted. */
function upgraded(call: AnsweredCall, vendor: VendorAnswer, headers: CallerHeaders, ports: Ports): Response {
  call.open.note("websocket", true);
  if (headers.masked) call.open.note("echo_masked", true);
  const { connection } = call.judgement.grant;
  const { response, headers: answered } = vendor;
  const stated = { status: response.status, headers: answered, usage: null, whole: true };
  const cost = costOf(connection.prices, call.request.method, call.judgement.path, stated);
  call.open.settle({ ...ending(call, vendor, { bytesOut: 0, how: "whole" }), costUsdMicros: cost });
  if (call.judgement.grant.payment !== null) ports.defer(call.payment.close(cost));
  const answer = new Response(null, { status: 101, webSocket: vendor.response.webSocket });
  headers.value.writeTo(answer.headers);
  return answer;
}

/** Which vendor URLs are pointed back at the proxy, and to where: the same route by which the caller came. */
function urlMap(call: AnsweredCall, settings: PipelineSettings): UrlMap {
  return urlMapFor({
    connection: call.judgement.grant.connection,
    route: call.route,
    requestUrl: call.request.url,
    proxyOrigin: settings.proxyOrigin,
  });
}

function isJson(headers: ReadHeaders): boolean {
  return /^application\/(?:[\w.+-]+\+)?json\b/i.test(headers.get("content-type") ?? "");
}
