import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { element, isZero, multiply, P, residueOf, scale, square, subtract, zero } from "./secp256k1-field.ts";
import type { Element } from "./secp256k1-field.ts";
import { invert, root } from "./secp256k1-powers.ts";

const LIMB_MAX = 2 ** 21;
const EDGES = [0n, 1n, 2n, P - 1n, P, P + 1n, 2n ** 256n - 1n, 2n ** 255n, 2n ** 22n - 1n, 2n ** 242n, (P - 1n) / 2n];
const number = fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }), fc.constantFrom(...EDGES));
const mod = (value: bigint): bigint => ((value % P) + P) % P;
const power = (base: bigint, exponent: bigint): bigint =>
  exponent === 0n ? 1n : (power((base * base) % P, exponent >> 1n) * ((exponent & 1n) === 1n ? base : 1n)) % P;

function made(work: (out: Element) => void): Element {
  const out = zero();
  work(out);
  return out;
}

/** Every limb of a result as large as it may be, with the given signs: the worst that a factor can look like. */
function extreme(signs: readonly boolean[], width: number): Element {
  const limbs = zero();
  signs.forEach((negative, at) => {
    limbs[at] = (negative ? -1 : 1) * width * (at === 11 ? 2 ** 13 : LIMB_MAX + 32);
  });
  return limbs;
}

describe("elements", () => {
  it("are the residues they were made of", () => {
    for (const value of EDGES) expect(residueOf(element(value))).toBe(mod(value));
    fc.assert(
      fc.property(number, (value) => {
        expect(residueOf(element(value))).toBe(mod(value));
      }),
    );
  });

  it("multiply and square as whole numbers do, also onto themselves", () => {
    fc.assert(
      fc.property(number, number, (a, b) => {
        const product = made((out) => multiply(out, element(a), element(b)));
        expect(residueOf(product)).toBe(mod(a * b));
        multiply(product, product, product);
        expect(residueOf(product)).toBe(mod((a * b) ** 2n));
        const squared = element(a);
        square(squared, squared);
        expect(residueOf(squared)).toBe(mod(a * a));
      }),
      { numRuns: 500 },
    );
  });

  it("stay exact and small when the factors are as wide as they may be", () => {
    const signs = fc.array(fc.boolean(), { minLength: 12, maxLength: 12 });
    const widths = fc.constantFrom([1, 32], [5, 6], [4, 8], [32, 1]);
    const allOf = (negative: boolean): boolean[] => Array.from({ length: 12 }, () => negative);
    const check = (a: Element, b: Element): void => {
      const product = made((out) => multiply(out, a, b));
      expect(residueOf(product)).toBe(mod(residueOf(a) * residueOf(b)));
      for (const limb of product) expect(Math.abs(limb)).toBeLessThanOrEqual(LIMB_MAX + 32);
    };
    check(extreme(allOf(false), 1), extreme(allOf(false), 32));
    check(extreme(allOf(true), 5), extreme(allOf(false), 6));
    fc.assert(
      fc.property(signs, signs, widths, (first, second, [left = 1, right = 1]) => {
        check(extreme(first, left), extreme(second, right));
        const wide = extreme(first, 5);
        expect(residueOf(made((out) => square(out, wide)))).toBe(mod(residueOf(wide) ** 2n));
      }),
      { numRuns: 300 },
    );
  });

  it("are zero in one way", () => {
    const times = (a: bigint, b: bigint): Element => made((out) => multiply(out, element(a), element(b)));
    for (const value of [0n, P]) expect(isZero(times(value, 7n)), `${value}`).toBe(true);
    for (const value of [1n, P - 1n, P + 1n, 2n ** 256n - 1n]) expect(isZero(times(value, 7n)), `${value}`).toBe(false);
    fc.assert(
      fc.property(number, number, (a, b) => {
        // a·b − b·a, as the sum of two different elements: (a − P)·b and −a·b.
        const difference = zero();
        subtract(difference, element(a), element(P));
        subtract(difference, difference, element(a));
        expect(isZero(made((out) => multiply(out, difference, element(b))))).toBe(true);
        expect(isZero(times(a, b))).toBe(mod(a * b) === 0n);
      }),
    );
  });

  it("are scaled, negated, inverted and have roots", () => {
    fc.assert(
      fc.property(number, (value) => {
        const one = element(value);
        expect(residueOf(made((out) => scale(out, one, -3)))).toBe(mod(-3n * value));
        expect(residueOf(made((out) => invert(out, one)))).toBe(power(mod(value), P - 2n));
        expect(residueOf(made((out) => root(out, one)))).toBe(power(mod(value), (P + 1n) / 4n));
      }),
      { numRuns: 30 },
    );
  });
});
