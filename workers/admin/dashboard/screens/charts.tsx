/** Charts over time. The drawing code is a chunk of its own, fetched when the first chart is shown; a table says the same in words. */
import { useEffect, useRef } from "preact/hooks";
import { money, millis, compact, exact } from "../format.ts";
import { theme } from "../theme.ts";
import { Section } from "../ui/page.tsx";
import type { Series } from "./chart.ts";
import type { UsageView } from "./overview.tsx";

interface ChartsProps {
  readonly usage: UsageView;
  readonly stepMs: number;
}

/** Calls and their cost. */
export function UseCharts({ usage, stepMs }: ChartsProps) {
  const rows = filled(usage, stepMs);
  const times = rows.map((row) => row.atMs / 1000);
  return (
    <div class="charts">
      <CallsChart rows={rows} times={times} />
      <CostChart rows={rows} times={times} />
    </div>
  );
}

interface RowsProps {
  readonly rows: ReturnType<typeof filled>;
  readonly times: readonly number[];
}

function CallsChart({ rows, times }: RowsProps) {
  return (
    <ChartCard
      title="Calls"
      times={times}
      series={[
        {
          label: "Forwarded",
          values: rows.map((row) => row.forwarded),
          token: "--accent",
          text: compact,
          counts: true,
        },
        { label: "Refused", values: rows.map((row) => row.refused), token: "--bad", text: compact, counts: true },
      ]}
    />
  );
}

const ONE_DOLLAR_USD_MICROS = 1_000_000;

function CostChart({ rows, times }: RowsProps) {
  return (
    <ChartCard
      title="Cost"
      times={times}
      series={[
        {
          label: "US dollars",
          values: rows.map((row) => row.cost),
          token: "--ok",
          text: money,
          emptyTop: ONE_DOLLAR_USD_MICROS,
        },
      ]}
    />
  );
}

export function Charts({ usage, stepMs }: ChartsProps) {
  const rows = filled(usage, stepMs);
  const times = rows.map((row) => row.atMs / 1000);
  return (
    <div class="charts">
      <CallsChart rows={rows} times={times} />
      <ChartCard
        title="Latency"
        times={times}
        series={[
          { label: "Median", values: rows.map((row) => row.p50), token: "--accent", text: millis },
          { label: "95 %", values: rows.map((row) => row.p95), token: "--warn", text: millis },
        ]}
      />
      <CostChart rows={rows} times={times} />
      <ChartCard
        title="Vendors’ failures and retries"
        times={times}
        series={[
          { label: "Errors", values: rows.map((row) => row.errors), token: "--bad", text: compact, counts: true },
          { label: "Retries", values: rows.map((row) => row.retries), token: "--warn", text: compact, counts: true },
        ]}
      />
    </div>
  );
}

/** One row for each step, also where nothing happened. */
function filled(usage: UsageView, stepMs: number) {
  const byTime = new Map(usage.data.map((row) => [row.at === null ? 0 : Date.parse(row.at), row]));
  const fromMs = Math.floor(Date.parse(usage.from) / stepMs) * stepMs;
  const steps = Math.max(Math.ceil((Date.parse(usage.to) - fromMs) / stepMs), 1);
  return Array.from({ length: steps }, (_, i) => {
    const atMs = fromMs + i * stepMs;
    const row = byTime.get(atMs);
    return {
      atMs,
      forwarded: row?.forwarded ?? 0,
      refused: row?.refused ?? 0,
      p50: row?.latency_ms.p50 ?? null,
      p95: row?.latency_ms.p95 ?? null,
      cost: row?.cost_usd_micros ?? 0,
      errors: row?.upstream_errors ?? 0,
      retries: row?.retries ?? 0,
    };
  });
}

function ChartCard({
  title,
  times,
  series,
}: {
  readonly title: string;
  readonly times: readonly number[];
  readonly series: readonly Series[];
}) {
  const box = useRef<HTMLDivElement>(null);
  const shade = theme.value;
  useEffect(() => {
    let stop: (() => void) | null = null;
    let gone = false;
    void import("./chart.ts").then(({ draw }) => {
      if (!gone && box.current !== null) stop = draw(box.current, times, series);
    });
    return () => {
      gone = true;
      stop?.();
    };
  }, [JSON.stringify([times, series]), shade]);
  const busy = times.flatMap((at, i) => (series.some((each) => (each.values[i] ?? 0) > 0) ? [{ at, i }] : []));
  return (
    <Section title={title}>
      <div class="chart" ref={box} aria-hidden="true" />
      {/* A table takes the height of its rows whatever it is told; what stands around it does not. */}
      <div class="sr-only">
        <table aria-label={title}>
          <thead>
            <tr>
              <th scope="col">Time</th>
              {series.map((each) => (
                <th key={each.label} scope="col">
                  {each.label}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {busy.map(({ at, i }) => (
              <tr key={at}>
                <td>{exact(at * 1000)}</td>
                {series.map((each) => {
                  const value = each.values[i];
                  return <td key={each.label}>{value === null || value === undefined ? "–" : each.text(value)}</td>;
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Section>
  );
}
