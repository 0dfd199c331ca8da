/** A connection's reliability policy on the wire: every member optional, the rest comes from the vendor or the defaults. */
import * as z from "zod";
import type { Reliability } from "../domain/reliability.ts";
import { HeaderName, readableText } from "./fields.ts";
import { PathPattern } from "./scope.ts";

const MAX_TIMEOUT_MS = 3_600_000;
const timeout = z.int().min(1).max(MAX_TIMEOUT_MS).optional();
const status = z.int().min(200).max(599);
const lowerHeader = HeaderName.toLowerCase();

/** A header by its name, or with the value that it must have (`x-ratelimit-remaining: 0`). */
const HeaderSign = z
  .string()
  .max(256)
  .regex(
    /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}(?:: ?[\x21-\x7e]{1,120})?$/,
    "Is neither a header nor a header with its value",
  )
  .toLowerCase();

const Sign = z.strictObject({
  statuses: z.array(status).max(32),
  header: HeaderSign.nullable().default(null),
  body_includes: readableText(256).nullable().default(null),
  /** How long the vendor wants no calls when its answer does not say. */
  wait_seconds: z.int().min(1).max(3_600).optional(),
});
type SignWire = z.output<typeof Sign>;

export const ReliabilityWire = z
  .strictObject({
    connect_timeout_ms: timeout.describe(
      "Kept, and of no effect of its own: the platform does not tell connecting from waiting, so first_byte_timeout_ms bounds both",
    ),
    first_byte_timeout_ms: timeout,
    idle_timeout_ms: timeout,
    total_timeout_ms: timeout,
    max_attempts: z.int().min(1).max(10).optional(),
    base_delay_ms: z.int().min(0).max(60_000).optional(),
    max_delay_ms: z.int().min(0).max(60_000).optional(),
    replay_body_max_bytes: z.int().min(0).max(16_777_216).optional(),
    retry_statuses: z.array(status).max(32).optional(),
    idempotency_header: lowerHeader.nullable().optional(),
    /** Paths on which the vendor knows that header; an empty list is every path. */
    idempotency_paths: z.array(PathPattern).max(64).optional(),
    inject_idempotency_key: z.boolean().optional(),
    retry_budget_share: z.number().min(0).max(1).optional(),
    breaker: z
      .strictObject({
        failures: z.int().min(1).max(1_000),
        window_seconds: z.int().min(1).max(3_600),
        open_seconds: z.int().min(1).max(3_600),
      })
      .nullable()
      .optional(),
    limit_signs: z.array(Sign).max(16).optional(),
    /** Further signs that the vendor does not accept the key; 401 always says so. */
    refused_signs: z.array(Sign).max(16).optional(),
    quota_headers: z
      .array(
        z.strictObject({
          remaining: lowerHeader,
          reset: lowerHeader,
          unit: z.enum(["seconds", "epoch_seconds", "epoch_ms", "duration"]),
        }),
      )
      .max(16)
      .optional(),
  })
  .meta({ id: "Reliability" });
export type ReliabilityWire = z.output<typeof ReliabilityWire>;

/** `base` with the stated members in place of its own. */
export function toReliability(wire: ReliabilityWire, base: Reliability): Reliability {
  return {
    connectTimeoutMs: wire.connect_timeout_ms ?? base.connectTimeoutMs,
    firstByteTimeoutMs: wire.first_byte_timeout_ms ?? base.firstByteTimeoutMs,
    idleTimeoutMs: wire.idle_timeout_ms ?? base.idleTimeoutMs,
    totalTimeoutMs: wire.total_timeout_ms ?? base.totalTimeoutMs,
    maxAttempts: wire.max_attempts ?? base.maxAttempts,
    baseDelayMs: wire.base_delay_ms ?? base.baseDelayMs,
    maxDelayMs: wire.max_delay_ms ?? base.maxDelayMs,
    replayBodyMaxBytes: wire.replay_body_max_bytes ?? base.replayBodyMaxBytes,
    retryStatuses: wire.retry_statuses ?? base.retryStatuses,
    idempotencyHeader: wire.idempotency_header === undefined ? base.idempotencyHeader : wire.idempotency_header,
    idempotencyPaths: wire.idempotency_paths ?? base.idempotencyPaths ?? [],
    injectIdempotencyKey: wire.inject_idempotency_key ?? base.injectIdempotencyKey,
    retryBudgetShare: wire.retry_budget_share ?? base.retryBudgetShare,
    breaker: wire.breaker === undefined ? base.breaker : toBreaker(wire.breaker),
    limitSigns: wire.limit_signs?.map(toSign) ?? base.limitSigns,
    refusedSigns: wire.refused_signs?.map(toSign) ?? base.refusedSigns ?? [],
    quotaHeaders: wire.quota_headers ?? base.quotaHeaders,
  };
}

export function fromReliability(reliability: Reliability): ReliabilityWire {
  return {
    connect_timeout_ms: reliability.connectTimeoutMs,
    first_byte_timeout_ms: reliability.firstByteTimeoutMs,
    idle_timeout_ms: reliability.idleTimeoutMs,
    total_timeout_ms: reliability.totalTimeoutMs,
    max_attempts: reliability.maxAttempts,
    base_delay_ms: reliability.baseDelayMs,
    max_delay_ms: reliability.maxDelayMs,
    replay_body_max_bytes: reliability.replayBodyMaxBytes,
    retry_statuses: [...reliability.retryStatuses],
    idempotency_header: reliability.idempotencyHeader,
    idempotency_paths: [...(reliability.idempotencyPaths ?? [])],
    inject_idempotency_key: reliability.injectIdempotencyKey,
    retry_budget_share: reliability.retryBudgetShare,
    breaker: reliability.breaker && {
      failures: reliability.breaker.failures,
      window_seconds: reliability.breaker.windowSeconds,
      open_seconds: reliability.breaker.openSeconds,
    },
    limit_signs: reliability.limitSigns.map(fromSign),
    refused_signs: (reliability.refusedSigns ?? []).map(fromSign),
    quota_headers: reliability.quotaHeaders.map((header) => ({ ...header })),
  };
}

function toSign(wire: SignWire): Reliability["limitSigns"][number] {
  const { statuses, header, body_includes: bodyIncludes, wait_seconds: waitSeconds } = wire;
  return { statuses, header, bodyIncludes, ...(waitSeconds === undefined ? {} : { waitSeconds }) };
}

function fromSign(sign: Reliability["limitSigns"][number]): SignWire {
  const { statuses, header, bodyIncludes, waitSeconds } = sign;
  return {
    statuses: [...statuses],
    header,
    body_includes: bodyIncludes,
    ...(waitSeconds === undefined ? {} : { wait_seconds: waitSeconds }),
  };
}

function toBreaker(wire: NonNullable<ReliabilityWire["breaker"]> | null): Reliability["breaker"] {
  return wire && { failures: wire.failures, windowSeconds: wire.window_seconds, openSeconds: wire.open_seconds };
}
