import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { RateLimit } from "./limits.ts";
import {
  MAX_EXACT_REQUESTS,
  newRateWindow,
  rateRemaining,
  rateResetMs,
  rateWaitMs,
  restoreRate,
  storeRate,
  takeRate,
} from "./rate.ts";

const limits: fc.Arbitrary<RateLimit> = fc.record({
  requests: fc.integer({ min: 1, max: 40 }),
  perSeconds: fc.integer({ min: 1, max: 5 }),
  burst: fc.option(fc.integer({ min: 1, max: 60 })),
});
const steps = fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 3_000 })), {
  maxLength: 300,
});

/** Sends a request after each step; returns the times of those that passed. */
function admitted(limit: RateLimit, gaps: readonly number[]): number[] {
  const window = newRateWindow();
  const times: number[] = [];
  let nowMs = 1_795_000_000_000;
  for (const gap of gaps) {
    nowMs += gap;
    if (rateWaitMs(window, limit, nowMs) > 0) continue;
    takeRate(window, limit, nowMs);
    times.push(nowMs);
  }
  return times;
}

function mostInAnyWindow(times: readonly number[], windowMs: number): number {
  return Math.max(0, ...times.map((start) => times.filter((time) => time >= start && time < start + windowMs).length));
}

describe("rate", () => {
  test("no arrival pattern beats the rate in any window, nor the burst at any instant", () => {
    fc.assert(
      fc.property(limits, steps, (limit, gaps) => {
        const times = admitted(limit, gaps);
        expect(mostInAnyWindow(times, limit.perSeconds * 1000)).toBeLessThanOrEqual(limit.requests);
        expect(mostInAnyWindow(times, 1)).toBeLessThanOrEqual(limit.burst ?? limit.requests);
      }),
      { numRuns: 300 },
    );
  });

  test("large limits are kept in slices and still never exceeded", () => {
    const limit = { requests: MAX_EXACT_REQUESTS * 2, perSeconds: 2, burst: null };
    const times = admitted(
      limit,
      Array.from({ length: 6_000 }, (_, at) => at % 3),
    );
    for (const [at, start] of times.entries()) {
      const next = times[at + limit.requests];
      if (next !== undefined) expect(next - start).toBeGreaterThanOrEqual(2_000);
    }
    expect(times.length).toBeGreaterThan(limit.requests * 2);
  });

  test("small limits are exact: the next request passes at the very millisecond", () => {
    const limit = { requests: 2, perSeconds: 10, burst: null };
    const window = newRateWindow();
    takeRate(window, limit, 1_000);
    takeRate(window, limit, 4_000);
    expect(rateWaitMs(window, limit, 5_000)).toBe(6_000);
    expect(rateWaitMs(window, limit, 10_999)).toBe(1);
    expect(rateWaitMs(window, limit, 11_000)).toBe(0);
  });

  test("a request waits no longer than told", () => {
    fc.assert(
      fc.property(limits, steps, (limit, gaps) => {
        const window = newRateWindow();
        let nowMs = 1_795_000_000_000;
        for (const gap of gaps) {
          nowMs += gap;
          const waitMs = rateWaitMs(window, limit, nowMs);
          if (waitMs > 0) expect(rateWaitMs(window, limit, nowMs + waitMs)).toBe(0);
          else takeRate(window, limit, nowMs);
        }
      }),
    );
  });

  test("what remains says whether the next one passes", () => {
    fc.assert(
      fc.property(limits, steps, (limit, gaps) => {
        const window = newRateWindow();
        let nowMs = 1_795_000_000_000;
        for (const gap of gaps) {
          nowMs += gap;
          const passes = rateWaitMs(window, limit, nowMs) === 0;
          expect(rateRemaining(window, limit, nowMs) > 0).toBe(passes);
          if (passes) takeRate(window, limit, nowMs);
        }
      }),
    );
  });

  test("asking changes nothing", () => {
    const limit = { requests: 3, perSeconds: 1, burst: 2 };
    const window = newRateWindow();
    takeRate(window, limit, 1_000);
    const before = JSON.stringify(window);
    rateWaitMs(window, limit, 9_000);
    rateRemaining(window, limit, 9_000);
    rateResetMs(window, limit, 9_000);
    expect(JSON.stringify(window)).toBe(before);
  });

  test("stored and restored, it decides the same", () => {
    fc.assert(
      fc.property(limits, steps, steps, (limit, before, after) => {
        const kept = newRateWindow();
        let nowMs = 1_795_000_000_000;
        for (const gap of before) takeRate(kept, limit, (nowMs += gap));
        const read = restoreRate(JSON.parse(JSON.stringify(storeRate(kept))));
        for (const gap of after) {
          nowMs += gap;
          expect(rateWaitMs(read, limit, nowMs)).toBe(rateWaitMs(kept, limit, nowMs));
          takeRate(kept, limit, nowMs);
          takeRate(read, limit, nowMs);
        }
      }),
    );
  });

  test("a lowered limit counts what was taken under the higher one", () => {
    const window = newRateWindow();
    for (let at = 0; at < 10; at += 1) takeRate(window, { requests: 10, perSeconds: 60, burst: null }, 1_000);
    expect(rateWaitMs(window, { requests: 3, perSeconds: 60, burst: null }, 2_000)).toBe(59_000);
  });
});
