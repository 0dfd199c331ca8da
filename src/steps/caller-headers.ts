/** The headers of a vendor's answer as the caller gets them: cleaned, masked, pointed at the proxy, RelayKey's own on top. */
import type { LimitStatus } from "../domain/admission.ts";
import type { HeaderMap, ReadHeaders } from "../domain/header-map.ts";
import { maskText } from "../domain/mask.ts";
import { rateLimitHeaders } from "../domain/ratelimit-headers.ts";
import { callerResponseHeaders, type CallerHeaderOptions } from "../domain/response-headers.ts";
import { rewriteLinkHeader, rewriteLocation, type UrlMap } from "../domain/rewrite.ts";

export interface CallerHeaders {
  readonly value: HeaderMap;
  /** Whether one of the vendor's held the key. */
  readonly masked: boolean;
}

/** What RelayKey itself tells the caller of this call. */
export interface OwnFacts {
  readonly requestId: string;
  readonly limits: readonly LimitStatus[];
  /** Of a payment, if there was one. */
  readonly receipt: Readonly<Record<string, string>>;
}

/**
 * @param forms the spellings of the master key that must not get through
 * @param map made only when a header names a URL
 */
export function callerHeaders(
  upstream: ReadHeaders,
  forms: readonly Uint8Array[],
  map: () => UrlMap,
  own: OwnFacts,
  options: CallerHeaderOptions,
): CallerHeaders {
  let masked = false;
  const value = callerResponseHeaders(upstream, options, (name, text) => {
    const safe = maskText(text, forms);
    masked ||= safe !== text;
    return name === "location" ? rewriteLocation(safe, map()) : name === "link" ? rewriteLinkHeader(safe, map()) : safe;
  });
  for (const [name, text] of Object.entries(rateLimitHeaders(own.limits))) value.set(name, text);
  for (const [name, text] of Object.entries(own.receipt)) value.set(name, text);
  value.set("x-relaykey-request-id", own.requestId);
  value.set("x-relaykey-source", "upstream");
  return { value, masked };
}
