import { isIP } from "node:net";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  blockContains,
  canonicalAddress,
  clientAddress,
  formatAddress,
  formatBlock,
  parseAddress,
  parseBlock,
  trustKey,
} from "./address.ts";

const ipv4 = fc.ipV4();
const ipv6 = fc.ipV6();
const bytes16 = fc.array(fc.constantFrom(0, 0, 0, 1, 16, 255, 171), { minLength: 16, maxLength: 16 });

describe("canonicalAddress", () => {
  it.each([
    ["203.0.113.7", "203.0.113.7"],
    ["2001:DB8:0:0:0:0:0:1", "2001:db8::1"],
    ["2001:db8:0:1:0:0:0:1", "2001:db8:0:1::1"],
    ["2001:0:0:1:0:0:1:1", "2001::1:0:0:1:1"],
    ["1:0:3:4:5:6:7:8", "1:0:3:4:5:6:7:8"],
    ["0:0:0:0:0:0:0:0", "::"],
    ["::", "::"],
    ["1::", "1::"],
    ["::1", "::1"],
    ["1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"],
    ["::ffff:203.0.113.7", "203.0.113.7"],
    ["::FFFF:cb00:7107", "203.0.113.7"],
    ["0:0:0:0:0:ffff:1.2.3.4", "1.2.3.4"],
    ["64:ff9b::1.2.3.4", "64:ff9b::102:304"],
  ])("writes %s as %s", (text, canonical) => {
    expect(canonicalAddress(text)).toBe(canonical);
  });

  it.each([
    "",
    "1.2.3",
    "1.2.3.4.5",
    "1.2.3.04",
    "01.2.3.4",
    "1.2.3.256",
    "0x7f.0.0.1",
    "2130706433",
    "127.1",
    "1.2.3.4 ",
    "１.2.3.4",
    ":",
    ":::",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7:8::",
    "::1::",
    "12345::",
    "g::",
    "fe80::1%eth0",
    "[::1]",
    "1.2.3.4::",
    "::1.2.3.4:5",
    "1:2:3:4:5:6:7:1.2.3.4",
    ":1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:",
  ])("refuses %j", (text) => {
    expect(canonicalAddress(text)).toBeNull();
  });

  it("agrees with the platform about what is an address", () => {
    const text = fc.oneof(ipv4, ipv6, fc.string({ unit: fc.constantFrom(..."0123f:.%"), maxLength: 20 }));
    fc.assert(
      fc.property(text, (candidate) => {
        expect(canonicalAddress(candidate) !== null).toBe(isIP(candidate) !== 0 && !candidate.includes("%"));
      }),
      { numRuns: 3_000 },
    );
  });

  it("agrees with the URL parser about how IPv6 is written", () => {
    fc.assert(
      fc.property(bytes16, (bytes) => {
        const mapped = bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 255 && bytes[11] === 255;
        fc.pre(!mapped);
        const long = Array.from({ length: 8 }, (_, at) =>
          ((bytes[at * 2]! << 8) | bytes[at * 2 + 1]!).toString(16),
        ).join(":");
        expect(`[${formatAddress(bytes)}]`).toBe(new URL(`http://[${long}]/`).hostname);
        expect(parseAddress(long)).toEqual(bytes);
        expect(canonicalAddress(formatAddress(bytes))).toBe(formatAddress(bytes));
      }),
    );
  });
});

describe("trustKey", () => {
  it("is the IPv4 address itself and the /64 of an IPv6 address", () => {
    expect(trustKey("203.0.113.7")).toBe("203.0.113.7");
    expect(trustKey("::ffff:203.0.113.7")).toBe("203.0.113.7");
    expect(trustKey("2001:db8:1:2:3:4:5:6")).toBe("2001:db8:1:2::/64");
    expect(trustKey("2001:db8::1")).toBe("2001:db8::/64");
    expect(() => trustKey("localhost")).toThrow(RangeError);
  });

  it("is a block that contains its address", () => {
    fc.assert(
      fc.property(fc.oneof(ipv4, ipv6), (ip) => {
        const block = parseBlock(trustKey(ip));
        expect(block !== null && blockContains(block, ip)).toBe(true);
        expect(block !== null && formatBlock(block)).toBe(trustKey(ip));
      }),
    );
  });
});

describe("blocks", () => {
  it.each([
    "10.0.0.1/8",
    "10.0.0.0/33",
    "10.0.0.0/-1",
    "10.0.0.0/08",
    "10.0.0.0/",
    "/8",
    "10.0.0.0/8/8",
    "10.0.0.0/ 8",
    "2001:db8::/129",
    "2001:db8::1/64",
    "::ffff:10.0.0.0/104",
    "::ffff:10.0.0.0/8",
    "",
    "*",
  ])("refuse %j", (text) => {
    expect(parseBlock(text)).toBeNull();
  });

  it("contain what lies between their ends", () => {
    const block = parseBlock("203.0.113.64/26");
    const inside = ["203.0.113.64", "203.0.113.127", "::ffff:203.0.113.100"];
    const outside = ["203.0.113.63", "203.0.113.128", "::203.0.113.100", "nonsense"];
    for (const ip of inside) expect(block !== null && blockContains(block, ip)).toBe(true);
    for (const ip of outside) expect(block !== null && blockContains(block, ip)).toBe(false);
    const all = parseBlock("0.0.0.0/0");
    expect(all !== null && blockContains(all, "255.255.255.255")).toBe(true);
    expect(all !== null && blockContains(all, "::1")).toBe(false);
    const six = parseBlock("102:304::/32");
    expect(six !== null && blockContains(six, "102:304::1")).toBe(true);
    expect(six !== null && blockContains(six, "1.2.3.4")).toBe(false);
  });

  it("agree with a reference on integers", () => {
    fc.assert(
      fc.property(
        fc.nat(0xffffffff),
        fc.nat(0xffffffff),
        fc.integer({ min: 0, max: 32 }),
        fc.boolean(),
        (a, b, bits, near) => {
          const size = 2 ** (32 - bits);
          const start = Math.floor(a / size) * size;
          const probe = near ? (start + (b % (2 * size))) % 2 ** 32 : b;
          const dotted = (value: number) =>
            [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");
          const block = parseBlock(`${dotted(start)}/${bits}`);
          expect(block !== null && blockContains(block, dotted(probe))).toBe(probe >= start && probe < start + size);
        },
      ),
    );
  });
});

describe("clientAddress", () => {
  const from = (headers: Record<string, string>, local = false) => clientAddress(new Headers(headers), local);

  it("believes the edge and nobody else", () => {
    expect(from({ "cf-connecting-ip": "203.0.113.7", "x-forwarded-for": "198.51.100.1" })).toEqual({
      ip: "203.0.113.7",
      viaWorker: false,
    });
    expect(from({ "x-forwarded-for": "198.51.100.1", "x-real-ip": "198.51.100.1", forwarded: "for=1.1.1.1" })).toEqual({
      ip: null,
      viaWorker: false,
    });
  });

  it("has no address for what it cannot read, locally too", () => {
    for (const text of ["", "nonsense", "1.2.3.4, 5.6.7.8", "1.2.3.4:80"]) {
      expect(from({ "cf-connecting-ip": text }).ip).toBeNull();
      expect(from({ "cf-connecting-ip": text }, true).ip).toBeNull();
    }
    expect(from({}, true)).toEqual({ ip: "127.0.0.1", viaWorker: false });
    expect(from({}, false).ip).toBeNull();
  });

  it("knows requests that came through another Worker", () => {
    expect(from({ "cf-connecting-ip": "203.0.113.7", "cf-worker": "other.test" }).viaWorker).toBe(true);
    expect(from({ "cf-connecting-ip": "2a06:98c0:3600::103" }).viaWorker).toBe(true);
    expect(from({ "cf-connecting-ip": "2A06:98C0:3600:0:0:0:0:0103" }).viaWorker).toBe(true);
    expect(from({ "cf-connecting-ip": "2a06:98c0:3601::103" }).viaWorker).toBe(false);
  });
});
