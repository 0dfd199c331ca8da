import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DEFAULT_RELIABILITY, type Reliability } from "./reliability.ts";
import { durationMs, MAX_WAIT_MS, needsBodyStart, readVendorSigns, statedWaitMs } from "./vendor-signs.ts";

const NOW = Date.UTC(2026, 4, 1, 12, 0, 0);
const read = (
  status: number,
  headers: Record<string, string>,
  rule: Partial<Reliability> = {},
  body: string | null = null,
) => readVendorSigns({ ...DEFAULT_RELIABILITY, ...rule }, status, new Headers(headers), body, NOW);

describe("statedWaitMs", () => {
  it.each([
    ["7", 7_000],
    ["2.0", 2_000],
    ["0.25", 250],
    ["0", 0],
    [new Date(NOW + 30_000).toUTCString(), 30_000],
    [new Date(NOW - 30_000).toUTCString(), 0],
    [String(NOW / 1000 + 12), 12_000],
    ["soon", null],
    ["-5", null],
    ["", null],
  ])("reads Retry-After %j as %j ms", (text, expected) => {
    expect(statedWaitMs(new Headers({ "retry-after": text }), NOW)).toBe(expected);
  });

  it("prefers milliseconds", () => {
    expect(statedWaitMs(new Headers({ "retry-after-ms": "150", "retry-after": "1" }), NOW)).toBe(150);
    expect(statedWaitMs(new Headers({ "retry-after-ms": "x", "retry-after": "1" }), NOW)).toBe(1_000);
  });
});

describe("durationMs", () => {
  it.each([
    ["1s", 1_000],
    ["6m0s", 360_000],
    ["20ms", 20],
    ["1h2m3.5s", 3_723_500],
    ["1d", 86_400_000],
  ])("reads %s", (text, ms) => {
    expect(durationMs(text)).toBe(ms);
  });

  it.each(["", "5", "s", "1 s", "-1s", "1s ", "1y", "9".repeat(50) + "s"])("refuses %j", (text) => {
    expect(durationMs(text)).toBeNull();
  });
});

describe("readVendorSigns", () => {
  it("takes 429 for a limit and obeys its Retry-After", () => {
    expect(read(429, { "retry-after": "3" })).toMatchObject({ kind: "limited", waitMs: 3_000 });
    expect(read(429, {})).toMatchObject({ kind: "limited", waitMs: null });
  });

  it("takes 401 for a refused key, 403 only by the vendor's signs", () => {
    expect(read(401, {}).kind).toBe("refused");
    expect(read(403, {}).kind).toBe("ok");
    const refusedSigns = [{ statuses: [403], header: null, bodyIncludes: "key_revoked" }];
    expect(read(403, {}, { refusedSigns }, '{"code":"key_revoked"}').kind).toBe("refused");
    expect(read(403, {}, { refusedSigns }, "{}").kind).toBe("ok");
  });

  it("finds limits that are reported as 200, 400 and 403", () => {
    const limitSigns = [
      { statuses: [200], header: null, bodyIncludes: "THROTTLED" },
      { statuses: [400], header: null, bodyIncludes: "RATELIMITED" },
      { statuses: [403], header: "x-left: 0", bodyIncludes: null },
      { statuses: [403], header: "retry-after", bodyIncludes: null },
    ];
    expect(read(200, {}, { limitSigns }, '{"errors":[{"code":"THROTTLED"}]}').kind).toBe("limited");
    expect(read(200, {}, { limitSigns }, "{}").kind).toBe("ok");
    expect(read(400, {}, { limitSigns }, "RATELIMITED").kind).toBe("limited");
    expect(read(403, { "x-left": "0" }, { limitSigns }).kind).toBe("limited");
    expect(read(403, { "x-left": "10" }, { limitSigns }).kind).toBe("ok");
    expect(read(403, { "retry-after": "60" }, { limitSigns })).toMatchObject({ kind: "limited", waitMs: 60_000 });
    const rule = { ...DEFAULT_RELIABILITY, limitSigns };
    expect(needsBodyStart(rule, 200, new Headers())).toBe(true);
    expect(needsBodyStart(rule, 404, new Headers())).toBe(false);
    expect(needsBodyStart(DEFAULT_RELIABILITY, 200, new Headers())).toBe(false);
  });

  it("waits a documented pause when the answer states none", () => {
    const limitSigns = [{ statuses: [429], header: null, bodyIncludes: null, waitSeconds: 30 }];
    expect(read(429, {}, { limitSigns }).waitMs).toBe(30_000);
    expect(read(429, { "retry-after": "2" }, { limitSigns }).waitMs).toBe(2_000);
  });

  it("takes what is out of HTTP's range, and 5xx that speak of the vendor's state, for failing", () => {
    for (const status of [500, 502, 503, 599, 999, 103]) expect(read(status, {}).kind).toBe("failing");
    for (const status of [200, 204, 301, 404, 409, 451, 501, 505, 508, 511]) expect(read(status, {}).kind).toBe("ok");
    expect(read(503, { "retry-after": "9" }).waitMs).toBe(9_000);
    expect(read(500, { "retry-after": "9" }).waitMs).toBeNull();
    expect(read(301, { "retry-after": "9" }).waitMs).toBeNull();
  });

  it("reads what is left of a quota in every unit, and waits when nothing is", () => {
    const quota = (unit: Reliability["quotaHeaders"][number]["unit"]) => ({
      quotaHeaders: [{ remaining: "x-left", reset: "x-reset", unit }],
    });
    const cases = [
      ["seconds", "20"],
      ["epoch_seconds", String(NOW / 1000 + 20)],
      ["epoch_ms", String(NOW + 20_000)],
      ["duration", "20s"],
      ["seconds", new Date(NOW + 20_000).toISOString()],
    ] as const;
    for (const [unit, reset] of cases) {
      expect(read(200, { "x-left": "0", "x-reset": reset }, quota(unit))).toMatchObject({
        kind: "ok",
        waitMs: 20_000,
        quota: { remaining: 0, resetMs: NOW + 20_000 },
      });
      expect(read(200, { "x-left": "3", "x-reset": reset }, quota(unit))).toMatchObject({ waitMs: null });
    }
    expect(read(200, { "x-left": "few", "x-reset": "20" }, quota("seconds")).quota).toBeNull();
    expect(read(200, { "x-left": "3", "x-reset": "later" }, quota("seconds")).quota).toBeNull();
  });

  it("keeps the scarcest of several quotas", () => {
    const quotaHeaders = ["a", "b", "c"].map((name) => ({
      remaining: name,
      reset: `${name}-reset`,
      unit: "seconds" as const,
    }));
    const headers = { a: "5", "a-reset": "9", b: "0", "b-reset": "2", c: "0", "c-reset": "4" };
    expect(read(200, headers, { quotaHeaders }).quota).toEqual({ remaining: 0, resetMs: NOW + 4_000 });
  });

  it("passes on the vendor's own word on repeating", () => {
    expect(read(500, { "x-should-retry": "false" }).shouldRetry).toBe(false);
    expect(read(409, { "vendor-should-retry": "true" }).shouldRetry).toBe(true);
    expect(read(409, {}).shouldRetry).toBeNull();
  });

  it("survives any header text and never waits longer than its bound", () => {
    const text = fc.string({ unit: "grapheme-ascii", maxLength: 40 }).map((value) => value.replace(/[\r\n\0]/g, ""));
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 999 }), text, text, text, (status, retry, left, reset) => {
        const signs = read(
          status,
          { "retry-after": retry, "x-left": left, "x-reset": reset },
          { quotaHeaders: [{ remaining: "x-left", reset: "x-reset", unit: "duration" }] },
        );
        if (signs.waitMs !== null) {
          expect(signs.waitMs).toBeGreaterThanOrEqual(0);
          expect(signs.waitMs).toBeLessThanOrEqual(MAX_WAIT_MS);
        }
      }),
    );
  });
});
