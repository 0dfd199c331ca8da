/**
 * Points the vendor's URLs back at the proxy: in `Location`, in `Link`, and in named members of JSON answers.
 *
 * Only what lies at or below a known base is changed; what follows the base stays character for character. URLs of other origins
 * (pre-signed storage) pass as they are: RelayKey does not speak for them. A client that follows sends its token along to the
 * proxy, so neither a header of a vendor's nor a named member with a whole URL leads to anything of the proxy's but this connection.
 */
import { JsonMemberRewriter } from "./json-members.ts";

/** Where JSON answers commonly say where they go on; what does not point at the vendor's base stays as it is. */
export const COMMON_URL_MEMBERS: readonly string[] = [
  "next",
  "next_url",
  "next_page_url",
  "previous",
  "links.next",
  "links.prev",
  "_links.next.href",
  "meta.next",
  "paging.next.link",
];

/** Bases are canonical and without trailing slash. The longest base that fits a URL decides. */
export interface UrlMap {
  readonly upstreamBase: string;
  /** Where `upstreamBase` answers on the proxy: scheme, host and prefix. */
  readonly proxyBase: string;
  readonly alsoFrom: readonly { readonly upstreamBase: string; readonly proxyBase: string }[];
  /** What was called below the base, from a slash and without a query; "": the base itself. */
  readonly calledPath: string;
}

/** A base, taken apart for comparison. */
interface Target {
  readonly secure: boolean;
  /** Host and port, the scheme's own port left out. */
  readonly authority: string;
  readonly path: string;
  readonly origin: string;
  readonly proxyBase: string;
  readonly proxyHost: string;
  readonly proxyPath: string;
}

/**
 * The value of `Location` (RFC 9110 §10.2.2). A path that begins with a slash is meant from the vendor's root: below the
 * base it becomes a path on the proxy, elsewhere the vendor's absolute URL, which no proxy path can mean. Null: it leads to
 * another part of the proxy, and is not passed on.
 */
export function rewriteLocation(value: string, map: UrlMap): string | null {
  return followed(value, map, targetsOf(map));
}

/** A vendor's longer `Link` passes unread: quotes that never close would be looked at from each of them anew. */
const MAX_LINK_CHARS = 8_192;

/**
 * The value of `Link` (RFC 8288 §3): each target between angle brackets, as a `Location` would be; parameters stay as they
 * are. Null: one leads to another part of the proxy, and none is passed on.
 */
export function rewriteLinkHeader(value: string, map: UrlMap): string | null {
  if (value.length > MAX_LINK_CHARS) return value;
  const targets = targetsOf(map);
  let astray = false;
  const pointed = value.replace(/"(?:[^"\\]|\\.)*"|<([^<>]*)>/g, (whole, target: string | undefined) => {
    if (target === undefined) return whole;
    const url = followed(target.trim(), map, targets);
    astray ||= url === null;
    return url === null || url === target.trim() ? whole : `<${url}>`;
  });
  return astray ? null : pointed;
}

/**
 * Points named string members of a JSON text back at the proxy, while it streams; see `JsonMemberRewriter`. Most texts have
 * none of them, so the map is made when one is met. A URL of another part of the proxy becomes an empty text; a path alone may be
 * a cursor and stays.
 */
export class JsonUrlRewriter extends JsonMemberRewriter {
  constructor(members: readonly string[], map: () => UrlMap) {
    let targets: readonly Target[] | null = null;
    super(members, (value) => {
      targets ??= targetsOf(map());
      const pointed = pointedBack(value, targets);
      const isWhole = pointed === null && WHOLE_URL.test(value);
      return isWhole && strays(value, targets[0]?.proxyBase ?? "", targets) ? "" : pointed;
    });
  }
}

/** As clients read it (WHATWG URL section 4.4): blanks before it and within it, slashes of either kind. */
const WHOLE_URL = /^[\0-\x20]*(?:h\s*t\s*t\s*p\s*(?:s\s*)?:|[\\/]\s*[\\/])/i;

const names = new WeakMap<readonly string[], readonly string[]>();
const decoder = new TextDecoder();

/** Whether a whole JSON text can hold one of these members: a look that costs a small part of reading it. */
export function mayHoldMember(bytes: Uint8Array, members: readonly string[]): boolean {
  let quoted = names.get(members);
  if (quoted === undefined) {
    const last = members.map((member) => member.replaceAll("[]", ".*").split(".").at(-1) ?? "*");
    quoted = last.includes("*") ? [""] : [...new Set(last)].map((name) => JSON.stringify(name));
    names.set(members, quoted);
  }
  const text = decoder.decode(bytes);
  return quoted.some((name) => text.includes(name));
}

/** A URL that clients follow by themselves, as they are to see it; null: it leads astray within the proxy. */
function followed(value: string, map: UrlMap, targets: readonly Target[]): string | null {
  const pointed = pointedBack(value, targets);
  if (pointed !== null) return pointed;
  if (isRootRelative(value)) return `${targets[0]?.origin ?? ""}${value}`;
  if (!strays(value, map.proxyBase + map.calledPath, targets)) return value;
  // Dot segments lead out of the connection, or the base was called without its slash: what it means at the vendor.
  const calledUrl = map.upstreamBase + map.calledPath;
  if (!URL.canParse(value, calledUrl)) return null;
  const meant = new URL(value, calledUrl).href;
  return pointedBack(meant, targets) ?? (strays(meant, calledUrl, targets) ? null : meant);
}

/** The URL on the proxy, or null when it points elsewhere. Relative references other than from the root need no change. */
function pointedBack(value: string, targets: readonly Target[]): string | null {
  if (isRootRelative(value)) {
    // A path says nothing of its host, so it is read against the connection's main base alone.
    const main = targets[0];
    const rest = main === undefined ? null : below(value, main.path);
    if (main === undefined || rest === null) return null;
    const path = main.proxyPath + rest === "" ? "/" : main.proxyPath + rest;
    return strays(path, main.proxyBase, [main]) ? null : path;
  }
  const parts = /^(?:(https?):)?\/\/([^/?#\\]*)([^\\]*)$/is.exec(value);
  if (parts === null) return null;
  const authority = (parts[2] ?? "").toLowerCase();
  let best: { readonly target: Target; readonly rest: string } | null = null;
  for (const target of targets) {
    const rest = isAuthority(authority, parts[1]?.toLowerCase(), target) ? below(parts[3] ?? "", target.path) : null;
    if (rest !== null && (best === null || target.path.length > best.target.path.length)) best = { target, rest };
  }
  if (best === null) return null;
  const url = best.target.proxyBase + best.rest;
  return strays(url, url, [best.target]) ? null : url;
}

/**
 * Whether a client that stands at `seenFrom` and follows the URL comes to the proxy, but not to one of the targets: another
 * connection's, or one that dot segments lead to, in any spelling that a client reads (WHATWG URL; the most lenient).
 */
function strays(value: string, seenFrom: string, targets: readonly Target[]): boolean {
  if (!URL.canParse(value, seenFrom)) return false;
  const { host, pathname } = new URL(value, seenFrom);
  const here = targets.filter(({ proxyHost }) => proxyHost === host);
  const stays = here.some(({ proxyPath }) => pathname === proxyPath || pathname.startsWith(`${proxyPath}/`));
  return here.length > 0 && !stays;
}

/** `//host` is no path, and browsers read `/\` as `//`. */
function isRootRelative(value: string): boolean {
  return /^\/(?![/\\])/.test(value);
}

/** What follows the base path, or null when the text does not lie at or below it. */
function below(text: string, basePath: string): string | null {
  if (!text.startsWith(basePath)) return null;
  const rest = text.slice(basePath.length);
  return rest === "" || /^[/?#]/.test(rest) ? rest : null;
}

/**
 * Whether the authority is the target's. Vendors behind a TLS terminator write `http:` without a port for their own https URLs;
 * the proxy answers for both.
 */
function isAuthority(authority: string, scheme: string | undefined, target: Target): boolean {
  if (scheme === "http" && target.secure) return authority.replace(/:80$/, "") === target.authority;
  if (scheme === "https" && !target.secure) return false;
  return authority.replace(target.secure ? /:443$/ : /:80$/, "") === target.authority;
}

/** The main base first, then the others. */
function targetsOf(map: UrlMap): readonly Target[] {
  return [map, ...map.alsoFrom].map(({ upstreamBase, proxyBase }) => {
    const [origin, path] = splitBase(upstreamBase);
    const secure = !/^http:/i.test(origin);
    const authority = origin.slice(origin.indexOf("//") + 2).toLowerCase();
    return {
      secure,
      authority: authority.replace(secure ? /:443$/ : /:80$/, ""),
      path,
      origin,
      proxyBase: proxyBase.replace(/\/$/, ""),
      proxyHost: new URL(proxyBase).host,
      proxyPath: splitBase(proxyBase)[1],
    };
  });
}

function splitBase(base: string): readonly [string, string] {
  const parts = /^([a-z]+:\/\/[^/?#]*)([^?#]*)/i.exec(base);
  return [parts?.[1] ?? "", (parts?.[2] ?? "").replace(/\/$/, "")];
}
