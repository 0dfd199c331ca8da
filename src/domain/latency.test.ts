import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { LATENCY_EDGES_MS, latencyPercentileMs } from "./latency.ts";

const classOf = (ms: number) => {
  const at = LATENCY_EDGES_MS.findIndex((edge) => ms <= edge);
  return at === -1 ? LATENCY_EDGES_MS.length : at;
};

describe("latencyPercentileMs", () => {
  it("finds the class and moves inside it", () => {
    expect(latencyPercentileMs([], 0.5)).toBeNull();
    expect(latencyPercentileMs([100], 0.5)).toBe(25);
    expect(latencyPercentileMs([50, 50], 1)).toBe(100);
    expect(latencyPercentileMs([0, 0, 0, 0, 0, 0, 0, 0, 5], 0.5)).toBe(10_000);
  });

  it("lies in the class of the true percentile", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 1 }),
        fc.constantFrom(0.5, 0.9, 0.95, 0.99, 1),
        (times, share) => {
          const counts = Array.from({ length: LATENCY_EDGES_MS.length + 1 }, () => 0);
          for (const ms of times) counts[classOf(ms)] = (counts[classOf(ms)] ?? 0) + 1;
          const sorted = times.toSorted((a, b) => a - b);
          const exact = sorted[Math.max(0, Math.ceil(times.length * share) - 1)] ?? 0;
          const found = latencyPercentileMs(counts, share) ?? -1;
          const expected = Math.min(classOf(exact), LATENCY_EDGES_MS.length - 1);
          expect(classOf(found)).toBe(expected);
        },
      ),
    );
  });
});
