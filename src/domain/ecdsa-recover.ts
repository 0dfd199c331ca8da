/**
 * Public key recovery on secp256k1 (SEC 1, section 4.1.6), more than twice as fast as a library's general routine and a
 * tenth of its size. Pure.
 *
 * Only for public data: its time depends on its input. Its test holds it against such a library for any numbers whatever.
 *
 * Q = −h/r·G + s/r·R. Both factors are split by the curve's endomorphism into halves of 128 bits, and all four halves
 * share one chain of doublings (Strauss); digits are signed and sparse (wNAF), tables hold odd multiples.
 */
import {
  add,
  BASE,
  double,
  INFINITY,
  invert,
  liftX,
  ORDER,
  residue,
  tablesOf,
  toAffine,
  type Affine,
  type Jacobian,
} from "./secp256k1.ts";

/** Short vectors (a, b) with a + b·λ = 0 modulo the order: (A1, −B1) and (A2, A1). Guide to ECC, algorithm 3.74. */
const A1 = 0x3086d221a7d46bcde86c90e49284eb15n;
const B1 = 0xe4437ed6010e88286f547fa90abfe4c3n;
const A2 = 0x114ca50f7a8e2f3f657c1108d9d44cfd8n;
/** Digits are odd and below 2^(width − 1). */
const BASE_WIDTH = 8;
const POINT_WIDTH = 5;

/** Odd multiples of G and of its image; made on first use. */
let baseTables: readonly [readonly Affine[], readonly Affine[]] | null = null;

/** Null when no key signed so. `r`, `s`: in 1 … N − 1; `hash`: the digest as a number; `odd`: parity of R's ordinate. */
export function recoverKey(hash: bigint, r: bigint, s: bigint, odd: boolean): Affine | null {
  const point = liftX(r, odd);
  if (point === null) return null;
  const inverse = invert(r, ORDER);
  const ofBase = residue(-hash * inverse, ORDER);
  const ofPoint = residue(s * inverse, ORDER);
  baseTables ??= tablesOf(BASE, BASE_WIDTH);
  const key = sumOf([
    ...termsOf(ofBase, baseTables, BASE_WIDTH),
    ...termsOf(ofPoint, tablesOf(point, POINT_WIDTH), POINT_WIDTH),
  ]);
  if (key.z === 0n) return null;
  const [affine] = toAffine([key]);
  return affine ?? null;
}

interface Term {
  readonly digits: Int16Array;
  readonly table: readonly Affine[];
  readonly negative: boolean;
}

/** A factor k as two halves, k = k1 + k2·λ: one of the point, one of its image under the endomorphism. */
function termsOf(k: bigint, tables: readonly [readonly Affine[], readonly Affine[]], width: number): Term[] {
  const c1 = nearest(A1 * k);
  const c2 = nearest(B1 * k);
  const term = (half: bigint, table: readonly Affine[]): Term => ({
    digits: sparseDigits(half < 0n ? -half : half, width),
    table,
    negative: half < 0n,
  });
  return [term(k - c1 * A1 - c2 * A2, tables[0]), term(c1 * B1 - c2 * A1, tables[1])];
}

/** The whole number next to value / order; `value` is not negative. */
function nearest(value: bigint): bigint {
  return (value + (ORDER >> 1n)) / ORDER;
}

/** The halves have at most 129 bits, and a last digit may carry over. */
const MAX_DIGITS = 132;

/** wNAF, lowest first: every digit is 0 or odd, and among `width` neighbours at most one is not 0. */
function sparseDigits(factor: bigint, width: number): Int16Array {
  const digits = new Int16Array(MAX_DIGITS);
  const size = 1 << width;
  const mask = BigInt(size - 1);
  let rest = factor;
  for (let at = 0; rest > 0n;) {
    const low = Number(rest & mask);
    if ((low & 1) === 0) {
      const zeros = low === 0 ? width : Math.clz32(low & -low) ^ 31;
      rest >>= BigInt(zeros);
      at += zeros;
      continue;
    }
    const digit = low >= size >> 1 ? low - size : low;
    digits[at] = digit;
    rest = (rest - BigInt(digit)) >> BigInt(width);
    at += width;
  }
  return digits;
}

function sumOf(terms: readonly Term[]): Jacobian {
  let sum = INFINITY;
  for (let at = MAX_DIGITS - 1; at >= 0; at -= 1) {
    sum = double(sum);
    for (const { digits, table, negative } of terms) {
      const digit = digits[at] ?? 0;
      if (digit === 0) continue;
      const point = table[(Math.abs(digit) - 1) >> 1];
      if (point === undefined) throw new RangeError(`no such multiple: ${digit}`);
      sum = add(sum, digit < 0 === negative ? point : { x: point.x, y: -point.y });
    }
  }
  return sum;
}
