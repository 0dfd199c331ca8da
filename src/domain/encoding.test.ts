import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decodeBase62,
  decodeBase64,
  decodeBase64Unpadded,
  decodeBase64Url,
  encodeBase62,
  encodeBase64,
  encodeBase64Url,
  encodeHex,
  equalBytes,
  equalText,
  utf8,
  utf8Text,
} from "./encoding.ts";

const bytes = fc.uint8Array({ maxLength: 70 });

describe("encodings", () => {
  it("agree with Node's own encoders", () => {
    fc.assert(
      fc.property(bytes, (value) => {
        expect(encodeHex(value)).toBe(Buffer.from(value).toString("hex"));
        expect(encodeBase64(value)).toBe(Buffer.from(value).toString("base64"));
        expect(encodeBase64Url(value)).toBe(Buffer.from(value).toString("base64url"));
      }),
    );
  });

  it("come back as the same bytes", () => {
    fc.assert(
      fc.property(bytes, (value) => {
        expect(new Uint8Array(Buffer.from(encodeHex(value), "hex"))).toEqual(value);
        expect(decodeBase64(encodeBase64(value))).toEqual(value);
        expect(decodeBase64Url(encodeBase64Url(value))).toEqual(value);
        expect(decodeBase64Unpadded(encodeBase64(value))).toEqual(value);
        expect(decodeBase64Unpadded(encodeBase64(value).replaceAll("=", ""))).toEqual(value);
        expect(decodeBase62(encodeBase62(value, value.length * 2 + 1), value.length)).toEqual(value);
      }),
    );
  });

  it("are canonical: any text that decodes is the text that its bytes encode to", () => {
    const text = fc.oneof(
      fc.string({ maxLength: 12 }),
      fc.string({ unit: fc.constantFrom(..."ABab019+/-_=é"), maxLength: 12 }),
    );
    fc.assert(
      fc.property(text, (candidate) => {
        const plain = decodeBase64(candidate);
        if (plain !== null) expect(encodeBase64(plain)).toBe(candidate);
        const url = decodeBase64Url(candidate);
        if (url !== null) expect(encodeBase64Url(url)).toBe(candidate);
      }),
      { numRuns: 2_000 },
    );
  });

  it.each(["A", "AB=", "AA=", "A===", "AB==", "AAA", "AA==AA==", "AA AA", "-_-_", "====", "="])(
    "refuse base64 %j",
    (text) => {
      expect(decodeBase64(text)).toBeNull();
    },
  );

  it.each(["A", "AB", "AA==", "+/+/", "AAAAA", "é"])("refuse base64url %j", (text) => {
    expect(decodeBase64Url(text)).toBeNull();
  });

  it("refuse base62 that does not fit", () => {
    expect(decodeBase62("zz", 1)).toBeNull();
    expect(decodeBase62("-1", 1)).toBeNull();
    expect(() => encodeBase62(new Uint8Array([255, 255]), 2)).toThrow(RangeError);
  });

  it("read UTF-8 strictly", () => {
    expect(utf8Text(utf8("héllo €"))).toBe("héllo €");
    expect(utf8Text(new Uint8Array([0xc0, 0x80]))).toBeNull();
    expect(utf8Text(new Uint8Array([0xff]))).toBeNull();
  });
});

describe("comparison", () => {
  it("agrees with byte for byte equality", () => {
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        expect(equalBytes(a, b)).toBe(Buffer.compare(a, b) === 0);
        expect(equalBytes(a, Uint8Array.from(a))).toBe(true);
        expect(equalText(encodeHex(a), encodeHex(b))).toBe(Buffer.compare(a, b) === 0);
      }),
    );
  });

  it("sees one changed bit anywhere, and a missing end", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.nat(), fc.nat(7), (a, at, bit) => {
        const b = Uint8Array.from(a);
        const index = at % a.length;
        b[index] = (b[index] ?? 0) ^ (1 << bit);
        expect(equalBytes(a, b)).toBe(false);
        expect(equalBytes(a, a.subarray(1))).toBe(false);
      }),
    );
  });
});
