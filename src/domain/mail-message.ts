/**
 * A mail and its form on the wire (RFC 5322, RFC 2045–2047). Pure. Plain text only: there is no markup to inject into.
 * Nothing that a person typed can add a header, a recipient or a line of the protocol: addresses are checked against a
 * strict form, header texts are stripped of control characters and encoded, the body is quoted-printable.
 */
import { encodeBase64, utf8 } from "./encoding.ts";

export interface Mail {
  /** Names this mail everywhere, so that a repeated send can be recognised. */
  readonly id: string;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}

export const MAX_ADDRESS_CHARS = 254;
export const MAX_SUBJECT_CHARS = 200;
export const MAX_TEXT_CHARS = 20_000;
const MAX_LINE_CHARS = 76;
const ENCODED_WORD_BYTES = 42;

/** ASCII addresses without quotes, comments or display names; a domain may be one label (`localhost`). */
const ADDRESS =
  /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*$/;
const MAX_LOCAL_CHARS = 64;

/** Whether a mail can be sent to this text as it stands. */
export function isMailAddress(text: string): boolean {
  return text.length <= MAX_ADDRESS_CHARS && text.indexOf("@") <= MAX_LOCAL_CHARS && ADDRESS.test(text);
}

/** The whole message with CRLF line ends, without the protocol's dot-stuffing. Throws for an address that is not one. */
export function mimeMessage(mail: Mail, from: string, atMs: number): string {
  if (!isMailAddress(mail.to) || !isMailAddress(from)) throw new Error("A mail address is not valid");
  const domain = from.slice(from.lastIndexOf("@") + 1);
  return [
    `From: RelayKey <${from}>`,
    `To: <${mail.to}>`,
    `Subject: ${encodedHeader(mail.subject.slice(0, MAX_SUBJECT_CHARS))}`,
    `Date: ${new Date(atMs).toUTCString().replace("GMT", "+0000")}`,
    `Message-ID: <${mail.id.replaceAll(/[^A-Za-z0-9_-]/g, "")}@${domain}>`,
    "MIME-Version: 1.0",
    "Content-Type: text/plain; charset=utf-8",
    "Content-Transfer-Encoding: quoted-printable",
    "Auto-Submitted: auto-generated",
    "X-Auto-Response-Suppress: All",
    "",
    quotedPrintable(mail.text.slice(0, MAX_TEXT_CHARS)),
    "",
  ].join("\r\n");
}

/** Removes control and format characters; encodes what is not plain ASCII as base64 words (RFC 2047 §2). */
function encodedHeader(text: string): string {
  const clean = text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]+/gu, " ").trim();
  if (/^[ -~]*$/.test(clean) && !clean.includes("=?")) return clean;
  const words: string[] = [];
  let word = "";
  for (const character of clean) {
    if (utf8(word + character).length > ENCODED_WORD_BYTES) {
      words.push(word);
      word = "";
    }
    word += character;
  }
  return [...words, word].map((each) => `=?utf-8?B?${encodeBase64(utf8(each))}?=`).join("\r\n ");
}

/** Lines of at most 76 characters; any line end in the text becomes CRLF (RFC 2045 §6.7). */
function quotedPrintable(text: string): string {
  return text
    .split(/\r\n|\r|\n/)
    .map(quotedLine)
    .join("\r\n");
}

function quotedLine(line: string): string {
  const bytes = utf8(line);
  let result = "";
  let length = 0;
  for (const [at, byte] of bytes.entries()) {
    const isLast = at === bytes.length - 1;
    const isPlain = (byte > 32 && byte < 127 && byte !== 61) || (byte === 32 && !isLast);
    const piece = isPlain ? String.fromCharCode(byte) : `=${byte.toString(16).toUpperCase().padStart(2, "0")}`;
    if (length + piece.length > MAX_LINE_CHARS - 1) {
      result += "=\r\n";
      length = 0;
    }
    result += piece;
    length += piece.length;
  }
  return result;
}
