/** Ports for a program that must be told which to open. */
import { randomInt } from "node:crypto";
import { listenError } from "../../scripts/ports.ts";

/**
 * Below those that the system gives to outgoing connections and to whoever asks for any port: one of these is not taken by
 * chance between its choice and its use, or while a stack is down.
 */
const FIRST_PORT = 20_000;
const PORTS = 12_000;
const MAX_TRIES_A_PORT = 50;

/** As many as asked for, which differ and were free a moment ago. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const ports = new Set<number>();
  for (let tries = 0; ports.size < count; tries += 1) {
    if (tries === count * MAX_TRIES_A_PORT) throw new Error(`found ${ports.size} of ${count} free ports`);
    const port = FIRST_PORT + randomInt(PORTS);
    if ((await listenError(port)) === null) ports.add(port);
  }
  return [...ports];
}
