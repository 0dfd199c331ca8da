import { secp256k1 } from "@noble/curves/secp256k1";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { recoverKey } from "./ecdsa-recover.ts";
import { ORDER } from "./secp256k1.ts";

const { Point, N } = { Point: secp256k1.ProjectivePoint, N: secp256k1.CURVE.n };
const word = (value: bigint): string => value.toString(16).padStart(64, "0");

/** What the library's own routine finds, or null. */
function reference(hash: bigint, r: bigint, s: bigint, odd: boolean): { x: bigint; y: bigint } | null {
  try {
    const signature = secp256k1.Signature.fromCompact(word(r) + word(s)).addRecoveryBit(odd ? 1 : 0);
    const { x, y } = signature.recoverPublicKey(word(hash)).toAffine();
    return { x, y };
  } catch {
    return null;
  }
}

const bits256 = fc.bigInt({ min: 0n, max: 2n ** 256n - 1n });
const scalar = fc.oneof(
  fc.bigInt({ min: 1n, max: N - 1n }),
  fc.constantFrom(1n, 2n, 3n, N - 1n, N - 2n, N >> 1n, 2n ** 128n, 2n ** 128n - 1n, 2n ** 255n),
);

describe("the recovered key", () => {
  it("is the one that signed", () => {
    fc.assert(
      fc.property(scalar, bits256, (secret, hash) => {
        const signature = secp256k1.sign(word(hash), word(secret));
        const { x, y } = Point.BASE.multiply(secret).toAffine();
        expect(recoverKey(hash, signature.r, signature.s, signature.recovery === 1)).toEqual({ x, y });
      }),
      { numRuns: 60 },
    );
  });

  it("is what the library finds, for any numbers whatever", () => {
    fc.assert(
      fc.property(bits256, scalar, scalar, fc.boolean(), (hash, r, s, odd) => {
        expect(recoverKey(hash, r, s, odd)).toEqual(reference(hash, r, s, odd));
      }),
      { numRuns: 60 },
    );
  });

  it("is none where the factors meet at infinity, at one point or at its opposite", () => {
    const g = Point.BASE.toAffine();
    const odd = (g.y & 1n) === 1n;
    // R = G and s = h: h/r·G − h/r·G.
    expect(recoverKey(7n, g.x, 7n, odd)).toBe(null);
    for (const [hash, s] of [
      [0n, 5n],
      [N, 5n],
      [N - 7n, 7n],
      [7n, N - 7n],
      [1n, 2n],
      [2n, 1n],
    ] as const) {
      for (const parity of [odd, !odd]) {
        expect(recoverKey(hash, g.x, s, parity), `${hash} ${s}`).toEqual(reference(hash, g.x, s, parity));
      }
    }
  });

  it("is none where the abscissa is on no point", () => {
    // 5³ + 7 is no square.
    expect(recoverKey(1n, 5n, 1n, false)).toBe(null);
    expect(ORDER).toBe(N);
  });
});
