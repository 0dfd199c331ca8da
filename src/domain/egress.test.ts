import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkBaseUrl, checkEgressUrl, MAX_URL_CHARS, sameEgress } from "./egress.ts";

const STRICT = { allowPrivate: false };
const LOCAL = { allowPrivate: true };

function problemOf(text: string, options = STRICT): string | null {
  const result = checkBaseUrl(text, options);
  return result.ok ? null : result.error.problem;
}

describe("checkBaseUrl accepts", () => {
  it.each([
    ["https://api.vendor.com", "https://api.vendor.com", ""],
    ["https://api.vendor.com/", "https://api.vendor.com", ""],
    ["HTTPS://API.Vendor.com:443/v1/", "https://api.vendor.com/v1", "/v1"],
    ["https://api.vendor.com:8443/client/v4", "https://api.vendor.com:8443/client/v4", "/client/v4"],
    ["https://xn--mller-kva.de/a~b/v1.0", "https://xn--mller-kva.de/a~b/v1.0", "/a~b/v1.0"],
    ["https://8.8.8.8/x", "https://8.8.8.8/x", "/x"],
    ["https://[2606:4700::1111]/", "https://[2606:4700::1111]", ""],
    ["https://shop_1.vendor.com", "https://shop_1.vendor.com", ""],
  ])("%s", (text, href, basePath) => {
    expect(checkBaseUrl(text, STRICT)).toEqual({ ok: true, value: { href, origin: new URL(href).origin, basePath } });
  });

  it("what it gave, unchanged", () => {
    const host = fc.constantFrom("api.vendor.com", "a.b-c.io:8443", "9.9.9.9", "[2606:4700::1111]");
    const path = fc.array(fc.string({ unit: fc.constantFrom(..."aZ0-_~.:@"), minLength: 1, maxLength: 5 }), {
      maxLength: 4,
    });
    fc.assert(
      fc.property(host, path, fc.boolean(), (name, segments, slash) => {
        const text = `https://${name}${segments.map((segment) => `/${segment}`).join("")}${slash ? "/" : ""}`;
        const first = checkBaseUrl(text, STRICT);
        if (!first.ok) return;
        expect(checkBaseUrl(first.value.href, STRICT)).toEqual(first);
        expect(first.value.href).toBe(first.value.origin + first.value.basePath);
        expect(new URL(`${first.value.href}/x`).pathname).toBe(`${first.value.basePath}/x`);
      }),
    );
  });
});

/** Every spelling of an IPv4 address that some parser somewhere reads. */
function ipv4Spellings(bytes: readonly [number, number, number, number]): string[] {
  const [a, b, c, d] = bytes;
  const number = ((a * 256 + b) * 256 + c) * 256 + d;
  const dotted = bytes.join(".");
  const hex = (value: number) => value.toString(16);
  const full = (text: string) =>
    [...text].map((char) => (/[0-9]/.test(char) ? String.fromCharCode(char.charCodeAt(0) + 0xfee0) : char)).join("");
  const tail = `${hex(a * 256 + b)}:${hex(c * 256 + d)}`;
  return [
    dotted,
    `${dotted}.`,
    `${number}`,
    `0x${hex(number)}`,
    `0${number.toString(8)}`,
    `0x${hex(a)}.0x${hex(b)}.0x${hex(c)}.0x${hex(d)}`,
    `0${a.toString(8)}.0${b.toString(8)}.0${c.toString(8)}.0${d.toString(8)}`,
    `000${a}.${b}.${c}.${d}`,
    `${a}.${(b * 256 + c) * 256 + d}`,
    `${a}.${b}.${c * 256 + d}`,
    full(dotted),
    dotted.replaceAll(".", "。"),
    dotted.replaceAll(".", "．"),
    dotted.replaceAll(".", "%2e"),
    `%${hex(dotted.charCodeAt(0))}${dotted.slice(1)}`,
    `[::ffff:${dotted}]`,
    `[::ffff:${tail}]`,
    `[0:0:0:0:0:ffff:${tail}]`,
    `[::${dotted}]`,
    `[::${tail}]`,
    `[64:ff9b::${dotted}]`,
    `[64:ff9b::${tail}]`,
    `[64:ff9b:1::${tail}]`,
    `[2002:${tail}::1]`,
    `[2001:0:${tail}::1]`,
    `[2606:4700::5efe:${tail}]`,
    `[fe80::5efe:${tail}]`,
    `${dotted}.nip.io`,
    `a.${dotted.replaceAll(".", "-")}.sslip.io`,
    `user@${dotted}`,
    `api.vendor.com@${dotted}`,
    `${dotted}\\@api.vendor.com`,
    `${dotted}#@api.vendor.com`,
    `${dotted}\t`,
    `\u200b${dotted}`,
  ];
}

const PRIVATE = [
  [127, 0, 0, 1],
  [127, 255, 255, 254],
  [10, 0, 0, 1],
  [172, 16, 0, 1],
  [172, 31, 255, 255],
  [192, 168, 1, 1],
  [100, 64, 0, 1],
  [100, 100, 100, 200],
  [169, 254, 169, 254],
  [169, 254, 170, 2],
  [168, 63, 129, 16],
  [0, 0, 0, 0],
  [0, 1, 2, 3],
  [192, 0, 0, 192],
  [192, 0, 2, 1],
  [198, 18, 0, 1],
  [198, 19, 255, 255],
  [198, 51, 100, 1],
  [203, 0, 113, 1],
  [192, 88, 99, 1],
  [224, 0, 0, 1],
  [239, 255, 255, 255],
  [240, 0, 0, 1],
  [255, 255, 255, 255],
] as const;

describe("checkBaseUrl refuses", () => {
  it.each(PRIVATE.map((bytes) => [bytes.join("."), bytes] as const))("%s in every spelling", (_, bytes) => {
    for (const host of ipv4Spellings(bytes)) {
      for (const path of ["", "/", ":443/v1", ":8080"]) {
        expect({ host, problem: problemOf(`https://${host}${path}`) }).not.toEqual({ host, problem: null });
        expect(checkEgressUrl(`https://${host}${path}`, STRICT).ok).toBe(false);
      }
    }
  });

  it("every address of the refused blocks, whatever spelling the URL parser reads", () => {
    const address = fc.constantFrom(...PRIVATE);
    fc.assert(
      fc.property(address, fc.nat(255), fc.nat(50), (bytes, last, at) => {
        const block24 = [bytes[0], bytes[1], bytes[2], last] as const;
        // Blocks of single addresses are left out of the walk over their neighbours.
        fc.pre(![168, 100].includes(bytes[0]) || bytes[3] === last || bytes[1] === 64);
        fc.pre(bytes[0] !== 192 || bytes[1] !== 0 || bytes[2] === 0 || bytes[2] === 2);
        const spellings = ipv4Spellings(block24);
        expect(problemOf(`https://${spellings[at % spellings.length]}/`)).not.toBeNull();
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([
    "https://[::1]",
    "https://[::]",
    "https://[fe80::1]",
    "https://[fec0::1]",
    "https://[fc00::1]",
    "https://[fd12:3456::1]",
    "https://[fd00:ec2::254]",
    "https://[ff02::1]",
    "https://[100::1]",
    "https://[2001:db8::1]",
    "https://[3fff::1]",
    "https://[2001::1]",
    "https://[2002::1]",
    "https://[5f00::1]",
    "https://[fe80::1%25eth0]",
    "https://[::ffff:8.8.8.8]",
    "https://[::ffff:808:808]",
    "https://[64:ff9b::8.8.8.8]",
  ])("%s", (text) => {
    expect(problemOf(text)).not.toBeNull();
    expect(problemOf(`${text}:8443/x`)).not.toBeNull();
  });

  it.each([
    "localhost",
    "LOCALHOST",
    "localhost.",
    "a.localhost",
    "printer.local",
    "db.internal",
    "metadata.google.internal",
    "METADATA.google.internal",
    "metadata.goog",
    "router.home.arpa",
    "1.0.0.127.in-addr.arpa",
    "intranet",
    "db",
    "ⓛocalhost",
    "ｌｏｃａｌｈｏｓｔ",
    "localtest.me",
    "x.lvh.me",
    "api.vendor.com.",
    "api..vendor.com",
    ".vendor.com",
    "-vendor.com-",
    "",
    "api.vendor.123",
    "ä.vendor.com",
    "api.vendor.com%00.evil.com",
    "api.vendor%2ecom",
    "*.vendor.com",
  ])("the host %j", (host) => {
    expect(problemOf(`https://${host}/`)).not.toBeNull();
  });

  it.each([
    ["http://api.vendor.com", "scheme"],
    ["ftp://api.vendor.com", "scheme"],
    ["wss://api.vendor.com", "scheme"],
    ["javascript://api.vendor.com", "scheme"],
    ["https://user@api.vendor.com", "userinfo"],
    ["https://user:pw@api.vendor.com", "userinfo"],
    ["https://@api.vendor.com", "userinfo"],
    ["https://api.vendor.com?", "query"],
    ["https://api.vendor.com/v1?a=1", "query"],
    ["https://api.vendor.com/v1#x", "fragment"],
    ["https://api.vendor.com/#", "fragment"],
    ["https://api.vendor.com/v1//x", "path"],
    ["https://api.vendor.com//", "path"],
    ["https://api.vendor.com/../x", "path"],
    ["https://api.vendor.com/./x", "path"],
    ["https://api.vendor.com/a/..", "path"],
    ["https://api.vendor.com/%2e%2e/x", "path"],
    ["https://api.vendor.com/a%2fb", "path"],
    ["https://api.vendor.com/a;b", "path"],
    ["https://api.vendor.com:0/", "port"],
    ["https://api.vendor.com:/", "port"],
    ["https://api.vendor.com:99999/", "not_a_url"],
    ["https:api.vendor.com", "not_a_url"],
    ["https:/api.vendor.com", "not_a_url"],
    ["https:\\\\api.vendor.com", "not_a_url"],
    ["https://api.vendor.com\\x", "not_a_url"],
    ["//api.vendor.com", "not_a_url"],
    ["api.vendor.com", "not_a_url"],
    [" https://api.vendor.com", "not_a_url"],
    ["https://api.vendor.com/a b", "not_a_url"],
    ["https://api.vendor.com/\n", "not_a_url"],
    ["", "not_a_url"],
    [`https://api.vendor.com/${"a".repeat(MAX_URL_CHARS)}`, "too_long"],
    ["https://134744072/", "host"],
    ["https://[2606:4700:0:0::1111]/", "host"],
  ])("%j (%s)", (text, problem) => {
    expect(problemOf(text)).toBe(problem);
  });

  it("never throws", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.webUrl(),
          fc.string().map((text) => `https://${text}`),
        ),
        (text) => {
          checkBaseUrl(text, STRICT);
          checkEgressUrl(text, LOCAL);
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

describe("allowPrivate", () => {
  it.each([
    "http://127.0.0.1:8790",
    "http://localhost:8790/v1",
    "https://10.0.0.1",
    "http://[::1]:8790",
    "http://vendor:8080",
    "http://db.internal",
    "http://api.vendor.com",
  ])("opens %s", (text) => {
    expect(problemOf(text, LOCAL)).toBeNull();
    expect(problemOf(text)).not.toBeNull();
  });

  it.each([
    "http://169.254.169.254",
    "http://metadata.google.internal",
    "http://100.100.100.200",
    "http://[fd00:ec2::254]",
    "http://0.0.0.0:8790",
    "http://224.0.0.1",
    "http://[fe80::1]",
    "http://[::ffff:127.0.0.1]",
    "http://[::ffff:7f00:1]",
    "http://2130706433",
    "http://user@localhost",
    "ftp://localhost",
  ])("does not open %s", (text) => {
    expect(problemOf(text, LOCAL)).not.toBeNull();
  });
});

describe("checkEgressUrl", () => {
  it("allows a query and gives the canonical form", () => {
    expect(checkEgressUrl("https://Auth.Vendor.com:443/token?x=1&y=%2F", STRICT)).toEqual({
      ok: true,
      value: "https://auth.vendor.com/token?x=1&y=%2F",
    });
  });

  it("takes paths that a base URL may not have, but none that the parser would change", () => {
    for (const text of ["https://hooks.vendor.com/a%2Fb;c//d", "https://hooks.vendor.com/%7Ex"]) {
      expect(checkEgressUrl(text, STRICT)).toEqual({ ok: true, value: text });
      expect(problemOf(text)).toBe("path");
    }
    for (const path of ["/a/../b", "/a/%2e%2e/b", "/.", '/"', "/{x}"]) {
      expect(checkEgressUrl(`https://hooks.vendor.com${path}`, STRICT).ok).toBe(false);
    }
  });

  it("refuses what a base URL may not be either", () => {
    for (const text of [
      "https://a@b.com/",
      "https://127.0.0.1/?x",
      "https://b.com/#",
      "http://b.com",
      "https://b.com/..?",
    ]) {
      expect(checkEgressUrl(text, STRICT).ok).toBe(false);
    }
  });
});

describe("sameEgress", () => {
  const base = { href: "https://api.vendor.com/v1", origin: "https://api.vendor.com", basePath: "/v1" };

  it("holds below the base alone", () => {
    for (const url of [
      "https://api.vendor.com/v1",
      "https://api.vendor.com/v1/x?y",
      "https://API.vendor.com:443/v1/",
    ]) {
      expect(sameEgress(url, base)).toBe(true);
    }
    const outside = [
      "http://api.vendor.com/v1",
      "https://api.vendor.com:8443/v1",
      "https://api.vendor.com/v2",
      "https://api.vendor.com/v10",
      "https://api.vendor.com/v1/../v2",
      "https://api.vendor.com/v1/%2e%2e/v2",
      "https://api.vendor.com.evil.com/v1",
      "https://evil.com/v1",
      "https://u@api.vendor.com/v1",
      "https://api.vendor.com@evil.com/v1",
      "//api.vendor.com/v1",
      "/v1",
      "",
    ];
    for (const url of outside) expect(sameEgress(url, base)).toBe(false);
  });

  it("agrees with the origin that fetch would use", () => {
    fc.assert(
      fc.property(fc.string(), (rest) => {
        const url = `https://api.vendor.com${rest}`;
        const same = sameEgress(url, { ...base, basePath: "" });
        if (same) expect(new URL(url).origin).toBe(base.origin);
        if (rest.startsWith("/") && !rest.startsWith("/\\")) expect(same).toBe(true);
      }),
    );
  });
});
