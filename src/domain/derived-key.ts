/**
 * Keys derived from the deployment's signing seed, one per purpose (HKDF-SHA-256, RFC 5869).
 * Pure. A key of one purpose says nothing about the key of another.
 */
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";

import { utf8 } from "./encoding.ts";

export const MIN_SEED_BYTES = 32;
const KEY_BYTES = 32;

export type KeyPurpose =
  | "payment_quote"
  | "confirmation_link"
  | "confirmation_form"
  | "login_link"
  | "session"
  | "session_mark"
  | "export_link";

/** Throws when the seed is too short: a deployment without a proper seed must not sign anything. */
export function deriveKey(seed: Uint8Array, purpose: KeyPurpose): Uint8Array {
  if (seed.length < MIN_SEED_BYTES) throw new Error(`The signing seed is too short: ${seed.length} bytes`);
  return hkdf(sha256, seed, undefined, utf8(`relaykey/${purpose}/v1`), KEY_BYTES);
}
