/**
 * What a gate knows: a plain value that is rebuilt from a checkpoint and the records after it. Pure.
 * Only `apply` (gate-apply.ts) changes it, so that a replay of the same records gives the same state.
 */
import type { GateDocument } from "./admission.ts";
import type { BudgetCounter } from "./budget.ts";
import type { EventTuple } from "./chain.ts";
import { GENESIS_HASH } from "./chain.ts";
import type { BudgetHold, CompiledMeters } from "./gate-meters.ts";
import { compileMeters, NO_METERS } from "./gate-meters.ts";
import type { CompiledPools } from "./gate-pools.ts";
import { compilePools } from "./gate-pools.ts";
import type { RequestFacts, TrustOrigin } from "./gate-records.ts";
import type { Draw, LeaseBook } from "./lease-book.ts";
import { newLeaseBook } from "./lease-book.ts";
import type { Notice } from "./notice.ts";
import type { RateWindow, StoredRate } from "./rate.ts";
import { restoreRate, storeRate } from "./rate.ts";

/** An admission without a settlement is renewed by its Worker; after this long without, nobody knows its outcome. */
export const ADMISSION_LEASE_MS = 20_000;
/** A restarted gate does not know who renewed before: it waits this long for the next renewal. */
export const RESTART_GRACE_MS = 10_000;
/** Calls of one credential that may be under way at the same time. */
export const MAX_OPEN_ADMISSIONS = 4_000;
/** Closed events that the audit database has not confirmed; beyond this nothing more is admitted. */
export const MAX_UNDELIVERED_EVENTS = 20_000;
export const MAX_UNDELIVERED_CHARS = 16_000_000;
export const MAX_TRUSTED_ADDRESSES = 256;

export interface OpenAdmission {
  readonly atMs: number;
  readonly facts: RequestFacts;
  readonly reserveUsdMicros: number;
  readonly holds: readonly BudgetHold[];
  readonly draws: readonly Draw[];
}

export interface Grace {
  readonly untilMs: number;
  /** Up to this number. */
  readonly admission: number;
}

export interface TrustedAddress {
  readonly atMs: number;
  readonly how: TrustOrigin;
}

export interface AskedConfirmation {
  readonly atMs: number;
  readonly address: string;
  readonly outcome: "open" | "confirmed" | "denied";
}

export interface GateState {
  document: GateDocument | null;
  /** Derived from `document`. */
  meters: CompiledMeters;
  /** Derived from `document`. */
  pools: CompiledPools;
  minVersion: number;
  revokedVersion: number | null;
  /** Time never runs backwards here, whatever the machine's clock does. */
  clockMs: number;
  /** Number of the last admission. */
  admissions: number;
  /** `seq` of the last closed event. */
  closed: number;
  headHash: string;
  readonly open: Map<number, OpenAdmission>;
  /** Set after a restart for the admissions that were open then. Durable, so that a second restart does not give more. */
  grace: Grace | null;
  readonly rates: Map<string, RateWindow>;
  readonly budgets: Map<string, BudgetCounter>;
  readonly trusted: Map<string, TrustedAddress>;
  /** Set for good when any address was ever trusted: removing the last one does not invite the next. */
  firstUseOver: boolean;
  readonly confirmations: Map<string, AskedConfirmation>;
  /** Closed events that are not confirmed yet, ascending by seq. */
  outbox: EventTuple[];
  outboxChars: number;
  readonly notices: Map<string, Notice>;
  /** Leases of limits that other credentials share. */
  readonly leases: LeaseBook;
}

export function newGateState(): GateState {
  return {
    document: null,
    meters: NO_METERS,
    pools: NO_POOLS,
    minVersion: 0,
    revokedVersion: null,
    clockMs: 0,
    admissions: 0,
    closed: 0,
    headHash: GENESIS_HASH,
    open: new Map(),
    grace: null,
    rates: new Map(),
    budgets: new Map(),
    trusted: new Map(),
    firstUseOver: false,
    confirmations: new Map(),
    outbox: [],
    outboxChars: 0,
    notices: new Map(),
    leases: newLeaseBook(),
  };
}

const NO_POOLS: CompiledPools = new Map();

/** Everything but the outbox, as JSON-safe values. Entries that can no longer matter are left out. */
export interface GateSnapshot {
  readonly document: GateDocument | null;
  readonly minVersion: number;
  readonly revokedVersion: number | null;
  readonly clockMs: number;
  readonly admissions: number;
  readonly closed: number;
  readonly headHash: string;
  readonly open: readonly (readonly [number, OpenAdmission])[];
  readonly grace: Grace | null;
  readonly rates: readonly (readonly [string, StoredRate])[];
  readonly budgets: readonly (readonly [string, BudgetCounter])[];
  readonly trusted: readonly (readonly [string, TrustedAddress])[];
  readonly firstUseOver: boolean;
  readonly confirmations: readonly (readonly [string, AskedConfirmation])[];
  readonly notices: readonly Notice[];
  readonly leases: LeaseBook;
}

export function snapshot(state: GateState): GateSnapshot {
  return {
    document: state.document,
    minVersion: state.minVersion,
    revokedVersion: state.revokedVersion,
    clockMs: state.clockMs,
    admissions: state.admissions,
    closed: state.closed,
    headHash: state.headHash,
    open: [...state.open],
    grace: state.grace,
    rates: [...state.rates].map(([key, window]) => [key, storeRate(window)] as const),
    budgets: [...state.budgets].map(([key, counter]) => [key, { ...counter }] as const),
    trusted: [...state.trusted],
    firstUseOver: state.firstUseOver,
    confirmations: [...state.confirmations],
    notices: [...state.notices.values()],
    leases: structuredClone(state.leases),
  };
}

export function restore(stored: GateSnapshot, outbox: readonly EventTuple[]): GateState {
  return {
    document: stored.document,
    meters: stored.document === null ? NO_METERS : compileMeters(stored.document),
    pools: stored.document === null ? NO_POOLS : compilePools(stored.document),
    minVersion: stored.minVersion,
    revokedVersion: stored.revokedVersion,
    clockMs: stored.clockMs,
    admissions: stored.admissions,
    closed: stored.closed,
    headHash: stored.headHash,
    open: new Map(stored.open),
    grace: stored.grace,
    rates: new Map(stored.rates.map(([key, window]) => [key, restoreRate(window)])),
    budgets: new Map(stored.budgets.map(([key, counter]) => [key, { ...counter }])),
    trusted: new Map(stored.trusted),
    firstUseOver: stored.firstUseOver,
    confirmations: new Map(stored.confirmations),
    outbox: [...outbox],
    outboxChars: outbox.reduce((sum, event) => sum + eventChars(event), 0),
    notices: new Map(stored.notices.map((notice) => [notice.id, notice])),
    leases: structuredClone(stored.leases),
  };
}

/** An upper estimate of an event's bytes in a message: texts of free length (escaped, not ASCII), and the rest. */
export function eventChars(event: EventTuple): number {
  return 520 + event[11].length + 3 * (event[24].length + event[28].length + (event[8]?.length ?? 0));
}
