/**
 * EIP-3009 `TransferWithAuthorization` as typed data (EIP-712), and who signed it. Pure.
 *
 * Only signatures of plain accounts (65 bytes, low s) are recovered; contract wallets (EIP-1271, EIP-6492) are not known.
 */
import { keccak_256 } from "@noble/hashes/sha3.js";
import { recoverKey } from "./ecdsa-recover.ts";
import { encodeHex, utf8 } from "./encoding.ts";
import { ORDER } from "./secp256k1.ts";

/** As on the wire: addresses and nonce in 0x-hex, amounts and times (seconds) as decimal text. */
export interface TransferAuthorization {
  readonly from: string;
  readonly to: string;
  readonly value: string;
  readonly validAfter: string;
  readonly validBefore: string;
  readonly nonce: string;
}

export interface TokenDomain {
  readonly name: string;
  readonly version: string;
  readonly chainId: number;
  /** Address of the token contract. */
  readonly contract: string;
}

const WORD_BYTES = 32;
const SIGNATURE_BYTES = 65;
const DOMAIN_TYPE = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)";
const TRANSFER_TYPE =
  "TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)";

const DOMAIN_TYPE_HASH = hashOfText(DOMAIN_TYPE);
const TRANSFER_TYPE_HASH = hashOfText(TRANSFER_TYPE);

/** The 32 bytes that the payer signs. */
export function authorizationDigest(authorization: TransferAuthorization, domain: TokenDomain): Uint8Array {
  const struct = hashOf([
    TRANSFER_TYPE_HASH,
    hexWord(authorization.from),
    hexWord(authorization.to),
    numberWord(BigInt(authorization.value)),
    numberWord(BigInt(authorization.validAfter)),
    numberWord(BigInt(authorization.validBefore)),
    hexWord(authorization.nonce),
  ]);
  return hashOf([new Uint8Array([0x19, 0x01]), domainSeparator(domain), struct]);
}

/** Few tokens are ever accepted, and each call is paid in one of them. */
const separators = new Map<string, Uint8Array>();
const MAX_SEPARATORS = 256;

function domainSeparator({ name, version, chainId, contract }: TokenDomain): Uint8Array {
  const key = JSON.stringify([name, version, chainId, contract]);
  const known = separators.get(key);
  if (known !== undefined) return known;
  const separator = hashOf([
    DOMAIN_TYPE_HASH,
    hashOfText(name),
    hashOfText(version),
    numberWord(BigInt(chainId)),
    hexWord(contract),
  ]);
  if (separators.size >= MAX_SEPARATORS) separators.clear();
  separators.set(key, separator);
  return separator;
}

/** Lower-case address of the account whose key made the signature over the digest, or null. */
export function recoverSigner(digest: Uint8Array, signature: string): string | null {
  const hex = signature.slice(2);
  if (hex.length !== 2 * SIGNATURE_BYTES || !/^[0-9a-fA-F]+$/.test(hex)) return null;
  const v = Number.parseInt(hex.slice(128), 16);
  const recovery = v >= 27 ? v - 27 : v;
  if (recovery > 1) return null;
  const r = BigInt(`0x${hex.slice(0, 64)}`);
  const s = BigInt(`0x${hex.slice(64, 128)}`);
  // The other s signs the same: with only the low one, a signature has one spelling.
  if (r === 0n || r >= ORDER || s === 0n || s > ORDER >> 1n) return null;
  const key = recoverKey(BigInt(`0x${encodeHex(digest)}`), r, s, recovery === 1);
  return key === null ? null : addressOfKey(key);
}

/** The address in its checksummed spelling (EIP-55). `address`: 0x and 40 hex digits. */
export function checksumAddress(address: string): string {
  const plain = address.slice(2).toLowerCase();
  const hash = encodeHex(keccak_256(utf8(plain)));
  let text = "0x";
  for (let at = 0; at < plain.length; at += 1) {
    text += Number.parseInt(hash.charAt(at), 16) >= 8 ? plain.charAt(at).toUpperCase() : plain.charAt(at);
  }
  return text;
}

function addressOfKey(key: { readonly x: bigint; readonly y: bigint }): string {
  return `0x${encodeHex(hashOf([numberWord(key.x), numberWord(key.y)]).subarray(12))}`;
}

function hashOfText(text: string): Uint8Array {
  return keccak_256(utf8(text));
}

function hashOf(parts: readonly Uint8Array[]): Uint8Array {
  const hash = keccak_256.create();
  for (const part of parts) hash.update(part);
  return hash.digest();
}

function hexWord(hex: string): Uint8Array {
  return numberWord(BigInt(hex));
}

function numberWord(value: bigint): Uint8Array {
  const word = new Uint8Array(WORD_BYTES);
  const view = new DataView(word.buffer);
  for (let at = 0; at < WORD_BYTES; at += 8) view.setBigUint64(at, BigInt.asUintN(64, value >> BigInt(192 - 8 * at)));
  return word;
}
