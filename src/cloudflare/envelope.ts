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
const DATA_KEY = { name: "AES-GCM", length: 256 } as const;

/** All that opening a sealed secret takes, made ready once: nothing here shows the secret. */
interface Opening {
  readonly kek: Kek;
  readonly context: EnvelopeContext;
  readonly dataKey: CryptoKey;
  readonly algorithm: SubtleCryptoEncryptAlgorithm;
  readonly ciphertext: Uint8Array;
}

const importedKeks = new WeakMap<Uint8Array, Promise<CryptoKey>>();
/** Lives as long as the document that the sealed secret is part of. */
const openings = new WeakMap<SealedSecret, Opening>();

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
  const { algorithm, dataKey, ciphertext } = await openingOf(sealed, kekOf(sealed, keks), context);
  const plaintext = await crypto.subtle.decrypt(algorithm, dataKey, ciphertext).catch(() => null);
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

/** What is kept counts only for the row and the key that it was made for, so a hit is never wider than a miss. */
async function openingOf(sealed: SealedSecret, kek: Kek, context: EnvelopeContext): Promise<Opening> {
  const known = openings.get(sealed);
  if (known !== undefined && known.kek.key === kek.key && sameRow(known.context, context)) return known;
  const opening = {
    kek,
    context,
    dataKey: await unwrap(sealed, kek, context, false),
    algorithm: { name: "AES-GCM", iv: fromBase64Url(sealed.iv), additionalData: additionalData("secret", context) },
    ciphertext: fromBase64Url(sealed.ciphertext),
  };
  openings.set(sealed, opening);
  return opening;
}

function sameRow(a: EnvelopeContext, b: EnvelopeContext): boolean {
  return (
    a.organisationId === b.organisationId &&
    a.connectionId === b.connectionId &&
    a.credentialId === b.credentialId &&
    a.version === b.version
  );
}

function importKek(kek: Kek): Promise<CryptoKey> {
  const known = importedKeks.get(kek.key);
  if (known !== undefined) return known;
  const imported = crypto.subtle.importKey("raw", kek.key, "AES-GCM", false, ["wrapKey", "unwrapKey"]);
  importedKeks.set(kek.key, imported);
  return imported;
}

/** JSON keeps the parts apart whatever characters they hold. */
function additionalData(purpose: string, context: EnvelopeContext): Uint8Array {
  const { organisationId, connectionId, credentialId, version } = context;
  return utf8(JSON.stringify(["relaykey-envelope-1", purpose, organisationId, connectionId, credentialId, version]));
}

function fromBase64Url(text: string): Uint8Array {
  const bytes = decodeBase64Url(text);
  if (bytes === null) throw new EnvelopeError("The sealed secret is not well formed");
  return bytes;
}
