/**
 * Text forms of bytes: hex, base64, base64url and base62, and comparison in constant time.
 * The only home for them. Decoders are strict: one text for one byte string, or null; they never throw on input.
 */
const HEX_DIGITS = "0123456789abcdef";
const BASE64_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BASE64URL_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
export const BASE62_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

const BASE64_VALUES = valueTable(BASE64_DIGITS);
const BASE64URL_VALUES = valueTable(BASE64URL_DIGITS);
const HEX_BYTES = Array.from({ length: 256 }, (_, byte) => HEX_DIGITS.charAt(byte >> 4) + HEX_DIGITS.charAt(byte & 15));

const textEncoder = new TextEncoder();
const strictTextDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** UTF-8 bytes of a string; lone surrogates become U+FFFD. */
export function utf8(text: string): Uint8Array {
  return textEncoder.encode(text);
}

/** Text of UTF-8 bytes, or null when they are not valid UTF-8. */
export function utf8Text(bytes: Uint8Array): string | null {
  try {
    return strictTextDecoder.decode(bytes);
  } catch {
    return null;
  }
}

/** Lower-case hex. */
export function encodeHex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += HEX_BYTES[byte] ?? "";
  return text;
}

/** Standard base64 with padding (RFC 4648 §4). */
export function encodeBase64(bytes: Uint8Array): string {
  const text = encodeSextets(bytes, BASE64_DIGITS);
  return text + "=".repeat((4 - (text.length % 4)) % 4);
}

/** Base64url without padding (RFC 4648 §5). */
export function encodeBase64Url(bytes: Uint8Array): string {
  return encodeSextets(bytes, BASE64URL_DIGITS);
}

/** Bytes of padded standard base64, or null (also for stray bits after the last byte, RFC 4648 §3.5). */
export function decodeBase64(text: string): Uint8Array | null {
  if (text.length % 4 !== 0) return null;
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  return decodeSextets(text, text.length - padding, BASE64_VALUES);
}

/** As `decodeBase64`, and also without padding: clients are not of one mind about HTTP Basic (RFC 7617 §2). */
export function decodeBase64Unpadded(text: string): Uint8Array | null {
  return text.endsWith("=") ? decodeBase64(text) : decodeSextets(text, text.length, BASE64_VALUES);
}

/** Bytes of unpadded base64url, or null (also for stray bits after the last byte). */
export function decodeBase64Url(text: string): Uint8Array | null {
  return decodeSextets(text, text.length, BASE64URL_VALUES);
}

/** The bytes as one big-endian number in `width` base62 digits; throws when they do not fit. */
export function encodeBase62(bytes: Uint8Array, width: number): string {
  let rest = 0n;
  for (const byte of bytes) rest = rest * 256n + BigInt(byte);
  let text = "";
  for (let at = 0; at < width; at++) {
    text = BASE62_DIGITS.charAt(Number(rest % 62n)) + text;
    rest /= 62n;
  }
  if (rest !== 0n) throw new RangeError(`base62 width is too small: ${width}`);
  return text;
}

/** `byteLength` bytes of a base62 number, or null for other characters or a number that does not fit. */
export function decodeBase62(text: string, byteLength: number): Uint8Array | null {
  let rest = 0n;
  for (const digit of text) {
    const value = BASE62_DIGITS.indexOf(digit);
    if (value < 0) return null;
    rest = rest * 62n + BigInt(value);
  }
  const bytes = new Uint8Array(byteLength);
  for (let at = byteLength - 1; at >= 0; at--) {
    bytes[at] = Number(rest % 256n);
    rest /= 256n;
  }
  return rest === 0n ? bytes : null;
}

/** Whether two byte strings are equal; the time taken depends on their lengths alone. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let at = 0; at < a.length; at++) difference |= (a[at] ?? 0) ^ (b[at] ?? 0);
  return difference === 0;
}

/** As `equalBytes`, for ASCII text such as hex digests and check digits. */
export function equalText(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let at = 0; at < a.length; at++) difference |= a.charCodeAt(at) ^ b.charCodeAt(at);
  return difference === 0;
}

function valueTable(digits: string): Int8Array {
  const values = new Int8Array(128).fill(-1);
  for (let value = 0; value < digits.length; value++) values[digits.charCodeAt(value)] = value;
  return values;
}

function digitValue(values: Int8Array, text: string, at: number): number {
  return values[text.charCodeAt(at)] ?? -1;
}

function encodeSextets(bytes: Uint8Array, digits: string): string {
  let text = "";
  let held = 0;
  let heldBits = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    heldBits += 8;
    while (heldBits >= 6) {
      heldBits -= 6;
      text += digits.charAt((held >> heldBits) & 63);
    }
    held &= (1 << heldBits) - 1;
  }
  if (heldBits > 0) text += digits.charAt((held << (6 - heldBits)) & 63);
  return text;
}

function decodeSextets(text: string, length: number, values: Int8Array): Uint8Array | null {
  if (length % 4 === 1) return null;
  const bytes = new Uint8Array(Math.floor((length * 6) / 8));
  let held = 0;
  let heldBits = 0;
  let at = 0;
  for (let index = 0; index < length; index++) {
    const value = digitValue(values, text, index);
    if (value < 0) return null;
    held = (held << 6) | value;
    heldBits += 6;
    if (heldBits < 8) continue;
    heldBits -= 8;
    bytes[at++] = (held >> heldBits) & 255;
    held &= (1 << heldBits) - 1;
  }
  return held === 0 ? bytes : null;
}
