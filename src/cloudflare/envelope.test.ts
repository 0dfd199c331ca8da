import { describe, expect, it } from "vitest";
import type { SealedSecret } from "../domain/documents.ts";
import { EnvelopeError, open, rewrap, seal } from "./envelope.ts";
import type { EnvelopeContext, Keks } from "./envelope.ts";

const OLD = { id: "k1", key: new Uint8Array(32).fill(1) };
const NEW = { id: "k2", key: new Uint8Array(32).fill(2) };
const KEKS: Keks = [OLD];
const ROW: EnvelopeContext = { organisationId: "org_a", connectionId: "conn_a", credentialId: "ucred_a", version: 3 };
const PLAINTEXT = ["fake", "vendor", "key", "ü", "0123"].join("-");

describe("envelope", () => {
  it("opens what it sealed, and shows nothing of it", async () => {
    const sealed = await seal(PLAINTEXT, KEKS, ROW);
    expect(await open(sealed, KEKS, ROW)).toBe(PLAINTEXT);
    expect(await open(sealed, KEKS, ROW)).toBe(PLAINTEXT);
    expect(JSON.stringify(sealed)).not.toContain("vendor");
    expect(sealed.kekId).toBe("k1");
  });

  it("uses a fresh data key and fresh nonces each time", async () => {
    const a = await seal(PLAINTEXT, KEKS, ROW);
    const b = await seal(PLAINTEXT, KEKS, ROW);
    for (const member of ["wrappedKey", "wrapIv", "ciphertext", "iv"] as const) expect(a[member]).not.toBe(b[member]);
  });

  it("keeps a leading byte order mark and an empty secret as they are", async () => {
    for (const text of ["\uFEFFx", ""]) expect(await open(await seal(text, KEKS, ROW), KEKS, ROW)).toBe(text);
  });

  it("refuses a secret with any member changed, also once its data key is cached", async () => {
    const sealed = await seal(PLAINTEXT, KEKS, ROW);
    await open(sealed, KEKS, ROW);
    for (const member of ["wrappedKey", "wrapIv", "ciphertext", "iv"] as const) {
      const value = sealed[member];
      const tampered: SealedSecret = { ...sealed, [member]: (value.startsWith("A") ? "B" : "A") + value.slice(1) };
      await expect(open(tampered, KEKS, ROW), member).rejects.toThrow(EnvelopeError);
      await expect(open({ ...sealed, [member]: "not base64url!" }, KEKS, ROW), member).rejects.toThrow(EnvelopeError);
    }
    await expect(open({ ...sealed, kekId: "k9" }, KEKS, ROW)).rejects.toThrow(EnvelopeError);
    await expect(open(sealed, [], ROW)).rejects.toThrow(EnvelopeError);
    await expect(open(sealed, [{ ...OLD, key: NEW.key }], ROW)).rejects.toThrow(EnvelopeError);
  });

  it("refuses a secret that was moved to another row, also once its data key is cached", async () => {
    const sealed = await seal(PLAINTEXT, KEKS, ROW);
    await open(sealed, KEKS, ROW);
    const rows: EnvelopeContext[] = [
      { ...ROW, organisationId: "org_b" },
      { ...ROW, connectionId: "conn_b" },
      { ...ROW, credentialId: "ucred_b" },
      { ...ROW, version: 4 },
    ];
    for (const row of rows) await expect(open(sealed, KEKS, row)).rejects.toThrow(EnvelopeError);
  });

  it("refuses the members of one secret mixed with those of another in the same row", async () => {
    const a = await seal(PLAINTEXT, KEKS, ROW);
    const b = await seal("another", KEKS, ROW);
    await expect(open({ ...a, ciphertext: b.ciphertext, iv: b.iv }, KEKS, ROW)).rejects.toThrow(EnvelopeError);
  });

  it("rewraps under the new key without touching the secret", async () => {
    const sealed = await seal(PLAINTEXT, KEKS, ROW);
    const rewrapped = await rewrap(sealed, [NEW, OLD], ROW);
    expect(rewrapped.kekId).toBe("k2");
    expect(rewrapped.ciphertext).toBe(sealed.ciphertext);
    expect(await open(rewrapped, [NEW], ROW)).toBe(PLAINTEXT);
    expect(await rewrap(rewrapped, [NEW], ROW)).toBe(rewrapped);
    await expect(rewrap(sealed, [NEW, OLD], { ...ROW, version: 4 })).rejects.toThrow(EnvelopeError);
    await expect(open(sealed, [NEW], ROW)).rejects.toThrow(EnvelopeError);
  });
});
