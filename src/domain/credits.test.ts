import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  availableUsdMicros,
  EMPTY_ACCOUNT,
  expireHolds,
  heldUsdMicros,
  hold,
  markDelivered,
  MAX_CREDIT_USD_MICROS,
  move,
  releaseHold,
  settleHold,
  type CreditAccount,
  type Movement,
} from "./credits.ts";

function funded(usdMicros: number): CreditAccount {
  const step = move(EMPTY_ACCOUNT, { atMs: 0, kind: "top_up", usdMicros, reference: "t", note: "" });
  if (!step.ok) throw new Error(step.error);
  return step.value.account;
}

function holding(account: CreditAccount, id: string, usdMicros: number, expiresAtMs = 1_000): CreditAccount {
  const held = hold(account, { id, usdMicros, expiresAtMs, delivered: false });
  if (!held.ok) throw new Error(held.error);
  return held.value;
}

describe("a prepaid account", () => {
  it("grants holds only out of what is available", () => {
    const account = holding(funded(100), "a", 60);
    expect(availableUsdMicros(account)).toBe(40);
    expect(hold(account, { id: "b", usdMicros: 41, expiresAtMs: 1, delivered: false }).ok).toBe(false);
    expect(hold(account, { id: "b", usdMicros: 40, expiresAtMs: 1, delivered: false }).ok).toBe(true);
  });

  it("charges what the call cost, at most what was held, once", () => {
    const account = holding(funded(100), "a", 60);
    const step = settleHold(account, "a", 25, 5);
    expect(step.account.balanceUsdMicros).toBe(75);
    expect(step.movements).toMatchObject([
      { seq: 2, kind: "charge", usdMicros: -25, balanceUsdMicros: 75, reference: "a" },
    ]);
    expect(settleHold(step.account, "a", 25, 6).movements).toEqual([]);
    expect(settleHold(account, "a", 1_000, 5).account.balanceUsdMicros).toBe(40);
    expect(settleHold(account, "a", null, 5).account.balanceUsdMicros).toBe(40);
    expect(settleHold(account, "a", -5, 5).account.balanceUsdMicros).toBe(100);
  });

  it("takes expired holds back, and charges those whose answer went out", () => {
    const account = markDelivered(holding(holding(funded(100), "a", 30), "b", 20), "b");
    expect(expireHolds(account, 999).account).toBe(account);
    const step = expireHolds(account, 1_000);
    expect(step.account.balanceUsdMicros).toBe(80);
    expect(availableUsdMicros(step.account)).toBe(80);
  });

  it("stays within its range", () => {
    const more = { atMs: 0, kind: "top_up", usdMicros: 1, reference: "u", note: "" } as const;
    expect(move(funded(MAX_CREDIT_USD_MICROS), more)).toEqual({ ok: false, error: "out_of_range" });
  });

  it("never spends what is not there, and its movements sum to its balance, whatever happens", () => {
    const amount = fc.integer({ min: 0, max: 200 });
    const id = fc.constantFrom("a", "b", "c", "d");
    const step = fc.tuple(
      fc.constantFrom("top_up", "adjust", "hold", "deliver", "close", "release", "expire"),
      id,
      amount,
      fc.integer({ min: 0, max: 50 }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let account = EMPTY_ACCOUNT;
        let nowMs = 0;
        let debt = 0;
        const statement: Movement[] = [];
        const take = (made: { readonly account: CreditAccount; readonly movements: readonly Movement[] }) => {
          account = made.account;
          statement.push(...made.movements);
        };
        for (const [what, who, much, waitMs] of steps) {
          nowMs += waitMs;
          if (what === "top_up" || what === "adjust") {
            const usdMicros = what === "top_up" ? much : -much;
            const moved = move(account, {
              atMs: nowMs,
              kind: what === "top_up" ? "top_up" : "adjustment",
              usdMicros,
              reference: "",
              note: "",
            });
            if (moved.ok) take(moved.value);
            if (what === "adjust") debt += much;
          } else if (what === "hold") {
            const held = hold(account, { id: who, usdMicros: much, expiresAtMs: nowMs + 60, delivered: false });
            if (held.ok) account = held.value;
          } else if (what === "deliver") account = markDelivered(account, who);
          else if (what === "close") take(settleHold(account, who, much % 2 === 0 ? null : much, nowMs));
          else if (what === "release") account = releaseHold(account, who);
          else take(expireHolds(account, nowMs));
          const sum = statement.reduce((total, each) => total + each.usdMicros, 0);
          expect(account.balanceUsdMicros).toBe(sum);
          expect(statement.at(-1)?.balanceUsdMicros ?? 0).toBe(sum);
          expect(statement.map((each) => each.seq)).toEqual(statement.map((_, at) => at + 1));
          expect(availableUsdMicros(account)).toBeGreaterThanOrEqual(-debt);
          expect(heldUsdMicros(account)).toBeGreaterThanOrEqual(0);
        }
      }),
      { numRuns: 300 },
    );
  });
});
