/**
 * Puts load on one address: wrk where it is installed, else a small keep-alive generator over bare sockets in a process of its own.
 * Every answer must be a 2xx, or the measurement is refused: a fast refusal is not a fast call.
 */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Asker } from "./asker.ts";
import { quantile } from "./quantile.ts";

export interface LoadRequest {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
}

export interface LoadInput {
  readonly port: number;
  readonly connections: number;
  readonly seconds: number;
  readonly request: LoadRequest;
  /** Sent as bearer tokens, one per request in turn; none: the request as it is. */
  readonly tokens: readonly string[];
}

export interface LoadResult {
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export const loadTool: "wrk" | "Node" = spawnSync("wrk", ["-v"]).error === undefined ? "wrk" : "Node";

export async function putLoad(input: LoadInput): Promise<LoadResult> {
  const directory = mkdtempSync(join(tmpdir(), "relaykey-load-"));
  try {
    return loadTool === "wrk" ? await withWrk(input, directory) : await withNode(input, directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function withWrk(input: LoadInput, directory: string): Promise<LoadResult> {
  const { method, path, headers, body } = input.request;
  const fields = Object.entries(headers).map(([name, value]) => `[${JSON.stringify(name)}] = ${JSON.stringify(value)}`);
  const tokens = join(directory, "tokens");
  writeFileSync(tokens, input.tokens.map((token) => `Bearer ${token}\n`).join(""), { mode: 0o600 });
  // JSON's strings are Lua's as long as nothing needs an escape of its own.
  const script = `local headers = {${fields.join(", ")}}
local body = ${body === null ? "nil" : JSON.stringify(body)}
local requests, at = {}, 0
local function add() requests[#requests + 1] = wrk.format("${method}", ${JSON.stringify(path)}, headers, body) end
init = function()
  for line in io.lines(${JSON.stringify(tokens)}) do headers["authorization"] = line; add() end
  if #requests == 0 then add() end
end
request = function() at = at % #requests + 1; return requests[at] end`;
  writeFileSync(join(directory, "load.lua"), script, { mode: 0o600 });
  const output = await run("wrk", [
    "--threads=1",
    `--connections=${input.connections}`,
    `--duration=${input.seconds}s`,
    "--latency",
    "--timeout=10s",
    `--script=${join(directory, "load.lua")}`,
    `http://127.0.0.1:${input.port}/`,
  ]);
  const failures = /Non-2xx or 3xx responses: (\d+)|Socket errors: (.*)/.exec(output);
  if (failures !== null) throw new Error(`not every call was answered with 2xx: ${failures[0]}`);
  return {
    requestsPerSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(output)?.[1]),
    p50Ms: milliseconds(/^\s+50%\s+(\S+)/m.exec(output)?.[1]),
    p99Ms: milliseconds(/^\s+99%\s+(\S+)/m.exec(output)?.[1]),
  };
}

function milliseconds(text: string | undefined): number {
  const match = /^([\d.]+)(us|ms|s)$/.exec(text ?? "");
  const factor = { us: 0.001, ms: 1, s: 1000 }[match?.[2] ?? ""] ?? Number.NaN;
  return Number(match?.[1]) * factor;
}

async function withNode(input: LoadInput, directory: string): Promise<LoadResult> {
  const path = join(directory, "input.json");
  writeFileSync(path, JSON.stringify(input), { mode: 0o600 });
  const result: LoadResult = JSON.parse(await run(process.execPath, [import.meta.filename, path]));
  return result;
}

function run(command: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...args], { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString("utf8")));
    child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString("utf8")));
    child.on("error", reject);
    child.on("close", (code) => (code === 0 ? resolve(output) : reject(new Error(output))));
  });
}

/** One connection that asks, waits for the whole answer, and asks again until the deadline. */
async function keepAsking(
  port: number,
  requests: readonly Buffer[],
  from: number,
  until: number,
  latencies: number[],
): Promise<void> {
  const asker = await Asker.open(port);
  for (let at = from; performance.now() < until; at++) {
    latencies.push(await asker.ask(requests[at % requests.length] ?? Buffer.alloc(0)));
  }
  asker.close();
}

async function generate(input: LoadInput): Promise<LoadResult> {
  const { method, path, headers, body } = input.request;
  const length = body === null ? {} : { "content-length": String(Buffer.byteLength(body)) };
  const bearers = input.tokens.map((token) => ({ authorization: `Bearer ${token}` }));
  const requests = (bearers.length === 0 ? [{}] : bearers).map((bearer) => {
    const lines = Object.entries({ host: `127.0.0.1:${input.port}`, ...headers, ...length, ...bearer });
    const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("");
    return Buffer.from(`${method} ${path} HTTP/1.1\r\n${head}\r\n${body ?? ""}`);
  });
  const latencies: number[] = [];
  const startedAt = performance.now();
  const until = startedAt + input.seconds * 1000;
  const each = Array.from({ length: input.connections }, (_, index) =>
    keepAsking(input.port, requests, index, until, latencies),
  );
  await Promise.all(each);
  const seconds = (performance.now() - startedAt) / 1000;
  const [p50Ms, p99Ms] = [quantile(latencies, 0.5), quantile(latencies, 0.99)];
  return { requestsPerSecond: latencies.length / seconds, p50Ms, p99Ms };
}

if (import.meta.main) {
  const input: LoadInput = JSON.parse(readFileSync(process.argv[2] ?? "", "utf8"));
  process.stdout.write(JSON.stringify(await generate(input)));
  process.exit(0);
}
