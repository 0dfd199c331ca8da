/**
 * The proxy's side of the gates. Settlements wait here for a moment, so that they can ride on the credential's next
 * admission; those that find none are sent on their own.
 *
 * The buffer lives as long as the isolate; a `gateClient` lives as long as one request, since bindings and `defer` belong
 * to it. What is lost with an isolate is closed by the gate as `unknown`.
 */
import type { AdmissionReply, AdmissionRequest, GateDocument, Settlement } from "../domain/admission.ts";
import type { Gate, GateInspection } from "../ports.ts";
import type { CredentialGate } from "./credential-gate.ts";

/** How long a settlement waits for an admission to ride on. */
const RIDE_WAIT_MS = 60;
const MAX_RIDING = 200;
/** When the request that was to flush has died, the next one takes over after this long. */
const FLUSH_LOST_MS = 2_000;
const MAX_FLUSH_ATTEMPTS = 4;
const FLUSH_RETRY_MS = 250;
/** Settlements kept for one isolate; beyond this the oldest credential's are dropped and read `unknown`. */
const MAX_BUFFERED = 20_000;

interface Waiting {
  settlements: Settlement[];
  /** When a flush was promised, or 0. */
  flushAtMs: number;
}

export class SettlementBuffer {
  readonly #waiting = new Map<string, Waiting>();
  #size = 0;

  /** Takes up to `limit` of a credential's settlements out. */
  take(credentialId: string, limit: number): readonly Settlement[] {
    const waiting = this.#waiting.get(credentialId);
    if (waiting === undefined) return NONE;
    const taken = waiting.settlements.splice(0, limit);
    this.#size -= taken.length;
    if (waiting.settlements.length === 0 && waiting.flushAtMs === 0) this.#waiting.delete(credentialId);
    return taken;
  }

  /** Puts them in (back); true when the caller is to flush them after a while. */
  put(credentialId: string, settlements: readonly Settlement[], nowMs: number): boolean {
    let waiting = this.#waiting.get(credentialId);
    if (waiting === undefined) {
      waiting = { settlements: [], flushAtMs: 0 };
      this.#waiting.set(credentialId, waiting);
    }
    waiting.settlements.push(...settlements);
    this.#size += settlements.length;
    if (this.#size > MAX_BUFFERED) this.#dropOldest();
    if (nowMs - waiting.flushAtMs < FLUSH_LOST_MS) return false;
    waiting.flushAtMs = nowMs;
    return true;
  }

  /** The promised flush is happening. */
  flushing(credentialId: string): void {
    const waiting = this.#waiting.get(credentialId);
    if (waiting === undefined) return;
    waiting.flushAtMs = 0;
    if (waiting.settlements.length === 0) this.#waiting.delete(credentialId);
  }

  #dropOldest(): void {
    const oldest = this.#waiting.entries().next().value;
    if (oldest === undefined) return;
    this.#size -= oldest[1].settlements.length;
    this.#waiting.delete(oldest[0]);
  }
}

const NONE: readonly Settlement[] = [];

export interface GateClientOptions {
  readonly gates: DurableObjectNamespace<CredentialGate>;
  readonly buffer: SettlementBuffer;
  readonly nowMs: () => number;
  readonly sleep: (delayMs: number) => Promise<void>;
  readonly defer: (work: Promise<unknown>) => void;
}

/** The gates, as one request sees them. */
export function gateClient(options: GateClientOptions): Gate {
  const { gates, buffer } = options;
  const put = (credentialId: string, settlements: readonly Settlement[]): void => {
    if (buffer.put(credentialId, settlements, options.nowMs())) options.defer(flushLater(options, credentialId));
  };
  return {
    async admit(credentialId: string, request: AdmissionRequest): Promise<AdmissionReply> {
      const riding = buffer.take(credentialId, MAX_RIDING);
      try {
        const full = riding.length === 0 ? request : { ...request, settlements: [...request.settlements, ...riding] };
        return await gates.getByName(credentialId).admit(full);
      } catch (error) {
        // Nobody knows whether they arrived; settling twice changes nothing.
        if (riding.length > 0) put(credentialId, riding);
        throw error;
      }
    },
    settle(credentialId: string, settlement: Settlement): void {
      put(credentialId, [settlement]);
    },
    async renew(credentialId: string, admission: number): Promise<void> {
      await gates.getByName(credentialId).renew([admission]);
    },
    async inspect(credentialId: string, document: GateDocument): Promise<GateInspection> {
      return gates.getByName(credentialId).inspect(document);
    },
  };
}

async function flushLater(options: GateClientOptions, credentialId: string): Promise<void> {
  const { buffer } = options;
  await options.sleep(RIDE_WAIT_MS);
  buffer.flushing(credentialId);
  for (let attempt = 1; attempt <= MAX_FLUSH_ATTEMPTS; attempt += 1) {
    const settlements = buffer.take(credentialId, MAX_RIDING);
    if (settlements.length === 0) return;
    try {
      await options.gates.getByName(credentialId).settle(settlements);
      attempt = 0;
    } catch {
      buffer.put(credentialId, settlements, options.nowMs());
      buffer.flushing(credentialId);
      await options.sleep(FLUSH_RETRY_MS * attempt);
    }
  }
}
