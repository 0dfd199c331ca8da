/** A connection's reliability policy; the defaults come from the catalogue. */
export interface Reliability {
  /** Kept for its owner; the platform does not tell connecting from waiting, so `firstByteTimeoutMs` bounds both. */
  readonly connectTimeoutMs: number;
  readonly firstByteTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly totalTimeoutMs: number;
  readonly maxAttempts: number;
  readonly baseDelayMs: number;
  readonly maxDelayMs: number;
  /** Bodies up to this size are kept so that a call can be repeated. */
  readonly replayBodyMaxBytes: number;
  readonly retryStatuses: readonly number[];
  /** Header in which a request carries an idempotency key, lower case; null: the vendor knows none. */
  readonly idempotencyHeader: string | null;
  /** Patterns of the upstream paths on which the vendor knows it; none: on every path. Elsewhere a write is never repeated. */
  readonly idempotencyPaths?: readonly string[];
  /** Whether RelayKey adds an idempotency key to a write that carries none. */
  readonly injectIdempotencyKey: boolean;
  /** Retries may add at most this share of extra calls (0.2 = 20 %). */
  readonly retryBudgetShare: number;
  readonly breaker: { readonly failures: number; readonly windowSeconds: number; readonly openSeconds: number } | null;
  /** How the vendor says "wait": statuses, headers, and body signs of limits reported as 200, 400 or 403. */
  readonly limitSigns: readonly {
    readonly statuses: readonly number[];
    readonly header: string | null;
    readonly bodyIncludes: string | null;
    /** How long this vendor wants no calls after such an answer, when the answer itself does not say. */
    readonly waitSeconds?: number;
  }[];
  /** Further signs, of the same form, that the vendor does not accept the key (401 always says so). */
  readonly refusedSigns?: Reliability["limitSigns"];
  /** Headers with the remaining quota and its reset, lower case; `unit` of the reset value. */
  readonly quotaHeaders: readonly {
    readonly remaining: string;
    readonly reset: string;
    readonly unit: "seconds" | "epoch_seconds" | "epoch_ms" | "duration";
  }[];
}

export const DEFAULT_RELIABILITY: Reliability = {
  connectTimeoutMs: 10_000,
  firstByteTimeoutMs: 60_000,
  idleTimeoutMs: 120_000,
  totalTimeoutMs: 600_000,
  maxAttempts: 3,
  baseDelayMs: 200,
  maxDelayMs: 5_000,
  replayBodyMaxBytes: 1_048_576,
  retryStatuses: [429, 502, 503, 504],
  idempotencyHeader: null,
  injectIdempotencyKey: false,
  retryBudgetShare: 0.2,
  breaker: { failures: 10, windowSeconds: 30, openSeconds: 15 },
  limitSigns: [],
  quotaHeaders: [],
};

/**
 * Of a vendor that nobody described. Who sends the usual header (draft-ietf-httpapi-idempotency-key-header) says that a
 * repeat does no harm; RelayKey itself adds none there.
 */
export const UNDESCRIBED_RELIABILITY: Reliability = { ...DEFAULT_RELIABILITY, idempotencyHeader: "idempotency-key" };
