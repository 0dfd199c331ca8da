/**
 * What masking and counting cost a large binary body: megabytes per second of one download, RelayKey and the bare Worker in turns.
 * The bytes are random, so that nothing can be skipped by luck.
 */
import { quantile } from "./quantile.ts";

/** Size of the body that the benchmark's vendor serves at `LARGE_PATH`. */
export const LARGE_BYTES = 33_554_432;
export const LARGE_PATH = "/contacts/large";

export interface LargeTarget {
  readonly variant: string;
  readonly port: number;
  readonly tokens: readonly string[];
}

export interface LargeResult {
  readonly variant: string;
  readonly megabytesPerSecond: number;
}

const ROUNDS = 5;

export async function measureLarge(targets: readonly LargeTarget[]): Promise<LargeResult[]> {
  const rates = targets.map((): number[] => []);
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [index, target] of targets.entries()) {
      const rate = await download(target);
      // The first round warms up.
      if (round > 0) rates[index]?.push(rate);
    }
  }
  return targets.map(({ variant }, index) => ({ variant, megabytesPerSecond: quantile(rates[index] ?? [], 0.5) }));
}

async function download(target: LargeTarget): Promise<number> {
  const startedMs = performance.now();
  const response = await fetch(`http://127.0.0.1:${target.port}/conn_bench${LARGE_PATH}`, {
    headers: { authorization: `Bearer ${target.tokens[0] ?? ""}` },
  });
  if (response.status !== 200 || response.body === null) throw new Error(`the download answered ${response.status}`);
  let size = 0;
  for await (const chunk of response.body) size += chunk.byteLength;
  if (size !== LARGE_BYTES) throw new Error(`the download has ${size} bytes`);
  return size / 1_000 / (performance.now() - startedMs);
}
