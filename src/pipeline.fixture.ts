/** A whole set of ports in memory, for tests of the pipeline: every call is written down, every part can be made to fail. */
import type { AdmissionReply, AdmissionRequest, Settlement } from "./domain/admission.ts";
import type { ConnectionDocument, CredentialDocument, GrantDocument } from "./domain/documents.ts";
import { NO_LIMITS } from "./domain/limits.ts";
import { DEFAULT_RELIABILITY } from "./domain/reliability.ts";
import { ok } from "./domain/result.ts";
import { EMPTY_SCOPE, type Scope } from "./domain/scope.ts";
import { mintToken, type MintedToken, type Pepper } from "./domain/token.ts";
import type { PipelineSettings, Ports } from "./ports.ts";

export const PEPPER: Pepper = { id: "t1", key: new Uint8Array(32).fill(7) };
export const MASTER_KEY = ["master", "key", "for", "tests", "only"].join("-");

export const SETTINGS: PipelineSettings = {
  peppers: [PEPPER],
  allowPrivateUpstreams: false,
  proxyOrigin: null,
  proxyDomain: "localhost",
  local: true,
  maxBodyBytes: 1_000_000,
};

export function connection(change: Partial<ConnectionDocument> = {}): ConnectionDocument {
  return {
    id: "conn_test",
    name: "Test vendor",
    vendor: null,
    environment: null,
    status: "active",
    baseUrl: "https://vendor.example.com",
    origins: [],
    auth: { scheme: "bearer" },
    headers: {},
    collapseBasePath: false,
    allowEncodedSlash: false,
    accountHeaders: [],
    tokenHeaders: [],
    tokenQueryParams: [],
    urlMembers: [],
    noRetryHeader: null,
    reliability: { ...DEFAULT_RELIABILITY, baseDelayMs: 1, maxDelayMs: 2 },
    quota: null,
    limits: NO_LIMITS,
    prices: [],
    operations: [],
    upstreamCredentials: [
      {
        id: "ucred_0000000000000000",
        version: 1,
        environment: null,
        priority: 1,
        weight: 1,
        state: "active",
        canaryShare: 0,
        location: { provider: "worker_secret", binding: "UNUSED" },
      },
    ],
    ...change,
  };
}

export function scope(change: Partial<Scope> = {}): Scope {
  return { ...EMPTY_SCOPE, rules: [{ methods: ["GET", "POST"], paths: ["/contacts/*"] }], ...change };
}

export function grant(change: Partial<GrantDocument> = {}): GrantDocument {
  return {
    id: "grant_0000000000000000",
    connection: connection(),
    policyId: null,
    policyVersion: null,
    environment: null,
    scope: scope(),
    limits: NO_LIMITS,
    customers: { mode: "optional", unknown: "allow" },
    payment: null,
    ...change,
  };
}

export interface World {
  readonly token: string;
  readonly document: CredentialDocument & { readonly tokenHashes: CredentialDocument["tokenHashes"][number][] };
  readonly ports: Ports;
  /** What happened, in order: `find`, `admit`, `open`, `fetch`, `settle`, `doorstep` … */
  readonly log: string[];
  readonly admissions: AdmissionRequest[];
  readonly settlements: Settlement[];
  readonly sent: Request[];
  reply: (request: AdmissionRequest) => AdmissionReply | Promise<AdmissionReply>;
  vendor: (request: Request) => Response | Promise<Response>;
  /** Ports that throw: names as in `log`. */
  readonly broken: Set<string>;
}

function credentialDocument(minted: MintedToken, change: Partial<CredentialDocument>): World["document"] {
  return {
    version: 1,
    organisationId: "org_default",
    id: "dcred_0000000000000000",
    name: "test",
    kind: "delegated",
    status: "active",
    expiresAtMs: null,
    environment: null,
    labels: {},
    recipient: null,
    limits: NO_LIMITS,
    trust: { mode: "off", addresses: [], allowWorkers: [] },
    grants: [grant()],
    ...change,
    tokenHashes: [{ hash: minted.hash, pepperId: minted.pepperId, expiresAtMs: null }],
  };
}

/** Counts up, so that every run makes the same token. */
function countedBytes(): (length: number) => Uint8Array {
  let seed = 1;
  return (length) => Uint8Array.from({ length }, () => (seed = (seed * 73 + 11) % 251));
}

export function world(change: Partial<CredentialDocument> = {}): World {
  const bytes = countedBytes();
  const minted = mintToken("rk_proxy_", bytes, PEPPER);
  const document = credentialDocument(minted, change);
  const log: string[] = [];
  const broken = new Set<string>();
  const step = (name: string): void => {
    log.push(name);
    if (broken.has(name)) throw new Error(`planted failure: ${name} ${MASTER_KEY}`);
  };
  let admission = 0;
  const made: World = {
    token: minted.token,
    document,
    log,
    admissions: [],
    settlements: [],
    sent: [],
    broken,
    reply: (request) =>
      request.refusal === null
        ? { decision: "go", admission: (admission += 1), limits: [] }
        : { decision: "refused", refusal: request.refusal, limits: [] },
    vendor: () => Response.json({ ok: true }),
    ports: {
      credentials: {
        known: () => null,
        async find(lookupId) {
          step("find");
          return lookupId === minted.lookupId ? document : null;
        },
        customerKnown: () => Promise.resolve(true),
      },
      gate: {
        async admit(_id, request) {
          step("admit");
          made.admissions.push(request);
          return made.reply(request);
        },
        settle(_id, settlement) {
          log.push("settle");
          made.settlements.push(settlement);
        },
        repeat: () => Promise.resolve(true),
        renew: () => Promise.resolve(),
        inspect: () => Promise.resolve({ state: "active", limits: [], trustedAddresses: [] }),
      },
      secrets: {
        async open() {
          step("open");
          return MASTER_KEY;
        },
      },
      doorstep: { refused: () => log.push("doorstep") },
      health: { check: () => Promise.resolve(null), report: () => undefined },
      accessTokens: { get: () => Promise.resolve("access") },
      payments: {
        take: () =>
          Promise.resolve(
            ok({
              settle: async () => ok({ headers: {}, note: {} }),
              close: async () => undefined,
              release: async () => undefined,
            }),
          ),
      },
      clock: { nowMs: () => Date.now() },
      random: { bytes, unit: () => 0.5 },
      async fetch(request) {
        step("fetch");
        made.sent.push(request);
        return made.vendor(request);
      },
      sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
      fixedLength: () => new TransformStream(),
      defer: () => undefined,
    },
  };
  return made;
}
