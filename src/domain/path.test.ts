import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { MAX_PATH_BYTES, MAX_SEGMENTS, canonicalPath, joinBasePath } from "./path.ts";

// Property tests must not fail because the machine is busy.
vi.setConfig({ testTimeout: 60_000 });

const STRICT = { allowEncodedSlash: false };
const LOOSE = { allowEncodedSlash: true };

function problemOf(raw: string, options = STRICT): string | null {
  const result = canonicalPath(raw, options);
  return result.ok ? null : result.error.problem;
}

function canonical(raw: string, options = STRICT): string {
  const result = canonicalPath(raw, options);
  if (!result.ok) throw new Error(`refused: ${result.error.problem}`);
  return result.value;
}

/** Raw paths made of what attackers use. */
const TRICKS = [
  ..."/./%\\;abz0:@*~-_ {}^\"<>`'|[]#?é\u0000\u007f\u0085\ud800\ufffd😀".split(""),
  ..."%2f %2F %2e %2E %5c %5C %00 %7f %25 %252f %252e %3b %3B %20 %41 %61 %c3%a9 %C3 %a9 %c0%af %ed%a0%80 %c2%85".split(
    " ",
  ),
  ...".. . ... %2e%2e .%2e ..; // /./ /../ %u002f %zz % %2 😀".split(" "),
];
const rawPath = fc
  .array(fc.oneof(fc.constantFrom(...TRICKS), fc.string({ unit: "binary", maxLength: 2 })), { maxLength: 12 })
  .map((pieces) => `/${pieces.join("")}`);

describe("canonicalPath refuses what can be read in two ways", () => {
  it.each([
    ["encoded_slash", "/a%2fb"],
    ["encoded_slash", "/a%2Fb"],
    ["encoded_slash", "/v1/charges%2f..%2f..%2fadmin"],
    ["backslash", "/a\\b"],
    ["backslash", "/a%5cb"],
    ["backslash", "/a%5C..%5Cb"],
    ["dot_segment", "/a/../b"],
    ["dot_segment", "/a/./b"],
    ["dot_segment", "/a/.."],
    ["dot_segment", "/."],
    ["dot_segment", "/a/%2e%2e/b"],
    ["dot_segment", "/a/.%2E/b"],
    ["dot_segment", "/a/%2e./b"],
    ["dot_segment", "/a/%2e/b"],
    ["dot_segment", "/a/.../b"],
    ["dot_segment", "/a/..%20/b"],
    ["dot_segment", "/a/%20../b"],
    ["dot_segment", "/a/.. /b"],
    ["double_encoding", "/a%252fb"],
    ["double_encoding", "/a/%252e%252e/b"],
    ["double_encoding", "/a%25%32%66b"],
    ["double_encoding", "/a%25252fb"],
    ["double_encoding", "/a%2541"],
    ["empty_segment", "//a"],
    ["empty_segment", "/a//b"],
    ["empty_segment", "/a//"],
    ["empty_segment", "//"],
    ["path_parameter", "/a;b=1/c"],
    ["path_parameter", "/a/..;/b"],
    ["path_parameter", "/a%3bb"],
    ["path_parameter", "/a%3Bb"],
    ["control_byte", "/a\u0000b"],
    ["control_byte", "/a%00b"],
    ["control_byte", "/a%0d%0ab"],
    ["control_byte", "/a\tb"],
    ["control_byte", "/a%7fb"],
    ["control_byte", "/a\u007fb"],
    ["control_byte", "/a%c2%85b"],
    ["control_byte", "/a\u0085b"],
    ["malformed_escape", "/a%zzb"],
    ["malformed_escape", "/a%"],
    ["malformed_escape", "/a%2"],
    ["malformed_escape", "/a%u002fb"],
    ["malformed_escape", "/a%é9"],
    ["invalid_utf8", "/a%c3"],
    ["invalid_utf8", "/a%c3b"],
    ["invalid_utf8", "/a%a9"],
    ["invalid_utf8", "/a%c0%af"],
    ["invalid_utf8", "/a%c0%ae%c0%ae/b"],
    ["invalid_utf8", "/a%ed%a0%80"],
    ["invalid_utf8", "/a%f5%80%80%80"],
    ["invalid_utf8", "/a\ud800b"],
    ["invalid_utf8", "/a\udc00\ud800"],
    ["invalid_utf8", "/a\ufffdb"],
    ["invalid_utf8", "/a%c3é"],
    ["delimiter", "/a#b"],
    ["delimiter", "/a?b"],
    ["not_absolute", "a/b"],
    ["too_long", `/${"a".repeat(MAX_PATH_BYTES)}`],
    ["too_long", `/${"é".repeat(MAX_PATH_BYTES / 4)}`],
    ["too_many_segments", "/a".repeat(MAX_SEGMENTS + 1)],
  ])("%s: %j", (problem, raw) => {
    expect(problemOf(raw)).toBe(problem);
  });

  it("says so in a sentence that holds nothing of the path", () => {
    const result = canonicalPath("/secret-part/../x", STRICT);
    expect(result).toEqual({
      ok: false,
      error: { problem: "dot_segment", detail: expect.stringMatching(/^The path .*\.$/) },
    });
    expect(JSON.stringify(result)).not.toContain("secret-part");
  });
});

describe("canonicalPath spells in one way", () => {
  it.each([
    ["", "/"],
    ["/", "/"],
    ["/a/b", "/a/b"],
    ["/a/b/", "/a/b/"],
    ["/%61%2D%7e/%5f", "/a-~/_"],
    ["/a%2eb", "/a.b"],
    ["/.well-known/x", "/.well-known/x"],
    ["/..a/b..", "/..a/b.."],
    ["/a%3ab", "/a%3Ab"],
    ["/a:b@c", "/a:b@c"],
    ["/a b", "/a%20b"],
    ['/"<>`{}^', "/%22%3C%3E%60%7B%7D%5E"],
    ["/é/😀", "/%C3%A9/%F0%9F%98%80"],
    ["/%c3%a9", "/%C3%A9"],
    ["/100%25", "/100%25"],
    ["/a%25zz", "/a%25zz"],
    ["/q%3fa%23b", "/q%3Fa%23b"],
    ["/[x]|*!$&'()+,=", "/[x]|*!$&'()+,="],
    ["/%20", "/%20"],
    ["/a".repeat(MAX_SEGMENTS), "/a".repeat(MAX_SEGMENTS)],
  ])("%j → %j", (raw, expected) => {
    expect(canonical(raw)).toBe(expected);
  });

  it("keeps encoded slashes in their segment where they are allowed, and nothing that they could hide", () => {
    expect(canonical("/p/group%2fproject/x", LOOSE)).toBe("/p/group%2Fproject/x");
    expect(canonical("/o/folder%2F", LOOSE)).toBe("/o/folder%2F");
    expect(problemOf("/p/..%2fx", LOOSE)).toBe("dot_segment");
    expect(problemOf("/p/x%2f%2e%2E", LOOSE)).toBe("dot_segment");
    expect(problemOf("/p/x%2f%2fy", LOOSE)).toBe("empty_segment");
    expect(problemOf("/%2fx", LOOSE)).toBe("empty_segment");
    expect(problemOf("/p%2f/x", LOOSE)).toBe("empty_segment");
    expect(problemOf("/p%252fx", LOOSE)).toBe("double_encoding");
    expect(problemOf("/p%5cx", LOOSE)).toBe("backslash");
  });

  it.each([STRICT, LOOSE])("what it returns is what a URL parser sends, and its own fixed point: %j", (options) => {
    fc.assert(
      fc.property(rawPath, (raw) => {
        const result = canonicalPath(raw, options);
        if (!result.ok) return;
        expect(new URL(`https://h.test${result.value}`).pathname).toBe(result.value);
        expect(new URL(`https://h.test${result.value}?q`).pathname).toBe(result.value);
        expect(canonicalPath(result.value, options)).toEqual(result);
        expect(result.value).toMatch(/^\/[!-~]*$/);
      }),
      { numRuns: 3_000 },
    );
  });

  it("never means another resource: decoding before and after gives the same, and no decoding adds structure", () => {
    fc.assert(
      fc.property(rawPath, (raw) => {
        const result = canonicalPath(raw, STRICT);
        if (!result.ok) return;
        const decoded = decodeURIComponent(result.value);
        expect(decoded).toBe(decodeURIComponent(raw));
        expect(decoded.split("/").length).toBe(result.value.split("/").length);
        expect(decoded).not.toMatch(/\/\/|\\|;|[\u0000-\u001f\u007f-\u009f]|\/\.{1,2}(\/|$)/);
      }),
      { numRuns: 3_000 },
    );
  });

  it("passes ordinary paths with any text escaped by encodeURIComponent", () => {
    const word = fc
      .string({
        unit: fc.constantFrom(..."abcXYZ019-_~.!@$&=+, é日😀\"<>{}'()*"),
        minLength: 1,
        maxLength: 8,
      })
      .filter((text) => !/^[. ]*$/.test(text));
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 5 }), (words) => {
        const raw = words.map((each) => `/${encodeURIComponent(each)}`).join("");
        expect(canonical(raw)).toBe(new URL(`https://h.test${raw}`).pathname);
      }),
    );
  });

  it("takes linear time on long hostile input", () => {
    const start = performance.now();
    for (const piece of ["%2e", "/.a", "%c3%a9", "..a/", "é", "%20"]) canonicalPath(`/${piece.repeat(2_000)}`, STRICT);
    expect(performance.now() - start).toBeLessThan(4_000);
  });
});

describe("joinBasePath", () => {
  it.each([
    ["", "/a", false, "/a"],
    ["", "", false, "/"],
    ["", "/", false, "/"],
    ["/v1", "", false, "/v1"],
    ["/v1", "/", false, "/v1/"],
    ["/v1", "/a", false, "/v1/a"],
    ["/v1/", "/a", false, "/v1/a"],
    ["/v1", "/v1/a", false, "/v1/v1/a"],
    ["/v1", "/v1/a", true, "/v1/a"],
    ["/v1", "/v1", true, "/v1"],
    ["/v1", "/v1x", true, "/v1/v1x"],
    ["/v1", "/a", true, "/v1/a"],
  ])("%j + %j (collapse %j) → %j", (base, path, collapse, expected) => {
    expect(joinBasePath(base, path, collapse)).toBe(expected);
  });
});
