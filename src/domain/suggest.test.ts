import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { canonicalPath } from "./path.ts";
import { compilePattern, matchPattern } from "./pattern.ts";
import { suggestRules } from "./suggest.ts";

const get = (...paths: string[]) => paths.map((path) => ({ method: "GET", path }));

describe("suggestRules", () => {
  it("turns ids into one segment and never suggests what lies below", () => {
    expect(suggestRules(get("/v1/people/123", "/v1/people/456", "/v1/people"))).toEqual([
      { methods: ["GET"], paths: ["/v1/people", "/v1/people/:id"] },
    ]);
  });

  it.each([
    "550e8400-e29b-41d4-a716-446655440000",
    "cus_NffrFeUfNV2Hib",
    "507f1f77bcf86cd799439011",
    "01ARZ3NDEKTSV4RRFFQ69G5FAV",
    "kate@example.com",
    "kate%40example.com",
    "2026-05-01",
    `AC${"0a".repeat(16)}`,
    "*",
  ])("knows %s as an id", (id) => {
    expect(suggestRules(get(`/v1/x/${id}`))).toEqual([{ methods: ["GET"], paths: ["/v1/x/:id"] }]);
  });

  it.each(["contacts", "v3", "conversations.list", "crm", "chat-completions", "deadbeef"])(
    "knows %s as a word",
    (word) => {
      expect(suggestRules(get(`/v1/${word}`))).toEqual([{ methods: ["GET"], paths: [`/v1/${word}`] }]);
    },
  );

  it("pairs methods with paths", () => {
    const rules = suggestRules([...get("/a", "/b"), { method: "POST", path: "/a" }]);
    expect(rules).toEqual([
      { methods: ["GET", "POST"], paths: ["/a"] },
      { methods: ["GET"], paths: ["/b"] },
    ]);
  });

  it("takes many texts in one place for names, few for words", () => {
    const slugs = Array.from({ length: 9 }, (_, at) => `/v1/repos/${"abcdefghi"[at]}/pulls`);
    expect(suggestRules(get(...slugs))).toEqual([{ methods: ["GET"], paths: ["/v1/repos/:name/pulls"] }]);
    expect(suggestRules(get(...slugs.slice(0, 8)))[0]?.paths).toHaveLength(8);
  });

  it("keeps a trailing slash and the root", () => {
    expect(suggestRules(get("/", "/v1/people/"))).toEqual([{ methods: ["GET"], paths: ["/", "/v1/people/"] }]);
    expect(suggestRules([])).toEqual([]);
  });

  it("allows every call that went in, for paths as they are kept: canonical", () => {
    const segment = fc.oneof(
      fc.stringMatching(/^[A-Za-z0-9._~!$&'()*+,=:@{}é%-]{1,12}$/),
      fc.constantFrom("v1", "123", "a", "...", "a%2Fb", "%2e%2e", "a%20b", "%7Bid%7D", "%2A"),
    );
    const call = fc.record({
      method: fc.constantFrom("GET", "POST", "DELETE"),
      path: fc.array(segment, { maxLength: 5 }).map((segments) => `/${segments.join("/")}`),
    });
    fc.assert(
      fc.property(fc.array(call, { maxLength: 40 }), (calls) => {
        const kept = calls.flatMap(({ method, path }) => {
          const canonical = canonicalPath(path, { allowEncodedSlash: true });
          return canonical.ok ? [{ method, path: canonical.value }] : [];
        });
        const rules = suggestRules(kept);
        for (const { method, path } of kept) {
          const allowing = rules.filter((rule) => rule.methods.includes(method)).flatMap((rule) => rule.paths);
          const patterns = allowing.map(compilePattern).filter((pattern) => pattern !== null);
          expect(
            patterns.some((pattern) => matchPattern(pattern, path)),
            `${method} ${path}`,
          ).toBe(true);
        }
      }),
    );
  });
});
