/**
 * Envelope encryption of upstream secrets (AES-256-GCM, NIST SP 800-38D): each secret under a data key of its own, the
 * data key wrapped under a key-encryption key (KEK) from a Worker secret.
 *
 * Always holds: the additional data binds organisation, connection, credential and version, so a sealed secret opens
 * only in the row it was sealed for. Isolate memory may keep imported, non-extractable CryptoKeys; never a plaintext.
 */
import type { SealedSecret } from "../domain/documents.ts";
import { decodeBase64Url, encodeBase64Url, utf8, utf8Text } from "../domain/encoding.ts";

/** A 256-bit key-encryption key. */
export interface Kek {
  readonly id: string;
  readonly key: Uint8Array;
}

/** Current first (`parsePeppers` reads them from their Worker secret). */
export type Keks = readonly Kek[];

/** The row that a sealed secret belongs to. */
export interface EnvelopeContext {
  readonly organisationId: string;
  readonly connectionId: string;
  readonly credentialId: string;
  readonly version: number;
}

/** The secret cannot be opened: unknown KEK, tampered, or moved to another row. Says nothing more. */
export class EnvelopeError extends Error {
  override readonly name = "EnvelopeError";
}

const IV_BYTES = 12;
const MAX_CACHED_DATA_KEYS = 256;
const DATA_KEY = { name: "AES-GCM", length: 256 } as const;

const importedKeks = new WeakMap<Uint8Array, Promise<CryptoKey>>();
const openedDataKeys = new WeakMap<Uint8Array, Map<string, CryptoKey>>();

/** Seals under the current KEK. */
export async function seal(plaintext: string, keks: Keks, context: EnvelopeContext): Promise<SealedSecret> {
  const dataKey = await generateDataKey();
  const wrapped = await wrap(dataKey, currentKek(keks), context);
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
  const ciphertext = await crypto.subtle.encrypt(
    { name: "AES-GCM", iv, additionalData: additionalData("secret", context) },
    dataKey,
    utf8(plaintext),
  );
  return { ...wrapped, iv: encodeBase64Url(iv), ciphertext: encodeBase64Url(new Uint8Array(ciphertext)) };
}

/** Throws `EnvelopeError` when the secret does not open for this row. */
export async function open(sealed: SealedSecret, keks: Keks, context: EnvelopeContext): Promise<string> {
  const dataKey = await cachedDataKey(sealed, kekOf(sealed, keks), context);
  const plaintext = await crypto.subtle
    .decrypt(
      { name: "AES-GCM", iv: fromBase64Url(sealed.iv), additionalData: additionalData("secret", context) },
      dataKey,
      fromBase64Url(sealed.ciphertext),
    )
    .catch(() => null);
  const text = plaintext === null ? null : utf8Text(new Uint8Array(plaintext));
  if (text === null) throw new EnvelopeError("The sealed secret does not open");
  return text;
}

/** The same secret with its data key wrapped under the current KEK. The secret itself is not touched. */
export async function rewrap(sealed: SealedSecret, keks: Keks, context: EnvelopeContext): Promise<SealedSecret> {
  if (sealed.kekId === currentKek(keks).id) return sealed;
  const dataKey = await unwrap(sealed, kekOf(sealed, keks), context, true);
  return { ...sealed, ...(await wrap(dataKey, currentKek(keks), context)) };
}

function currentKek(keks: Keks): Kek {
  const [current] = keks;
  if (current === undefined) throw new EnvelopeError("There is no key-encryption key");
  return current;
}

function kekOf(sealed: SealedSecret, keks: Keks): Kek {
  const kek = keks.find((key) => key.id === sealed.kekId);
  if (kek === undefined) throw new EnvelopeError("The key-encryption key is not in the ring");
  return kek;
}

async function generateDataKey(): Promise<CryptoKey> {
  const generated = await crypto.subtle.generateKey(DATA_KEY, true, ["encrypt", "decrypt"]);
  if ("privateKey" in generated) throw new Error("AES-GCM generated a key pair");
  return generated;
}

async function wrap(
  dataKey: CryptoKey,
  kek: Kek,
  context: EnvelopeContext,
): Promise<Pick<SealedSecret, "kekId" | "wrappedKey" | "wrapIv">> {
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
  const algorithm = { name: "AES-GCM", iv, additionalData: additionalData(`key:${kek.id}`, context) };
  const raw = await crypto.subtle.wrapKey("raw", dataKey, await importKek(kek), algorithm);
  if (!(raw instanceof ArrayBuffer)) throw new Error("A raw key is not bytes");
  return { kekId: kek.id, wrappedKey: encodeBase64Url(new Uint8Array(raw)), wrapIv: encodeBase64Url(iv) };
}

async function unwrap(
  sealed: SealedSecret,
  kek: Kek,
  context: EnvelopeContext,
  extractable: boolean,
): Promise<CryptoKey> {
  const key = await importKek(kek);
  try {
    const algorithm = {
      name: "AES-GCM",
      iv: fromBase64Url(sealed.wrapIv),
      additionalData: additionalData(`key:${kek.id}`, context),
    };
    const wrapped = fromBase64Url(sealed.wrappedKey);
    return await crypto.subtle.unwrapKey("raw", wrapped, key, algorithm, DATA_KEY, extractable, ["encrypt", "decrypt"]);
  } catch {
    throw new EnvelopeError("The data key does not open");
  }
}

/** The cache's key holds everything that the unwrapping authenticates, so a hit is never wider than a miss. */
async function cachedDataKey(sealed: SealedSecret, kek: Kek, context: EnvelopeContext): Promise<CryptoKey> {
  const cache = openedDataKeys.get(kek.key) ?? new Map<string, CryptoKey>();
  openedDataKeys.set(kek.key, cache);
  const cacheKey = JSON.stringify([kek.id, sealed.wrappedKey, sealed.wrapIv, contextParts(context)]);
  const known = cache.get(cacheKey);
  if (known !== undefined) return known;
  const dataKey = await unwrap(sealed, kek, context, false);
  if (cache.size >= MAX_CACHED_DATA_KEYS) {
    for (const oldest of cache.keys()) {
      cache.delete(oldest);
      break;
    }
  }
  cache.set(cacheKey, dataKey);
  return dataKey;
}

function importKek(kek: Kek): Promise<CryptoKey> {
  const known = importedKeks.get(kek.key);
  if (known !== undefined) return known;
  const imported = crypto.subtle.importKey("raw", kek.key, "AES-GCM", false, ["wrapKey", "unwrapKey"]);
  importedKeks.set(kek.key, imported);
  return imported;
}

function contextParts(context: EnvelopeContext): readonly (string | number)[] {
  return [context.organisationId, context.connectionId, context.credentialId, context.version];
}

/** JSON keeps the parts apart whatever characters they hold. */
function additionalData(purpose: string, context: EnvelopeContext): Uint8Array {
  return utf8(JSON.stringify(["relaykey-envelope-1", purpose, ...contextParts(context)]));
}

function fromBase64Url(text: string): Uint8Array {
  const bytes = decodeBase64Url(text);
  if (bytes === null) throw new EnvelopeError("The sealed secret is not well formed");
  return bytes;
}
