/**
 * One-time handing over of a token. The secret part of the link stands in the URL's fragment, which browsers do not send:
 * the token is sealed and opened in browsers with AES-256-GCM, and the server only ever holds the sealed text, once.
 * Pure but for WebCrypto; random bytes and time are arguments. Used by the issuing client and by the recipient's page.
 */
import { decodeBase64Url, encodeBase64Url, utf8, utf8Text } from "./encoding.ts";
import { err, ok, type Result } from "./result.ts";

export const SHARE_KEY_BYTES = 32;
export const SHARE_IV_BYTES = 12;
export const MAX_SHARE_TEXT_BYTES = 4096;
export const DEFAULT_SHARE_TTL_SECONDS = 24 * 60 * 60;
export const MAX_SHARE_TTL_SECONDS = 7 * 24 * 60 * 60;
const TAG_BYTES = 16;
const CONTEXT = utf8("relaykey/share/v1");

/** What the server keeps: base64url texts, useless without the key in the fragment. */
export interface SealedShare {
  readonly iv: string;
  readonly ciphertext: string;
}

export interface ShareState {
  readonly expiresAtMs: number;
  readonly openedAtMs: number | null;
  readonly withdrawnAtMs: number | null;
}

export type ShareStatus = "waiting" | "opened" | "withdrawn" | "expired";

/** Withdrawal and opening outrank expiry, since they say what happened. */
export function shareStatus(state: ShareState, nowMs: number): ShareStatus {
  if (state.withdrawnAtMs !== null) return "withdrawn";
  if (state.openedAtMs !== null) return "opened";
  return nowMs >= state.expiresAtMs ? "expired" : "waiting";
}

/** Seals a text under a fresh key. `key` and `iv` must be random and used for nothing else. */
export async function sealShare(text: string, key: Uint8Array, iv: Uint8Array): Promise<SealedShare> {
  if (iv.length !== SHARE_IV_BYTES) throw new Error(`An IV has ${SHARE_IV_BYTES} bytes: ${iv.length}`);
  const plain = utf8(text);
  if (plain.length > MAX_SHARE_TEXT_BYTES) throw new Error(`The text is too long: ${plain.length} bytes`);
  const parameters = { name: "AES-GCM", iv: copied(iv), additionalData: copied(CONTEXT) };
  const sealed = await crypto.subtle.encrypt(parameters, await importKey(key, "encrypt"), copied(plain));
  return { iv: encodeBase64Url(iv), ciphertext: encodeBase64Url(new Uint8Array(sealed)) };
}

/** Opens a sealed text with the key from the fragment. */
export async function openShare(sealed: SealedShare, fragment: string): Promise<Result<string, "wrong_key">> {
  const key = decodeBase64Url(fragment);
  const iv = decodeBase64Url(sealed.iv);
  const ciphertext = decodeBase64Url(sealed.ciphertext);
  if (key?.length !== SHARE_KEY_BYTES || iv?.length !== SHARE_IV_BYTES || ciphertext === null) return err("wrong_key");
  try {
    const parameters = { name: "AES-GCM", iv: copied(iv), additionalData: copied(CONTEXT) };
    const plain = await crypto.subtle.decrypt(parameters, await importKey(key, "decrypt"), copied(ciphertext));
    return ok(utf8Text(new Uint8Array(plain)) ?? "");
  } catch {
    // The one failure of AES-GCM is a tag that does not fit.
    return err("wrong_key");
  }
}

/** What is wrong with a sealed share that a client hands in; null when it can be kept. */
export function sealedShareProblem(sealed: SealedShare): "iv" | "ciphertext" | null {
  if (decodeBase64Url(sealed.iv)?.length !== SHARE_IV_BYTES) return "iv";
  if (sealed.ciphertext.length > 2 * MAX_SHARE_TEXT_BYTES) return "ciphertext";
  const bytes = decodeBase64Url(sealed.ciphertext)?.length ?? 0;
  return bytes <= TAG_BYTES || bytes > MAX_SHARE_TEXT_BYTES + TAG_BYTES ? "ciphertext" : null;
}

async function importKey(key: Uint8Array, use: "encrypt" | "decrypt") {
  return crypto.subtle.importKey("raw", copied(key), "AES-GCM", false, [use]);
}

/** A copy in a buffer of its own, as WebCrypto's types want it. */
function copied(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}
