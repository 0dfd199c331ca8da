import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { backoffMs, countCall, idempotencyHeaderOn, mayRepeat, newRetryBudget, takeRepeat } from "./retry.ts";

describe("mayRepeat", () => {
  it.each(["GET", "HEAD", "OPTIONS"])("repeats %s", (method) => {
    expect(mayRepeat(method, false)).toBe(true);
  });

  it.each(["POST", "PUT", "PATCH", "DELETE", "get", "PROPFIND", ""])(
    "repeats %s only with an idempotency key",
    (method) => {
      expect(mayRepeat(method, false)).toBe(false);
      expect(mayRepeat(method, true)).toBe(true);
    },
  );
});

describe("idempotencyHeaderOn", () => {
  it("names the header where the vendor knows it, and by default everywhere", () => {
    const rule = { idempotencyHeader: "idempotency-key" };
    expect(idempotencyHeaderOn(rule, "/any")).toBe("idempotency-key");
    expect(idempotencyHeaderOn({ ...rule, idempotencyPaths: [] }, "/any")).toBe("idempotency-key");
    expect(idempotencyHeaderOn({ idempotencyHeader: null, idempotencyPaths: ["/any"] }, "/any")).toBeNull();
    const some = { ...rule, idempotencyPaths: ["/emails", "/v1/*"] };
    expect(idempotencyHeaderOn(some, "/emails")).toBe("idempotency-key");
    expect(idempotencyHeaderOn(some, "/v1/a/b")).toBe("idempotency-key");
    expect(idempotencyHeaderOn(some, "/emails/")).toBeNull();
    expect(idempotencyHeaderOn(some, "/contacts")).toBeNull();
  });

  it("knows no header on a path that cannot be read", () => {
    expect(idempotencyHeaderOn({ idempotencyHeader: "x", idempotencyPaths: ["emails"] }, "/emails")).toBeNull();
  });
});

describe("backoffMs", () => {
  const rule = { baseDelayMs: 100, maxDelayMs: 1_000 };

  it("draws from zero to the exponential bound", () => {
    expect(backoffMs(rule, 1, null, 0)).toBe(0);
    expect(backoffMs(rule, 1, null, 0.999)).toBe(99);
    expect(backoffMs(rule, 3, null, 0.999)).toBe(399);
    expect(backoffMs(rule, 50, null, 0.999)).toBe(999);
  });

  it("spreads those who were told the same time", () => {
    expect(backoffMs(rule, 1, 500, 0)).toBe(500);
    expect(backoffMs(rule, 1, 500, 0.5)).toBe(550);
    expect(backoffMs(rule, 1, 1_000, 0.5)).toBe(1_000);
  });

  it("never waits less than the vendor asks, and gives up when that is too long", () => {
    fc.assert(
      fc.property(
        fc.nat(2_000),
        fc.integer({ min: 1, max: 40 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (wait, attempt, random) => {
          const delay = backoffMs(rule, attempt, wait, random);
          if (wait > rule.maxDelayMs) expect(delay).toBeNull();
          else {
            expect(delay).toBeGreaterThanOrEqual(wait);
            expect(delay).toBeLessThanOrEqual(rule.maxDelayMs);
          }
        },
      ),
    );
  });
});

describe("the retry budget", () => {
  it("never lets repeats exceed the share of calls, but for a small loan", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom("call", "repeat", "repeat", "repeat"), { maxLength: 2_000 }),
        fc.constantFrom(0.05, 0.1, 0.2, 0.5),
        fc.nat(50),
        (events, share, stepMs) => {
          const budget = newRetryBudget(0);
          let calls = 0;
          let repeats = 0;
          let nowMs = 0;
          for (const event of events) {
            nowMs += stepMs;
            if (event === "call") {
              calls += 1;
              countCall(budget, share);
            } else if (takeRepeat(budget, share, nowMs)) repeats += 1;
            expect(repeats).toBeLessThanOrEqual(Math.max(5 + nowMs / 10_000, share * calls + 1e-6));
          }
        },
      ),
    );
  });

  it("gives exactly a fifth of many calls", () => {
    const budget = newRetryBudget(0);
    let repeats = 0;
    for (let call = 0; call < 500; call += 1) {
      countCall(budget, 0.2);
      if (takeRepeat(budget, 0.2, 0)) repeats += 1;
    }
    expect(repeats).toBe(100);
  });

  it("lends a quiet connection a repeat now and then", () => {
    const budget = newRetryBudget(0);
    for (let repeat = 0; repeat < 5; repeat += 1) expect(takeRepeat(budget, 0.2, 0)).toBe(true);
    expect(takeRepeat(budget, 0.2, 9_999)).toBe(false);
    for (let call = 0; call < 5; call += 1) countCall(budget, 0.2);
    expect(takeRepeat(budget, 0.2, 9_999)).toBe(false);
    expect(takeRepeat(budget, 0.2, 10_000)).toBe(true);
    expect(takeRepeat(budget, 0.2, 10_001)).toBe(false);
  });

  it("gives nothing when the share is zero", () => {
    expect(takeRepeat(newRetryBudget(0), 0, 60_000)).toBe(false);
  });
});
