/**
 * What an isolate knows of connections' health: the object's view, what it has not told yet, refused keys, the quota that
 * the vendor says is left. Lives as long as the isolate; talks to nobody.
 */
import { CLOSED } from "../domain/breaker.ts";
import type { ConnectionDocument } from "../domain/documents.ts";
import { countCanary, type CanaryRecord } from "../domain/upstream-choice.ts";
import type { CallReport } from "../ports.ts";
import { TokenMemory } from "./access-tokens.ts";
import { canaryKey } from "./connection-state-name.ts";
import type { ConnectionView, VendorHold } from "./connection-state.ts";

const MAX_CONNECTIONS = 5_000;
/** A key that the vendor refused is tried last for this long. */
const REFUSED_REST_MS = 30_000;
const MAX_REFUSED = 64;

export interface ConnectionMemory {
  view: ConnectionView;
  /** When the view was last fetched. */
  syncedAtMs: number;
  /** When an exchange with the object began; 0: none is under way. */
  exchangeAtMs: number;
  failures: number;
  successes: number;
  probing: boolean;
  holds: VendorHold[];
  /** Refused keys and until when they are tried last. */
  readonly refused: Map<string, number>;
  /** What canaries met since the last exchange, by `canaryKey`. */
  canaries: Record<string, CanaryRecord>;
  quota: { remaining: number; resetMs: number } | null;
}

/** Lives as long as the isolate. */
export class HealthMemory {
  readonly tokens = new TokenMemory();
  readonly #connections = new Map<string, ConnectionMemory>();

  of(name: string): ConnectionMemory {
    let memory = this.#connections.get(name);
    if (memory === undefined) {
      if (this.#connections.size >= MAX_CONNECTIONS) this.#connections.clear();
      memory = {
        view: { breaker: CLOSED, holds: [] },
        syncedAtMs: 0,
        exchangeAtMs: 0,
        failures: 0,
        successes: 0,
        probing: false,
        holds: [],
        refused: new Map(),
        canaries: {},
        quota: null,
      };
      this.#connections.set(name, memory);
    }
    return memory;
  }
}

/** Waits of the whole connection; a call that may use several keys waits only while all of them do. */
export function connectionHeldUntilMs(
  memory: ConnectionMemory,
  connection: ConnectionDocument,
  keys: readonly string[],
  atMs: number,
): number {
  const holds = knownHolds(memory).filter((hold) => hold.untilMs > atMs);
  if (holds.length === 0) return 0;
  const latest = (of: readonly VendorHold[]): number => Math.max(0, ...of.map((hold) => hold.untilMs));
  if (connection.upstreamCredentials.length < 2 || keys.length === 0) return latest(holds);
  const whole = latest(holds.filter((hold) => hold.upstreamCredentialId === null));
  const each = keys.map((key) => latest(holds.filter((hold) => hold.upstreamCredentialId === key)));
  return Math.max(whole, Math.min(...each));
}

export function knownHolds(memory: ConnectionMemory): readonly VendorHold[] {
  return memory.holds.length === 0 ? memory.view.holds : [...memory.view.holds, ...memory.holds];
}

/** Takes an outcome into memory; true when the connection's object should hear of it now. */
export function learn(
  memory: ConnectionMemory,
  connection: ConnectionDocument,
  result: CallReport,
  atMs: number,
): boolean {
  const { upstreamCredentialId, quota } = result;
  const severalKeys = connection.upstreamCredentials.length > 1;
  if (quota !== undefined && quota !== null && !severalKeys) learnQuota(memory, quota, atMs);
  // A canary that is refused does not rest: its third refusal ends it for everyone.
  const isCanary = connection.upstreamCredentials.some(
    ({ id, state }) => id === upstreamCredentialId && state === "canary",
  );
  if (result.refused === true && upstreamCredentialId !== null && !isCanary) {
    if (memory.refused.size >= MAX_REFUSED) memory.refused.clear();
    memory.refused.set(upstreamCredentialId, atMs + REFUSED_REST_MS);
  } else if (upstreamCredentialId !== null && memory.refused.size > 0) {
    memory.refused.delete(upstreamCredentialId);
  }
  const canaryRefused = learnCanary(memory, connection, result);
  const heard = learnHold(memory, severalKeys ? upstreamCredentialId : null, result.holdUntilMs, atMs);
  const { breaker } = memory.view;
  if (result.failed) memory.failures += 1;
  // Good calls matter only beside failures, or when they are the probe's.
  else if (result.repeated === true) return heard || canaryRefused;
  else if (breaker.phase !== "closed" || breaker.failures.length > 0) memory.successes += 1;
  return heard || canaryRefused || result.failed || memory.probing;
}

/** Counts what a canary met; true when it was refused, which everyone should hear of at once. */
function learnCanary(memory: ConnectionMemory, connection: ConnectionDocument, result: CallReport): boolean {
  const key = connection.upstreamCredentials.find(({ id }) => id === result.upstreamCredentialId);
  // A server error or a limit says nothing about the key itself.
  const { status } = result;
  if (key?.state !== "canary" || status === null || status >= 500 || status === 429) return false;
  const name = canaryKey(key.id, key.version);
  const known = memory.canaries[name] ?? { accepted: 0, refused: 0 };
  memory.canaries[name] = countCanary(known, result.refused === true ? "refused" : "accepted");
  return result.refused === true;
}

function learnQuota(
  memory: ConnectionMemory,
  quota: { readonly remaining: number; readonly resetMs: number },
  atMs: number,
): void {
  const known = memory.quota;
  // The same window never gains: an answer that was under way longer states an older, higher figure.
  const sameWindow = known !== null && atMs < known.resetMs && quota.resetMs <= known.resetMs + 1_000;
  memory.quota = sameWindow
    ? { remaining: Math.min(known.remaining, quota.remaining), resetMs: known.resetMs }
    : { ...quota };
}

function learnHold(memory: ConnectionMemory, key: string | null, untilMs: number | null, atMs: number): boolean {
  if (untilMs === null || untilMs <= atMs) return false;
  const known = knownHolds(memory).some(
    // Answers that came together state the same wait some milliseconds apart: one is enough.
    (hold) => hold.upstreamCredentialId === key && hold.untilMs >= untilMs - 1_000,
  );
  if (known) return false;
  memory.holds.push({ upstreamCredentialId: key, untilMs });
  return true;
}
