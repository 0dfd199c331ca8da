/** Events that come while a list is read: each once, in the order in which the API lists them. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { movedBy, withArrivals } from "../../workers/admin/dashboard/screens/arrivals.ts";

/** Of few moments, so that several share one. The place in the array is the order of arrival. */
const moments = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 40 });
const eventOf = (moment: number, n: number) => ({
  id: `evt_${n}`,
  at: new Date(1_750_000_000_000 + moment).toISOString(),
  n,
});
type Event = ReturnType<typeof eventOf>;
/** As the API lists them: by time, then by arrival, newest first. */
const listed = (events: readonly Event[]) =>
  events.toSorted((left, right) => (left.at === right.at ? right.n - left.n : left.at < right.at ? 1 : -1));

describe("a list with what arrived after it was read", () => {
  it("is the list as it would be read now, as far as it was read", () => {
    const world = fc.record({
      moments,
      known: fc.nat({ max: 40 }),
      pages: fc.nat({ max: 40 }),
      again: fc.nat({ max: 5 }),
    });
    fc.assert(
      fc.property(world, ({ moments: all, known, pages, again }) => {
        const events = all.map(eventOf);
        const atReading = Math.min(known, events.length);
        const first = listed(events.slice(0, atReading));
        const read = first.slice(0, pages);
        const hasMore = read.length < first.length;
        const seenTwice = events.slice(Math.max(atReading - again, 0), atReading).filter((each) => read.includes(each));
        const shown = withArrivals(read, [...seenTwice, ...events.slice(atReading)], hasMore);
        // Down to the oldest that was read; what is older comes with the next page.
        const now = listed(events);
        const oldest = read.at(-1);
        const end = !hasMore ? now.length : oldest === undefined ? 0 : now.indexOf(oldest) + 1;
        expect(shown.slice(0, end)).toEqual(now.slice(0, end));
        if (oldest !== undefined) expect(shown).toHaveLength(end);
      }),
    );
  });

  it("says how far down each row went", () => {
    fc.assert(
      fc.property(moments, fc.nat({ max: 40 }), fc.nat({ max: 40 }), (all, known, index) => {
        const events = all.map(eventOf);
        const before = listed(events.slice(0, known));
        const after = withArrivals(before, events.slice(known), false);
        const row = before[index];
        const by = movedBy(before, after, index);
        if (row === undefined) expect(by).toBe(0);
        else expect(after[index + by]).toBe(row);
      }),
    );
    expect(movedBy([eventOf(1, 1)], [eventOf(2, 2)], 0)).toBe(0);
  });
});
