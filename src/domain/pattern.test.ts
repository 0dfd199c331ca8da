import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { canonicalPath } from "./path.ts";
import {
  MAX_PATTERN_BYTES,
  MAX_PATTERN_SEGMENTS,
  MAX_WILDCARDS,
  compilePattern,
  matchPattern,
  parsePattern,
} from "./pattern.ts";

// Property tests must not fail because the machine is busy.
vi.setConfig({ testTimeout: 60_000 });

function matches(pattern: string, path: string): boolean {
  const parsed = parsePattern(pattern);
  if (!parsed.ok) throw new Error(parsed.error);
  return matchPattern(parsed.value, path);
}

describe("matchPattern", () => {
  it.each([
    // literal
    ["/a/b", "/a/b", true],
    ["/a/b", "/a/B", false],
    ["/a/b", "/a/b/", false],
    ["/a/b", "/a/b/c", false],
    ["/a/b", "/a", false],
    ["/a/b", "/a/bc", false],
    ["/a/b/", "/a/b/", true],
    ["/a/b/", "/a/b", false],
    ["/", "/", true],
    ["/", "/a", false],
    // one segment
    ["/a/*/c", "/a/b/c", true],
    ["/a/*/c", "/a/b/b/c", false],
    ["/a/*/c", "/a/c", false],
    ["/a/:id", "/a/b", true],
    ["/a/:id", "/a", false],
    ["/a/:id", "/a/", false],
    ["/a/:id", "/a/b/c", false],
    ["/a/:id/", "/a/b/", true],
    ["/a/*/", "/a/b/", true],
    ["/a/*/", "/a/b", false],
    ["/a/:id/c", "/a/b/c", true],
    // a last /* is the collection and everything below it
    ["/a/*", "/a", true],
    ["/a/*", "/a/", true],
    ["/a/*", "/a/b", true],
    ["/a/*", "/a/b/c/", true],
    ["/a/*", "/ab", false],
    ["/a/*", "/A/b", false],
    ["/*", "/", true],
    ["/*", "/a/b", true],
    // ** anywhere
    ["/a/**", "/a", true],
    ["/a/**", "/a/b/c", true],
    ["/a/**/c", "/a/c", true],
    ["/a/**/c", "/a/b/b/c", true],
    ["/a/**/c", "/a/b", false],
    ["/a/**/c", "/a/c/c/d", false],
    ["/a/**/c", "/a/c/", false],
    ["/**/c", "/c", true],
    ["/**/c", "/a/b/c", true],
    ["/**/b/**/c", "/b/x/b/c/c", true],
    ["/**/b/**/c", "/c/b", false],
    ["/**/*", "/a/b", true],
    ["/**/:x", "/", false],
    ["/**", "/", true],
    // beside text
    ["/api/conversations.*", "/api/conversations.list", true],
    ["/api/conversations.*", "/api/conversations.", true],
    ["/api/conversations.*", "/api/conversations", false],
    ["/api/conversations.*", "/api/conversations.list/x", false],
    ["/api/conversations.*", "/api/xconversations.list", false],
    ["/a/*.json", "/a/x.json", true],
    ["/a/*.json", "/a/x.jsonp", false],
    ["/a/*.json", "/a/b/x.json", false],
    ["/a/x*y*z", "/a/xz", false],
    ["/a/x*y*z", "/a/xyz", true],
    ["/a/x*y*z", "/a/xayyz", true],
    ["/a/ab*ba", "/a/aba", false],
    ["/a/ab*ba", "/a/abba", true],
    ["/a/*b*b*/c", "/a/xbb/c", true],
    ["/a/*b*b*/c", "/a/xb/c", false],
    // escapes
    ["/a/é b".replace(" ", "%20"), "/a/%C3%A9%20b", true],
    ["/a/%c3%a9", "/a/%C3%A9", true],
    ["/a/%7Eb", "/a/~b", true],
    ["/a/b:c", "/a/b:c", true],
    ["/a/b%3Ac", "/a/b:c", false],
    ["/a/*A0", "/a/%C3%A0", false],
    ["/a/*0", "/a/%20", false],
    ["/a/*20*x", "/a/%20x", false],
    ["/a/*20*x", "/a/%2020x", true],
    ["/a/*0", "/a/%200", true],
    ["/a/x%2Fy", "/a/x%2Fy", true],
    ["/a/*/c", "/a/x%2Fy/c", true],
    ["/a/x/y", "/a/x%2Fy", false],
  ])("%s on %s: %j", (pattern, path, expected) => {
    expect(matches(pattern, path)).toBe(expected);
  });

  it("matches no text that is no path", () => {
    expect(matches("/**", "")).toBe(false);
    expect(matches("/**", "a/b")).toBe(false);
  });

  it("answers fast on hostile patterns and paths", () => {
    const start = performance.now();
    const many = `/${"*a".repeat(MAX_WILDCARDS)}b`;
    expect(matches(many, `/${"a".repeat(8_000)}`)).toBe(false);
    const deep = `/${Array.from({ length: MAX_WILDCARDS }, () => "**/a").join("/")}/b`;
    expect(matches(deep, "/a".repeat(120))).toBe(false);
    expect(performance.now() - start).toBeLessThan(4_000);
  });
});

describe("parsePattern refuses what could never match or be misread", () => {
  it.each([
    "",
    "a/b",
    "*",
    "//a",
    "/a//b",
    "/a//",
    "/a/../b",
    "/a/.",
    "/a/%2e%2e/b",
    "/a/x%2F../b",
    "/a;b",
    "/a%3bb",
    "/a\\b",
    "/a?b=1",
    "/a#b",
    "/a b",
    "/a\tb",
    "/a%00",
    "/a%zz",
    "/a%2*",
    "/a%C3*",
    "/a%252f",
    "/a/{id}",
    "/a/:id.json",
    "/a/:",
    "/a/:1",
    "/a**",
    "/a/**b/c",
    "/a/***",
    `/${"a".repeat(MAX_PATTERN_BYTES)}`,
    "/a".repeat(MAX_PATTERN_SEGMENTS + 1),
    `/${"a*".repeat(MAX_WILDCARDS + 1)}`,
  ])("%j", (text) => {
    const parsed = parsePattern(text);
    expect(parsed).toEqual({ ok: false, error: expect.stringMatching(/^[A-Z*].{10,}/) });
    expect(compilePattern(text)).toBeNull();
    expect(compilePattern(text)).toBeNull();
  });

  it("remembers what it compiled", () => {
    expect(compilePattern("/a/*")).toBe(compilePattern("/a/*"));
  });
});

/** The table of the language, read naively: exponential, and written without looking at the matcher. */
function reference(pattern: string, path: string): boolean {
  const wanted = pattern.slice(1).split("/");
  const given = path.slice(1).split("/");
  const part = (text: string, segment: string): boolean => {
    if (text === "") return segment === "";
    const head = text[0];
    if (head === "*")
      return [...Array(segment.length + 1).keys()].some((cut) => part(text.slice(1), segment.slice(cut)));
    return head === segment[0] && part(text.slice(1), segment.slice(1));
  };
  const walk = (at: number, on: number): boolean => {
    if (at === wanted.length) return on === given.length;
    const text = wanted[at] ?? "";
    if (text === "**" || (text === "*" && at === wanted.length - 1)) {
      return walk(at + 1, on) || (on < given.length && walk(at, on + 1));
    }
    const segment = given[on];
    if (segment === undefined) return false;
    const fits =
      text === "*" || text.startsWith(":") ? segment !== "" : segment !== "" ? part(text, segment) : text === "";
    return fits && walk(at + 1, on + 1);
  };
  return walk(0, 0);
}

const segmentText = fc.oneof(
  fc.constantFrom("*", "**", ":x"),
  fc
    .string({ unit: fc.constantFrom("a", "b", "*"), minLength: 1, maxLength: 5 })
    .map((text) => text.replace(/\*+/g, "*")),
);
const patternText = fc
  .tuple(fc.array(segmentText, { maxLength: 5 }), fc.boolean())
  .map(([segments, slash]) => `/${segments.join("/")}${slash && segments.length > 0 ? "/" : ""}`);
const pathText = fc
  .tuple(
    fc.array(fc.string({ unit: fc.constantFrom("a", "b"), minLength: 1, maxLength: 4 }), { maxLength: 5 }),
    fc.boolean(),
  )
  .map(([segments, slash]) => `/${segments.join("/")}${slash && segments.length > 0 ? "/" : ""}`);

describe("matchPattern against the language read naively", () => {
  it("agrees on random patterns and paths", () => {
    fc.assert(
      fc.property(patternText, pathText, (pattern, path) => {
        expect(matches(pattern, path)).toBe(reference(pattern, path));
      }),
      { numRuns: 5_000 },
    );
  });

  it("agrees when the path was made to fit", () => {
    const fitting = patternText.chain((pattern) =>
      fc.array(fc.constantFrom("a", "b", "ab", "", "a/b"), { minLength: 12, maxLength: 12 }).map((fills) => {
        let next = 0;
        const fill = () => fills[next++] ?? "a";
        const path = pattern.replaceAll("**", () => fill() || "a").replace(/\*|:x/g, () => fill().replace("/", ""));
        return { pattern, path: path.replace(/\/{2,}/g, "/") };
      }),
    );
    let matched = 0;
    fc.assert(
      fc.property(fitting, ({ pattern, path }) => {
        const answer = matches(pattern, path);
        if (answer) matched += 1;
        expect(answer).toBe(reference(pattern, path));
      }),
      { numRuns: 5_000 },
    );
    expect(matched).toBeGreaterThan(1_000);
  });

  it("a literal pattern matches its own canonical path and nothing else", () => {
    const raw = fc
      .string({ unit: fc.constantFrom(..."ab~é@:.-%20 ".split("")), maxLength: 8 })
      .map((text) => `/p/x${encodeURIComponent(text)}`);
    fc.assert(
      fc.property(raw, raw, (one, other) => {
        const path = canonicalPath(one, { allowEncodedSlash: false });
        const second = canonicalPath(other, { allowEncodedSlash: false });
        fc.pre(path.ok && second.ok && !one.includes("*"));
        if (!path.ok || !second.ok) return;
        expect(matches(one, path.value)).toBe(true);
        expect(matches(one, second.value)).toBe(path.value === second.value);
      }),
    );
  });
});
