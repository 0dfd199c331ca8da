/**
 * Metrics in the OpenMetrics 1.0 text format. Pure. Label values are escaped; a name that the format does not know is a bug
 * and throws, so that no value can smuggle in a line.
 */
export const OPENMETRICS_CONTENT_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8";

export interface MetricSample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface MetricFamily {
  /** Without the `_total` suffix, which counters get here. Ends with `unit` when there is one. */
  readonly name: string;
  readonly type: "counter" | "gauge";
  readonly help: string;
  readonly unit: string | null;
  readonly samples: readonly MetricSample[];
}

const METRIC_NAME = /^[a-z][a-z0-9_]*$/;
const LABEL_NAME = /^[a-z][a-z0-9_]*$/;

/** The whole exposition, ended by `# EOF`. Samples that are not finite are left out. */
export function openMetrics(families: readonly MetricFamily[]): string {
  return `${families.map(familyText).join("")}# EOF\n`;
}

function familyText(family: MetricFamily): string {
  if (!METRIC_NAME.test(family.name)) throw new Error(`A metric's name is not valid: ${family.name}`);
  if (family.unit !== null && !family.name.endsWith(`_${family.unit}`)) {
    throw new Error(`A metric's name does not end with its unit: ${family.name}`);
  }
  const suffix = family.type === "counter" ? "_total" : "";
  const samples = family.samples.filter((sample) => Number.isFinite(sample.value));
  return [
    `# TYPE ${family.name} ${family.type}\n`,
    ...(family.unit === null ? [] : [`# UNIT ${family.name} ${family.unit}\n`]),
    `# HELP ${family.name} ${escaped(family.help)}\n`,
    ...samples.map((sample) => `${family.name}${suffix}${labelText(sample.labels)} ${sample.value}\n`),
  ].join("");
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => {
    if (!LABEL_NAME.test(name)) throw new Error(`A label's name is not valid: ${name}`);
    return `${name}="${escaped(value)}"`;
  });
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n").replaceAll("\r", " ");
}
