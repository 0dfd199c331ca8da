/**
 * Signs heads of audit chains, and what exports say of themselves, with Ed25519. The key is derived from the deployment's signing seed for this purpose alone;
 * its public half is what a verifier needs.
 */
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { checkpointMessage, type ChainCheckpoint, type VerifySignature } from "../domain/chain.ts";
import { decodeBase64Url, encodeBase64Url, encodeHex, utf8 } from "../domain/encoding.ts";
import { statementMessage, type ExportStatement } from "../domain/export-statement.ts";

/** PKCS #8 wrapping of a raw Ed25519 seed (RFC 8410 §7). */
const PKCS8_HEAD = [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
const MIN_SEED_BYTES = 32;

export interface CheckpointKey {
  readonly keyId: string;
  /** Raw public key, base64url. */
  readonly publicKey: string;
  readonly privateKey: CryptoKey;
}

/** Throws when the seed (base64url) is malformed or too short. */
export async function checkpointKey(signingSeed: string): Promise<CheckpointKey> {
  const seed = decodeBase64Url(signingSeed);
  if (seed === null || seed.length < MIN_SEED_BYTES)
    throw new Error("RELAYKEY_SIGNING_SEED must be base64url of 32 bytes");
  const raw = hkdf(sha256, seed, undefined, utf8("relaykey/audit_checkpoint/v1"), 32);
  const pkcs8 = new Uint8Array([...PKCS8_HEAD, ...raw]);
  const extractable = await crypto.subtle.importKey("pkcs8", pkcs8, "Ed25519", true, ["sign"]);
  const jwk = await crypto.subtle.exportKey("jwk", extractable);
  if (jwk instanceof ArrayBuffer || typeof jwk.x !== "string") throw new Error("The platform gave no public key");
  const privateKey = await crypto.subtle.importKey("pkcs8", pkcs8, "Ed25519", false, ["sign"]);
  const publicBytes = decodeBase64Url(jwk.x) ?? new Uint8Array();
  return { keyId: encodeHex(sha256(publicBytes)).slice(0, 16), publicKey: jwk.x, privateKey };
}

export async function signCheckpoint(
  key: CheckpointKey,
  head: { readonly credentialId: string; readonly seq: number; readonly hash: string; readonly atMs: number },
): Promise<ChainCheckpoint> {
  const unsigned = { ...head, keyId: key.keyId };
  const signature = await crypto.subtle.sign("Ed25519", key.privateKey, checkpointMessage(unsigned));
  return { ...unsigned, signature: encodeBase64Url(new Uint8Array(signature)) };
}

export async function signStatement(
  key: CheckpointKey,
  statement: Omit<ExportStatement, "keyId" | "signature">,
): Promise<ExportStatement> {
  const unsigned = { ...statement, keyId: key.keyId };
  const signature = await crypto.subtle.sign("Ed25519", key.privateKey, statementMessage(unsigned));
  return { ...unsigned, signature: encodeBase64Url(new Uint8Array(signature)) };
}

/** A verifier for `verifyExport`: accepts signatures of this public key (base64url) only. */
export function checkpointVerifier(publicKey: string): VerifySignature {
  const bytes = decodeBase64Url(publicKey) ?? new Uint8Array();
  const imported = crypto.subtle.importKey("raw", bytes, "Ed25519", true, ["verify"]);
  return async (message, signed) => {
    const signature = decodeBase64Url(signed.signature);
    if (signature === null) return false;
    return crypto.subtle.verify("Ed25519", await imported, signature, message);
  };
}
