/**
 * The secrets of a deployment. They are made once, kept in a local file of mode 600 until the operator moves it to a safe place, and put
 * on each Worker that lacks them. What a Worker has is never overwritten, because stored tokens and keys could no longer be read.
 */
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { REPOSITORY, WORKER_NAMES, type WorkerName } from "./build.ts";
import { loadVars, type Secrets } from "./dev-vars.ts";
import { StartupError } from "./startup-error.ts";
import { scriptName, WORKER_SECRETS } from "./worker-options.ts";
import { wrangler } from "./wrangler-cli.ts";

export const DEPLOY_DIRECTORY = resolve(REPOSITORY, process.env["RELAYKEY_DEPLOY_DIR"] ?? ".relaykey/deploy");
const SECRETS_PATH = join(DEPLOY_DIRECTORY, "secrets.env");

export interface SecretPlan {
  /** Per Worker, the names that it lacks. */
  readonly missing: Readonly<Record<WorkerName, readonly (keyof Secrets)[]>>;
  /** Null when nothing is missing. */
  readonly secrets: Secrets | null;
  /** Made by this run: the owner key is shown once. */
  readonly created: boolean;
}

/** Finds out what each Worker has, and makes or reads what is missing. */
export async function planSecrets(): Promise<SecretPlan> {
  const missing = {
    proxy: await missingOn("proxy"),
    audit: await missingOn("audit"),
    admin: await missingOn("admin"),
  };
  const isComplete = WORKER_NAMES.every((worker) => missing[worker].length === 0);
  if (isComplete) return { missing, secrets: null, created: false };
  const isNew = WORKER_NAMES.every((worker) => missing[worker].length === WORKER_SECRETS[worker].length);
  if (!isNew && !existsSync(SECRETS_PATH)) {
    const lacking = WORKER_NAMES.filter((worker) => missing[worker].length > 0)
      .map((worker) => `${scriptName(worker)} lacks ${missing[worker].join(", ")}`)
      .join("; ");
    throw new StartupError(
      `${lacking}, and ${SECRETS_PATH} with their values is gone: restore that file, or put them with wrangler secret put`,
    );
  }
  mkdirSync(dirname(SECRETS_PATH), { recursive: true, mode: 0o700 });
  const { secrets, created } = loadVars(SECRETS_PATH, {}, { mayCreate: true });
  return { missing, secrets, created };
}

export function secretsPath(): string {
  return SECRETS_PATH;
}

/** Writes the secrets that a Worker lacks to a file for `wrangler deploy --secrets-file`, and removes it after `use`. */
export async function withSecretsFile<T>(
  plan: SecretPlan,
  worker: WorkerName,
  use: (args: readonly string[]) => Promise<T>,
): Promise<T> {
  const { secrets } = plan;
  if (secrets === null || plan.missing[worker].length === 0) return use([]);
  const path = join(DEPLOY_DIRECTORY, `put-${worker}-${process.pid}.json`);
  const values = Object.fromEntries(plan.missing[worker].map((name) => [name, secrets[name]]));
  try {
    writeFileSync(path, JSON.stringify(values), { mode: 0o600, flag: "wx" });
    chmodSync(path, 0o600);
    return await use(["--secrets-file", path]);
  } finally {
    rmSync(path, { force: true });
  }
}

async function missingOn(worker: WorkerName): Promise<readonly (keyof Secrets)[]> {
  const result = await wrangler(["secret", "list", "--name", scriptName(worker), "--format", "json"]);
  if (result.code !== 0) {
    if (/not found|does not exist|10007/i.test(result.stdout + result.stderr)) return WORKER_SECRETS[worker];
    throw new StartupError(
      `The secrets of ${scriptName(worker)} cannot be listed: check the account and the token's rights`,
    );
  }
  const present = new Set(namesIn(result.stdout));
  return WORKER_SECRETS[worker].filter((name) => !present.has(name));
}

function namesIn(text: string): string[] {
  const start = text.indexOf("[");
  const list: unknown = start < 0 ? [] : JSON.parse(text.slice(start, text.lastIndexOf("]") + 1));
  if (!Array.isArray(list)) return [];
  return list.flatMap((each: unknown) =>
    typeof each === "object" && each !== null && "name" in each && typeof each.name === "string" ? [each.name] : [],
  );
}

/** Settings remembered beside the secrets; not secret themselves. */
export function readRemembered(): Readonly<Record<string, string>> {
  const path = join(DEPLOY_DIRECTORY, "settings.json");
  if (!existsSync(path)) return {};
  const value: unknown = JSON.parse(readFileSync(path, "utf8"));
  if (typeof value !== "object" || value === null) return {};
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}

export function remember(settings: Readonly<Record<string, string>>): void {
  mkdirSync(DEPLOY_DIRECTORY, { recursive: true, mode: 0o700 });
  writeFileSync(join(DEPLOY_DIRECTORY, "settings.json"), `${JSON.stringify(settings, null, 2)}\n`);
}
