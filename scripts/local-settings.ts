/** What the environment says about a local run, checked once. Every refusal names the variable and what it may hold. */
import { isAbsolute, join, resolve } from "node:path";
import { REPOSITORY } from "./build.ts";
import { StartupError } from "./startup-error.ts";

export interface LocalSettings {
  /** Absolute. Databases, Durable Objects and the bucket live below it. */
  readonly stateDirectory: string;
  /** Absolute path of the secrets file: `.dev.vars` at the repository's root unless RELAYKEY_DEV_VARS names another. */
  readonly varsPath: string;
  readonly proxyPort: number;
  readonly adminPort: number;
  readonly demoPort: number;
  readonly demo: boolean;
  /** Between two runs of the Workers' scheduled work. A deployment's cron runs every minute. */
  readonly cronIntervalMs: number;
}

const MAX_CRON_SECONDS = 3600;

export function readSettings(environment: NodeJS.ProcessEnv): LocalSettings {
  const settings = {
    stateDirectory: absolute(environment["RELAYKEY_STATE_DIR"] || ".relaykey/state"),
    varsPath: absolute(environment["RELAYKEY_DEV_VARS"] || ".dev.vars"),
    proxyPort: port(environment, "RELAYKEY_PROXY_PORT", 8787),
    adminPort: port(environment, "RELAYKEY_ADMIN_PORT", 8788),
    demoPort: port(environment, "RELAYKEY_DEMO_PORT", 8790),
    demo: demoWanted(environment["RELAYKEY_DEMO"]),
    cronIntervalMs: 1000 * integer(environment, "RELAYKEY_CRON_SECONDS", 60, MAX_CRON_SECONDS),
  };
  const ports = [settings.proxyPort, settings.adminPort, ...(settings.demo ? [settings.demoPort] : [])];
  if (new Set(ports).size < ports.length) {
    throw new StartupError(
      "RELAYKEY_PROXY_PORT, RELAYKEY_ADMIN_PORT and RELAYKEY_DEMO_PORT must differ: give each its own port",
    );
  }
  return settings;
}

function absolute(path: string): string {
  return isAbsolute(path) ? path : resolve(join(REPOSITORY, path));
}

function port(environment: NodeJS.ProcessEnv, name: string, fallback: number): number {
  return integer(environment, name, fallback, 65_535);
}

function integer(environment: NodeJS.ProcessEnv, name: string, fallback: number, max: number): number {
  const text = environment[name];
  if (text === undefined || text === "") return fallback;
  const value = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (value < 1 || value > max)
    throw new StartupError(`${name} must be a whole number from 1 to ${max}, not "${text}"`);
  return value;
}

function demoWanted(text: string | undefined): boolean {
  switch (text?.toLowerCase()) {
    case undefined:
    case "":
    case "on":
    case "true":
    case "1":
      return true;
    case "off":
    case "false":
    case "0":
      return false;
    default:
      throw new StartupError(`RELAYKEY_DEMO must be on or off, not "${text}"`);
  }
}
