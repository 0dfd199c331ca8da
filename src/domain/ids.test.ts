import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { connectionIdFromPartner, isId, newId, newTimedId } from "./ids.ts";

describe("newId", () => {
  it("gives sixteen Crockford characters, one id for each ten bytes", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 10, maxLength: 10 }),
        fc.uint8Array({ minLength: 10, maxLength: 10 }),
        (a, b) => {
          const id = newId("dcred", a);
          expect(id).toMatch(/^dcred_[0-9a-hjkmnp-tv-z]{16}$/);
          expect(isId("dcred", id)).toBe(true);
          expect(newId("dcred", b) === id).toBe(Buffer.compare(a, b) === 0);
        },
      ),
    );
  });

  it("is deterministic and reads the bits in order", () => {
    expect(newId("req", new Uint8Array(10))).toBe("req_0000000000000000");
    expect(newId("req", new Uint8Array(10).fill(255))).toBe("req_zzzzzzzzzzzzzzzz");
    expect(newId("req", new Uint8Array([0x08, 0, 0, 0, 0, 0, 0, 0, 0, 1]))).toBe("req_1000000000000001");
  });

  it("throws when there is too little randomness", () => {
    expect(() => newId("evt", new Uint8Array(9))).toThrow(RangeError);
  });
});

describe("newTimedId", () => {
  const bytes = fc.uint8Array({ minLength: 10, maxLength: 32 });
  const time = fc.integer({ min: 0, max: 2 ** 44 - 1 });

  it("sorts as its times do, and tells ids of one moment apart", () => {
    fc.assert(
      fc.property(time, time, bytes, bytes, (one, other, a, b) => {
        const [first, second] = [newTimedId("evt", one, a), newTimedId("evt", other, b)];
        expect(isId("evt", first)).toBe(true);
        if (one !== other) expect(first < second).toBe(one < other);
        const [x, y] = [newTimedId("evt", one, a), newTimedId("evt", one, b)];
        const same = Buffer.compare(a.slice(6, 10), b.slice(6, 10)) === 0 && ((a[5] ?? 0) & 15) === ((b[5] ?? 0) & 15);
        expect(x === y).toBe(same);
      }),
    );
    expect(newTimedId("req", 0, new Uint8Array(10))).toBe("req_0000000000000000");
    expect(newTimedId("req", 2 ** 44 - 1, new Uint8Array(10).fill(255))).toBe("req_zzzzzzzzzzzzzzzz");
  });

  it("leaves its bytes as they were, and wants enough of them", () => {
    const given = new Uint8Array(10).fill(7);
    newTimedId("evt", 1e12, given);
    expect([...given]).toEqual(Array.from({ length: 10 }, () => 7));
    expect(() => newTimedId("evt", 1, new Uint8Array(9))).toThrow(RangeError);
  });
});

describe("isId", () => {
  it.each([
    ["evt", "evt_000000000000000"],
    ["evt", "evt_00000000000000000"],
    ["evt", "evt_000000000000000i"],
    ["evt", "evt_000000000000000A"],
    ["evt", "evx_0000000000000000"],
    ["evt", "evt-0000000000000000"],
    ["evt", "evt_000000000000000\n"],
    ["mk", "org_default"],
    ["conn", "conn_"],
    ["conn", "conn_-a"],
    ["conn", "conn_A"],
    ["conn", `conn_${"a".repeat(49)}`],
    ["conn", "conn_a/b"],
    ["conn", "conn_a\n"],
  ])("refuses %s %j", (prefix, text) => {
    expect(isId(prefix, text)).toBe(false);
  });

  it("accepts chosen connection ids and the default organisation", () => {
    expect(isId("conn", "conn_a1b2c3")).toBe(true);
    expect(isId("conn", `conn_${"a".repeat(48)}`)).toBe(true);
    expect(isId("org", "org_default")).toBe(true);
  });
});

describe("connectionIdFromPartner", () => {
  it("takes the id with or without its prefix", () => {
    expect(connectionIdFromPartner("hubspot")).toBe("conn_hubspot");
    expect(connectionIdFromPartner("conn_hubspot")).toBe("conn_hubspot");
  });

  it.each(["", "conn_", "Hubspot", "a.b", "a%20b", "../x", "_a", `${"a".repeat(49)}`, "é"])("refuses %j", (partner) => {
    expect(connectionIdFromPartner(partner)).toBeNull();
  });
});
