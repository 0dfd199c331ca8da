/**
 * Percentiles from the histogram that the audit's sums keep. Pure. A percentile is the upper edge of the class it falls into,
 * moved linearly inside the class: good to a class, never below what was measured in lower classes.
 */
export const LATENCY_EDGES_MS = [50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000] as const;

/** Counts per class, in the order of the edges; one more for everything above the last. */
export type LatencyCounts = readonly number[];

/** `share` in (0, 1]. Null without any call. Above the last edge the answer is the last edge: at least so much. */
export function latencyPercentileMs(counts: LatencyCounts, share: number): number | null {
  const total = counts.reduce((sum, each) => sum + each, 0);
  if (total === 0) return null;
  const wanted = Math.max(1, Math.ceil(total * share));
  let below = 0;
  for (const [at, inClass] of counts.entries()) {
    if (below + inClass < wanted) {
      below += inClass;
      continue;
    }
    const upper = LATENCY_EDGES_MS[at];
    const lower = at === 0 ? 0 : (LATENCY_EDGES_MS[at - 1] ?? 0);
    if (upper === undefined) return lower;
    return Math.round(lower + ((upper - lower) * (wanted - below)) / inClass);
  }
  return null;
}
