/**
 * What a gate was told about its connections: the vendor asks everyone to wait, or is failing. Memory only; a gate that
 * uses a connection often subscribes to its news, and asks again after a restart.
 */
import type { Refusal } from "../domain/problem.ts";
import type { ConnectionHold } from "./connection-state.ts";
import { connectionStateName } from "./connection-state-name.ts";

/** A subscription lasts a quarter of an hour; it is renewed before. */
const RENEW_MS = 10 * 60_000;
/** A credential that calls now and then learns enough from its own calls. */
const CALLS_BEFORE_SUBSCRIBING = 3;
const MAX_CONNECTIONS = 64;

export interface HoldSource extends Rpc.DurableObjectBranded {
  subscribe(gateId: string): readonly ConnectionHold[] | Promise<readonly ConnectionHold[]>;
}

interface Known {
  calls: number;
  subscribedMs: number;
  readonly holds: Map<ConnectionHold["code"], number>;
}

export class GateHolds {
  readonly #connections = new Map<string, Known>();

  hold({ connectionId, code, untilMs }: ConnectionHold): void {
    const { holds } = this.#of(connectionId);
    if (untilMs === 0) holds.delete(code);
    else holds.set(code, untilMs);
  }

  /** The refusal for a call of this connection now, or null. */
  refusal(connectionId: string | null, nowMs: number): Refusal | null {
    const known = connectionId === null ? undefined : this.#connections.get(connectionId);
    if (known === undefined || known.holds.size === 0) return null;
    for (const [code, untilMs] of known.holds) {
      if (untilMs <= nowMs) {
        known.holds.delete(code);
        continue;
      }
      const seconds = Math.max(1, Math.ceil((untilMs - nowMs) / 1000));
      const what = code === "circuit_open" ? "The vendor is failing" : "The vendor asks everyone to wait";
      return { code, detail: `${what}. Try again in ${seconds} s`, retryAfterSeconds: seconds };
    }
    return null;
  }

  /** Notes an admitted call; true when it is time to subscribe to the connection's news. */
  called(connectionId: string, nowMs: number): boolean {
    const known = this.#of(connectionId);
    known.calls += 1;
    if (known.calls < CALLS_BEFORE_SUBSCRIBING || nowMs - known.subscribedMs < RENEW_MS) return false;
    known.subscribedMs = nowMs;
    return true;
  }

  /** Subscribes. A failure is of no consequence: the proxy asks on its own as well. */
  async subscribe(
    sources: DurableObjectNamespace<HoldSource>,
    gateId: string,
    organisationId: string,
    connectionId: string,
  ): Promise<void> {
    try {
      const holds = await sources.getByName(connectionStateName(organisationId, connectionId)).subscribe(gateId);
      for (const hold of holds) this.hold(hold);
    } catch {
      this.#of(connectionId).calls = 0;
    }
  }

  #of(connectionId: string): Known {
    let known = this.#connections.get(connectionId);
    if (known === undefined) {
      if (this.#connections.size >= MAX_CONNECTIONS) this.#connections.clear();
      known = { calls: 0, subscribedMs: 0, holds: new Map() };
      this.#connections.set(connectionId, known);
    }
    return known;
  }
}
