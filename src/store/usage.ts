/** Sums of the audit, grouped. Reads the rollups that the insert itself keeps, never the events. */

export interface UsageFilter {
  readonly organisationId: string;
  /** Whole hours; `toMs` excluded. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly credentialId?: string | undefined;
  readonly recipientId?: string | undefined;
  readonly connectionId?: string | undefined;
  readonly customer?: string | undefined;
  readonly environment?: string | undefined;
}

export type UsageColumn = "credential_id" | "recipient_id" | "customer" | "connection_id" | "environment";

/** One group. `at_ms` is null unless grouped by time; columns that are not grouped by are absent. Empty text is null. */
export interface UsageGroup extends Partial<Record<UsageColumn, string>> {
  readonly at_ms: number | null;
  readonly requests: number;
  readonly forwarded: number;
  readonly refused: number;
  readonly unknown: number;
  readonly retries: number;
  readonly upstream_errors: number;
  readonly cost_usd_micros: number;
  readonly bytes_in: number;
  readonly bytes_out: number;
  readonly latency_sum_ms: number;
  /** Calls that were paid for and answered. */
  readonly payment_calls: number;
  readonly paid_x402_usd_micros: number;
  readonly paid_credits_usd_micros: number;
  readonly refunded_usd_micros: number;
  readonly payments_unknown: number;
  /** JSON array of the histogram's counts. */
  readonly latency: string;
}

export const MAX_USAGE_GROUPS = 5_000;

const SUMS = [
  "requests",
  "forwarded",
  "refused",
  "unknown",
  "retries",
  "upstream_errors",
  "cost_usd_micros",
  "bytes_in",
  "bytes_out",
  "latency_sum_ms",
  "payment_calls",
  "paid_x402_usd_micros",
  "paid_credits_usd_micros",
  "refunded_usd_micros",
  "payments_unknown",
];
const CLASSES = ["50", "100", "250", "500", "1000", "2500", "5000", "10000", "more"];
const FILTER_COLUMNS = {
  credentialId: "credential_id",
  recipientId: "recipient_id",
  connectionId: "connection_id",
  customer: "customer",
  environment: "environment",
} as const;

/** Up to `MAX_USAGE_GROUPS + 1` groups, oldest first, largest first within a time. */
export async function usageGroups(
  database: D1Database,
  filter: UsageFilter,
  intervalMs: number | null,
  columns: readonly UsageColumn[],
): Promise<readonly UsageGroup[]> {
  const where = conditions(filter, Object.keys(FILTER_COLUMNS) as (keyof typeof FILTER_COLUMNS)[]);
  const at = intervalMs === null ? "NULL" : `hour_ms - hour_ms % ${Math.trunc(intervalMs)}`;
  const groups = [...(intervalMs === null ? [] : ["at_ms"]), ...columns];
  const latency = CLASSES.map((name) => `coalesce(sum(latency_${name}), 0)`).join(", ");
  const { results } = await database
    .prepare(
      `SELECT ${[`${at} AS at_ms`, ...columns].join(", ")},
         ${SUMS.map((name) => `coalesce(sum(${name}), 0) AS ${name}`).join(", ")}, json_array(${latency}) AS latency
       FROM audit_rollups WHERE ${where.text}
       ${groups.length === 0 ? "" : `GROUP BY ${groups.join(", ")}`}
       ORDER BY at_ms, requests DESC LIMIT ${MAX_USAGE_GROUPS + 1}`,
    )
    .bind(...where.values)
    .all<UsageGroup>();
  return results;
}

/** Reasons with their counts. They are summed by credential and connection only; other filters do not apply. */
export async function usageReasons(
  database: D1Database,
  filter: UsageFilter,
): Promise<readonly { readonly reason: string; readonly count: number }[]> {
  const where = conditions(filter, ["credentialId", "connectionId"]);
  const { results } = await database
    .prepare(
      `SELECT reason, sum(count) AS count FROM audit_reasons WHERE ${where.text}
       GROUP BY reason ORDER BY count DESC, reason LIMIT 100`,
    )
    .bind(...where.values)
    .all<{ reason: string; count: number }>();
  return results;
}

function conditions(filter: UsageFilter, members: readonly (keyof typeof FILTER_COLUMNS)[]) {
  const stated = members.filter((member) => filter[member] !== undefined);
  return {
    text: [
      "organisation_id = ?",
      "hour_ms >= ?",
      "hour_ms < ?",
      ...stated.map((member) => `${FILTER_COLUMNS[member]} = ?`),
    ].join(" AND "),
    values: [filter.organisationId, filter.fromMs, filter.toMs, ...stated.map((member) => filter[member] ?? "")],
  };
}
