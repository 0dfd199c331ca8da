/** Documents, requests and a gate in memory with its log, for tests of the gate's rules. */
import type { AdmissionReply, AdmissionRequest, GateDocument, Settlement } from "../../src/domain/admission.ts";
import type { Circumstances, Turn } from "../../src/domain/gate.ts";
import { decide, settle } from "../../src/domain/gate.ts";
import { apply } from "../../src/domain/gate-apply.ts";
import type { GateRecord } from "../../src/domain/gate-records.ts";
import type { GateSnapshot, GateState } from "../../src/domain/gate-state.ts";
import { newGateState, restore, snapshot } from "../../src/domain/gate-state.ts";
import { NO_LIMITS } from "../../src/domain/limits.ts";

/** 2026-11-22T12:00:00Z */
export const NOON_MS = Date.UTC(2026, 10, 22, 12);

export function gateDocumentOf(changes: Partial<GateDocument> = {}): GateDocument {
  return {
    version: 1,
    organisationId: "org_default",
    credentialId: "dcred_a",
    credentialName: "a credential",
    expiresAtMs: null,
    environment: null,
    trust: { mode: "off", addresses: [], allowWorkers: [] },
    limits: NO_LIMITS,
    recipient: { id: "rcpt_a", name: "Kate", email: "kate@example.com", limits: NO_LIMITS },
    grants: [grantOf()],
    ...changes,
  };
}

export function grantOf(changes: Partial<GateDocument["grants"][number]> = {}): GateDocument["grants"][number] {
  return {
    id: "grant_a",
    connectionId: "conn_a",
    connectionName: "A",
    limits: NO_LIMITS,
    customers: { mode: "optional", unknown: "allow" },
    connectionLimits: NO_LIMITS,
    quota: null,
    ...changes,
  };
}

export function requestOf(changes: Partial<AdmissionRequest> = {}): AdmissionRequest {
  return {
    documentVersion: 1,
    document: null,
    requestId: "req_a",
    grantId: "grant_a",
    connectionId: "conn_a",
    environment: null,
    customer: null,
    customerKnown: true,
    method: "GET",
    path: "/v1/things",
    operation: null,
    address: { ip: "203.0.113.7", viaWorker: false },
    userAgent: "curl/8",
    refusal: null,
    reserveUsdMicros: 0,
    asksPayment: false,
    settlements: [],
    ...changes,
  };
}

export function settlementOf(admission: number, changes: Partial<Settlement> = {}): Settlement {
  return {
    admission,
    status: 200,
    upstreamStatus: 200,
    reason: null,
    attempts: 1,
    latencyMs: 12,
    upstreamMs: 10,
    bytesIn: 0,
    bytesOut: 100,
    costUsdMicros: null,
    upstreamCredentialId: "ucred_a",
    forwarded: true,
    notes: {},
    ...changes,
  };
}

/** A gate as its Durable Object keeps it: a state, and the records that made it. */
export class MemoryGate {
  state: GateState = newGateState();
  readonly log: GateRecord[] = [];
  /** What the object would do after a crash: the checkpoint and the records after it. */
  #checkpoint: { readonly snapshot: string; readonly outbox: string; readonly at: number } | null = null;
  #confirmations = 0;
  document: GateDocument;

  constructor(document: GateDocument = gateDocumentOf()) {
    this.document = document;
  }

  turn(changes: Partial<AdmissionRequest>, nowMs: number, circumstances: Partial<Circumstances> = {}): Turn {
    const request = requestOf({ documentVersion: this.document.version, ...changes });
    const given = {
      nowMs,
      confirmationId: () => `cfm_${this.document.credentialId}_${(this.#confirmations += 1)}`,
      ownEvent: () => true,
      hold: null,
      exhausted: null,
      ...circumstances,
    };
    const turn = decide(this.state, request, given);
    this.log.push(...turn.records);
    if (turn.reply?.decision !== "need_document") return turn;
    return this.turn({ ...changes, document: this.document }, nowMs, circumstances);
  }

  admit(changes: Partial<AdmissionRequest>, nowMs: number, circumstances: Partial<Circumstances> = {}): AdmissionReply {
    const { reply } = this.turn(changes, nowMs, circumstances);
    if (reply === null) throw new Error("The gate asked for leases");
    return reply;
  }

  /** `go`, a refusal's code, `reload`. */
  outcome(changes: Partial<AdmissionRequest>, nowMs: number, circumstances: Partial<Circumstances> = {}): string {
    const reply = this.admit(changes, nowMs, circumstances);
    return reply.decision === "refused" ? reply.refusal.code : reply.decision;
  }

  settle(settlements: readonly Settlement[], nowMs: number): void {
    this.log.push(...settle(this.state, settlements, nowMs));
  }

  act(record: GateRecord): void {
    apply(this.state, record);
    this.log.push(record);
  }

  checkpoint(): void {
    this.#checkpoint = {
      snapshot: JSON.stringify(snapshot(this.state)),
      outbox: JSON.stringify(this.state.outbox),
      at: this.log.length,
    };
  }

  /** Throws the memory away and reads everything back, as JSON. */
  reload(): GateState {
    const { snapshot: text, outbox, at } = this.#checkpoint ?? { snapshot: null, outbox: "[]", at: 0 };
    const state =
      text === null
        ? newGateState()
        : restore(JSON.parse(text) as GateSnapshot, JSON.parse(outbox) as GateState["outbox"]);
    for (const record of JSON.parse(JSON.stringify(this.log.slice(at))) as GateRecord[]) apply(state, record);
    return state;
  }
}

/** The state as plain values, to compare. */
export function plain(state: GateState): unknown {
  const known = snapshot(state);
  const sorted = <T extends readonly [string | number, unknown]>(entries: readonly T[]): readonly T[] =>
    [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.parse(
    JSON.stringify({
      ...known,
      rates: sorted(known.rates),
      budgets: sorted(known.budgets),
      outbox: state.outbox,
      outboxChars: state.outboxChars,
    }),
  );
}
