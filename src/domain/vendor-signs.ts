/**
 * How a vendor says wait, limit or refused: statuses, headers and body signs, as the connection's reliability policy
 * names them. Pure: reads values, decides nothing about repeating.
 */
import type { ReadHeaders } from "./header-map.ts";
import type { Reliability } from "./reliability.ts";

/** Bytes of a body that are searched for a sign. */
export const SIGN_BODY_BYTES = 4_096;
/** A vendor cannot hold a connection for longer than this in one answer. */
export const MAX_WAIT_MS = 3_600_000;
/** Numbers of seconds above this are taken for epoch seconds (some vendors put a time where a delay belongs). */
const EPOCH_SECONDS_FROM = 1_000_000_000;

export interface VendorSigns {
  /**
   * `limited`: the vendor wants fewer calls; `refused`: it does not accept the key; `failing`: it is not working
   * (counts for the circuit breaker); `ok`: anything else, errors of the caller's making included.
   */
  readonly kind: "ok" | "limited" | "refused" | "failing";
  /** How long the vendor wants no calls, in ms from now; null: it did not say. */
  readonly waitMs: number | null;
  /** The vendor's own word on repeating this call; null: none. */
  readonly shouldRetry: boolean | null;
  /** What is left of the vendor's quota and when it is whole again; null: the vendor did not say. */
  readonly quota: VendorQuotaLeft | null;
}

export interface VendorQuotaLeft {
  readonly remaining: number;
  /** Epoch ms. */
  readonly resetMs: number;
}

type SignRule = Reliability["limitSigns"][number];

/** Whether a body's beginning must be known before this answer can be judged. */
export function needsBodyStart(reliability: Reliability, status: number, headers: ReadHeaders): boolean {
  if (status === 429) return false;
  const rules = [...reliability.limitSigns, ...(reliability.refusedSigns ?? [])];
  return rules.some((rule) => rule.bodyIncludes !== null && headSigns(rule, status, headers));
}

export function readVendorSigns(
  reliability: Reliability,
  status: number,
  headers: ReadHeaders,
  bodyStart: string | null,
  nowMs: number,
): VendorSigns {
  const quota = leastQuota(reliability, headers, nowMs);
  const limited = status === 429 || reliability.limitSigns.some((rule) => matches(rule, status, headers, bodyStart));
  const refused =
    status === 401 || (reliability.refusedSigns ?? []).some((rule) => matches(rule, status, headers, bodyStart));
  const stated = statedWaitMs(headers, nowMs) ?? fixedWaitMs(reliability, status, headers, bodyStart);
  const untilReset = quota !== null && quota.remaining <= 0 ? Math.max(0, quota.resetMs - nowMs) : null;
  const failing = isFailing(status);
  const kind = limited ? "limited" : refused ? "refused" : failing ? "failing" : "ok";
  // A 503 with Retry-After is a plea to wait too; a 3xx may carry it with another meaning (RFC 9110 §10.2.3).
  const waits = limited || status === 503;
  const waitMs = waits ? (stated ?? (limited ? untilReset : null)) : kind === "ok" ? untilReset : null;
  return {
    kind,
    waitMs: waitMs === null ? null : Math.min(MAX_WAIT_MS, waitMs),
    shouldRetry: status >= 400 ? vendorWord(headers) : null,
    quota,
  };
}

/**
 * Answers that speak of the vendor's state. Other 5xx (501, 505, 508, 511 …) speak of the request or the way to the vendor,
 * and one caller's strange requests must not hold everyone back.
 */
function isFailing(status: number): boolean {
  if (status < 200 || status > 599) return true;
  return status === 500 || (status >= 502 && status <= 504) || (status >= 520 && status <= 530) || status >= 598;
}

function headSigns(rule: SignRule, status: number, headers: ReadHeaders): boolean {
  if (rule.statuses.length > 0 && !rule.statuses.includes(status)) return false;
  if (rule.header === null) return true;
  // `name` alone asks for presence, `name: value` for that value.
  const colon = rule.header.indexOf(":");
  if (colon < 0) return headers.has(rule.header);
  return headers.get(rule.header.slice(0, colon).trim())?.trim() === rule.header.slice(colon + 1).trim();
}

function matches(rule: SignRule, status: number, headers: ReadHeaders, bodyStart: string | null): boolean {
  if (!headSigns(rule, status, headers)) return false;
  return rule.bodyIncludes === null || (bodyStart?.includes(rule.bodyIncludes) ?? false);
}

/** For vendors that document a fixed pause and state none in the answer. */
function fixedWaitMs(
  reliability: Reliability,
  status: number,
  headers: ReadHeaders,
  body: string | null,
): number | null {
  const rule = reliability.limitSigns.find(
    (each) => each.waitSeconds !== undefined && matches(each, status, headers, body),
  );
  return rule?.waitSeconds === undefined ? null : rule.waitSeconds * 1000;
}

/** `Retry-After` in its two forms, and the millisecond form that some vendors add. */
export function statedWaitMs(headers: ReadHeaders, nowMs: number): number | null {
  const exact = Number(headers.get("retry-after-ms") ?? "");
  if (exact > 0) return Math.ceil(exact);
  const text = headers.get("retry-after")?.trim() ?? "";
  if (text === "") return null;
  if (/^\d{1,12}(\.\d{1,6})?$/.test(text)) {
    const seconds = Number(text);
    return Math.ceil(seconds >= EPOCH_SECONDS_FROM ? Math.max(0, seconds * 1000 - nowMs) : seconds * 1000);
  }
  // Date.parse alone would read dates into almost anything.
  const atMs = /^[A-Z][a-z]+,? .*\d\d:\d\d|^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(atMs) ? null : Math.max(0, atMs - nowMs);
}

/** The scarcest of the quotas that the answer states. */
function leastQuota(reliability: Reliability, headers: ReadHeaders, nowMs: number): VendorQuotaLeft | null {
  let least: VendorQuotaLeft | null = null;
  for (const rule of reliability.quotaHeaders) {
    const remaining = headers.get(rule.remaining)?.trim() ?? "";
    if (!/^-?\d{1,15}(\.\d+)?$/.test(remaining)) continue;
    const resetMs = resetAtMs(headers.get(rule.reset)?.trim() ?? "", rule.unit, nowMs);
    if (resetMs === null) continue;
    const left = { remaining: Math.max(0, Math.floor(Number(remaining))), resetMs };
    if (least === null || left.remaining < least.remaining || (left.remaining === 0 && left.resetMs > least.resetMs)) {
      least = left;
    }
  }
  return least;
}

function resetAtMs(text: string, unit: Reliability["quotaHeaders"][number]["unit"], nowMs: number): number | null {
  if (unit === "duration") {
    const ms = durationMs(text);
    return ms === null ? null : nowMs + ms;
  }
  if (!/^\d{1,15}(\.\d+)?$/.test(text)) {
    // Several vendors write RFC 3339 where others write a number.
    const atMs = /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : Number.NaN;
    return Number.isNaN(atMs) ? null : atMs;
  }
  const value = Number(text);
  if (unit === "epoch_ms") return value;
  return unit === "epoch_seconds" ? Math.ceil(value * 1000) : nowMs + Math.ceil(value * 1000);
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `6m0s`, `1.5s`, `20ms`, `1h2m3s` in ms; null when it is not of that form. */
export function durationMs(text: string): number | null {
  if (text.length === 0 || text.length > 40 || !/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(text)) return null;
  let sum = 0;
  for (const [, value, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) {
    sum += Number(value) * (UNIT_MS[unit ?? ""] ?? 0);
  }
  return Math.ceil(sum);
}

/** `x-should-retry` and its vendor-prefixed forms (`…-should-retry`). */
function vendorWord(headers: ReadHeaders): boolean | null {
  for (const [name, value] of headers) {
    if (!name.endsWith("should-retry")) continue;
    const word = value.trim().toLowerCase();
    if (word === "true" || word === "false") return word === "true";
  }
  return null;
}
