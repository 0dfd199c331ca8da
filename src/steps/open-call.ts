/**
 * An admitted call from admission to settlement. Whatever happens in between, exactly one settlement leaves it, and while
 * it is open its admission is kept alive at the gate.
 */
import type { Settlement } from "../domain/admission.ts";
import type { Ports } from "../ports.ts";
import type { Watch } from "../watch.ts";

/** Well inside the gate's 20 s, after which an unrenewed admission is closed as `unknown`. */
const RENEW_INTERVAL_MS = 7_000;

export type Ending = Omit<Settlement, "admission" | "latencyMs">;

export interface OpenCall {
  readonly admission: number;
  /** Settles once; later calls change nothing. */
  settle(ending: Ending): void;
  /** Adds to the audit event's notes. */
  note(name: string, value: unknown): void;
  /** For deadlines of this call; ends with its settlement. */
  readonly watch: Watch;
  readonly isSettled: () => boolean;
  /** Resolves when the call was settled, for work that must outlive the response. */
  readonly settled: Promise<void>;
}

export function openCall(
  credentialId: string,
  admission: number,
  startedMs: number,
  watch: Watch,
  ports: Ports,
): OpenCall {
  const notes: Record<string, unknown> = {};
  let done = false;
  let resolve: () => void = () => undefined;
  const settled = new Promise<void>((fulfil) => {
    resolve = fulfil;
  });
  const renew = (): void => {
    // A failed renewal is not fatal: the next one, or the settlement, arrives in time; if none does the event says `unknown`.
    ports.gate.renew(credentialId, admission).catch(() => undefined);
    watch.after(RENEW_INTERVAL_MS, renew);
  };
  watch.after(RENEW_INTERVAL_MS, renew);
  return {
    admission,
    watch,
    isSettled: () => done,
    settled,
    note(name, value) {
      notes[name] = value;
    },
    settle(ending) {
      if (done) return;
      done = true;
      watch.end();
      const latencyMs = Math.max(0, ports.clock.nowMs() - startedMs);
      ports.gate.settle(credentialId, { ...ending, admission, latencyMs, notes: { ...notes, ...ending.notes } });
      resolve();
    },
  };
}

/** The ending of a call that was refused after its admission, before any byte reached the vendor. */
export function refusedEnding(code: string, status: number): Ending {
  return {
    status,
    upstreamStatus: null,
    reason: code,
    attempts: 0,
    upstreamMs: 0,
    bytesIn: 0,
    bytesOut: 0,
    costUsdMicros: 0,
    upstreamCredentialId: null,
    forwarded: false,
    notes: {},
  };
}

/** The ending of a call that broke inside RelayKey after it may have reached the vendor: its reservation stays spent. */
export function brokenEnding(code: string): Ending {
  return { ...refusedEnding(code, 503), attempts: 1, costUsdMicros: null, forwarded: true };
}
