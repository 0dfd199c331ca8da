/** The benchmark's report, as it stands in bench/RESULTS.md. */
import { cpus } from "node:os";
import { LARGE_BYTES, type LargeResult } from "./large.ts";
import { loadTool } from "./load.ts";
import type { Options, Row } from "./run.ts";

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
journal), key decryption, header hygiene, masking, queue and audit. The variants take turns, ${options.rounds} rounds of ${options.seconds} s each; medians of the rounds,
and for "of pass-through" the median of each round's own quotient.
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
`;
}

function heading(credentials: number): string {
  return credentials === 1 ? "## One hot credential" : `## ${credentials.toLocaleString("en")} credentials in turn`;
}

function table(rows: readonly Row[]): string {
  const lines = rows.map(({ connections, variant, result, ratio }) =>
    [
      connections,
      variant,
      Math.round(result.requestsPerSecond),
      ratio.toFixed(2),
      result.p50Ms.toFixed(2),
      result.p99Ms.toFixed(2),
      result.processorMsPerCall.toFixed(3),
    ].join(" | "),
  );
  return `| connections | variant | requests/s | of pass-through | p50 ms | p99 ms | processor ms per call |
|---:|---|---:|---:|---:|---:|---:|
${lines.map((line) => `| ${line} |`).join("\n")}`;
}
