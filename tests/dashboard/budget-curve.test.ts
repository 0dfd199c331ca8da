/** The line of how a budget filled: it never falls, stays inside its box, and ends where the counter stands. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { budgetCurve } from "../../workers/admin/dashboard/screens/budget-curve.ts";
import { DAY_MS, START_MS, budget } from "./budget.fixture.ts";

const row = (day: number, forwarded: number, cost = 0) => ({
  at: new Date(START_MS + day * DAY_MS).toISOString(),
  forwarded,
  cost_usd_micros: cost,
});

describe("the line of a budget", () => {
  it("grows by what was used in each step", () => {
    const points = budgetCurve(budget(60, 100), [row(3, 20), row(0, 30), row(-2, 99)], START_MS + 6 * DAY_MS);
    expect(points).toEqual([
      { x: 0, y: 0 },
      { x: 0, y: 0 },
      { x: 0.1, y: 0.3 },
      { x: 0.2, y: 0.6 },
    ]);
    const inDollars = budget(5, 10, { unit: "usd_micros" });
    expect(budgetCurve(inDollars, [row(0, 900, 5)], START_MS + 15 * DAY_MS).at(-1)).toEqual({ x: 0.5, y: 0.5 });
  });

  it("never falls, stays inside, and ends where the counter stands", () => {
    const rows = fc.array(
      fc
        .record({ day: fc.integer({ min: -3, max: 33 }), forwarded: fc.nat(500) })
        .map((each) => row(each.day, each.forwarded)),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(rows, fc.nat(1_500), fc.nat(1_000), fc.nat(30 * DAY_MS), (given, used, limit, elapsedMs) => {
        const points = budgetCurve(budget(used, limit), given, START_MS + elapsedMs);
        if (limit === 0) expect(points).toEqual([]);
        for (const [i, point] of points.entries()) {
          const before = points[i - 1] ?? { x: 0, y: 0 };
          expect(point.x).toBeGreaterThanOrEqual(before.x);
          expect(point.y).toBeGreaterThanOrEqual(before.y);
          expect(Math.max(point.x, point.y)).toBeLessThanOrEqual(1);
        }
        if (limit > 0) expect(points.at(-1)?.y).toBe(Math.min(used / limit, 1));
      }),
    );
  });
});
