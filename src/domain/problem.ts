/**
 * Every refusal RelayKey speaks on the proxy, in one table (RFC 9457). Pure: builds values, never a Response.
 */
import type { Result } from "./result.ts";

interface ProblemKind {
  readonly status: number;
  readonly title: string;
  /** Whether the same request may succeed later without being changed. */
  readonly retryable: boolean;
}

export const PROBLEM_KINDS = {
  ambiguous_path: { status: 400, title: "The path can be read in more than one way", retryable: false },
  conflicting_credentials: {
    status: 400,
    title: "The request carries two different RelayKey tokens",
    retryable: false,
  },
  invalid_request: { status: 400, title: "The request is not valid", retryable: false },
  credential_missing: { status: 401, title: "No RelayKey token was found", retryable: false },
  credential_invalid: { status: 401, title: "The RelayKey token is not valid", retryable: false },
  payment_required: { status: 402, title: "This call must be paid for", retryable: false },
  credits_exhausted: { status: 402, title: "The prepaid credits are used up", retryable: false },
  connection_not_granted: { status: 403, title: "The credential has no grant for this connection", retryable: false },
  method_denied: { status: 403, title: "The method is outside the credential's scope", retryable: false },
  path_denied: { status: 403, title: "The path is outside the credential's scope", retryable: false },
  query_denied: { status: 403, title: "A query parameter is outside the credential's scope", retryable: false },
  body_denied: { status: 403, title: "The body is outside the credential's scope", retryable: false },
  environment_denied: { status: 403, title: "The environments do not agree", retryable: false },
  not_found: { status: 404, title: "There is no such route", retryable: false },
  payment_replayed: { status: 409, title: "This payment was used before", retryable: false },
  body_too_large: { status: 413, title: "The body is too large", retryable: false },
  header_too_large: { status: 431, title: "The headers are too large", retryable: false },
  address_unconfirmed: { status: 423, title: "This address has not been confirmed", retryable: true },
  rate_limited: { status: 429, title: "Too many requests", retryable: true },
  budget_exhausted: { status: 429, title: "The budget is used up", retryable: false },
  vendor_limited: { status: 429, title: "The vendor asks everyone to wait", retryable: true },
  upstream_unreachable: { status: 502, title: "The vendor could not be reached", retryable: true },
  vendor_payment_required: { status: 502, title: "The vendor itself asks for payment", retryable: false },
  circuit_open: { status: 503, title: "The vendor is failing; calls are held back", retryable: true },
  connection_paused: { status: 503, title: "The connection is paused", retryable: false },
  secret_unavailable: { status: 503, title: "The vendor's key cannot be read now", retryable: true },
  settlement_unknown: { status: 503, title: "The payment's settlement is not known yet", retryable: true },
  unavailable: { status: 503, title: "RelayKey cannot decide now", retryable: true },
  upstream_timeout: { status: 504, title: "The vendor did not answer in time", retryable: true },
} as const satisfies Record<string, ProblemKind>;

export type ProblemCode = keyof typeof PROBLEM_KINDS;

/** A refusal as a value. `reason` is for the audit event alone and may say more than the caller learns. */
export interface Refusal {
  readonly code: ProblemCode;
  /** Sentence for the caller; never holds a secret, a token or an internal message. */
  readonly detail: string;
  readonly reason?: string;
  readonly retryAfterSeconds?: number;
  /** False: this one does not pass, or its repeat might double what the vendor did, though its code says that it may pass. */
  readonly retryable?: false;
  /** Further members of the problem document, e.g. the smallest scope that would have allowed the call. */
  readonly extensions?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
}

export type Outcome<T> = Result<T, Refusal>;

/** The `type` member. A relative reference, so that it holds in every deployment; it resolves on the admin Worker's docs. */
export function problemType(code: string): string {
  return `urn:relaykey:problem:${code}`;
}

/**
 * What every token that does not count is told: unknown, forged, expired and revoked alike. Only `reason`, which goes to the
 * audit event, tells them apart.
 */
export function credentialInvalid(reason: string): Refusal {
  return {
    code: "credential_invalid",
    detail: "The token is unknown, expired or revoked. Ask whoever issued it for a new one.",
    reason,
  };
}

/** For a refusal that may pass and knows no time: SDKs then wait this long instead of guessing. */
export const DEFAULT_RETRY_SECONDS = 2;

/** Whether the same request may be sent again later without being changed. */
export function mayPass(refusal: Refusal): boolean {
  return refusal.retryable ?? PROBLEM_KINDS[refusal.code].retryable;
}

/** Builds the RFC 9457 document, with the `error` member that vendor SDKs show. */
export function problemDocument(refusal: Refusal, requestId: string): Record<string, unknown> {
  const kind: ProblemKind = PROBLEM_KINDS[refusal.code];
  return {
    ...refusal.extensions,
    type: problemType(refusal.code),
    title: kind.title,
    status: kind.status,
    detail: refusal.detail,
    instance: requestId,
    code: refusal.code,
    retryable: mayPass(refusal),
    // Where the SDKs of Twilio, Resend and GitHub look for the reason.
    message: refusal.detail,
    ...(refusal.retryAfterSeconds === undefined ? {} : { retry_after_seconds: refusal.retryAfterSeconds }),
    error: { message: refusal.detail, type: "relaykey_refusal", code: refusal.code },
  };
}
