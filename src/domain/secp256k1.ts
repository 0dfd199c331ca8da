/**
 * The curve secp256k1: points, and what is computed with them. Pure. For public data only: its time depends on its input.
 *
 * Coordinates are remainders, not residues: they may be negative, and are equal when their difference is a multiple of P.
 */
export interface Affine {
  readonly x: bigint;
  readonly y: bigint;
}

/** (X/Z², Y/Z³); Z = 0 is the point at infinity. */
export interface Jacobian extends Affine {
  readonly z: bigint;
}

/** y² = x³ + 7 over the integers modulo P (SEC 2, section 2.4.1). */
const P = 0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2fn;
/** Of the group: signatures are numbers below it. */
export const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
export const BASE: Affine = {
  x: 0x79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798n,
  y: 0x483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8n,
};
/** λ·(x, y) = (β·x, y), for a cube root λ of 1 modulo the order and a cube root β of 1 modulo P. */
const BETA = 0x7ae96a2b657c07106e64479eac3434e99cf0497512f58995c1396c28719501een;
export const INFINITY: Jacobian = { x: 1n, y: 1n, z: 0n };

/** The curve's point with that abscissa, or null. */
export function liftX(x: bigint, odd: boolean): Affine | null {
  if (x >= P) return null;
  const square = (((x * x) % P) * x + 7n) % P;
  const y = root(square);
  if ((y * y) % P !== square) return null;
  return { x, y: ((y & 1n) === 1n) === odd ? y : P - y };
}

/** value^((P + 1) / 4): its square root, if it has one. Its exponent in bits: 223 ones, 0, 22 ones, 0000, 11, 00. */
function root(value: bigint): bigint {
  const ones2 = (squared(value, 1) * value) % P;
  const ones3 = (squared(ones2, 1) * value) % P;
  const ones6 = (squared(ones3, 3) * ones3) % P;
  const ones9 = (squared(ones6, 3) * ones3) % P;
  const ones11 = (squared(ones9, 2) * ones2) % P;
  const ones22 = (squared(ones11, 11) * ones11) % P;
  const ones44 = (squared(ones22, 22) * ones22) % P;
  const ones88 = (squared(ones44, 44) * ones44) % P;
  const ones176 = (squared(ones88, 88) * ones88) % P;
  const ones220 = (squared(ones176, 44) * ones44) % P;
  const ones223 = (squared(ones220, 3) * ones3) % P;
  return squared((squared((squared(ones223, 23) * ones22) % P, 6) * ones2) % P, 2);
}

/** value^(2^times). */
function squared(value: bigint, times: number): bigint {
  let power = value;
  for (let time = 0; time < times; time += 1) power = (power * power) % P;
  return power;
}

/**
 * 1, 3, 5 … times the point, and the same of its image (β·x, y). The double's Z scales the curve to one on which the double
 * itself is affine, and the formulas do not depend on the curve's constant: so the steps need no inversion of their own.
 */
export function tablesOf(point: Affine, width: number): [readonly Affine[], readonly Affine[]] {
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
export function toAffine(points: readonly Jacobian[]): Affine[] {
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
    affine[at] = { x: residue(point.x * zz, P), y: residue(point.y * ((zz * z) % P), P) };
  }
  return affine;
}

/** `dbl-2009-l` of the Explicit-Formulas Database, with fewer reductions. */
export function double({ x, y, z }: Jacobian): Jacobian {
  if (z === 0n) return INFINITY;
  const yy = (y * y) % P;
  const d = (4n * x * yy) % P;
  const e = 3n * ((x * x) % P);
  const x3 = (e * e - 2n * d) % P;
  return { x: x3, y: (e * (d - x3) - 8n * yy * yy) % P, z: (2n * y * z) % P };
}

/** `madd` of the Explicit-Formulas Database; equal and opposite points included. */
export function add(a: Jacobian, b: Affine): Jacobian {
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

export function residue(value: bigint, modulus: bigint): bigint {
  const rest = value % modulus;
  return rest < 0n ? rest + modulus : rest;
}

/** By the extended Euclidean algorithm; `value` in 1 … modulus − 1. */
export function invert(value: bigint, modulus: bigint): bigint {
  let [a, b] = [value, modulus];
  let [x, u] = [0n, 1n];
  while (a !== 0n) {
    const quotient = b / a;
    [a, b] = [b - a * quotient, a];
    [x, u] = [u, x - u * quotient];
  }
  return residue(x, modulus);
}
