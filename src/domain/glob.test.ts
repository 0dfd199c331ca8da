import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { globIncludes, matchesGlob } from "./glob.ts";

describe("matchesGlob", () => {
  it.each([
    ["agent-*", "agent-run-1", true],
    ["agent-*", "agent-", true],
    ["agent-*", "Agent-x", false],
    ["*-ci", "a-ci-b-ci", true],
    ["*", "", true],
    ["a*b*c", "abc", true],
    ["a*b*c", "acb", false],
    ["a.c", "abc", false],
    ["", "a", false],
  ])("%s against %s: %s", (pattern, text, expected) => expect(matchesGlob(pattern, text)).toBe(expected));

  it("takes no time to speak of for a pattern that would make a regular expression backtrack", () => {
    const started = performance.now();
    expect(matchesGlob(`${"a*".repeat(50)}b`, "a".repeat(10_000))).toBe(false);
    expect(performance.now() - started).toBeLessThan(1000);
  });

  it("agrees with a regular expression", () => {
    const pattern = fc.array(fc.constantFrom("a", "b", "*"), { maxLength: 6 }).map((parts) => parts.join(""));
    const text = fc.array(fc.constantFrom("a", "b"), { maxLength: 8 }).map((parts) => parts.join(""));
    fc.assert(
      fc.property(pattern, text, (glob, candidate) => {
        expect(matchesGlob(glob, candidate)).toBe(new RegExp(`^${glob.replaceAll("*", ".*")}$`).test(candidate));
      }),
    );
  });
});

describe("globIncludes", () => {
  it("never says yes when a text matches only the inner one", () => {
    const pattern = fc.array(fc.constantFrom("a", "b", "*"), { maxLength: 5 }).map((parts) => parts.join(""));
    const text = fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 6 }).map((parts) => parts.join(""));
    fc.assert(
      fc.property(pattern, pattern, text, (outer, inner, candidate) => {
        if (globIncludes(outer, inner) && matchesGlob(inner, candidate))
          expect(matchesGlob(outer, candidate)).toBe(true);
      }),
      { numRuns: 600 },
    );
  });
});
