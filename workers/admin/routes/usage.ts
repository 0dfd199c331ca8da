/** Usage: sums of the audit over time, by credential, recipient, customer, connection, environment or label. */
import { fieldProblem, type AdminProblem } from "../../../src/contract/problem.ts";
import { wireTime } from "../../../src/contract/fields.ts";
import { MAX_USAGE_DAYS, Usage, UsageQuery, type UsageRow, type UsageSums } from "../../../src/contract/usage.ts";
import { latencyPercentileMs } from "../../../src/domain/latency.ts";
import { err, ok, type Result } from "../../../src/domain/result.ts";
import { credentialLabels } from "../../../src/store/credential-labels.ts";
import {
  MAX_USAGE_GROUPS,
  usageGroups,
  usageReasons,
  type UsageColumn,
  type UsageFilter,
  type UsageGroup,
} from "../../../src/store/usage.ts";
import { reply } from "../answer.ts";
import { defineRoute, READERS, type Outcome, type Route, type RouteContext } from "../route.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const DEFAULT_DAYS = 30;
const INTERVAL_MS = { hour: HOUR_MS, day: DAY_MS, total: null } as const;
const COLUMN_OF = {
  credential: "credential_id",
  recipient: "recipient_id",
  customer: "customer",
  connection: "connection_id",
  environment: "environment",
} as const satisfies Record<string, UsageColumn>;

const getUsage = defineRoute({
  method: "GET",
  path: "/api/v1/usage",
  aliases: ["/admin/usage"],
  operationId: "getUsage",
  tag: "Usage",
  summary: "Sum up usage over time",
  roles: READERS,
  query: UsageQuery,
  responses: { 200: Usage },
  async handler(context, { query }): Promise<Outcome> {
    const window = windowOf(query, context.nowMs);
    if (!window.ok) return window;
    const filter: UsageFilter = {
      organisationId: context.organisationId,
      ...window.value,
      credentialId: query.credential_id,
      recipientId: query.recipient_id,
      connectionId: query.connection_id,
      customer: query.customer,
      environment: query.environment,
    };
    const grouping = groupingOf(query.group_by);
    const database = context.env.AUDIT_DB;
    const groups = await usageGroups(database, filter, INTERVAL_MS[query.interval], grouping.columns);
    const [totals] = await usageGroups(database, filter, null, []);
    const rows = await usageRows(context, groups.slice(0, MAX_USAGE_GROUPS), grouping);
    return reply(200, {
      from: wireTime(filter.fromMs),
      to: wireTime(filter.toMs),
      interval: query.interval,
      data: rows.filter((row) => row.requests > 0),
      totals: sumsView(totals === undefined ? [] : [totals]),
      reasons: await usageReasons(database, filter),
      complete: groups.length <= MAX_USAGE_GROUPS,
    });
  },
});

export const USAGE_ROUTES: readonly Route[] = [getUsage];

/** Whole hours, since that is what is summed. */
function windowOf(query: UsageQuery, nowMs: number): Result<{ fromMs: number; toMs: number }, AdminProblem> {
  const toMs = Math.ceil((query.to === undefined ? nowMs + 1 : Date.parse(query.to)) / HOUR_MS) * HOUR_MS;
  const from = query.from === undefined ? toMs - DEFAULT_DAYS * DAY_MS : Date.parse(query.from);
  const fromMs = Math.floor(from / HOUR_MS) * HOUR_MS;
  if (fromMs >= toMs) return err(fieldProblem("from", "Must lie before to"));
  if (toMs - fromMs > MAX_USAGE_DAYS * DAY_MS) return err(fieldProblem("from", `At most ${MAX_USAGE_DAYS} days`));
  const hourly = query.interval === "hour" && toMs - fromMs > 31 * DAY_MS;
  return hourly ? err(fieldProblem("interval", "By hour for at most 31 days")) : ok({ fromMs, toMs });
}

interface Grouping {
  readonly columns: readonly UsageColumn[];
  readonly shown: readonly UsageColumn[];
  readonly label: string | null;
}

/** A label is a property of the credential: those are grouped by first and folded afterwards. */
function groupingOf(text: string | undefined): Grouping {
  const parts = text === undefined ? [] : [...new Set(text.split(","))];
  const label = parts.find((part) => part.startsWith("label:"))?.slice("label:".length) ?? null;
  const shown = parts.flatMap((part) => (part in COLUMN_OF ? [COLUMN_OF[part as keyof typeof COLUMN_OF]] : []));
  const columns = label === null ? shown : [...new Set<UsageColumn>([...shown, "credential_id"])];
  return { columns, shown, label };
}

async function usageRows(
  context: RouteContext,
  groups: readonly UsageGroup[],
  grouping: Grouping,
): Promise<readonly UsageRow[]> {
  const { label } = grouping;
  if (label === null) return groups.map((group) => ({ ...keysView(group, grouping.shown), ...sumsView([group]) }));
  const ids = [...new Set(groups.map((group) => group.credential_id ?? ""))];
  const labels = await credentialLabels(context.db, context.organisationId, ids);
  const folded = new Map<string, { readonly keys: Pick<UsageRow, "at">; readonly groups: UsageGroup[] }>();
  for (const group of groups) {
    const own = labels.get(group.credential_id ?? "") ?? {};
    const value = Object.hasOwn(own, label) ? (own[label] ?? null) : null;
    const keys = { ...keysView(group, grouping.shown), label: value };
    const name = JSON.stringify(keys);
    const known = folded.get(name);
    if (known === undefined) folded.set(name, { keys, groups: [group] });
    else known.groups.push(group);
  }
  return [...folded.values()].map((fold) => ({ ...fold.keys, ...sumsView(fold.groups) }));
}

function keysView(group: UsageGroup, shown: readonly UsageColumn[]): Pick<UsageRow, "at"> {
  const keys = Object.fromEntries(shown.map((column) => [column, group[column] || null]));
  return { at: wireTime(group.at_ms), ...keys };
}

function sumsView(groups: readonly UsageGroup[]): UsageSums {
  const sum = (member: keyof UsageGroup): number =>
    groups.reduce((total, group) => total + Number(group[member] ?? 0), 0);
  const counts = groups
    .map((group) => JSON.parse(group.latency) as readonly number[])
    .reduce((a, b) => b.map((each, at) => each + (a[at] ?? 0)), []);
  const measured = counts.reduce((total, each) => total + each, 0);
  return {
    requests: sum("requests"),
    forwarded: sum("forwarded"),
    refused: sum("refused"),
    unknown: sum("unknown"),
    retries: sum("retries"),
    upstream_errors: sum("upstream_errors"),
    cost_usd_micros: sum("cost_usd_micros"),
    payments: {
      calls: sum("payment_calls"),
      paid_usd_micros: sum("paid_x402_usd_micros") + sum("paid_credits_usd_micros"),
      x402_usd_micros: sum("paid_x402_usd_micros"),
      credits_usd_micros: sum("paid_credits_usd_micros"),
      refunded_usd_micros: sum("refunded_usd_micros"),
      unknown: sum("payments_unknown"),
    },
    bytes_in: sum("bytes_in"),
    bytes_out: sum("bytes_out"),
    latency_ms: {
      mean: measured === 0 ? null : Math.round(sum("latency_sum_ms") / measured),
      p50: latencyPercentileMs(counts, 0.5),
      p95: latencyPercentileMs(counts, 0.95),
      p99: latencyPercentileMs(counts, 0.99),
    },
  };
}
