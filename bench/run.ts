/**
 * `npm run bench`: what RelayKey costs, measured against a bare pass-through Worker in the same run, in turns, on the same machine.
 * The stack is the real one: durable journal, queue, audit Worker. Prints a table and writes bench/RESULTS.md.
 *
 *     npm run bench -- --seconds=4 --rounds=3 --credentials=1     one hot credential (also 100 or 10000)
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import { REPOSITORY } from "../scripts/build.ts";
import { childrenNamed, processorMs } from "../scripts/child-processes.ts";
import { loadVars } from "../scripts/dev-vars.ts";
import type { LocalSettings } from "../scripts/local-settings.ts";
import { startStack } from "../scripts/local-stack.ts";
import { COMPATIBILITY_DATE } from "../scripts/worker-options.ts";
import { LARGE_BYTES, measureLarge, type LargeResult } from "./large.ts";
import { loadTool, putLoad, type LoadResult } from "./load.ts";
import { startUpstream } from "./upstream.ts";

const PROXY_PORT = 18787;
const ADMIN_PORT = 18788;
const UPSTREAM_PORT = 18789;
const BARE_PORT = 18790;
const CONNECTIONS = [1, 16, 64];
const WARM_UP_SECONDS = 2;
const CREATE_IN_PARALLEL = 8;

interface Options {
  readonly seconds: number;
  readonly rounds: number;
  readonly credentials: number;
}

interface Target {
  readonly variant: string;
  readonly port: number;
  readonly tokens: readonly string[];
  /** Of its workerd. */
  readonly pids: readonly number[];
}

interface Measured extends LoadResult {
  readonly processorMsPerCall: number;
}

interface Row {
  readonly connections: number;
  readonly variant: string;
  readonly result: Measured;
  /** Throughput as a part of the pass-through's. */
  readonly ratio: number;
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  const directory = mkdtempSync(join(tmpdir(), "relaykey-bench-"));
  const settings: LocalSettings = {
    stateDirectory: join(directory, "state"),
    varsPath: join(directory, "vars"),
    proxyPort: PROXY_PORT,
    adminPort: ADMIN_PORT,
    demoPort: 0,
    demo: false,
    cronIntervalMs: 60_000,
  };
  const vars = loadVars(settings.varsPath, {}, { mayCreate: true });
  process.env["ALLOW_PRIVATE_UPSTREAMS"] = "true";
  const upstream = await startUpstream(UPSTREAM_PORT);
  const stack = await startStack(settings, vars);
  const relayKeyPids = childrenNamed("workerd", process.pid);
  const bare = startBare(upstream.origin);
  try {
    await bare.ready;
    const tokens = await createTokens(vars.secrets.RELAYKEY_OWNER_KEY, upstream.origin, options.credentials);
    const barePids = childrenNamed("workerd", process.pid).filter((pid) => !relayKeyPids.includes(pid));
    const targets = [
      { variant: "pass-through Worker", port: BARE_PORT, tokens: tokens.slice(0, 1), pids: barePids },
      { variant: "RelayKey", port: PROXY_PORT, tokens, pids: relayKeyPids },
    ];
    const rows = await measure(targets, options);
    const report = render(rows, await measureLarge(targets), options, upstream.kind);
    console.log(report);
    writeFileSync(join(REPOSITORY, "bench/RESULTS.md"), report);
  } finally {
    await bare.dispose();
    await stack.stop();
    upstream.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

function readOptions(args: readonly string[]): Options {
  const value = (name: string, fallback: number) => {
    const text = args.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3);
    return text === undefined ? fallback : Math.max(1, Number.parseInt(text, 10) || fallback);
  };
  return { seconds: value("seconds", 4), rounds: value("rounds", 3), credentials: value("credentials", 1) };
}

/** The least that a Worker in front of a vendor can do. */
function startBare(origin: string): Miniflare {
  const script = `export default { fetch(request, env) {
    const url = new URL(request.url);
    return fetch(new Request("${origin}" + url.pathname.slice(11) + url.search, request));
  } };`;
  return new Miniflare(
    convertV4MiniflareOptions({
      host: "127.0.0.1",
      port: 0,
      cf: false,
      telemetry: { enabled: false },
      log: new Log(LogLevel.WARN),
      workers: [
        {
          name: "bare",
          modules: [{ type: "ESModule", path: "bare.mjs", contents: script }],
          compatibilityDate: COMPATIBILITY_DATE,
          stripCfConnectingIp: false,
          unsafeDirectSockets: [{ host: "127.0.0.1", port: BARE_PORT }],
        },
      ],
    }),
  );
}

async function createTokens(ownerKey: string, origin: string, count: number): Promise<string[]> {
  const post = async (path: string, body: unknown): Promise<Readonly<Record<string, unknown>>> => {
    const response = await fetch(`http://127.0.0.1:${ADMIN_PORT}/api/v1${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${ownerKey}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    if (response.status !== 201) throw new Error(`POST ${path}: ${response.status} ${text}`);
    const value: Readonly<Record<string, unknown>> = JSON.parse(text);
    return value;
  };
  const secret = `bench-${"k".repeat(32)}`;
  await post("/connections", { id: "conn_bench", name: "Bench", base_url: origin, auth: { scheme: "bearer" }, secret });
  const tokens: string[] = [];
  const createNext = async (): Promise<void> => {
    while (tokens.length < count) {
      const place = tokens.push("") - 1;
      const made = await post("/delegated-credentials", {
        connection_id: "conn_bench",
        name: `bench ${place}`,
        allowed_methods: ["GET"],
        allowed_paths: ["/contacts/*"],
        ttl_seconds: 86_400,
        // Everything that a credential can be made to check is on; none of it is ever reached.
        trust: { mode: "first_use" },
        limits: {
          rate: [{ requests: 10_000_000, per_seconds: 60 }],
          budgets: [{ unit: "requests", limit: 1_000_000_000, window: "month" }],
        },
      });
      tokens[place] = String(made["token"]);
    }
  };
  await Promise.all(Array.from({ length: CREATE_IN_PARALLEL }, createNext));
  return tokens;
}

async function measure(targets: readonly Target[], options: Options): Promise<Row[]> {
  const rows: Row[] = [];
  for (const connections of CONNECTIONS) {
    const results = targets.map((): Measured[] => []);
    for (const target of targets) await measureOnce(target, connections, WARM_UP_SECONDS);
    for (let round = 0; round < options.rounds; round++) {
      for (const [index, target] of targets.entries()) {
        results[index]?.push(await measureOnce(target, connections, options.seconds));
      }
    }
    const medians = results.map(medianOf);
    const base = medians[0]?.requestsPerSecond ?? Number.NaN;
    for (const [index, target] of targets.entries()) {
      const result = medians[index];
      if (result === undefined) continue;
      rows.push({ connections, variant: target.variant, result, ratio: result.requestsPerSecond / base });
    }
  }
  return rows;
}

/** Processor time is what a call costs even when the machine is busy with something else. */
async function measureOnce(target: Target, connections: number, seconds: number): Promise<Measured> {
  const used = () => target.pids.reduce((sum, pid) => sum + (processorMs(pid) ?? Number.NaN), 0);
  const before = used();
  const result = await putLoad({ ...target, path: "/conn_bench/contacts/1", connections, seconds });
  return { ...result, processorMsPerCall: (used() - before) / (result.requestsPerSecond * seconds) };
}

function medianOf(results: readonly Measured[]): Measured {
  const middle = (pick: (result: Measured) => number) =>
    results.map(pick).toSorted((a, b) => a - b)[Math.floor(results.length / 2)] ?? Number.NaN;
  return {
    requestsPerSecond: middle((result) => result.requestsPerSecond),
    p50Ms: middle((result) => result.p50Ms),
    p99Ms: middle((result) => result.p99Ms),
    processorMsPerCall: middle((result) => result.processorMsPerCall),
  };
}

function render(rows: readonly Row[], large: readonly LargeResult[], options: Options, upstreamKind: string): string {
  const machine = `${cpus().length} × ${cpus()[0]?.model ?? "unknown"}`;
  const hot = options.credentials === 1 ? "one hot credential" : `${options.credentials} credentials in turn`;
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
  return `# What RelayKey costs

Measured ${new Date().toISOString().slice(0, 10)} on ${machine}, Linux, everything on one machine: load by ${loadTool}, vendor ${upstreamKind}, workerd through
Miniflare's direct sockets, ${hot}. The whole pipeline runs: token check, scope, one durable admission per call (rate, month budget, trusted
address, journal), key decryption, header hygiene, masking, queue and audit. Pass-through and RelayKey take turns, ${options.rounds} rounds of ${options.seconds} s each; medians of the rounds.
Repeat with \`npm run bench\`; see \`bench/run.ts\` for its options.

| connections | variant | requests/s | of pass-through | p50 ms | p99 ms | processor ms per call |
|---:|---|---:|---:|---:|---:|---:|
${lines.map((line) => `| ${line} |`).join("\n")}

One download of ${LARGE_BYTES / 1_048_576} MiB of random bytes, searched for the vendor's key on the way:

| variant | MB/s |
|---|---:|
${large.map((each) => `| ${each.variant} | ${Math.round(each.megabytesPerSecond)} |`).join("\n")}
`;
}

await main();
process.exit(0);
