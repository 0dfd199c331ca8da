import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { findMembers, removeMembers, scalarsOf } from "./json-path.ts";
import { scanJson } from "./json-scan.ts";

// Property tests must not fail because the machine is busy.
vi.setConfig({ testTimeout: 60_000 });

function find(text: string, path: string) {
  const scanned = scanJson(text);
  if (!scanned.ok) throw new Error(scanned.error);
  const found = findMembers(scanned.value, path);
  return { values: found.values.flatMap(scalarsOf), missing: found.missing, unclear: found.unclear };
}

const CLEAR = { missing: false, unclear: false };

describe("findMembers", () => {
  it.each([
    ['{"a":1}', "a", { values: [1], ...CLEAR }],
    ['{"a":{"b":1}}', "a.b", { values: [1], ...CLEAR }],
    ['{"a":[{"b":1},{"b":2}]}', "a[].b", { values: [1, 2], ...CLEAR }],
    ['{"a":[{"b":1},{}]}', "a[].b", { values: [1], missing: true, unclear: false }],
    ['{"a":[]}', "a[].b", { values: [], ...CLEAR }],
    ['{"a":["x","y"]}', "a[]", { values: ["x", "y"], ...CLEAR }],
    ['{"a":[["x"],"y"]}', "a[]", { values: ["x", "y"], ...CLEAR }],
    ['[{"a":1},{"a":2}]', "a", { values: [1, 2], ...CLEAR }],
    ['[{"a":1},{"b":2}]', "a", { values: [1], missing: true, unclear: false }],
    ["{}", "a", { values: [], missing: true, unclear: false }],
    ["1", "a", { values: [], missing: true, unclear: false }],
    ['{"a":1}', "a.b", { values: [], missing: true, unclear: false }],
    ['{"a":null}', "a", { values: [null], ...CLEAR }],
    // Found all the same, but not as the path says.
    ['{"A":1}', "a", { values: [1], missing: false, unclear: true }],
    ['{"a":1,"a":2}', "a", { values: [1, 2], missing: false, unclear: true }],
    ['{"a":1,"\\u0041":2}', "a", { values: [1, 2], missing: false, unclear: true }],
    ['{"userId":1}', "user_id", { values: [1], missing: false, unclear: true }],
    ['{"user-id":1}', "user_id", { values: [1], missing: false, unclear: true }],
    ['{"\uff41":1}', "a", { values: [1], missing: false, unclear: true }],
    ['{"\u212aey":1}', "key", { values: [1], missing: false, unclear: true }],
    ['{"a":{"b":1}}', "a[].b", { values: [1], missing: true, unclear: true }],
    ['{"a.b":1}', "a.b", { values: [1], missing: true, unclear: true }],
    ['{"a[b]":1}', "a.b", { values: [1], missing: true, unclear: true }],
    ['{"A.0.B":1}', "a[].b", { values: [1], missing: true, unclear: true }],
    ['{"a":{"b.c":1}}', "a.b.c", { values: [1], missing: true, unclear: true }],
    ['{"a.b":{"c":1}}', "a.b.c", { values: [1], missing: true, unclear: true }],
    ['{"a.b":1}', "a", { values: [1], missing: true, unclear: true }],
    ['{"a[]":1}', "a", { values: [1], missing: true, unclear: true }],
    ['{"b.a":1,"a":2}', "a", { values: [2], ...CLEAR }],
    ['{".":1,"[":1,"a":2}', "a", { values: [2], ...CLEAR }],
  ])("%s at %s", (text, path, expected) => {
    expect(find(text, path)).toEqual(expected);
  });

  it("finds what stands in a list spelled as an object", () => {
    expect(find('{"a":{"0":{"b":1}}}', "a[].b")).toMatchObject({ values: [1], unclear: true });
  });

  it("enters lists that the path does not mention", () => {
    expect(find('{"a":[{"b":1}]}', "a.b")).toEqual({ values: [1], ...CLEAR });
  });
});

describe("removeMembers", () => {
  it.each([
    ['{"a":1,"b":2}', ["a"], '{"b":2}'],
    ['{"a":1,"b":2}', ["b"], '{"a":1}'],
    ['{"a":1}', ["a"], "{}"],
    ['{"a":1,"a":2,"b":3}', ["a"], '{"b":3}'],
    ['{"a":{"b":1,"c":2}}', ["a.b"], '{"a":{"c":2}}'],
    ['{"a":[{"b":1,"c":2},{"b":3}]}', ["a[].b"], '{"a":[{"c":2},{}]}'],
    ['[{"b":1,"c":2}]', ["b"], '[{"c":2}]'],
    ['{"data":[{"email":"x","id":12345678901234567890}]}', ["data[].email"], '{"data":[{"id":12345678901234567890}]}'],
    ['{"a":1,"b":{"c":1,"d":1.0}}', ["a", "b.c", "z"], '{"b":{"d":1.0}}'],
    ['{"A":1}', ["a"], '{"A":1}'],
    ['{"a":1}', ["a.b"], '{"a":1}'],
    ['"a"', ["a"], '"a"'],
  ])("%s without %j", (text, members, expected) => {
    expect(removeMembers(text, members)).toEqual({ ok: true, value: expected });
  });

  it("leaves the text alone to the byte when there is nothing to take out", () => {
    const text = ' { "b" : [ 1.00 , "\\u0041" ] } ';
    expect(removeMembers(text, ["a", "b.c"])).toEqual({ ok: true, value: text });
    expect(removeMembers(text, [])).toEqual({ ok: true, value: text });
  });

  it("says why a text cannot be read", () => {
    expect(removeMembers("{a:1}", ["a"])).toEqual({ ok: false, error: "malformed" });
    expect(removeMembers("[".repeat(100), ["a"])).toEqual({ ok: false, error: "too_deep" });
  });

  it("takes out every occurrence, keeps all else, and what is left is JSON", () => {
    const json = fc.letrec<{ node: unknown }>((tie) => ({
      node: fc.oneof(
        { depthSize: "small" },
        fc.constantFrom(1, "x", null),
        fc.dictionary(fc.constantFrom("a", "b", "c"), tie("node"), { maxKeys: 3 }),
        fc.array(tie("node"), { maxLength: 3 }),
      ),
    })).node;
    const without = (value: unknown, path: readonly string[]): unknown => {
      if (Array.isArray(value)) return value.map((item: unknown) => without(item, path));
      if (typeof value !== "object" || value === null) return value;
      const [first, ...rest] = path;
      const entries = Object.entries(value).filter(([name]) => !(name === first && rest.length === 0));
      return Object.fromEntries(entries.map(([name, each]) => [name, name === first ? without(each, rest) : each]));
    };
    fc.assert(
      fc.property(json, fc.constantFrom("a", "a.b", "b[].c", "c.c.a"), (value, path) => {
        const removed = removeMembers(JSON.stringify(value), [path]);
        const expected = without(value, path.replaceAll("[]", "").split("."));
        expect(removed.ok && JSON.parse(removed.value)).toEqual(expected);
      }),
      { numRuns: 1_000 },
    );
  });
});
