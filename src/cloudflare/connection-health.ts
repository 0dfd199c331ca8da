/**
 * The proxy's side of `ConnectionState`: answers from the isolate's memory, tells of failures and waits, and asks now and
 * then what others learned. The memory lives as long as the isolate; an adapter lives as long as one request.
 *
 * A check costs no call but one: when a breaker's rest is over, the object is asked whether this call may be the probe.
 */
import { CLOSED, heldUntilMs } from "../domain/breaker.ts";
import type { ConnectionDocument } from "../domain/documents.ts";
import type { Refusal } from "../domain/problem.ts";
import { countCanary, type CanaryRecord } from "../domain/upstream-choice.ts";
import type { CallReport, ConnectionHealth } from "../ports.ts";
import { TokenMemory } from "./access-tokens.ts";
import { canaryKey, connectionStateName } from "./connection-state-name.ts";
import type { ConnectionNews, ConnectionState, ConnectionView, VendorHold } from "./connection-state.ts";

export { accessTokens } from "./access-tokens.ts";

const MAX_CONNECTIONS = 5_000;
/** How old what is known from others may become while calls are made. */
const SYNC_INTERVAL_MS = 2_000;
/** An exchange whose request has died is given up after this time. */
const EXCHANGE_LOST_MS = 10_000;
/** A key that the vendor refused is tried last for this long. */
const REFUSED_REST_MS = 30_000;

interface Memory {
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
  readonly #connections = new Map<string, Memory>();

  of(name: string): Memory {
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

export interface HealthOptions {
  readonly states: DurableObjectNamespace<ConnectionState>;
  readonly memory: HealthMemory;
  readonly nowMs: () => number;
  readonly defer: (work: Promise<unknown>) => void;
}

export function connectionHealth(options: HealthOptions): ConnectionHealth {
  const { memory: memories, nowMs, defer } = options;

  const exchange = (name: string, connection: ConnectionDocument, memory: Memory): void => {
    const startedMs = nowMs();
    if (startedMs < memory.exchangeAtMs + EXCHANGE_LOST_MS) return;
    memory.exchangeAtMs = startedMs;
    defer(exchangeNews(options, name, connection, memory));
  };

  return {
    async check(organisationId, connection) {
      const name = connectionStateName(organisationId, connection.id);
      const memory = memories.of(name);
      const atMs = nowMs();
      if (atMs >= memory.syncedAtMs + SYNC_INTERVAL_MS) exchange(name, connection, memory);
      const heldMs = connectionHeldUntilMs(memory, connection, atMs);
      if (heldMs > atMs) return vendorLimited(connection, heldMs - atMs);
      if (connection.reliability.breaker !== null) {
        const refusal = await passBreaker(options, name, connection, memory, atMs);
        if (refusal !== null) return refusal;
      }
      return pace(connection, memory, atMs);
    },

    report(organisationId, connection, result) {
      const name = connectionStateName(organisationId, connection.id);
      const memory = memories.of(name);
      if (learn(memory, connection, result, nowMs())) exchange(name, connection, memory);
    },

    usable(organisationId, connection, upstreamCredentialId) {
      const memory = memories.of(connectionStateName(organisationId, connection.id));
      const atMs = nowMs();
      if ((memory.refused.get(upstreamCredentialId) ?? 0) > atMs) return false;
      const key = connection.upstreamCredentials.find(({ id }) => id === upstreamCredentialId);
      const returned = memory.view.returned ?? [];
      if (key?.state === "canary" && returned.includes(canaryKey(key.id, key.version))) return false;
      return !knownHolds(memory).some(
        (hold) => hold.upstreamCredentialId === upstreamCredentialId && hold.untilMs > atMs,
      );
    },
  };
}

async function exchangeNews(
  options: HealthOptions,
  name: string,
  connection: ConnectionDocument,
  memory: Memory,
): Promise<void> {
  const state = options.states.getByName(name);
  try {
    do {
      const news: ConnectionNews = {
        failures: memory.failures,
        successes: memory.successes,
        probe: memory.probing && memory.failures + memory.successes > 0,
        holds: memory.holds,
        rule: connection.reliability.breaker,
        canaries: memory.canaries,
      };
      memory.canaries = {};
      memory.failures = 0;
      memory.successes = 0;
      memory.holds = [];
      if (news.probe) memory.probing = false;
      const met = Object.keys(news.canaries ?? {}).length > 0;
      const tells = news.failures > 0 || news.successes > 0 || news.holds.length > 0 || met;
      memory.view = tells ? await state.report(news) : await state.current();
      memory.syncedAtMs = options.nowMs();
    } while (memory.failures > 0 || memory.holds.length > 0);
  } catch {
    // The object cannot be asked: go by what is known. The calls themselves do not depend on it.
    memory.syncedAtMs = options.nowMs();
  } finally {
    memory.exchangeAtMs = 0;
  }
}

/** Waits of the whole connection; with several keys the connection waits only while all of them do. */
function connectionHeldUntilMs(memory: Memory, connection: ConnectionDocument, atMs: number): number {
  const holds = knownHolds(memory).filter((hold) => hold.untilMs > atMs);
  if (holds.length === 0) return 0;
  const wholeMs = Math.max(
    0,
    ...holds.filter((hold) => hold.upstreamCredentialId === null).map((hold) => hold.untilMs),
  );
  const keys = connection.upstreamCredentials;
  if (keys.length < 2) return Math.max(wholeMs, ...holds.map((hold) => hold.untilMs));
  const ends = keys.map((key) =>
    Math.max(0, ...holds.filter((hold) => hold.upstreamCredentialId === key.id).map((hold) => hold.untilMs)),
  );
  return Math.max(wholeMs, Math.min(...ends));
}

function knownHolds(memory: Memory): readonly VendorHold[] {
  return memory.holds.length === 0 ? memory.view.holds : [...memory.view.holds, ...memory.holds];
}

async function passBreaker(
  options: HealthOptions,
  name: string,
  connection: ConnectionDocument,
  memory: Memory,
  atMs: number,
): Promise<Refusal | null> {
  const { breaker } = memory.view;
  const untilMs = heldUntilMs(breaker);
  if (untilMs === null) return null;
  if (atMs < untilMs) return circuitOpen(connection, untilMs - atMs);
  try {
    const { granted, view } = await options.states.getByName(name).probe();
    memory.view = view;
    memory.syncedAtMs = atMs;
    if (granted) {
      memory.probing = true;
      return null;
    }
    const nextMs = heldUntilMs(view.breaker);
    return nextMs === null ? null : circuitOpen(connection, Math.max(1, nextMs - options.nowMs()));
  } catch {
    return circuitOpen(connection, 1_000);
  }
}

/** Counts down what the vendor says is left of its quota, so that the call too many is not made. */
function pace(connection: ConnectionDocument, memory: Memory, atMs: number): Refusal | null {
  const { quota } = memory;
  if (quota === null) return null;
  if (atMs >= quota.resetMs) {
    memory.quota = null;
    return null;
  }
  if (quota.remaining <= 0) return vendorLimited(connection, quota.resetMs - atMs);
  quota.remaining -= 1;
  return null;
}

/** Takes an outcome into memory; true when the connection's object should hear of it now. */
function learn(memory: Memory, connection: ConnectionDocument, result: CallReport, atMs: number): boolean {
  const { upstreamCredentialId, quota } = result;
  const severalKeys = connection.upstreamCredentials.length > 1;
  if (quota !== undefined && quota !== null && !severalKeys) learnQuota(memory, quota, atMs);
  // A canary that is refused does not rest: its third refusal ends it for everyone.
  const isCanary = connection.upstreamCredentials.some(
    ({ id, state }) => id === upstreamCredentialId && state === "canary",
  );
  if (result.refused === true && upstreamCredentialId !== null && !isCanary) {
    if (memory.refused.size > 64) memory.refused.clear();
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
function learnCanary(memory: Memory, connection: ConnectionDocument, result: CallReport): boolean {
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
  memory: Memory,
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

function learnHold(memory: Memory, key: string | null, untilMs: number | null, atMs: number): boolean {
  if (untilMs === null || untilMs <= atMs) return false;
  const known = knownHolds(memory).some(
    // Answers that came together state the same wait some milliseconds apart: one is enough.
    (hold) => hold.upstreamCredentialId === key && hold.untilMs >= untilMs - 1_000,
  );
  if (known) return false;
  memory.holds.push({ upstreamCredentialId: key, untilMs });
  return true;
}

function vendorLimited(connection: ConnectionDocument, waitMs: number): Refusal {
  return {
    code: "vendor_limited",
    detail: `${connection.name} asks everyone to wait.`,
    retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1000)),
  };
}

function circuitOpen(connection: ConnectionDocument, waitMs: number): Refusal {
  return {
    code: "circuit_open",
    detail: `${connection.name} is failing; calls to it are held back for a moment.`,
    retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1000)),
  };
}
