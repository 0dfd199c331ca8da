import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { checkForm, readConfirmation, signConfirmation, signForm, type Confirmation } from "./confirmation.ts";
import { deriveKey } from "./derived-key.ts";

const seed = new Uint8Array(32).fill(7);
const linkKey = deriveKey(seed, "confirmation_link");
const formKey = deriveKey(seed, "confirmation_form");
const nowMs = Date.UTC(2026, 4, 1);
const sample: Confirmation = {
  organisationId: "org_default",
  credentialId: "dcred_aaaaaaaaaaaaaaaa",
  confirmationId: "cnf_1",
  address: "2001:db8:1:2::/64",
  expiresAtMs: nowMs + 1000,
  requestedAtMs: nowMs,
  credentialName: "Kate’s agent",
  connectionName: "CRM",
  userAgent: "curl/8",
};

describe("deriveKey", () => {
  it("gives each purpose its own key and refuses a short seed", () => {
    expect(linkKey).not.toEqual(formKey);
    expect(linkKey).toHaveLength(32);
    expect(() => deriveKey(new Uint8Array(31), "session")).toThrow("too short");
  });
});

describe("confirmation links", () => {
  it("come back as they were signed", () => {
    const token = signConfirmation(linkKey, sample);
    expect(token).toMatch(/^[A-Za-z0-9._-]+$/);
    expect(readConfirmation(linkKey, token, nowMs)).toEqual({ ok: true, value: sample });
  });

  it("expire at the millisecond", () => {
    const token = signConfirmation(linkKey, sample);
    expect(readConfirmation(linkKey, token, sample.expiresAtMs - 1).ok).toBe(true);
    expect(readConfirmation(linkKey, token, sample.expiresAtMs)).toEqual({ ok: false, error: "expired" });
  });

  it("are worth nothing under another key", () => {
    const token = signConfirmation(formKey, sample);
    expect(readConfirmation(linkKey, token, nowMs)).toEqual({ ok: false, error: "forged" });
  });

  it("are worth nothing when any character is changed", () => {
    const token = signConfirmation(linkKey, sample);
    fc.assert(
      fc.property(fc.nat(token.length - 1), fc.constantFrom(..."ABab09-_."), (at, character) => {
        fc.pre(token[at] !== character);
        const changed = token.slice(0, at) + character + token.slice(at + 1);
        expect(readConfirmation(linkKey, changed, nowMs).ok).toBe(false);
      }),
    );
  });

  it("refuse any text that was not signed, without throwing", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map((text) => `c1.${text}.${"A".repeat(43)}`),
        ),
        (text) => {
          expect(readConfirmation(linkKey, text, nowMs).ok).toBe(false);
        },
      ),
    );
    expect(readConfirmation(linkKey, "c1.".padEnd(9000, "A"), nowMs)).toEqual({ ok: false, error: "malformed" });
  });

  it("keep display texts short", () => {
    const token = signConfirmation(linkKey, { ...sample, userAgent: "u".repeat(4000) });
    const read = readConfirmation(linkKey, token, nowMs);
    expect(read.ok && read.value.userAgent.length).toBe(160);
  });
});

describe("form tokens", () => {
  const link = signConfirmation(linkKey, sample);
  const token = signForm(formKey, link, "confirm", nowMs + 1000);

  it("belong to one link, one action and a time", () => {
    expect(checkForm(formKey, link, "confirm", token, nowMs)).toBe(true);
    expect(checkForm(formKey, link, "reject", token, nowMs)).toBe(false);
    expect(checkForm(formKey, `${link}x`, "confirm", token, nowMs)).toBe(false);
    expect(checkForm(formKey, link, "confirm", token, nowMs + 1000)).toBe(false);
    expect(checkForm(linkKey, link, "confirm", token, nowMs)).toBe(false);
  });

  it("cannot be extended, and a link is no form token", () => {
    expect(checkForm(formKey, link, "confirm", `${nowMs + 9_999_999}.${token.split(".")[1]}`, nowMs)).toBe(false);
    for (const text of ["", "1.", link, `${token}A`])
      expect(checkForm(formKey, link, "confirm", text, nowMs)).toBe(false);
  });
});
