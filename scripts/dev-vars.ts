/**
 * The four secrets of a local installation and the file that keeps them (`.dev.vars`, mode 600, git-ignored).
 * An environment variable of the same name overrides the file. A secret that exists is never overwritten or printed,
 * except the owner key, once, by whoever created it.
 */
import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { mintToken, parsePeppers, parseToken } from "../src/domain/token.ts";
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

type Check = (value: string, all: Readonly<Record<string, string>>) => boolean;

const isKeyList: Check = (value) => parsePeppers(value).ok;
const KEY_LIST_HINT = "id:base64url of 32 bytes, comma-separated, at most 4, current first";

const SHAPES: Readonly<Record<keyof Secrets, { readonly isValid: Check; readonly hint: string }>> = {
  RELAYKEY_OWNER_KEY: { isValid: isOwnerKey, hint: "a key rk_mgmt_owner_… made under one of RELAYKEY_PEPPERS" },
  RELAYKEY_PEPPERS: { isValid: isKeyList, hint: KEY_LIST_HINT },
  RELAYKEY_KEKS: { isValid: isKeyList, hint: KEY_LIST_HINT },
  RELAYKEY_SIGNING_SEED: { isValid: (value) => /^[A-Za-z0-9_-]{43}$/.test(value), hint: "base64url of 32 bytes" },
};

function isOwnerKey(value: string, all: Readonly<Record<string, string>>): boolean {
  const peppers = parsePeppers(all["RELAYKEY_PEPPERS"] ?? "");
  return peppers.ok && parseToken(value, peppers.value)?.role === "owner";
}

/** Fresh secrets from the system's random source. */
export function mintSecrets(): Secrets {
  const pepper = { id: "p1", key: new Uint8Array(randomBytes(32)) };
  return {
    RELAYKEY_OWNER_KEY: mintToken("rk_mgmt_owner_", (length) => new Uint8Array(randomBytes(length)), pepper).token,
    RELAYKEY_PEPPERS: `p1:${Buffer.from(pepper.key).toString("base64url")}`,
    RELAYKEY_KEKS: `k1:${randomBytes(32).toString("base64url")}`,
    RELAYKEY_SIGNING_SEED: randomBytes(32).toString("base64url"),
  };
}

export interface LoadedVars {
  readonly secrets: Secrets;
  /** Everything else in the file or the environment, by name. */
  readonly settings: Readonly<Record<string, string>>;
  /** True when this start wrote the file: the owner key is then shown once. */
  readonly created: boolean;
}

/**
 * Reads `path`, or writes it with fresh secrets if that is allowed (there is no state yet that would need the old ones).
 * Throws `StartupError` for a secret that is missing or malformed.
 */
export function loadVars(
  path: string,
  environment: NodeJS.ProcessEnv,
  options: { readonly mayCreate: boolean },
): LoadedVars {
  const fromEnvironment: Record<string, string> = {};
  for (const name of SECRET_NAMES) {
    const value = environment[name];
    if (value !== undefined) fromEnvironment[name] = value;
  }
  const missing = SECRET_NAMES.filter((name) => fromEnvironment[name] === undefined);
  let created = false;
  if (missing.length > 0 && !existsSync(path)) {
    if (missing.length < SECRET_NAMES.length) {
      throw new StartupError(
        `${missing.join(", ")} is missing: set it beside the other secrets, or unset them all and let npm start write ${path}`,
      );
    }
    if (!options.mayCreate) {
      throw new StartupError(
        `${path} is missing, and the state needs the secrets it held: restore it, or remove the state directory to start afresh`,
      );
    }
    writeVars(path, mintSecrets());
    created = true;
  }
  const file = existsSync(path) ? parseVars(path) : {};
  const values: Record<string, string> = { ...file, ...fromEnvironment };
  const secrets: Secrets = {
    RELAYKEY_PEPPERS: checked("RELAYKEY_PEPPERS", values, path),
    RELAYKEY_OWNER_KEY: checked("RELAYKEY_OWNER_KEY", values, path),
    RELAYKEY_KEKS: checked("RELAYKEY_KEKS", values, path),
    RELAYKEY_SIGNING_SEED: checked("RELAYKEY_SIGNING_SEED", values, path),
  };
  const settings = Object.fromEntries(Object.entries(file).filter(([name]) => !(name in SHAPES)));
  return { secrets, settings, created };
}

function checked(name: keyof Secrets, values: Readonly<Record<string, string>>, path: string): string {
  const { isValid, hint } = SHAPES[name];
  const value = values[name];
  if (value === undefined || value === "") {
    throw new StartupError(
      `${name} is missing from ${path}: add it (${hint}), or move the file away to start with new secrets`,
    );
  }
  if (!isValid(value, values))
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
export function parseVars(path: string): Record<string, string> {
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
