/**
 * What the pipeline needs from the outside. Each port has one adapter in `src/cloudflare` or `src/store`, and fakes in tests.
 * A port that fails throws `PortFailure` (or anything): the pipeline then refuses; it never allows.
 */
import type { AdmissionReply, AdmissionRequest, GateDocument, LimitStatus, Settlement } from "./domain/admission.ts";
import type {
  ConnectionDocument,
  CredentialDocument,
  GrantDocument,
  UpstreamCredentialDocument,
} from "./domain/documents.ts";
import type { ReadHeaders } from "./domain/header-map.ts";
import type { Notice } from "./domain/notice.ts";
import type { Refusal } from "./domain/problem.ts";
import type { Result } from "./domain/result.ts";
import type { Watch } from "./watch.ts";

/** Credential documents by the token's lookup id. `fresh` bypasses the isolate's cache. */
export interface CredentialSource {
  /** From memory alone. */
  known(lookupId: string): CredentialDocument | null;
  find(lookupId: string, fresh: boolean): Promise<CredentialDocument | null>;
  /** Whether an end customer is registered in the organisation. */
  customerKnown(organisationId: string, customer: string): Promise<boolean>;
}

/** The gate of one credential. */
export interface Gate {
  /** `watch`: the call's, for bounding what it waits for. */
  admit(credentialId: string, request: AdmissionRequest, watch: Watch): Promise<AdmissionReply>;
  /** Hands the outcome over; delivery is the adapter's business (next admission, or a flush after the response). */
  settle(credentialId: string, settlement: Settlement): void;
  /** Whether the vendor's quota has a unit left for one more attempt of an admitted call; takes it. Durable. */
  repeat(credentialId: string, grantId: string): Promise<boolean>;
  /** Keeps a long call's admission open; called every few seconds while it runs. */
  renew(credentialId: string, admission: number): Promise<void>;
  inspect(credentialId: string, document: GateDocument): Promise<GateInspection>;
}

export interface GateInspection {
  /** `reload`: the caller's document is older than what the gate knows to exist. */
  readonly state: "active" | "revoked" | "expired" | "reload";
  readonly limits: readonly (LimitStatus & { readonly grantId: string | null })[];
  readonly trustedAddresses: readonly {
    readonly address: string;
    readonly trustedAtMs: number;
    readonly how: "first_use" | "confirmed" | "admin";
  }[];
}

/** Opens upstream secrets. The returned string lives in one local variable for one request. */
export interface SecretSource {
  open(organisationId: string, connection: ConnectionDocument, credential: UpstreamCredentialDocument): Promise<string>;
}

/** Counts what never reached a gate (no or invalid token), folded per reason and minute. */
export interface Doorstep {
  refused(reason: string, path: string): void;
}

/** What all isolates know together about a connection: breaker, the vendor's "wait", access tokens. */
export interface ConnectionHealth {
  /**
   * Null: go ahead. Otherwise the refusal (`circuit_open`, `vendor_limited`). `keys`: ids of the upstream credentials that
   * the call may use; it is held back while the vendor wants a rest for each of them.
   */
  check(organisationId: string, connection: ConnectionDocument, keys?: readonly string[]): Promise<Refusal | null>;
  report(organisationId: string, connection: ConnectionDocument, result: CallReport): void;
  /** The breaker as this isolate knows it, for the audit event. From memory. */
  breaker?(organisationId: string, connection: ConnectionDocument): "closed" | "open" | "half_open";
  /** False while the vendor refuses or limits this key: it is then tried after the others. From memory, never waits. */
  usable?(organisationId: string, connection: ConnectionDocument, upstreamCredentialId: string): boolean;
}

export interface CallReport {
  readonly upstreamCredentialId: string | null;
  readonly status: number | null;
  readonly failed: boolean;
  /** Another attempt of the same call follows: this one counts neither as good nor as failed. */
  readonly repeated?: boolean;
  /** The vendor asked to wait until then (epoch ms), or null. */
  readonly holdUntilMs: number | null;
  /** The vendor did not accept this upstream credential. */
  readonly refused?: boolean;
  /** What the vendor says is left of its quota, and when (epoch ms) it is whole again. */
  readonly quota?: { readonly remaining: number; readonly resetMs: number } | null;
}

/** Access tokens for schemes that need a login; single flight across isolates. */
export interface AccessTokens {
  get(
    organisationId: string,
    connection: ConnectionDocument,
    credential: UpstreamCredentialDocument,
    secret: string,
    rejected: string | null,
  ): Promise<string>;
}

/** The pipeline's payment step. Two providers stand behind it: x402 and prepaid credits. */
export interface PaymentPort {
  /** Takes the payment (or a hold) for this call, or refuses with an offer. */
  take(input: PaymentInput): Promise<Result<PaymentHold, Refusal>>;
}

export interface PaymentInput {
  readonly document: CredentialDocument;
  readonly grant: GrantDocument;
  readonly headers: ReadHeaders;
  readonly method: string;
  readonly path: string;
  readonly resourceUrl: string;
  readonly customer: string | null;
  readonly requestId: string;
  readonly nowMs: number;
  /** The call will be refused with this once it is paid for: nothing is taken that would have to be given back. */
  readonly held: Refusal | null;
  /** Adds to the audit event's notes; later values of a name replace earlier ones. */
  readonly note: (name: string, value: unknown) => void;
}

/**
 * A payment that is held for one call. Either `release`, or `settle` and later `close`, is called; each at most once.
 * `release` follows `settle` when the answer broke off before anything of it reached the caller.
 */
export interface PaymentHold {
  /** The vendor's headers are here and its status is below 400: take the money. Refuses with `settlement_unknown`. */
  settle(): Promise<Result<PaymentReceipt, Refusal>>;
  /** The answer is complete; the actual cost is known (or null: charge what was quoted). Never throws. */
  close(actualUsdMicros: number | null): Promise<void>;
  /** No charge: the call was not carried out, or the vendor failed or answered with an error. Never throws. */
  release(reason: string): Promise<void>;
}

export interface PaymentReceipt {
  /** Response headers (`PAYMENT-RESPONSE` …). */
  readonly headers: Readonly<Record<string, string>>;
  /** For the audit event: provider, payer, amount, asset, transaction, state. */
  readonly note: Readonly<Record<string, unknown>>;
}

export interface Clock {
  nowMs(): number;
}

export interface Randomness {
  /** Unbiased bytes; `length` at most 64. */
  bytes(length: number): Uint8Array;
  /** In [0, 1). */
  unit(): number;
}

export interface Ports {
  readonly credentials: CredentialSource;
  readonly gate: Gate;
  readonly secrets: SecretSource;
  readonly doorstep: Doorstep;
  readonly health: ConnectionHealth;
  readonly accessTokens: AccessTokens;
  readonly payments: PaymentPort;
  readonly clock: Clock;
  readonly random: Randomness;
  /** The platform's fetch; redirects are never followed. */
  readonly fetch: (request: Request) => Promise<Response>;
  readonly sleep: (ms: number) => Promise<void>;
  /** A byte pipe whose readable side declares its length, so that a body keeps its Content-Length. */
  readonly fixedLength: (bytes: number) => {
    readonly readable: ReadableStream<Uint8Array>;
    readonly writable: WritableStream<Uint8Array>;
  };
  /** Keeps the isolate alive for work after the response. */
  readonly defer: (work: Promise<unknown>) => void;
}

export interface PipelineSettings {
  /** Token peppers and their ids, current first. */
  readonly peppers: readonly { readonly id: string; readonly key: Uint8Array }[];
  readonly allowPrivateUpstreams: boolean;
  /** Public origin of the proxy, for rewritten URLs and prompts; null: taken from the request. */
  readonly proxyOrigin: string | null;
  /** `partner.proxyDomain` routes by host name; null: off. */
  readonly proxyDomain: string | null;
  /** Local development: a request without CF-Connecting-IP counts as 127.0.0.1. */
  readonly local: boolean;
  readonly maxBodyBytes: number;
}

/** Tells people about a notice, by mail or webhook. */
export interface NoticeDispatcher {
  /**
   * `sent`: done, for good. `later`: try again after a while (a provider failed, or nothing is configured yet).
   * `dropped`: can never be sent, or is no longer of interest.
   */
  dispatch(notice: Notice): Promise<"sent" | "later" | "dropped">;
}
