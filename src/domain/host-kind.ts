/**
 * What a URL's host is: public, private (opened for local development alone), special (never called), or no proper host.
 * Judges the text; it never resolves a name. What no rule knows among addresses is special, among names public.
 */
import { type AddressBytes, type Block, blockHolds, parseAddress, parseBlock } from "./address.ts";

export type HostKind = "public" | "private" | "special" | "invalid";

/** @param hostname as the URL parser gives it: lower case, IPv4 dotted, IPv6 in brackets */
export function hostKind(hostname: string): HostKind {
  const address = hostAddress(hostname);
  return address === null ? nameKind(hostname) : addressKind(address);
}

/** Bytes of a host that is an address. Mapped addresses keep their sixteen bytes: they are refused as such. */
function hostAddress(hostname: string): AddressBytes | null {
  if (!hostname.startsWith("[")) return parseAddress(hostname);
  const inner = hostname.slice(1, -1);
  return /^::ffff:/i.test(inner) ? MAPPED : parseAddress(inner);
}

/** Stands for every IPv4-mapped address; lies outside the one public IPv6 block. */
const MAPPED: AddressBytes = Array.from({ length: 16 }, () => 0);

function nameKind(name: string): HostKind {
  if (!/^[a-z0-9_](?:[a-z0-9._-]*[a-z0-9])?$/.test(name) || name.includes("..") || name.length > 253) return "invalid";
  if (METADATA_NAMES.has(name)) return "special";
  const labels = name.split(".");
  if (labels.length === 1) return "private";
  for (let at = 1; at <= labels.length; at++) {
    if (PRIVATE_SUFFIXES.has(labels.slice(-at).join("."))) return "private";
  }
  // A last label of digits is an address by RFC 1123 §2.1; the URL parser has turned down or read those it knows.
  return /^(?:[0-9]+|0x[0-9a-f]*)$/.test(labels.at(-1) ?? "") ? "invalid" : "public";
}

const METADATA_NAMES: ReadonlySet<string> = new Set([
  "metadata",
  "metadata.google.internal",
  "metadata.goog",
  "instance-data",
  "instance-data.ec2.internal",
]);

/** Names that stay inside a network, and public services whose names resolve to whatever address is written in them. */
const PRIVATE_SUFFIXES: ReadonlySet<string> = new Set([
  "localhost",
  "local",
  "localdomain",
  "internal",
  "intranet",
  "private",
  "corp",
  "home",
  "lan",
  "arpa",
  "onion",
  "nip.io",
  "sslip.io",
  "xip.io",
  "1u.ms",
  "rbndr.us",
  "traefik.me",
  "localtest.me",
  "local.gd",
  "lvh.me",
  "vcap.me",
  "lacolhost.com",
  "localho.st",
  "localhost.direct",
  "backname.io",
  "ip6.name",
]);

function addressKind(bytes: AddressBytes): HostKind {
  if (SPECIAL_BLOCKS.some((block) => blockHolds(block, bytes))) return "special";
  if (PRIVATE_BLOCKS.some((block) => blockHolds(block, bytes))) return "private";
  if (bytes.length === 4) return "public";
  return blockHolds(GLOBAL_UNICAST, bytes) && !isIsatap(bytes) ? "public" : "special";
}

/** RFC 5214 §6.1: an IPv4 address inside an interface identifier. */
function isIsatap(bytes: AddressBytes): boolean {
  return (bytes[8] === 0 || bytes[8] === 2) && bytes[9] === 0 && bytes[10] === 0x5e && bytes[11] === 0xfe;
}

function blocks(...texts: readonly string[]): readonly Block[] {
  return texts.map((text) => {
    const block = parseBlock(text);
    if (block === null) throw new Error(`not a block: ${text}`);
    return block;
  });
}

/** Opened by `allowPrivate`: RFC 1918, loopback, carrier-grade NAT (RFC 6598), unique local (RFC 4193). */
const PRIVATE_BLOCKS = blocks(
  "10.0.0.0/8",
  "127.0.0.0/8",
  "100.64.0.0/10",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "::1",
  "fc00::/7",
);

/** Never opened: the IANA special-purpose registries (RFC 6890 and its updates), clouds' own service addresses, multicast. */
const SPECIAL_BLOCKS = blocks(
  "0.0.0.0/8",
  "100.100.100.200",
  "168.63.129.16",
  "169.254.0.0/16",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.31.196.0/24",
  "192.52.193.0/24",
  "192.88.99.0/24",
  "192.175.48.0/24",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/4",
  "240.0.0.0/4",
  "fd00:ec2::254",
  "fd20:ce::254",
  "64:ff9b::/96",
  "64:ff9b:1::/48",
  "2001::/23",
  "2001:db8::/32",
  "2002::/16",
  "2620:4f:8000::/48",
  "3fff::/20",
);

/** Of IPv6 only this is handed out for the public Internet (RFC 4291 §2.4); translation and mapped prefixes lie outside. */
const GLOBAL_UNICAST: Block = { bytes: [0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], bits: 3 };
