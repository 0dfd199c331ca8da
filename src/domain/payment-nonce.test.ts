import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  afterSettle,
  beginSettle,
  claim,
  deliver,
  giveBack,
  interrupted,
  lateOutcome,
  LEASE_MS,
  release,
  renewLease,
  resumeSettle,
  type NonceRecord,
} from "./payment-nonce.ts";

const wish = (requestId: string, more: object = {}) => ({
  nonce: "0x1",
  digest: "d",
  paymentId: null,
  listed: { organisationId: "org_default", reference: "n/a/p/0x1" },
  requestId,
  validBeforeMs: 1_000_000,
  fresh: true,
  ...more,
});

function reserved(requestId: string, nowMs = 0): NonceRecord {
  const verdict = claim(null, null, wish(requestId), nowMs);
  if (verdict.kind !== "reserved") throw new Error(verdict.kind);
  return verdict.record;
}

function settling(requestId: string): NonceRecord {
  const begun = beginSettle(reserved(requestId), requestId, 1);
  if (begun === null) throw new Error("not begun");
  return begun;
}

describe("a payment's record", () => {
  it("is held by one request, until its lease ends", () => {
    const record = reserved("a");
    expect(claim(record, record, wish("b"), LEASE_MS - 1).kind).toBe("busy");
    expect(claim(record, record, wish("b"), LEASE_MS).kind).toBe("reserved");
    expect(renewLease(record, "b", 1)).toBe(null);
    const renewed = renewLease(record, "a", LEASE_MS - 1);
    expect(claim(renewed, renewed, wish("b"), LEASE_MS).kind).toBe("busy");
  });

  it("is not settled by a request that lost it", () => {
    const record = reserved("a");
    expect(beginSettle(record, "a", LEASE_MS)).toBe(null);
    expect(beginSettle(record, "b", 1)).toBe(null);
  });

  it("is spent once delivered for, and then only replays", () => {
    const record = afterSettle(settling("a"), { kind: "settled", transaction: "0xt" }, true, 2);
    expect(record?.state).toBe("spent");
    expect(claim(record, null, wish("b"), 9_999_999).kind).toBe("replayed");
    expect(release(record, "a").kind).toBe("keep");
  });

  it("keeps money that came without a delivery for one delivery, also when it is old", () => {
    const paid = afterSettle(settling("a"), { kind: "settled", transaction: "0xt" }, false, 2);
    expect(paid?.state).toBe("paid");
    expect(claim(paid, null, wish("b"), 3).kind).toBe("busy");
    const freed = release(paid, "a");
    const left = freed.kind === "keep" ? freed.record : null;
    const again = claim(left, null, wish("b", { fresh: false }), 3);
    expect(again.kind).toBe("paid");
    const record = again.kind === "paid" ? again.record : null;
    expect(deliver(record, "a", 4)).toBe(null);
    expect(deliver(record, "b", 4)?.state).toBe("spent");
  });

  it("is unknown after a crash or an unclear answer, and free only when the facilitator says so", () => {
    const unknown = interrupted(settling("a"), 5);
    expect(claim(unknown, null, wish("b"), 9_999_999).kind).toBe("unresolved");
    expect(afterSettle(settling("a"), { kind: "unclear" }, true, 2)?.state).toBe("unknown");
    const asked = resumeSettle(unknown, 6);
    expect(afterSettle(asked, { kind: "failed", reason: "expired" }, false, 7)).toBe(null);
    expect(afterSettle(asked, { kind: "expired", reason: "late" }, false, 7)?.state).toBe("unknown");
    expect(afterSettle(settling("a"), { kind: "expired", reason: "late" }, true, 2)).toBe(null);
    // Used by our own first attempt, whose answer was lost.
    expect(afterSettle(asked, { kind: "used" }, false, 7)?.state).toBe("paid");
    // Used before we ever tried: somebody else got that money.
    expect(afterSettle(settling("a"), { kind: "used" }, true, 2)).toBe(null);
  });

  it("is told to its owner when no call will tell", () => {
    const asked = resumeSettle(interrupted(settling("a"), 5), 6);
    const paid = afterSettle(asked, { kind: "settled", transaction: "0xt" }, false, 7);
    expect(paid?.listed).toEqual(wish("a").listed);
    expect(lateOutcome(asked, paid)).toBe("kept");
    expect(lateOutcome(asked, afterSettle(asked, { kind: "failed", reason: "expired" }, false, 7))).toBe("failed");
    expect(lateOutcome(asked, afterSettle(asked, { kind: "unclear" }, false, 7))).toBe(null);
    // The call that settles has a record of its own.
    const settled = afterSettle(settling("a"), { kind: "settled", transaction: "0xt" }, true, 2);
    expect(lateOutcome(settling("a"), settled)).toBe(null);
    expect(lateOutcome(settling("a"), null)).toBe(null);
  });

  it("is given back by the request that spent it, and by no other", () => {
    const record = afterSettle(settling("a"), { kind: "settled", transaction: "0xt" }, true, 2);
    expect(giveBack(record, "b", 3)).toBe(null);
    expect(giveBack(settling("a"), "a", 3)).toBe(null);
    const back = giveBack(record, "a", 3);
    expect(claim(back, null, wish("b"), 4).kind).toBe("paid");
    expect(giveBack(back, "a", 5)).toBe(null);
  });

  it("serves no other call and no other authorization", () => {
    const record = reserved("a");
    expect(claim(record, null, wish("b", { digest: "other" }), 1).kind).toBe("replayed");
    const paid = { ...record, state: "paid" as const, holder: null };
    expect(claim(paid, null, wish("b", { digest: "other" }), 1).kind).toBe("replayed");
    expect(claim(null, record, wish("b", { nonce: "0x2" }), 1).kind).toBe("replayed");
  });

  it("is not begun when too old", () => {
    expect(claim(null, null, wish("a", { fresh: false }), 1).kind).toBe("stale");
  });

  it("delivers at most once and never becomes free after the money came, whatever happens", () => {
    const step = fc.tuple(
      fc.constantFrom(
        "claim",
        "renew",
        "settle",
        "settled",
        "unclear",
        "used",
        "failed",
        "crash",
        "deliver",
        "release",
      ),
      fc.constantFrom("a", "b", "c"),
      fc.integer({ min: 0, max: 40_000 }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        let record: NonceRecord | null = null;
        let nowMs = 0;
        let onChain = false;
        let deliveries = 0;
        for (const [what, who, waitMs] of steps) {
          nowMs += waitMs;
          const state: string | undefined = record?.state;
          if (what === "claim") {
            const verdict = claim(record, null, wish(who), nowMs);
            if (verdict.kind === "reserved") expect(onChain).toBe(false);
            if ("record" in verdict) record = verdict.record;
          } else if (what === "renew") record = renewLease(record, who, nowMs) ?? record;
          else if (what === "settle") record = beginSettle(record, who, nowMs) ?? record;
          else if (what === "release") {
            const released = release(record, who);
            if (released.kind === "free") record = null;
            if (released.kind === "keep") record = released.record;
          } else if (what === "deliver") {
            const after = deliver(record, who, nowMs);
            if (after !== null) deliveries += 1;
            record = after ?? record;
          } else if (record !== null && state === "settling") {
            if (what === "crash") {
              onChain ||= waitMs % 2 === 0;
              record = resumeSettle(interrupted(record, nowMs), nowMs);
            } else if (what === "unclear") {
              onChain ||= waitMs % 2 === 0;
              record = afterSettle(record, { kind: "unclear" }, true, nowMs);
            } else if (what === "settled" || onChain) {
              onChain = true;
              record = afterSettle(record, { kind: "settled", transaction: "0xt" }, true, nowMs);
              if (record?.state === "spent") deliveries += 1;
            } else record = afterSettle(record, { kind: "failed", reason: "x" }, true, nowMs);
          } else if (record !== null && state === "unknown") record = resumeSettle(record, nowMs);
          expect(deliveries).toBeLessThanOrEqual(onChain ? 1 : 0);
          if (onChain) expect(record).not.toBe(null);
        }
      }),
      { numRuns: 500 },
    );
  });
});
