/** What is stored of a share link's public part. */
import { sha256 } from "@noble/hashes/sha2.js";
import { encodeHex, utf8 } from "../../src/domain/encoding.ts";

export function shareLookupHash(lookup: string): string {
  return encodeHex(sha256(utf8(lookup)));
}
