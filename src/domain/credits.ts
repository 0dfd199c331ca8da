/**
 * A prepaid account: movements that sum to the balance, and holds that lower what is available. Pure; the Durable Object
 * stores what comes out. Amounts are whole millionths of a US dollar.
 *
 * Always holds: `balance` is the sum of all movements; `held` is the sum of all open holds; a hold is only granted out of
 * what is available (balance − held); a hold is charged at most once and never more than it holds.
 */
import { err, ok, type Result } from "./result.ts";

export const MAX_CREDIT_USD_MICROS = 1_000_000_000_000_000;

export type MovementKind = "top_up" | "adjustment" | "charge" | "refund";

export interface Movement {
  /** 1, 2, 3 … without a gap. */
  readonly seq: number;
  readonly atMs: number;
  readonly kind: MovementKind;
  /** Negative for charges. */
  readonly usdMicros: number;
  readonly balanceUsdMicros: number;
  /** What it belongs to: a request's or an operation's id. One movement per kind and reference. */
  readonly reference: string;
  readonly note: string;
}

export interface CreditHold {
  readonly id: string;
  readonly usdMicros: number;
  readonly expiresAtMs: number;
  /** The caller has its answer: what is not closed in time is charged in full. */
  readonly delivered: boolean;
}

export interface CreditAccount {
  readonly seq: number;
  readonly balanceUsdMicros: number;
  readonly holds: ReadonlyMap<string, CreditHold>;
}

export const EMPTY_ACCOUNT: CreditAccount = { seq: 0, balanceUsdMicros: 0, holds: new Map() };

/** The account after a step and what the step added to its statement. */
export interface CreditStep {
  readonly account: CreditAccount;
  readonly movements: readonly Movement[];
}

export function heldUsdMicros(account: CreditAccount): number {
  let sum = 0;
  for (const hold of account.holds.values()) sum += hold.usdMicros;
  return sum;
}

export function availableUsdMicros(account: CreditAccount): number {
  return account.balanceUsdMicros - heldUsdMicros(account);
}

/** Adds money or takes it away. Refuses what would leave the range; a negative adjustment may leave a debt. */
export function move(
  account: CreditAccount,
  change: Omit<Movement, "seq" | "balanceUsdMicros">,
): Result<CreditStep, "out_of_range"> {
  const balanceUsdMicros = account.balanceUsdMicros + change.usdMicros;
  if (Math.abs(balanceUsdMicros) > MAX_CREDIT_USD_MICROS) return err("out_of_range");
  const movement = { ...change, seq: account.seq + 1, balanceUsdMicros };
  return ok({ account: { ...account, seq: movement.seq, balanceUsdMicros }, movements: [movement] });
}

/** Sets an amount aside. The same id twice holds once. */
export function hold(account: CreditAccount, wish: CreditHold): Result<CreditAccount, "exhausted"> {
  const known = account.holds.get(wish.id);
  if (known !== undefined) return known.usdMicros === wish.usdMicros ? ok(account) : err("exhausted");
  if (wish.usdMicros > availableUsdMicros(account)) return err("exhausted");
  return ok({ ...account, holds: new Map(account.holds).set(wish.id, wish) });
}

/** The answer goes out now. */
export function markDelivered(account: CreditAccount, id: string): CreditAccount {
  const known = account.holds.get(id);
  if (known === undefined) return account;
  return { ...account, holds: new Map(account.holds).set(id, { ...known, delivered: true }) };
}

/** Charges a hold; null: all of it. What is not charged is available again. Unknown holds change nothing. */
export function settleHold(
  account: CreditAccount,
  id: string,
  actualUsdMicros: number | null,
  atMs: number,
): CreditStep {
  const known = account.holds.get(id);
  if (known === undefined) return { account, movements: [] };
  const open = withoutHold(account, id);
  const usdMicros = Math.max(0, Math.min(known.usdMicros, actualUsdMicros ?? known.usdMicros));
  if (usdMicros === 0) return { account: open, movements: [] };
  const moved = move(open, { atMs, kind: "charge", usdMicros: -usdMicros, reference: id, note: "" });
  // A charge out of a hold stays within the range by what the hold was granted on.
  return moved.ok ? moved.value : { account: open, movements: [] };
}

export function releaseHold(account: CreditAccount, id: string): CreditAccount {
  return account.holds.has(id) ? withoutHold(account, id) : account;
}

/** Holds whose call never came back: nothing was delivered, so they are released; delivered ones are charged in full. */
export function expireHolds(account: CreditAccount, nowMs: number): CreditStep {
  let current = account;
  const movements: Movement[] = [];
  for (const each of account.holds.values()) {
    if (each.expiresAtMs > nowMs) continue;
    if (!each.delivered) {
      current = releaseHold(current, each.id);
      continue;
    }
    const step = settleHold(current, each.id, null, nowMs);
    current = step.account;
    movements.push(...step.movements);
  }
  return { account: current, movements };
}

function withoutHold(account: CreditAccount, id: string): CreditAccount {
  const holds = new Map(account.holds);
  holds.delete(id);
  return { ...account, holds };
}
