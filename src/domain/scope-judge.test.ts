import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { canonicalPath } from "./path.ts";
import { matchPattern, parsePattern } from "./pattern.ts";
import { EMPTY_SCOPE } from "./scope.ts";
import type { Rule, Scope } from "./scope.ts";
import { judgeScope, literalPattern, methodAllowed, reaches } from "./scope-judge.ts";

// Property tests must not fail because the machine is busy.
vi.setConfig({ testTimeout: 60_000 });

const RULES: readonly Rule[] = [
  { methods: ["GET"], paths: ["/v1/people/*", "/v1/teams"] },
  { methods: ["POST", "PATCH"], paths: ["/v1/people/search", "/v1/people/:id/notes"] },
];
const SCOPE: Scope = { ...EMPTY_SCOPE, rules: RULES };

function judge(method: string, path: string, query = "", scope = SCOPE, reserved: readonly string[] = []) {
  const result = judgeScope(scope, { method, path, query }, reserved);
  return result.ok ? `sent: ${result.value}` : result.error.code;
}

describe("judgeScope", () => {
  it("does not say a token back that stands in the path", () => {
    for (const token of [`rk_proxy_${"a1B2".repeat(16)}`, `vk_${"Z9".repeat(33)}`]) {
      for (const [method, path] of [
        ["GET", `/elsewhere/${token}`],
        ["DELETE", `/v1/people/${token}`],
      ] as const) {
        const result = judgeScope(SCOPE, { method, path, query: "" }, []);
        expect(JSON.stringify(result)).not.toContain(token);
        expect(JSON.stringify(result)).toContain("…");
      }
    }
  });

  it.each([
    ["GET", "/v1/people", "sent: "],
    ["GET", "/v1/people/", "sent: "],
    ["GET", "/v1/people/7/notes", "sent: "],
    ["HEAD", "/v1/people/7", "sent: "],
    ["POST", "/v1/people/search", "sent: "],
    ["PATCH", "/v1/people/7/notes", "sent: "],
    ["POST", "/v1/people/7", "method_denied"],
    ["DELETE", "/v1/people", "method_denied"],
    ["OPTIONS", "/v1/people", "method_denied"],
    ["get", "/v1/people", "method_denied"],
    ["HEAD", "/v1/other", "path_denied"],
    ["POST", "/v1/teams", "method_denied"],
    ["GET", "/v1/teams/1", "path_denied"],
    ["GET", "/v1", "path_denied"],
    ["GET", "/", "path_denied"],
    ["GET", "/V1/people", "path_denied"],
    ["POST", "/v1/people/7/notes/1", "method_denied"],
  ])("%s %s: %s", (method, path, expected) => {
    expect(judge(method, path)).toBe(expected);
  });

  it("an empty scope, and one whose patterns are broken, allow nothing", () => {
    expect(judge("GET", "/a", "", EMPTY_SCOPE)).toBe("path_denied");
    const broken = { ...EMPTY_SCOPE, rules: [{ methods: ["GET"], paths: ["a", "/a/../b", "/**x"] }] };
    for (const path of ["/a", "/b", "/a/b", "/x"]) expect(judge("GET", path, "", broken)).toBe("path_denied");
    expect(judge("GET", "/a", "", { ...EMPTY_SCOPE, rules: [{ methods: [], paths: ["/a"] }] })).not.toMatch(/^sent/);
  });

  it("HEAD alone does not allow GET; a star allows every method", () => {
    expect(methodAllowed(["HEAD"], "GET")).toBe(false);
    expect(methodAllowed(["*"], "PURGE")).toBe(true);
    expect(methodAllowed(["GET"], "OPTIONS")).toBe(false);
  });

  it("says which methods the path takes and the smallest scope that would do", () => {
    const denied = judgeScope(SCOPE, { method: "DELETE", path: "/v1/people/7/notes", query: "" }, []);
    expect(denied).toMatchObject({
      ok: false,
      error: {
        code: "method_denied",
        detail: "DELETE is not allowed on this path; allowed: GET, PATCH, POST.",
        extensions: {
          allowed_methods: ["GET", "PATCH", "POST"],
          smallest_scope: { allowed_methods: ["DELETE"], allowed_paths: ["/v1/people/7/notes"] },
        },
      },
    });
    expect(judgeScope(SCOPE, { method: "GET", path: "/v2/x", query: "a=1" }, [])).toMatchObject({
      error: { extensions: { smallest_scope: { allowed_methods: ["GET"], allowed_paths: ["/v2/x"] } } },
    });
  });

  it("judges the query only where the path is allowed", () => {
    const scope = { ...SCOPE, denyQueryParams: ["expand"] };
    expect(judge("GET", "/v1/people", "limit=1 0", scope)).toBe("sent: limit=1%200");
    expect(judge("GET", "/v1/people", "expand[]=1", scope)).toBe("query_denied");
    expect(judge("GET", "/v1/people", "ak=1", scope, ["ak"])).toBe("query_denied");
    expect(judge("GET", "/v1/people", "%zz=1", scope)).toBe("invalid_request");
    expect(judge("GET", "/v2", "expand[]=1", scope)).toBe("path_denied");
    expect(judge("GET", "/v1/people", "x=1", { ...SCOPE, allowQueryParams: ["limit"] })).toBe("query_denied");
  });

  it("the smallest scope really allows the call, and is the narrowest that the language has", () => {
    const path = fc
      .string({ unit: fc.constantFrom(..."a*:/%é.") })
      .map((text) => canonicalPath(`/${text}`, { allowEncodedSlash: false }));
    fc.assert(
      fc.property(path, (canonical) => {
        if (!canonical.ok) return;
        const pattern = literalPattern(canonical.value);
        const scope = { ...EMPTY_SCOPE, rules: [{ methods: ["GET"], paths: [pattern] }] };
        expect(judge("GET", canonical.value, "", scope)).toBe("sent: ");
        if (/[*]|\/:/.test(canonical.value)) return;
        expect(judge("GET", `${canonical.value}x`, "", scope)).toBe("path_denied");
        expect(judge("GET", `${canonical.value}/`, "", scope)).toBe("path_denied");
      }),
    );
  });
});

describe("GraphQL in the query", () => {
  const scope: Scope = { ...SCOPE, graphql: { operations: ["query"], fields: ["shop"] } };

  it("is judged where the scope has GraphQL rules", () => {
    const query = (text: string) => `query=${encodeURIComponent(text)}`;
    expect(judge("GET", "/v1/people", query("{ shop { a } }"), scope)).toMatch(/^sent/);
    expect(judge("GET", "/v1/people", query("{ other { a } }"), scope)).toBe("body_denied");
    expect(judge("GET", "/v1/people", query("mutation { shop }"), scope)).toBe("body_denied");
    expect(judge("GET", "/v1/people", query("anything"))).toMatch(/^sent/);
    expect(judge("GET", "/v1/people", "", scope)).toMatch(/^sent/);
  });
});

describe("reaches", () => {
  const operations = [
    { method: "GET", template: "/v1/people/{id}", name: "getPerson" },
    { method: "get", template: "/v1/teams/:team", name: "getTeam" },
    { method: "POST", template: "/v1/people/{id}", name: "updatePerson" },
    { method: "POST", template: "/v1/people/{id}/notes", name: "addNote" },
    { method: "DELETE", template: "/v1/people/{id}", name: "deletePerson" },
    { method: "GET", template: "/v1//broken", name: "broken" },
  ];

  it("names the operations that are reached, wholly or in part", () => {
    const reached = reaches(SCOPE, operations).map((each) => [each.name, each.extent]);
    expect(reached).toEqual([
      ["getPerson", "all"],
      // Only `/v1/people/search`.
      ["updatePerson", "some"],
      ["addNote", "all"],
    ]);
    expect(reaches(EMPTY_SCOPE, operations)).toEqual([]);
  });
});

describe("no string reaches outside a scope", () => {
  const TRICKS = [
    ..."/.*:%\\;ab@~\u0000é ?#",
    ..."%2f %2F %2e %2E. .. ./ // ..; %5c %00 %252e %61 %41 /v1 /people /admin /v1/people /../ /%2e%2e/ %2f..%2f".split(
      " ",
    ),
  ];
  const rawPath = fc
    .array(fc.constantFrom(...TRICKS), { maxLength: 10 })
    .map((pieces) => `/v1/people${pieces.join("")}`);
  const benign = fc.array(fc.constantFrom("/v1", "/people", "/ab", "/a", "x", "%41", "b", "/%7e"), { maxLength: 5 });
  const anyPath = fc.oneof(
    rawPath,
    fc.array(fc.constantFrom(...TRICKS), { maxLength: 10 }).map((pieces) => `/${pieces.join("")}`),
    benign.map((pieces) => `/v1${pieces.join("")}`),
  );
  const pattern = fc
    .array(fc.constantFrom("v1", "people", "*", "**", ":id", "a*", "*b", "admin", "%41", "~"), {
      minLength: 1,
      maxLength: 4,
    })
    .map((parts) => `/${parts.join("/")}`);
  const rules = fc.array(
    fc.record({
      methods: fc.subarray(["GET", "POST", "DELETE"], { minLength: 1 }),
      paths: fc.array(pattern, { minLength: 1, maxLength: 3 }),
    }),
    { minLength: 1, maxLength: 3 },
  );

  it("what passes is sent as it was matched, and a single rule has both its method and its path", () => {
    let passed = 0;
    fc.assert(
      fc.property(
        anyPath,
        fc.constantFrom("GET", "GET", "POST", "DELETE", "HEAD", "PURGE"),
        rules,
        fc.boolean(),
        fc.string({ unit: fc.constantFrom(..."a=&%[]1 '") }),
        (raw, method, grantRules, allowEncodedSlash, query) => {
          const path = canonicalPath(raw, { allowEncodedSlash });
          if (!path.ok) return;
          const judged = judgeScope({ ...EMPTY_SCOPE, rules: grantRules }, { method, path: path.value, query }, []);
          const sentQuery = judged.ok && judged.value !== "" ? `?${judged.value}` : "";
          const sent = new URL(`https://vendor.test${path.value}${sentQuery}`);
          const allowing = grantRules.filter(
            (rule) =>
              (rule.methods.includes(method) || (method === "HEAD" && rule.methods.includes("GET"))) &&
              rule.paths.some((text) => {
                const parsed = parsePattern(text);
                return parsed.ok && matchPattern(parsed.value, sent.pathname);
              }),
          );
          if (judged.ok) {
            passed += 1;
            expect(sent.origin).toBe("https://vendor.test");
            expect(sent.pathname).toBe(path.value);
            expect(sent.search).toBe(sentQuery);
            expect(allowing.length).toBeGreaterThan(0);
          } else if (judged.error.code !== "invalid_request") {
            expect(allowing).toEqual([]);
          }
        },
      ),
      { numRuns: 6_000 },
    );
    expect(passed).toBeGreaterThan(100);
  });

  it("below a prefix stays below it after any server's decoding", () => {
    const scope = { ...EMPTY_SCOPE, rules: [{ methods: ["GET"], paths: ["/v1/people/*"] }] };
    fc.assert(
      fc.property(rawPath, fc.boolean(), (raw, allowEncodedSlash) => {
        const path = canonicalPath(raw, { allowEncodedSlash });
        if (!path.ok || !judgeScope(scope, { method: "GET", path: path.value, query: "" }, []).ok) return;
        let text = path.value;
        for (let round = 0; round < 3; round += 1) {
          const resolved = new URL(`https://h.test${text.replaceAll("\\", "/").replaceAll(/[?#]/g, "_")}`).pathname;
          expect(resolved).toMatch(/^\/v1\/people(\/|$)/);
          try {
            text = decodeURIComponent(text);
          } catch {
            return;
          }
        }
      }),
      { numRuns: 6_000 },
    );
  });
});
