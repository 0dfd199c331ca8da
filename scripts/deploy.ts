/**
 * `npm run deploy`: creates what the account lacks, migrates, and deploys the three Workers. Safe to run again at any time: what exists is
 * reused, nothing is deleted, no secret is overwritten, and a run that was cut short is taken up where it stopped.
 * `npm run deploy -- --dry-run` bundles the three Workers here, without an account.
 */
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { buildDashboard, REPOSITORY, WORKER_NAMES, type WorkerName } from "./build.ts";
import {
  checkedVariable,
  DEPLOY_VARIABLES,
  GENERATED_CONFIG,
  SOURCE_CONFIG,
  writeGeneratedConfig,
  type DatabaseIds,
  type DeployVariables,
} from "./deploy-config.ts";
import { whyNoMail } from "./deploy-optional-secrets.ts";
import {
  planSecrets,
  readRemembered,
  remember,
  secretsPath,
  withSecretsFile,
  type SecretPlan,
} from "./deploy-secrets.ts";
import { StartupError } from "./startup-error.ts";
import { AUDIT_DATABASE, BUCKET, CONTROL_DATABASE, DEAD_LETTER_QUEUE, QUEUE, scriptName } from "./worker-options.ts";
import { lastWords, wrangler, type WranglerResult } from "./wrangler-cli.ts";

async function main(args: readonly string[]): Promise<void> {
  const unknown = args.find((arg) => arg !== "--dry-run");
  if (unknown !== undefined) throw new StartupError(`unknown argument ${unknown}: only --dry-run is known`);
  await buildDashboard();
  if (args.includes("--dry-run")) await dryRun();
  else await deploy();
}

async function dryRun(): Promise<void> {
  for (const worker of WORKER_NAMES) {
    const outdir = join(REPOSITORY, "dist/deploy", worker);
    rmSync(outdir, { recursive: true, force: true });
    const result = await wrangler([
      "deploy",
      "--dry-run",
      "--outdir",
      outdir,
      "--env",
      worker,
      "--config",
      SOURCE_CONFIG,
    ]);
    if (result.code !== 0) throw failed(`bundle ${scriptName(worker)}`, result);
    console.log(`${scriptName(worker)}: ${sizes(outdir)}`);
  }
  console.log("Dry run: all three Workers bundle; nothing was uploaded.");
}

function sizes(outdir: string): string {
  const scripts = readdirSync(outdir).filter((name) => /\.(js|mjs|wasm)$/.test(name));
  const bytes = scripts.map((name) => readFileSync(join(outdir, name)));
  const total = bytes.reduce((sum, each) => sum + each.length, 0);
  const zipped = bytes.reduce((sum, each) => sum + gzipSync(each).length, 0);
  return `${(total / 1024).toFixed(1)} KiB, ${(zipped / 1024).toFixed(1)} KiB gzip`;
}

async function deploy(): Promise<void> {
  const variables = deployVariables();
  await assertLoggedIn();
  const databases: DatabaseIds = { control: await database(CONTROL_DATABASE), audit: await database(AUDIT_DATABASE) };
  await ensure(
    `queue ${DEAD_LETTER_QUEUE}`,
    ["queues", "info", DEAD_LETTER_QUEUE],
    ["queues", "create", DEAD_LETTER_QUEUE],
  );
  await ensure(`queue ${QUEUE}`, ["queues", "info", QUEUE], ["queues", "create", QUEUE]);
  await ensure(`bucket ${BUCKET}`, ["r2", "bucket", "info", BUCKET], ["r2", "bucket", "create", BUCKET]);

  writeGeneratedConfig(databases, variables);
  for (const name of [CONTROL_DATABASE, AUDIT_DATABASE]) await migrateRemote(name);

  const secrets = await planSecrets();
  if (secrets.created !== null) {
    console.log(`Made new secrets, kept in ${secretsPath()}: move that file to a safe place after the deployment.`);
    console.log(`Owner key, shown this once: ${secrets.created.RELAYKEY_OWNER_KEY}`);
  }
  // The proxy first: the other two bind the Durable Objects that live in it.
  const proxyUrl = await deployWorker("proxy", secrets);
  const learned = learnOrigins(variables, proxyUrl);
  writeGeneratedConfig(databases, learned);
  await deployWorker("audit", secrets);
  await deployWorker("admin", secrets);
  if (learned.ADMIN_ORIGIN !== variables.ADMIN_ORIGIN) await deployWorker("proxy", null);
  remember(learned);
  console.log(
    `RelayKey is deployed: proxy ${learned.PROXY_ORIGIN ?? "(no public address)"}, admin ${learned.ADMIN_ORIGIN ?? "(no public address)"}`,
  );
  const silent = whyNoMail(learned.MAIL_PROVIDER ?? "mailbox", secrets.known);
  if (silent !== null) console.log(`No mail goes out yet: ${silent}`);
}

async function assertLoggedIn(): Promise<void> {
  const result = await wrangler(["whoami", "--json"]);
  if (result.code === 0) return;
  throw new StartupError(
    "Not logged in to Cloudflare: run npx wrangler login, or set CLOUDFLARE_API_TOKEN and CLOUDFLARE_ACCOUNT_ID",
  );
}

/** The id of the database of that name, which is created if the account has none. */
async function database(name: string): Promise<string> {
  const known = await databaseId(name);
  if (known !== null) {
    console.log(`database ${name}: exists`);
    return known;
  }
  const created = await wrangler(["d1", "create", name]);
  if (created.code !== 0) throw failed(`create the database ${name}`, created);
  const id = await databaseId(name);
  if (id === null)
    throw new StartupError(`The database ${name} was created but is not listed yet: run the deployment again`);
  console.log(`database ${name}: created`);
  return id;
}

async function databaseId(name: string): Promise<string | null> {
  const result = await wrangler(["d1", "list", "--json"]);
  if (result.code !== 0) throw failed("list the account's databases", result);
  const list: unknown = JSON.parse(result.stdout.slice(result.stdout.indexOf("[")));
  if (!Array.isArray(list)) return null;
  for (const each of list as readonly unknown[]) {
    if (typeof each !== "object" || each === null || !("name" in each) || each.name !== name) continue;
    return "uuid" in each && typeof each.uuid === "string" ? each.uuid : null;
  }
  return null;
}

async function ensure(what: string, info: readonly string[], create: readonly string[]): Promise<void> {
  if ((await wrangler(info)).code === 0) return console.log(`${what}: exists`);
  const result = await wrangler(create);
  const isThere = /already (exists|taken|own)|is already/i.test(result.stdout + result.stderr);
  if (result.code !== 0 && !isThere) throw failed(`create the ${what}`, result);
  console.log(`${what}: ${isThere ? "exists" : "created"}`);
}

async function migrateRemote(name: string): Promise<void> {
  const result = await wrangler([
    "d1",
    "migrations",
    "apply",
    name,
    "--remote",
    "--env",
    "admin",
    "--config",
    GENERATED_CONFIG,
  ]);
  if (result.code !== 0) throw failed(`migrate the database ${name}`, result);
  console.log(`database ${name}: migrated`);
}

/** Deploys one Worker, with the secrets that the plan has for it; gives back its workers.dev address, or null. */
async function deployWorker(worker: WorkerName, plan: SecretPlan | null): Promise<string | null> {
  const result = await withSecretsFile(plan, worker, (args) =>
    wrangler(["deploy", "--env", worker, "--config", GENERATED_CONFIG, ...args]),
  );
  if (result.code !== 0) throw failed(`deploy ${scriptName(worker)}`, result);
  const url = workersDevUrl(result);
  console.log(`${scriptName(worker)}: deployed${url === null ? "" : ` at ${url}`}`);
  return url;
}

function workersDevUrl(result: WranglerResult): string | null {
  const text = JSON.stringify(result.report) + result.stdout;
  return /https:\/\/[a-z0-9-]+\.[a-z0-9-]+\.workers\.dev/.exec(text)?.[0] ?? null;
}

/** Environment first, then what an earlier deployment used. */
function deployVariables(): DeployVariables {
  const remembered = readRemembered();
  const found: DeployVariables = {};
  for (const name of DEPLOY_VARIABLES) {
    const value = process.env[name] ?? remembered[name];
    if (value !== undefined && value !== "") found[name] = checkedVariable(name, value);
  }
  return found;
}

/** Both Workers share the account's workers.dev subdomain, so the proxy's address gives the admin's. */
function learnOrigins(variables: DeployVariables, proxyUrl: string | null): DeployVariables {
  if (proxyUrl === null) return variables;
  return {
    PROXY_ORIGIN: proxyUrl,
    ADMIN_ORIGIN: proxyUrl.replace("//relaykey-proxy.", "//relaykey-admin."),
    ...variables,
  };
}

function failed(what: string, result: WranglerResult): StartupError {
  return new StartupError(
    `Could not ${what}: ${lastWords(result)} Put that right and run the deployment again; it takes up where it stopped`,
  );
}

main(process.argv.slice(2)).catch((error: unknown) => {
  if (error instanceof StartupError) console.error(error.message);
  else console.error(error);
  process.exit(1);
});
