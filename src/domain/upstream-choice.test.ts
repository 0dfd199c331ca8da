import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { UpstreamCredentialDocument } from "./documents.ts";
import { canaryVerdict, countCanary, upstreamOrder } from "./upstream-choice.ts";

function key(id: string, over: Partial<UpstreamCredentialDocument> = {}): UpstreamCredentialDocument {
  return {
    id,
    version: 1,
    environment: null,
    priority: 0,
    weight: 1,
    state: "active",
    canaryShare: 0,
    location: { provider: "worker_secret", binding: "KEY" },
    ...over,
  };
}
const ids = (order: readonly UpstreamCredentialDocument[]) => order.map(({ id }) => id);

const anyKey = fc.record({
  id: fc.stringMatching(/^[a-z]{1,4}$/),
  environment: fc.constantFrom(null, "production", "sandbox"),
  priority: fc.integer({ min: 0, max: 3 }),
  weight: fc.integer({ min: 0, max: 5 }),
  state: fc.constantFrom("active" as const, "canary" as const),
  canaryShare: fc.double({ min: 0, max: 1, noNaN: true }),
});
const anyKeys = fc
  .uniqueArray(anyKey, { selector: ({ id }) => id, maxLength: 8 })
  .map((list) => list.map((over) => key(over.id, over)));
const anyRandom = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe("environment", () => {
  const production = key("prod", { environment: "production", priority: 9 });
  const sandbox = key("sand", { environment: "sandbox" });
  const general = key("any");

  test("a key of the call's own environment comes before a general one, whatever the priority", () => {
    expect(ids(upstreamOrder([general, production, sandbox], "production", 0.5))).toEqual(["prod", "any"]);
  });
  test("a call without an environment uses general keys, or the only environment that there is", () => {
    expect(ids(upstreamOrder([general, production], null, 0.5))).toEqual(["any"]);
    expect(ids(upstreamOrder([production], null, 0.5))).toEqual(["prod"]);
    expect(upstreamOrder([production, sandbox], null, 0.5)).toEqual([]);
  });
  test("never another environment's key; never one twice", () => {
    fc.assert(
      fc.property(anyKeys, fc.constantFrom("production", "sandbox"), anyRandom, (keys, environment, random) => {
        const order = upstreamOrder(keys, environment, random);
        expect(order.every((one) => one.environment === null || one.environment === environment)).toBe(true);
        expect(new Set(order).size).toBe(order.length);
        expect(order.length).toBe(
          keys.filter((one) => one.environment === null || one.environment === environment).length,
        );
        expect(upstreamOrder([...keys].reverse(), environment, random)).toEqual(order);
      }),
    );
  });
});

describe("priority and weight", () => {
  test("a lower priority number comes first, and the others are fallen back to", () => {
    const order = upstreamOrder(
      [key("c", { priority: 2 }), key("a", { priority: 0 }), key("b", { priority: 1 })],
      null,
      0.9,
    );
    expect(ids(order)).toEqual(["a", "b", "c"]);
  });
  test("equals are drawn in proportion to their weights", () => {
    const keys = [key("a", { weight: 1 }), key("b", { weight: 3 }), key("z", { weight: 0 })];
    const first = { a: 0, b: 0, z: 0 };
    const steps = 1_000;
    for (let i = 0; i < steps; i += 1) first[upstreamOrder(keys, null, i / steps)[0]?.id as "a" | "b" | "z"] += 1;
    expect(first).toEqual({ a: 250, b: 750, z: 0 });
    expect(ids(upstreamOrder(keys, null, 0)).at(-1)).toBe("z");
  });
  test("a lone key of weight 0 is still used", () => {
    expect(ids(upstreamOrder([key("z", { weight: 0 })], null, 0.3))).toEqual(["z"]);
  });
});

describe("canary", () => {
  const old = key("old");
  const canary = key("new", { state: "canary", canaryShare: 0.1 });

  test("takes its share of the calls and returns to the old key when it fails", () => {
    let first = 0;
    for (let i = 0; i < 1_000; i += 1) {
      const order = ids(upstreamOrder([old, canary], null, i / 1_000));
      if (order[0] === "new") first += 1;
      expect([...order].sort()).toEqual(["new", "old"]);
    }
    expect(first).toBe(100);
  });
  test("the share does not change how the others are drawn", () => {
    const keys = [key("a", { weight: 1 }), key("b", { weight: 1 }), canary];
    const second = { a: 0, b: 0 };
    for (let i = 100; i < 1_000; i += 1) second[upstreamOrder(keys, null, i / 1_000)[0]?.id as "a" | "b"] += 1;
    expect(second).toEqual({ a: 450, b: 450 });
  });
  test("a share of 1 takes all, 0 none, and nonsense stays within", () => {
    expect(ids(upstreamOrder([old, { ...canary, canaryShare: 1 }], null, 0.999999))[0]).toBe("new");
    expect(ids(upstreamOrder([old, { ...canary, canaryShare: 0 }], null, 0))[0]).toBe("old");
    expect(ids(upstreamOrder([old, { ...canary, canaryShare: -5 }], null, 0))[0]).toBe("old");
    expect(ids(upstreamOrder([old, { ...canary, canaryShare: 7 }], null, 0.5))[0]).toBe("new");
  });
  test("three refusals send it back, twenty good calls promote it, exhaustion says nothing", () => {
    let record = { accepted: 0, refused: 0 };
    for (const outcome of ["refused", "exhausted", "refused", "exhausted"] as const)
      record = countCanary(record, outcome);
    expect(canaryVerdict(record)).toBe("wait");
    expect(canaryVerdict(countCanary(record, "refused"))).toBe("return");
    let good = { accepted: 0, refused: 0 };
    for (let i = 0; i < 19; i += 1) good = countCanary(good, "accepted");
    expect(canaryVerdict(good)).toBe("wait");
    expect(canaryVerdict(countCanary(good, "accepted"))).toBe("promote");
    expect(canaryVerdict({ accepted: 50, refused: 1 })).toBe("wait");
  });
});
