/** Which rows of a long list are drawn: those in view, never many, never beyond the ends. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { drawnRows, scrollFor, visibleRows } from "../../workers/admin/dashboard/screens/window.ts";

const ROW_PX = 36;

describe("the window over a long list", () => {
  it("holds every row in view and few others", () => {
    const list = fc.record({
      count: fc.integer({ min: 0, max: 100_000 }),
      height: fc.integer({ min: 0, max: 3_000 }),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(list, ({ count, height, at }) => {
        const top = Math.max(count * ROW_PX - height, 0) * at;
        const { from, to } = visibleRows(top, height, ROW_PX, count);
        expect(from).toBeGreaterThanOrEqual(0);
        expect(to).toBeLessThanOrEqual(count);
        expect(to - from).toBeLessThanOrEqual(drawnRows(height, ROW_PX));
        if (count === 0) return;
        expect(from).toBeLessThanOrEqual(Math.floor(top / ROW_PX));
        expect(to).toBeGreaterThanOrEqual(Math.min(Math.ceil((top + height) / ROW_PX), count));
      }),
    );
  });

  it("scrolls a row into view and no further", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 100_000 }),
        fc.integer({ min: 0, max: 3_600_000 }),
        fc.integer({ min: 100, max: 2_000 }),
        (index, top, height) => {
          const next = scrollFor(index, top, height, ROW_PX);
          expect(index * ROW_PX).toBeGreaterThanOrEqual(next);
          expect((index + 1) * ROW_PX).toBeLessThanOrEqual(next + height);
          expect(scrollFor(index, next, height, ROW_PX)).toBe(next);
        },
      ),
    );
  });
});
