import { describe, expect, it } from "vitest";

import { encodeBase64Url } from "./encoding.ts";
import { openShare, sealedShareProblem, sealShare, shareStatus } from "./share.ts";

const key = new Uint8Array(32).map((_, at) => at);
const iv = new Uint8Array(12).fill(9);

describe("sealed shares", () => {
  it("open with the fragment's key only", async () => {
    const sealed = await sealShare("fake-token ✓", key, iv);
    expect(JSON.stringify(sealed)).not.toContain("fake-token");
    expect(await openShare(sealed, encodeBase64Url(key))).toEqual({ ok: true, value: "fake-token ✓" });
    for (const fragment of ["", encodeBase64Url(new Uint8Array(32)), encodeBase64Url(key).slice(1), "%%%"]) {
      expect(await openShare(sealed, fragment)).toEqual({ ok: false, error: "wrong_key" });
    }
  });

  it("do not open when they were altered", async () => {
    const sealed = await sealShare("fake-token", key, iv);
    const altered = {
      ...sealed,
      ciphertext: `${sealed.ciphertext[0] === "A" ? "B" : "A"}${sealed.ciphertext.slice(1)}`,
    };
    expect((await openShare(altered, encodeBase64Url(key))).ok).toBe(false);
  });

  it("are refused when they cannot be what they claim", async () => {
    const sealed = await sealShare("fake-token", key, iv);
    expect(sealedShareProblem(sealed)).toBeNull();
    expect(sealedShareProblem({ ...sealed, iv: "AAAA" })).toBe("iv");
    expect(sealedShareProblem({ ...sealed, ciphertext: "AAAA" })).toBe("ciphertext");
    expect(sealedShareProblem({ ...sealed, ciphertext: "A".repeat(9000) })).toBe("ciphertext");
    await expect(sealShare("x".repeat(5000), key, iv)).rejects.toThrow("too long");
    await expect(sealShare("x", key, new Uint8Array(11))).rejects.toThrow("IV");
  });
});

describe("shareStatus", () => {
  it("opens once, expires, can be withdrawn", () => {
    const state = { expiresAtMs: 100, openedAtMs: null, withdrawnAtMs: null };
    expect(shareStatus(state, 99)).toBe("waiting");
    expect(shareStatus(state, 100)).toBe("expired");
    expect(shareStatus({ ...state, openedAtMs: 50 }, 60)).toBe("opened");
    expect(shareStatus({ ...state, openedAtMs: 50, withdrawnAtMs: 55 }, 60)).toBe("withdrawn");
  });
});
