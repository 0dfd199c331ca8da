/** A connection's reliability while it is being written: seconds and shares as people say them, and the request that comes of it. */
import { signal } from "@preact/signals";
import type { Signal } from "@preact/signals";
import type { Connection } from "../../../../src/contract/connection.ts";
import type { FieldError } from "../../../../src/contract/problem.ts";
import { err, ok } from "../../../../src/domain/result.ts";
import type { Result } from "../../../../src/domain/result.ts";
import { scaledOf, scaledText } from "../amount.ts";
import { lines } from "./scope-draft.ts";

export type Reliability = Connection["reliability"];
type Sign = NonNullable<Reliability["limit_signs"]>[number];
type QuotaHeader = NonNullable<Reliability["quota_headers"]>[number];

export interface SignDraft {
  readonly key: number;
  readonly statuses: Signal<string>;
  readonly header: Signal<string>;
  readonly body: Signal<string>;
  readonly waitSeconds: Signal<string>;
}

export interface QuotaHeaderDraft {
  readonly key: number;
  readonly remaining: Signal<string>;
  readonly reset: Signal<string>;
  readonly unit: Signal<string>;
}

/** Members in milliseconds that a person sees in seconds. */
export const TIMES = [
  { member: "first_byte_timeout_ms", label: "First byte", hint: "Until the answer begins, connecting included" },
  { member: "idle_timeout_ms", label: "Between bytes", hint: "Until the next piece of the answer" },
  { member: "total_timeout_ms", label: "The whole call", hint: "With every repetition" },
  { member: "base_delay_ms", label: "First pause, seconds", hint: "Doubled before each further attempt" },
  { member: "max_delay_ms", label: "Longest pause, seconds", hint: "Unless the vendor asks for more" },
] as const;
export type TimeMember = (typeof TIMES)[number]["member"];

export interface ReliabilityDraft {
  readonly times: Readonly<Record<TimeMember, Signal<string>>>;
  readonly maxAttempts: Signal<string>;
  readonly budgetPercent: Signal<string>;
  readonly retryStatuses: Signal<string>;
  readonly replayBytes: Signal<string>;
  readonly idempotencyHeader: Signal<string>;
  readonly idempotencyPaths: Signal<string>;
  readonly injectKey: Signal<boolean>;
  readonly breaker: Signal<boolean>;
  readonly failures: Signal<string>;
  readonly windowSeconds: Signal<string>;
  readonly openSeconds: Signal<string>;
  readonly limitSigns: Signal<readonly SignDraft[]>;
  readonly refusedSigns: Signal<readonly SignDraft[]>;
  readonly quotaHeaders: Signal<readonly QuotaHeaderDraft[]>;
}

const MILLISECOND_DIGITS = 3;
const PERCENT = 100;
const DEFAULT_BREAKER = { failures: 10, window_seconds: 30, open_seconds: 15 };
const QUOTA_UNITS = ["seconds", "epoch_seconds", "epoch_ms", "duration"] as const;
let lastKey = 0;

export function signDraft(from?: Sign): SignDraft {
  lastKey += 1;
  return {
    key: lastKey,
    statuses: signal((from?.statuses ?? [429]).join(", ")),
    header: signal(from?.header ?? ""),
    body: signal(from?.body_includes ?? ""),
    waitSeconds: signal(from?.wait_seconds === undefined ? "" : String(from.wait_seconds)),
  };
}

export function quotaHeaderDraft(from?: QuotaHeader): QuotaHeaderDraft {
  lastKey += 1;
  return {
    key: lastKey,
    remaining: signal(from?.remaining ?? ""),
    reset: signal(from?.reset ?? ""),
    unit: signal(from?.unit ?? "seconds"),
  };
}

export function reliabilityDraft(from: Reliability): ReliabilityDraft {
  const time = (member: TimeMember) => signal(scaledText(from[member] ?? 0, MILLISECOND_DIGITS));
  const breaker = from.breaker ?? DEFAULT_BREAKER;
  return {
    times: {
      first_byte_timeout_ms: time("first_byte_timeout_ms"),
      idle_timeout_ms: time("idle_timeout_ms"),
      total_timeout_ms: time("total_timeout_ms"),
      base_delay_ms: time("base_delay_ms"),
      max_delay_ms: time("max_delay_ms"),
    },
    maxAttempts: signal(String(from.max_attempts ?? 1)),
    budgetPercent: signal(String(Math.round((from.retry_budget_share ?? 0) * PERCENT * PERCENT) / PERCENT)),
    retryStatuses: signal((from.retry_statuses ?? []).join(", ")),
    replayBytes: signal(String(from.replay_body_max_bytes ?? 0)),
    idempotencyHeader: signal(from.idempotency_header ?? ""),
    idempotencyPaths: signal((from.idempotency_paths ?? []).join("\n")),
    injectKey: signal(from.inject_idempotency_key ?? false),
    breaker: signal((from.breaker ?? null) !== null),
    failures: signal(String(breaker.failures)),
    windowSeconds: signal(String(breaker.window_seconds)),
    openSeconds: signal(String(breaker.open_seconds)),
    limitSigns: signal((from.limit_signs ?? []).map(signDraft)),
    refusedSigns: signal((from.refused_signs ?? []).map(signDraft)),
    quotaHeaders: signal((from.quota_headers ?? []).map(quotaHeaderDraft)),
  };
}

/** Only what cannot be read as a number is judged here; ranges are the API's to judge. */
export function reliabilityBody(draft: ReliabilityDraft): Result<Reliability, readonly FieldError[]> {
  const errors: FieldError[] = [];
  const at = (field: string) => `reliability.${field}`;
  const statuses = (text: string, field: string): number[] => {
    const found = lines(text);
    if (found.some((each) => !/^\d{3}$/.test(each))) {
      errors.push({ field: at(field), message: "Are not statuses such as 429, 503" });
    }
    return found.map(Number);
  };
  const time = (member: TimeMember): number => {
    const found = scaledOf(draft.times[member].value, MILLISECOND_DIGITS);
    if (found === null) errors.push({ field: at(member), message: "Is not a number of seconds such as 10 or 0.2" });
    return found ?? 0;
  };
  const signs = (drafts: readonly SignDraft[], field: string): Sign[] =>
    drafts.map((each, i) => ({
      statuses: statuses(each.statuses.value, `${field}[${i}].statuses`),
      header: textOrNull(each.header),
      body_includes: textOrNull(each.body),
      ...(each.waitSeconds.value.trim() === "" ? {} : { wait_seconds: Number(each.waitSeconds.value) }),
    }));
  const body: Reliability = {
    first_byte_timeout_ms: time("first_byte_timeout_ms"),
    idle_timeout_ms: time("idle_timeout_ms"),
    total_timeout_ms: time("total_timeout_ms"),
    max_attempts: Number(draft.maxAttempts.value),
    base_delay_ms: time("base_delay_ms"),
    max_delay_ms: time("max_delay_ms"),
    replay_body_max_bytes: Number(draft.replayBytes.value),
    retry_statuses: statuses(draft.retryStatuses.value, "retry_statuses"),
    idempotency_header: textOrNull(draft.idempotencyHeader),
    idempotency_paths: lines(draft.idempotencyPaths.value),
    inject_idempotency_key: draft.injectKey.value,
    retry_budget_share: Number(draft.budgetPercent.value) / PERCENT,
    breaker: draft.breaker.value
      ? {
          failures: Number(draft.failures.value),
          window_seconds: Number(draft.windowSeconds.value),
          open_seconds: Number(draft.openSeconds.value),
        }
      : null,
    limit_signs: signs(draft.limitSigns.value, "limit_signs"),
    refused_signs: signs(draft.refusedSigns.value, "refused_signs"),
    quota_headers: draft.quotaHeaders.value.map((each) => ({
      remaining: each.remaining.value.trim(),
      reset: each.reset.value.trim(),
      unit: QUOTA_UNITS.find((unit) => unit === each.unit.value) ?? "seconds",
    })),
  };
  return errors.length === 0 ? ok(body) : err(errors);
}

function textOrNull(field: Signal<string>): string | null {
  return field.value.trim() === "" ? null : field.value.trim();
}
