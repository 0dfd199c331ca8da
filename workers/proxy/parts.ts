/**
 * Puts the pipeline's ports together from the Worker's bindings. What belongs to the isolate (settings, buffers, counts)
 * is made once; what belongs to a request (deferred work) is made per request.
 */
import { accessTokens } from "../../src/cloudflare/access-tokens.ts";
import { CallLines } from "../../src/cloudflare/call-lines.ts";
import { connectionHealth } from "../../src/cloudflare/connection-health.ts";
import { credentialSource } from "../../src/cloudflare/credential-source.ts";
import type { HoldClosing } from "../../src/cloudflare/credit-ledger.ts";
import { doorstep, DoorstepCounts } from "../../src/cloudflare/doorstep.ts";
import { gateClient, type AdmissionLines } from "../../src/cloudflare/gate-client.ts";
import { HealthMemory } from "../../src/cloudflare/health-memory.ts";
import { payments } from "../../src/cloudflare/payments.ts";
import { RideBuffer } from "../../src/cloudflare/ride-buffer.ts";
import { secretProviderSettings, secretSource } from "../../src/cloudflare/secret-providers.ts";
import type { Settlement } from "../../src/domain/admission.ts";
import { ID_RANDOM_BYTES, newId } from "../../src/domain/ids.ts";
import { parsePeppers } from "../../src/domain/token.ts";
import { decodeBase64Url } from "../../src/domain/encoding.ts";
import { deriveKey, MIN_SEED_BYTES } from "../../src/domain/derived-key.ts";
import type { PipelineSettings, Ports } from "../../src/ports.ts";
import type { ProxyEnv } from "./env.ts";

/** Cloudflare's own bound on request bodies for most plans. */
const MAX_BODY_BYTES = 104_857_600;

export interface ProxyParts {
  readonly settings: PipelineSettings;
  readonly portsFor: (context: Pick<ExecutionContext, "waitUntil">) => Ports;
}

const known = new WeakMap<ProxyEnv, ProxyParts | null>();

/** Null when a secret is missing or malformed: the Worker then refuses everything. */
export function partsFor(env: ProxyEnv): ProxyParts | null {
  const found = known.get(env);
  if (found !== undefined) return found;
  const made = makeParts(env);
  known.set(env, made);
  return made;
}

function makeParts(env: ProxyEnv): ProxyParts | null {
  const peppers = parsePeppers(env.RELAYKEY_PEPPERS ?? "");
  const keks = parsePeppers(env.RELAYKEY_KEKS ?? "");
  const seed = decodeBase64Url(env.RELAYKEY_SIGNING_SEED ?? "");
  if (!peppers.ok || !keks.ok || seed === null || seed.length < MIN_SEED_BYTES) return null;
  const quoteKey = deriveKey(seed, "payment_quote");
  // One that was written by hand and is none: the request's own counts.
  const proxyOrigin = /^https?:\/\//.test(env.PROXY_ORIGIN) ? (URL.parse(env.PROXY_ORIGIN)?.origin ?? null) : null;
  const allowPrivate = env.ALLOW_PRIVATE_UPSTREAMS === "true";
  const nowMs = (): number => Date.now();
  const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
  const send = (request: Request): Promise<Response> => fetch(request);
  const bytes = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length));
  const buffer = new RideBuffer<Settlement>();
  const lines: AdmissionLines = new CallLines();
  const closings = new RideBuffer<HoldClosing>();
  const counts = new DoorstepCounts();
  const memory = new HealthMemory();
  const secrets = secretSource(secretProviderSettings({ ...env }, keks.value, { fetch: send, nowMs }));
  const shared = {
    credentials: credentialSource(env.CONTROL_DB, nowMs),
    secrets,
    clock: { nowMs },
    random: { bytes, unit: () => Math.random() },
    fetch: send,
    sleep,
    fixedLength: (length: number) => new FixedLengthStream(length),
  };
  return {
    settings: {
      peppers: peppers.value,
      allowPrivateUpstreams: allowPrivate,
      proxyOrigin,
      proxyDomain: env.PROXY_DOMAIN === "" ? null : env.PROXY_DOMAIN,
      local: env.RELAYKEY_LOCAL === "true",
      maxBodyBytes: MAX_BODY_BYTES,
    },
    portsFor(context) {
      const defer = (work: Promise<unknown>): void => context.waitUntil(work);
      const health = { states: env.HEALTH, memory, nowMs, defer };
      const nonce = (): string => newId("evt", bytes(ID_RANDOM_BYTES));
      return {
        ...shared,
        defer,
        gate: gateClient({ gates: env.GATES, buffer, lines, nowMs, sleep, defer }),
        doorstep: doorstep({ queue: env.AUDIT_QUEUE, counts, nowMs, sleep, defer, nonce }),
        health: connectionHealth(health),
        accessTokens: accessTokens(health),
        payments: payments({
          ledgers: env.LEDGERS,
          closings,
          nonces: env.PAYMENTS,
          quoteKey,
          proxyOrigin,
          allowPrivate,
          fetch: send,
          defer,
        }),
      };
    },
  };
}
