/**
 * Arithmetic modulo P = 2^256 − 2^32 − 977 in doubles: several times as fast as with BigInt, and nothing is allocated. Pure.
 * For public data only: the time of some functions depends on their input.
 *
 * An element is the sum of its 12 limbs times 2^(22·i). Limbs may be negative. `multiply` and `square` leave limbs of at most
 * 2^21 + 2^5; call an element that is the sum or difference of n such results n wide. Always holds when the widths of both
 * factors multiply to at most 32: then no intermediate value reaches 2^53, and every double is exact.
 */
type LimbIndex = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11;
export type Element = Float64Array & Record<LimbIndex, number>;

export const P = 0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2fn;
const LIMBS = 12;
const LIMB_BITS = 22n;
const LIMB_MASK = 2n ** LIMB_BITS - 1n;
const LIMB = 2 ** 22;
const PER_LIMB = 2 ** -22;
/** Bits of a number below 2^256 in its last limb: 14. */
const TOP = 2 ** 14;
const PER_TOP = 2 ** -14;
/** 2^256 is 977 + 1024·2^22, and 2^264 is 2^8 times that, modulo P. */
const FOLD = 977;
const FOLD_NEXT = 1_024;
const FOLD_HIGH = 2 ** 8 * FOLD;
const FOLD_HIGH_NEXT = 2 ** 8 * FOLD_NEXT;
/** Added and taken away again it leaves the nearest whole number: doubles of this size have no fraction. */
const ROUND = 1.5 * 2 ** 52;

/** The product's columns before they are reduced. Nothing is kept in it between calls. */
const columns = new Float64Array(2 * LIMBS - 1);

export function zero(): Element {
  return new Float64Array(LIMBS) as Element;
}

/** `value`: 0 … 2^256 − 1. One wide. */
export function element(value: bigint): Element {
  const limbs = zero();
  for (let at = 0, rest = value; at < LIMBS; at += 1, rest >>= LIMB_BITS) limbs[at] = Number(rest & LIMB_MASK);
  multiply(limbs, limbs, ONE);
  return limbs;
}

export const ONE = zero();
ONE[0] = 1;

/** The residue, 0 … P − 1, of an element that is at most 32 wide. */
export function residueOf(a: Element): bigint {
  let value = 0n;
  for (let at = LIMBS - 1; at >= 0; at -= 1) value = (value << LIMB_BITS) + BigInt(a[at] ?? 0);
  const rest = value % P;
  return rest < 0n ? rest + P : rest;
}

/** Whether it is 0 modulo P. Only of a result of `multiply` or `square`: those are smaller than P, and 0 in one way only. */
export function isZero(a: Element): boolean {
  for (let at = 0; at < LIMBS; at += 1) if (a[at] !== 0) return false;
  return true;
}

/** Here as below, `out` may be one of the others. */
export function subtract(out: Element, a: Element, b: Element): void {
  for (let at = 0; at < LIMBS; at += 1) out[at] = (a[at] ?? 0) - (b[at] ?? 0);
}

/** As wide as `factor` times its width. */
export function scale(out: Element, a: Element, factor: number): void {
  for (let at = 0; at < LIMBS; at += 1) out[at] = (a[at] ?? 0) * factor;
}

export function multiply(out: Element, a: Element, b: Element): void {
  const b0 = b[0];
  const b1 = b[1];
  const b2 = b[2];
  const b3 = b[3];
  const b4 = b[4];
  const b5 = b[5];
  const b6 = b[6];
  const b7 = b[7];
  const b8 = b[8];
  const b9 = b[9];
  const b10 = b[10];
  const b11 = b[11];
  let c0 = 0;
  let c1 = 0;
  let c2 = 0;
  let c3 = 0;
  let c4 = 0;
  let c5 = 0;
  let c6 = 0;
  let c7 = 0;
  let c8 = 0;
  let c9 = 0;
  let c10 = 0;
  for (let at = 0; at < LIMBS; at += 1) {
    const limb = a[at] ?? 0;
    columns[at] = c0 + limb * b0;
    c0 = c1 + limb * b1;
    c1 = c2 + limb * b2;
    c2 = c3 + limb * b3;
    c3 = c4 + limb * b4;
    c4 = c5 + limb * b5;
    c5 = c6 + limb * b6;
    c6 = c7 + limb * b7;
    c7 = c8 + limb * b8;
    c8 = c9 + limb * b9;
    c9 = c10 + limb * b10;
    c10 = limb * b11;
  }
  columns[12] = c0;
  columns[13] = c1;
  columns[14] = c2;
  columns[15] = c3;
  columns[16] = c4;
  columns[17] = c5;
  columns[18] = c6;
  columns[19] = c7;
  columns[20] = c8;
  columns[21] = c9;
  columns[22] = c10;
  reduce(out);
}

export function square(out: Element, a: Element): void {
  const a0 = a[0];
  const a1 = a[1];
  const a2 = a[2];
  const a3 = a[3];
  const a4 = a[4];
  const a5 = a[5];
  const a6 = a[6];
  const a7 = a[7];
  const a8 = a[8];
  const a9 = a[9];
  const a10 = a[10];
  const a11 = a[11];
  const d0 = 2 * a0;
  const d1 = 2 * a1;
  const d2 = 2 * a2;
  const d3 = 2 * a3;
  const d4 = 2 * a4;
  const d5 = 2 * a5;
  const d6 = 2 * a6;
  const d7 = 2 * a7;
  const d8 = 2 * a8;
  const d9 = 2 * a9;
  const d10 = 2 * a10;
  columns[0] = a0 * a0;
  columns[1] = d0 * a1;
  columns[2] = d0 * a2 + a1 * a1;
  columns[3] = d0 * a3 + d1 * a2;
  columns[4] = d0 * a4 + d1 * a3 + a2 * a2;
  columns[5] = d0 * a5 + d1 * a4 + d2 * a3;
  columns[6] = d0 * a6 + d1 * a5 + d2 * a4 + a3 * a3;
  columns[7] = d0 * a7 + d1 * a6 + d2 * a5 + d3 * a4;
  columns[8] = d0 * a8 + d1 * a7 + d2 * a6 + d3 * a5 + a4 * a4;
  columns[9] = d0 * a9 + d1 * a8 + d2 * a7 + d3 * a6 + d4 * a5;
  columns[10] = d0 * a10 + d1 * a9 + d2 * a8 + d3 * a7 + d4 * a6 + a5 * a5;
  columns[11] = d0 * a11 + d1 * a10 + d2 * a9 + d3 * a8 + d4 * a7 + d5 * a6;
  columns[12] = d1 * a11 + d2 * a10 + d3 * a9 + d4 * a8 + d5 * a7 + a6 * a6;
  columns[13] = d2 * a11 + d3 * a10 + d4 * a9 + d5 * a8 + d6 * a7;
  columns[14] = d3 * a11 + d4 * a10 + d5 * a9 + d6 * a8 + a7 * a7;
  columns[15] = d4 * a11 + d5 * a10 + d6 * a9 + d7 * a8;
  columns[16] = d5 * a11 + d6 * a10 + d7 * a9 + a8 * a8;
  columns[17] = d6 * a11 + d7 * a10 + d8 * a9;
  columns[18] = d7 * a11 + d8 * a10 + a9 * a9;
  columns[19] = d8 * a11 + d9 * a10;
  columns[20] = d9 * a11 + a10 * a10;
  columns[21] = d10 * a11;
  columns[22] = a11 * a11;
  reduce(out);
}

/** The columns' value modulo P: carries through the high ones, folds them onto the low ones, carries through those. */
function reduce(out: Element): void {
  let carry = 0;
  for (let at = LIMBS; at < 2 * LIMBS - 2; at += 1) {
    const column = (columns[at] ?? 0) + carry;
    carry = column * PER_LIMB + ROUND - ROUND;
    columns[at] = column - carry * LIMB;
  }
  // The last one is small enough to be folded as it is.
  columns[22] = (columns[22] ?? 0) + carry;
  carry = 0;
  let before = 0;
  for (let at = 0; at < LIMBS - 1; at += 1) {
    const high = columns[at + LIMBS] ?? 0;
    const column = (columns[at] ?? 0) + high * FOLD_HIGH + before * FOLD_HIGH_NEXT + carry;
    before = high;
    carry = column * PER_LIMB + ROUND - ROUND;
    out[at] = column - carry * LIMB;
  }
  const top = (columns[11] ?? 0) + before * FOLD_HIGH_NEXT + carry;
  carry = top * PER_TOP + ROUND - ROUND;
  out[11] = top - carry * TOP;
  const first = out[0] + carry * FOLD;
  const second = out[1] + carry * FOLD_NEXT;
  carry = first * PER_LIMB + ROUND - ROUND;
  out[0] = first - carry * LIMB;
  const next = second + carry;
  carry = next * PER_LIMB + ROUND - ROUND;
  out[1] = next - carry * LIMB;
  const third = out[2] + carry;
  carry = third * PER_LIMB + ROUND - ROUND;
  out[2] = third - carry * LIMB;
  out[3] += carry;
}
