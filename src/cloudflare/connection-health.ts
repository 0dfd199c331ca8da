/**
 * The proxy's side of `ConnectionState`: answers from the isolate's memory, tells of failures and waits, and asks now and
 * then what others learned. The memory lives as long as the isolate; an adapter lives as long as one request.
 *
 * A check costs no call but one: when a breaker's rest is over, the object is asked whether this call may be the probe.
 */
import { heldUntilMs } from "../domain/breaker.ts";
import type { ConnectionDocument } from "../domain/documents.ts";
import type { Refusal } from "../domain/problem.ts";
import type { ConnectionHealth } from "../ports.ts";
import { canaryKey, connectionStateName } from "./connection-state-name.ts";
import type { ConnectionNews, ConnectionState } from "./connection-state.ts";
import { connectionHeldUntilMs, knownHolds, learn, type ConnectionMemory, type HealthMemory } from "./health-memory.ts";

/** How old what is known from others may become while calls are made. */
const SYNC_INTERVAL_MS = 2_000;
/** An exchange whose request has died is given up after this time. */
const EXCHANGE_LOST_MS = 10_000;

export interface HealthOptions {
  readonly states: DurableObjectNamespace<ConnectionState>;
  readonly memory: HealthMemory;
  readonly nowMs: () => number;
  readonly defer: (work: Promise<unknown>) => void;
}

export function connectionHealth(options: HealthOptions): ConnectionHealth {
  const { memory: memories, nowMs, defer } = options;

  const exchange = (name: string, connection: ConnectionDocument, memory: ConnectionMemory): void => {
    const startedMs = nowMs();
    if (startedMs < memory.exchangeAtMs + EXCHANGE_LOST_MS) return;
    memory.exchangeAtMs = startedMs;
    defer(exchangeNews(options, name, connection, memory));
  };

  return {
    async check(organisationId, connection, keys) {
      const name = connectionStateName(organisationId, connection.id);
      const memory = memories.of(name);
      const atMs = nowMs();
      if (atMs >= memory.syncedAtMs + SYNC_INTERVAL_MS) exchange(name, connection, memory);
      const heldMs = connectionHeldUntilMs(memory, connection, keys ?? allKeys(connection), atMs);
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

    breaker: (organisationId, connection) =>
      memories.of(connectionStateName(organisationId, connection.id)).view.breaker.phase,

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

function allKeys(connection: ConnectionDocument): readonly string[] {
  return connection.upstreamCredentials.map((key) => key.id);
}

async function exchangeNews(
  options: HealthOptions,
  name: string,
  connection: ConnectionDocument,
  memory: ConnectionMemory,
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

async function passBreaker(
  options: HealthOptions,
  name: string,
  connection: ConnectionDocument,
  memory: ConnectionMemory,
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
function pace(connection: ConnectionDocument, memory: ConnectionMemory, atMs: number): Refusal | null {
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
