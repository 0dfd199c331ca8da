/** Bindings, variables and secrets of the admin Worker, and the settings read from them. */
import type { AccessEnv } from "../../src/cloudflare/access-login.ts";
import type { ConnectionState } from "../../src/cloudflare/connection-state.ts";
import type { CreditLedger } from "../../src/cloudflare/credit-ledger.ts";
import type { GateNamespace } from "../../src/cloudflare/gate-fanout.ts";
import type { MailEnv } from "../../src/cloudflare/worker-mailer.ts";
import { decodeBase64Url } from "../../src/domain/encoding.ts";
import type { LimitPool } from "../../src/domain/lease.ts";
import type { ModelBinding } from "./model-findings.ts";
import { parsePeppers } from "../../src/domain/token.ts";
import type { Pepper } from "../../src/domain/token.ts";

/** The pools of limits that several credentials share, as far as they are looked at from here. */
export interface PoolNamespace {
  getByName(pool: string): Pick<LimitPool, "inspect">;
}

export interface AdminEnv extends AccessEnv, MailEnv {
  readonly CONTROL_DB: D1Database;
  readonly AUDIT_DB: D1Database;
  readonly GATES: GateNamespace;
  readonly POOLS: PoolNamespace;
  readonly HEALTH: DurableObjectNamespace<ConnectionState>;
  readonly LEDGERS: DurableObjectNamespace<CreditLedger>;
  readonly EXPORTS: R2Bucket;
  readonly AUDIT_QUEUE: Queue;
  readonly ASSETS: Fetcher;
  readonly RELAYKEY_OWNER_KEY: string;
  readonly RELAYKEY_PEPPERS: string;
  readonly RELAYKEY_KEKS: string;
  readonly RELAYKEY_SIGNING_SEED: string;
  readonly RELAYKEY_LOCAL: string;
  readonly ALLOW_PRIVATE_UPSTREAMS: string;
  readonly PROXY_ORIGIN: string;
  readonly ADMIN_ORIGIN: string;
  readonly PROXY_DOMAIN: string;
  /** `open`, `invite` or `closed` (default): who may make an organisation. */
  readonly SIGN_UP?: string;
  readonly MAIL_PROVIDER: string;
  /** Workers AI, optional: a model may add findings to scope reviews. */
  readonly AI?: ModelBinding;
  readonly AI_MODEL?: string;
  readonly MAIL_FROM: string;
}

export interface AdminSettings {
  readonly ownerKey: string;
  /** Current first, as are the key-encryption keys. */
  readonly peppers: readonly [Pepper, ...Pepper[]];
  readonly keks: readonly [Pepper, ...Pepper[]];
  readonly signingSeed: Uint8Array;
  readonly local: boolean;
  readonly allowPrivateUpstreams: boolean;
  /** Null: taken from the request. */
  readonly proxyOrigin: string | null;
  readonly adminOrigin: string | null;
}

/** Parsed once per isolate, so that caches bound to the keys' identity hold. */
const parsed = new Map<string, readonly [Pepper, ...Pepper[]]>();

/** Throws when a secret is missing or malformed: a Worker without its keys must not answer. */
export function readSettings(env: AdminEnv): AdminSettings {
  const seed = decodeBase64Url(env.RELAYKEY_SIGNING_SEED ?? "");
  if (seed === null || seed.length < 32) throw new Error("RELAYKEY_SIGNING_SEED is not base64url of 32 bytes");
  return {
    ownerKey: env.RELAYKEY_OWNER_KEY ?? "",
    peppers: ring("RELAYKEY_PEPPERS", env.RELAYKEY_PEPPERS),
    keks: ring("RELAYKEY_KEKS", env.RELAYKEY_KEKS),
    signingSeed: seed,
    local: env.RELAYKEY_LOCAL === "true",
    allowPrivateUpstreams: env.ALLOW_PRIVATE_UPSTREAMS === "true",
    proxyOrigin: env.PROXY_ORIGIN || null,
    adminOrigin: env.ADMIN_ORIGIN || null,
  };
}

function ring(name: string, text: string | undefined): readonly [Pepper, ...Pepper[]] {
  const cacheKey = `${name}=${text}`;
  const known = parsed.get(cacheKey);
  if (known !== undefined) return known;
  const result = parsePeppers(text ?? "");
  if (!result.ok) throw new Error(`${name}: ${result.error}`);
  const [first, ...rest] = result.value;
  if (first === undefined) throw new Error(`${name} is empty`);
  const keys = [first, ...rest] as const;
  parsed.set(cacheKey, keys);
  return keys;
}
