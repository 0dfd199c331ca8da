/**
 * The path of one call, in ten steps: authenticate → load policy → endpoint and environment rules → rate → budget →
 * payment → choose upstream credential → fetch its secret → forward with partner-aware retries → emit the event.
 *
 * What always holds: no byte reaches the vendor before the gate has the admission on durable record; a failing part
 * refuses; every admitted call is settled exactly once.
 */
import { BodyRoom } from "./body-room.ts";
import { ID_RANDOM_BYTES, newTimedId } from "./domain/ids.ts";
import type { LimitStatus } from "./domain/admission.ts";
import { HeaderMap } from "./domain/header-map.ts";
import type { ConnectionDocument } from "./domain/documents.ts";
import { PROBLEM_KINDS, type Refusal } from "./domain/problem.ts";
import { err } from "./domain/result.ts";
import type { ProxyRoute } from "./domain/route.ts";
import type { PipelineSettings, Ports } from "./ports.ts";
import { admitCall } from "./steps/admit.ts";
import { answerCaller } from "./steps/answer.ts";
import { authenticate } from "./steps/authenticate.ts";
import { callVendor } from "./steps/call-vendor.ts";
import { brokenEnding, openCall, refusedEnding } from "./steps/open-call.ts";
import { closeFailed, takePayment } from "./steps/payment.ts";
import { refusalResponse } from "./steps/refuse.ts";
import { bodyReader } from "./steps/request-body.ts";
import { upstreamKeys } from "./steps/upstream-keys.ts";
import { Watch } from "./watch.ts";

const UNAVAILABLE: Refusal = {
  code: "unavailable",
  detail: "RelayKey cannot decide about this call now. Try again shortly.",
  retryAfterSeconds: 1,
};

/** Of this isolate. */
const ROOM = new BodyRoom();

export async function handleCall(
  request: Request,
  route: ProxyRoute,
  ports: Ports,
  settings: PipelineSettings,
): Promise<Response> {
  const startedMs = ports.clock.nowMs();
  const headers = HeaderMap.of(request.headers);
  const watch = new Watch(ports.clock.nowMs);
  const requestId = newTimedId("req", startedMs, ports.random.bytes(ID_RANDOM_BYTES));
  const refuse = (
    refusal: Refusal,
    limits: readonly LimitStatus[] = [],
    connection: ConnectionDocument | null = null,
  ): Response => refusalResponse(refusal, { requestId, limits, connection, accept: headers.get("accept") });
  try {
    // 1 and 2: authenticate the caller and load the policy of its credential.
    const known = await authenticate({ headers, route }, ports, settings);
    if (!known.ok) {
      ports.doorstep.refused(known.error.reason ?? known.error.code, route.rawPath);
      return refuse(known.error);
    }

    // 3, 4 and 5: endpoint and environment rules, then rate and budget: admitted by the gate, on durable record.
    const hold = ROOM.hold(known.value.document.id, startedMs);
    const body = bodyReader(request, headers, settings.maxBodyBytes, ports, watch, hold);
    const call = { request, headers, route, body, requestId, watch };
    const admission = admitCall(call, known.value, ports, settings).finally(hold.release);
    // The platform ends a request whose caller has left: one that leaves while its body is looked at is put on record first.
    if (body.mayHoldBytes()) request.signal.addEventListener("abort", () => ports.defer(admission), { once: true });
    const admitted = await admission;
    if (!admitted.ok) {
      watch.end();
      const { refusal, limits, judgement } = admitted.error;
      // Without a judgement no gate has it on record.
      if (judgement === null) ports.doorstep.refused(refusal.reason ?? refusal.code, route.rawPath);
      return refuse(refusal, limits, judgement?.grant?.connection ?? null);
    }
    const { caller, judgement, limits, held } = admitted.value;
    const { connection } = judgement.grant;
    const open = openCall(caller.document.id, admitted.value.admission, startedMs, watch, ports);
    const refuseOpen = (refusal: Refusal): Response => {
      open.settle(refusedEnding(refusal.reason ?? refusal.code, PROBLEM_KINDS[refusal.code].status));
      return refuse(refusal, limits, connection);
    };
    let reached = false;
    try {
      // 6: payment, when the grant asks for it.
      const payment = await takePayment({ request, headers, requestId, caller, judgement, open, held }, ports);
      if (!payment.ok) return refuseOpen(payment.error);

      // 7 and 8: choose the upstream credential and fetch its secret.
      const keys = held === null ? await upstreamKeys(caller.document, judgement.grant, ports) : err(held);
      if (!keys.ok) {
        await payment.value.release(keys.error.code);
        return refuseOpen(keys.error);
      }

      // 9: forward with partner-aware retries.
      reached = true;
      // The platform ends a request whose caller has left: one that is paid for must live to be charged.
      if (judgement.grant.payment !== null) ports.defer(open.settled);
      const answer = await callVendor(
        { request, headers, requestId, caller, judgement, body, keys: keys.value, watch: open.watch },
        ports,
        settings,
      );
      if (!answer.ok) {
        const { refusal, forwarded } = answer.error;
        const gone = forwarded && refusal.reason === "client_gone";
        await closeFailed(payment.value, { reason: refusal.code, gone, settled: false }, ports.defer);
      }
      if (!answer.ok && !answer.error.forwarded) return refuseOpen(answer.error.refusal);

      // 10: hand the answer on, and settle: the event is emitted from the gate's journal.
      return await answerCaller(
        { request, route, requestId, judgement, limits, open, answer, payment: payment.value, body },
        ports,
        settings,
      );
    } catch {
      // After the call may have reached the vendor nothing is given back.
      if (reached) open.settle(brokenEnding(UNAVAILABLE.code));
      return refuseOpen(UNAVAILABLE);
    }
  } catch {
    watch.end();
    return refuse(UNAVAILABLE);
  }
}
