/**
 * The secrets of a deployment. RelayKey's own are made once, kept in a local file of mode 600 until the operator moves it to a safe place,
 * and put on each Worker that lacks them; what a Worker has of them is never overwritten, because stored tokens and keys could no longer be
 * read. Those of other services (mail, secret providers) are put when they are given.
 */
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { REPOSITORY, WORKER_NAMES, type WorkerName } from "./build.ts";
import { loadVars, type Secrets } from "./dev-vars.ts";
import { givenSecrets } from "./deploy-optional-secrets.ts";
import { StartupError } from "./startup-error.ts";
import { scriptName, WORKER_SECRETS } from "./worker-options.ts";
import { wrangler } from "./wrangler-cli.ts";

export const DEPLOY_DIRECTORY = resolve(REPOSITORY, process.env["RELAYKEY_DEPLOY_DIR"] ?? ".relaykey/deploy");
const SECRETS_PATH = join(DEPLOY_DIRECTORY, "secrets.env");

type PerWorker<T> = Readonly<Record<WorkerName, T>>;

export interface SecretPlan {
  /** Per Worker, value by name: what this deployment puts. */
  readonly put: PerWorker<Readonly<Record<string, string>>>;
  /** Names that each Worker has once it is deployed. */
  readonly known: PerWorker<ReadonlySet<string>>;
  /** RelayKey's own secrets, if this run made them: the owner key is shown once. */
  readonly created: Secrets | null;
}

/** Finds out what each Worker has, and makes or reads what is missing. */
export async function planSecrets(): Promise<SecretPlan> {
  const present = { proxy: await namesOn("proxy"), audit: await namesOn("audit"), admin: await namesOn("admin") };
  const own = ownSecrets(present);
  const put = perWorker((worker) => ({
    ...Object.fromEntries(missing(worker, present).map((name) => [name, own.secrets?.[name] ?? ""])),
    ...givenSecrets(worker, present[worker], process.env),
  }));
  const known = perWorker((worker) => new Set([...present[worker], ...Object.keys(put[worker])]));
  return { put, known, created: own.created ? own.secrets : null };
}

export function secretsPath(): string {
  return SECRETS_PATH;
}

/** Writes what a Worker is to get to a file for `wrangler deploy --secrets-file`, and removes it after `use`. */
export async function withSecretsFile<T>(
  plan: SecretPlan | null,
  worker: WorkerName,
  use: (args: readonly string[]) => Promise<T>,
): Promise<T> {
  const values = plan?.put[worker] ?? {};
  if (Object.keys(values).length === 0) return use([]);
  mkdirSync(DEPLOY_DIRECTORY, { recursive: true, mode: 0o700 });
  const path = join(DEPLOY_DIRECTORY, `put-${worker}-${process.pid}.json`);
  try {
    writeFileSync(path, JSON.stringify(values), { mode: 0o600, flag: "wx" });
    chmodSync(path, 0o600);
    return await use(["--secrets-file", path]);
  } finally {
    rmSync(path, { force: true });
  }
}

/** RelayKey's own secrets as the file keeps them, made if no Worker has any; null when no Worker lacks one. */
function ownSecrets(present: PerWorker<ReadonlySet<string>>): { readonly secrets: Secrets | null; created: boolean } {
  const lacking = WORKER_NAMES.filter((worker) => missing(worker, present).length > 0);
  if (lacking.length === 0) return { secrets: null, created: false };
  const isNew = WORKER_NAMES.every((worker) => missing(worker, present).length === WORKER_SECRETS[worker].length);
  if (!isNew && !existsSync(SECRETS_PATH)) {
    const what = lacking
      .map((worker) => `${scriptName(worker)} lacks ${missing(worker, present).join(", ")}`)
      .join("; ");
    throw new StartupError(
      `${what}, and ${SECRETS_PATH} with their values is gone: restore that file, or put them with wrangler secret put`,
    );
  }
  mkdirSync(dirname(SECRETS_PATH), { recursive: true, mode: 0o700 });
  return loadVars(SECRETS_PATH, {}, { mayCreate: true });
}

function missing(worker: WorkerName, present: PerWorker<ReadonlySet<string>>): readonly (keyof Secrets)[] {
  return WORKER_SECRETS[worker].filter((name) => !present[worker].has(name));
}

function perWorker<T>(make: (worker: WorkerName) => T): PerWorker<T> {
  return { proxy: make("proxy"), audit: make("audit"), admin: make("admin") };
}

/** Names of the secrets that a Worker has; none if it was never deployed. */
async function namesOn(worker: WorkerName): Promise<ReadonlySet<string>> {
  const result = await wrangler(["secret", "list", "--name", scriptName(worker), "--format", "json"]);
  if (result.code === 0) return new Set(namesIn(result.stdout));
  if (/not found|does not exist|10007/i.test(result.stdout + result.stderr)) return new Set();
  throw new StartupError(
    `The secrets of ${scriptName(worker)} cannot be listed: check the account and the token's rights`,
  );
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
