/**
 * Secrets of other services that a deployment may use: how mail goes out, and where master keys live when they are not kept
 * sealed. Each Worker gets those that it reads. Values are put through a file, never on a command line, and never printed.
 *
 * The environment speaks for this deployment, so what it gives is put each time and takes the place of what is there. The
 * local file of secrets is put only where a Worker has none: it may hold keys for trying things out. Names that shells carry
 * for other work (AWS, Vault) are taken from the file alone.
 */
import { existsSync } from "node:fs";
import type { WorkerName } from "./build.ts";
import { parseVars } from "./dev-vars.ts";
import { readSettings } from "./local-settings.ts";
import { scriptName } from "./worker-options.ts";

const MAIL = ["RESEND_API_KEY", "SMTP_URL"] as const;
const PROVIDERS = [
  "VAULT_ADDR",
  "VAULT_TOKEN",
  "VAULT_NAMESPACE",
  "AWS_REGION",
  "AWS_ACCESS_KEY_ID",
  "AWS_SECRET_ACCESS_KEY",
  "AWS_SESSION_TOKEN",
  "AWS_SECRETS_MANAGER_ENDPOINT",
] as const;

/** What each Worker reads beside its own secrets: keys are opened by the proxy and tested by the admin Worker. */
export const OPTIONAL_SECRETS: Readonly<Record<WorkerName, readonly string[]>> = {
  proxy: PROVIDERS,
  audit: MAIL,
  admin: [...MAIL, ...PROVIDERS],
};

const MAIL_SECRET: Readonly<Record<string, (typeof MAIL)[number]>> = { resend: "RESEND_API_KEY", smtp: "SMTP_URL" };

/** Value by name of what is given for a Worker that has `present` already. */
export function givenSecrets(
  worker: WorkerName,
  present: ReadonlySet<string>,
  environment: NodeJS.ProcessEnv,
): Readonly<Record<string, string>> {
  const path = readSettings(environment).varsPath;
  const file = existsSync(path) ? parseVars(path) : {};
  const given: Record<string, string> = {};
  for (const name of OPTIONAL_SECRETS[worker]) {
    const stated = MAIL.some((each) => each === name) ? environment[name] : undefined;
    const kept = present.has(name) ? undefined : file[name];
    const value = stated || kept;
    if (value) given[name] = value;
  }
  return given;
}

/** What keeps address confirmation and login links from being mailed, or null. `known`: secrets that the Workers have. */
export function whyNoMail(
  provider: string,
  known: Readonly<Record<"audit" | "admin", ReadonlySet<string>>>,
): string | null {
  if (provider === "mailbox") {
    return "set MAIL_PROVIDER and MAIL_FROM and deploy again before relying on address confirmation.";
  }
  const secret = MAIL_SECRET[provider];
  if (secret === undefined) return null;
  const lacking = (["audit", "admin"] as const).filter((worker) => !known[worker].has(secret));
  if (lacking.length === 0) return null;
  const who = `${lacking.map(scriptName).join(" and ")} lack${lacking.length === 1 ? "s" : ""}`;
  return `${who} ${secret}: set it in the environment and deploy again.`;
}
