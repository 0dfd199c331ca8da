import { createHmac } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BASE62_DIGITS } from "./encoding.ts";
import {
  containsToken,
  hashToken,
  looksLikeToken,
  mintToken,
  parsePeppers,
  parseToken,
  type Pepper,
  redactTokens,
  verifyTokenHash,
} from "./token.ts";

const PREFIXES = ["rk_proxy_", "vk_", "rk_mgmt_owner_", "rk_mgmt_admin_", "rk_mgmt_provisioner_", "rk_mgmt_auditor_"];
const current: Pepper = { id: "p2", key: new Uint8Array(32).fill(2) };
const previous: Pepper = { id: "p1", key: new Uint8Array(32).fill(1) };
const stranger: Pepper = { id: "p1", key: new Uint8Array(32).fill(9) };

/** A deterministic byte source that runs through all values, those refused by rejection sampling included. */
function source(seed: number): (length: number) => Uint8Array {
  let state = seed >>> 0;
  return (length) =>
    Uint8Array.from({ length }, () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state >>> 24;
    });
}

const seeds = fc.integer({ min: 0, max: 0xffffffff });
const prefixes = fc.constantFrom(...PREFIXES);

describe("mintToken and parseToken", () => {
  it("read back what was made, under the current and under an older pepper", () => {
    fc.assert(
      fc.property(seeds, prefixes, (seed, prefix) => {
        const made = mintToken(prefix, source(seed), previous);
        const parsed = parseToken(made.token, [current, previous]);
        expect(parsed).toMatchObject({ lookupId: made.lookupId, token: made.token });
        expect(made.token).toMatch(new RegExp(`^${prefix}[0-9A-Za-z]{67}$`));
        expect(made.lookupId).toHaveLength(16);
        expect(made.pepperId).toBe("p1");
        expect(verifyTokenHash(made.token, [made], [current, previous])).toBe(true);
      }),
    );
  });

  it("name the class and the role", () => {
    const kinds = PREFIXES.map((prefix) => parseToken(mintToken(prefix, source(7), current).token, [current]));
    expect(kinds.map((parsed) => parsed?.kind)).toEqual([
      "proxy",
      "virtual",
      "management",
      "management",
      "management",
      "management",
    ]);
    expect(kinds.map((parsed) => parsed?.role)).toEqual([
      undefined,
      undefined,
      "owner",
      "admin",
      "provisioner",
      "auditor",
    ]);
  });

  it("refuse a token with any one character changed, its class included", () => {
    fc.assert(
      fc.property(seeds, prefixes, fc.nat(), fc.nat(60), (seed, prefix, at, shift) => {
        const { token } = mintToken(prefix, source(seed), current);
        const index = prefix.length + (at % 67);
        const digit = BASE62_DIGITS.charAt((BASE62_DIGITS.indexOf(token.charAt(index)) + 1 + shift) % 62);
        expect(parseToken(token.slice(0, index) + digit + token.slice(index + 1), [current, previous])).toBeNull();
        for (const other of PREFIXES) {
          if (other !== prefix) expect(parseToken(other + token.slice(prefix.length), [current])).toBeNull();
        }
      }),
    );
  });

  it("refuse a token made under a pepper that is gone, or under none", () => {
    const { token } = mintToken("vk_", source(1), stranger);
    expect(parseToken(token, [current, previous])).toBeNull();
    expect(parseToken(token, [])).toBeNull();
  });

  it.each([
    "",
    "vk_",
    "rk_proxy_",
    `rk_mgmt_root_${"a".repeat(67)}`,
    `RK_PROXY_${"a".repeat(67)}`,
    `vk_${"é".repeat(67)}`,
  ])("refuse %j", (text) => {
    expect(parseToken(text, [current])).toBeNull();
  });

  it("refuse text around a good token", () => {
    const { token } = mintToken("rk_proxy_", source(3), current);
    for (const text of [` ${token}`, `${token} `, `${token}\n`, `${token}0`, token.slice(0, -1), token + token]) {
      expect(parseToken(text, [current])).toBeNull();
    }
  });

  it("refuse a prefix that is no token's and a source without entropy", () => {
    expect(() => mintToken("sk_", source(1), current)).toThrow(RangeError);
    expect(() => mintToken("vk_", (length) => new Uint8Array(length).fill(255), current)).toThrow(/random source/);
  });

  it("spread the digits evenly", () => {
    const counts = new Map<string, number>();
    for (let seed = 0; seed < 400; seed++) {
      for (const digit of mintToken("vk_", source(seed * 7_919), current).token.slice(3, -8)) {
        counts.set(digit, (counts.get(digit) ?? 0) + 1);
      }
    }
    const expected = (400 * 59) / 62;
    expect(counts.size).toBe(62);
    for (const count of counts.values()) expect(Math.abs(count - expected)).toBeLessThan(expected * 0.35);
  });
});

describe("hashes", () => {
  it("are HMAC-SHA-256 under the pepper", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const expected = createHmac("sha256", current.key).update(text.toWellFormed()).digest("hex");
        expect(hashToken(text, current)).toBe(expected);
      }),
    );
  });

  it("match only under the pepper they name", () => {
    const { token, hash } = mintToken("vk_", source(5), current);
    expect(verifyTokenHash(token, [{ hash, pepperId: "p1" }], [current, previous])).toBe(false);
    expect(verifyTokenHash(token, [{ hash, pepperId: "gone" }], [current, previous])).toBe(false);
    expect(verifyTokenHash(token, [], [current])).toBe(false);
    expect(
      verifyTokenHash(
        token,
        [
          { hash: "", pepperId: "p2" },
          { hash, pepperId: "p2" },
        ],
        [current],
      ),
    ).toBe(true);
    expect(verifyTokenHash(`${token}0`, [{ hash, pepperId: "p2" }], [current])).toBe(false);
  });
});

describe("recognition", () => {
  it("sees every token and redacts it anywhere", () => {
    fc.assert(
      fc.property(seeds, prefixes, fc.string(), fc.string(), (seed, prefix, before, after) => {
        const { token } = mintToken(prefix, source(seed), current);
        const secret = token.slice(prefix.length + 16);
        expect(looksLikeToken(token)).toBe(true);
        expect(containsToken(`${before}${token}${after}`)).toBe(true);
        const redacted = redactTokens(`${before}${token}${after}`);
        expect(redacted).not.toContain(secret);
        expect(containsToken(redactTokens(token))).toBe(false);
        expect(redactTokens(redacted)).toBe(redacted);
      }),
    );
  });

  it("leaves other text alone", () => {
    for (const text of ["", "vk_group_12", "task_rk", "rk_live", "work_vk_1", "prk_proxy", "bearer of news"]) {
      expect(redactTokens(text)).toBe(text);
      expect(looksLikeToken(text)).toBe(false);
    }
  });
});

describe("parsePeppers", () => {
  const key = (byte: number) => Buffer.alloc(32, byte).toString("base64url");

  it("reads one to four keys, current first", () => {
    const text = ["k4", "k3", "k2", "k1"].map((id, at) => `${id}:${key(at)}`).join(", ");
    const result = parsePeppers(text);
    expect(result.ok && result.value.map((pepper) => pepper.id)).toEqual(["k4", "k3", "k2", "k1"]);
    expect(result.ok && result.value[1]?.key).toEqual(new Uint8Array(32).fill(1));
  });

  it.each([
    "",
    "k1",
    "k1:",
    `:${key(1)}`,
    `K1:${key(1)}`,
    `toolongid:${key(1)}`,
    `k1:${key(1)}=`,
    `k1:${key(1).slice(1)}`,
    `k1:${key(1)}A`,
    `k1:${key(1)},`,
    `k1:${key(1)},k1:${key(2)}`,
    ["a", "b", "c", "d", "e"].map((id) => `${id}:${key(1)}`).join(","),
  ])("refuses a malformed list (%#) without quoting it", (text) => {
    const result = parsePeppers(text);
    expect(result.ok).toBe(false);
    if (!result.ok) expect(result.error).not.toContain(key(1).slice(0, 20));
  });
});
