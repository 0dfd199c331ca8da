import fc from "fast-check";
import { parse } from "regexparam";
import { describe, expect, test } from "vitest";
import { MAX_OPERATION_NAME_CHARS, MAX_OPERATIONS, readOpenApi } from "./openapi-operations.ts";
import { nameOperation } from "./operation.ts";

const document = (paths: object, more: object = {}) => ({ openapi: "3.1.0", paths, ...more });
const read = (text: unknown, basePath = "") => {
  const result = readOpenApi(text, basePath);
  if (!result.ok) throw new Error(result.error);
  return result.value;
};

describe("readOpenApi", () => {
  test("names operations by method, template and operationId", () => {
    const { operations } = read(
      document({
        "/pets": { get: { operationId: "listPets" }, post: {}, parameters: [] },
        "/pets/{petId}/toys/{toy-id}": { delete: { operationId: "drop toy!" } },
      }),
    );
    expect(operations).toEqual([
      { method: "GET", template: "/pets", name: "listPets" },
      { method: "POST", template: "/pets", name: "POST /pets" },
      { method: "DELETE", template: "/pets/:petId/toys/:toy_id", name: "drop_toy_" },
    ]);
  });

  test("templates work with the matcher that names operations", () => {
    const { operations } = read(document({ "/a/{b}.json": { get: {} }, "/x/{y}": { get: {} } }));
    const matches = (template: string, path: string) => parse(template).pattern.test(path);
    expect(matches(operations[0]?.template ?? "", "/a/7.json")).toBe(true);
    expect(matches(operations[1]?.template ?? "", "/x/7")).toBe(true);
    expect(matches(operations[1]?.template ?? "", "/x/7/8")).toBe(false);
  });

  test("puts the base path in front once", () => {
    const paths = { "/models": { get: {} } };
    const template = (servers: object[] | undefined, base: string) =>
      read(document(paths, servers === undefined ? {} : { servers }), base).operations[0]?.template;
    expect(template(undefined, "/v1")).toBe("/v1/models");
    expect(template([{ url: "https://api.vendor.test/v1/" }], "/v1")).toBe("/v1/models");
    expect(template([{ url: "https://api.vendor.test" }], "/v1")).toBe("/v1/models");
    expect(template([{ url: "https://api.vendor.test/v2" }], "")).toBe("/v2/models");
    expect(template([{ url: "https://{host}/{weird}" }], "/v1")).toBe("/v1/models");
  });

  test.each([
    ["no document", "openapi: 3.1.0"],
    ["Swagger 2", { swagger: "2.0", paths: {} }],
    ["no paths", { openapi: "3.0.3" }],
    ["only hooks", document({})],
    ["a list of paths", { openapi: "3.0.3", paths: [] }],
    ["null", null],
  ])("refuses %s", (_name, text) => expect(readOpenApi(text, "").ok).toBe(false));

  test("leaves out paths that cannot be used and says so", () => {
    const { operations, notes } = read(
      document({
        "/ok": { get: {} },
        "no-slash": { get: {} },
        "/a?b": { get: {} },
        "/c:d": { get: {} },
        "/e*": { get: {} },
      }),
    );
    expect(operations.map(({ template }) => template)).toEqual(["/ok"]);
    expect(notes.length).toBe(4);
  });

  test("never follows a reference", () => {
    const { operations, notes } = read(document({ "/a": { $ref: "https://evil.test/x.json", get: {} } }));
    expect(operations.length).toBe(1);
    expect(notes[0]).toContain("refers elsewhere");
  });

  test("keeps one of two templates that match the same calls", () => {
    expect(read(document({ "/a/{x}": { get: {} }, "/a/{y}": { get: {} } })).operations.length).toBe(1);
  });

  test("is bounded in operations and names", () => {
    const many = Object.fromEntries(Array.from({ length: MAX_OPERATIONS + 5 }, (_, i) => [`/p${i}`, { get: {} }]));
    const { operations, notes } = read(document(many));
    expect(operations.length).toBe(MAX_OPERATIONS);
    expect(notes.join()).toContain("first");
    const [long] = read(document({ "/x": { get: { operationId: "n".repeat(9_999) } } })).operations;
    expect(long?.name.length).toBe(MAX_OPERATION_NAME_CHARS);
  });

  test("any JSON gives an answer, and templates are always usable", () => {
    const item = fc.dictionary(fc.constantFrom("get", "post", "$ref", "__proto__"), fc.jsonValue());
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.oneof(item, fc.jsonValue())), fc.jsonValue(), (paths, servers) => {
        const result = readOpenApi(document(paths, { servers }), "/base");
        if (!result.ok) return;
        const { operations } = result.value;
        for (const { method, template, name } of operations) {
          expect(template.startsWith("/")).toBe(true);
          expect(name.length).toBeGreaterThan(0);
          // Compiles every template of that method and length.
          expect(() => nameOperation(operations, method, template)).not.toThrow();
        }
      }),
    );
  });
});
