/**
 * Where RelayKey may connect to. Judges a URL's text when it is saved and again before each call; it never resolves a name.
 *
 * Always holds of what it accepts: https (or, with `allowPrivate`, http); no user, password or fragment; a host that is
 * a public name or a public address, in the spelling that the URL standard gives it; and a path without second readings.
 * Refused in any spelling: private, loopback, link-local, metadata, carrier-grade, multicast, reserved, documentation and
 * benchmarking addresses, and IPv6 addresses that carry an IPv4 address inside. `allowPrivate` (local development) opens
 * private and loopback addresses and local names, and nothing else of these.
 */
import { type AddressBytes, type Block, blockHolds, parseAddress, parseBlock } from "./address.ts";
import { err, ok, type Result } from "./result.ts";

export const MAX_URL_CHARS = 2_048;

export interface EgressOptions {
  readonly allowPrivate: boolean;
}

/** `problem` is a word for code, `detail` a sentence for the person who typed the URL. */
export interface EgressProblem {
  readonly problem:
    | "not_a_url"
    | "too_long"
    | "scheme"
    | "userinfo"
    | "query"
    | "fragment"
    | "path"
    | "host"
    | "port"
    | "private_host";
  readonly detail: string;
}

export interface BaseUrl {
  /** Canonical, without trailing slash. */
  readonly href: string;
  readonly origin: string;
  /** Without trailing slash; "" for the root. */
  readonly basePath: string;
}

/** Checks a connection's base URL: no query, and a plain path. */
export function checkBaseUrl(text: string, options: EgressOptions): Result<BaseUrl, EgressProblem> {
  const checked = checkUrl(text, options);
  if (!checked.ok) return checked;
  const url = checked.value;
  if (!PLAIN_PATH.test(url.pathname)) return err(NOT_PLAIN);
  if (text.includes("?")) return err({ problem: "query", detail: "A base URL has no query." });
  const basePath = url.pathname.replace(/\/$/, "");
  return ok({ href: url.origin + basePath, origin: url.origin, basePath });
}

/** Checks a URL that is called as it stands (token endpoint, webhook, facilitator); gives it in canonical form. */
export function checkEgressUrl(text: string, options: EgressOptions): Result<string, EgressProblem> {
  const checked = checkUrl(text, options);
  return checked.ok ? ok(checked.value.href) : checked;
}

/** Whether a URL that is about to be called still lies under its base: the last check before each call. */
export function sameEgress(url: string, base: BaseUrl): boolean {
  const parsed = parseUrl(url);
  if (parsed === null || parsed.origin !== base.origin || parsed.username !== "" || parsed.password !== "")
    return false;
  return base.basePath === "" || parsed.pathname === base.basePath || parsed.pathname.startsWith(`${base.basePath}/`);
}

function checkUrl(text: string, options: EgressOptions): Result<URL, EgressProblem> {
  if (text.length > MAX_URL_CHARS) {
    return err({ problem: "too_long", detail: `A URL has at most ${MAX_URL_CHARS} characters.` });
  }
  // Printable ASCII without backslash and friends: the URL parser would silently drop or turn the rest.
  const shape = /^([a-z][a-z0-9+.-]*):\/\/([^/?#\\]*)([^?#\\]*)([^#\\]*)$/i.exec(text);
  const url = /^[\x21-\x7e]+$/.test(text) && shape !== null ? parseUrl(text) : null;
  if (shape === null || url === null) return err(shapeProblem(text));
  if (url.protocol !== "https:" && !(options.allowPrivate && url.protocol === "http:")) {
    return err({ problem: "scheme", detail: "The URL must start with https://." });
  }
  const problem = authorityProblem(shape[2] ?? "", url) ?? pathProblem(shape[3] ?? "", url);
  if (problem !== null) return err(problem);
  const host = (shape[2] ?? "").toLowerCase().replace(/:[0-9]*$/, "");
  return hostVerdict(url.hostname, options) ?? spellingVerdict(host, url.hostname) ?? ok(url);
}

/** A public address in a second spelling is refused too: what is shown to people is what is called. */
function spellingVerdict(written: string, read: string): Result<never, EgressProblem> | null {
  if (written === read) return null;
  return err({ problem: "host", detail: `The host must be written as ${read}.` });
}

function parseUrl(text: string): URL | null {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}

function shapeProblem(text: string): EgressProblem {
  if (text.includes("#")) return { problem: "fragment", detail: "The URL must have no fragment." };
  return {
    problem: "not_a_url",
    detail: "The URL must be absolute and in ASCII (write other host names in punycode, xn--…).",
  };
}

function authorityProblem(authority: string, url: URL): EgressProblem | null {
  if (authority.includes("@") || url.username !== "" || url.password !== "") {
    return { problem: "userinfo", detail: "The URL must not hold a user name or password." };
  }
  if (url.port === "0" || authority.endsWith(":")) {
    return { problem: "port", detail: "The port must be a number from 1 to 65535." };
  }
  return null;
}

/** What the parser would change is refused instead of repaired. */
function pathProblem(path: string, url: URL): EgressProblem | null {
  return (path === "" ? "/" : path) === url.pathname ? null : NOT_PLAIN;
}

/** A base path has no escapes and no parameters, since every path that is judged begins with it. */
const PLAIN_PATH = /^(?:\/[A-Za-z0-9._~!$&'()*+,=:@-]+)*\/?$/;
const NOT_PLAIN: EgressProblem = {
  problem: "path",
  detail: "The path must be plain: no empty or dot segments; in a base URL no escapes and no semicolons either.",
};

function hostVerdict(hostname: string, options: EgressOptions): Result<never, EgressProblem> | null {
  const address = hostAddress(hostname);
  const kind = address === null ? nameKind(hostname) : addressKind(address);
  if (kind === "public" || (kind === "private" && options.allowPrivate)) return null;
  if (kind === "invalid") return err({ problem: "host", detail: "The host must be a full name without trailing dot." });
  return err({
    problem: "private_host",
    detail: "The host must be public: it may not name a private or special address.",
  });
}

type HostKind = "public" | "private" | "special" | "invalid";

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
