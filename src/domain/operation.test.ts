import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { MAX_TEMPLATE_BYTES, nameOperation, templatePattern } from "./operation.ts";
import type { Operation } from "./operation.ts";
import { matchPattern, parsePattern } from "./pattern.ts";

// Property tests must not fail because the machine is busy.
vi.setConfig({ testTimeout: 60_000 });

const OPERATIONS: readonly Operation[] = [
  { method: "GET", template: "/v1/people/{id}", name: "getPerson" },
  { method: "GET", template: "/v1/people/me", name: "getMe" },
  { method: "GET", template: "/v1/people/:id/notes/:note", name: "getNote" },
  { method: "GET", template: "/v1/people/{id}.json", name: "getPersonJson" },
  { method: "POST", template: "/v1/people", name: "createPerson" },
  { method: "post", template: "/v1/compare/{base}...{head}", name: "compare" },
  { method: "GET", template: "/v1/files/*", name: "anyFile" },
  { method: "GET", template: "/v1/files/{id}", name: "getFile" },
  { method: "GET", template: "/v1/models/{id}:generate", name: "generate" },
];

describe("nameOperation", () => {
  it.each([
    ["GET", "/v1/people/7", "getPerson"],
    ["GET", "/v1/people/me", "getMe"],
    ["HEAD", "/v1/people/me", "getMe"],
    ["GET", "/v1/people/7.json", "getPersonJson"],
    ["GET", "/v1/people/7/notes/8", "getNote"],
    ["GET", "/v1/people/7/notes/8/", "getNote"],
    ["POST", "/v1/people", "createPerson"],
    ["POST", "/v1/compare/main...dev", "compare"],
    ["GET", "/v1/files/1", "getFile"],
    ["GET", "/v1/files/1/2/3", "anyFile"],
    ["GET", "/v1/models/m1:generate", "generate"],
    ["GET", "/V1/people/me", null],
    ["GET", "/v1/people", null],
    ["DELETE", "/v1/people/7", null],
    ["GET", "/x/v1/people/me", null],
    ["GET", "/v1/people/7/notes", null],
    ["GET", "/", null],
  ])("%s %s: %s", (method, path, expected) => {
    expect(nameOperation(OPERATIONS, method, path)).toBe(expected);
  });

  it("prefers text over parameters whatever the order", () => {
    expect(nameOperation(OPERATIONS.toReversed(), "GET", "/v1/people/me")).toBe("getMe");
  });

  it("takes text literally, never as an expression", () => {
    const hostile = ["/(a+)+b", "/a|b", "/[^x]", "/a.c", "/^$", "/(?<n>a)", "/\\d", "/:a(.*)", "/**", "/*x/b"];
    const operations = hostile.map((template) => ({ method: "GET", template, name: template }));
    for (const path of [`/${"a".repeat(5_000)}c`, "/a", "/b", "/abc", "/xx", "/1", "/y/b"]) {
      const start = performance.now();
      const named = nameOperation(operations, "GET", path);
      expect(performance.now() - start).toBeLessThan(2_000);
      expect(named).toBeNull();
    }
    expect(nameOperation([{ method: "GET", template: "/a(b", name: "n" }], "GET", "/a(b")).toBe("n");
  });

  it("never fails on any template", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."/a:*{}?.\\([+^$-]") }), fc.webPath(), (template, path) => {
        nameOperation([{ method: "GET", template: `/${template}`, name: "n" }], "GET", path);
      }),
    );
    const long = `/${"a".repeat(MAX_TEMPLATE_BYTES)}`;
    expect(nameOperation([{ method: "GET", template: long, name: "n" }], "GET", long)).toBeNull();
    const many = "/{a}-{b}-{c}-{d}";
    expect(nameOperation([{ method: "GET", template: many, name: "n" }], "GET", "/1-2-3-4")).toBeNull();
  });
});

describe("templatePattern", () => {
  it.each([
    ["/v1/people/{id}", "/v1/people/:parameter"],
    ["/v1/people/:id/notes", "/v1/people/:parameter/notes"],
    ["/v1/people/{id}.json", "/v1/people/*.json"],
    ["/v1/people/:id.json", "/v1/people/*.json"],
    ["/v1/{a}...{b}", "/v1/*...*"],
    ["/v1/files/*", "/v1/files/*"],
    ["/v1/m/{id}:run", "/v1/m/*:run"],
  ])("%s → %s", (template, expected) => {
    expect(templatePattern(template)).toBe(expected);
    expect(parsePattern(expected).ok).toBe(true);
  });

  it("matches what the template names", () => {
    const word = fc.constantFrom("a", "b7", "x.json", "é");
    fc.assert(
      fc.property(
        fc.constantFrom(...OPERATIONS),
        fc.array(word, { minLength: 3, maxLength: 3 }),
        (operation, words) => {
          let next = 0;
          const fill = () => encodeURIComponent(words[next++] ?? "a");
          const path = operation.template.replace(/:(?:id|note)|\{[a-z]+\}|\*/g, fill);
          const pattern = parsePattern(templatePattern(operation.template));
          expect(pattern.ok && matchPattern(pattern.value, path)).toBe(true);
          expect(nameOperation([operation], operation.method.toUpperCase(), path)).toBe(operation.name);
        },
      ),
    );
  });
});
