import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { MAX_JSON_DEPTH, MAX_JSON_VALUES, jsonText, scanJson } from "./json-scan.ts";
import type { JsonNode } from "./json-scan.ts";

// Property tests must not fail because the machine is busy.
vi.setConfig({ testTimeout: 60_000 });

/** What `JSON.parse` would have made of it (the last of two equal names wins). */
function plain(node: JsonNode): unknown {
  if (node.kind === "scalar") return node.value;
  if (node.kind === "array") return node.items.map(plain);
  return Object.fromEntries(node.members.map((member) => [member.name, plain(member.value)]));
}

function problemOf(text: string): string | null {
  const scanned = scanJson(text);
  return scanned.ok ? null : scanned.error;
}

describe("scanJson", () => {
  it("reads what JSON.parse reads", () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false, maxDepth: 3 }), fc.constantFrom(0, 1, 2), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        const scanned = scanJson(text);
        expect(scanned.ok && plain(scanned.value)).toEqual(JSON.parse(text));
      }),
    );
  });

  it("agrees with JSON.parse on what is JSON at all", () => {
    const pieces = fc.constantFrom(
      ...'{}[],:"\\ \n\t'.split(""),
      ...'0 1 -1 1.5 1e5 1. .5 01 + - true false null nul "a" "\\u0041" "\\x" "\\ud800" // \u00a0 \ufeff \u2028 \''.split(
        " ",
      ),
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 7 }), (parts) => {
        const text = parts.join("");
        let value: unknown;
        let valid = true;
        try {
          value = JSON.parse(text);
        } catch {
          valid = false;
        }
        const scanned = scanJson(text);
        expect(scanned.ok).toBe(valid);
        if (scanned.ok) expect(plain(scanned.value)).toEqual(value);
      }),
      { numRuns: 10_000 },
    );
  });

  it.each([
    "",
    " ",
    "{",
    '{"a":1,}',
    "[1,]",
    "[1 2]",
    '{"a" 1}',
    "{a:1}",
    "'a'",
    '"\n"',
    '"\\u12"',
    "NaN",
    "1 2",
    "[]x",
    "\ufeff{}",
    "/**/1",
  ])("refuses %j", (text) => {
    expect(problemOf(text)).toBe("malformed");
  });

  it("keeps duplicate names and where everything stands", () => {
    const text = ' {"a": 1, "\\u0061":[2 , null]}';
    const scanned = scanJson(text);
    if (!scanned.ok || scanned.value.kind !== "object") throw new Error("no object");
    expect(scanned.value.members.map((member) => member.name)).toEqual(["a", "a"]);
    for (const member of scanned.value.members) {
      expect(text.slice(member.start, member.value.end)).toMatch(/^"(a|\\u0061)":\s?(1|\[2 , null\])$/);
    }
    expect(text.slice(scanned.value.start, scanned.value.end)).toBe(text.trim());
  });

  it("is bounded in depth and in values", () => {
    const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
    expect(problemOf(nested(MAX_JSON_DEPTH))).toBeNull();
    expect(problemOf(nested(MAX_JSON_DEPTH + 1))).toBe("too_deep");
    expect(problemOf(`${'{"a":'.repeat(100_000)}`)).toBe("too_deep");
    expect(problemOf(`[${"1,".repeat(MAX_JSON_VALUES)}1]`)).toBe("too_many_values");
  });

  it("reads a long string fast", () => {
    const start = performance.now();
    expect(problemOf(`"${"a".repeat(4_000_000)}"`)).toBeNull();
    expect(problemOf(`"${"\\n".repeat(500_000)}"`)).toBeNull();
    expect(performance.now() - start).toBeLessThan(4_000);
  });
});

describe("jsonText", () => {
  it("takes UTF-8 and nothing else", () => {
    expect(jsonText(new TextEncoder().encode('"é"'))).toEqual({ ok: true, value: '"é"' });
    expect(jsonText(Uint8Array.of(0x22, 0xff, 0x22)).ok).toBe(false);
    expect(jsonText(Uint8Array.of(0x22, 0xc0, 0xaf, 0x22)).ok).toBe(false);
    const marked = jsonText(Uint8Array.of(0xef, 0xbb, 0xbf, 0x7b, 0x7d));
    expect(marked.ok && scanJson(marked.value).ok).toBe(false);
    const wide = jsonText(Uint8Array.of(0x7b, 0, 0x7d, 0));
    expect(wide.ok && scanJson(wide.value).ok).toBe(false);
  });
});
