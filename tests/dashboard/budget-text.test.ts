/** What is said of a budget: shares, amounts, and whether it will last. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  outlook,
  percentText,
  usedShare,
  usedText,
  usedUpMs,
} from "../../workers/admin/dashboard/screens/budget-text.ts";
import { DAY_MS, START_MS, budget } from "./budget.fixture.ts";

describe("a budget in words", () => {
  it("says what is used of what, in its unit", () => {
    expect(usedText(budget(1_240, 2_000))).toBe("1,240 of 2,000 calls");
    expect(usedText(budget(0, 1))).toBe("0 of 1 call");
    expect(usedText(budget(4_100_000, 25_000_000, { unit: "usd_micros" }))).toBe("$4.10 of $25.00");
  });

  it("never calls full what is not, nor empty what is not", () => {
    expect(percentText(usedShare(budget(999, 1_000)))).toBe("99 %");
    expect(percentText(usedShare(budget(1_000, 1_000)))).toBe("100 %");
    expect(percentText(usedShare(budget(1_500, 1_000)))).toBe("100 %");
    expect(percentText(usedShare(budget(1, 1_000)))).toBe("under 1 %");
    expect(percentText(usedShare(budget(0, 1_000)))).toBe("0 %");
    expect(percentText(usedShare(budget(0, 0)))).toBe("100 %");
  });

  it("says when it resets, and when it will be used up if that is sooner", () => {
    const tenth = START_MS + 10 * DAY_MS;
    expect(outlook(budget(500, 1_000), tenth)).toBe("resets in 20 days; at this pace used up in 10 days");
    expect(outlook(budget(100, 1_000), tenth)).toBe("resets in 20 days");
    expect(outlook(budget(1_000, 1_000), tenth)).toBe("used up, resets in 20 days");
    expect(outlook(budget(900, 1_000), START_MS + 60_000)).toBe("resets in 29 days");
  });

  it("is used up neither in the past nor after its window", () => {
    fc.assert(
      fc.property(fc.nat(2_000), fc.integer({ min: 0, max: 1_000 }), fc.nat(30 * DAY_MS), (used, limit, elapsedMs) => {
        const nowMs = START_MS + elapsedMs;
        const atMs = usedUpMs(budget(used, limit), nowMs);
        if (atMs === null) return;
        expect(atMs).toBeGreaterThanOrEqual(nowMs);
        expect(atMs).toBeLessThan(START_MS + 30 * DAY_MS);
      }),
    );
  });
});
