/** Draws one chart with uPlot into an element, in the colours of the style sheet, and keeps it as wide as the element. */
import uPlot from "uplot";

export interface Series {
  readonly label: string;
  readonly values: readonly (number | null)[];
  /** The custom property that holds its colour. */
  readonly token: string;
  readonly text: (value: number) => string;
  /** Values are whole numbers. */
  readonly counts?: boolean;
  /** Top of the scale while every value is zero; absent: 1. */
  readonly emptyTop?: number;
}

const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const HOUR = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const EXACT = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const HEIGHT_PX = 190;
const AXIS_PX = 62;
const TIME_AXIS_PX = 34;
/** Steps between the marks of what is counted: there is no half of a call. */
const WHOLE_STEPS = [1, 2, 5]
  .flatMap((step) => [0, 1, 2, 3, 4, 5, 6, 7, 8].map((power) => step * 10 ** power))
  .toSorted((a, b) => a - b);

/** @returns takes the chart away */
export function draw(box: HTMLElement, times: readonly number[], series: readonly Series[]): () => void {
  const colour = (token: string): string => resolved(box, token);
  const muted = colour("--muted");
  const line = colour("--line");
  const text = series[0]?.text ?? String;
  const axis = {
    stroke: muted,
    grid: { stroke: line, width: 1 },
    ticks: { show: false },
    font: "12px system-ui, sans-serif",
  };
  const plot = new uPlot(
    {
      width: Math.max(box.clientWidth - 24, 100),
      height: HEIGHT_PX,
      cursor: { y: false, points: { size: 7 } },
      legend: { live: true },
      scales: { y: { range: (_, __, max) => [0, max > 0 ? max * 1.1 : (series[0]?.emptyTop ?? 1)] } },
      axes: [
        { ...axis, size: TIME_AXIS_PX, values: (_, ticks) => ticks.map(clock) },
        {
          ...axis,
          size: AXIS_PX,
          values: (_, ticks) => ticks.map((tick) => text(tick)),
          ...(series.every(isWhole) ? { incrs: WHOLE_STEPS } : {}),
        },
      ],
      series: [
        { label: "Time", value: (_: uPlot, at: number | null) => (at === null ? "" : EXACT.format(at * 1000)) },
        ...series.map((each) => ({
          label: each.label,
          stroke: colour(each.token),
          width: 1.75,
          fill: `color-mix(in srgb, ${colour(each.token)} 9%, transparent)`,
          points: { show: isSparse(each), size: 6 },
          spanGaps: true,
          // Without a place that is pointed at there is nothing to say.
          value: (_: uPlot, value: number | null, __: number, at: number | null) =>
            at === null || at === undefined ? "" : value === null || value === undefined ? "–" : each.text(value),
        })),
      ],
    },
    [[...times], ...series.map((each) => [...each.values])],
    box,
  );
  const observer = new ResizeObserver(() =>
    plot.setSize({ width: Math.max(box.clientWidth - 24, 100), height: HEIGHT_PX }),
  );
  observer.observe(box);
  return () => {
    observer.disconnect();
    plot.destroy();
  };
}

function isWhole(series: Series): boolean {
  return series.counts === true;
}

/** Too few values to make a line of. */
function isSparse(series: Series): boolean {
  return series.values.filter((value) => value !== null).length < 3;
}

/** Midnight is written as its day. */
function clock(atSeconds: number): string {
  const at = new Date(atSeconds * 1000);
  return at.getHours() === 0 && at.getMinutes() === 0 ? DAY.format(at) : HOUR.format(at);
}

/** The property's colour as it is now: a canvas knows neither custom properties nor `light-dark()`. */
function resolved(box: HTMLElement, token: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(${token})`;
  box.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}
