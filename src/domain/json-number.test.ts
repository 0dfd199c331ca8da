import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { isExactNumber } from "./json-number.ts";

// Property tests must not fail because the machine is busy.
vi.setConfig({ testTimeout: 60_000 });

const exact = (literal: string): boolean => isExactNumber(literal, Number(literal));

describe("isExactNumber", () => {
  it.each([
    "0",
    "-0",
    "0.0",
    "0e999999999999",
    "1",
    "-1.50",
    "0.1",
    "1e22",
    "1E+2",
    "9007199254740992",
    "1e308",
    "5e-324",
  ])("%s says the same to all", (literal) => {
    expect(exact(literal)).toBe(true);
  });

  it.each([
    "9007199254740993",
    "-9007199254740993.0",
    "9.007199254740993e15",
    "1e309",
    "1e-400",
    "0.30000000000000004440",
  ])("%s does not", (literal) => {
    expect(exact(literal)).toBe(false);
  });

  it("holds for each double as it is written, with zeros or moved points", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.nat({ max: 30 }), (value, zeros) => {
        const [digits = "", exponent = "0"] = value.toExponential().split("e");
        expect(exact(String(value))).toBe(true);
        expect(exact(`${digits.includes(".") ? digits : `${digits}.0`}${"0".repeat(zeros)}e${exponent}`)).toBe(true);
      }),
    );
  });

  it("never holds for two whole numbers of one double, and always below 2^53", () => {
    const whole = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    fc.assert(
      fc.property(whole, fc.bigInt({ min: 1n, max: 2_048n }), (value, step) => {
        const [one, other] = [String(value), String(value + step)];
        if (Number(one) === Number(other)) expect(exact(one) && exact(other)).toBe(false);
      }),
    );
    fc.assert(fc.property(fc.maxSafeInteger(), (value) => exact(String(value))));
  });

  it("takes no time over what is long", () => {
    const started = performance.now();
    expect(exact(`1e-${"9".repeat(1_000_000)}`)).toBe(false);
    expect(exact("1".repeat(1_000_000))).toBe(false);
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});
