/**
 * Tells credentials' gates about changes, so that a change is acknowledged only when it holds everywhere.
 * Bounded: so many gates at once, so many per call, so long per gate. Never marks a gate as told that was not.
 */
import type { GateDocument } from "../domain/admission.ts";
import type { GateInspection } from "../domain/gate-inspect.ts";
import type { ConfirmFailure } from "../domain/trust.ts";

/** The part of the gate's RPC that the control plane uses. The gate is named by the credential's id. */
export interface GateControl {
  /** Documents older than `minVersion` no longer count. Idempotent. */
  require(minVersion: number): Promise<unknown>;
  /** No request is admitted any more. Idempotent. */
  revoke(version: number): Promise<unknown>;
  /** What remains of its limits. `document`: for a gate that holds none, or an older one. */
  inspect(document: GateDocument | null): Promise<GateInspection>;
  listTrusted(): Promise<readonly TrustedAddressRow[]>;
  addTrusted(address: string): Promise<TrustChange>;
  removeTrusted(address: string): Promise<TrustChange>;
  /** Uses a mailed confirmation: once, in time, for its address. */
  confirm(confirmationId: string, address: string): Promise<ConfirmReply>;
  /** The recipient says that it was somebody else. */
  denyAddress(confirmationId: string, address: string): Promise<ConfirmReply>;
}

export type TrustChange =
  | { readonly ok: true; readonly address: string }
  | { readonly ok: false; readonly reason: "invalid_address" | "too_many" | "not_found" };

export type ConfirmReply = { readonly ok: true } | { readonly ok: false; readonly reason: ConfirmFailure };

export interface TrustedAddressRow {
  readonly address: string;
  readonly trustedAtMs: number;
  readonly how: "first_use" | "confirmed" | "admin";
}

export interface GateNamespace {
  getByName(credentialId: string): GateControl;
}

export interface PendingGate {
  readonly id: string;
  readonly docVersion: number;
  readonly status: "active" | "revoked";
}

export const MAX_GATES_PER_CALL = 800;
const MAX_CONCURRENT_GATES = 24;
const GATE_TIMEOUT_MS = 8_000;

/** Tells each gate its state; returns those that confirmed. Failures of single gates are not thrown. */
export async function tellGates(gates: GateNamespace, pending: readonly PendingGate[]): Promise<PendingGate[]> {
  const queue = pending.slice(0, MAX_GATES_PER_CALL);
  const told: PendingGate[] = [];
  const work = async (): Promise<void> => {
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      if (await tellGate(gates, next)) told.push(next);
    }
  };
  await Promise.all(Array.from({ length: Math.min(MAX_CONCURRENT_GATES, queue.length) }, work));
  return told;
}

async function tellGate(gates: GateNamespace, pending: PendingGate): Promise<boolean> {
  try {
    const gate = gates.getByName(pending.id);
    await within(
      GATE_TIMEOUT_MS,
      pending.status === "revoked" ? gate.revoke(pending.docVersion) : gate.require(pending.docVersion),
    );
    return true;
  } catch (cause) {
    console.error("gate not told", { credential: pending.id, error: cause instanceof Error ? cause.name : "unknown" });
    return false;
  }
}

async function within(timeoutMs: number, work: Promise<unknown>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | null = null;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error("The gate did not answer in time")), timeoutMs);
  });
  try {
    await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
