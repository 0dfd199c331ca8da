/**
 * `npm run bench`: what RelayKey costs, measured against the least that a Worker could do and against Portkey's gateway, all in one
 * run, in turns, on the same machine. The stack is the real one: durable journal, queue, audit Worker. Prints the tables and
 * writes bench/RESULTS.md.
 *
 *     npm run bench -- --seconds=1 --rounds=25 --credentials=1,100,10000
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { REPOSITORY } from "../scripts/build.ts";
import { childrenNamed } from "../scripts/child-processes.ts";
import { loadVars } from "../scripts/dev-vars.ts";
import type { LocalSettings } from "../scripts/local-settings.ts";
import { startStack } from "../scripts/local-stack.ts";
import { startBareWorkers } from "./bare-workers.ts";
import { CONNECTION_PATH, createIssuer } from "./credentials.ts";
import { measureLarge } from "./large.ts";
import type { LoadRequest } from "./load.ts";
import { startPortkey } from "./portkey.ts";
import { render } from "./report.ts";
import { measure, type Rounds, type Row } from "./rounds.ts";
import { startUpstream } from "./upstream.ts";

const PROXY_PORT = 18787;
const ADMIN_PORT = 18788;
const UPSTREAM_PORT = 18789;
const BARE_PORTS = { passThrough: 18790, durableRow: 18791 };
const PORTKEY_PORT = 18792;
/** The audit Worker finishes with RelayKey's calls before the next variant is measured; the others leave no work behind. */
const AUDIT_REST_MS = 2_500;
const REST_MS = 200;

export interface Options extends Rounds {
  /** How many credentials take turns; the first count is measured beside everything else. */
  readonly credentials: readonly number[];
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
    const issuer = await createIssuer(ADMIN_PORT, vars.secrets.RELAYKEY_OWNER_KEY, upstream.origin);
    const pids = childrenNamed("workerd", process.pid).filter((pid) => !relayKeyPids.includes(pid));
    const [first = 1, ...others] = options.credentials;
    const passThrough = {
      variant: "pass-through Worker",
      port: BARE_PORTS.passThrough,
      request: CALL,
      tokens: await issuer.tokens(1),
      pids,
      restMs: REST_MS,
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
      tokens: await issuer.tokens(first),
      pids: relayKeyPids,
      restMs: AUDIT_REST_MS,
    };
    const gateway =
      portkey === null
        ? []
        : [{ variant: "Portkey's gateway", port: PORTKEY_PORT, tokens: [], restMs: REST_MS, ...portkey }];
    const rows = await measure([passThrough, durableRow, relayKey, ...gateway], options);
    const many: (readonly [count: number, rows: readonly Row[]])[] = [];
    for (const count of others) {
      many.push([count, await measure([passThrough, { ...relayKey, tokens: await issuer.tokens(count) }], options)]);
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
    rounds: number(text("rounds"), 25),
    credentials: (text("credentials") ?? "1,100,10000").split(",").map((each) => number(each, 1)),
  };
}

await main();
process.exit(0);
