/** The deployment against a stand-in for wrangler and the account: what it creates, what it reuses, and what it never touches. */
import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { WorkerName } from "../scripts/build.ts";
import { givenSecrets, OPTIONAL_SECRETS, whyNoMail } from "../scripts/deploy-optional-secrets.ts";
import type { FakeAccount } from "./harness/fake-wrangler.ts";

const REPOSITORY = resolve(import.meta.dirname, "..");
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "relaykey-deploy-"));
  const command = `#!/bin/sh\nexec "${process.execPath}" "${join(REPOSITORY, "tests/harness/fake-wrangler.ts")}" "$@"\n`;
  writeFileSync(join(directory, "wrangler"), command);
  chmodSync(join(directory, "wrangler"), 0o755);
});

afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
  rmSync(join(REPOSITORY, "wrangler.generated.toml"), { force: true });
});

const secretsPath = () => join(directory, "deploy/secrets.env");
const account = (): FakeAccount => JSON.parse(readFileSync(join(directory, "account.json"), "utf8"));

function deploy(environment: Readonly<Record<string, string>> = {}): Promise<{ code: number | null; output: string }> {
  return new Promise((done) => {
    const child = spawn(process.execPath, ["scripts/deploy.ts"], {
      cwd: REPOSITORY,
      env: {
        ...process.env,
        NODE_OPTIONS: "",
        RELAYKEY_WRANGLER: join(directory, "wrangler"),
        RELAYKEY_DEPLOY_DIR: join(directory, "deploy"),
        RELAYKEY_DEV_VARS: join(directory, "dev.vars"),
        RESEND_API_KEY: "",
        SMTP_URL: "",
        FAKE_ACCOUNT: join(directory, "account.json"),
        ...environment,
      },
    });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString("utf8")));
    child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString("utf8")));
    child.on("close", (code) => done({ code, output }));
  });
}

it("creates everything once, gives each Worker its secrets, and deploys in order", async () => {
  const mail = { MAIL_PROVIDER: "resend", MAIL_FROM: "relaykey@example.com", RESEND_API_KEY: "a-mail-key" };
  const first = await deploy(mail);
  expect(first.code, first.output).toBe(0);
  expect(first.output).not.toContain("No mail goes out");
  expect(first.output).not.toContain(mail.RESEND_API_KEY);
  const made = account();
  expect(made.calls.join("\n")).not.toContain(mail.RESEND_API_KEY);
  for (const worker of ["audit", "admin"]) {
    expect(made.secrets[`relaykey-${worker}`]).toMatchObject({ RESEND_API_KEY: mail.RESEND_API_KEY });
  }
  expect(made.secrets["relaykey-proxy"]).not.toHaveProperty("RESEND_API_KEY");
  expect(made.databases.map((each) => each.name)).toEqual(["relaykey-control", "relaykey-audit"]);
  expect(made.queues).toEqual(["relaykey-audit-dead", "relaykey-audit"]);
  expect(made.buckets).toEqual(["relaykey-exports"]);
  expect(made.migrated).toEqual(["relaykey-control", "relaykey-audit"]);
  expect(made.deployed).toEqual(["relaykey-proxy", "relaykey-audit", "relaykey-admin", "relaykey-proxy"]);
  expect(made.secrets["relaykey-proxy"]).not.toHaveProperty("RELAYKEY_OWNER_KEY");
  expect(made.secrets["relaykey-admin"]?.["RELAYKEY_OWNER_KEY"]).toMatch(/^rk_mgmt_owner_/);
  for (const name of ["RELAYKEY_PEPPERS", "RELAYKEY_KEKS", "RELAYKEY_SIGNING_SEED"]) {
    const values = ["proxy", "audit", "admin"].map((worker) => made.secrets[`relaykey-${worker}`]?.[name]);
    expect(new Set(values).size, name).toBe(1);
    expect(values[0], name).toBeTruthy();
  }
  expect(statSync(secretsPath()).mode & 0o777).toBe(0o600);
  const config = readFileSync(join(REPOSITORY, "wrangler.generated.toml"), "utf8");
  expect(config).toContain('database_id = "00000000-0000-4000-8000-000000000000"');
  expect(config).toContain('PROXY_ORIGIN = "https://relaykey-proxy.example-team.workers.dev"');
  expect(config).toContain('ADMIN_ORIGIN = "https://relaykey-admin.example-team.workers.dev"');
  expect(config).toContain('RELAYKEY_LOCAL = "false"');

  const second = await deploy();
  expect(second.code, second.output).toBe(0);
  const again = account();
  expect(again.secrets).toEqual(made.secrets);
  expect([again.databases, again.queues, again.buckets]).toEqual([made.databases, made.queues, made.buckets]);
  expect(second.output).not.toContain("rk_mgmt_owner_");
});

it("takes up a run that was cut short, with the same secrets", async () => {
  const cut = await deploy({ FAKE_FAIL: "deploy --env admin" });
  expect(cut.code).toBe(1);
  expect(cut.output).toContain("Could not deploy relaykey-admin");
  const before = account();
  expect(before.secrets["relaykey-admin"]).toBeUndefined();

  const resumed = await deploy();
  expect(resumed.code, resumed.output).toBe(0);
  const after = account();
  expect(after.secrets["relaykey-proxy"]).toEqual(before.secrets["relaykey-proxy"]);
  expect(after.secrets["relaykey-admin"]?.["RELAYKEY_KEKS"]).toBe(before.secrets["relaykey-proxy"]?.["RELAYKEY_KEKS"]);
});

it("never makes new secrets where some are in use already", async () => {
  await deploy({ FAKE_FAIL: "deploy --env admin" });
  rmSync(secretsPath());
  const refused = await deploy();
  expect(refused.code).toBe(1);
  expect(refused.output).toContain("relaykey-admin lacks RELAYKEY_OWNER_KEY");
  expect(existsSync(secretsPath())).toBe(false);
  expect(account().secrets["relaykey-admin"]).toBeUndefined();
});

it("says what to do when nobody is logged in, and puts no secret on a command line", async () => {
  const refused = await deploy({ FAKE_FAIL: "whoami" });
  expect(refused.code).toBe(1);
  expect(refused.output).toContain("npx wrangler login");
  expect(account().calls).toEqual(["whoami --json"]);
  await deploy();
  const { calls, secrets } = account();
  for (const value of Object.values(secrets["relaykey-admin"] ?? {})) expect(calls.join("\n")).not.toContain(value);
});

it.each([
  ["PROXY_ORIGIN", "relay.example.com"],
  ["PROXY_ORIGIN", "http://relay.example.com"],
  ["ADMIN_ORIGIN", "https://relay.example.com/admin"],
  ["ADMIN_ORIGIN", "https://owner@relay.example.com"],
  ["PROXY_DOMAIN", "https://proxy.example.com"],
  ["PROXY_DOMAIN", "*.proxy.example.com"],
  ["MAIL_PROVIDER", "sendmail"],
])("creates nothing when %s is %s, and says what it should be", async (name, value) => {
  const refused = await deploy({ [name]: value });
  expect(refused.code).toBe(1);
  expect(refused.output.trim().split("\n").at(-1)).toMatch(new RegExp(`^${name} `));
  expect(existsSync(join(directory, "account.json"))).toBe(false);
});

it("writes origins without a last slash, and the domain in lower case", async () => {
  const done = await deploy({ ADMIN_ORIGIN: "https://Relay.example.com/", PROXY_DOMAIN: "Proxy.example.com" });
  expect(done.code, done.output).toBe(0);
  const config = readFileSync(join(REPOSITORY, "wrangler.generated.toml"), "utf8");
  expect(config).toContain('ADMIN_ORIGIN = "https://relay.example.com"');
  expect(config).toContain('PROXY_DOMAIN = "proxy.example.com"');
});

describe("secrets of other services", () => {
  const none: ReadonlySet<string> = new Set();
  const given = (worker: WorkerName, environment: NodeJS.ProcessEnv, present = none) =>
    givenSecrets(worker, present, { RELAYKEY_DEV_VARS: join(directory, "dev.vars"), ...environment });

  it("are taken from the environment by the Workers that read them, whatever is there", () => {
    const environment = { RESEND_API_KEY: "stated-mail-key" };
    for (const worker of ["audit", "admin"] as const) {
      expect(given(worker, environment)).toEqual(environment);
      expect(given(worker, environment, new Set(["RESEND_API_KEY"]))).toEqual(environment);
    }
    expect(given("proxy", environment)).toEqual({});
    expect(given("audit", { RESEND_API_KEY: "" })).toEqual({});
  });

  it("are taken from the local file only where there is none; a shell's AWS and Vault keys never are", () => {
    const vars = ['RESEND_API_KEY="local-mail-key"', "VAULT_ADDR=https://vault.example.com", "VAULT_TOKEN='from-file'"];
    writeFileSync(join(directory, "dev.vars"), `${vars.join("\n")}\n`);
    const shell = { VAULT_TOKEN: "from-shell", AWS_ACCESS_KEY_ID: "from-shell", AWS_SECRET_ACCESS_KEY: "from-shell" };
    const vault = { VAULT_ADDR: "https://vault.example.com", VAULT_TOKEN: "from-file" };
    expect(given("proxy", shell)).toEqual(vault);
    expect(given("admin", shell)).toEqual({ ...vault, RESEND_API_KEY: "local-mail-key" });
    expect(given("admin", shell, new Set(["RESEND_API_KEY", "VAULT_TOKEN"]))).toEqual({ VAULT_ADDR: vault.VAULT_ADDR });
    expect(given("audit", { RESEND_API_KEY: "stated-mail-key" })).toEqual({ RESEND_API_KEY: "stated-mail-key" });
  });

  it("are asked for when mail cannot go out without them", () => {
    const known = (audit: string[], admin: string[]) => ({ audit: new Set(audit), admin: new Set(admin) });
    expect(whyNoMail("mailbox", known([], []))).toContain("set MAIL_PROVIDER");
    expect(whyNoMail("smtp", known([], []))).toContain("relaykey-audit and relaykey-admin lack SMTP_URL");
    expect(whyNoMail("resend", known(["RESEND_API_KEY"], []))).toContain("relaykey-admin lacks RESEND_API_KEY");
    expect(whyNoMail("resend", known(["RESEND_API_KEY"], ["RESEND_API_KEY"]))).toBeNull();
    expect(whyNoMail("send_email", known([], []))).toBeNull();
  });

  it("are all that the Workers read", () => {
    const read = (path: string, pattern: RegExp) =>
      [...readFileSync(join(REPOSITORY, path), "utf8").matchAll(pattern)].map((match) => match[1] ?? "");
    const providers = read("src/cloudflare/secret-providers.ts", /\btext\("([A-Z_]+)"\)/g);
    const mailer = read("src/cloudflare/worker-mailer.ts", /readonly ((?:RESEND|SMTP)_[A-Z_]+)\?: string/g);
    expect(providers.length).toBeGreaterThan(5);
    expect(mailer.length).toBeGreaterThan(1);
    expect([...OPTIONAL_SECRETS.proxy].toSorted()).toEqual([...providers].toSorted());
    expect([...OPTIONAL_SECRETS.audit].toSorted()).toEqual([...mailer].toSorted());
    expect([...OPTIONAL_SECRETS.admin].toSorted()).toEqual([...providers, ...mailer].toSorted());
  });
});
