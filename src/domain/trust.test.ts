import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Trust } from "./limits.ts";
import type { PastAsk } from "./trust.ts";
import { CONFIRMATION_TTL_MS, confirmFailure, judgeAddress, maskEmail, MAX_ASKS_PER_HOUR, mayAsk } from "./trust.ts";

const trustOf = (changes: Partial<Trust>): Trust => ({
  mode: "first_use",
  addresses: [],
  allowWorkers: [],
  ...changes,
});
const learned = (how: "first_use" | "confirmed" | "admin", ...keys: string[]) => ({
  trusted: new Map(keys.map((key) => [key, { how }])),
  firstUseOver: keys.length > 0,
});
const known = (...keys: string[]) => learned("first_use", ...keys);
const from = (ip: string | null, viaWorker = false) => ({ ip, viaWorker });

describe("judgeAddress", () => {
  test("off trusts everything, even no address", () => {
    expect(judgeAddress(trustOf({ mode: "off" }), known(), from(null)).verdict).toBe("trusted");
  });

  test("the first address is trusted, the second is not", () => {
    expect(judgeAddress(trustOf({}), known(), from("203.0.113.7"))).toEqual({
      verdict: "first_use",
      key: "203.0.113.7",
    });
    expect(judgeAddress(trustOf({}), known("203.0.113.7"), from("203.0.113.7")).verdict).toBe("trusted");
    expect(judgeAddress(trustOf({}), known("203.0.113.7"), from("203.0.113.8")).verdict).toBe("unconfirmed");
  });

  test("IPv6 counts per /64", () => {
    const trusted = known("2001:db8:1:2::/64");
    expect(judgeAddress(trustOf({}), trusted, from("2001:db8:1:2:ffff::1")).verdict).toBe("trusted");
    expect(judgeAddress(trustOf({}), trusted, from("2001:db8:1:3::1"))).toEqual({
      verdict: "unconfirmed",
      key: "2001:db8:1:3::/64",
    });
  });

  test("removing the last trusted address does not invite the next", () => {
    const emptied = { trusted: new Map(), firstUseOver: true };
    expect(judgeAddress(trustOf({}), emptied, from("203.0.113.9")).verdict).toBe("unconfirmed");
  });

  test("fixed knows its blocks alone", () => {
    const fixed = trustOf({ mode: "fixed", addresses: ["203.0.113.0/24", "2001:db8::/32", "not a block"] });
    expect(judgeAddress(fixed, known(), from("203.0.113.200")).verdict).toBe("trusted");
    expect(judgeAddress(fixed, known(), from("2001:db8:9::1")).verdict).toBe("trusted");
    expect(judgeAddress(fixed, known(), from("198.51.100.1")).verdict).toBe("unconfirmed");
  });

  test("another Worker is allowed by a list alone, never learned and never asked about", () => {
    const key = "2a06:98c0:3600::/64";
    for (const worker of [from("2a06:98c0:3600::103", true), from("203.0.113.7", true)]) {
      const refused = [
        judgeAddress(trustOf({}), known(), worker),
        judgeAddress(trustOf({ mode: "fixed" }), known(), worker),
        judgeAddress(trustOf({ addresses: ["198.51.100.0/24"] }), known(), worker),
        judgeAddress(trustOf({}), learned("first_use", key, "203.0.113.7"), worker),
        judgeAddress(trustOf({}), learned("confirmed", key, "203.0.113.7"), worker),
      ];
      expect(refused.map(({ verdict }) => verdict)).toEqual(refused.map(() => "unconfirmable"));
      const blocks = ["2a06:98c0:3600::103", "203.0.113.0/24"];
      for (const mode of ["fixed", "first_use"] as const) {
        for (const list of [{ addresses: blocks }, { allowWorkers: blocks }])
          expect(judgeAddress(trustOf({ mode, ...list }), known(), worker).verdict).toBe("trusted");
        expect(judgeAddress(trustOf({ mode }), learned("admin", key, "203.0.113.7"), worker).verdict).toBe("trusted");
      }
    }
  });

  test("a list of Workers admits nobody else", () => {
    const listed = trustOf({ mode: "fixed", allowWorkers: ["203.0.113.7"] });
    expect(judgeAddress(listed, known(), from("203.0.113.7")).verdict).toBe("unconfirmed");
  });

  test("no address is no proof", () => {
    expect(judgeAddress(trustOf({}), known(), from(null)).verdict).toBe("unconfirmable");
    expect(judgeAddress(trustOf({}), known(), from("not an address")).verdict).toBe("unconfirmable");
  });
});

describe("confirmations", () => {
  test("whatever is tried, no more than five an hour, and one per address", () => {
    const tries = fc.array(fc.tuple(fc.integer({ min: 0, max: 1_800_000 }), fc.integer({ min: 0, max: 9 })), {
      maxLength: 80,
    });
    fc.assert(
      fc.property(tries, (attempts) => {
        const asks: PastAsk[] = [];
        let nowMs = 0;
        for (const [gap, address] of attempts) {
          nowMs += gap;
          if (mayAsk(asks, `a${address}`, nowMs)) asks.push({ atMs: nowMs, address: `a${address}`, outcome: "open" });
        }
        for (const { atMs } of asks) {
          const hour = asks.filter((ask) => ask.atMs >= atMs && ask.atMs < atMs + 3_600_000);
          expect(hour.length).toBeLessThanOrEqual(MAX_ASKS_PER_HOUR);
          expect(new Set(hour.map((ask) => ask.address)).size).toBe(hour.length);
        }
      }),
    );
  });

  test("one use, one day, one address", () => {
    const ask: PastAsk = { atMs: 1_000, address: "203.0.113.8", outcome: "open" };
    expect(confirmFailure(ask, "203.0.113.8", 1_000 + CONFIRMATION_TTL_MS - 1)).toBeNull();
    expect(confirmFailure(ask, "203.0.113.8", 1_000 + CONFIRMATION_TTL_MS)).toBe("expired");
    expect(confirmFailure(ask, "203.0.113.9", 2_000)).toBe("mismatch");
    expect(confirmFailure({ ...ask, outcome: "confirmed" }, "203.0.113.8", 2_000)).toBe("used");
    expect(confirmFailure({ ...ask, outcome: "denied" }, "203.0.113.8", 2_000)).toBe("used");
    expect(confirmFailure(undefined, "203.0.113.8", 2_000)).toBe("unknown");
  });

  test("an email address is masked", () => {
    expect(maskEmail("kate@example.com")).toBe("k***@example.com");
    expect(maskEmail("@x")).toBe("***");
    expect(maskEmail("")).toBe("***");
  });
});
