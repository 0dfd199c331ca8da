/**
 * Which of a connection's origins a path belongs to. The choice looks at the connection's own list alone; a request can
 * name an origin of the list (by host name) but never bring one.
 */
import type { ConnectionDocument } from "./documents.ts";

export interface UpstreamBase {
  /** Scheme, host and port. */
  readonly origin: string;
  /** Without trailing slash; "" for the root. */
  readonly basePath: string;
}

const parsed = new Map<string, UpstreamBase>();
const MAX_PARSED = 1_000;

/** Null when the connection lists no origin of that name. */
export function upstreamBase(
  connection: ConnectionDocument,
  path: string,
  originName: string | null,
): UpstreamBase | null {
  if (originName !== null) {
    const named = connection.origins.find((other) => other.name === originName);
    return named === undefined ? null : split(named.baseUrl);
  }
  const prefixed = connection.origins.find((other) =>
    other.pathPrefixes.some((prefix) => path === prefix || path.startsWith(`${prefix}/`)),
  );
  return split((prefixed ?? connection).baseUrl);
}

/** Base URLs are canonical when they are stored, so cutting them apart needs no parser's opinion. */
function split(baseUrl: string): UpstreamBase {
  const known = parsed.get(baseUrl);
  if (known !== undefined) return known;
  const afterScheme = baseUrl.indexOf("://") + 3;
  const slash = baseUrl.indexOf("/", afterScheme);
  const base =
    slash === -1
      ? { origin: baseUrl, basePath: "" }
      : { origin: baseUrl.slice(0, slash), basePath: baseUrl.slice(slash).replace(/\/$/, "") };
  if (parsed.size >= MAX_PARSED) parsed.clear();
  parsed.set(baseUrl, base);
  return base;
}
