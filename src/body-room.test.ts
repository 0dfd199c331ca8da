import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { BodyRoom, MAX_KEPT_BYTES, MAX_KEPT_BYTES_PER_HOLDER, type BodyHold } from "./body-room.ts";

// Property tests must not fail because the machine is busy.
vi.setConfig({ testTimeout: 60_000 });

const MEBIBYTE = 1_048_576;

/** Holds of a mebibyte each, until one is refused. */
function fill(room: BodyRoom, holder: string, nowMs = 0): BodyHold[] {
  const holds: BodyHold[] = [];
  for (;;) {
    const hold = room.hold(holder, nowMs);
    if (!hold.grow(MEBIBYTE)) return holds;
    holds.push(hold);
  }
}

describe("BodyRoom", () => {
  it("is bounded for each holder and for all", () => {
    const room = new BodyRoom();
    expect(fill(room, "a")).toHaveLength(MAX_KEPT_BYTES_PER_HOLDER / MEBIBYTE);
    const others = fill(room, "b");
    expect(others).toHaveLength((MAX_KEPT_BYTES - MAX_KEPT_BYTES_PER_HOLDER) / MEBIBYTE);
    expect(fill(room, "c")).toEqual([]);
    others[0]?.release();
    others[0]?.release();
    expect(fill(room, "c")).toHaveLength(1);
  });

  it("says that it refused, and stays with that", () => {
    const room = new BodyRoom();
    const hold = room.hold("a", 0);
    expect([hold.grow(10), hold.refused()]).toEqual([true, false]);
    expect([hold.grow(MAX_KEPT_BYTES_PER_HOLDER + 1), hold.refused()]).toEqual([false, true]);
    expect(hold.grow(20)).toBe(false);
  });

  it("counts nothing of a call that is decided", () => {
    const room = new BodyRoom();
    const hold = room.hold("a", 0);
    hold.release();
    expect(hold.grow(MAX_KEPT_BYTES + 1)).toBe(true);
    expect(fill(room, "a")).toHaveLength(MAX_KEPT_BYTES_PER_HOLDER / MEBIBYTE);
  });

  it("forgets what was never released, after its time", () => {
    const room = new BodyRoom();
    const [first] = fill(room, "a", 1_000);
    expect(fill(room, "a", 120_999)).toEqual([]);
    expect(fill(room, "a", 121_000)).toHaveLength(MAX_KEPT_BYTES_PER_HOLDER / MEBIBYTE);
    // One that was forgotten gives nothing back a second time.
    first?.release();
    expect(fill(room, "a", 121_000)).toEqual([]);
  });

  it("agrees with a plain sum, however holds come, grow and go", () => {
    const step = fc.record({ at: fc.nat({ max: 9 }), mebibytes: fc.integer({ min: 0, max: 12 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const room = new BodyRoom();
        const held = new Map<number, { readonly hold: BodyHold; bytes: number }>();
        for (const { at, mebibytes } of steps) {
          const known = held.get(at);
          if (mebibytes === 0) {
            known?.hold.release();
            held.delete(at);
            continue;
          }
          const one = known ?? { hold: room.hold(String(at % 3), 0), bytes: 0 };
          if (one.hold.refused()) continue;
          const bytes = Math.max(one.bytes, mebibytes * MEBIBYTE);
          const sum = (of: (key: number) => boolean) =>
            [...held].reduce((all, [key, { bytes: size }]) => all + (key !== at && of(key) ? size : 0), bytes);
          const fits =
            sum(() => true) <= MAX_KEPT_BYTES && sum((key) => key % 3 === at % 3) <= MAX_KEPT_BYTES_PER_HOLDER;
          expect(one.hold.grow(bytes)).toBe(fits);
          if (fits) one.bytes = bytes;
          held.set(at, one);
        }
      }),
    );
  });
});
