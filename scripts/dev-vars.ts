/**
 * The four secrets of a local installation and the file that keeps them (`.dev.vars`, mode 600, git-ignored).
 * An environment variable of the same name overrides the file. A secret that exists is never overwritten or printed,
 * except the owner key, once, by whoever created it.
 */
import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { StartupError } from "./startup-error.ts";

export interface Secrets {
  /** A management key of role owner. */
  readonly RELAYKEY_OWNER_KEY: string;
  /** Token peppers, `id:base64url32[,id:base64url32…]`, current first. */
  readonly RELAYKEY_PEPPERS: string;
  /** Key-encryption keys, same form. */
  readonly RELAYKEY_KEKS: string;
  /** 32 bytes, base64url. */
  readonly RELAYKEY_SIGNING_SEED: string;
}

export const SECRET_NAMES = [
  "RELAYKEY_OWNER_KEY",
  "RELAYKEY_PEPPERS",
  "RELAYKEY_KEKS",
  "RELAYKEY_SIGNING_SEED",
] as const satisfies readonly (keyof Secrets)[];

const KEY_LIST = /^[a-z0-9]{1,16}:[A-Za-z0-9_-]{43}(,[a-z0-9]{1,16}:[A-Za-z0-9_-]{43}){0,3}$/;
const SHAPES: Record<keyof Secrets, { readonly pattern: RegExp; readonly hint: string }> = {
  RELAYKEY_OWNER_KEY: { pattern: /^rk_mgmt_owner_[0-9A-Za-z]{67}$/, hint: "a management key, rk_mgmt_owner_…" },
  RELAYKEY_PEPPERS: { pattern: KEY_LIST, hint: "id:base64url of 32 bytes, comma-separated, at most 4, current first" },
  RELAYKEY_KEKS: { pattern: KEY_LIST, hint: "id:base64url of 32 bytes, comma-separated, at most 4, current first" },
  RELAYKEY_SIGNING_SEED: { pattern: /^[A-Za-z0-9_-]{43}$/, hint: "base64url of 32 bytes" },
};

/** Fresh secrets from the system's random source. */
export function mintSecrets(): Secrets {
  const pepper = randomBytes(32);
  return {
    RELAYKEY_OWNER_KEY: mintOwnerKey(),
    RELAYKEY_PEPPERS: `p1:${pepper.toString("base64url")}`,
    RELAYKEY_KEKS: `k1:${randomBytes(32).toString("base64url")}`,
    RELAYKEY_SIGNING_SEED: randomBytes(32).toString("base64url"),
  };
}

function mintOwnerKey(): string {
  const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  let body = "";
  while (body.length < 67) {
    const byte = randomBytes(1)[0] ?? 255;
    if (byte < 248) body += alphabet[byte % 62] ?? "";
  }
  return `rk_mgmt_owner_${body}`;
}

export interface LoadedVars {
  readonly secrets: Secrets;
  /** Everything else in the file or the environment, by name. */
  readonly settings: Readonly<Record<string, string>>;
  /** True when this start wrote the file: the owner key is then shown once. */
  readonly created: boolean;
}

/** Reads `path`, or writes it on the first start. Throws `StartupError` for a secret that is missing or malformed. */
export function loadVars(path: string, environment: NodeJS.ProcessEnv): LoadedVars {
  const fromEnvironment: Record<string, string> = {};
  for (const name of SECRET_NAMES) {
    const value = environment[name];
    if (value !== undefined) fromEnvironment[name] = value;
  }
  let created = false;
  if (!existsSync(path) && SECRET_NAMES.some((name) => fromEnvironment[name] === undefined)) {
    if (Object.keys(fromEnvironment).length > 0) {
      const missing = SECRET_NAMES.filter((name) => fromEnvironment[name] === undefined);
      throw new StartupError(
        `${missing.join(", ")} missing: set it beside the other secrets, or unset them all and let npm start write ${path}`,
      );
    }
    writeVars(path, mintSecrets());
    created = true;
  }
  const file = existsSync(path) ? parseVars(path) : {};
  const values: Record<string, string> = { ...file, ...fromEnvironment };
  const secrets: Secrets = {
    RELAYKEY_OWNER_KEY: checked("RELAYKEY_OWNER_KEY", values, path),
    RELAYKEY_PEPPERS: checked("RELAYKEY_PEPPERS", values, path),
    RELAYKEY_KEKS: checked("RELAYKEY_KEKS", values, path),
    RELAYKEY_SIGNING_SEED: checked("RELAYKEY_SIGNING_SEED", values, path),
  };
  const settings = Object.fromEntries(Object.entries(file).filter(([name]) => !(name in SHAPES)));
  return { secrets, settings, created };
}

function checked(name: keyof Secrets, values: Readonly<Record<string, string>>, path: string): string {
  const { pattern, hint } = SHAPES[name];
  const value = values[name];
  if (value === undefined || value === "") {
    throw new StartupError(
      `${name} is missing from ${path}: add it (${hint}), or move the file away to start with new secrets`,
    );
  }
  if (!pattern.test(value))
    throw new StartupError(`${name} is malformed in ${path} or the environment: expected ${hint}`);
  return value;
}

function writeVars(path: string, secrets: Secrets): void {
  const lines = SECRET_NAMES.map((name) => `${name}="${secrets[name]}"`);
  const header =
    "# Secrets of this local installation, written by the first npm start. Not for deployments; keep out of git.";
  writeFileSync(path, `${[header, ...lines].join("\n")}\n`, { mode: 0o600, flag: "wx" });
  chmodSync(path, 0o600);
}

/** `NAME=value` or `NAME="value"` lines; `#` starts a comment line. */
function parseVars(path: string): Record<string, string> {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    throw new StartupError(`${path} cannot be read: check its owner and mode`);
  }
  const values: Record<string, string> = {};
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (/^\s*(#|$)/.test(line)) continue;
    const match = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(?:"([^"]*)"|'([^']*)'|(.*?))\s*$/.exec(line);
    const name = match?.[1];
    if (match === null || name === undefined) {
      throw new StartupError(
        `${path} line ${index + 1} is not NAME=value: correct it, or move the file away to start with new secrets`,
      );
    }
    values[name] = match[2] ?? match[3] ?? match[4] ?? "";
  }
  return values;
}
