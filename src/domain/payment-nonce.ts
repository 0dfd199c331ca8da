/**
 * The life of one payment authorization (network, asset, payer, nonce). Pure; the Durable Object stores what comes out.
 *
 *     (none) ─► reserved ─► settling ─► spent
 *       ▲          │           │  └───► paid ─► spent          paid: the money is here, nothing was delivered for it
 *       └──────────┴───────────┤
 *                              └──────► unknown ─► paid | (none)
 *
 * Always holds: at most one request holds a record at a time; a record that was settled never becomes free again; only
 * the holder delivers, once. A holder that died loses its lease: a reservation is then free, money that came stays paid.
 */
export type NonceState = "reserved" | "settling" | "unknown" | "paid" | "spent";

/** Where it stands in an owner's list of payments. */
export interface ListedPayment {
  readonly organisationId: string;
  /** Network, asset, payer and nonce, joined by `/`. */
  readonly reference: string;
}

export interface NonceRecord {
  readonly nonce: string;
  /** What was signed and for which call; another call or authorization may not use the record. */
  readonly digest: string;
  readonly paymentId: string | null;
  /** Absent in records of before it was kept. */
  readonly listed?: ListedPayment;
  readonly state: NonceState;
  readonly holder: string | null;
  readonly leaseUntilMs: number;
  /** Times the facilitator was asked to settle. Counted before it is asked. */
  readonly attempts: number;
  /** Empty: settled, but nobody said in which transaction. */
  readonly transaction: string;
  /** After this the chain takes the authorization no more. */
  readonly validBeforeMs: number;
  /** When something must be done about it; null: nothing. */
  readonly dueMs: number | null;
  readonly createdAtMs: number;
}

export interface Claim {
  readonly nonce: string;
  readonly digest: string;
  readonly paymentId: string | null;
  readonly listed: ListedPayment;
  readonly requestId: string;
  readonly validBeforeMs: number;
  /** False: too old for a first use (its quote or its times); only money that came already may still be used. */
  readonly fresh: boolean;
}

export type ClaimVerdict =
  | { readonly kind: "reserved"; readonly record: NonceRecord }
  /** Paid by an earlier call that delivered nothing. */
  | { readonly kind: "paid"; readonly record: NonceRecord }
  | { readonly kind: "replayed" | "busy" | "unresolved" | "stale" };

/** What the facilitator's answer to a settlement means. */
export type SettleOutcome =
  | { readonly kind: "settled"; readonly transaction: string }
  /** The nonce is used on the chain. After an attempt without clear answer that was ours; at the first attempt it was not. */
  | { readonly kind: "used" }
  | { readonly kind: "failed"; readonly reason: string }
  /** Too late by now; says nothing about an earlier attempt. */
  | { readonly kind: "expired"; readonly reason: string }
  | { readonly kind: "unclear" };

/** The holder renews its lease while it waits for the vendor. */
export const LEASE_MS = 15_000;
/** A settled authorization is remembered this much longer than the chain would take it. */
const KEEP_SPENT_MS = 86_400_000;
/** Money without a delivery is remembered for 90 days. */
const KEEP_PAID_MS = 90 * 86_400_000;
/** An authorization without end is not remembered without end: the chain knows its nonce by then. */
const MAX_KEEP_MS = 366 * 86_400_000;
/** A settlement that runs longer than this has lost whoever waited for it. */
const SETTLE_MS = 20_000;
const FIRST_RETRY_MS = 2_000;
const MAX_RETRY_MS = 3_600_000;
/** After this long without a clear answer only a retry by the payer asks again. */
const GIVE_UP_MS = 30 * 86_400_000;

/** `named`: the record that carries the same payment identifier, if any. */
export function claim(record: NonceRecord | null, named: NonceRecord | null, wish: Claim, nowMs: number): ClaimVerdict {
  if (named !== null && named.nonce !== wish.nonce) return { kind: "replayed" };
  const leased = { holder: wish.requestId, leaseUntilMs: nowMs + LEASE_MS };
  if (record !== null && record.digest !== wish.digest) {
    // The chain takes one authorization per nonce: while this one may be it, no other is.
    if (record.state !== "reserved" || record.leaseUntilMs > nowMs) return { kind: "replayed" };
  } else if (record !== null && record.state !== "reserved") {
    if (record.state === "spent") return { kind: "replayed" };
    if (record.state === "settling") return { kind: "busy" };
    if (record.state === "unknown") return { kind: "unresolved" };
    if (record.holder !== null && record.leaseUntilMs > nowMs) return { kind: "busy" };
    return { kind: "paid", record: { ...record, ...leased } };
  } else if (record !== null && record.leaseUntilMs > nowMs) return { kind: "busy" };
  if (!wish.fresh) return { kind: "stale" };
  return {
    kind: "reserved",
    record: {
      nonce: wish.nonce,
      digest: wish.digest,
      paymentId: wish.paymentId,
      listed: wish.listed,
      state: "reserved",
      ...leased,
      attempts: 0,
      transaction: "",
      validBeforeMs: Math.min(wish.validBeforeMs, nowMs + MAX_KEEP_MS),
      dueMs: leased.leaseUntilMs + KEEP_SPENT_MS,
      createdAtMs: nowMs,
    },
  };
}

/** The holder's lease, extended; null: it holds the record no more. */
export function renewLease(record: NonceRecord | null, requestId: string, nowMs: number): NonceRecord | null {
  return holds(record, requestId, nowMs) ? { ...record, leaseUntilMs: nowMs + LEASE_MS } : null;
}

/** Before the facilitator is asked: whoever finds the record so after a crash knows that the money may have moved. */
export function beginSettle(record: NonceRecord | null, requestId: string, nowMs: number): NonceRecord | null {
  if (!holds(record, requestId, nowMs) || record.state !== "reserved") return null;
  return { ...record, state: "settling", attempts: 1, dueMs: nowMs + SETTLE_MS };
}

/** Asks again about a settlement without clear answer. */
export function resumeSettle(record: NonceRecord, nowMs: number): NonceRecord {
  return { ...record, state: "settling", holder: null, attempts: record.attempts + 1, dueMs: nowMs + SETTLE_MS };
}

/**
 * The record after the facilitator's answer; null: free again, nothing was charged.
 * `delivers`: the holder answers its caller right away, so that the payment is spent with it.
 */
export function afterSettle(
  record: NonceRecord,
  outcome: SettleOutcome,
  delivers: boolean,
  nowMs: number,
): NonceRecord | null {
  const first = record.attempts <= 1;
  if (outcome.kind === "failed") return null;
  if (first && (outcome.kind === "used" || outcome.kind === "expired")) return null;
  if (outcome.kind === "unclear" || outcome.kind === "expired") {
    const waitMs = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(20, record.attempts - 1));
    const dueMs = nowMs > record.createdAtMs + GIVE_UP_MS ? null : nowMs + waitMs;
    return { ...record, state: "unknown", holder: null, dueMs };
  }
  const transaction = outcome.kind === "settled" ? outcome.transaction : "";
  if (delivers && record.holder !== null) return spent({ ...record, transaction });
  const leaseUntilMs = nowMs + LEASE_MS;
  return { ...record, state: "paid", transaction, leaseUntilMs, dueMs: nowMs + KEEP_PAID_MS };
}

/** `kept`: the payer has paid. `failed`: nothing was taken. */
export const LATE_OUTCOMES = ["kept", "failed"] as const;
export type LateOutcome = (typeof LATE_OUTCOMES)[number];

/**
 * What became of a settlement that nobody waited for any more; null: that is told by the record of the call that asked, or not
 * known yet. `after`: as `afterSettle` gave it.
 */
export function lateOutcome(record: NonceRecord, after: NonceRecord | null): LateOutcome | null {
  if (record.holder !== null || after?.state === "unknown") return null;
  return after === null ? "failed" : "kept";
}

/** Nobody waits for the facilitator's answer any more (the object was restarted). */
export function interrupted(record: NonceRecord, nowMs: number): NonceRecord {
  return { ...record, state: "unknown", holder: null, dueMs: nowMs };
}

/** The holder answers its caller for money that came before; null: it holds the record no more. */
export function deliver(record: NonceRecord | null, requestId: string, nowMs: number): NonceRecord | null {
  return holds(record, requestId, nowMs) && record.state === "paid" ? spent(record) : null;
}

/** The holder delivers nothing. `free`: forget the record; otherwise keep what came out. */
export function release(
  record: NonceRecord | null,
  requestId: string,
): { readonly kind: "free" } | { readonly kind: "keep"; readonly record: NonceRecord } | { readonly kind: "not_held" } {
  if (record === null || record.holder !== requestId) return { kind: "not_held" };
  if (record.state === "reserved") return { kind: "free" };
  return { kind: "keep", record: { ...record, holder: null, leaseUntilMs: 0 } };
}

/** Nothing reached the caller after all: the money waits for the next try. Null: this request did not spend it. */
export function giveBack(record: NonceRecord | null, requestId: string, nowMs: number): NonceRecord | null {
  if (record === null || record.state !== "spent" || record.holder !== requestId) return null;
  return { ...record, state: "paid", holder: null, leaseUntilMs: 0, dueMs: nowMs + KEEP_PAID_MS };
}

/** Whether the record says nothing any more that a later claim must know. */
export function forgettable(record: NonceRecord, nowMs: number): boolean {
  return record.dueMs !== null && record.dueMs <= nowMs && record.state !== "unknown" && record.state !== "settling";
}

function holds(record: NonceRecord | null, requestId: string, nowMs: number): record is NonceRecord {
  return record !== null && record.holder === requestId && (record.state === "settling" || record.leaseUntilMs > nowMs);
}

function spent(record: NonceRecord): NonceRecord {
  return { ...record, state: "spent", dueMs: record.validBeforeMs + KEEP_SPENT_MS };
}
