import { describe, expect, it } from "vitest";

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
});
