/**
 * The limits that a credential shares with others, from the gate's side: which pools a call draws on, what it is told when
 * a pool has nothing left, and how a pool stands. Pure. The leases themselves are kept by `lease-book.ts`.
 */
import type { GateDocument, LimitStatus } from "./admission.ts";
import { budgetWindow } from "./budget.ts";
import type { Exhausted, PoolLimit, PoolLimitStatus, PoolTerms } from "./lease.ts";
import { connectionPool, customerPool, namedCustomerPool, poolTerms, quotaPool, recipientPool } from "./lease.ts";
import type { PoolDemand } from "./lease-use.ts";
import { NO_LIMITS, type Limits } from "./limits.ts";
import type { Refusal } from "./problem.ts";

/** The pools of one grant, without the customer's. */
export interface GrantPools {
  readonly connectionId: string;
  readonly terms: readonly PoolTerms[];
  /** What each customer named on this grant may use. */
  readonly perCustomer: readonly PoolLimit[];
  /** The pools of customers that have limits of their own, by name; the same for every grant. */
  readonly named: ReadonlyMap<string, PoolTerms>;
}

export type CompiledPools = ReadonlyMap<string, GrantPools>;

export function compilePools(document: GateDocument): CompiledPools {
  const { organisationId, recipient } = document;
  const pools = new Map<string, GrantPools>();
  const named = namedPools(document);
  for (const grant of document.grants) {
    const terms: PoolTerms[] = [];
    const add = (pool: string, limits: readonly PoolLimit[]): void => {
      if (limits.length > 0) terms.push(poolTerms(pool, limits));
    };
    if (recipient !== null) add(recipientPool(organisationId, recipient.id), limitsOf(recipient.limits));
    add(connectionPool(organisationId, grant.connectionId), limitsOf(grant.connectionLimits));
    if (grant.quota !== null) add(quotaPool(organisationId, grant.connectionId), [{ kind: "quota", ...grant.quota }]);
    const stated = [document.limits, recipient?.limits ?? NO_LIMITS, grant.limits, grant.connectionLimits];
    const perCustomer = stated.flatMap(({ perCustomer: each }) => (each === null ? [] : limitsOf(each)));
    pools.set(grant.id, { connectionId: grant.connectionId, terms, perCustomer, named });
  }
  return pools;
}

function namedPools({ organisationId, namedCustomers = [] }: GateDocument): ReadonlyMap<string, PoolTerms> {
  return new Map(
    namedCustomers.map(({ customer, limits }) => [
      customer,
      poolTerms(namedCustomerPool(organisationId, customer), limitsOf(limits)),
    ]),
  );
}

function limitsOf(limits: Pick<Limits, "rate" | "budgets">): readonly PoolLimit[] {
  return [
    ...limits.rate.map((limit) => ({ kind: "rate" as const, ...limit })),
    ...limits.budgets.map((limit) => ({ kind: "budget" as const, ...limit })),
  ];
}

const NONE: readonly PoolTerms[] = [];

/** The pools that a call on this grant draws on. */
export function termsOf(
  pools: CompiledPools,
  organisationId: string,
  grantId: string | null,
  customer: string | null,
): readonly PoolTerms[] {
  const grant = grantId === null ? undefined : pools.get(grantId);
  if (grant === undefined) return NONE;
  if (customer === null) return grant.terms;
  const own = grant.named.get(customer);
  if (own === undefined && grant.perCustomer.length === 0) return grant.terms;
  const each =
    grant.perCustomer.length === 0
      ? []
      : [poolTerms(customerPool(organisationId, grant.connectionId, customer), grant.perCustomer)];
  return [...grant.terms, ...each, ...(own === undefined ? [] : [own])];
}

/** Of these the vendor's quota, which counts requests to the vendor and so each repeat as well. */
export function quotaTerms(pools: CompiledPools, grantId: string): readonly PoolTerms[] {
  return pools.get(grantId)?.terms.filter(({ pool }) => kindOf(pool) === "quota") ?? NONE;
}

export function demandsOf(terms: readonly PoolTerms[], usdMicros: number): readonly PoolDemand[] {
  // A free call still needs a dollar budget that is not used up: its true cost may turn out to be more.
  return terms.map((each) => ({ terms: each, usdMicros: each.countsDollars ? Math.max(1, usdMicros) : usdMicros }));
}

/** What the caller learns when a shared limit has nothing left. */
export function poolRefusal(exhausted: Exhausted, nowMs: number): Refusal {
  const { limit, pool } = exhausted;
  const seconds = Math.max(1, Math.ceil((exhausted.resetMs - nowMs) / 1000));
  const whose = SHARERS[kindOf(pool)];
  const base = { retryAfterSeconds: seconds, extensions: { limit: limitName(pool, limit) } };
  if (limit.kind === "quota") {
    const detail = `The vendor's quota of ${limit.requests} requests per ${limit.perSeconds} s has no share left for this credential. Wait ${seconds} s`;
    return { code: "vendor_limited", detail, ...base };
  }
  if (limit.kind === "rate") {
    const detail = `The limit of ${limit.requests} requests per ${limit.perSeconds} s, shared by ${whose}, is reached. Wait ${seconds} s`;
    return { code: "rate_limited", detail, ...base };
  }
  const amount =
    limit.unit === "requests" ? `${limit.limit} requests` : `${(limit.limit / 1_000_000).toFixed(2)} US dollars`;
  const detail = `The budget of ${amount} per ${limit.window}, shared by ${whose}, does not allow this call`;
  return { code: "budget_exhausted", detail, ...base };
}

const SHARERS = {
  recipient: "all credentials of this recipient",
  connection: "everyone on this connection",
  quota: "everyone on this connection",
  customer: "everyone who names this customer",
  "customer-own": "everyone who names this customer",
} as const;

function kindOf(pool: string): keyof typeof SHARERS {
  const kind = pool.slice(0, pool.indexOf(":"));
  return kind === "recipient" || kind === "quota" || kind === "customer" || kind === "customer-own"
    ? kind
    : "connection";
}

/** `recipient-60s`, `customer-usd_micros-month`, `quota-1s`. */
export function limitName(pool: string, limit: PoolLimit): string {
  const kind = kindOf(pool);
  return limit.kind === "budget" ? `${kind}-${limit.unit}-${limit.window}` : `${kind}-${limit.perSeconds}s`;
}

/** A pool's limits in the form of `RateLimit` headers. `unused`: what this gate still holds on lease. */
export function poolStatuses(
  pool: string,
  statuses: readonly PoolLimitStatus[],
  unused: { readonly calls: number; readonly usdMicros: number },
  nowMs: number,
): LimitStatus[] {
  return statuses.map(({ limit, remaining, resetMs }) => {
    const dollars = limit.kind === "budget" && limit.unit === "usd_micros";
    const total = limit.kind === "budget" ? limit.limit : limit.requests;
    const resetSeconds = Math.max(0, Math.ceil((resetMs - nowMs) / 1000));
    return {
      name: limitName(pool, limit),
      kind: limit.kind,
      unit: dollars ? "usd_micros" : "requests",
      limit: total,
      remaining: Math.max(0, Math.min(total, remaining + (dollars ? unused.usdMicros : unused.calls))),
      windowSeconds: windowSeconds(limit, nowMs),
      resetSeconds,
    };
  });
}

function windowSeconds(limit: PoolLimit, nowMs: number): number {
  if (limit.kind !== "budget") return limit.perSeconds;
  const { startMs, endMs } = budgetWindow(limit, nowMs);
  return Math.round((endMs - startMs) / 1000);
}
