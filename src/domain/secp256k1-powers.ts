/**
 * Roots and inverses modulo P, by raising to a fixed power. Pure. For public data only.
 */
import { multiply, square, zero, type Element } from "./secp256k1-field.ts";

/** value^((P + 1) / 4): its square root, if it has one. The exponent's last bits: 0000, 11, 00. `out` must be another. */
export function root(out: Element, value: Element): void {
  powerOfOnes(out, value);
  raise(out, 6);
  multiply(out, out, ones2);
  raise(out, 2);
}

/** value^(P − 2): its inverse; 0 for 0. The exponent's last bits: 00001, 011, 01. `out` must be another. */
export function invert(out: Element, value: Element): void {
  powerOfOnes(out, value);
  raise(out, 5);
  multiply(out, out, value);
  raise(out, 3);
  multiply(out, out, ones2);
  raise(out, 2);
  multiply(out, out, value);
}

/** Registers of `powerOfOnes`; nothing is kept in them between calls. */
const ones2 = zero();
const ones3 = zero();
const ones22 = zero();
const ones44 = zero();
const ones88 = zero();

/** value^(223 ones, 0, 22 ones in bits), which both exponents begin with. Leaves value^3 in `ones2`. */
function powerOfOnes(out: Element, value: Element): void {
  join(ones2, value, 1, value);
  join(ones3, ones2, 1, value);
  join(out, ones3, 3, ones3); // 6 ones
  join(out, out, 3, ones3); // 9
  join(out, out, 2, ones2); // 11
  join(ones22, out, 11, out);
  join(ones44, ones22, 22, ones22);
  join(ones88, ones44, 44, ones44);
  join(out, ones88, 88, ones88); // 176
  join(out, out, 44, ones44); // 220
  join(out, out, 3, ones3); // 223
  join(out, out, 23, ones22);
}

/** The exponent's bits, and behind them `times` bits that are the tail's. `tail` must be another than `out`. */
function join(out: Element, head: Element, times: number, tail: Element): void {
  out.set(head);
  raise(out, times);
  multiply(out, out, tail);
}

/** a^(2^times), in place. */
function raise(a: Element, times: number): void {
  for (let time = 0; time < times; time += 1) square(a, a);
}
