/**
 * What the proxy asks the gate and what the gate answers: the one round trip of the hot path.
 * The gate is the credential's Durable Object; its rules are pure (`gate.ts`).
 */
import type { CustomerRule, Limits, NamedCustomerLimits, Trust, VendorQuota } from "./limits.ts";
import type { Refusal } from "./problem.ts";

/** The part of the credential document that the gate keeps. Sent along when the gate does not hold this version yet. */
export interface GateDocument {
  readonly version: number;
  readonly organisationId: string;
  readonly credentialId: string;
  readonly credentialName: string;
  readonly expiresAtMs: number | null;
  readonly environment: string | null;
  readonly trust: Trust;
  readonly limits: Limits;
  readonly recipient: {
    readonly id: string;
    readonly name: string;
    readonly email: string | null;
    readonly limits: Limits;
  } | null;
  readonly grants: readonly {
    readonly id: string;
    readonly connectionId: string;
    readonly connectionName: string;
    readonly limits: Limits;
    readonly customers: CustomerRule;
    readonly connectionLimits: Limits;
    readonly quota: VendorQuota | null;
  }[];
  /** Customers that have limits of their own; absent: there are none. */
  readonly namedCustomers?: readonly NamedCustomerLimits[];
}

export interface ClientAddress {
  /** Canonical text: IPv4 dotted, IPv6 RFC 5952; null when the edge named none. */
  readonly ip: string | null;
  /** The request came from another Worker; it can be allowed by a list but never confirmed. */
  readonly viaWorker: boolean;
}

export interface AdmissionRequest {
  readonly documentVersion: number;
  /** Present after the gate answered `need_document`. */
  readonly document: GateDocument | null;
  readonly requestId: string;
  /** Null when no grant was found; then `refusal` says so. */
  readonly grantId: string | null;
  readonly connectionId: string | null;
  readonly environment: string | null;
  readonly customer: string | null;
  /** Whether the named customer is registered (judged by the Worker). */
  readonly customerKnown: boolean;
  readonly method: string;
  /** Canonical upstream path, without the query. */
  readonly path: string;
  readonly operation: string | null;
  readonly address: ClientAddress;
  readonly userAgent: string;
  /** What the Worker's own pure checks found, if anything; the gate places it in the precedence. */
  readonly refusal: Refusal | null;
  /** Most this call can cost, in millionths of a US dollar. */
  readonly reserveUsdMicros: number;
  /** The call is to be paid for once it is admitted: that the vendor is failing is told after that. */
  readonly asksPayment: boolean;
  /** Outcomes of earlier calls, riding along. */
  readonly settlements: readonly Settlement[];
}

/** Closes an admission. Settling twice changes nothing. */
export interface Settlement {
  readonly admission: number;
  readonly status: number;
  /** Null when the vendor never answered. */
  readonly upstreamStatus: number | null;
  /** Refusal code when RelayKey answered after the admission (502, 503, 504 …), or `null`. */
  readonly reason: string | null;
  readonly attempts: number;
  readonly latencyMs: number;
  /** Time spent waiting for the vendor, part of `latencyMs`. */
  readonly upstreamMs: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Null: not known; the reservation then counts as spent. */
  readonly costUsdMicros: number | null;
  readonly upstreamCredentialId: string | null;
  /** False when it is certain that no byte reached the vendor: request budgets are then given back. */
  readonly forwarded: boolean;
  /** Flags and receipts for the audit event: `echo_masked`, `vendor_died`, `client_gone`, breaker state, payment receipt … */
  readonly notes: Readonly<Record<string, unknown>>;
}

/** State of one limit after an admission, for `RateLimit` headers and `whoami`. */
export interface LimitStatus {
  readonly name: string;
  readonly kind: "rate" | "budget" | "quota";
  readonly unit: "requests" | "usd_micros";
  readonly limit: number;
  readonly remaining: number;
  readonly windowSeconds: number;
  readonly resetSeconds: number;
}

export type AdmissionReply =
  /** `held`: the vendor is failing, which a caller who has not paid is not to hear first. */
  | {
      readonly decision: "go";
      readonly admission: number;
      readonly limits: readonly LimitStatus[];
      readonly held?: Refusal;
    }
  | { readonly decision: "refused"; readonly refusal: Refusal; readonly limits: readonly LimitStatus[] }
  /** The caller's document is older than what the gate knows to exist: reload it from D1. */
  | { readonly decision: "reload" }
  | { readonly decision: "need_document" };
