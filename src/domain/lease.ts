/**
 * What a shared limit's pool (`pool.ts`) and a credential's gate (`lease-book.ts`) say to each other. Types and names only.
 *
 * A lease hands a gate some *calls* and some *dollars* (millionths) of one pool until `expiresAtMs`. One call counts
 * against every rate, quota and request budget of the pool; dollars count against its dollar budgets.
 *
 * Invariants:
 * - What was granted stays counted in the pool until the gate itself has said how much of it was used. Expiry only makes
 *   the pool ask; it never gives anything back on its own. So no crash and no clock can exceed a limit.
 * - A report may leave the gate only after the records it was made from are durable, and a call may go to the vendor
 *   only after its draw is durable.
 */
import type { BudgetLimit, RateLimit, VendorQuota } from "./limits.ts";

/** One limit of a pool. */
export type PoolLimit =
  | ({ readonly kind: "rate" } & RateLimit)
  | ({ readonly kind: "budget" } & BudgetLimit)
  | ({ readonly kind: "quota" } & VendorQuota);

/** A pool's limits as a credential document states them. Build it once per document with `poolTerms`. */
export interface PoolTerms {
  /** Name of the pool's Durable Object. */
  readonly pool: string;
  readonly limits: readonly PoolLimit[];
  /** Changes whenever a limit changes; a lease is good for the version it was granted under only. */
  readonly version: string;
  readonly countsCalls: boolean;
  readonly countsDollars: boolean;
}

/** Calls and millionths of a US dollar. */
export interface LeaseUnits {
  readonly calls: number;
  readonly usdMicros: number;
}

export interface Lease {
  /** Unique within the pool, never used twice. */
  readonly id: string;
  readonly pool: string;
  readonly version: string;
  readonly units: LeaseUnits;
  /** Epoch ms; nothing is drawn at or after it. */
  readonly expiresAtMs: number;
}

/** How one lease stands at its gate. Later reports of a lease have a higher `revision` and replace earlier ones. */
export interface LeaseReport {
  readonly leaseId: string;
  readonly revision: number;
  /** Calls drawn. Each counts against rates and quotas for good, when it was drawn. */
  readonly usedCalls: number;
  /** Calls drawn that never reached the vendor: request budgets get them back. */
  readonly returnedCalls: number;
  /** Dollars drawn and not given back; may exceed what was granted when a call cost more than it declared. */
  readonly usedUsdMicros: number;
  /** Admissions that drew on the lease and are not settled yet: while above 0, later reports may say less was used. */
  readonly pending: number;
  /** When calls were drawn: epoch ms, ascending, never earlier than the true time; the calls sum to `usedCalls`. */
  readonly uses: readonly { readonly atMs: number; readonly calls: number }[];
}

/** RPC `SharedLimit.lease`. */
export interface LeaseRequest {
  /** Name of the asking gate's Durable Object: the credential's id. */
  readonly gateId: string;
  readonly terms: PoolTerms;
  /** Less than this is of no use: what the first waiting call needs. */
  readonly least: LeaseUnits;
  /** What calls wait for: it is used as soon as it arrives. */
  readonly waiting: LeaseUnits;
  /** What the gate would like to have in hand, from how fast it used the last lease. */
  readonly want: LeaseUnits;
  /** Closed leases of this gate in this pool. */
  readonly reports: readonly LeaseReport[];
}

/** One limit of a pool as it stands, for `RateLimit` headers and `whoami`. */
export interface PoolLimitStatus {
  readonly limit: PoolLimit;
  /** What no gate has used or holds. */
  readonly remaining: number;
  /** Of a budget: what gates have reported as used in this window; 0 for other limits. */
  readonly used: number;
  /** Epoch ms at which the limit is whole again (window's end; for rates: when the oldest counted use ages out). */
  readonly resetMs: number;
}

/** Why a pool gave nothing. The gate may repeat the answer until `untilMs` without asking again. */
export interface Exhausted {
  readonly pool: string;
  readonly version: string;
  readonly limit: PoolLimit;
  /** What was asked for in vain; smaller wishes may still be met. */
  readonly least: LeaseUnits;
  readonly untilMs: number;
  /** Epoch ms for `Retry-After`: when the limit can admit such a call again. Never before `untilMs`. */
  readonly resetMs: number;
}

export type LeaseReply =
  | {
      readonly kind: "granted";
      readonly lease: Lease;
      readonly statuses: readonly PoolLimitStatus[];
      readonly forget: readonly string[];
    }
  | {
      readonly kind: "exhausted";
      readonly exhausted: Exhausted;
      readonly statuses: readonly PoolLimitStatus[];
      readonly forget: readonly string[];
    };

/** RPC `CredentialGate.closeLeases`: the pool recalls or reconciles. Answered with one report per lease. */
export interface LeaseClosing {
  readonly pool: string;
  readonly leases: readonly { readonly id: string; readonly expiresAtMs: number }[];
  /** Leases that the pool has accounted for in full: the gate may drop them. */
  readonly forget: readonly string[];
}

/** What the pool calls on a gate. `CredentialGate` implements it. */
export interface LeaseHolder {
  closeLeases(closing: LeaseClosing): Promise<LeaseReport[]>;
}

/** RPC `SharedLimit.report`: reports outside a lease request (refunds of closed leases). */
export interface ReportReply {
  readonly forget: readonly string[];
}

/** RPC face of the Durable Object `SharedLimit` (binding POOLS). */
export interface LimitPool {
  lease(request: LeaseRequest): Promise<LeaseReply>;
  report(gateId: string, reports: readonly LeaseReport[]): Promise<ReportReply>;
  inspect(terms: PoolTerms): Promise<PoolLimitStatus[]>;
}

export function recipientPool(organisationId: string, recipientId: string): string {
  return `recipient:${organisationId}:${recipientId}`;
}

export function connectionPool(organisationId: string, connectionId: string): string {
  return `connection:${organisationId}:${connectionId}`;
}

export function quotaPool(organisationId: string, connectionId: string): string {
  return `quota:${organisationId}:${connectionId}`;
}

/** The customer's name is the caller's; it comes last, so that no name can be read as another pool's. */
export function customerPool(organisationId: string, connectionId: string, customer: string): string {
  return `customer:${organisationId}:${connectionId}:${customer}`;
}

/** Of a customer that has limits of its own: all its calls, whatever the connection and the credential. */
export function namedCustomerPool(organisationId: string, customer: string): string {
  return `customer-own:${organisationId}:${customer}`;
}

/**
 * Which counter a limit uses. The amount is not part of it: what was used stays used when an owner changes the amount.
 */
export function limitKey(limit: PoolLimit): string {
  return limit.kind === "budget"
    ? `budget:${limit.unit}:${limit.window}:${limit.anchorMs ?? 0}`
    : `${limit.kind}:${limit.perSeconds}`;
}

export function poolTerms(pool: string, limits: readonly PoolLimit[]): PoolTerms {
  const dollars = (limit: PoolLimit): boolean => limit.kind === "budget" && limit.unit === "usd_micros";
  return {
    pool,
    limits,
    version: limits.map(limitText).join(";"),
    countsCalls: limits.some((limit) => !dollars(limit)),
    countsDollars: limits.some(dollars),
  };
}

function limitText(limit: PoolLimit): string {
  switch (limit.kind) {
    case "rate":
      return `${limitKey(limit)}=${limit.requests}/${limit.burst ?? ""}`;
    case "quota":
      return `${limitKey(limit)}=${limit.requests}/${limit.maxShare}`;
    case "budget":
      return `${limitKey(limit)}=${limit.limit}`;
  }
}
