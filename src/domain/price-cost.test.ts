import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { costOf, reserveFor, type PricedAnswer } from "./price-cost.ts";
import type { PriceRule } from "./price.ts";

const PRICES: readonly PriceRule[] = [
  { kind: "fixed", methods: ["GET"], paths: ["/v1/lookups/*"], usdMicros: 2_500 },
  { kind: "header", methods: ["POST"], paths: ["/v1/search"], name: "x-cost", usdMicrosPerUnit: 10, maxUsdMicros: 900 },
  {
    kind: "json",
    methods: [],
    paths: ["/v1/chat/**"],
    members: [
      { member: "usage.prompt_tokens", usdMicrosPerUnit: 0.15 },
      { member: "usage.completion_tokens", usdMicrosPerUnit: 0.6 },
    ],
    maxUsdMicros: 50_000,
  },
];
const none = new Headers();

function answered(status: number, usage: PricedAnswer["usage"], whole: boolean, headers = none): PricedAnswer {
  return { status, headers, usage, whole };
}

describe("pricing", () => {
  it("reserves the most a call can cost", () => {
    expect(reserveFor(PRICES, "GET", "/v1/lookups/1")).toBe(2_500);
    expect(reserveFor(PRICES, "POST", "/v1/search")).toBe(900);
    expect(reserveFor(PRICES, "POST", "/v1/chat/completions")).toBe(50_000);
    expect(reserveFor(PRICES, "POST", "/v1/lookups/1")).toBe(0);
    expect(reserveFor([], "GET", "/")).toBe(0);
  });

  it("charges a fixed price for a good answer only", () => {
    expect(costOf(PRICES, "GET", "/v1/lookups/1", answered(200, null, true))).toBe(2_500);
    expect(costOf(PRICES, "GET", "/v1/lookups/1", answered(404, null, true))).toBe(0);
    expect(costOf(PRICES, "GET", "/v1/other", answered(200, null, true))).toBe(0);
    expect(costOf([], "GET", "/v1/other", answered(200, null, true))).toBeNull();
  });

  it("charges what a header states; a good answer without it leaves the reservation spent", () => {
    const cost = (value: string | null, status = 200) =>
      costOf(
        PRICES,
        "POST",
        "/v1/search",
        answered(status, null, true, value === null ? none : new Headers({ "x-cost": value })),
      );
    expect(cost("12.5")).toBe(125);
    expect(cost("0")).toBe(0);
    expect(cost("3", 500)).toBe(30);
    expect(cost(null)).toBeNull();
    expect(cost(null, 500)).toBe(0);
    expect(cost("-4")).toBeNull();
    expect(cost("1e9")).toBeNull();
  });

  it("sums members of the answer, rounded up to whole millionths", () => {
    const cost = (usage: Record<string, number> | null, status = 200) =>
      costOf(PRICES, "POST", "/v1/chat/completions", answered(status, usage, true));
    expect(cost({ "usage.prompt_tokens": 1000, "usage.completion_tokens": 10 })).toBe(156);
    expect(cost({ "usage.prompt_tokens": 1000, "usage.completion_tokens": 0 })).toBe(150);
    expect(cost({ "usage.prompt_tokens": 1, "usage.completion_tokens": 0 })).toBe(1);
    expect(cost(null)).toBeNull();
    expect(cost({})).toBeNull();
    expect(cost(null, 500)).toBe(0);
    for (const wrong of [-5, Number.POSITIVE_INFINITY]) {
      expect(cost({ "usage.prompt_tokens": wrong, "usage.completion_tokens": 10 })).toBeNull();
    }
  });

  it("keeps the reservation spent where a member is missing, unless that one is optional", () => {
    const cost = (members: Record<string, number>, optional: boolean, status = 200) => {
      const [fixed, header, json] = PRICES;
      if (fixed === undefined || header === undefined || json?.kind !== "json") throw new Error("no such price");
      const cached = { member: "usage.cached", usdMicrosPerUnit: 1, ...(optional ? { optional } : {}) };
      const prices = [fixed, header, { ...json, members: [...json.members, cached] }];
      return costOf(prices, "POST", "/v1/chat/x", answered(status, members, true));
    };
    const tokens = { "usage.prompt_tokens": 1000, "usage.completion_tokens": 10 };
    expect(cost(tokens, true)).toBe(156);
    expect(cost({ ...tokens, "usage.cached": 4 }, true)).toBe(160);
    expect(cost({ ...tokens, "usage.cached": -4 }, true)).toBeNull();
    expect(cost({ ...tokens, "usage.cached": 4 }, false)).toBe(160);
    expect(cost(tokens, false)).toBeNull();
    expect(cost({ "usage.prompt_tokens": 1000, "usage.cached": 4 }, true)).toBeNull();
    expect(cost(tokens, false, 500)).toBe(0);
  });

  it("keeps the reservation spent for a stream that was cut before its last word", () => {
    const cost = (completion: number, whole: boolean, status = 200) =>
      costOf(
        PRICES,
        "POST",
        "/v1/chat/x",
        answered(status, { "usage.prompt_tokens": 0, "usage.completion_tokens": completion }, whole),
      );
    expect(cost(1, true)).toBe(1);
    expect(cost(1, false)).toBeNull();
    expect(cost(1, false, 500)).toBe(1);
    expect(cost(100_000, false)).toBe(60_000);
  });

  it("prices HEAD as GET, unless a rule before names it", () => {
    expect(reserveFor(PRICES, "HEAD", "/v1/lookups/1")).toBe(2_500);
    expect(costOf(PRICES, "HEAD", "/v1/lookups/1", answered(200, null, true))).toBe(2_500);
    expect(reserveFor(PRICES, "HEAD", "/v1/search")).toBe(0);
    const free: PriceRule = { kind: "fixed", methods: ["HEAD"], paths: [], usdMicros: 0 };
    expect(reserveFor([free, ...PRICES], "HEAD", "/v1/lookups/1")).toBe(0);
  });

  it("gives whole, never negative amounts", () => {
    const number = fc.double();
    fc.assert(
      fc.property(number, number, fc.integer({ min: 100, max: 599 }), (prompt, completion, status) => {
        const usage = { "usage.prompt_tokens": prompt, "usage.completion_tokens": completion };
        const cost = costOf(PRICES, "POST", "/v1/chat/x", answered(status, usage, true));
        if (cost !== null) {
          expect(Number.isSafeInteger(cost)).toBe(true);
          expect(cost).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });
});
