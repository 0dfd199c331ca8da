/**
 * Closing an admission or a refusal: the next event of the credential's chain, put into the outbox. Pure.
 * `seq` has no gap, because it is given here and nowhere else.
 */
import { EVENT_HASH, sealEvent } from "./chain.ts";
import type { RequestFacts } from "./gate-records.ts";
import type { GateState } from "./gate-state.ts";
import { eventChars } from "./gate-state.ts";

export interface EventOutcome {
  readonly status: number | null;
  readonly upstreamStatus: number | null;
  readonly attempts: number;
  readonly latencyMs: number | null;
  readonly upstreamMs: number | null;
  readonly bytesIn: number | null;
  readonly bytesOut: number | null;
  readonly costUsdMicros: number | null;
  readonly upstreamCredentialId: string | null;
  /** Canonical JSON. */
  readonly notes: string;
}

export interface ClosedRequest extends EventOutcome {
  readonly admission: number;
  readonly atMs: number;
  readonly facts: RequestFacts;
  readonly decision: "allowed" | "denied";
  readonly reason: string;
  readonly count: number;
}

export const NOT_FORWARDED: EventOutcome = {
  status: null,
  upstreamStatus: null,
  attempts: 0,
  latencyMs: 0,
  upstreamMs: 0,
  bytesIn: 0,
  bytesOut: 0,
  costUsdMicros: 0,
  upstreamCredentialId: null,
  notes: "{}",
};

export const UNSEEN: EventOutcome = {
  ...NOT_FORWARDED,
  latencyMs: null,
  upstreamMs: null,
  bytesIn: null,
  bytesOut: null,
};

export function closeEvent(state: GateState, closed: ClosedRequest): void {
  const [requestId, recipientId, connectionId, grantId, customer, environment, method, path, operation, ip, userAgent] =
    closed.facts;
  state.closed += 1;
  const event = sealEvent([
    state.document?.organisationId ?? "",
    state.document?.credentialId ?? "",
    state.closed,
    closed.admission,
    closed.atMs,
    recipientId,
    connectionId,
    grantId,
    customer,
    environment,
    method,
    path,
    operation,
    closed.decision,
    closed.reason,
    closed.status,
    closed.upstreamStatus,
    closed.attempts,
    closed.latencyMs,
    closed.upstreamMs,
    closed.bytesIn,
    closed.bytesOut,
    closed.costUsdMicros,
    ip,
    userAgent,
    requestId,
    closed.upstreamCredentialId,
    closed.count,
    closed.notes,
    state.headHash,
  ]);
  state.headHash = event[EVENT_HASH];
  state.outbox.push(event);
  state.outboxChars += eventChars(event);
}
