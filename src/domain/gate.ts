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
import { requestFacts, settlementFacts } from "./gate-records.ts";
import {
  addressUnconfirmed,
  budgetRefusal,
  connectionNotGranted,
  credentialInvalid,
  customerRefusal,
  isBadRequest,
  isScopeRefusal,
  rateRefusal,
  UNAVAILABLE,
} from "./gate-refusals.ts";
import type { GateState } from "./gate-state.ts";
import { MAX_OPEN_ADMISSIONS, MAX_UNDELIVERED_CHARS, MAX_UNDELIVERED_EVENTS } from "./gate-state.ts";
import type { Refusal } from "./problem.ts";
import { PROBLEM_KINDS } from "./problem.ts";
import { judgeAddress, mayAsk } from "./trust.ts";

/** What the decision may need from outside: one fresh id, for a confirmation. */
export interface Entropy {
  readonly confirmationId: () => string;
}

/** A refusal that need not have an event of its own: see `refusal-fold.ts`. */
export interface FoldedRefusal {
  readonly facts: RequestFacts;
  readonly reason: string;
  readonly status: number;
}

export interface Turn {
  readonly reply: AdmissionReply;
  /** In the order in which they were applied. */
  readonly records: readonly GateRecord[];
  readonly fold: FoldedRefusal | null;
}

/** Says whether one more refusal of this kind gets its own event (else it is folded). */
export type RefusalGauge = (reason: string, nowMs: number) => boolean;

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
export function decide(
  state: GateState,
  request: AdmissionRequest,
  nowMs: number,
  entropy: Entropy,
  ownEvent: RefusalGauge,
): Turn {
  const records: GateRecord[] = [...settle(state, request.settlements, nowMs)];
  const act = (record: GateRecord): void => {
    apply(state, record);
    records.push(record);
  };
  const current = agreeOnDocument(state, request, act);
  if (!current.ok) return { reply: { decision: current.reply }, records, fold: null };
  const { document } = current;

  const atMs = Math.max(nowMs, state.clockMs);
  const facts = requestFacts(request, document.recipient?.id ?? null);
  const meters = metersOf(state.meters, request.grantId);
  const judged = judge(state, document, request, meters, atMs, entropy, act);
  if (judged === null) {
    act(["admit", atMs, facts, Math.max(0, Math.ceil(request.reserveUsdMicros))]);
    const limits = limitStatuses(meters, state, atMs);
    return { reply: { decision: "go", admission: state.admissions, limits }, records, fold: null };
  }

  const { refusal, counted } = judged;
  const reason = refusal.reason ?? refusal.code;
  const { status } = PROBLEM_KINDS[refusal.code];
  let fold: FoldedRefusal | null = null;
  if (backlogFull(state)) fold = null;
  else if (ownEvent(reason, atMs)) {
    const takesUnit = counted && rateInTheWay(meters, state, atMs) === null;
    act(["refuse", atMs, facts, reason, status, takesUnit ? 1 : 0, 1]);
  } else fold = { facts, reason, status };
  const limits =
    state.revokedVersion === null && refusal.code !== "credential_invalid" ? limitStatuses(meters, state, atMs) : [];
  return { reply: { decision: "refused", refusal, limits }, records, fold };
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

interface Judgement {
  readonly refusal: Refusal;
  /** Takes a unit of the rate although it is refused. */
  readonly counted: boolean;
}

function judge(
  state: GateState,
  document: GateDocument,
  request: AdmissionRequest,
  meters: MeterSet,
  nowMs: number,
  entropy: Entropy,
  act: (record: GateRecord) => void,
): Judgement | null {
  const refuse = (refusal: Refusal, counted = false): Judgement => ({ refusal, counted });
  const { refusal } = request;
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
  const address = judgeFrom(state, document, request, nowMs, entropy, act);
  if (address !== null) return refuse(address, true);
  if (refusal !== null && isScopeRefusal(refusal.code)) return refuse(refusal, true);
  const rate = rateInTheWay(meters, state, nowMs);
  if (rate !== null) return refuse(rateRefusal(rate.meter, rate.waitMs));
  const budget = budgetInTheWay(meters, state, request.reserveUsdMicros, nowMs);
  if (budget !== null) return refuse(budgetRefusal(budget.meter, budget.waitMs));
  return refusal === null ? null : refuse(refusal, true);
}

/** The address step: trusts the first one, asks for confirmation of a new one, within the limits against floods. */
function judgeFrom(
  state: GateState,
  document: GateDocument,
  request: AdmissionRequest,
  nowMs: number,
  entropy: Entropy,
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
    act(["ask", nowMs, entropy.confirmationId(), verdict.key, connectionId, userAgent]);
    return addressUnconfirmed(email, "sent");
  }
  const asked = [...state.confirmations.values()].some((ask) => ask.address === verdict.key && ask.outcome === "open");
  return addressUnconfirmed(email, asked ? "sent" : "not_sent");
}

function requestText(request: AdmissionRequest): { readonly connectionId: string; readonly userAgent: string } {
  return { connectionId: request.connectionId ?? "", userAgent: request.userAgent.slice(0, 256) };
}

function backlogFull(state: GateState): boolean {
  return state.outbox.length >= MAX_UNDELIVERED_EVENTS || state.outboxChars >= MAX_UNDELIVERED_CHARS;
}
