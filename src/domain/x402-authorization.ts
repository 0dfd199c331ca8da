/**
 * EIP-3009 `TransferWithAuthorization` as typed data (EIP-712), and who signed it. Pure.
 *
 * Only signatures of plain accounts (65 bytes, low s) are recovered; contract wallets (EIP-1271, EIP-6492) are not known.
 */
import { secp256k1 } from "@noble/curves/secp256k1";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { decodeHex, encodeHex, utf8 } from "./encoding.ts";

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

/** The 32 bytes that the payer signs. */
export function authorizationDigest(authorization: TransferAuthorization, domain: TokenDomain): Uint8Array {
  const separator = hashOf([
    hashOfText(DOMAIN_TYPE),
    hashOfText(domain.name),
    hashOfText(domain.version),
    numberWord(BigInt(domain.chainId)),
    hexWord(domain.contract),
  ]);
  const struct = hashOf([
    hashOfText(TRANSFER_TYPE),
    hexWord(authorization.from),
    hexWord(authorization.to),
    numberWord(BigInt(authorization.value)),
    numberWord(BigInt(authorization.validAfter)),
    numberWord(BigInt(authorization.validBefore)),
    hexWord(authorization.nonce),
  ]);
  return hashOf([new Uint8Array([0x19, 0x01]), separator, struct]);
}

/** Lower-case address of the account whose key made the signature over the digest, or null. */
export function recoverSigner(digest: Uint8Array, signature: string): string | null {
  const bytes = decodeHex(signature.slice(2).toLowerCase());
  if (bytes === null || bytes.length !== SIGNATURE_BYTES) return null;
  const v = bytes[SIGNATURE_BYTES - 1] ?? 0;
  const recovery = v >= 27 ? v - 27 : v;
  if (recovery > 1) return null;
  try {
    const made = secp256k1.Signature.fromCompact(bytes.subarray(0, SIGNATURE_BYTES - 1)).addRecoveryBit(recovery);
    if (made.hasHighS()) return null;
    return addressOfKey(made.recoverPublicKey(digest).toRawBytes(false));
  } catch {
    // Not a point on the curve: nobody's signature.
    return null;
  }
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

function addressOfKey(uncompressed: Uint8Array): string {
  return `0x${encodeHex(keccak_256(uncompressed.subarray(1)).subarray(12))}`;
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
  let rest = value;
  for (let at = WORD_BYTES - 1; at >= 0; at -= 1) {
    word[at] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return word;
}
