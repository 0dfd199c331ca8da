/**
 * Puts the pipeline's ports together from the Worker's bindings. What belongs to the isolate (settings, buffers, counts)
 * is made once; what belongs to a request (deferred work) is made per request.
 */
import { accessTokens, connectionHealth, HealthMemory } from "../../src/cloudflare/connection-health.ts";
import { credentialSource } from "../../src/cloudflare/credential-source.ts";
import { doorstep, DoorstepCounts } from "../../src/cloudflare/doorstep.ts";
import { gateClient, SettlementBuffer } from "../../src/cloudflare/gate-client.ts";
import { secretSource } from "../../src/cloudflare/secret-providers.ts";
import { ID_RANDOM_BYTES, newId } from "../../src/domain/ids.ts";
import { parsePeppers } from "../../src/domain/token.ts";
import { parseKeyring } from "../../src/domain/keyring.ts";
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
