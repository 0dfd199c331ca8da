/**
 * Rate limits, exact over every window. Pure: time is an argument.
 *
 * The contract of `RateLimit` has two halves, and both always hold:
 *  1. in any half-open window of `perSeconds` at most `requests` are taken (a sliding log, not a refilling bucket: a
 *     bucket with burst `b` lets `b + requests` through in one window);
 *  2. at any instant at most `burst` are taken at once (a leaky bucket that drains at `requests / perSeconds`).
 *
 * The log has one entry per distinct millisecond for limits up to `MAX_EXACT_REQUESTS`, and one per slice of
 * `window / MAX_EXACT_REQUESTS` above; an entry counts until its slice has left the window altogether. A coarse log can
 * therefore refuse a little early (at most 0.2 % of the window), and never admits too much.
 */
import type { RateLimit } from "./limits.ts";

/** Limits up to this many requests are kept to the millisecond; larger ones in this many slices. */
export const MAX_EXACT_REQUESTS = 512;

/** Taken units of one limit. `times` ascends; entries before `head` have left the window. */
export interface RateWindow {
  times: number[];
  counts: number[];
  head: number;
  /** Sum of the counts from `head` on. */
  used: number;
  /** Fill of the burst bucket at `levelMs`, in requests. */
  level: number;
  levelMs: number;
}

export function newRateWindow(): RateWindow {
  return { times: [], counts: [], head: 0, used: 0, level: 0, levelMs: 0 };
}

/** Milliseconds until one more request is allowed; 0 when it is allowed now. */
export function rateWaitMs(window: RateWindow, limit: RateLimit, nowMs: number): number {
  return Math.max(logWaitMs(window, limit, nowMs), burstWaitMs(window, limit, nowMs));
}

/** Takes one unit, whether or not there is room: the caller has asked `rateWaitMs` before. */
export function takeRate(window: RateWindow, limit: RateLimit, nowMs: number): void {
  forget(window, limit, nowMs);
  const sliceMs = sliceOf(limit);
  const time = Math.floor(nowMs / sliceMs) * sliceMs + sliceMs - 1;
  const last = window.times.length - 1;
  if (last >= window.head && time <= (window.times[last] ?? 0)) {
    window.counts[last] = (window.counts[last] ?? 0) + 1;
  } else {
    window.times.push(time);
    window.counts.push(1);
  }
  window.used += 1;
  window.level = levelAt(window, limit, nowMs) + 1;
  window.levelMs = Math.max(window.levelMs, nowMs);
}

/** Units that may be taken at this instant. */
export function rateRemaining(window: RateWindow, limit: RateLimit, nowMs: number): number {
  const { used } = inside(window, limit, nowMs);
  const room = Math.min(limit.requests - used, Math.floor(burstOf(limit) - levelAt(window, limit, nowMs)));
  return Math.max(0, room);
}

/** Milliseconds until the oldest taken unit comes back; 0 when nothing is taken. */
export function rateResetMs(window: RateWindow, limit: RateLimit, nowMs: number): number {
  const oldest = window.times[inside(window, limit, nowMs).head];
  return oldest === undefined ? 0 : oldest + limit.perSeconds * 1000 - nowMs;
}

/** The entries still inside the window, for a checkpoint: `[time, count, …]`, level and its time. */
export type StoredRate = readonly [entries: readonly number[], level: number, levelMs: number];

export function storeRate(window: RateWindow): StoredRate {
  const entries: number[] = [];
  for (let at = window.head; at < window.times.length; at += 1) {
    entries.push(window.times[at] ?? 0, window.counts[at] ?? 0);
  }
  return [entries, window.level, window.levelMs];
}

export function restoreRate([entries, level, levelMs]: StoredRate): RateWindow {
  const window = newRateWindow();
  for (let at = 0; at < entries.length; at += 2) {
    const count = entries[at + 1] ?? 0;
    window.times.push(entries[at] ?? 0);
    window.counts.push(count);
    window.used += count;
  }
  window.level = level;
  window.levelMs = levelMs;
  return window;
}

function sliceOf(limit: RateLimit): number {
  return limit.requests <= MAX_EXACT_REQUESTS
    ? 1
    : Math.max(1, Math.ceil((limit.perSeconds * 1000) / MAX_EXACT_REQUESTS));
}

function burstOf(limit: RateLimit): number {
  return limit.burst === null ? limit.requests : Math.min(limit.burst, limit.requests);
}

/** Where the entries begin that still count, and their sum. Looks only, so that asking never changes the state. */
function inside(window: RateWindow, limit: RateLimit, nowMs: number): { readonly head: number; readonly used: number } {
  const horizonMs = nowMs - limit.perSeconds * 1000;
  let { head, used } = window;
  while (head < window.times.length && (window.times[head] ?? 0) <= horizonMs) {
    used -= window.counts[head] ?? 0;
    head += 1;
  }
  return { head, used };
}

/** Forgets what has left the window; dropping the dead half now and then keeps this O(1) a request on average. */
function forget(window: RateWindow, limit: RateLimit, nowMs: number): void {
  const { head, used } = inside(window, limit, nowMs);
  window.used = used;
  window.head = head;
  if (head > 64 && head * 2 > window.times.length) {
    window.times = window.times.slice(head);
    window.counts = window.counts.slice(head);
    window.head = 0;
  }
}

function logWaitMs(window: RateWindow, limit: RateLimit, nowMs: number): number {
  const { head, used } = inside(window, limit, nowMs);
  let excess = used + 1 - limit.requests;
  if (excess <= 0) return 0;
  for (let at = head; at < window.times.length; at += 1) {
    excess -= window.counts[at] ?? 0;
    if (excess <= 0) return (window.times[at] ?? 0) + limit.perSeconds * 1000 - nowMs;
  }
  return limit.perSeconds * 1000;
}

function burstWaitMs(window: RateWindow, limit: RateLimit, nowMs: number): number {
  if (limit.burst === null) return 0;
  const excess = levelAt(window, limit, nowMs) + 1 - burstOf(limit);
  return excess <= 0 ? 0 : Math.max(1, Math.ceil((excess * limit.perSeconds * 1000) / limit.requests));
}

function levelAt(window: RateWindow, limit: RateLimit, nowMs: number): number {
  const passedMs = Math.max(0, nowMs - window.levelMs);
  return Math.max(0, window.level - (passedMs * limit.requests) / (limit.perSeconds * 1000));
}
