/**
 * RelayKey's own tokens: made, read, hashed and recognised. Synchronous and without I/O, so that a forged or
 * mistyped token is refused for the price of a hash or two.
 *
 *     rk_proxy_  <lookup id: 16> <secret: 43> <check: 8>      digits of base 62
 *
 * The check is keyed (HMAC-SHA-256 under a key derived from a pepper), so only RelayKey can make one that passes.
 * Stored is the HMAC-SHA-256 of the whole token under the pepper, never the token. A token lives in the caller's
 * variable: nothing here keeps, logs or returns it inside an error.
 */
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { BASE62_DIGITS, decodeBase64Url, encodeHex, equalText, utf8 } from "./encoding.ts";
import { err, ok, type Result } from "./result.ts";

export const ROLES = ["owner", "admin", "provisioner", "auditor"] as const;
export type Role = (typeof ROLES)[number];

/** A server-side key for hashing tokens, and the id under which hashes name it. */
export interface Pepper {
  readonly id: string;
  readonly key: Uint8Array;
}

export interface MintedToken {
  /** Shown once to whoever asked for it, then forgotten. */
  readonly token: string;
  readonly lookupId: string;
  /** Lower-case hex. */
  readonly hash: string;
  readonly pepperId: string;
}

export interface ParsedToken {
  readonly kind: "proxy" | "virtual" | "management";
  /** Of a management key. */
  readonly role?: Role;
  readonly lookupId: string;
  readonly token: string;
}

const LOOKUP_CHARS = 16;
/** 62^43 is just above 2^256. */
const SECRET_CHARS = 43;
const CHECK_CHARS = 8;
const BODY_CHARS = LOOKUP_CHARS + SECRET_CHARS + CHECK_CHARS;
const MAX_PEPPERS = 4;
const PEPPER_BYTES = 32;
const RANDOM_BATCH_BYTES = 64;
const MAX_RANDOM_BATCHES = 32;
const CHECK_LABEL = utf8("relaykey token check v1");
/** Fewer digits after the short prefix `vk_` are some other thing's name. */
const MIN_VIRTUAL_DIGITS = 16;

type TokenClass = { readonly prefix: string; readonly kind: ParsedToken["kind"]; readonly role?: Role };

const TOKEN_CLASSES: readonly TokenClass[] = [
  { prefix: "rk_proxy_", kind: "proxy" },
  { prefix: "vk_", kind: "virtual" },
  ...ROLES.map((role): TokenClass => ({ prefix: `rk_mgmt_${role}_`, kind: "management", role })),
];

const BODY = new RegExp(`^[0-9A-Za-z]{${BODY_CHARS}}$`);
const TOKEN_START = new RegExp(`^(?:rk_proxy_|rk_mgmt_|vk_[0-9A-Za-z]{${MIN_VIRTUAL_DIGITS},})`);
const TOKEN_ANYWHERE = new RegExp(
  `(rk_proxy_|rk_mgmt_(?:[a-z]+_|(?![a-z]+_))|vk_(?=[0-9A-Za-z]{${MIN_VIRTUAL_DIGITS}}))[0-9A-Za-z]+`,
  "g",
);

/**
 * A new token of the class that `prefix` names (`rk_proxy_`, `vk_`, `rk_mgmt_owner_` …), hashed under `pepper`.
 * `random(n)` gives `n` unbiased bytes, `n` at most 64. Throws for a prefix that is no token's.
 */
export function mintToken(prefix: string, random: (length: number) => Uint8Array, pepper: Pepper): MintedToken {
  if (!TOKEN_CLASSES.some((known) => known.prefix === prefix)) throw new RangeError(`unknown token prefix: ${prefix}`);
  const digits = randomDigits(LOOKUP_CHARS + SECRET_CHARS, random);
  const unchecked = prefix + digits;
  const token = unchecked + checkDigits(unchecked, pepper);
  return { token, lookupId: digits.slice(0, LOOKUP_CHARS), hash: hashToken(token, pepper), pepperId: pepper.id };
}

/**
 * Reads a token: prefix, length, alphabet, then the keyed check under each pepper, in constant time.
 * Null for everything else. A token that passes was made by RelayKey; whether it still counts is not known here.
 */
export function parseToken(text: string, peppers: readonly Pepper[]): ParsedToken | null {
  const parsed = readToken(text);
  return parsed !== null && passesCheck(parsed, peppers) ? parsed : null;
}

/** The form alone: what comes out may be forged. For callers that prove the whole token by its stored hash. */
export function readToken(text: string): ParsedToken | null {
  const found = TOKEN_CLASSES.find((known) => text.startsWith(known.prefix));
  if (found === undefined || text.length !== found.prefix.length + BODY_CHARS) return null;
  if (!BODY.test(text.slice(found.prefix.length))) return null;
  const lookupId = text.slice(found.prefix.length, found.prefix.length + LOOKUP_CHARS);
  const token = { kind: found.kind, lookupId, token: text };
  return found.role === undefined ? token : { ...token, role: found.role };
}

/** The keyed check: whether the token was made under one of the peppers. Every one is tried, in constant time. */
export function passesCheck({ token }: ParsedToken, peppers: readonly Pepper[]): boolean {
  const unchecked = token.slice(0, -CHECK_CHARS);
  const check = token.slice(-CHECK_CHARS);
  let passed = false;
  for (const pepper of peppers) passed = equalText(checkDigits(unchecked, pepper), check) || passed;
  return passed;
}

/** What is stored of a token: HMAC-SHA-256 under the pepper, lower-case hex. */
export function hashToken(token: string, pepper: Pepper): string {
  return encodeHex(keysOf(pepper).hash.clone().update(utf8(token)).digest());
}

/**
 * Whether the token is one of those stored. Every hash whose pepper is known is compared, in constant time.
 * Whether a hash still counts (`expiresAtMs`) is the caller's to filter before.
 */
export function verifyTokenHash(
  token: string,
  hashes: readonly { readonly hash: string; readonly pepperId: string }[],
  peppers: readonly Pepper[],
): boolean {
  const computed = new Map<string, string>();
  let found = false;
  for (const stored of hashes) {
    const pepper = peppers.find((candidate) => candidate.id === stored.pepperId);
    if (pepper === undefined) continue;
    const hash = computed.get(pepper.id) ?? hashToken(token, pepper);
    computed.set(pepper.id, hash);
    found = equalText(hash, stored.hash) || found;
  }
  return found;
}

/** Whether the text begins as a RelayKey token does. Cheap, and no proof of anything. */
export function looksLikeToken(text: string): boolean {
  return TOKEN_START.test(text);
}

/** Whether something that looks like a RelayKey token stands anywhere in the text. */
export function containsToken(text: string): boolean {
  return (text.includes("rk_") || text.includes("vk_")) && text.search(TOKEN_ANYWHERE) >= 0;
}

/** The text with the body of everything that looks like a RelayKey token replaced by an ellipsis. */
export function redactTokens(text: string): string {
  return text.includes("rk_") || text.includes("vk_") ? text.replace(TOKEN_ANYWHERE, "$1…") : text;
}

/**
 * Reads a list of named 256-bit keys, `id:base64url[,id:base64url…]`, current first, at most four.
 * Serves peppers and key-encryption keys alike. The error never quotes the text, which holds keys.
 */
export function parsePeppers(text: string): Result<readonly Pepper[], string> {
  const peppers: Pepper[] = [];
  const entries = text.trim().split(",");
  if (entries.length > MAX_PEPPERS) return err(`at most ${MAX_PEPPERS} keys are allowed, found: ${entries.length}`);
  for (const [index, entry] of entries.entries()) {
    const match = /^([a-z0-9]{1,8}):([A-Za-z0-9_-]{1,64})$/.exec(entry.trim());
    const id = match?.[1];
    const key = match?.[2] === undefined ? null : decodeBase64Url(match[2]);
    if (id === undefined || key?.length !== PEPPER_BYTES) {
      return err(`entry ${index + 1} must be an id of 1 to 8 of a-z and 0-9, a colon, and 32 bytes in base64url`);
    }
    if (peppers.some((known) => known.id === id)) return err(`two entries have the same id: ${id}`);
    peppers.push({ id, key });
  }
  return ok(peppers);
}

/** The first 48 bits of the keyed check, reduced to eight base62 digits. */
function checkDigits(unchecked: string, pepper: Pepper): string {
  const mac = keysOf(pepper).check.clone().update(utf8(unchecked)).digest();
  let number = 0;
  for (let at = 0; at < 6; at++) number = number * 256 + (mac[at] ?? 0);
  let digits = "";
  for (let at = 0; at < CHECK_CHARS; at++) {
    digits = BASE62_DIGITS.charAt(number % 62) + digits;
    number = Math.floor(number / 62);
  }
  return digits;
}

type MacState = ReturnType<typeof hmac.create>;

/** HMAC states after their key block, per pepper: half of the work of each later hash is done once. */
const keyCache = new WeakMap<Uint8Array, { readonly hash: MacState; readonly check: MacState }>();

function keysOf(pepper: Pepper): { readonly hash: MacState; readonly check: MacState } {
  const known = keyCache.get(pepper.key);
  if (known !== undefined) return known;
  const keys = {
    hash: hmac.create(sha256, pepper.key),
    check: hmac.create(sha256, hmac(sha256, pepper.key, CHECK_LABEL)),
  };
  keyCache.set(pepper.key, keys);
  return keys;
}

/** Uniform base62 digits by rejection: bytes from 248 on would favour the first digits. */
function randomDigits(length: number, random: (length: number) => Uint8Array): string {
  let digits = "";
  for (let batch = 0; batch < MAX_RANDOM_BATCHES; batch++) {
    for (const byte of random(RANDOM_BATCH_BYTES)) {
      if (byte < 248) digits += BASE62_DIGITS.charAt(byte % 62);
      if (digits.length === length) return digits;
    }
  }
  throw new Error("the random source gives no usable bytes");
}
