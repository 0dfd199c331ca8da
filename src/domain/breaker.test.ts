import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { afterOutcomes, claimProbe, CLOSED, heldUntilMs, PROBE_TIMEOUT_MS, type Breaker } from "./breaker.ts";

const RULE = { failures: 3, windowSeconds: 10, openSeconds: 5 };
const fail = (breaker: Breaker, nowMs: number, probe = false) =>
  afterOutcomes(breaker, RULE, { failures: 1, successes: 0, probe }, nowMs);
const succeed = (breaker: Breaker, nowMs: number, count = 1, probe = false) =>
  afterOutcomes(breaker, RULE, { failures: 0, successes: count, probe }, nowMs);

describe("a breaker", () => {
  it("opens at the configured failures within the window", () => {
    let breaker = fail(fail(CLOSED, 0), 1_000);
    expect(heldUntilMs(breaker)).toBeNull();
    breaker = fail(breaker, 2_000);
    expect(breaker).toEqual({ phase: "open", untilMs: 7_000 });
  });

  it("forgets failures that are older than the window", () => {
    const breaker = fail(fail(fail(CLOSED, 0), 1_000), 10_500);
    expect(breaker.phase).toBe("closed");
    expect(fail(breaker, 10_600).phase).toBe("open");
  });

  it("stays closed while most calls are good, and counts no good call from before the trouble", () => {
    let breaker = fail(CLOSED, 0);
    breaker = succeed(breaker, 1, 10);
    for (let nowMs = 2; nowMs < 6; nowMs += 1) breaker = fail(breaker, nowMs);
    expect(breaker.phase).toBe("closed");
    breaker = succeed(CLOSED, 0, 1_000);
    for (let nowMs = 1; nowMs < 4; nowMs += 1) breaker = fail(breaker, nowMs);
    expect(breaker.phase).toBe("open");
  });

  it("lets one probe out, which closes it or opens it again", () => {
    const open: Breaker = { phase: "open", untilMs: 5_000 };
    expect(claimProbe(open, 4_999)).toBeNull();
    const half = claimProbe(open, 5_000);
    if (half === null) throw new Error("No probe was given");
    expect(claimProbe(half, 5_001)).toBeNull();
    expect(claimProbe(half, 5_000 + PROBE_TIMEOUT_MS)).not.toBeNull();
    expect(succeed(half, 6_000, 1, true)).toEqual(CLOSED);
    expect(fail(half, 6_000, true)).toEqual({ phase: "open", untilMs: 11_000 });
    // Calls that were under way when it opened decide nothing.
    expect(succeed(half, 6_000)).toBe(half);
    expect(fail(open, 3_000)).toBe(open);
    expect(claimProbe(CLOSED, 0)).toBeNull();
  });

  it("never has two probes out, and opens only on as many failures as the rule says", () => {
    const event = fc.record({
      do: fc.constantFrom("fail", "succeed", "claim", "probe_ok", "probe_fail"),
      ms: fc.nat(4_000),
    });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 80 }), (events) => {
        let breaker: Breaker = CLOSED;
        let nowMs = 0;
        let probeUntilMs = 0;
        let failures: number[] = [];
        for (const each of events) {
          nowMs += each.ms;
          const before = breaker.phase;
          if (each.do === "claim") {
            const claimed = claimProbe(breaker, nowMs);
            if (claimed !== null) {
              expect(nowMs).toBeGreaterThanOrEqual(probeUntilMs);
              probeUntilMs = nowMs + PROBE_TIMEOUT_MS;
              breaker = claimed;
            }
            continue;
          }
          const probe = each.do.startsWith("probe");
          const failed = each.do === "fail" || each.do === "probe_fail";
          if (failed) failures.push(nowMs);
          breaker = failed ? fail(breaker, nowMs, probe) : succeed(breaker, nowMs, 1, probe);
          if (probe) probeUntilMs = 0;
          const after: string = breaker.phase;
          if (before === "closed" && after === "open") {
            const inWindow = failures.filter((atMs) => atMs > nowMs - RULE.windowSeconds * 1000);
            expect(inWindow.length).toBeGreaterThanOrEqual(RULE.failures);
          }
          if (after === "closed" && before !== "closed") failures = [];
        }
      }),
    );
  });
});
