/**
 * IP addresses as text and as bytes, CIDR blocks, and the address a request came from.
 * One spelling for each address goes out: dotted decimal, or RFC 5952; an IPv4 address in IPv6 clothes (`::ffff:…`) is
 * the IPv4 address. What comes in is read strictly: no octal, no short forms, no zone.
 */
import type { ReadHeaders } from "./header-map.ts";
import type { ClientAddress } from "./admission.ts";

/** Four or sixteen bytes. */
export type AddressBytes = readonly number[];

/** An aligned CIDR block: the bits after `bits` are zero. */
export interface Block {
  readonly bytes: AddressBytes;
  readonly bits: number;
}

const MAX_ADDRESS_CHARS = 45;
const TRUSTED_IPV6_BITS = 64;
/** The one address from which Cloudflare shows Workers of other zones. The whole block is set aside for it. */
const WORKER_BLOCK: Block = { bytes: [0x2a, 0x06, 0x98, 0xc0, 0x36, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], bits: 48 };

/** The address's bytes, or null. IPv4-mapped IPv6 (RFC 4291 §2.5.5.2) gives the four bytes. */
export function parseAddress(text: string): AddressBytes | null {
  if (text.length > MAX_ADDRESS_CHARS) return null;
  const bytes = text.includes(":") ? parseIpv6(text) : parseIpv4(text);
  return bytes !== null && isMapped(bytes) ? bytes.slice(12) : bytes;
}

/** Dotted decimal, or IPv6 as RFC 5952 §4 writes it. */
export function formatAddress(bytes: AddressBytes): string {
  return bytes.length === 4 ? bytes.join(".") : formatIpv6(bytes);
}

/** The address in its one spelling, or null when the text is no address. */
export function canonicalAddress(text: string): string | null {
  const bytes = parseAddress(text);
  return bytes === null ? null : formatAddress(bytes);
}

/**
 * Under which name an address is trusted: an IPv4 address itself, an IPv6 address by its /64 (`2001:db8:1:2::/64`), since
 * one subscriber has at least that much (RFC 6177). Throws when the text is no address.
 */
export function trustKey(ip: string): string {
  const bytes = parseAddress(ip);
  if (bytes === null) throw new RangeError("not an IP address");
  if (bytes.length === 4) return formatAddress(bytes);
  return formatBlock({ bytes: masked(bytes, TRUSTED_IPV6_BITS), bits: TRUSTED_IPV6_BITS });
}

/** A single address or an aligned CIDR block; null for anything else, a block with host bits set included. */
export function parseBlock(text: string): Block | null {
  const slash = text.indexOf("/");
  const bytes = parseAddress(slash < 0 ? text : text.slice(0, slash));
  if (bytes === null) return null;
  const whole = bytes.length * 8;
  if (slash < 0) return { bytes, bits: whole };
  const length = text.slice(slash + 1);
  if (!/^(?:0|[1-9][0-9]{0,2})$/.test(length)) return null;
  const bits = Number(length);
  // A mapped address has lost twelve bytes; a length that counted them would mean another block.
  if (bits > whole || (bytes.length === 4 && text.includes(":"))) return null;
  return masked(bytes, bits).every((byte, at) => byte === bytes[at]) ? { bytes, bits } : null;
}

/** The block in its one spelling; a block of one address is written as that address. */
export function formatBlock(block: Block): string {
  const address = formatAddress(block.bytes);
  return block.bits === block.bytes.length * 8 ? address : `${address}/${block.bits}`;
}

/** Whether the address lies in the block. IPv4 and IPv6 never contain each other; text that is no address lies nowhere. */
export function blockContains(block: Block, ip: string): boolean {
  const bytes = parseAddress(ip);
  return bytes !== null && blockHolds(block, bytes);
}

/** As `blockContains`, for an address that is already parsed. */
export function blockHolds(block: Block, bytes: AddressBytes): boolean {
  if (bytes.length !== block.bytes.length) return false;
  return masked(bytes, block.bits).every((byte, at) => byte === block.bytes[at]);
}

/**
 * Where a request came from: `CF-Connecting-IP` as the edge sets it, nothing else. `local` lets a request without it count
 * as the machine itself; elsewhere a missing or unreadable one is no address at all.
 */
export function clientAddress(headers: ReadHeaders, local: boolean): ClientAddress {
  const text = headers.get("cf-connecting-ip");
  const ip = text === null ? (local ? "127.0.0.1" : null) : canonicalAddress(text);
  const viaWorker = headers.has("cf-worker") || (ip !== null && blockContains(WORKER_BLOCK, ip));
  return { ip, viaWorker };
}

function parseIpv4(text: string): number[] | null {
  const parts = text.split(".");
  if (parts.length !== 4) return null;
  const bytes = parts.map((part) => (/^(?:0|[1-9][0-9]{0,2})$/.test(part) ? Number(part) : 256));
  return bytes.every((byte) => byte < 256) ? bytes : null;
}

/** RFC 4291 §2.2, all three forms; `::` stands for at least one group. */
function parseIpv6(text: string): number[] | null {
  const halves = text.split("::");
  if (halves.length > 2) return null;
  const head = ipv6Groups(halves[0] ?? "", halves.length === 1);
  const tail = halves[1] === undefined ? [] : ipv6Groups(halves[1], true);
  if (head === null || tail === null) return null;
  const missing = 16 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 2) return null;
  return [...head, ...Array.from({ length: missing }, () => 0), ...tail];
}

/** Bytes of colon-separated groups; the last may be dotted when it ends the address. */
function ipv6Groups(text: string, mayEndDotted: boolean): number[] | null {
  if (text === "") return [];
  const bytes: number[] = [];
  const groups = text.split(":");
  for (const [index, group] of groups.entries()) {
    if (/^[0-9A-Fa-f]{1,4}$/.test(group)) {
      const value = Number.parseInt(group, 16);
      bytes.push(value >> 8, value & 255);
      continue;
    }
    const dotted = mayEndDotted && index === groups.length - 1 ? parseIpv4(group) : null;
    if (dotted === null) return null;
    bytes.push(...dotted);
  }
  return bytes;
}

function isMapped(bytes: AddressBytes): boolean {
  if (bytes.length !== 16 || bytes[10] !== 255 || bytes[11] !== 255) return false;
  return bytes.slice(0, 10).every((byte) => byte === 0);
}

function formatIpv6(bytes: AddressBytes): string {
  const groups = Array.from({ length: 8 }, (_, at) => (bytes[at * 2] ?? 0) * 256 + (bytes[at * 2 + 1] ?? 0));
  let best = { at: -1, length: 1 };
  for (let at = 0; at < 8; at++) {
    let length = 0;
    while (at + length < 8 && groups[at + length] === 0) length++;
    if (length > best.length) best = { at, length };
  }
  const text = (part: readonly number[]) => part.map((group) => group.toString(16)).join(":");
  if (best.at < 0) return text(groups);
  return `${text(groups.slice(0, best.at))}::${text(groups.slice(best.at + best.length))}`;
}

function masked(bytes: AddressBytes, bits: number): number[] {
  return bytes.map((byte, at) => {
    const kept = Math.min(8, Math.max(0, bits - at * 8));
    return byte & (0xff00 >> kept) & 0xff;
  });
}
