import { expect, test } from "vitest";
import type { LimitStatus } from "./admission.ts";
import { rateLimitHeaders } from "./ratelimit-headers.ts";

const status = (changes: Partial<LimitStatus>): LimitStatus => ({
  name: "grant-60s",
  kind: "rate",
  unit: "requests",
  limit: 60,
  remaining: 59,
  windowSeconds: 60,
  resetSeconds: 60,
  ...changes,
});

test("no limits, no headers", () => {
  expect(rateLimitHeaders([])).toEqual({});
});

test("one member per limit, the tightest first, money with its unit", () => {
  const month = status({
    name: "credential-usd_micros-month",
    kind: "budget",
    unit: "usd_micros",
    limit: 1_000,
    remaining: 10,
    windowSeconds: 2_592_000,
    resetSeconds: 761_655,
  });
  expect(rateLimitHeaders([status({}), month])).toEqual({
    ratelimit: '"credential-usd_micros-month";r=10;t=761655, "grant-60s";r=59;t=60',
    "ratelimit-policy": '"credential-usd_micros-month";q=1000;qu="usd-micros";w=2592000, "grant-60s";q=60;w=60',
  });
});

test("names and numbers stay structured fields whatever stands in them", () => {
  const headers = rateLimitHeaders([status({ name: 'a"b\\cé\n', limit: 1e18, remaining: -3, resetSeconds: 1.7 })]);
  expect(headers["ratelimit"]).toBe('"a\\"b\\\\c__";r=0;t=1');
  expect(headers["ratelimit-policy"]).toBe('"a\\"b\\\\c__";q=999999999999999;w=60');
});

test("a caller with many limits gets a header of bounded length", () => {
  const many = Array.from({ length: 40 }, (_, at) => status({ name: `limit-${at}`, remaining: at }));
  expect(rateLimitHeaders(many)["ratelimit"]?.split(", ")).toHaveLength(8);
});
