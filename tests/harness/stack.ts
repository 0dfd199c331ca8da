/**
 * The real stack as a child process, started as the README does, on free ports and with a state directory of its own.
 * What it prints is kept, so that a test can look for secrets in it. Everything it started ends with `stop()`.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { childrenNamed } from "../../scripts/child-processes.ts";
import { freePorts } from "./free-ports.ts";

const REPOSITORY = resolve(import.meta.dirname, "../..");
/** Far above what a start takes (3 s): machines that run the tests may be busy with other things. */
const START_TIMEOUT_MS = 100_000;
const STOP_TIMEOUT_MS = 10_000;
const POLL_MS = 20;

export interface StackOptions {
  readonly demo?: boolean;
  readonly environment?: Readonly<Record<string, string>>;
}

export interface Stack {
  readonly directory: string;
  readonly stateDirectory: string;
  readonly varsPath: string;
  readonly proxyPort: number;
  readonly adminPort: number;
  readonly demoPort: number;
  readonly proxy: string;
  readonly admin: string;
  readonly ownerKey: string;
  /** Everything printed since the first start, both streams. */
  output(): string;
  /** Ends the start script and workerd with SIGKILL at the same moment. */
  kill(): Promise<void>;
  /** Kills only the start script; workerd must end by itself, and its ports with it. */
  killScript(): Promise<void>;
  /** Kills only workerd, as a crash would; the start script brings it back by itself. */
  killRuntime(): Promise<void>;
  /** Starts again over the same state and ports. */
  start(): Promise<void>;
  /** SIGTERM; resolves to the exit code. */
  terminate(): Promise<number | null>;
  /** Ends everything and removes the state. */
  stop(): Promise<void>;
}

export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const directory = mkdtempSync(join(tmpdir(), "relaykey-test-"));
  const [proxyPort = 0, adminPort = 0, demoPort = 0] = await freePorts(3);
  const stateDirectory = join(directory, "state");
  const varsPath = join(directory, "dev.vars");
  let output = "";
  let child: ChildProcess | null = null;

  const start = async () => {
    const from = output.length;
    const started = spawn(process.execPath, ["scripts/start.ts"], {
      cwd: REPOSITORY,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        ...process.env,
        RELAYKEY_STATE_DIR: stateDirectory,
        RELAYKEY_DEV_VARS: varsPath,
        RELAYKEY_PROXY_PORT: String(proxyPort),
        RELAYKEY_ADMIN_PORT: String(adminPort),
        RELAYKEY_DEMO_PORT: String(demoPort),
        RELAYKEY_DEMO: options.demo === false ? "off" : "on",
        ALLOW_PRIVATE_UPSTREAMS: "true",
        NODE_OPTIONS: "",
        ...options.environment,
      },
    });
    child = started;
    started.stdout.on("data", (chunk: Buffer) => (output += chunk.toString("utf8")));
    started.stderr.on("data", (chunk: Buffer) => (output += chunk.toString("utf8")));
    await until(
      () => {
        if (started.exitCode !== null || started.signalCode !== null) {
          const how = started.signalCode ?? `code ${started.exitCode}`;
          throw new Error(`the stack did not start (${how}):\n${output.slice(from)}`);
        }
        return output.slice(from).includes("RelayKey is up");
      },
      START_TIMEOUT_MS,
      () => `the stack did not start in time:\n${output.slice(from)}`,
    );
  };

  const killTree = async (includingRuntime: boolean) => {
    const running = child;
    if (running === null || running.pid === undefined || running.exitCode !== null || running.signalCode !== null)
      return;
    const runtimes = childrenOf(running.pid);
    process.kill(running.pid, "SIGKILL");
    if (includingRuntime) for (const pid of runtimes) killQuietly(pid);
    await until(
      () => running.signalCode !== null || running.exitCode !== null,
      STOP_TIMEOUT_MS,
      () => "still running",
    );
    await until(
      () => runtimes.every((pid) => !existsSync(`/proc/${pid}`)),
      STOP_TIMEOUT_MS,
      () => "workerd still runs",
    );
  };

  try {
    await start();
  } catch (error) {
    await killTree(true);
    throw error;
  }
  return {
    directory,
    stateDirectory,
    varsPath,
    proxyPort,
    adminPort,
    demoPort,
    proxy: `http://127.0.0.1:${proxyPort}`,
    admin: `http://127.0.0.1:${adminPort}`,
    ownerKey: readOwnerKey(varsPath),
    output: () => output,
    kill: () => killTree(true),
    killScript: () => killTree(false),
    killRuntime: async () => {
      const parent = child?.pid;
      if (parent === undefined) return;
      const runtimes = childrenOf(parent);
      for (const pid of runtimes) killQuietly(pid);
      await until(
        () => childrenOf(parent).some((pid) => !runtimes.includes(pid)),
        START_TIMEOUT_MS,
        () => "workerd did not come back",
      );
      await until(
        () => answers(proxyPort),
        START_TIMEOUT_MS,
        () => "the proxy did not come back",
      );
    },
    start,
    terminate: async () => {
      const running = child;
      if (running === null) return null;
      running.kill("SIGTERM");
      await until(
        () => running.exitCode !== null || running.signalCode !== null,
        STOP_TIMEOUT_MS,
        () => "did not stop",
      );
      return running.exitCode;
    },
    stop: async () => {
      await killTree(true);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Every byte below a directory, file by file; for searches for secrets. */
export function filesBelow(directory: string): { readonly path: string; readonly bytes: Buffer }[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({ path, bytes: readFileSync(path) }));
}

/** Polls until `condition` holds; a condition that throws ends the wait. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  timeoutMs: number,
  message: () => string,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(message());
    await new Promise((done) => setTimeout(done, POLL_MS));
  }
}

function readOwnerKey(path: string): string {
  const match = /^RELAYKEY_OWNER_KEY="(.*)"$/m.exec(readFileSync(path, "utf8"));
  if (match?.[1] === undefined) throw new Error(`no owner key in ${path}`);
  return match[1];
}

async function answers(port: number): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/health`, { signal: AbortSignal.timeout(1000) });
    await response.arrayBuffer();
    return response.status === 200;
  } catch {
    return false;
  }
}

function childrenOf(parent: number): number[] {
  return childrenNamed("workerd", parent);
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended already.
  }
}
