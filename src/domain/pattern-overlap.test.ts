import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { compilePattern, matchPattern } from "./pattern.ts";
import { patternsOverlap } from "./pattern-overlap.ts";

function overlap(left: string, right: string): boolean {
  const [first, second] = [compilePattern(left), compilePattern(right)];
  if (first === null || second === null) throw new Error(`Not a pattern: ${left} ${right}`);
  return patternsOverlap(first, second);
}

describe("patternsOverlap", () => {
  it.each([
    ["/v1/*", "/v1/payouts"],
    ["/v1/*", "/v1"],
    ["/**", "/a/b/c"],
    ["/:x/b", "/a/:y"],
    ["/**/keys", "/v1/**"],
    ["/a*", "/*b"],
    ["/api/conversations.*", "/api/*.list"],
    ["/a/**/z", "/a/*/y/**"],
    ["/a*c*e", "/abcde"],
  ])("finds what %s and %s share", (left, right) => {
    expect(overlap(left, right)).toBe(true);
    expect(overlap(right, left)).toBe(true);
  });

  it.each([
    ["/v1/charges", "/v1/payouts"],
    ["/v1/:id", "/v1"],
    ["/v1/:id", "/v1/a/b"],
    ["/a*", "/b*"],
    ["/api/conversations.*", "/api/users.*"],
    ["/a/", "/a/:id"],
    ["/x*y", "/xz"],
    ["/**/keys", "/v1/:id/tokens"],
  ])("sees that %s and %s share nothing", (left, right) => {
    expect(overlap(left, right)).toBe(false);
    expect(overlap(right, left)).toBe(false);
  });

  it("never misses a path that both match", () => {
    const part = fc.constantFrom("a", "b", "ab", "*", ":x", "**", "a*", "*b", "a*b", "*a*");
    const pattern = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => `/${parts.join("/")}`);
    const path = fc
      .array(fc.constantFrom("a", "b", "ab", "aab", "ba"), { minLength: 1, maxLength: 5 })
      .map((parts) => `/${parts.join("/")}`);
    fc.assert(
      fc.property(pattern, pattern, path, (left, right, both) => {
        const [first, second] = [compilePattern(left), compilePattern(right)];
        fc.pre(first !== null && second !== null);
        if (matchPattern(first, both) && matchPattern(second, both)) expect(patternsOverlap(first, second)).toBe(true);
      }),
      { numRuns: 600 },
    );
  });

  it("finds no overlap where trying all short paths finds none", () => {
    const part = fc.constantFrom("a", "b", ":x", "a*", "*b", "**");
    const pattern = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => `/${parts.join("/")}`);
    const texts = ["a", "b", "ab", "c"];
    const paths = texts.flatMap((x) => [
      `/${x}`,
      ...texts.flatMap((y) => [
        `/${x}/${y}`,
        ...texts.flatMap((z) => [`/${x}/${y}/${z}`, `/${x}/${y}/${z}/a`, `/${x}/${y}/${z}/b`, `/${x}/${y}/${z}/ab`]),
      ]),
    ]);
    fc.assert(
      fc.property(pattern, pattern, (left, right) => {
        const [first, second] = [compilePattern(left), compilePattern(right)];
        fc.pre(first !== null && second !== null && !(left.includes("**") && right.includes("**")));
        const shared = paths.some((path) => matchPattern(first, path) && matchPattern(second, path));
        expect(patternsOverlap(first, second)).toBe(shared);
      }),
      { numRuns: 400 },
    );
  });
});
