/**
 * Requests that never reach a gate (no token, a forged or unknown one) are counted per reason and minute and sent to the
 * audit queue as one event per reason, so that a flood of garbage costs next to nothing.
 * The counts live in the isolate: one that dies takes at most a few seconds of them with it.
 */
import type { EventBody } from "../domain/chain.ts";
import { GENESIS_HASH, sealEvent } from "../domain/chain.ts";
import { withoutTokens } from "../domain/gate-records.ts";
import { DEFAULT_ORGANISATION_ID } from "../domain/ids.ts";
import { PROBLEM_KINDS } from "../domain/problem.ts";
import type { Doorstep } from "../ports.ts";
import type { AuditMessage } from "./audit-messages.ts";

const MAX_REASONS = 16;
const MAX_PATH_CHARS = 256;
/** The first refusal of a reason is sent soon, so that it can be seen; those of a flood once in a while. */
const FIRST_FLUSH_MS = 500;
const FLOOD_FLUSH_MS = 10_000;
const FLUSH_LOST_MS = 30_000;

interface Fold {
  readonly firstMs: number;
  readonly path: string;
  count: number;
}

/** Lives as long as the isolate. */
export class DoorstepCounts {
  readonly #folds = new Map<string, Fold>();
  #flushAtMs = 0;
  #lastFlushMs = 0;

  /** Counts one refusal; the delay after which the caller is to flush, or null when another request will. */
  count(reason: string, path: string, nowMs: number): number | null {
    const key = this.#folds.has(reason) || this.#folds.size < MAX_REASONS ? reason : "other";
    const fold = this.#folds.get(key);
    if (fold !== undefined) fold.count += 1;
    else this.#folds.set(key, { firstMs: nowMs, path: withoutTokens(path.slice(0, MAX_PATH_CHARS)), count: 1 });
    if (this.#flushAtMs !== 0 && nowMs < this.#flushAtMs + FLUSH_LOST_MS) return null;
    const delayMs = nowMs - this.#lastFlushMs > FLOOD_FLUSH_MS ? FIRST_FLUSH_MS : FLOOD_FLUSH_MS;
    this.#flushAtMs = nowMs + delayMs;
    return delayMs;
  }

  take(nowMs: number): readonly (readonly [reason: string, fold: Fold])[] {
    const folds = [...this.#folds];
    this.#folds.clear();
    this.#flushAtMs = 0;
    this.#lastFlushMs = nowMs;
    return folds;
  }
}

export interface DoorstepOptions {
  readonly queue: Queue<AuditMessage>;
  readonly counts: DoorstepCounts;
  readonly nowMs: () => number;
  readonly sleep: (delayMs: number) => Promise<void>;
  readonly defer: (work: Promise<unknown>) => void;
  /** A fresh text for each event, so that two isolates never make the same one. */
  readonly nonce: () => string;
}

/** The doorstep, as one request sees it. */
export function doorstep(options: DoorstepOptions): Doorstep {
  return {
    refused(reason: string, path: string): void {
      const delayMs = options.counts.count(reason, path, options.nowMs());
      if (delayMs !== null) options.defer(flush(options, delayMs));
    },
  };
}

async function flush(options: DoorstepOptions, delayMs: number): Promise<void> {
  await options.sleep(delayMs);
  const folds = options.counts.take(options.nowMs());
  if (folds.length === 0) return;
  const events = folds.map(([reason, fold]) => sealEvent(bodyOf(reason, fold, options.nonce())));
  await options.queue.send({ v: 1, kind: "doorstep", events });
}

/** Reasons are codes, or say more than the 401 that was answered. */
function statusOf(reason: string): number {
  return Object.entries(PROBLEM_KINDS).find(([code]) => code === reason)?.[1].status ?? 401;
}

function bodyOf(reason: string, fold: Fold, nonce: string): EventBody {
  const notes = JSON.stringify({ nonce });
  const status = statusOf(reason);
  const head = [DEFAULT_ORGANISATION_ID, null, 0, 0, fold.firstMs, null, null, null, null, null] as const;
  const call = ["", fold.path, null, "denied", reason, status, null, 0, 0, 0, 0, 0, 0] as const;
  return [...head, ...call, null, "", "", null, fold.count, notes, GENESIS_HASH];
}
