/**
 * What travels through the audit queue. The shapes are checked where they arrive (workers/audit), since a message may
 * have been written by an earlier release.
 */
import type { ChainCheckpoint, EventTuple } from "../domain/chain.ts";
import type { Notice } from "../domain/notice.ts";
import type { LateOutcome } from "../domain/payment-nonce.ts";

/** From a gate. `events` ascend; the audit Worker confirms them to the gate by their seqs. */
export interface GateMessage {
  readonly v: 1;
  readonly kind: "gate";
  readonly credential_id: string;
  readonly events: readonly EventTuple[];
  readonly notices: readonly Notice[];
  readonly checkpoint: ChainCheckpoint | null;
}

/** From a proxy isolate: folded refusals of requests that never reached a gate. */
export interface DoorstepMessage {
  readonly v: 1;
  readonly kind: "doorstep";
  readonly events: readonly EventTuple[];
}

/** From a payer's object: what became of a payment of which nobody knew, when its calls were long on record. */
export interface PaymentMessage {
  readonly v: 1;
  readonly kind: "payment";
  readonly organisation_id: string;
  /** Network, asset, payer and nonce, joined by `/`. */
  readonly reference: string;
  readonly state: LateOutcome;
  /** Empty: not known, or none. */
  readonly transaction: string;
}

export type AuditMessage = GateMessage | DoorstepMessage | PaymentMessage;
