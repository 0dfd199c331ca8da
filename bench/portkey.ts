/**
 * Portkey's gateway from npm, as a second yardstick: it swaps no key, keeps no limit and no record. Installed below
 * `bench/portkey` with a lockfile of its own when first asked for, so that nothing of it is among RelayKey's packages.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY } from "../scripts/build.ts";
import { assertPortFree, untilAnswering } from "../scripts/ports.ts";
import type { LoadRequest } from "./load.ts";

const DIRECTORY = join(REPOSITORY, "bench/portkey");
const SERVER = join(DIRECTORY, "node_modules/@portkey-ai/gateway/build/start-server.js");
const START_TIMEOUT_MS = 30_000;
const INSTALL_TIMEOUT_MS = 180_000;

export interface Portkey {
  readonly pids: readonly number[];
  readonly request: LoadRequest;
  stop(): void;
}

/** Null, with a line that says so, when it cannot be installed or does not start. */
export async function startPortkey(port: number, upstreamOrigin: string): Promise<Portkey | null> {
  if (!existsSync(SERVER)) {
    const options = { cwd: DIRECTORY, timeout: INSTALL_TIMEOUT_MS, stdio: "ignore" } as const;
    if (spawnSync("npm", ["ci", "--ignore-scripts"], options).status !== 0) {
      console.error("Portkey's gateway cannot be installed: its line is left out");
      return null;
    }
  }
  await assertPortFree(port, "the benchmark's");
  const child = spawn(process.execPath, [SERVER, "--headless", `--port=${port}`], { stdio: "ignore" });
  process.once("exit", () => child.kill("SIGKILL"));
  try {
    await untilAnswering(port, START_TIMEOUT_MS);
  } catch {
    child.kill("SIGKILL");
    console.error("Portkey's gateway does not start: its line is left out");
    return null;
  }
  return {
    pids: [child.pid ?? 0],
    // A chat completion, since its passing on of other paths fails on Node.
    request: {
      method: "POST",
      path: "/v1/chat/completions",
      headers: {
        authorization: "Bearer bench",
        "content-type": "application/json",
        "x-portkey-provider": "openai",
        "x-portkey-custom-host": `${upstreamOrigin}/v1`,
      },
      body: '{"model":"bench","messages":[{"role":"user","content":"hello"}]}',
    },
    stop: () => void child.kill("SIGKILL"),
  };
}
