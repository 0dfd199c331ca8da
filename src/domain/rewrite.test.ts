import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { JsonUrlRewriter, rewriteLinkHeader, rewriteLocation, type UrlMap } from "./rewrite.ts";

const ROOT: UrlMap = {
  upstreamBase: "https://api.vendor.com",
  proxyBase: "https://proxy.test/conn_v",
  alsoFrom: [{ upstreamBase: "https://uploads.vendor.com", proxyBase: "https://uploads.v.proxy.test" }],
  calledPath: "/a/b",
};
const BASED: UrlMap = {
  upstreamBase: "https://api.vendor.com:8443/v1",
  proxyBase: "http://localhost:8787/proxy/v",
  alsoFrom: [{ upstreamBase: "https://api.vendor.com:8443/v1/files", proxyBase: "http://localhost:8787/proxy/files" }],
  calledPath: "/a",
};
const BY_HOST: UrlMap = {
  upstreamBase: "https://api.vendor.com/v1",
  proxyBase: "https://v.proxy.test",
  alsoFrom: [],
  calledPath: "/a",
};
const LOCAL: UrlMap = {
  upstreamBase: "http://127.0.0.1:8790",
  proxyBase: "http://localhost:8787/conn_d",
  alsoFrom: [],
  calledPath: "",
};

describe("rewriteLocation", () => {
  it.each<readonly [UrlMap, string, string]>([
    [ROOT, "https://api.vendor.com/a/b?c=d#e", "https://proxy.test/conn_v/a/b?c=d#e"],
    [ROOT, "https://api.vendor.com", "https://proxy.test/conn_v"],
    [ROOT, "https://api.vendor.com?x", "https://proxy.test/conn_v?x"],
    [ROOT, "HTTPS://API.Vendor.COM:443/A%2f", "https://proxy.test/conn_v/A%2f"],
    [ROOT, "//api.vendor.com/a", "https://proxy.test/conn_v/a"],
    [ROOT, "http://api.vendor.com/a", "https://proxy.test/conn_v/a"],
    [ROOT, "https://uploads.vendor.com/r{?name,label}", "https://uploads.v.proxy.test/r{?name,label}"],
    [ROOT, "/a?b", "/conn_v/a?b"],
    [ROOT, "/", "/conn_v/"],
    [BASED, "https://api.vendor.com:8443/v1/x", "http://localhost:8787/proxy/v/x"],
    [BASED, "https://api.vendor.com:8443/v1/files/x", "http://localhost:8787/proxy/files/x"],
    [BASED, "https://api.vendor.com:8443/v1/filesystem", "http://localhost:8787/proxy/v/filesystem"],
    [BASED, "/v1/x", "/proxy/v/x"],
    [BASED, "/v1", "/proxy/v"],
    [BASED, "/v2/x", "https://api.vendor.com:8443/v2/x"],
    [BASED, "/v10", "https://api.vendor.com:8443/v10"],
    [BY_HOST, "/v1/x", "/x"],
    [BY_HOST, "/v1", "/"],
    [LOCAL, "http://127.0.0.1:8790/a", "http://localhost:8787/conn_d/a"],
  ])("%# maps %j", (map, value, expected) => {
    expect(rewriteLocation(value, map)).toBe(expected);
  });

  it.each<readonly [UrlMap, string]>([
    [ROOT, "https://storage.test/x?sig=https://api.vendor.com/"],
    [ROOT, "https://api.vendor.com.evil.test/"],
    [ROOT, "https://evil.test/https://api.vendor.com/"],
    [ROOT, "https://api.vendor.com:8443/"],
    [ROOT, "http://api.vendor.com:443/"],
    [ROOT, "https://user@api.vendor.com/"],
    [ROOT, "https://api.vendor.com@evil.test/"],
    [ROOT, "https://api.vendor.com\\evil"],
    [ROOT, "wss://api.vendor.com/"],
    [ROOT, "//evil.test/a"],
    [ROOT, "/\\evil.test/a"],
    [ROOT, "next?page=2"],
    [ROOT, "?page=2"],
    [ROOT, ""],
    [BASED, "https://api.vendor.com:8443/v2"],
    [BASED, "https://api.vendor.com/v1"],
    [LOCAL, "https://127.0.0.1:8790/a"],
  ])("%# leaves %j", (map, value) => {
    expect(rewriteLocation(value, map)).toBe(value);
  });

  it("keeps what follows the base, character for character", () => {
    const rest = fc.string({ unit: fc.constantFrom(..."/?#%2fA.~é&= ") });
    fc.assert(
      fc.property(rest, (text) => {
        fc.pre(text === "" || /^[/?#]/.test(text));
        fc.pre(!hasDotSegments(text));
        expect(rewriteLocation(`https://api.vendor.com${text}`, ROOT)).toBe(`https://proxy.test/conn_v${text}`);
      }),
    );
  });
});

/** Unencoded ones. */
function hasDotSegments(text: string): boolean {
  const path = /^[^?#]*/.exec(text)?.[0] ?? "";
  return path.split("/").some((segment) => segment === "." || segment === "..");
}

/** Where a client of `/conn_v/a/b` comes to that follows; null: it gets no URL, or one that it cannot read. */
function followedTo(value: string | null, seenFrom = "https://proxy.test/conn_v/a/b"): URL | null {
  return value !== null && URL.canParse(value, seenFrom) ? new URL(value, seenFrom) : null;
}

describe("a redirect that would take the token to another connection", () => {
  it.each<readonly [string, string | null]>([
    ["https://api.vendor.com/../conn_b/x", "https://api.vendor.com/../conn_b/x"],
    ["https://api.vendor.com/%2e%2E/conn_b/x", "https://api.vendor.com/%2e%2E/conn_b/x"],
    ["//api.vendor.com/./.%2e/conn_b/x", "//api.vendor.com/./.%2e/conn_b/x"],
    ["/../conn_b/x", "https://api.vendor.com/../conn_b/x"],
    ["/.\t./conn_b/x", "https://api.vendor.com/.\t./conn_b/x"],
    ["/x/..\\..\\conn_b/x", "https://api.vendor.com/x/..\\..\\conn_b/x"],
    ["../../conn_b/x", "https://proxy.test/conn_v/conn_b/x"],
    ["..\\..\\conn_b/x", "https://proxy.test/conn_v/conn_b/x"],
    ["../../conn_v/x", "../../conn_v/x"],
    ["../x", "../x"],
    ["https:../../conn_b/x", "https://proxy.test/conn_v/conn_b/x"],
    ["https:/conn_b/x", "https://proxy.test/conn_v/conn_b/x"],
    ["https://proxy.test/conn_b/x", null],
    ["http://proxy.test/conn_b/x", null],
    ["HTTPS://Proxy.Test:443/conn_v/../conn_b", null],
    ["//proxy.test/conn_v.other/x", null],
    ["https://user@proxy.test/conn_b", null],
    ["https:\\\\proxy.test\\conn_b", null],
    ["https://proxy.test/.relaykey/whoami", null],
    ["https://proxy.test/conn_v/x", "https://proxy.test/conn_v/x"],
  ])("%j is passed as %j", (value, expected) => {
    expect(rewriteLocation(value, ROOT)).toBe(expected);
  });

  it("means the vendor's where the base itself was called", () => {
    expect(rewriteLocation("x", { ...ROOT, calledPath: "" })).toBe("https://proxy.test/conn_v/x");
    expect(rewriteLocation("x", { ...BASED, calledPath: "" })).toBe("https://api.vendor.com:8443/x");
    const otherScheme = { ...LOCAL, upstreamBase: "https://api.vendor.com" };
    expect(rewriteLocation("http:../x", otherScheme)).toBe("http://../x");
    expect(rewriteLocation("http:%/../../conn_b", otherScheme)).toBeNull();
  });

  it("does not lead out of the connection, however it is written", () => {
    const pieces = ["/", "//", ".", "..", "%2e", "%2E", "\\", "\t", "a", "?", "#", ":", "@", ";", "conn_v", "conn_b"];
    const hosts = ["https:", "http:", "proxy.test", "api.vendor.com", "uploads.vendor.com", "uploads.v.proxy.test"];
    const text = fc.array(fc.constantFrom(...pieces, ...hosts), { maxLength: 9 }).map((parts) => parts.join(""));
    fc.assert(
      fc.property(text, (value) => {
        const link = rewriteLinkHeader(`<${value}>; rel=next`, ROOT);
        for (const seen of [rewriteLocation(value, ROOT), link === null ? null : (/<(.*)>/s.exec(link)?.[1] ?? "")]) {
          const url = followedTo(seen);
          if (url?.host === "proxy.test") expect(url.pathname).toMatch(/^\/conn_v(?:\/|$)/);
        }
      }),
      { numRuns: 5_000 },
    );
  });
});

describe("rewriteLinkHeader", () => {
  it("points what is not below the base at the vendor, and passes none that leads to another connection", () => {
    expect(rewriteLinkHeader("</v2>; rel=next, <c?d>; rel=prev", BASED)).toBe(
      "<https://api.vendor.com:8443/v2>; rel=next, <c?d>; rel=prev",
    );
    expect(rewriteLinkHeader("</a>; rel=next, <https://proxy.test/conn_b/x>; rel=prev", ROOT)).toBeNull();
  });

  it("points every target of the vendor's back and leaves parameters alone", () => {
    const value =
      '<https://api.vendor.com/x?page=2>; rel="next"; title="<https://api.vendor.com/x>", </y>; rel=last, <https://cdn.test/>; rel=preload';
    expect(rewriteLinkHeader(value, ROOT)).toBe(
      '<https://proxy.test/conn_v/x?page=2>; rel="next"; title="<https://api.vendor.com/x>", </conn_v/y>; rel=last, <https://cdn.test/>; rel=preload',
    );
  });

  it("survives malformed values in linear time", () => {
    for (const value of [
      "<",
      ">",
      '"',
      "<https://api.vendor.com/x",
      '"\\',
      '"'.repeat(3),
      "<".repeat(20_000),
      '"\\'.repeat(20_000),
    ]) {
      expect(rewriteLinkHeader(value, ROOT)).toBe(value);
    }
  });

  it("passes a value unread that is longer than any list of pages", () => {
    const long = `<https://api.vendor.com/a>; rel="next"; title="${"\\".repeat(9_000)}`;
    expect(rewriteLinkHeader(long, ROOT)).toBe(long);
  });
});

function rewritten(
  members: readonly string[],
  input: string | Uint8Array,
  sizes: readonly number[] = [1 << 20],
): string {
  const bytes = typeof input === "string" ? Buffer.from(input) : input;
  const rewriter = new JsonUrlRewriter(members, () => ROOT);
  const out: Uint8Array[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1;
    out.push(rewriter.push(bytes.subarray(at, at + size)));
    at += size;
  }
  return Buffer.concat([...out, rewriter.end()]).toString("latin1");
}

function latin1(text: string): string {
  return Buffer.from(text).toString("latin1");
}

const HERE = "https://api.vendor.com/x?a=1&b=2";
const THERE = "https://proxy.test/conn_v/x?a=1&b=2";

describe("JsonUrlRewriter", () => {
  it.each([
    [["results_url"], `{"results_url":"${HERE}","other":"${HERE}"}`, `{"results_url":"${THERE}","other":"${HERE}"}`],
    [["meta.next_page_url"], `{"meta":{"next_page_url":"${HERE}"}}`, `{"meta":{"next_page_url":"${THERE}"}}`],
    [["meta.next"], `{"next":"${HERE}","a":{"meta":{"next":"${HERE}"}}}`, null],
    [["*.u"], `[{"u":"${HERE}"},{"v":1,"u":"${HERE}"}]`, `[{"u":"${THERE}"},{"v":1,"u":"${THERE}"}]`],
    [["items[].u"], `{"items":[{"u":"${HERE}"}]}`, `{"items":[{"u":"${THERE}"}]}`],
    [["urls[]"], `{"urls":["${HERE}",["${HERE}"],"x"]}`, `{"urls":["${THERE}",["${HERE}"],"x"]}`],
    [
      ["a.*.b"],
      `{"a":{"x":{"b":"${HERE}"},"y":[{"b":"${HERE}"}]}}`,
      `{"a":{"x":{"b":"${THERE}"},"y":[{"b":"${HERE}"}]}}`,
    ],
    [["u"], ` \r\n\ufeff{ "u" : "${HERE}" }`, ` \r\n\ufeff{ "u" : "${THERE}" }`],
    [["u"], `{"u":"https:\\/\\/api.vendor.com\\/x"}`, `{"u":"https:\\/\\/proxy.test\\/conn_v\\/x"}`],
    [["u"], `{"u":"https:\\u002f/api.vendor.com/x\\u0026\\"é"}`, `{"u":"https://proxy.test/conn_v/x&\\"é"}`],
    [["u"], `{"\\u0075":"${HERE}"}`, `{"\\u0075":"${THERE}"}`],
    [["u"], `{"u":"/x"}`, `{"u":"/conn_v/x"}`],
    [["u"], `{"u":"https://uploads.vendor.com/r{?name}"}`, `{"u":"https://uploads.v.proxy.test/r{?name}"}`],
    [
      ["u"],
      `{"u":null,"u":1,"u":["${HERE}"],"u":{"u":"${HERE}"},"u":"${HERE}"}`,
      `{"u":null,"u":1,"u":["${HERE}"],"u":{"u":"${HERE}"},"u":"${THERE}"}`,
    ],
    [["u"], `{"u":"${HERE}"}\n{"u":"${HERE}"}\n`, `{"u":"${THERE}"}\n{"u":"${THERE}"}\n`],
    [
      ["u"],
      `{"a":"\\\\","u":"${HERE}","b":"\\\\\\"{","u":"${HERE}"}`,
      `{"a":"\\\\","u":"${THERE}","b":"\\\\\\"{","u":"${THERE}"}`,
    ],
    [["u", "u.v"], `{"u":{"v":"${HERE}"},"u":"${HERE}"}`, `{"u":{"v":"${THERE}"},"u":"${THERE}"}`],
    [["k"], `{"k":"${HERE}`, null],
    [[], `{"u":"${HERE}"}`, null],
  ])("%# rewrites %j in %s", (members, input, expected) => {
    for (const sizes of [[1 << 20], [1], [3, 7]]) {
      expect(rewritten(members, input, sizes)).toBe(latin1(expected ?? input));
    }
  });

  it.each([
    "https://proxy.test/conn_b/x",
    "HTTP://Proxy.Test/conn_b/x",
    "https:\\/\\/proxy.test\\/conn_b",
    "//proxy.test/.relaykey/whoami",
    "https://proxy.test/conn_v/../conn_b/x",
    "https://user@proxy.test:443/conn_b",
    " ht\\ttps://proxy.test/conn_b",
    "https:/conn_b/x",
  ])("takes out a URL of another part of the proxy: %s", (url) => {
    const input = `{"next":"${url}","other":"${url}"}`;
    for (const sizes of [[1 << 20], [1]]) {
      expect(rewritten(["next"], input, sizes)).toBe(latin1(`{"next":"","other":"${url}"}`));
    }
  });

  it.each(["https://proxy.test/conn_v/x", "/conn_b/x", "/w0KGgo=", "cursor", "https://proxy.test.evil.example/conn_b"])(
    "leaves what is a cursor, or leads to this connection or elsewhere: %s",
    (url) => {
      const passed = url.startsWith("/") ? `/conn_v${url}` : url;
      expect(rewritten(["next"], `{"next":"${url}"}`)).toBe(`{"next":"${passed}"}`);
    },
  );

  it.each([
    "",
    "plain text",
    `"${HERE}"`,
    "<html>{</html>",
    "}}}]]]",
    '{"u":"\\',
    '{"u":"\\ud800"}',
    '{"u":"\\x"}',
    '{"u" "u" "u"',
    ",,,:::",
  ])("passes %j unchanged", (input) => {
    for (const sizes of [[1 << 20], [1]]) expect(rewritten(["u", "*.u"], input, sizes)).toBe(latin1(input));
  });

  it("passes any bytes unchanged when no URL of the vendor's is in them, however they are cut", () => {
    const soup = fc
      .string({ unit: fc.constantFrom(...'{}[]",:\\u/ n1é\n') })
      .map((text) => new Uint8Array(Buffer.from(text)));
    const cuts = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(fc.oneof(soup, fc.uint8Array()), cuts, (bytes, sizes) => {
        const map = { ...ROOT, proxyBase: "https://proxy.test" };
        const rewriter = new JsonUrlRewriter(["u", "*.u", "a[].b"], () => ({
          ...map,
          upstreamBase: "https://api.vendor.com/base",
        }));
        const out: Uint8Array[] = [];
        for (let at = 0, turn = 0; at < bytes.length; at += sizes[turn++ % sizes.length] ?? 1) {
          out.push(rewriter.push(bytes.subarray(at, at + (sizes[turn % sizes.length] ?? 1))));
        }
        expect(Buffer.concat([...out, rewriter.end()])).toEqual(Buffer.from(bytes));
      }),
      { numRuns: 1_000 },
    );
  });

  it("agrees with parsing the whole text, and is indifferent to chunks", () => {
    const key = fc.constantFrom("u", "a", "b", "é", 'q"');
    const text = fc.oneof(fc.constantFrom(HERE, "/x", "https://cdn.test/", 'a"b\\', "é\u2028"), fc.string());
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof({ maxDepth: 4 }, text, fc.constantFrom(null, true, 1.5), tie("array"), tie("object")),
      array: fc.array(tie("value"), { maxLength: 4 }),
      object: fc.dictionary(key, tie("value"), { maxKeys: 4 }),
    }));
    const paths = fc.uniqueArray(fc.constantFrom("u", "*", "a.u", "*.u", "a.*.b", "*.*", "é.a", "*.*.*.u"), {
      maxLength: 4,
    });
    const sizes = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 6 });
    const indent = fc.constantFrom(0, 2);
    fc.assert(
      fc.property(
        fc.oneof(fc.array(value), fc.dictionary(key, value)),
        paths,
        sizes,
        indent,
        (document, members, cuts, space) => {
          const input = JSON.stringify(document, null, space);
          const whole = rewritten(members, input);
          expect(rewritten(members, input, cuts)).toBe(whole);
          const expected = byParsing(
            document,
            members.map((member) => member.split(".")),
          );
          expect(JSON.parse(Buffer.from(whole, "latin1").toString("utf8"))).toEqual(expected);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it("holds back little: long values and keys pass unread", () => {
    const rewriter = new JsonUrlRewriter(["u"], () => ROOT);
    rewriter.push(Buffer.from('{"u":"https://api.vendor.com/'));
    let passed = 0;
    for (let at = 0; at < 100; at++) passed += rewriter.push(Buffer.alloc(1_000, 0x61)).length;
    expect(passed).toBeGreaterThan(95_000);
    const long = "k".repeat(20_000);
    const input = `{"${long}":"${HERE}","u":"${HERE}"}`;
    expect(rewritten(["u", long], input, [500])).toBe(`{"${long}":"${HERE}","u":"${THERE}"}`);
    const after = `{"u":"${HERE}","${long}":"${HERE}"}`;
    expect(rewritten(["u"], after, [500])).toBe(`{"u":"${THERE}","${long}":"${HERE}"}`);
  });

  it("bounds what it tracks in deep texts", () => {
    const deep = `${'{"a":'.repeat(50_000)}1${"}".repeat(50_000)}`;
    expect(rewritten(["a.a.u"], deep, [4_096])).toBe(deep);
    const after = `{"a":${"[".repeat(9_999)}${"]".repeat(9_999)},"u":"${HERE}"}`;
    expect(rewritten(["u"], after)).toBe(after.replace(HERE, THERE));
  });
});

/** What the rewriter promises, on a parsed document. */
function byParsing(value: unknown, paths: readonly (readonly string[])[]): unknown {
  if (typeof value === "string") {
    return paths.some((path) => path.length === 0) &&
      (value.startsWith("https://api.vendor.com/") || /^\/(?![/\\])/.test(value))
      ? rewriteLocation(value, ROOT)
      : value;
  }
  const into = (name: string | null) =>
    paths.filter((path) => path.length > 0 && (path[0] === "*" || path[0] === name)).map((path) => path.slice(1));
  if (Array.isArray(value)) return value.map((element) => byParsing(element, into(null)));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, byParsing(member, into(name))]));
}
