/**
 * The state directory beside what workerd keeps in it: who may use it, with which secrets it was made, and whether the demo was seeded.
 * Holds no secret in clear: fingerprints are HMACs, and the demo vendor's key is derived from the state's own random salt.
 */
import { createHmac, randomBytes } from "node:crypto";
import { accessSync, constants, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Secrets } from "./dev-vars.ts";
import { StartupError } from "./startup-error.ts";

interface StateFile {
  readonly version: 1;
  /** base64url, 32 bytes. */
  readonly salt: string;
  /** HMACs of the key-encryption keys and of the peppers in use; empty until the first start claims the state. */
  readonly keks: readonly string[];
  readonly peppers: readonly string[];
  /** The port of the demo vendor for which the demo was seeded; null: never. */
  readonly demoPort: number | null;
}

export interface State {
  /** Whether a start has used this state before, and so with secrets of its own. */
  readonly isUsed: boolean;
  /** Refuses secrets other than those the state was made with: nothing stored could be read with them. */
  claim(secrets: Secrets): void;
  seededPort(): number | null;
  markSeeded(demoPort: number): void;
  /** The demo vendor's master key: the same for the life of this state. */
  demoVendorKey(): string;
  release(): void;
}

export function openState(directory: string): State {
  makeUsable(directory);
  const unlock = lock(directory);
  const path = join(directory, "relaykey.json");
  const isUsed = existsSync(path);
  let file: StateFile = isUsed ? parse(path) : newState();
  const save = (next: StateFile) => {
    file = next;
    writeFileSync(`${path}.new`, `${JSON.stringify(next, null, 2)}\n`, { mode: 0o600 });
    renameSync(`${path}.new`, path);
  };
  return {
    isUsed,
    claim(secrets) {
      const keks = fingerprints(secrets.RELAYKEY_KEKS, file.salt);
      const peppers = fingerprints(secrets.RELAYKEY_PEPPERS, file.salt);
      if (isUsed && !(overlap(file.keks, keks) && overlap(file.peppers, peppers))) {
        throw new StartupError(
          `The state in ${directory} was made with other secrets: restore them, or remove that directory to start afresh`,
        );
      }
      save({ ...file, keks, peppers });
    },
    seededPort: () => file.demoPort,
    markSeeded: (demoPort) => save({ ...file, demoPort }),
    demoVendorKey: () => `demo-${createHmac("sha256", file.salt).update("demo vendor").digest("hex").slice(0, 40)}`,
    release: unlock,
  };
}

function newState(): StateFile {
  return { version: 1, salt: randomBytes(32).toString("base64url"), keks: [], peppers: [], demoPort: null };
}

function fingerprints(ring: string, salt: string): string[] {
  return ring.split(",").map((entry) => createHmac("sha256", salt).update(entry.trim()).digest("hex"));
}

function overlap(a: readonly string[], b: readonly string[]): boolean {
  return a.some((each) => b.includes(each));
}

/** Two runtimes over one directory would corrupt it. The lock of a process that was killed is void. */
function lock(directory: string): () => void {
  const path = join(directory, "relaykey.lock");
  const holder = existsSync(path) ? Number.parseInt(readFileSync(path, "utf8"), 10) : 0;
  if (holder > 0 && holder !== process.pid && isAlive(holder)) {
    throw new StartupError(
      `The state directory ${directory} is in use by process ${holder}: stop it, or set RELAYKEY_STATE_DIR to another directory`,
    );
  }
  writeFileSync(path, `${process.pid}\n`, { mode: 0o600 });
  return () => rmSync(path, { force: true });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !existsSync("/proc/self/cmdline") || /start\.ts/.test(readFileSync(`/proc/${pid}/cmdline`, "latin1"));
  } catch {
    return false;
  }
}

function makeUsable(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    accessSync(directory, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    throw new StartupError(
      `The state directory ${directory} cannot be used (${code}): correct its owner or mode, or set RELAYKEY_STATE_DIR`,
    );
  }
}

function parse(path: string): StateFile {
  try {
    const value: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (isStateFile(value)) return value;
  } catch {
    // Falls through to the one message: unreadable and malformed are put right in the same way.
  }
  throw new StartupError(`${path} cannot be read: restore it, or remove the state directory to start afresh`);
}

function isStateFile(value: unknown): value is StateFile {
  return (
    typeof value === "object" &&
    value !== null &&
    "version" in value &&
    value.version === 1 &&
    "salt" in value &&
    typeof value.salt === "string" &&
    "keks" in value &&
    isTexts(value.keks) &&
    "peppers" in value &&
    isTexts(value.peppers) &&
    "demoPort" in value &&
    (value.demoPort === null || typeof value.demoPort === "number")
  );
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((each) => typeof each === "string");
}
