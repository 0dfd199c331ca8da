/**
 * Public key recovery on secp256k1 (SEC 1, section 4.1.6), several times as fast as the general routine. Pure.
 *
 * Only for public data: its time depends on its input. Sound because it computes, for any input, what the general routine
 * computes (its test holds the two against each other); constants, the split of scalars and field roots are the library's.
 *
 * Q = −h/r·G + s/r·R. Both factors are split by the curve's endomorphism into halves of 128 bits, and all four halves
 * share one chain of doublings (Strauss); digits are signed and sparse (wNAF), tables hold odd multiples.
 */
import { secp256k1 } from "@noble/curves/secp256k1";

interface Affine {
  readonly x: bigint;
  readonly y: bigint;
}

/** (X/Z², Y/Z³); Z = 0 is the point at infinity. Coordinates may be negative: they are remainders, not residues. */
interface Jacobian extends Affine {
  readonly z: bigint;
}

const { Fp, n: N, Gx, Gy, endo } = secp256k1.CURVE;
/** Of the group: signatures are numbers below it. */
export const ORDER = N;
const P = Fp.ORDER;
const BETA = endo?.beta ?? 1n;
const INFINITY: Jacobian = { x: 1n, y: 1n, z: 0n };
/** Digits are odd and below 2^(width − 1). */
const BASE_WIDTH = 8;
const POINT_WIDTH = 5;

/** Odd multiples of G and of its image; made on first use. */
let baseTables: readonly [readonly Affine[], readonly Affine[]] | null = null;

/** Null when no key signed so. `r`, `s`: in 1 … N − 1; `hash`: the digest as a number; `odd`: parity of R's ordinate. */
export function recoverKey(hash: bigint, r: bigint, s: bigint, odd: boolean): Affine | null {
  const point = liftX(r, odd);
  if (point === null) return null;
  const inverse = invert(r, N);
  const ofBase = residue(-hash * inverse, N);
  const ofPoint = residue(s * inverse, N);
  baseTables ??= tablesOf({ x: Gx, y: Gy }, BASE_WIDTH);
  const key = sumOf([
    ...termsOf(ofBase, baseTables, BASE_WIDTH),
    ...termsOf(ofPoint, tablesOf(point, POINT_WIDTH), POINT_WIDTH),
  ]);
  if (key.z === 0n) return null;
  const [affine] = toAffine([key]);
  return affine === undefined ? null : { x: residue(affine.x, P), y: residue(affine.y, P) };
}

/** The curve's point with that abscissa, or null. */
function liftX(x: bigint, odd: boolean): Affine | null {
  if (x >= P) return null;
  const square = (((x * x) % P) * x + 7n) % P;
  try {
    const y = Fp.sqrt(square);
    return { x, y: ((y & 1n) === 1n) === odd ? y : P - y };
  } catch {
    return null;
  }
}

interface Term {
  readonly digits: Int16Array;
  readonly table: readonly Affine[];
  readonly negative: boolean;
}

/** A factor as two halves: one of the point, one of its image under the endomorphism. */
function termsOf(factor: bigint, tables: readonly [readonly Affine[], readonly Affine[]], width: number): Term[] {
  if (endo === undefined) throw new Error("The curve has no endomorphism");
  const { k1, k1neg, k2, k2neg } = endo.splitScalar(factor);
  return [
    { digits: sparseDigits(k1, width), table: tables[0], negative: k1neg },
    { digits: sparseDigits(k2, width), table: tables[1], negative: k2neg },
  ];
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

/**
 * 1, 3, 5 … times the point, and the same of its image (β·x, y). The double's Z scales the curve to one on which the double
 * itself is affine, and the formulas do not depend on the curve's constant: so the steps need no inversion of their own.
 */
function tablesOf(point: Affine, width: number): [readonly Affine[], readonly Affine[]] {
  const twice = double({ ...point, z: 1n });
  const zz = (twice.z * twice.z) % P;
  let last: Jacobian = { x: (point.x * zz) % P, y: (point.y * ((zz * twice.z) % P)) % P, z: 1n };
  const multiples: Jacobian[] = [];
  for (let count = 1 << (width - 2); count > 0; count -= 1) {
    multiples.push({ ...last, z: (last.z * twice.z) % P });
    last = add(last, twice);
  }
  const table = toAffine(multiples);
  return [table, table.map(({ x, y }) => ({ x: (x * BETA) % P, y }))];
}

/** With one inversion for all (Montgomery). None may be infinite. */
function toAffine(points: readonly Jacobian[]): Affine[] {
  const before: bigint[] = [];
  let product = 1n;
  for (const { z } of points) {
    before.push(product);
    product = (product * z) % P;
  }
  let inverse = invert(residue(product, P), P);
  const affine: Affine[] = [];
  for (let at = points.length - 1; at >= 0; at -= 1) {
    const point = points[at];
    const others = before[at];
    if (point === undefined || others === undefined) throw new RangeError("no such point");
    const z = (inverse * others) % P;
    inverse = (inverse * point.z) % P;
    const zz = (z * z) % P;
    affine[at] = { x: (point.x * zz) % P, y: (point.y * ((zz * z) % P)) % P };
  }
  return affine;
}

/** `dbl-2009-l` of the Explicit-Formulas Database, with fewer reductions. */
function double({ x, y, z }: Jacobian): Jacobian {
  if (z === 0n) return INFINITY;
  const yy = (y * y) % P;
  const d = (4n * x * yy) % P;
  const e = 3n * ((x * x) % P);
  const x3 = (e * e - 2n * d) % P;
  return { x: x3, y: (e * (d - x3) - 8n * yy * yy) % P, z: (2n * y * z) % P };
}

/** `madd` of the Explicit-Formulas Database; equal and opposite points included. */
function add(a: Jacobian, b: Affine): Jacobian {
  if (a.z === 0n) return { ...b, z: 1n };
  const zz = (a.z * a.z) % P;
  const h = ((b.x * zz) % P) - a.x;
  const r = ((b.y * ((zz * a.z) % P)) % P) - a.y;
  const z = (a.z * h) % P;
  if (z === 0n) return r % P === 0n ? double(a) : INFINITY;
  const hh = (h * h) % P;
  const hhh = (hh * h) % P;
  const v = (a.x * hh) % P;
  const x = (r * r - hhh - 2n * v) % P;
  return { x, y: (r * (v - x) - a.y * hhh) % P, z };
}

function residue(value: bigint, modulus: bigint): bigint {
  const rest = value % modulus;
  return rest < 0n ? rest + modulus : rest;
}

/** By the extended Euclidean algorithm; `value` in 1 … modulus − 1. */
function invert(value: bigint, modulus: bigint): bigint {
  let [a, b] = [value, modulus];
  let [x, u] = [0n, 1n];
  while (a !== 0n) {
    const quotient = b / a;
    [a, b] = [b - a * quotient, a];
    [x, u] = [u, x - u * quotient];
  }
  return residue(x, modulus);
}
