/**
 * The gate's decision: may this request pass, now? Pure: time and randomness are arguments.
 *
 * One turn reads the state, writes records (each of which `apply` has already made part of the state), and gives the
 * reply. The caller stores the records and lets the reply go only when they are durable. The order of the checks is the
 * precedence of refusals: a revoked credential learns nothing else, and so on down.
 */
import type { AdmissionReply, AdmissionRequest, GateDocument, Settlement } from "./admission.ts";
import { apply } from "./gate-apply.ts";
import type { MeterSet } from "./gate-meters.ts";
import { budgetInTheWay, limitStatuses, metersOf, rateInTheWay } from "./gate-meters.ts";
import type { GateRecord, RequestFacts } from "./gate-records.ts";
import { recordedText, requestFacts, settlementFacts } from "./gate-records.ts";
import {
  addressUnconfirmed,
  budgetRefusal,
  connectionNotGranted,
  customerRefusal,
  isBadRequest,
  isScopeRefusal,
  rateRefusal,
  UNAVAILABLE,
} from "./gate-refusals.ts";
import { demandsOf, termsOf } from "./gate-pools.ts";
import type { GateState } from "./gate-state.ts";
import { MAX_OPEN_ADMISSIONS, MAX_UNDELIVERED_CHARS, MAX_UNDELIVERED_EVENTS } from "./gate-state.ts";
import type { Draw } from "./lease-book.ts";
import type { PoolDemand } from "./lease-use.ts";
import { planTake } from "./lease-use.ts";
import type { Refusal } from "./problem.ts";
import { credentialInvalid, PROBLEM_KINDS } from "./problem.ts";
import { judgeAddress, mayAsk } from "./trust.ts";

/** What the decision needs beside the state and the request. */
export interface Circumstances {
  readonly nowMs: number;
  /** One fresh id, for a confirmation. */
  readonly confirmationId: () => string;
  /** Whether one more refusal of this kind gets its own event (else it is folded). */
  readonly ownEvent: (reason: string, nowMs: number) => boolean;
  /** The vendor asks everyone to wait, or is failing: the refusal that says so. */
  readonly hold: Refusal | null;
  /** What a pool of shared limits answered to an earlier round of the same request, when it had nothing left. */
  readonly exhausted: Refusal | null;
}

/** A refusal that need not have an event of its own: see `refusal-fold.ts`. */
export interface FoldedRefusal {
  readonly facts: RequestFacts;
  readonly reason: string;
  readonly status: number;
}

export interface Turn {
  /** Null: leases of shared limits are missing; get those in `demands` and decide again. */
  readonly reply: AdmissionReply | null;
  readonly demands: readonly PoolDemand[];
  /** In the order in which they were applied. */
  readonly records: readonly GateRecord[];
  readonly fold: FoldedRefusal | null;
}

/** Closes the admissions that these settlements name. Unknown and closed admissions are passed over. */
export function settle(state: GateState, settlements: readonly Settlement[], nowMs: number): readonly GateRecord[] {
  const records: GateRecord[] = [];
  const atMs = Math.max(nowMs, state.clockMs);
  for (const settlement of settlements) {
    if (!state.open.has(settlement.admission)) continue;
    const record: GateRecord = ["settle", atMs, settlement.admission, settlementFacts(settlement)];
    apply(state, record);
    records.push(record);
  }
  return records;
}

/** Decides one request. */
export function decide(state: GateState, request: AdmissionRequest, circumstances: Circumstances): Turn {
  const records: GateRecord[] = [...settle(state, request.settlements, circumstances.nowMs)];
  const act = (record: GateRecord): void => {
    apply(state, record);
    records.push(record);
  };
  const current = agreeOnDocument(state, request, act);
  if (!current.ok) return { reply: { decision: current.reply }, demands: [], records, fold: null };
  const { document } = current;

  const nowMs = Math.max(circumstances.nowMs, state.clockMs);
  const facts = requestFacts(request, document.recipient?.id ?? null);
  const meters = metersOf(state.meters, request.grantId);
  const judged = judge(state, document, request, meters, { ...circumstances, nowMs }, act);
  if (judged.verdict === "lease") return { reply: null, demands: judged.demands, records, fold: null };
  if (judged.verdict === "go") {
    act(["admit", nowMs, facts, reserveOf(request), judged.draws]);
    const limits = limitStatuses(meters, state, nowMs);
    const held = circumstances.hold === null ? {} : { held: circumstances.hold };
    const reply = { decision: "go" as const, admission: state.admissions, limits, ...held };
    return { reply, demands: [], records, fold: null };
  }

  const { refusal, counted } = judged;
  const reason = refusal.reason ?? refusal.code;
  const { status } = PROBLEM_KINDS[refusal.code];
  let fold: FoldedRefusal | null = null;
  if (!backlogFull(state)) {
    if (circumstances.ownEvent(reason, nowMs)) {
      const takesUnit = counted && rateInTheWay(meters, state, nowMs) === null;
      act(["refuse", nowMs, facts, reason, status, takesUnit ? 1 : 0, 1]);
    } else fold = { facts, reason, status };
  }
  const limits = refusal.code === "credential_invalid" ? [] : limitStatuses(meters, state, nowMs);
  return { reply: { decision: "refused", refusal, limits }, demands: [], records, fold };
}

function reserveOf(request: AdmissionRequest): number {
  return Math.max(0, Math.ceil(request.reserveUsdMicros));
}

type Agreement =
  | { readonly ok: true; readonly document: GateDocument }
  | { readonly ok: false; readonly reply: "reload" | "need_document" };

/** Makes sure that both sides speak of the same document. A revoked gate takes any: it only says no. */
function agreeOnDocument(state: GateState, request: AdmissionRequest, act: (record: GateRecord) => void): Agreement {
  const held = state.document;
  if (held !== null && (state.revokedVersion !== null || request.documentVersion === held.version)) {
    if (state.revokedVersion !== null || held.version >= state.minVersion) return { ok: true, document: held };
  }
  if (state.revokedVersion === null && request.documentVersion < Math.max(state.minVersion, held?.version ?? 0)) {
    return { ok: false, reply: "reload" };
  }
  if (request.document === null) return { ok: false, reply: "need_document" };
  if (request.document.version !== request.documentVersion) return { ok: false, reply: "reload" };
  act(["document", request.document]);
  return { ok: true, document: request.document };
}

type Judgement =
  | { readonly verdict: "go"; readonly draws: readonly Draw[] }
  | { readonly verdict: "lease"; readonly demands: readonly PoolDemand[] }
  /** `counted`: takes a unit of the rate although it is refused. */
  | { readonly verdict: "refuse"; readonly refusal: Refusal; readonly counted: boolean };

/** The checks, in the order of precedence. */
function judge(
  state: GateState,
  document: GateDocument,
  request: AdmissionRequest,
  meters: MeterSet,
  circumstances: Circumstances,
  act: (record: GateRecord) => void,
): Judgement {
  const refuse = (refusal: Refusal, counted = false): Judgement => ({ verdict: "refuse", refusal, counted });
  const { refusal } = request;
  const { nowMs, hold, exhausted } = circumstances;
  if (state.revokedVersion !== null) return refuse(credentialInvalid("revoked"));
  if (document.expiresAtMs !== null && document.expiresAtMs <= nowMs) return refuse(credentialInvalid("expired"));
  if (refusal?.code === "credential_invalid") return refuse(refusal);
  if (backlogFull(state) || state.open.size >= MAX_OPEN_ADMISSIONS) return refuse(UNAVAILABLE);
  if (refusal !== null && isBadRequest(refusal.code)) return refuse(refusal);
  if (refusal?.code === "connection_not_granted") return refuse(refusal, true);
  const grant = document.grants.find((candidate) => candidate.id === request.grantId);
  if (grant === undefined) return refuse(connectionNotGranted(document), true);
  const customer = customerRefusal(grant.customers, request.customer, request.customerKnown);
  if (customer !== null) return refuse(customer);
  const address = judgeFrom(state, document, request, circumstances, act);
  if (address !== null) return refuse(address, true);
  if (refusal !== null && isScopeRefusal(refusal.code)) return refuse(refusal, true);
  const rate = rateInTheWay(meters, state, nowMs);
  if (rate !== null) return refuse(rateRefusal(rate.meter, rate.waitMs));
  const budget = budgetInTheWay(meters, state, reserveOf(request), nowMs);
  if (budget !== null) return refuse(budgetRefusal(budget.meter, budget.waitMs));
  if (exhausted !== null) return refuse(exhausted);
  if (refusal !== null) return refuse(refusal, true);
  if (hold !== null && !comesAfterPayment(hold, request)) return refuse(hold);
  const terms = termsOf(state.pools, document.organisationId, grant.id, request.customer);
  if (terms.length === 0) return { verdict: "go", draws: NO_DRAWS };
  const plan = planTake(state.leases, demandsOf(terms, reserveOf(request)), nowMs);
  return plan.kind === "take" ? { verdict: "go", draws: plan.draws } : { verdict: "lease", demands: plan.demands };
}

/** 402 comes before 503 (the wire contract's precedence), and the gate takes no payments. */
function comesAfterPayment(hold: Refusal, request: AdmissionRequest): boolean {
  return request.asksPayment && PROBLEM_KINDS[hold.code].status === 503;
}

const NO_DRAWS: readonly Draw[] = [];

/** The address step: trusts the first one, asks for confirmation of a new one, within the limits against floods. */
function judgeFrom(
  state: GateState,
  document: GateDocument,
  request: AdmissionRequest,
  { nowMs, confirmationId }: Circumstances,
  act: (record: GateRecord) => void,
): Refusal | null {
  const verdict = judgeAddress(document.trust, state, request.address);
  if (verdict.verdict === "trusted") return null;
  if (verdict.verdict === "first_use") {
    act(["trust", nowMs, verdict.key, "first_use"]);
    return null;
  }
  const email = document.recipient?.email ?? null;
  if (verdict.verdict === "unconfirmable")
    return addressUnconfirmed(email, request.address.viaWorker ? "worker" : "absent");
  if (mayAsk(state.confirmations.values(), verdict.key, nowMs)) {
    const { connectionId, userAgent } = requestText(request);
    act(["ask", nowMs, confirmationId(), verdict.key, connectionId, userAgent]);
    return addressUnconfirmed(email, "sent");
  }
  const asked = [...state.confirmations.values()].some((ask) => ask.address === verdict.key && ask.outcome === "open");
  return addressUnconfirmed(email, asked ? "sent" : "not_sent");
}

function requestText(request: AdmissionRequest): { readonly connectionId: string; readonly userAgent: string } {
  return { connectionId: request.connectionId ?? "", userAgent: recordedText(request.userAgent, 256) };
}

function backlogFull(state: GateState): boolean {
  return state.outbox.length >= MAX_UNDELIVERED_EVENTS || state.outboxChars >= MAX_UNDELIVERED_CHARS;
}
