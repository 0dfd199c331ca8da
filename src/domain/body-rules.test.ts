import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { bodyRulesApply, judgeBody } from "./body-rules.ts";
import { EMPTY_SCOPE } from "./scope.ts";
import type { BodyRule, Scope } from "./scope.ts";

// Property tests must not fail because the machine is busy.
vi.setConfig({ testTimeout: 60_000 });

const JSON_HEADERS = { contentType: "application/json", contentEncoding: null };

function bytes(body: unknown): Uint8Array {
  return new TextEncoder().encode(typeof body === "string" ? body : JSON.stringify(body));
}

function judge(scope: Partial<Scope>, body: unknown, headers = {}, method = "POST"): string | null {
  const given = body instanceof Uint8Array ? body : bytes(body);
  return judgeBody({ ...EMPTY_SCOPE, ...scope }, method, { ...JSON_HEADERS, ...headers }, given)?.code ?? null;
}

const deny = (member: string, ...values: BodyRule["values"]): BodyRule => ({ member, effect: "deny", values });
const oneOf = (member: string, ...values: BodyRule["values"]): BodyRule => ({ member, effect: "one_of", values });
const allow = (member: string, ...values: BodyRule["values"]): BodyRule => ({ member, effect: "allow", values });

describe("bodyRulesApply", () => {
  it("says whether a body must be read", () => {
    expect(bodyRulesApply(EMPTY_SCOPE)).toBe(false);
    const rules: Partial<Scope>[] = [
      { maxBodyBytes: 1 },
      { body: [deny("a")] },
      { graphql: { operations: ["query"], fields: null } },
      { jsonRpc: { methods: null, tools: null } },
      { models: [] },
    ];
    for (const rule of rules) expect(bodyRulesApply({ ...EMPTY_SCOPE, ...rule })).toBe(true);
  });
});

describe("size", () => {
  it("is bounded whatever the body is", () => {
    expect(judge({ maxBodyBytes: 3 }, "abc", { contentType: null })).toBeNull();
    expect(judge({ maxBodyBytes: 3 }, "abcd", { contentType: null })).toBe("body_too_large");
    expect(judge({ maxBodyBytes: 0 }, "")).toBeNull();
  });
});

describe("what a rule needs to read and cannot is refused", () => {
  const scope = { body: [deny("x")] };

  it.each([
    [{}, "application/json"],
    [{}, "application/json; charset=utf-8"],
    [{}, 'Application/JSON;charset="UTF8"'],
    [{}, "application/vnd.api+json"],
    [{ contentEncoding: "identity" }, "application/json"],
    [{ contentEncoding: "" }, "application/json"],
  ])("reads %j %s", (headers, contentType) => {
    expect(judge(scope, { a: 1 }, { contentType, ...headers })).toBeNull();
    expect(judge(scope, { x: 1 }, { contentType, ...headers })).toBe("body_denied");
  });

  it.each([
    null,
    "",
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/jsonp",
    "application/json; charset=utf-16",
    "application/json; charset=iso-8859-1",
    "application/json; charset*=utf-8''utf-7",
    "application/json; Charset*0=utf-7",
    "application/json;x=y, application/x-www-form-urlencoded",
    "application/json, application/json",
    "application/x-ndjson",
    "text/json",
  ])("refuses the type %j", (contentType) => {
    expect(judge(scope, { a: 1 }, { contentType })).toBe("body_denied");
  });

  it.each(["gzip", "br", "deflate", "identity, gzip", "x"])("refuses the coding %s", (contentEncoding) => {
    expect(judge(scope, gzipSync("{}"), { contentEncoding })).toBe("body_denied");
    expect(judge(scope, "{}", { contentEncoding })).toBe("body_denied");
  });

  it.each([
    "{",
    '{"a":1}{"x":1}',
    '{"a":1} //',
    "\ufeff{}",
    "a=1",
    "[".repeat(65) + "]".repeat(65),
    Uint8Array.of(0x7b, 0, 0x7d, 0),
    Uint8Array.of(0xff, 0xfe, 0x7b, 0, 0x7d, 0),
    Uint8Array.of(0x22, 0x80, 0x22),
    gzipSync('{"x":1}'),
  ])("refuses the bytes %j", (body) => {
    expect(judge(scope, body)).toBe("body_denied");
  });

  it("a body of no bytes says nothing, but lacks what must be there where the method wants a body", () => {
    const none = { contentType: null };
    expect(judge({ body: [deny("a"), allow("b")] }, "", none)).toBeNull();
    const must = { body: [oneOf("dry_run", true)] };
    for (const method of ["POST", "PUT", "PATCH", "patch"]) expect(judge(must, "", none, method)).toBe("body_denied");
    for (const method of ["GET", "HEAD", "DELETE", "OPTIONS"]) expect(judge(must, "", none, method)).toBeNull();
    // Vendors' calls that end a job have no body, and ask no model for anything.
    expect(judge({ models: ["m"] }, "", none)).toBeNull();
    const graphql = { operations: ["query"], fields: null } as const;
    expect(judge({ graphql, jsonRpc: { methods: [], tools: [] } }, "", none)).toBeNull();
  });
});

describe("deny", () => {
  it.each([
    { x: 1 },
    { x: null },
    { X: 1 },
    { a: 1, x: { y: 1 } },
    [{ a: 1 }, { x: 1 }],
    '{"a":1,"\\u0078":1}',
    '{"a":1,"x":1,"x":2}',
  ])("a member however it is spelled: %j", (body) => {
    expect(judge({ body: [deny("x")] }, body)).toBe("body_denied");
  });

  it.each([{}, { a: { x: 1 } }, { xx: 1 }, { a: "x" }, [], "1"])("nothing else: %j", (body) => {
    expect(judge({ body: [deny("x")] }, body)).toBeNull();
  });

  it.each([
    [{ role: "admin" }, "body_denied"],
    [{ role: "Admin " }, "body_denied"],
    [{ role: ["user", "admin"] }, "body_denied"],
    [{ role: { name: "admin" } }, "body_denied"],
    [{ Role: "admin" }, "body_denied"],
    ['{"role":"user","role":"admin"}', "body_denied"],
    [{ role: "user" }, null],
    [{}, null],
  ])("with values, only those: %j", (body, expected) => {
    expect(judge({ body: [deny("role", "admin")] }, body)).toBe(expected);
  });

  it("a number is a number however it is written", () => {
    for (const body of ['{"n":10}', '{"n":10.0}', '{"n":1e1}', '{"n":"10"}', '{"n":" 10"}']) {
      expect(judge({ body: [deny("n", 10)] }, body)).toBe("body_denied");
    }
    expect(judge({ body: [deny("n", 10)] }, '{"n":100}')).toBeNull();
  });

  it("a value is found behind what servers convert", () => {
    for (const value of [true, "true", "on", " Yes", 1, "1", "t"]) {
      expect(judge({ body: [deny("live", true)] }, { live: value })).toBe("body_denied");
    }
    for (const value of [false, null, "", "off", 0, 2, "live"]) {
      expect(judge({ body: [deny("live", true)] }, { live: value })).toBeNull();
    }
    expect(judge({ body: [deny("n", 10)] }, { n: "1e1" })).toBe("body_denied");
    expect(judge({ body: [deny("n", null)] }, { n: "" })).toBe("body_denied");
    // Texts that only some rules mean as truth values: a country, a letter.
    expect(judge({ body: [deny("country", "NO")] }, { country: "off" })).toBeNull();
    expect(judge({ body: [deny("a.b", "x")] }, { "a.b": "x" })).toBe("body_denied");
  });

  it("a number that doubles do not tell from a denied one is that one", () => {
    expect(judge({ body: [deny("id", "9007199254740993")] }, '{"id":9007199254740993}')).toBe("body_denied");
    expect(judge({ body: [deny("id", 9007199254740991)] }, '{"id":9007199254740991.0}')).toBe("body_denied");
    expect(judge({ body: [deny("id", 9007199254740991)] }, '{"id":9007199254740990}')).toBeNull();
  });

  it("names the member and never its value", () => {
    const refusal = judgeBody(
      { ...EMPTY_SCOPE, body: [deny("a.b")] },
      "POST",
      JSON_HEADERS,
      bytes({ a: { b: "private-value" } }),
    );
    expect(refusal?.extensions).toEqual({ denied_member: "a.b" });
    expect(JSON.stringify(refusal)).not.toContain("private-value");
  });
});

describe("one_of", () => {
  it("is not met by an empty list, which some servers take for an empty object", () => {
    const mode = { body: [oneOf("account.mode", "test")] };
    for (const body of [{ account: [] }, [], [[]], { account: [[]] }]) expect(judge(mode, body)).toBe("body_denied");
    expect(judge(mode, { account: { mode: "test" } })).toBeNull();
  });

  const scope = { body: [oneOf("items[].price", "p1", "p2")] };

  it.each([
    [{ items: [{ price: "p1" }, { price: "p2", n: 1 }] }, null],
    [{ items: [] }, null],
    [{ items: [{ price: "p3" }] }, "body_denied"],
    [{ items: [{ price: "p1" }, { price: "p3" }] }, "body_denied"],
    [{ items: [{ price: "p1" }, {}] }, "body_denied"],
    [{ items: [{ price: ["p1"] }] }, "body_denied"],
    [{ items: [{ price: null }] }, "body_denied"],
    [{ items: { price: "p1" } }, "body_denied"],
    [{ items: { 0: { price: "p1" } } }, "body_denied"],
    [{ items: [{ Price: "p1" }] }, "body_denied"],
    ['{"items":[{"price":"p1"}],"items":[{"price":"p3"}]}', "body_denied"],
    ['{"items":[{"price":"p1","price":"p1"}]}', "body_denied"],
    [{ items: [{ price: "p1", PRICE: "p3" }] }, "body_denied"],
    [{}, "body_denied"],
    [[{ items: [{ price: "p1" }] }], null],
    ["1", "body_denied"],
  ])("%j: %s", (body, expected) => {
    expect(judge(scope, body)).toBe(expected);
  });

  it("compares type and value", () => {
    expect(judge({ body: [oneOf("a", 1, null, true)] }, { a: 1 })).toBeNull();
    expect(judge({ body: [oneOf("a", 1, null, true)] }, { a: null })).toBeNull();
    expect(judge({ body: [oneOf("a", 1)] }, { a: "1" })).toBe("body_denied");
    expect(judge({ body: [oneOf("a", 1)] }, { a: true })).toBe("body_denied");
    expect(judge({ body: [oneOf("a")] }, { a: 1 })).toBe("body_denied");
  });

  it("takes no number that somebody might read as another", () => {
    const fits = (literal: string, value: number) => judge({ body: [oneOf("a", value)] }, `{"a":${literal}}`) === null;
    expect(fits("0.1", 0.1)).toBe(true);
    expect(fits("1.50e1", 15)).toBe(true);
    expect(fits("9007199254740991", 9_007_199_254_740_991)).toBe(true);
    expect(fits("0.1000000000000000055511151231257827", 0.1)).toBe(false);
    expect(fits("4.99999999999999999999", 5)).toBe(false);
    expect(fits("1e-400", 0)).toBe(false);
  });
});

describe("allow", () => {
  const scope = {
    body: [allow("name"), allow("address.city"), allow("tags[].id"), allow("plan", "free"), oneOf("kind", "k")],
  };
  const base = { kind: "k" };

  it.each([
    base,
    { ...base, name: "x" },
    { ...base, name: { any: ["thing"] } },
    { ...base, address: { city: "x" } },
    { ...base, address: {} },
    { ...base, tags: [{ id: 1 }, {}] },
    { ...base, plan: "free" },
    [base],
  ])("lets %j pass", (body) => {
    expect(judge(scope, body)).toBeNull();
  });

  it.each([
    {},
    { ...base, other: 1 },
    { ...base, Name: "x" },
    { ...base, address: { city: "x", zip: 1 } },
    { ...base, address: "x" },
    { ...base, tags: [{ id: 1, x: 1 }] },
    { ...base, plan: "paid" },
    { ...base, PLAN: "free" },
    '{"kind":"k","name":1,"name":2}',
    [base, { ...base, other: 1 }],
    "1",
  ])("refuses %j", (body) => {
    expect(judge(scope, body)).toBe("body_denied");
  });

  it("names the stranger", () => {
    const refusal = judgeBody(
      { ...EMPTY_SCOPE, ...scope },
      "POST",
      JSON_HEADERS,
      bytes({ ...base, tags: [{ id: 1 }, { zip: 1 }] }),
    );
    expect(refusal?.extensions).toEqual({ denied_member: "tags[].zip" });
  });
});

describe("JSON-RPC and MCP", () => {
  const scope = { jsonRpc: { methods: ["tools/*", "ping", "initialize"], tools: ["search", "read_*"] } };
  const call = (method: unknown, params?: unknown) => ({ jsonrpc: "2.0", id: 1, method, params });

  it.each([
    call("ping"),
    call("tools/list"),
    call("tools/call", { name: "search", arguments: { name: "delete" } }),
    call("tools/call", { name: "read_file" }),
    [call("ping"), call("tools/call", { name: "search" })],
    { jsonrpc: "2.0", id: 1, result: {} },
    { jsonrpc: "2.0", id: 1, error: { code: 1 } },
  ])("allows %j", (body) => {
    expect(judge(scope, body)).toBeNull();
  });

  it.each([
    call("resources/read"),
    call("Ping"),
    call(1),
    call(undefined),
    call("tools/call"),
    call("tools/call", ["search"]),
    call("tools/call", { name: "delete" }),
    call("tools/call", { Name: "search" }),
    call("tools/call", { name: ["search"] }),
    call("tools/call", { name: "search", NAME: "delete" }),
    { ...call("ping"), Method: "resources/read" },
    '{"method":"ping","method":"resources/read"}',
    '{"method":"tools/call","params":{"name":"search","name":"delete"}}',
    '{"method":"tools/call","params":{"name":"search"},"params":{"name":"delete"}}',
    [call("ping"), call("resources/read")],
    [],
    [[call("ping")]],
    Array.from({ length: 101 }, () => call("ping")),
    "ping",
    '"ping"',
  ])("refuses %j", (body) => {
    expect(judge(scope, body)).toBe("body_denied");
  });

  it("null is any; a tool call is one in any case", () => {
    expect(judge({ jsonRpc: { methods: null, tools: null } }, call("x", [1]))).toBeNull();
    const tools = { jsonRpc: { methods: null, tools: ["search"] } };
    expect(judge(tools, call("x"))).toBeNull();
    expect(judge(tools, call("Tools/Call ", { name: "delete" }))).toBe("body_denied");
    expect(
      judge({ jsonRpc: { methods: ["tools/call"], tools: null } }, call("tools/call", { name: "any" })),
    ).toBeNull();
  });
});

describe("models", () => {
  const scope = { models: ["small-*", "large-1"] };

  it.each([{ model: "small-" }, { model: "small-2026", messages: [{ model: "x" }] }, { model: "large-1" }])(
    "allows %j",
    (body) => {
      expect(judge(scope, body)).toBeNull();
    },
  );

  it.each([
    {},
    { model: "large-2" },
    { model: "Large-1" },
    { model: null },
    { model: ["large-1"] },
    { Model: "large-1" },
    { model: "large-1", MODEL: "huge" },
    '{"model":"large-1","model":"huge"}',
    '{"model":"large-1","\\u006dodel":"huge"}',
    [{ model: "large-1" }],
    "1",
  ])("refuses %j", (body) => {
    expect(judge(scope, body)).toBe("body_denied");
  });

  it("says which are allowed", () => {
    const refusal = judgeBody({ ...EMPTY_SCOPE, ...scope }, "POST", JSON_HEADERS, bytes({ model: "huge" }));
    expect(refusal?.detail).toBe('The model "huge" is not allowed; allowed: small-*, large-1.');
  });
});

describe("GraphQL", () => {
  const graphql = { operations: ["query"], fields: ["shop"] } as const;

  it("is judged in JSON, and as a text of its own type where nothing else wants JSON", () => {
    expect(judge({ graphql }, { query: "{ shop { a } }" })).toBeNull();
    expect(judge({ graphql }, { query: "{ other }" })).toBe("body_denied");
    const typed = { contentType: "application/graphql" };
    expect(judge({ graphql }, "{ shop { a } }", typed)).toBeNull();
    expect(judge({ graphql }, "{ other }", typed)).toBe("body_denied");
    expect(judge({ graphql, body: [deny("x")] }, "{ shop { a } }", typed)).toBe("body_denied");
  });

  it("holds beside other rules", () => {
    const scope = { graphql, body: [deny("variables.id")] };
    expect(judge(scope, { query: "{ shop { a } }", variables: { x: 1 } })).toBeNull();
    expect(judge(scope, { query: "{ shop { a } }", variables: { id: 1 } })).toBe("body_denied");
    expect(judge(scope, { query: "{ other }", variables: { x: 1 } })).toBe("body_denied");
  });
});

describe("a denied member cannot be slipped in", () => {
  it("whatever a JSON reader would see there, the rule saw", () => {
    const key = fc.constantFrom("x", "X", "\\u0078", "\\u0058", "a", "_x", "x_");
    const value = fc.constantFrom("1", "null", '{"x":1}', "[]");
    fc.assert(
      fc.property(fc.array(fc.tuple(key, value), { maxLength: 5 }), (members) => {
        const text = `{${members.map(([name, each]) => `"${name}":${each}`).join(",")}}`;
        const parsed = Object.keys(JSON.parse(text) as object);
        const there = parsed.some((name) => name.toLowerCase() === "x");
        if (there) expect(judge({ body: [deny("x")] }, text)).toBe("body_denied");
        else if (!parsed.some((name) => name.includes("x"))) expect(judge({ body: [deny("x")] }, text)).toBeNull();
      }),
    );
  });
});
