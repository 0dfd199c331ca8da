/**
 * What each Worker is bound to on the local machine: the same as `wrangler.toml` says for a deployment, in Miniflare's words.
 * A test compares the two. Used by the local stack, by the tests inside workerd and by the benchmark.
 */
import type { V4WorkerOptions } from "miniflare";
import type { WorkerName } from "./build.ts";
import { SECRET_NAMES, type Secrets } from "./dev-vars.ts";

export const COMPATIBILITY_DATE = "2026-10-23";
export const COMPATIBILITY_FLAGS = ["enable_request_signal", "no_nodejs_global_timers"];

export const QUEUE = "relaykey-audit";
export const DEAD_LETTER_QUEUE = "relaykey-audit-dead";
export const BUCKET = "relaykey-exports";
export const CONTROL_DATABASE = "relaykey-control";
export const AUDIT_DATABASE = "relaykey-audit";

/** Binding to class; all live in the proxy Worker. */
export const DURABLE_OBJECTS = {
  GATES: "CredentialGate",
  POOLS: "SharedLimit",
  HEALTH: "ConnectionState",
  LEDGERS: "CreditLedger",
  PAYMENTS: "PaymentNonces",
} as const;

type ObjectBinding = keyof typeof DURABLE_OBJECTS;

/** Each Worker gets only the secrets it uses; the owner key is the admin Worker's alone. */
export const WORKER_SECRETS: Readonly<Record<WorkerName, readonly (keyof Secrets)[]>> = {
  proxy: ["RELAYKEY_PEPPERS", "RELAYKEY_KEKS", "RELAYKEY_SIGNING_SEED"],
  audit: ["RELAYKEY_PEPPERS", "RELAYKEY_KEKS", "RELAYKEY_SIGNING_SEED"],
  admin: SECRET_NAMES,
};

export function scriptName(worker: WorkerName): string {
  return `relaykey-${worker}`;
}

export interface WorkerInput {
  /** The bundled ES module. */
  readonly script: string;
  /** Variables and secrets. */
  readonly bindings: Readonly<Record<string, string>>;
}

export function workerOptions(worker: WorkerName, input: WorkerInput) {
  const base = {
    name: scriptName(worker),
    modules: [{ type: "ESModule" as const, path: `${worker}.mjs`, contents: input.script }],
    compatibilityDate: COMPATIBILITY_DATE,
    compatibilityFlags: COMPATIBILITY_FLAGS,
    bindings: { ...input.bindings },
    // Nothing may clean up after the proxy: what it sends locally is what it would send anywhere.
    stripCfConnectingIp: false,
  };
  return { ...base, ...RESOURCES[worker] } satisfies V4WorkerOptions;
}

const RESOURCES = {
  proxy: {
    d1Databases: { CONTROL_DB: CONTROL_DATABASE },
    queueProducers: { AUDIT_QUEUE: QUEUE },
    durableObjects: objects(["GATES", "POOLS", "HEALTH", "LEDGERS", "PAYMENTS"], undefined),
  },
  audit: {
    d1Databases: { CONTROL_DB: CONTROL_DATABASE, AUDIT_DB: AUDIT_DATABASE },
    r2Buckets: { EXPORTS: BUCKET },
    durableObjects: objects(["GATES"], scriptName("proxy")),
    queueConsumers: {
      [QUEUE]: {
        maxBatchSize: 20,
        maxBatchTimeout: 1,
        maxRetries: 10,
        retryDelay: 10,
        deadLetterQueue: DEAD_LETTER_QUEUE,
      },
    },
  },
  admin: {
    d1Databases: { CONTROL_DB: CONTROL_DATABASE, AUDIT_DB: AUDIT_DATABASE },
    r2Buckets: { EXPORTS: BUCKET },
    queueProducers: { AUDIT_QUEUE: QUEUE },
    durableObjects: objects(["GATES", "POOLS", "HEALTH", "LEDGERS"], scriptName("proxy")),
  },
} as const;

function objects(names: readonly ObjectBinding[], script: string | undefined) {
  return Object.fromEntries(
    names.map((name) => [
      name,
      { className: DURABLE_OBJECTS[name], useSQLite: true, ...(script === undefined ? {} : { scriptName: script }) },
    ]),
  );
}
