import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { inheritLimits, limitsProblem } from "./limit-ceiling.ts";
import { NO_LIMITS, type BudgetLimit, type Limits, type RateLimit } from "./limits.ts";
import { newRateWindow, rateWaitMs, takeRate } from "./rate.ts";

const rate = (requests: number, perSeconds: number, burst: number | null = null): RateLimit => ({
  requests,
  perSeconds,
  burst,
});
const budget = (limit: number, window: "day" | "month" = "day"): BudgetLimit => ({
  unit: "requests",
  limit,
  window,
  anchorMs: null,
});
const limits = (part: Partial<Limits>): Limits => ({ ...NO_LIMITS, ...part });

describe("limitsProblem", () => {
  const ceiling = limits({ rate: [rate(60, 60)], budgets: [budget(1000)] });

  it.each([
    [{ rate: [rate(60, 60)], budgets: [budget(1000)] }, true],
    [{ rate: [rate(10, 60)], budgets: [budget(1)] }, true],
    [{ rate: [rate(1, 1)], budgets: [budget(1000)] }, true],
    [{ rate: [rate(61, 60)], budgets: [budget(1000)] }, false],
    [{ rate: [rate(2, 1)], budgets: [budget(1000)] }, false],
    [{ rate: [rate(60, 60)], budgets: [budget(1001)] }, false],
    [{ rate: [rate(60, 60)], budgets: [budget(10), budget(2000)] }, false],
    [{ rate: [rate(60, 60)], budgets: [budget(5, "month")] }, false],
    [{}, false],
  ])("%o: %s", (own, inside) => {
    expect(limitsProblem(ceiling, limits(own)) === null).toBe(inside);
  });

  it("bounds what comes at once, and each customer", () => {
    const burst = limits({ rate: [rate(60, 60, 5)] });
    expect(limitsProblem(burst, limits({ rate: [rate(60, 60, 5)] }))).toBeNull();
    expect(limitsProblem(burst, limits({ rate: [rate(60, 60)] }))).toContain("5 at once");
    const each = limits({ perCustomer: { rate: [rate(1, 1)], budgets: [] } });
    expect(limitsProblem(each, NO_LIMITS)).toContain("Per customer");
    expect(limitsProblem(each, each)).toBeNull();
  });

  it("holds for whatever is inherited", () => {
    expect(limitsProblem(ceiling, inheritLimits(ceiling, NO_LIMITS))).toBeNull();
    expect(inheritLimits(ceiling, limits({ budgets: [budget(5)] })).budgets).toEqual([budget(5)]);
    const each = limits({ perCustomer: { rate: [rate(1, 1)], budgets: [] } });
    expect(inheritLimits(each, limits({ perCustomer: { rate: [], budgets: [budget(3)] } })).perCustomer).toEqual({
      rate: [rate(1, 1)],
      budgets: [budget(3)],
    });
  });

  it("never passes a rate that lets more through than its ceiling", () => {
    const some = fc.record({
      requests: fc.integer({ min: 1, max: 8 }),
      perSeconds: fc.integer({ min: 1, max: 6 }),
      burst: fc.option(fc.integer({ min: 1, max: 4 })),
    });
    const valid = some.map((each) => ({
      ...each,
      burst: each.burst === null ? null : Math.min(each.burst, each.requests),
    }));
    const steps = fc.array(fc.integer({ min: 0, max: 1500 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(valid, fc.array(valid, { minLength: 1, maxLength: 2 }), steps, (limit, own, gaps) => {
        fc.pre(limitsProblem(limits({ rate: [limit] }), limits({ rate: own })) === null);
        const windows = own.map(() => newRateWindow());
        const outer = newRateWindow();
        let nowMs = 1_000_000;
        for (const gap of gaps) {
          nowMs += gap;
          if (own.some((each, at) => rateWaitMs(windows[at]!, each, nowMs) > 0)) continue;
          for (const [at, each] of own.entries()) takeRate(windows[at]!, each, nowMs);
          expect(rateWaitMs(outer, limit, nowMs)).toBe(0);
          takeRate(outer, limit, nowMs);
        }
      }),
      { numRuns: 300 },
    );
  });
});
