/**
 * Metrics for Prometheus in the OpenMetrics format: running totals of an organisation by connection, and reasons. Totals
 * only ever rise, as counters must: they are sums over all that was ever recorded.
 */
import {
  openMetrics,
  OPENMETRICS_CONTENT_TYPE,
  type MetricFamily,
  type MetricSample,
} from "../../../src/domain/openmetrics.ts";
import { latencyPercentileMs } from "../../../src/domain/latency.ts";
import { ok } from "../../../src/domain/result.ts";
import { usageGroups, usageReasons, type UsageGroup } from "../../../src/store/usage.ts";
import { defineRoute, READERS, type Outcome, type Route } from "../route.ts";

const HOUR_MS = 3_600_000;
const QUANTILES = [0.5, 0.95, 0.99] as const;
const EVER_MS = Number.MAX_SAFE_INTEGER;

type Counted =
  | "requests"
  | "forwarded"
  | "refused"
  | "unknown"
  | "retries"
  | "upstream_errors"
  | "bytes_in"
  | "bytes_out";

const COUNTERS: readonly {
  readonly name: string;
  readonly member: Counted;
  readonly help: string;
  readonly unit: string | null;
}[] = [
  { name: "relaykey_requests", member: "requests", help: "Requests, refusals included", unit: null },
  { name: "relaykey_forwarded", member: "forwarded", help: "Requests that were admitted", unit: null },
  { name: "relaykey_refused", member: "refused", help: "Requests that were refused", unit: null },
  {
    name: "relaykey_unknown_outcomes",
    member: "unknown",
    help: "Admitted requests whose outcome nobody saw",
    unit: null,
  },
  { name: "relaykey_retries", member: "retries", help: "Attempts beyond the first", unit: null },
  { name: "relaykey_upstream_errors", member: "upstream_errors", help: "Failures of the vendor", unit: null },
  { name: "relaykey_request_bytes", member: "bytes_in", help: "Bytes of request bodies", unit: "bytes" },
  { name: "relaykey_response_bytes", member: "bytes_out", help: "Bytes of response bodies", unit: "bytes" },
];

const getMetrics = defineRoute({
  method: "GET",
  path: "/api/v1/metrics",
  operationId: "getMetrics",
  tag: "Usage",
  summary: "Read metrics in the OpenMetrics format",
  roles: READERS,
  responses: { 200: ["application/openmetrics-text"] },
  async handler(context): Promise<Outcome> {
    const { organisationId, nowMs } = context;
    const database = context.env.AUDIT_DB;
    const ever = { organisationId, fromMs: 0, toMs: EVER_MS };
    const groups = await usageGroups(database, ever, null, ["connection_id", "environment"]);
    const recent = await usageGroups(database, { ...ever, fromMs: nowMs - (nowMs % HOUR_MS) - HOUR_MS }, null, [
      "connection_id",
    ]);
    const reasons = await usageReasons(database, ever);
    const text = openMetrics([
      ...COUNTERS.map(({ member, ...rest }): MetricFamily => ({
        ...rest,
        type: "counter",
        samples: groups.map((group) => ({ labels: labelsOf(group), value: group[member] })),
      })),
      {
        name: "relaykey_cost_dollars",
        type: "counter",
        unit: "dollars",
        help: "What calls cost",
        samples: groups.map((group) => ({ labels: labelsOf(group), value: group.cost_usd_micros / 1_000_000 })),
      },
      {
        name: "relaykey_paid_dollars",
        type: "counter",
        unit: "dollars",
        help: "What callers paid for calls, by provider",
        samples: groups.filter((group) => group.payment_calls > 0).flatMap(paidSamples),
      },
      {
        name: "relaykey_refusals",
        type: "counter",
        unit: null,
        help: "Refusals and failures by reason",
        samples: reasons.map(({ reason, count }) => ({ labels: { reason }, value: count })),
      },
      {
        name: "relaykey_latency_seconds",
        type: "gauge",
        unit: "seconds",
        help: "Latency of admitted requests in this and the last hour, by quantile",
        samples: recent.flatMap(latencySamples),
      },
    ]);
    return ok(new Response(text, { headers: { "content-type": OPENMETRICS_CONTENT_TYPE } }));
  },
});

export const METRIC_ROUTES: readonly Route[] = [getMetrics];

function labelsOf(group: UsageGroup): Readonly<Record<string, string>> {
  return { connection: group.connection_id ?? "", environment: group.environment ?? "" };
}

function paidSamples(group: UsageGroup): readonly MetricSample[] {
  const labels = labelsOf(group);
  return [
    { labels: { ...labels, provider: "x402" }, value: group.paid_x402_usd_micros / 1_000_000 },
    { labels: { ...labels, provider: "credits" }, value: group.paid_credits_usd_micros / 1_000_000 },
  ];
}

function latencySamples(group: UsageGroup): readonly MetricSample[] {
  const counts = JSON.parse(group.latency) as readonly number[];
  return QUANTILES.flatMap((quantile) => {
    const ms = latencyPercentileMs(counts, quantile);
    if (ms === null) return [];
    return [{ labels: { connection: group.connection_id ?? "", quantile: String(quantile) }, value: ms / 1000 }];
  });
}
