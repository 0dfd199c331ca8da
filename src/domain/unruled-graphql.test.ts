import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { parse } from "graphql/language/parser";
import { print } from "graphql/language/printer";
import { describe, expect, it } from "vitest";
import { bodyRulesApply, judgeBody } from "./body-rules.ts";
import { judgeScope } from "./scope-judge.ts";
import { EMPTY_SCOPE, type Scope } from "./scope.ts";
import { looksLikeGraphql, mustBeRead, refusesGraphql } from "./unruled-graphql.ts";

const HIDING: Scope = {
  ...EMPTY_SCOPE,
  rules: [{ methods: ["*"], paths: ["/**"] }],
  removeResponseMembers: ["data.viewer.email"],
};
const ALIASED = "{ viewer { x: email } }";

function judge(body: unknown, contentType: string | null = "application/json", scope = HIDING): string | null {
  const given =
    body instanceof Uint8Array
      ? body
      : new TextEncoder().encode(typeof body === "string" ? body : JSON.stringify(body));
  return judgeBody(scope, "POST", { contentType, contentEncoding: null }, given)?.code ?? null;
}

function judgeQuery(query: string, method = "GET", scope = HIDING): string | null {
  const judged = judgeScope(scope, { method, path: "/graphql", query }, []);
  return judged.ok ? null : judged.error.code;
}

describe("a body under a scope that hides members and has no graphql rule", () => {
  it.each<[string | null, unknown]>([
    ["application/json", { query: ALIASED }],
    ["application/json", [{ query: "query A { viewer { x: email } }" }]],
    ["application/json", { operationName: "A", Query: `# why\n,\ufeffmutation A { x: y }` }],
    ["application/json", { query: "fragment F on User { x: email } query A { viewer { ...F } }" }],
    ["application/json", '{"qu\\u0065ry":"{viewer{x:email}}"}'],
    ["application/json", '{"query":"","query":"{viewer{x:email}}"}'],
    // What a less strict reader would take.
    ["application/json", '\ufeff{"query":"{viewer{x:email}}"}'],
    ["application/json", '{query:"{viewer{x:email}}"}'],
    ["application/json", '{"qu\\u0065ry":"{viewer{x:email}}",}'],
    ["application/json", '{"query":"{viewer{x:email}}"}{}'],
    ["application/json", '/* */{"query":"{viewer{x:email}}"}'],
    ["application/json", `{"a":${"[".repeat(99)}${"]".repeat(99)},"query":"{viewer{x:email}}"}`],
    ["application/json", new Uint8Array(Buffer.from('{"query":"{viewer{x:email}}"}', "utf16le"))],
    // The type is the caller's word, and some vendors do not look at it.
    ["application/x-www-form-urlencoded", { query: ALIASED }],
    ["text/plain", { query: ALIASED }],
    ["multipart/form-data; boundary=x", { query: ALIASED }],
    [null, { query: ALIASED }],
    ["application/x-www-form-urlencoded", "a=1&query=%7B+viewer+%7B+x%3A+email+%7D+%7D"],
    ["application/x-www-form-urlencoded", "a=1;query[]={viewer{x:email}}"],
    ["application/x-www-form-urlencoded", "query=%23;%0A{viewer{x:email}}"],
    ["application/x-www-form-urlencoded", "query={viewer{x:email}}%FF"],
    ["application/graphql", ALIASED],
    ["application/graphql+json", { id: "1" }],
  ])("%s %j may be GraphQL and is refused", (type, body) => {
    expect(judge(body, type)).toBe("body_denied");
  });

  it.each<[string | null, unknown]>([
    ["application/json", { name: "x", nested: { query: ALIASED } }],
    ["application/json", { query: "find {me}" }],
    ["application/json", { query: 'sum(up{job="x"})' }],
    ["application/json", { query: '{app="x"} |= "error"' }],
    ["application/json", { query: { match: { a: "{b}" } } }],
    ["application/json", { query: '{"match": {}}' }],
    ["application/json", '{"broken": '],
    ["application/json", "not JSON at all, query { a }"],
    ["application/x-www-form-urlencoded", "query=words&text={a}"],
    ["application/x-www-form-urlencoded", "a=1"],
    ["text/plain", "hello query { a }"],
    ["text/csv", "a,b\n1,2"],
    ["application/octet-stream", Uint8Array.of(1, 2, 3, 0x7b)],
    ["multipart/form-data; boundary=x", '--x\r\nContent-Disposition: form-data; name="file"\r\n\r\n{}\r\n--x--'],
    [null, ""],
    ["application/graphql", ""],
  ])("%s %j passes as it did", (type, body) => {
    expect(judge(body, type)).toBeNull();
  });

  it("is refused when it is compressed", () => {
    const headers = { contentType: "application/json", contentEncoding: "gzip" };
    const body = gzipSync(JSON.stringify({ query: ALIASED }));
    expect(judgeBody(HIDING, "POST", headers, body)?.code).toBe("body_denied");
    expect(mustBeRead(headers, null)).toBe(true);
  });

  it("is judged beside other rules, and says what is wanted", () => {
    const scope: Scope = { ...HIDING, body: [{ member: "x", effect: "deny", values: [] }] };
    expect(judge({ query: ALIASED }, "application/json", scope)).toBe("body_denied");
    expect(judge({ a: 1 }, "application/json", scope)).toBeNull();
    const body = new TextEncoder().encode(JSON.stringify({ query: ALIASED }));
    const refusal = judgeBody(HIDING, "POST", { contentType: "application/json", contentEncoding: null }, body);
    expect(refusal?.detail).toContain("graphql rule");
  });

  it("is left to the graphql rule where there is one, and alone where nothing is hidden", () => {
    const ruled: Scope = { ...HIDING, graphql: { operations: ["query"], fields: null } };
    expect(refusesGraphql(ruled)).toBe(false);
    expect(judge({ query: "{ viewer { login } }" }, "application/json", ruled)).toBeNull();
    expect(judge({ query: ALIASED }, "application/json", ruled)).toBe("body_denied");
    expect(refusesGraphql(EMPTY_SCOPE)).toBe(false);
    expect(judge({ query: ALIASED }, "application/json", EMPTY_SCOPE)).toBeNull();
    expect(bodyRulesApply(HIDING)).toBe(false);
  });
});

describe("the query under such a scope", () => {
  it.each([
    "query={viewer{x:email}}",
    "a=1&Query=%7Bviewer%7Bx:email%7D%7D",
    "%71uery=query+A+%7Bx:y%7D",
    "a;query={viewer{x:email}}",
    "query=%23;%0A{viewer{x:email}}",
    "query[]={a:b}",
  ])("%s is refused, whatever the method", (query) => {
    expect(judgeQuery(query)).toBe("body_denied");
    expect(judgeQuery(query, "POST")).toBe("body_denied");
    expect(judgeQuery(query, "GET", EMPTY_SCOPE)).not.toBe("body_denied");
  });

  it.each(["query=words", "query=up{}", 'query={app="x"}', "q={a}", "filter={viewer{x:email}}"])(
    "%s passes",
    (query) => {
      expect(judgeQuery(query)).toBeNull();
    },
  );
});

describe("what must be read", () => {
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

  it.each<[string | null, string | null, boolean]>([
    ["application/json", null, true],
    ["application/x-www-form-urlencoded", null, true],
    ["application/graphql", null, true],
    ["text/plain", null, false],
    ["text/plain", " \r\n\t", true],
    ["text/plain", "  {", true],
    ["application/octet-stream", "[", true],
    ["application/octet-stream", "PK", false],
    ["multipart/form-data", "--x", false],
    [null, "a", false],
  ])("%s beginning with %j: %s", (contentType, beginning, expected) => {
    const headers = { contentType, contentEncoding: null };
    expect(mustBeRead(headers, beginning === null ? null : bytes(beginning))).toBe(expected);
  });
});

describe("looksLikeGraphql", () => {
  it("knows every document that the parser takes", () => {
    const name = fc.constantFrom("a", "_b", "query", "on", "C1");
    const field = fc.tuple(name, name, fc.boolean()).map(([a, b, alias]) => (alias ? `${a}: ${b}` : a));
    const selection = fc
      .tuple(fc.array(field, { minLength: 1, maxLength: 3 }), fc.boolean())
      .map(([fields, inline]) => `{${inline ? "... @include(if: true) { a }" : ""} ${fields.join(" ")} }`);
    const opening = fc.constantFrom(
      "",
      "query",
      "query A",
      "mutation ($a: Int = 1)",
      "subscription @d",
      "fragment F on T",
    );
    const space = fc.string({ unit: fc.constantFrom(" ", ",", "\n", "\ufeff", "#x {\r") });
    fc.assert(
      fc.property(space, opening, space, selection, (before, head, between, set) => {
        const text = `${before}${head} ${between}${set}`;
        expect(() => parse(text)).not.toThrow();
        expect(looksLikeGraphql(text)).toBe(true);
        expect(looksLikeGraphql(print(parse(text)))).toBe(true);
      }),
    );
  });

  it("takes no time that grows faster than the text", () => {
    const started = performance.now();
    for (const each of ["#", "{ ", "{a", "a", " ,", "query"]) looksLikeGraphql(`${each.repeat(200_000)}{`);
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});
