/**
 * `npm run bench`: what RelayKey costs, measured against the least that a Worker could do and against Portkey's gateway, all in one
 * run, in turns, on the same machine. The stack is the real one: durable journal, queue, audit Worker. Prints the tables and
 * writes bench/RESULTS.md.
 *
 *     npm run bench -- --seconds=1 --rounds=9 --credentials=1,100,10000
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { REPOSITORY } from "../scripts/build.ts";
import { childrenNamed, processorMs } from "../scripts/child-processes.ts";
import { loadVars } from "../scripts/dev-vars.ts";
import type { LocalSettings } from "../scripts/local-settings.ts";
import { startStack } from "../scripts/local-stack.ts";
import { startBareWorkers } from "./bare-workers.ts";
import { CONNECTION_PATH, createTokens } from "./credentials.ts";
import { measureLarge } from "./large.ts";
import { putLoad, type LoadRequest, type LoadResult } from "./load.ts";
import { startPortkey } from "./portkey.ts";
import { quantile } from "./quantile.ts";
import { render } from "./report.ts";
import { startUpstream } from "./upstream.ts";

const PROXY_PORT = 18787;
const ADMIN_PORT = 18788;
const UPSTREAM_PORT = 18789;
const BARE_PORTS = { passThrough: 18790, durableRow: 18791 };
const PORTKEY_PORT = 18792;
const CONNECTIONS = [1, 16, 64];
const WARM_UP_SECONDS = 3;
/** The audit Worker finishes with one variant's calls before the next one is measured. */
const REST_MS = 2_500;

export interface Options {
  readonly seconds: number;
  readonly rounds: number;
  /** How many credentials take turns; the first count is measured beside everything else. */
  readonly credentials: readonly number[];
}

interface Target {
  readonly variant: string;
  readonly port: number;
  readonly request: LoadRequest;
  readonly tokens: readonly string[];
  readonly pids: readonly number[];
}

export interface Measured extends LoadResult {
  readonly processorMsPerCall: number;
}

export interface Row {
  readonly connections: number;
  readonly variant: string;
  readonly result: Measured;
  /** Throughput as a part of the pass-through's. */
  readonly ratio: number;
}

const CALL: LoadRequest = { method: "GET", path: `${CONNECTION_PATH}/contacts/1`, headers: {}, body: null };

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
  const bare = startBareWorkers(upstream.origin, CONNECTION_PATH, BARE_PORTS, join(directory, "bare"));
  const portkey = await startPortkey(PORTKEY_PORT, upstream.origin);
  try {
    await bare.ready;
    const most = Math.max(...options.credentials);
    const tokens = await createTokens(ADMIN_PORT, vars.secrets.RELAYKEY_OWNER_KEY, upstream.origin, most);
    const pids = childrenNamed("workerd", process.pid).filter((pid) => !relayKeyPids.includes(pid));
    const [first = 1, ...others] = options.credentials;
    const passThrough = {
      variant: "pass-through Worker",
      port: BARE_PORTS.passThrough,
      request: CALL,
      tokens: tokens.slice(0, 1),
      pids,
    };
    const durableRow = {
      ...passThrough,
      variant: "one durable row per call, nothing else",
      port: BARE_PORTS.durableRow,
    };
    const relayKey = {
      variant: "RelayKey",
      port: PROXY_PORT,
      request: CALL,
      tokens: tokens.slice(0, first),
      pids: relayKeyPids,
    };
    const targets = [passThrough, durableRow, relayKey];
    const besides =
      portkey === null
        ? []
        : [{ ...portkey, variant: "Portkey's gateway", port: PORTKEY_PORT, tokens: [], pids: [portkey.pid] }];
    const rows = await measure([...targets, ...besides], options);
    const many: (readonly [count: number, rows: readonly Row[]])[] = [];
    for (const count of others) {
      many.push([count, await measure([passThrough, { ...relayKey, tokens: tokens.slice(0, count) }], options)]);
    }
    const report = render({
      rows,
      many,
      large: await measureLarge([passThrough, relayKey]),
      options,
      upstreamKind: upstream.kind,
    });
    console.log(report);
    writeFileSync(join(REPOSITORY, "bench/RESULTS.md"), report);
  } finally {
    portkey?.stop();
    await bare.dispose();
    await stack.stop();
    upstream.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

function readOptions(args: readonly string[]): Options {
  const text = (name: string) => args.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3);
  const number = (value: string | undefined, fallback: number) =>
    Math.max(1, Number.parseInt(value ?? "", 10) || fallback);
  return {
    seconds: number(text("seconds"), 1),
    rounds: number(text("rounds"), 9),
    credentials: (text("credentials") ?? "1,100,10000").split(",").map((each) => number(each, 1)),
  };
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
    const [base = []] = results;
    for (const [index, target] of targets.entries()) {
      const rounds = results[index] ?? [];
      // Within a round, since a machine's speed may change from one to the next.
      const ratios = rounds.map(
        ({ requestsPerSecond }, at) => requestsPerSecond / (base[at]?.requestsPerSecond ?? NaN),
      );
      rows.push({ connections, variant: target.variant, result: medianOf(rounds), ratio: quantile(ratios, 0.5) });
    }
  }
  return rows;
}

/** Processor time is what a call costs even when the machine is busy with something else. */
async function measureOnce(target: Target, connections: number, seconds: number): Promise<Measured> {
  const used = () => target.pids.reduce((sum, pid) => sum + (processorMs(pid) ?? Number.NaN), 0);
  const before = used();
  const result = await putLoad({ ...target, connections, seconds });
  await new Promise((resolve) => setTimeout(resolve, REST_MS));
  return { ...result, processorMsPerCall: (used() - before) / (result.requestsPerSecond * seconds) };
}

function medianOf(results: readonly Measured[]): Measured {
  const middle = (pick: (result: Measured) => number) => quantile(results.map(pick), 0.5);
  return {
    requestsPerSecond: middle((result) => result.requestsPerSecond),
    p50Ms: middle((result) => result.p50Ms),
    p99Ms: middle((result) => result.p99Ms),
    processorMsPerCall: middle((result) => result.processorMsPerCall),
  };
}

await main();
process.exit(0);
