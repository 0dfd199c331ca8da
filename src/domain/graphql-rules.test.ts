import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { MAX_GRAPHQL_BATCH, judgeGraphqlBody, judgeGraphqlParams, judgeGraphqlText } from "./graphql-rules.ts";
import type { GraphqlRule } from "./graphql-rules.ts";
import { scanJson } from "./json-scan.ts";

// Property tests must not fail because the machine is busy.
vi.setConfig({ testTimeout: 60_000 });

const READ: GraphqlRule = { operations: ["query"], fields: ["shop", "order*"] };
const WRITE: GraphqlRule = { operations: ["query", "mutation"], fields: ["shop", "tagsAdd"] };

function body(rule: GraphqlRule, value: unknown): boolean {
  const scanned = scanJson(typeof value === "string" ? value : JSON.stringify(value));
  if (!scanned.ok) throw new Error(scanned.error);
  return judgeGraphqlBody(rule, scanned.value) === null;
}

describe("judgeGraphqlText", () => {
  it.each([
    "{ shop { name } }",
    "query { shop { name } orders { id } }",
    "query Named($a: Int!) { shop { name(x: $a) } __typename }",
    "query A { shop { name } } query B { order(id: 1) { id } }",
    "{ other: shop { name } }",
    "{ ... { shop { name } } }",
    "{ ... @include(if: true) { shop { name } } }",
    "query { ...F } fragment F on Query { shop { name } ...G } fragment G on Query { orders { id } }",
    "query { ...F } fragment F on Query { shop { name } ...F }",
    "# mutation { x }\n{ shop { a } }",
  ])("allows %s", (text) => {
    expect(judgeGraphqlText(READ, text)).toBeNull();
  });

  it.each([
    "{ customers { id } }",
    "{ shop: customers { id } }",
    "{ shop { name } customers { id } }",
    "{ ... { customers { id } } }",
    "{ ... on Query { customers { id } } }",
    "query { ...F } fragment F on Query { customers { id } }",
    "query { ...F } fragment F on Query { ...G } fragment G on Query { shop { a } customers { id } }",
    "query { ...Missing }",
    "query { shop { a } } query B { customers { id } }",
    "query { ...F } fragment F on Query { shop { a } } fragment F on Query { customers { id } }",
    "query { ...F } fragment F on Query { customers { id } } fragment F on Query { shop { a } }",
    "query { ...F } fragment F on Query { shop { a } } fragment F on Query { shop { b } }",
    "{ __schema { types { name } } }",
    "{ Shop { a } }",
    "mutation { shop { a } }",
    "subscription { shop { a } }",
    "query { shop { a } } mutation { tagsAdd { a } }",
    "fragment F on Query { shop { a } }",
    "type A { shop: Int }",
    "{ shop { a } } extend type A { b: Int }",
    "",
    "{",
    "shop",
    "{ shop",
    "{".repeat(50_000),
    `{ shop ${"{ a ".repeat(20_000)}`,
    `{ ${"shop ".repeat(20_000)} }`,
  ])("refuses %.60s", (text) => {
    expect(judgeGraphqlText(READ, text)).toMatchObject({ code: "body_denied" });
  });

  it("tells kinds of operations and fields apart", () => {
    expect(judgeGraphqlText(WRITE, "mutation { tagsAdd { a } }")).toBeNull();
    expect(judgeGraphqlText(WRITE, "mutation { tagsRemove { a } }")?.extensions).toEqual({
      denied_field: "tagsRemove",
    });
    expect(judgeGraphqlText({ operations: ["query"], fields: null }, "{ anything { a } }")).toBeNull();
    expect(judgeGraphqlText({ operations: ["query"], fields: null }, "mutation { anything }")).not.toBeNull();
    expect(judgeGraphqlText({ operations: ["query"], fields: [] }, "{ __typename }")).toBeNull();
  });

  it("no disguise brings a field through that is not allowed", () => {
    const disguise = fc.letrec<{ set: string }>((tie) => ({
      set: fc.oneof(
        { depthSize: "small" },
        fc.constantFrom("customers { id }", "a: customers", "shop: customers(x: 1) @skip(if: false) { id }"),
        tie("set").map((inner) => `... { ${inner} }`),
        tie("set").map((inner) => `... on Query @include(if: true) { shop { a } ${inner} }`),
        tie("set").map((inner) => `shop { a } # }\n ${inner}`),
      ),
    })).set;
    fc.assert(
      fc.property(disguise, (set) => {
        expect(judgeGraphqlText(READ, `query Q { ${set} }`)).not.toBeNull();
        expect(judgeGraphqlText(READ, `{ shop { a } ...F } fragment F on Query { ${set} }`)).not.toBeNull();
        expect(judgeGraphqlText({ operations: ["query"], fields: ["customers", "shop"] }, `{ ${set} }`)).toBeNull();
      }),
    );
  });
});

describe("judgeGraphqlBody", () => {
  const good = { query: "{ shop { a } }" };
  const bad = { query: "{ customers { id } }" };

  it.each([
    good,
    { ...good, variables: { query: "mutation { x }", id: 1 }, operationName: "A", extensions: { a: 1 } },
    [good, good],
  ])("allows %j", (value) => {
    expect(body(READ, value)).toBe(true);
  });

  it.each([
    bad,
    [good, bad],
    [],
    [[good]],
    ["x"],
    {},
    "1",
    { query: null },
    { query: ["{ shop { a } }"] },
    { Query: "{ shop { a } }" },
    '{"query":"{ shop { a } }","query":"{ customers { id } }"}',
    '{"query":"{ shop { a } }","qUery":"{ shop { a } }"}',
    { extensions: { persistedQuery: { version: 1, sha256Hash: "x" } } },
    { ...good, extensions: { persistedQuery: { version: 1, sha256Hash: "x" } } },
    { ...good, extensions: { persisted_query: {} } },
    { ...good, id: "abc" },
    { ...good, documentId: "abc" },
    { ...good, doc_id: "abc" },
    { ...good, queryId: "abc" },
    Array.from({ length: MAX_GRAPHQL_BATCH + 1 }, () => good),
  ])("refuses %j", (value) => {
    expect(body(READ, value)).toBe(false);
  });
});

describe("judgeGraphqlParams", () => {
  it.each([
    `query=${encodeURIComponent("{ shop { a } }")}`,
    "query=%7B+shop+%7B+a+%7D+%7D&operationName=A&variables=%7B%7D",
    "a=1",
    "",
    "extensions=%7B%22a%22%3A1%7D",
  ])("allows %s", (query) => {
    expect(judgeGraphqlParams(READ, query)).toBeNull();
  });

  it.each([
    `query=${encodeURIComponent("{ customers { a } }")}`,
    `query=${encodeURIComponent("mutation { shop { a } }")}`,
    `query=${encodeURIComponent("{ shop { a } }")}&query=${encodeURIComponent("{ customers { a } }")}`,
    `%71uery=${encodeURIComponent("{ customers { a } }")}`,
    `QUERY=${encodeURIComponent("{ customers { a } }")}`,
    `%20query=${encodeURIComponent("{ customers { a } }")}`,
    `+query=${encodeURIComponent("{ customers { a } }")}`,
    "%20id=abc",
    `query[]=${encodeURIComponent("{ customers { a } }")}`,
    `query[0]=${encodeURIComponent("{ customers { a } }")}`,
    `%2571uery=${encodeURIComponent("{ customers { a } }")}`,
    "extensions[persistedQuery][sha256Hash]=abc",
    "id[]=abc",
    "query",
    "query=",
    "query=%zz",
    "a=1;query=x",
    "extensions=%7B%22persistedQuery%22%3A%7B%7D%7D",
    "extensions=%zz",
    "documentId=1",
    "doc_id=1",
    "id=1",
  ])("refuses %s", (query) => {
    expect(judgeGraphqlParams(READ, query)).toMatchObject({ code: "body_denied" });
  });
});

describe("beside hidden members", () => {
  const hidden = ["data.viewer.email"];

  it.each([
    "{ viewer { x: email } }",
    "{ shop { ...F } } fragment F on Shop { a { x: email } }",
    "{ shop { ... on Shop { y: name } } }",
    "query A { shop } query B { z: shop }",
  ])("no field has another name: %s", (text) => {
    const rule = { operations: ["query"], fields: null } as const;
    expect(judgeGraphqlText(rule, text, hidden)).toMatchObject({ code: "body_denied" });
    expect(judgeGraphqlText(rule, text)).toBeNull();
    expect(judgeGraphqlText(rule, "{ viewer { email } }", hidden)).toBeNull();
    const query = `query=${encodeURIComponent(text)}`;
    expect(judgeGraphqlParams(rule, query, hidden)).toMatchObject({ code: "body_denied" });
  });
});
