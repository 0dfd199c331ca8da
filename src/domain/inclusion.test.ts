import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { compareRules, newBudget, patternIncludes, rulesInclude, unionIncludes } from "./inclusion.ts";
import { compileProgram, searchOutside } from "./path-automaton.ts";
import { canonicalPath } from "./path.ts";
import { MAX_WILDCARDS, matchPattern, matchSegments, parsePattern } from "./pattern.ts";
import type { Pattern } from "./pattern.ts";
import type { Rule } from "./scope.ts";
import { judgeScope } from "./scope-judge.ts";
import { EMPTY_SCOPE } from "./scope.ts";

// The machine that runs this may be busy; what must not happen is that a decision never ends.
vi.setConfig({ testTimeout: 60_000 });

function pattern(text: string): Pattern {
  const parsed = parsePattern(text);
  if (!parsed.ok) throw new Error(`${text}: ${parsed.error}`);
  return parsed.value;
}

function includes(outer: string, inner: string): boolean {
  return unionIncludes(outer.split(" ").map(pattern), pattern(inner));
}

describe("unionIncludes", () => {
  it.each([
    ["/a/*", "/a/*"],
    ["/a/*", "/a"],
    ["/a/*", "/a/"],
    ["/a/*", "/a/b/c"],
    ["/a/*", "/a/:x"],
    ["/a/*", "/a/**/b/"],
    ["/a/**", "/a/*"],
    ["/a/*", "/a/**"],
    ["/*", "/**"],
    ["/**", "/"],
    ["/a/*/c", "/a/b/c"],
    ["/a/*/c", "/a/b*/c"],
    ["/a/**/c", "/a/*/c"],
    ["/a/**/c", "/a/c"],
    ["/a/**/c", "/a/**/b/c"],
    ["/x.*", "/x.list"],
    ["/x.*", "/x.a*b"],
    ["/*.json", "/a*.json"],
    ["/*a*", "/*a*a*"],
    ["/:x /", "/:y"],
    // Only together.
    ["/a /a/ /a/:x /a/:x/*", "/a/*"],
    ["/ /:x /:x/*", "/**"],
    ["/a/b/* /a/:x/c /a/:x/:y/ /a/:x /a/:x/ /a/:x/:y/:z/* /a/:x/:y", "/a/*/*"],
    ["/a* /*b", "/a*b"],
    ["/a/%41", "/a/A"],
    // Dot segments are no paths, so nothing has to hold them.
    ["/...*x", "/...*x"],
    // Spellings of one path.
    ["/a/%c3%a9", "/a/é"],
    ["/a/%7e*", "/a/~b*"],
  ])("%s holds %s", (outer, inner) => {
    expect(includes(outer, inner)).toBe(true);
  });

  it.each([
    ["/a/b", "/a/*", "/a"],
    ["/a/:x", "/a/*", "/a"],
    ["/a/*", "/*", "/"],
    ["/a/*", "/a*", "/ax"],
    ["/a/*", "/A/b", "/A/b"],
    ["/a/b", "/a/b/", "/a/b/"],
    ["/a/*/c", "/a/**/c", "/a/c"],
    ["/x.*", "/x*", "/x"],
    ["/*.json", "/*", "/"],
    ["/a /a/ /a/:x", "/a/*", "/a/x/"],
    ["/a* /*b", "/*c*", "/c"],
    ["/a*b", "/a*", "/a"],
    ["/:x", "/:x/", "/x/"],
    ["/a/*A0", "/a/*", "/a"],
    ["/a/*A9", "/a/%c3%a9", "/a/%C3%A9"],
    ["/a/x%2Fy", "/a/x/y", "/a/x/y"],
    ["/a/:x", "/a/x/y", "/a/x/y"],
    ["/.*", "/:x", "/x"],
    // `%25aa` would be a path encoded twice, and `..` is none.
    ["/b", "/%25*aa", "/%25xaa"],
    ["/b", "/.*.", "/.x."],
    ["/a/.x*", "/a/.*", "/a/.y"],
  ])("%s does not hold %s: %s", (outer, inner, witness) => {
    expect(includes(outer, inner)).toBe(false);
    const found = searchOutside(compileProgram(outer.split(" ").map(pattern)), compileProgram([pattern(inner)]), {
      steps: 1e6,
    });
    expect(found).toEqual({ answer: "outside", witness });
  });

  it("nothing holds anything; what is beyond the budget is not held", () => {
    expect(unionIncludes([], pattern("/a"))).toBe(false);
    const nothing = searchOutside(compileProgram([pattern("/*")]), compileProgram([pattern("/a/b/c")]), { steps: 2 });
    expect(nothing).toEqual({ answer: "undecided" });
  });

  it("comes to an end on patterns made to be hard, and never says yes for lack of time", () => {
    const hard = Array.from({ length: 20 }, (_, index) =>
      pattern(`/${"*a".repeat(MAX_WILDCARDS - 1 - index)}*b${index}`),
    );
    const start = performance.now();
    expect(unionIncludes(hard, pattern(`/${"*a*b".repeat(MAX_WILDCARDS / 2)}`))).toBe(false);
    expect(unionIncludes(hard, pattern("/**"))).toBe(false);
    expect(performance.now() - start).toBeLessThan(20_000);
  });
});

const chunk = fc.string({ unit: fc.constantFrom("a", "b", "*"), minLength: 1, maxLength: 3 });
const segment = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom("*", "**", ":x", "a", "b") },
  { weight: 2, arbitrary: chunk.map((text) => text.replace(/\*+/g, "*")) },
);
const patternText = fc
  .tuple(fc.array(segment, { maxLength: 3 }), fc.boolean())
  .map(([segments, slash]) => `/${segments.join("/")}${slash && segments.length > 0 ? "/" : ""}`);

/** Every path with up to three segments of up to two characters, `c` standing for what no pattern mentions. */
function allPaths(): readonly { readonly path: string; readonly segments: readonly string[] }[] {
  const letters = ["a", "b", "c"];
  const words = letters.flatMap((one) => [one, ...letters.map((other) => one + other)]);
  const paths = [""];
  let level = [""];
  for (let depth = 0; depth < 3; depth += 1) {
    level = level.flatMap((path) => words.map((word) => `${path}/${word}`));
    paths.push(...level);
  }
  return paths
    .flatMap((path) => [path, `${path}/`])
    .flatMap((path) => (path === "" ? [] : [{ path, segments: path.slice(1).split("/") }]));
}

describe("inclusion against brute force", () => {
  const universe = allPaths();
  const tally = { inside: 0, outside: 0 };

  it("agrees with trying every short path, both ways round", () => {
    fc.assert(
      fc.property(fc.array(patternText, { minLength: 1, maxLength: 4 }), patternText, (outerTexts, innerText) => {
        const outer = outerTexts.map(pattern);
        const inner = pattern(innerText);
        const found = searchOutside(compileProgram(outer), compileProgram([inner]), { steps: 1e7 });
        if (found.answer === "outside") {
          tally.outside += 1;
          expect(matchPattern(inner, found.witness)).toBe(true);
          expect(outer.some((each) => matchPattern(each, found.witness))).toBe(false);
          expect(canonicalPath(found.witness, { allowEncodedSlash: true })).toEqual({ ok: true, value: found.witness });
          return;
        }
        tally.inside += 1;
        expect(found.answer).toBe("included");
        const escaped = universe.find(
          ({ segments }) => matchSegments(inner, segments) && !outer.some((each) => matchSegments(each, segments)),
        );
        expect(escaped).toBeUndefined();
      }),
      { numRuns: 1_000 },
    );
    expect(tally.inside).toBeGreaterThan(100);
    expect(tally.outside).toBeGreaterThan(100);
  });

  it("a path is held exactly when the pattern matches it", () => {
    fc.assert(
      fc.property(patternText, fc.constantFrom(...universe), (text, { path }) => {
        expect(patternIncludes(pattern(text), pattern(path), newBudget())).toBe(matchPattern(pattern(text), path));
      }),
      { numRuns: 2_000 },
    );
  });

  it("is reflexive and transitive, and a union holds its parts", () => {
    fc.assert(
      fc.property(patternText, patternText, patternText, (one, two, three) => {
        const [a, b, c] = [pattern(one), pattern(two), pattern(three)];
        expect(patternIncludes(a, a, newBudget())).toBe(true);
        expect(unionIncludes([b, a, c], a)).toBe(true);
        if (patternIncludes(a, b, newBudget()) && patternIncludes(b, c, newBudget()))
          expect(patternIncludes(a, c, newBudget())).toBe(true);
      }),
    );
  });
});

const OUTER: readonly Rule[] = [
  { methods: ["GET"], paths: ["/crm/contacts/*", "/crm/deals/:id"] },
  { methods: ["POST"], paths: ["/crm/contacts/search"] },
];

describe("rulesInclude", () => {
  it.each<[string, readonly Rule[], boolean]>([
    ["the same", OUTER, true],
    ["nothing", [], true],
    ["narrower", [{ methods: ["GET"], paths: ["/crm/contacts/:id", "/crm/deals/7"] }], true],
    ["HEAD by GET", [{ methods: ["HEAD"], paths: ["/crm/contacts/*"] }], true],
    ["another method", [{ methods: ["GET", "DELETE"], paths: ["/crm/contacts/7"] }], false],
    ["methods crossed over", [{ methods: ["POST"], paths: ["/crm/deals/7"] }], false],
    ["wider", [{ methods: ["GET"], paths: ["/crm/*"] }], false],
    ["one path of two", [{ methods: ["GET"], paths: ["/crm/contacts/1", "/crm/companies"] }], false],
    ["every method", [{ methods: ["*"], paths: ["/crm/contacts/search"] }], false],
    ["no pattern at all", [{ methods: ["GET"], paths: ["crm"] }], false],
  ])("%s", (_, inner, expected) => {
    expect(rulesInclude(OUTER, inner)).toBe(expected);
    expect(compareRules(OUTER, inner).inside).toBe(expected);
  });

  it("a star holds every method; GET is not held by HEAD", () => {
    const all = [{ methods: ["*"], paths: ["/a/*"] }];
    expect(rulesInclude(all, [{ methods: ["*", "GET", "PURGE"], paths: ["/a/b"] }])).toBe(true);
    expect(rulesInclude([{ methods: ["HEAD"], paths: ["/a"] }], [{ methods: ["GET"], paths: ["/a"] }])).toBe(false);
  });

  it("rules of one method hold together", () => {
    const split = [
      { methods: ["GET"], paths: ["/a", "/a/"] },
      { methods: ["GET", "POST"], paths: ["/a/:x/*"] },
    ];
    expect(rulesInclude(split, [{ methods: ["GET"], paths: ["/a/*"] }])).toBe(true);
    expect(rulesInclude(split, [{ methods: ["GET", "POST"], paths: ["/a/*"] }])).toBe(false);
  });

  it("says what lies outside, with a path, and what would have passed", () => {
    expect(compareRules(OUTER, [{ methods: ["GET", "POST"], paths: ["/crm/*"] }])).toEqual({
      inside: false,
      method: "GET",
      path: "/crm/*",
      witness: "/crm",
      largest: [
        { methods: ["GET"], paths: ["/crm/contacts/*", "/crm/deals/:id"] },
        { methods: ["POST"], paths: ["/crm/contacts/search"] },
      ],
    });
    expect(compareRules(OUTER, [{ methods: ["*"], paths: ["/crm/deals/*", "/x"] }])).toMatchObject({
      largest: [{ methods: ["GET"], paths: ["/crm/deals/:id"] }],
    });
    expect(compareRules(OUTER, [{ methods: ["DELETE"], paths: ["/crm/*"] }])).toMatchObject({ largest: [] });
  });

  it("agrees with judging calls: inside means that no call passes the inner rules alone; the largest part is inside both", () => {
    const universe = allPaths().filter((_, index) => index % 7 === 0);
    const rules = fc.array(
      fc.record({
        methods: fc.subarray(["GET", "HEAD", "POST", "*"], { minLength: 1 }),
        paths: fc.array(patternText, { minLength: 1, maxLength: 2 }),
      }),
      { minLength: 1, maxLength: 2 },
    );
    const passes = (scope: readonly Rule[], method: string, path: string) =>
      judgeScope({ ...EMPTY_SCOPE, rules: scope }, { method, path, query: "" }, []).ok;
    fc.assert(
      fc.property(rules, rules, (outer, inner) => {
        const result = compareRules(outer, inner);
        const largest = result.inside ? inner : result.largest;
        expect(rulesInclude(outer, largest)).toBe(true);
        expect(rulesInclude(inner, largest)).toBe(true);
        for (const { path } of universe) {
          for (const method of ["GET", "HEAD", "POST", "PURGE"]) {
            if (passes(largest, method, path)) expect(passes(outer, method, path)).toBe(true);
          }
        }
        if (result.inside) return;
        expect(result.witness).not.toBeNull();
        const method = result.method === "*" ? "PURGE" : result.method;
        expect(passes(inner, method, result.witness ?? "")).toBe(true);
        expect(passes(outer, method, result.witness ?? "")).toBe(false);
      }),
      { numRuns: 200 },
    );
  });
});

describe("what a small request may cost", () => {
  const hard = (index: number): string => `/*${index}*/**/*a${index}*/**/*b*/**/**/*c*`;
  const methods = ["GET", "POST", "PUT", "PATCH", "DELETE"];
  const inner = [{ methods, paths: Array.from({ length: 64 }, (_, index) => hard(index)) }];
  const outer = [{ methods, paths: Array.from({ length: 20 }, (_, index) => `/v${index}/**/items/*`) }];

  it("is bounded as a whole, the explanation of a refusal included", () => {
    expect(compareRules(outer, inner).inside).toBe(false);
  }, 15_000);

  it("counts all comparisons of one request together, and then holds nothing for included", () => {
    const budget = newBudget();
    expect(patternIncludes(pattern("/**"), pattern("/a/*"), budget)).toBe(true);
    const { steps } = budget;
    expect(steps).toBeLessThan(newBudget().steps);
    budget.steps = 0;
    expect(patternIncludes(pattern("/**"), pattern("/a/*"), budget)).toBe(false);
    expect(patternIncludes(pattern("/a/*"), pattern("/a/*"), budget)).toBe(true);
  });
});
