/**
 * Which of the proxy's routes a request takes, read from the URL as it came over the wire.
 *
 * Never uses `new URL()` or a router: both collapse dot segments and decode, and would judge another path than the one
 * that is sent. Nothing is decoded here; a connection's segment either reads as an id or the route does not exist.
 */
export const MAX_URL_BYTES = 16_384;

/** A call to a vendor. */
export interface ProxyRoute {
  readonly kind: "proxy";
  readonly connectionId: string;
  /** Of `{origin}.{partner}.{proxy domain}` and `/{connection}.{origin}/…`; null: the connection's own base. */
  readonly originName: string | null;
  /** As it came, beginning with "/", or "" when nothing follows the connection. */
  readonly rawPath: string;
  /** As it came, without "?". */
  readonly rawQuery: string;
  /** What the caller put before the vendor's path: `/conn_hubspot`, `/proxy/hubspot`, or "" for host routing. */
  readonly prefix: string;
}

export type Route =
  | { readonly kind: "health" | "whoami" | "prompt" | "not_found" }
  /** The URL itself cannot be used; `detail` is a sentence for the caller. */
  | { readonly kind: "invalid"; readonly detail: string }
  | ProxyRoute;

/** Same form as the ids that the admin API gives out and accepts. */
const CONNECTION_ID = /^conn_[a-z0-9][a-z0-9_-]{0,47}$/;
/** Name of a further origin of a connection. */
const ORIGIN_NAME = /^[a-z0-9][a-z0-9-]{0,31}$/;
/** Scheme, authority, and the rest. A backslash ends the authority because URL parsers read it as a slash. */
const URL_PARTS = /^https?:\/\/([^/?#\\]*)(.*)$/is;
/** Name or IPv4 with optional port, or bracketed IPv6 with optional port. No user info, nothing else. */
const AUTHORITY = /^(?:([a-z0-9](?:[a-z0-9._-]{0,252}))|\[[0-9a-f:.]{2,45}\])(?::[0-9]{1,5})?$/;

/**
 * @param rawUrl `request.url` as the runtime gives it
 * @param options.proxyDomain lower-case domain below which the first label names the connection; null: no host routing
 */
export function resolveRoute(rawUrl: string, options: { readonly proxyDomain: string | null }): Route {
  if (rawUrl.length > MAX_URL_BYTES) return invalid(`The URL is longer than ${MAX_URL_BYTES} bytes.`);
  const parts = URL_PARTS.exec(rawUrl);
  if (parts === null) return invalid("The URL is not an http or https URL.");
  const authority = AUTHORITY.exec((parts[1] ?? "").toLowerCase());
  if (authority === null) return invalid("The Host header is not a host name.");
  const rest = parts[2] ?? "";
  const mark = rest.indexOf("?");
  const rawPath = mark === -1 ? rest : rest.slice(0, mark);
  const rawQuery = mark === -1 ? "" : rest.slice(mark + 1);
  if (rawPath !== "" && !rawPath.startsWith("/")) return invalid("The path must begin with /.");
  const own = ownRoute(rawPath);
  if (own !== null) return own;
  const labels = labelsBelow(authority[1] ?? "", options.proxyDomain);
  if (labels !== null) return hostRoute(labels, rawPath, rawQuery);
  if (rawPath === "/health") return { kind: "health" };
  return pathRoute(rawPath, rawQuery);
}

function invalid(detail: string): Route {
  return { kind: "invalid", detail };
}

function ownRoute(rawPath: string): Route | null {
  if (rawPath === "/.relaykey/whoami") return { kind: "whoami" };
  if (rawPath === "/.relaykey/prompt") return { kind: "prompt" };
  return rawPath === "/.relaykey" || rawPath.startsWith("/.relaykey/") ? { kind: "not_found" } : null;
}

/** The labels of `host` that stand before the proxy domain; null when the host is not below it. */
function labelsBelow(host: string, proxyDomain: string | null): readonly string[] | null {
  if (proxyDomain === null || proxyDomain === "") return null;
  const suffix = `.${proxyDomain.toLowerCase()}`;
  return host.endsWith(suffix) ? host.slice(0, -suffix.length).split(".") : null;
}

function hostRoute(labels: readonly string[], rawPath: string, rawQuery: string): Route {
  const partner = labels[labels.length - 1] ?? "";
  const connectionId = partnerConnection(partner);
  const originName = labels.length === 2 ? (labels[0] ?? "") : null;
  if (connectionId === null || labels.length > 2 || originName === "") return { kind: "not_found" };
  return { kind: "proxy", connectionId, originName, rawPath, rawQuery, prefix: "" };
}

function pathRoute(rawPath: string, rawQuery: string): Route {
  const named = rawPath.startsWith("/proxy/");
  const start = named ? "/proxy/".length : 1;
  const slash = rawPath.indexOf("/", start);
  const end = slash === -1 ? rawPath.length : slash;
  const segment = rawPath.slice(start, end);
  const dot = segment.indexOf(".");
  const partner = dot === -1 ? segment : segment.slice(0, dot);
  const originName = dot === -1 ? null : segment.slice(dot + 1);
  const connectionId = named ? partnerConnection(partner) : CONNECTION_ID.test(partner) ? partner : null;
  if (connectionId === null || (originName !== null && !ORIGIN_NAME.test(originName))) return { kind: "not_found" };
  const prefix = rawPath.slice(0, end);
  return { kind: "proxy", connectionId, originName, rawPath: rawPath.slice(end), rawQuery, prefix };
}

/**
 * Where the caller reaches an origin of the route's connection, by the same kind of route by which it came: scheme, host
 * and prefix. `originName` null: the connection's own base. `proxyOrigin` is the origin that the caller used.
 */
export function proxyBaseOf(route: ProxyRoute, proxyOrigin: string, originName: string | null): string {
  const suffix = route.originName === null ? 0 : route.originName.length + 1;
  if (route.prefix === "") {
    const [scheme = "", host = ""] = proxyOrigin.split("//");
    const own = host.slice(suffix);
    return `${scheme}//${originName === null ? own : `${originName}.${own}`}`;
  }
  const own = route.prefix.slice(0, route.prefix.length - suffix);
  return `${proxyOrigin}${originName === null ? own : `${own}.${originName}`}`;
}

/** A partner is named by the connection's id, with or without `conn_`. */
function partnerConnection(partner: string): string | null {
  const id = partner.startsWith("conn_") ? partner : `conn_${partner}`;
  return CONNECTION_ID.test(id) ? id : null;
}
