import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { memberPath, UsageScan } from "./usage-scan.ts";

const encoder = new TextEncoder();

function scan(members: readonly string[], events: boolean, text: string, sizes: readonly number[] = []) {
  const bytes = encoder.encode(text);
  const found = new UsageScan(members, events);
  let at = 0;
  for (const size of sizes) {
    found.push(bytes.subarray(at, at + size));
    at = Math.min(bytes.length, at + size);
  }
  found.push(bytes.subarray(at));
  return found.usage();
}

/** What a parser would find, for comparison. */
function lookUp(value: unknown, path: readonly string[]): number | undefined {
  const [key, ...rest] = path;
  if (key === undefined) return typeof value === "number" ? value : undefined;
  if (key === "[]") {
    if (!Array.isArray(value)) return undefined;
    return value.map((each) => lookUp(each, rest)).findLast((each) => each !== undefined);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value) || !Object.hasOwn(value, key))
    return undefined;
  return lookUp(Reflect.get(value, key), rest);
}

describe("UsageScan", () => {
  it("agrees with a parser on any JSON, however it is cut", () => {
    const key = fc.constantFrom("usage", "total", "items", "x", 'q"uote', "back\\slash", "ünï");
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 5 },
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.integer(),
        fc.string(),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie("value"), { maxLength: 3 }),
        fc.dictionary(key, tie("value"), { maxKeys: 4, noNullPrototype: true }),
      ),
    }));
    const members = ["usage.total", "total", "items[].total", "usage", "items[].x.usage"];
    fc.assert(
      fc.property(value, fc.array(fc.nat(20)), fc.constantFrom(0, 2), (document, sizes, indent) => {
        const usage = scan(members, false, JSON.stringify(document, null, indent), sizes);
        for (const member of members) {
          const expected = lookUp(document, memberPath(member));
          expect(usage?.[member]).toBe(expected === undefined ? undefined : Object.is(expected, -0) ? 0 : expected);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("keeps the last usage of an event stream, also one level down, and however it is cut", () => {
    const stream = [
      "event: message_start",
      'data: {"type":"message_start","message":{"usage":{"input_tokens":25,"output_tokens":1}}}',
      "",
      'data: {"type":"delta","text":"data: {\\"usage\\":{\\"output_tokens\\":99}}"}',
      "",
      ": a comment {",
      'data: {"type":"message_delta",',
      'data: "usage":{"output_tokens":15}}',
      "",
      "data: [DONE]",
      "",
      "",
    ];
    const members = ["usage.input_tokens", "usage.output_tokens"];
    const expected = { "usage.input_tokens": 25, "usage.output_tokens": 15 };
    fc.assert(
      fc.property(fc.array(fc.nat(30)), fc.constantFrom("\n", "\r\n"), (sizes, newline) => {
        expect(scan(members, true, stream.join(newline), sizes)).toEqual(expected);
      }),
    );
  });

  it("does not look one level down in a plain document", () => {
    expect(scan(["usage.total"], false, '{"wrap":{"usage":{"total":4}}}')).toBeNull();
    expect(scan(["usage.total"], true, 'data: {"wrap":{"wrap":{"usage":{"total":4}}}}\n\n')).toBeNull();
  });

  it("survives any bytes, and recovers with the next event", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const found = new UsageScan(["total"], true);
        found.push(bytes);
        found.push(encoder.encode('\n\ndata: {"total": 7}\n\n'));
        expect(found.usage()?.["total"]).toBe(7);
        const plain = new UsageScan(["total"], false);
        plain.push(bytes);
        plain.usage();
      }),
    );
  });

  it("is not led astray by deep nesting, long keys and long numbers", () => {
    const deep = "[".repeat(200) + "]".repeat(200);
    expect(scan(["total"], false, `{"a":${deep},"total":3}`)).toEqual({ total: 3 });
    expect(scan(["total"], false, `{"${"k".repeat(5_000)}":1,"total":3}`)).toEqual({ total: 3 });
    expect(scan(["total"], false, `{"total":${"9".repeat(500)}}`)?.["total"]).toBeGreaterThan(1e30);
    expect(scan(["__proto__"], false, '{"__proto__":3}')).toEqual(Object.fromEntries([["__proto__", 3]]));
  });
});
