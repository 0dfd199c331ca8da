/** The benchmark's report, as it stands in bench/RESULTS.md. */
import { cpus } from "node:os";
import { costSection } from "./cost.ts";
import { LARGE_BYTES, type LargeResult } from "./large.ts";
import { loadTool } from "./load.ts";
import { quantile } from "./quantile.ts";
import type { Row } from "./rounds.ts";
import type { Options } from "./run.ts";

export interface Results {
  readonly rows: readonly Row[];
  /** The same for more credentials. */
  readonly many: readonly (readonly [credentials: number, rows: readonly Row[]])[];
  readonly large: readonly LargeResult[];
  readonly options: Options;
  readonly upstreamKind: string;
}

export function render({ rows, many, large, options, upstreamKind }: Results): string {
  const machine = `${cpus().length} × ${cpus()[0]?.model ?? "unknown"}`;
  return `# What RelayKey costs

Measured ${new Date().toISOString().slice(0, 10)} on ${machine}, Linux, everything on one machine: load by ${loadTool}, vendor ${upstreamKind}, workerd through
Miniflare's direct sockets. The whole pipeline runs: token check, scope, one durable admission per call (rate, month budget, trusted address,
journal), key decryption, header hygiene, masking, queue and audit. The variants take turns, ${options.rounds} rounds of ${options.seconds} s each; the figures
are medians of the rounds. "Of pass-through" is the throughput as a part of the pass-through Worker's in the same round, with the quartiles of the
rounds in brackets; "added" is the p50 above its p50 in the same round.
Repeat with \`npm run bench\`; see \`bench/run.ts\` for its options.

${heading(options.credentials[0] ?? 1)}

${table(rows)}

"One durable row per call, nothing else" is a Worker with one call to a Durable Object that writes one row before it forwards: the floor
under any proxy that has each call on record first. Portkey's gateway (Node, without limits, journal or audit) is asked for chat
completions, since passing on other paths fails there.
${many.map(([count, each]) => `\n${heading(count)}\n\n${table(each)}\n`).join("")}
## A large body

One download of ${LARGE_BYTES / 1_048_576} MiB of random bytes, searched for the vendor's key on the way:

| variant | MB/s |
|---|---:|
${large.map((each) => `| ${each.variant} | ${Math.round(each.megabytesPerSecond)} |`).join("\n")}

${costSection()}`;
}

function heading(credentials: number): string {
  return credentials === 1 ? "## One hot credential" : `## ${credentials.toLocaleString("en")} credentials in turn`;
}

function table(rows: readonly Row[]): string {
  const lines = rows.map((row) =>
    [
      row.connections,
      row.variant,
      Math.round(row.requestsPerSecond),
      share(row.ratios),
      row.p50Ms.toFixed(2),
      row.addedP50Ms.toFixed(2),
      row.p99Ms.toFixed(2),
      row.processorMsPerCall.toFixed(3),
    ].join(" | "),
  );
  return `| connections | variant | requests/s | of pass-through | p50 ms | added ms | p99 ms | processor ms per call |
|---:|---|---:|---:|---:|---:|---:|---:|
${lines.map((line) => `| ${line} |`).join("\n")}`;
}

function share(ratios: readonly number[]): string {
  const [low, middle, high] = [0.25, 0.5, 0.75].map((q) => quantile(ratios, q).toFixed(2));
  return low === high ? `${middle}` : `${middle} (${low}–${high})`;
}
