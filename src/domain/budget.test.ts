import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { alertsDue, budgetRemaining, budgetWindow, newBudgetCounter, rollBudget, settleBudget } from "./budget.ts";
import type { BudgetLimit } from "./limits.ts";

const limitOf = (changes: Partial<BudgetLimit> = {}): BudgetLimit => ({
  unit: "requests",
  limit: 100,
  window: "month",
  anchorMs: null,
  ...changes,
});
const at = (text: string): number => Date.parse(text);
const windowOf = (limit: BudgetLimit, now: string): readonly [string, string] => {
  const { startMs, endMs } = budgetWindow(limit, at(now));
  return [new Date(startMs).toISOString(), new Date(endMs).toISOString()];
};

describe("budget windows", () => {
  test("calendar day and month in UTC", () => {
    expect(windowOf(limitOf({ window: "day" }), "2026-11-22T23:59:59.999Z")).toEqual([
      "2026-11-22T00:00:00.000Z",
      "2026-11-23T00:00:00.000Z",
    ]);
    expect(windowOf(limitOf(), "2028-02-29T12:00:00Z")).toEqual([
      "2028-02-01T00:00:00.000Z",
      "2028-03-01T00:00:00.000Z",
    ]);
    expect(windowOf(limitOf(), "2026-12-31T23:59:59.999Z")[1]).toBe("2027-01-01T00:00:00.000Z");
  });

  test("anchored: the anchor's hour, and the last day of shorter months", () => {
    const anchored = limitOf({ anchorMs: at("2026-01-31T09:30:00Z") });
    expect(windowOf(anchored, "2026-02-28T09:29:59Z")).toEqual([
      "2026-01-31T09:30:00.000Z",
      "2026-02-28T09:30:00.000Z",
    ]);
    expect(windowOf(anchored, "2026-02-28T09:30:00Z")).toEqual([
      "2026-02-28T09:30:00.000Z",
      "2026-03-31T09:30:00.000Z",
    ]);
    expect(windowOf(limitOf({ window: "day", anchorMs: at("2026-01-01T06:00:00Z") }), "2025-12-31T05:00:00Z")).toEqual([
      "2025-12-30T06:00:00.000Z",
      "2025-12-31T06:00:00.000Z",
    ]);
  });

  test("windows follow each other without gap or overlap", () => {
    const times = fc.integer({ min: at("1999-01-01"), max: at("2045-01-01") });
    fc.assert(
      fc.property(
        times,
        fc.option(times),
        fc.constantFrom("day" as const, "month" as const),
        (now, anchorMs, window) => {
          const limit = limitOf({ anchorMs, window });
          const { startMs, endMs } = budgetWindow(limit, now);
          expect(startMs <= now && now < endMs).toBe(true);
          expect(budgetWindow({ ...limit }, endMs).startMs).toBe(endMs);
          expect(budgetWindow({ ...limit }, startMs - 1).endMs).toBe(startMs);
        },
      ),
    );
  });
});

describe("budget counters", () => {
  test("a new window starts empty, and a settlement of the old one does not touch it", () => {
    const limit = limitOf({ window: "day" });
    const first = budgetWindow(limit, at("2026-11-22T23:00:00Z"));
    const counter = newBudgetCounter(first.startMs);
    counter.reserved = 60;
    expect(budgetRemaining(counter, limit, first)).toBe(40);
    const second = budgetWindow(limit, at("2026-11-23T00:00:00Z"));
    expect(budgetRemaining(counter, limit, second)).toBe(100);
    rollBudget(counter, second);
    settleBudget(counter, first.startMs, 60, 60);
    expect(counter).toEqual({ startMs: second.startMs, spent: 0, reserved: 0, alertedPercent: 0 });
  });

  test("alerts come once each, lowest first", () => {
    const limit = limitOf({ limit: 10 });
    const counter = newBudgetCounter(0);
    expect(alertsDue(counter, limit, 4)).toEqual([]);
    expect(alertsDue(counter, limit, 5)).toEqual([50]);
    expect(alertsDue(counter, limit, 6)).toEqual([]);
    expect(alertsDue(counter, limit, 10)).toEqual([80, 100]);
    expect(alertsDue(counter, limit, 12)).toEqual([]);
  });
});
