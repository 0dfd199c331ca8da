/**
 * The curve secp256k1: points, and what is computed with them. Pure. For public data only: its time depends on its input.
 *
 * Comments behind numbers say how wide they are at most (see `Element`).
 */
import { element, isZero, multiply, ONE, P, residueOf, scale, square, subtract, zero } from "./secp256k1-field.ts";
import type { Element } from "./secp256k1-field.ts";
import { invert, root } from "./secp256k1-powers.ts";

/** Both one wide. */
export interface Affine {
  readonly x: Element;
  readonly y: Element;
}

/** (X/Z², Y/Z³), changed in place; Z = 0 is the point at infinity. X is at most 4 wide, Y 3, Z 1. */
export type Jacobian = Affine & { readonly z: Element };

/** Of the group: signatures are numbers below it. */
export const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
/** y² = x³ + 7 modulo P (SEC 2, section 2.4.1). */
const SEVEN = 7;
/** λ·(x, y) = (β·x, y), for a cube root λ of 1 modulo the order and a cube root β of 1 modulo P. */
const BETA = element(0x7ae96a2b657c07106e64479eac3434e99cf0497512f58995c1396c28719501een);

export function basePoint(): Affine {
  return {
    x: element(0x79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798n),
    y: element(0x483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8n),
  };
}

export function infinity(): Jacobian {
  return { x: zero(), y: zero(), z: zero() };
}

export function isInfinite({ z }: Jacobian): boolean {
  return isZero(z);
}

/** The curve's point with that abscissa, or null. */
export function liftX(abscissa: bigint, odd: boolean): Affine | null {
  if (abscissa >= P) return null;
  const x = element(abscissa);
  const [cube, y, check] = [zero(), zero(), zero()];
  square(cube, x);
  multiply(cube, cube, x);
  cube[0] += SEVEN;
  root(y, cube);
  square(check, y);
  subtract(check, check, cube);
  if (residueOf(check) !== 0n) return null;
  if (((residueOf(y) & 1n) === 1n) !== odd) scale(y, y, -1);
  return { x, y };
}

/** A multiple of a point, and its image (β·x, y). */
export interface Multiple extends Jacobian {
  readonly image: Affine;
}

/** Room for a table that `fillTable` fills, as often as one likes: making it takes longer than filling it. */
export function newTable(width: number): readonly Multiple[] {
  return Array.from({ length: 1 << (width - 2) }, () => {
    const point = infinity();
    return { ...point, image: { x: zero(), y: point.y } };
  });
}

/** Registers of `fillTable`; nothing is kept in them between calls. */
const twice = infinity();
const sum = infinity();
const product = zero();
const inverse = zero();

/**
 * 1, 3, 5 … times the point. The double's Z scales the curve to one on which the double itself is affine, and the formulas do
 * not depend on the curve's constant: so the steps need no inversion of their own, and all share one (Montgomery).
 */
export function fillTable(table: readonly Multiple[], point: Affine): void {
  twice.z.fill(0);
  add(twice, point, false);
  double(twice);
  square(product, twice.z);
  multiply(sum.x, point.x, product);
  multiply(product, product, twice.z);
  multiply(sum.y, point.y, product);
  sum.z.set(ONE);
  // One wide, as `add` wants it.
  multiply(twice.x, twice.x, ONE);
  multiply(twice.y, twice.y, ONE);
  product.set(ONE);
  for (const { x, y, z, image } of table) {
    x.set(sum.x);
    y.set(sum.y);
    multiply(z, sum.z, twice.z);
    // For now, the product of all before.
    image.x.set(product);
    multiply(product, product, z);
    add(sum, twice, false);
  }
  invert(inverse, product);
  for (const multiple of table.toReversed()) {
    const { x, z, image } = multiple;
    multiply(image.x, image.x, inverse);
    multiply(inverse, inverse, z);
    flatten(multiple, image.x);
    multiply(image.x, x, BETA);
  }
}

/** Makes X and Y the affine coordinates. The point may not be infinite. */
export function toAffine(point: Jacobian): void {
  invert(inverse, point.z);
  flatten(point, inverse);
}

/** `perZ`: 1/Z. */
function flatten({ x, y, z }: Jacobian, perZ: Element): void {
  square(z, perZ);
  multiply(x, x, z);
  multiply(z, z, perZ);
  multiply(y, y, z);
}

/** Registers of `double` and `add`; nothing is kept in them between calls. */
const t0 = zero();
const t1 = zero();
const t2 = zero();
const t3 = zero();
const t4 = zero();

/** `dbl-2009-l` of the Explicit-Formulas Database. Infinity stays what it is: its Z remains 0. */
export function double({ x, y, z }: Jacobian): void {
  const yy = t0;
  const d = t1;
  const e = t2;
  const yyyy = t3;
  square(yy, y);
  scale(yyyy, yy, 2); // 2
  scale(yy, yy, 4); // 4
  multiply(d, x, yy);
  square(yyyy, yyyy); // 4·y⁴
  square(e, x);
  scale(e, e, 3); // 3
  scale(y, y, 2); // 6
  multiply(z, y, z);
  square(x, e);
  for (let at = 0; at < x.length; at += 1) x[at] = (x[at] ?? 0) - 2 * (d[at] ?? 0); // 3
  subtract(d, d, x); // 4
  multiply(y, e, d);
  for (let at = 0; at < y.length; at += 1) y[at] = (y[at] ?? 0) - 2 * (yyyy[at] ?? 0); // 3
}

/** `madd` of the Explicit-Formulas Database, in place; equal and opposite points included. `negative`: subtracts instead. */
export function add({ x, y, z }: Jacobian, b: Affine, negative: boolean): void {
  if (isZero(z)) {
    x.set(b.x);
    scale(y, b.y, negative ? -1 : 1);
    z.set(ONE);
    return;
  }
  const zz = t0;
  const h = t1;
  const r = t2;
  const hh = t3;
  const v = t4;
  square(zz, z);
  multiply(h, b.x, zz);
  subtract(h, h, x); // 5
  multiply(r, zz, z);
  multiply(r, b.y, r);
  if (negative) scale(r, r, -1);
  subtract(r, r, y); // 4
  multiply(z, z, h);
  if (isZero(z)) {
    // The same abscissa: the same point, or its opposite, whose sum is infinity.
    if (residueOf(r) !== 0n) return;
    x.set(b.x);
    scale(y, b.y, negative ? -1 : 1);
    z.set(ONE);
    double({ x, y, z });
    return;
  }
  square(hh, h);
  multiply(h, hh, h); // h³
  multiply(v, x, hh);
  square(x, r);
  for (let at = 0; at < x.length; at += 1) x[at] = (x[at] ?? 0) - (h[at] ?? 0) - 2 * (v[at] ?? 0); // 4
  subtract(v, v, x); // 5
  multiply(v, r, v);
  multiply(h, y, h);
  subtract(y, v, h); // 2
}
