/**
 * The spellings of a secret, as bytes: encodings and escapes in which a vendor's answer may hold it. Works on bytes
 * alone and makes no strings but for the rare secrets that need escaping, since it runs once for each call.
 *
 * Percent and hex digits and escapes come in lower case: whoever searches for the spellings does so in either case.
 */
import { utf8 } from "./encoding.ts";
import { escapedTexts, mixedEscapes } from "./escaped-texts.ts";

const HEX_DIGITS = utf8("0123456789abcdef");
const STANDARD = utf8("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
const URL_SAFE = utf8("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");
const ALPHANUMERIC = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const PERCENT = 0x25;
const EQUALS = 0x3d;

/** What percent-encoders leave as it is: JavaScript, RFC 3986, HTML forms, path encoders, and the most and least careful ones. */
const KEPT_SETS = ["-_.!~*'()", "-_.~", "*-._", "-_.~/", "-_.!~*'();/?:@&=+$,#", ""].map((others) =>
  byteSet(ALPHANUMERIC + others),
);

/** One allocation for the spellings that every secret has: eight small ones would take most of the time. */
class Memory {
  readonly #bytes: Uint8Array;
  #used = 0;

  constructor(size: number) {
    this.#bytes = new Uint8Array(size);
  }

  take(length: number): Uint8Array {
    this.#used += length;
    return this.#bytes.subarray(this.#used - length, this.#used);
  }
}

/** Encoded and escaped spellings of `text`, whose UTF-8 bytes are given along; none of them twice. */
export function spellings(text: string, bytes: Uint8Array): readonly Uint8Array[] {
  const memory = new Memory(bytes.length * 20 + 64);
  const found = base64Spellings(bytes, memory);
  found.push(hexSpelling(bytes, memory), percentSpelling(bytes, NONE_KEPT, memory));
  found.push(wideSpelling(text, 0, memory), wideSpelling(text, 1, memory));
  for (const kept of KEPT_SETS) if (!keepsAll(bytes, kept)) addNew(found, percentSpelling(bytes, kept, null));
  if (text.includes(" ")) addNew(found, percentSpelling(bytes, KEPT_FORM, null).map(plusForSpace));
  if (keepsAll(bytes, PLAIN)) return found;
  const forms = new Set(keepsAll(bytes, NEVER_ESCAPED) ? [] : escapedTexts(text));
  for (const form of mixedEscapes(text)) forms.add(form);
  forms.delete(text);
  const encoded = found.length;
  for (const form of forms) {
    const spelled = utf8(form);
    if (!standsIn(found, encoded, spelled)) found.push(spelled);
  }
  return found;
}

/**
 * For each offset in a longer text the base64 digits that depend on the secret alone, which covers any padding and Basic
 * forms; and the whole encoding with its padding. A digit that shares its six bits with a neighbour is left at the edges of
 * a longer text: it says four bits of the secret at most.
 */
function base64Spellings(bytes: Uint8Array, memory: Memory): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (let offset = 0; offset < 3; offset++) {
    const core = base64Core(bytes, offset, STANDARD, memory);
    found.push(core);
    if (core.includes(0x2b) || core.includes(0x2f)) found.push(base64Core(bytes, offset, URL_SAFE, memory));
  }
  if (bytes.length % 3 !== 0) found.push(base64Whole(bytes, STANDARD, memory), base64Whole(bytes, URL_SAFE, memory));
  return found;
}

function base64Core(bytes: Uint8Array, offset: number, digits: Uint8Array, memory: Memory): Uint8Array {
  const first = Math.ceil((offset * 8) / 6);
  const end = Math.floor(((offset + bytes.length) * 8) / 6);
  const core = memory.take(end - first);
  for (let digit = first; digit < end; digit++)
    core[digit - first] = base64Digit(bytes, digit * 6 - offset * 8, digits);
  return core;
}

/** With padding in the standard alphabet, without it in the other. */
function base64Whole(bytes: Uint8Array, digits: Uint8Array, memory: Memory): Uint8Array {
  const count = Math.ceil((bytes.length * 8) / 6);
  const whole = memory.take(digits === STANDARD ? Math.ceil(bytes.length / 3) * 4 : count).fill(EQUALS);
  for (let digit = 0; digit < count; digit++) whole[digit] = base64Digit(bytes, digit * 6, digits);
  return whole;
}

/** The digit of the six bits from `bit` on; bits after the last byte are zero. */
function base64Digit(bytes: Uint8Array, bit: number, digits: Uint8Array): number {
  const at = bit >> 3;
  const pair = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  return digits[(pair >> (10 - (bit & 7))) & 63] ?? 0;
}

function hexSpelling(bytes: Uint8Array, memory: Memory): Uint8Array {
  const hex = memory.take(bytes.length * 2);
  for (let at = 0; at < bytes.length; at++) {
    hex[at * 2] = HEX_DIGITS[(bytes[at] ?? 0) >> 4] ?? 0;
    hex[at * 2 + 1] = HEX_DIGITS[(bytes[at] ?? 0) & 15] ?? 0;
  }
  return hex;
}

function percentSpelling(bytes: Uint8Array, kept: Uint8Array, memory: Memory | null): Uint8Array {
  const spelled = memory?.take(bytes.length * 3) ?? new Uint8Array(bytes.length * 3);
  let length = 0;
  for (const byte of bytes) {
    if (kept[byte] === 1) {
      spelled[length++] = byte;
      continue;
    }
    spelled[length++] = PERCENT;
    spelled[length++] = HEX_DIGITS[byte >> 4] ?? 0;
    spelled[length++] = HEX_DIGITS[byte & 15] ?? 0;
  }
  return spelled.subarray(0, length);
}

function plusForSpace(byte: number): number {
  return byte === 0x20 ? 0x2b : byte;
}

/** UTF-16, with the higher byte of each unit first (0) or second (1). */
function wideSpelling(text: string, higherAt: 0 | 1, memory: Memory): Uint8Array {
  const wide = memory.take(text.length * 2);
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    wide[at * 2 + higherAt] = unit >> 8;
    wide[at * 2 + 1 - higherAt] = unit & 255;
  }
  return wide;
}

function keepsAll(bytes: Uint8Array, kept: Uint8Array): boolean {
  for (const byte of bytes) if (kept[byte] !== 1) return false;
  return true;
}

function addNew(found: Uint8Array[], form: Uint8Array): void {
  if (!standsIn(found, found.length, form)) found.push(form);
}

/** Among the first `count`. */
function standsIn(found: readonly Uint8Array[], count: number, form: Uint8Array): boolean {
  for (let at = 0; at < count; at++) {
    const known = found[at];
    if (known !== undefined && sameBytes(known, form)) return true;
  }
  return false;
}

/** Not in constant time: both sides are spellings of the same secret. */
function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}

function byteSet(chars: string): Uint8Array {
  const set = new Uint8Array(256);
  for (const byte of utf8(chars)) set[byte] = 1;
  return set;
}

const NONE_KEPT = byteSet("");
/** By any writer but those who escape every byte. */
const PLAIN = byteSet(`${ALPHANUMERIC}-_.~`);
/** By JSON and HTML writers. */
const NEVER_ESCAPED = byteSet(`${ALPHANUMERIC}-_.~ ,:;!()*$%#@?[]^|{}`);
/** Of a form's value, with the space kept to become a plus. */
const KEPT_FORM = byteSet(`${ALPHANUMERIC}*-._ `);
