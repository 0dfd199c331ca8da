/**
 * `Idempotency-Key` on POST (draft-ietf-httpapi-idempotency-key-header): the same key and request give the same answer
 * for 24 hours, the same key with another request is refused.
 *
 * Answers may carry a token that is shown once. They are stored sealed under a key derived from the caller's own secret
 * and the Idempotency-Key, neither of which is stored: the database alone opens nothing. Only successes are stored, as
 * a refusal changed nothing that repeating could double. A claim whose request died stays taken: its outcome is unknown,
 * and running it again could do it twice.
 */
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import type { AdminProblem } from "../../src/contract/problem.ts";
import { decodeBase64Url, encodeBase64Url, encodeHex, utf8, utf8Text } from "../../src/domain/encoding.ts";
import { err, ok } from "../../src/domain/result.ts";
import type { Result } from "../../src/domain/result.ts";
import { claimIdempotencyKey, completeIdempotencyKey, releaseIdempotencyKey } from "../../src/store/idempotency.ts";
import type { IdempotencyRow } from "../../src/store/idempotency.ts";
import { callerSecret } from "./authenticate.ts";
import type { Caller, Outcome, PublicContext } from "./route.ts";

const LIFETIME_MS = 86_400_000;
const KEY_FORM = /^[\x21-\x7e]{1,255}$/;
const IV_BYTES = 12;

/** Runs the request once per key. `run` must be the whole effect of the request. */
export async function onceOnly(
  context: PublicContext,
  caller: Caller,
  body: Uint8Array,
  run: () => Promise<Outcome>,
): Promise<Outcome> {
  const key = context.request.headers.get("idempotency-key");
  if (key === null) return run();
  if (!KEY_FORM.test(key)) {
    const message = "Must be 1 to 255 visible ASCII characters";
    return err({
      code: "invalid_request",
      detail: `Idempotency-Key: ${message}`,
      errors: [{ field: "Idempotency-Key", message }],
    });
  }
  const { organisationId } = caller;
  const url = new URL(context.request.url);
  const keyHash = digest(caller.id, context.operationId, url.pathname, key);
  const requestHash = digest(url.pathname, url.search, encodeHex(sha256(body)));
  const sealingKey = await importSealingKey(callerSecret(context), key);
  const held = await claimIdempotencyKey(context.db, {
    organisationId,
    keyHash,
    requestHash,
    nowMs: context.nowMs,
    lifetimeMs: LIFETIME_MS,
  });
  if (held !== null) return replay(held, requestHash, sealingKey);
  // If this throws, the claim stays: whether the change was made is then not known.
  const outcome = await run();
  const keepable = outcome.ok && !(outcome.value instanceof Response) && isSuccess(outcome);
  if (!keepable) {
    // A refusal, or a stream, which cannot be kept.
    await releaseIdempotencyKey(context.db, organisationId, keyHash);
    return outcome;
  }
  const response = await sealText(JSON.stringify(outcome.value), sealingKey, keyHash);
  await completeIdempotencyKey(context.db, organisationId, keyHash, { status: outcome.value.status, response });
  return outcome;
}

function isSuccess(outcome: Outcome): boolean {
  return outcome.ok && outcome.value.status < 300;
}

async function replay(held: IdempotencyRow, requestHash: string, key: CryptoKey): Promise<Outcome> {
  if (held.requestHash !== requestHash) {
    return err({ code: "idempotency_mismatch", detail: "This Idempotency-Key was sent with another request before" });
  }
  if (held.response === null) {
    return err({
      code: "idempotency_in_progress",
      detail: "A request with this Idempotency-Key is running, or ended without a known outcome",
      retryAfterSeconds: 1,
    });
  }
  const opened = await openText(held.response, key, held.keyHash);
  if (!opened.ok) return opened;
  const stored: unknown = JSON.parse(opened.value);
  if (typeof stored !== "object" || stored === null || !("status" in stored) || typeof stored.status !== "number") {
    throw new Error("A stored answer does not read");
  }
  const body = "body" in stored ? { body: stored.body } : {};
  return ok({ status: stored.status, ...body, headers: { "idempotency-replayed": "true" } });
}

/** The parts kept apart by JSON. */
function digest(...parts: readonly string[]): string {
  return encodeHex(sha256(utf8(JSON.stringify(parts))));
}

function importSealingKey(secret: string, idempotencyKey: string): Promise<CryptoKey> {
  const raw = hkdf(sha256, utf8(secret), utf8(idempotencyKey), utf8("relaykey/idempotent-answer/v1"), 32);
  return crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt", "decrypt"]);
}

async function sealText(text: string, key: CryptoKey, boundTo: string): Promise<string> {
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
  const algorithm = { name: "AES-GCM", iv, additionalData: utf8(boundTo) };
  const sealed = await crypto.subtle.encrypt(algorithm, key, utf8(text));
  return `${encodeBase64Url(iv)}.${encodeBase64Url(new Uint8Array(sealed))}`;
}

/** Does not open for a caller whose key was rotated in the meantime: that is another secret. */
async function openText(sealed: string, key: CryptoKey, boundTo: string): Promise<Result<string, AdminProblem>> {
  const [iv, data] = sealed.split(".").map(decodeBase64Url);
  if (!iv || !data) throw new Error("A stored answer does not read");
  const algorithm = { name: "AES-GCM", iv, additionalData: utf8(boundTo) };
  const plain = await crypto.subtle.decrypt(algorithm, key, data).catch(() => null);
  const text = plain === null ? null : utf8Text(new Uint8Array(plain));
  if (text !== null) return ok(text);
  return err({ code: "idempotency_mismatch", detail: "This Idempotency-Key was used under another secret before" });
}
