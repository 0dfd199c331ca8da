/** Variants measured in turns: whatever befalls the machine befalls them all, and each round is compared with itself. */
import { processorMs } from "../scripts/child-processes.ts";
import { putLoad, type LoadRequest, type LoadResult } from "./load.ts";
import { quantile } from "./quantile.ts";

const CONNECTIONS = [1, 16, 64];
/** Enough calls for the engine to have compiled what they run through, also before one connection is measured. */
const WARM_UP = { connections: 64, seconds: 3 };

export interface Rounds {
  /** How long each round puts load on each variant. */
  readonly seconds: number;
  readonly rounds: number;
}

export interface Target {
  readonly variant: string;
  readonly port: number;
  readonly request: LoadRequest;
  readonly tokens: readonly string[];
  readonly pids: readonly number[];
  /** How long the next variant waits for what this one has left to do. */
  readonly restMs: number;
}

export interface Measured extends LoadResult {
  /** What a call costs even when the machine is busy with something else. */
  readonly processorMsPerCall: number;
}

/** One variant at one number of connections: medians of its rounds. */
export interface Row extends Measured {
  readonly connections: number;
  readonly variant: string;
  /** Throughput as a part of the first variant's in the same round, a value for each round. */
  readonly ratios: readonly number[];
  /** Of each round's p50 above the first variant's in that round. */
  readonly addedP50Ms: number;
}

/** Everything is compared with the first target. */
export async function measure(targets: readonly Target[], { seconds, rounds }: Rounds): Promise<Row[]> {
  const rows: Row[] = [];
  for (const connections of CONNECTIONS) {
    for (const target of targets) await measureOnce(target, WARM_UP.connections, WARM_UP.seconds);
    const results = targets.map((): Measured[] => []);
    for (let round = 0; round < rounds; round++) {
      for (const at of order(targets.length, round)) {
        const target = targets[at];
        if (target !== undefined) results[at]?.push(await measureOnce(target, connections, seconds));
      }
    }
    const [base = []] = results;
    for (const [at, { variant }] of targets.entries()) {
      rows.push({ connections, variant, ...compared(results[at] ?? [], base) });
    }
  }
  return rows;
}

/** Each round begins with another target, and every other one runs backwards, so that none always follows the same one. */
function order(count: number, round: number): number[] {
  const direction = round % 2 === 0 ? 1 : count - 1;
  return Array.from({ length: count }, (_, turn) => (round + direction * turn) % count);
}

async function measureOnce(target: Target, connections: number, seconds: number): Promise<Measured> {
  const used = () => target.pids.reduce((sum, pid) => sum + (processorMs(pid) ?? Number.NaN), 0);
  const before = used();
  const result = await putLoad({ ...target, connections, seconds });
  await new Promise((resolve) => setTimeout(resolve, target.restMs));
  return { ...result, processorMsPerCall: (used() - before) / (result.requestsPerSecond * seconds) };
}

function compared(rounds: readonly Measured[], base: readonly Measured[]): Omit<Row, "connections" | "variant"> {
  const middle = (pick: (result: Measured, base: Measured) => number) =>
    quantile(
      rounds.map((result, at) => pick(result, base[at] ?? result)),
      0.5,
    );
  return {
    requestsPerSecond: middle((result) => result.requestsPerSecond),
    p50Ms: middle((result) => result.p50Ms),
    p99Ms: middle((result) => result.p99Ms),
    processorMsPerCall: middle((result) => result.processorMsPerCall),
    ratios: rounds.map((result, at) => result.requestsPerSecond / (base[at]?.requestsPerSecond ?? Number.NaN)),
    addedP50Ms: middle((result, own) => result.p50Ms - own.p50Ms),
  };
}
