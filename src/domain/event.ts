/**
 * The audit event: one per request, refusals included; append-only.
 * `seq` counts without a gap per credential in the order in which events were closed; `admission` is the number the
 * request was admitted under. `hash` covers the event and `prevHash` (see `chain.ts`).
 */
export interface AuditEvent {
  readonly id: string;
  readonly organisationId: string;
  /** Null for failures before authentication, which are folded: then `count` says how many. */
  readonly credentialId: string | null;
  readonly seq: number;
  readonly admission: number;
  /** Epoch ms of the admission. */
  readonly atMs: number;
  readonly recipientId: string | null;
  readonly connectionId: string | null;
  readonly grantId: string | null;
  readonly customer: string | null;
  readonly environment: string | null;
  readonly method: string;
  readonly path: string;
  readonly operation: string | null;
  readonly decision: "allowed" | "denied";
  /** Refusal code, `expired`, `revoked`, `unknown` (nobody saw the outcome) or `ok`. */
  readonly reason: string;
  readonly status: number | null;
  readonly upstreamStatus: number | null;
  readonly attempts: number;
  readonly latencyMs: number | null;
  readonly upstreamMs: number | null;
  readonly bytesIn: number | null;
  readonly bytesOut: number | null;
  readonly costUsdMicros: number | null;
  readonly address: string | null;
  readonly userAgent: string;
  readonly requestId: string;
  readonly upstreamCredentialId: string | null;
  readonly count: number;
  readonly notes: Readonly<Record<string, unknown>>;
  readonly prevHash: string;
  readonly hash: string;
}
