import { Buffer } from "node:buffer";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { isMailAddress, mimeMessage, type Mail } from "./mail-message.ts";

/** Any character, and often one that means something somewhere. */
const character = fc.oneof(
  fc.constantFrom(..."\r\n\t\0\"'`<>=+-@|%,;:.*_[]{}#\\ \u2028\u202e\u00a0\uff1d"),
  fc
    .integer({ min: 0, max: 0x10ffff })
    .filter((code) => code < 0xd800 || code > 0xdfff)
    .map((code) => String.fromCodePoint(code)),
);

const mail: Mail = {
  id: "msg_1",
  to: "kate@example.com",
  subject: "New address",
  text: "Hello\nhttps://x.example/confirm?a=b\n",
};
const from = "relaykey@example.org";

function headersOf(message: string): string[] {
  return message
    .slice(0, message.indexOf("\r\n\r\n"))
    .split("\r\n")
    .filter((line) => !line.startsWith(" "));
}

function bodyOf(message: string): string {
  const encoded = message.slice(message.indexOf("\r\n\r\n") + 4, -2).replaceAll("=\r\n", "");
  const bytes = encoded.replaceAll(/=([0-9A-F]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(bytes, "latin1").toString("utf8");
}

describe("isMailAddress", () => {
  it.each(["kate@example.com", "k.a+b@x-y.example", "relaykey@localhost"])("accepts %s", (text) =>
    expect(isMailAddress(text)).toBe(true),
  );
  it.each([
    "",
    "kate",
    "@x.com",
    "a@",
    "a@b@c.com",
    "a b@c.com",
    "a@c.com\r\nBcc: d@e.com",
    "a@c.com>",
    "<a@c.com>",
    "a@-x.com",
    "a..b@c.com",
    ".a@c.com",
    "a@c..com",
    "a@c.com,d@e.com",
    `${"a".repeat(65)}@c.com`,
    `a@${"b".repeat(260)}.com`,
    "kätе@example.com",
    '"a b"@c.com',
    "a@[127.0.0.1]",
  ])("refuses %j", (text) => expect(isMailAddress(text)).toBe(false));
});

describe("mimeMessage", () => {
  it("has each header once and gives the text back", () => {
    const message = mimeMessage(mail, from, Date.UTC(2026, 4, 1));
    expect(headersOf(message)).toContain("To: <kate@example.com>");
    expect(headersOf(message)).toContain("Date: Fri, 01 May 2026 00:00:00 +0000");
    expect(headersOf(message)).toContain("Message-ID: <msg_1@example.org>");
    expect(bodyOf(message)).toBe("Hello\r\nhttps://x.example/confirm?a=b\r\n");
  });

  it("lets neither subject nor text nor id add a header or break the line length", () => {
    const count = headersOf(mimeMessage(mail, from, 0)).length;
    fc.assert(
      fc.property(fc.string({ unit: character, maxLength: 400 }), (text) => {
        const message = mimeMessage({ ...mail, id: text, subject: `a\r\nBcc: x@y.example ${text}`, text }, from, 0);
        expect(headersOf(message)).toHaveLength(count);
        expect(headersOf(message).some((line) => line.startsWith("Bcc"))).toBe(false);
        for (const line of message.slice(message.indexOf("\r\n\r\n")).split("\r\n"))
          expect(line.length).toBeLessThanOrEqual(76);
        expect(message).not.toMatch(/[^\r]\n|\r[^\n]/);
        expect(bodyOf(message)).toBe(Buffer.from(text.split(/\r\n|\r|\n/).join("\r\n")).toString());
      }),
    );
  });

  it("encodes other scripts in the subject", () => {
    const message = mimeMessage(
      { ...mail, subject: "Neue Adresse für Käthe — bitte bestätigen, sonst passiert nichts" },
      from,
      0,
    );
    const subject = /Subject: ((?:.|\r\n )+)\r\n/.exec(message)?.[1] ?? "";
    const read = [...subject.matchAll(/=\?utf-8\?B\?([^?]+)\?=/g)]
      .map((word) => Buffer.from(word[1] ?? "", "base64").toString())
      .join("");
    expect(read).toBe("Neue Adresse für Käthe — bitte bestätigen, sonst passiert nichts");
  });

  it("throws for an address that could carry more", () => {
    expect(() => mimeMessage({ ...mail, to: "a@b.c\r\nBcc: d@e.f" }, from, 0)).toThrow("not valid");
  });
});
