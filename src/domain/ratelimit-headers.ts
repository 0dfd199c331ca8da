/**
 * `RateLimit` and `RateLimit-Policy` for answers (draft-ietf-httpapi-ratelimit-headers-10), as structured fields
 * (RFC 9651): one list member for each limit, `"name";r=remaining;t=seconds` and `"name";q=quota;w=window`. Pure.
 */
import type { LimitStatus } from "./admission.ts";

/** Members a header names at most: the tightest limits come first. */
const MAX_MEMBERS = 8;
const PLAIN_NAME = /^[ !#-[\]-~]*$/;
/** Largest integer of a structured field (RFC 9651 §3.3.1). */
const MAX_INTEGER = 999_999_999_999_999;

/** No header for a call without limits. Keys are lower-case header names. */
export function rateLimitHeaders(limits: readonly LimitStatus[]): Readonly<Record<string, string>> {
  if (limits.length === 0) return {};
  const shown = [...limits].sort((a, b) => share(a) - share(b)).slice(0, MAX_MEMBERS);
  return {
    ratelimit: shown.map(stateMember).join(", "),
    "ratelimit-policy": shown.map(policyMember).join(", "),
  };
}

function share(limit: LimitStatus): number {
  return limit.limit === 0 ? 0 : limit.remaining / limit.limit;
}

function stateMember(limit: LimitStatus): string {
  return `${name(limit)};r=${integer(limit.remaining)};t=${integer(limit.resetSeconds)}`;
}

function policyMember(limit: LimitStatus): string {
  const unit = limit.unit === "requests" ? "" : ';qu="usd-micros"';
  return `${name(limit)};q=${integer(limit.limit)}${unit};w=${integer(limit.windowSeconds)}`;
}

/** A string of RFC 9651 §3.3.3: printable ASCII, quote and backslash escaped. */
function name(limit: LimitStatus): string {
  if (PLAIN_NAME.test(limit.name)) return `"${limit.name}"`;
  const printable = limit.name.replaceAll(/[^\x20-\x7e]/g, "_").replaceAll(/["\\]/g, "\\$&");
  return `"${printable}"`;
}

function integer(value: number): number {
  return Math.min(MAX_INTEGER, Math.max(0, Math.trunc(value)));
}
