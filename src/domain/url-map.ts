/**
 * Where a vendor's URLs answer on the proxy, for one call: by the same way by which the caller came, so that an SDK that
 * follows a link keeps its token (fetch drops it when a redirect leaves the origin). Pure.
 */
import type { ConnectionDocument } from "./documents.ts";
import type { UrlMap } from "./rewrite.ts";
import { proxyBaseOf, type ProxyRoute } from "./route.ts";

export interface UrlMapInput {
  readonly connection: Pick<ConnectionDocument, "baseUrl" | "origins">;
  readonly route: ProxyRoute;
  /** `request.url` as the runtime gives it. */
  readonly requestUrl: string;
  /** Public origin of the proxy; null: the request's own. */
  readonly proxyOrigin: string | null;
}

/** The origin that was called first: what the vendor writes as a path is meant from there. */
export function urlMapFor(input: UrlMapInput): UrlMap {
  const { connection, route } = input;
  const seen = new URL(input.requestUrl);
  const origin = route.prefix === "" ? seen.origin : callersOrigin(seen, input.proxyOrigin);
  const bases = [
    { name: null, upstreamBase: connection.baseUrl },
    ...connection.origins.map(({ name, baseUrl }) => ({ name, upstreamBase: baseUrl })),
  ].map(({ name, upstreamBase }) => ({ name, upstreamBase, proxyBase: proxyBaseOf(route, origin, name) }));
  const called = bases.find(({ name }) => name === route.originName) ?? bases[0];
  return {
    upstreamBase: called?.upstreamBase ?? connection.baseUrl,
    proxyBase: called?.proxyBase ?? proxyBaseOf(route, origin, null),
    alsoFrom: bases.filter((base) => base !== called),
    calledPath: route.rawPath,
  };
}

/**
 * The origin that the caller used, unless something before the proxy took TLS off: then the configured one. A local caller
 * may come as `localhost` or as an address; both are right, and each must get its own back.
 */
function callersOrigin(seen: URL, configured: string | null): string {
  if (configured === null || seen.protocol === "https:" || configured.startsWith("http:")) return seen.origin;
  return configured;
}
