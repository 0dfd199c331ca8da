/**
 * Signatures of webhook deliveries, as Standard Webhooks 1.0 defines them: HMAC-SHA-256 over `id.timestamp.body`,
 * sent as `v1,<base64>`; several, separated by a space, while a secret is being replaced.
 * Pure: time and secrets are arguments. Comparison takes the same time wherever two signatures differ.
 */
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";

import { decodeBase64, encodeBase64, equalBytes, utf8 } from "./encoding.ts";
import { err, ok, type Result } from "./result.ts";

export const WEBHOOK_SECRET_BYTES = 32;
export const WEBHOOK_TOLERANCE_SECONDS = 300;
const SECRET_PREFIX = "whsec_";
const MIN_SECRET_BYTES = 24;
const MAX_SECRET_BYTES = 64;
const MAX_SIGNATURES = 8;

/** The wire form of a secret: `whsec_` and base64. */
export function formatWebhookSecret(bytes: Uint8Array): string {
  return SECRET_PREFIX + encodeBase64(bytes);
}

/** Null when the text is no secret of 24 to 64 bytes. */
export function parseWebhookSecret(text: string): Uint8Array | null {
  if (!text.startsWith(SECRET_PREFIX)) return null;
  const bytes = decodeBase64(text.slice(SECRET_PREFIX.length));
  return bytes === null || bytes.length < MIN_SECRET_BYTES || bytes.length > MAX_SECRET_BYTES ? null : bytes;
}

/** The three headers of one delivery. `id` stays the same over retries; the timestamp is that of the attempt. */
export function webhookHeaders(
  id: string,
  timestampSeconds: number,
  body: string,
  secrets: readonly Uint8Array[],
): Readonly<Record<string, string>> {
  const signatures = secrets.map((secret) => `v1,${encodeBase64(signature(id, timestampSeconds, body, secret))}`);
  return {
    "webhook-id": id,
    "webhook-timestamp": String(timestampSeconds),
    "webhook-signature": signatures.join(" "),
  };
}

/** The receiver's side, for tests and for the documentation's sample. */
export function verifyWebhook(
  headers: { readonly id: string; readonly timestamp: string; readonly signature: string },
  body: string,
  secret: Uint8Array,
  nowSeconds: number,
): Result<void, "malformed" | "stale" | "forged"> {
  if (!/^\d{1,12}$/.test(headers.timestamp) || headers.id.includes(".")) return err("malformed");
  const timestampSeconds = Number(headers.timestamp);
  if (Math.abs(nowSeconds - timestampSeconds) > WEBHOOK_TOLERANCE_SECONDS) return err("stale");
  const expected = signature(headers.id, timestampSeconds, body, secret);
  const given = headers.signature.split(" ").slice(0, MAX_SIGNATURES);
  const matches = given.filter((entry) => {
    const bytes = entry.startsWith("v1,") ? decodeBase64(entry.slice(3)) : null;
    return bytes !== null && equalBytes(bytes, expected);
  });
  return matches.length > 0 ? ok(undefined) : err("forged");
}

function signature(id: string, timestampSeconds: number, body: string, secret: Uint8Array): Uint8Array {
  return hmac(sha256, secret, utf8(`${id}.${timestampSeconds}.${body}`));
}
