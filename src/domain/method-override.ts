/**
 * Fields by which a server lets a client replace the method of a POST (Rack and Rails, Laravel, Symfony, Salesforce, ASP.NET): the method
 * that was judged must be the one that counts. In the query they are always refused (`query.ts`), in a form where the scope refuses a
 * method that such a field could name. A form is searched as it passes, so that its length does not matter.
 *
 * Not found here: fields of JSON, which a rule of the scope can deny, and of forms that are compressed or in UTF-16.
 */
import type { Refusal } from "./problem.ts";
import { nameOf, readingsOf } from "./query-names.ts";
import type { Reading } from "./query-names.ts";

const OVERRIDES: ReadonlySet<string> = new Set([
  "_method",
  "_httpmethod",
  "x-http-method-override",
  "x-http-method",
  "x-method-override",
]);

/** Methods that the frameworks above put in place of POST; others are refused by their vendors or do nothing. */
export const REPLACING_METHODS: readonly string[] = ["GET", "PUT", "PATCH", "DELETE"];

/** `readings`: of one parameter's name. */
export function replacesMethod(readings: readonly Reading[]): boolean {
  return readings.some(({ parts }) => OVERRIDES.has(parts[0] ?? ""));
}

export const REPLACED_IN_FORM: Refusal = {
  code: "body_denied",
  detail: "A form's field must not replace the request's method where the credential's scope refuses other methods.",
  extensions: { denied_member: "_method" },
};

export interface FormSearch {
  /** The next bytes of the form. True as soon as a field was found that replaces the method. */
  found(bytes: Uint8Array): boolean;
}

/** Null: by its type the body is no form to any server. A body without a type is one to Rack. */
export function formSearch(contentType: string | null): FormSearch | null {
  const type = (contentType ?? "").trim().toLowerCase();
  const searches = [
    ...(type === "" || type.includes("urlencoded") ? [new UrlencodedSearch()] : []),
    ...(type.includes("multipart") ? [new MultipartSearch()] : []),
  ];
  if (searches.length === 0) return null;
  return { found: (bytes) => searches.some((search) => search.found(bytes)) };
}

/** Bytes as characters of the same numbers. */
function textOf(bytes: Uint8Array): string {
  return new TextDecoder("latin1").decode(bytes);
}

/** More than the longest spelling of a name has, each character encoded twice. */
const MAX_NAME_CHARS = 256;
/** In each override as it stands, or encoded. */
const WORTH_READING = /method|%/i;
/** Left out before a name by some servers. */
const BLANKS = /^(?:[\s+\0]|%(?:25)*(?:[01][0-9a-f]|20))+/i;

class UrlencodedSearch implements FormSearch {
  /** What came of the field's name; null within a value. A name without a value replaces nothing. */
  #name: string | null = "";

  found(bytes: Uint8Array): boolean {
    for (const [index, piece] of textOf(bytes).split(/[&;]/).entries()) {
      if (index > 0) this.#name = "";
      if (this.#name === null) continue;
      const written = nameOf(piece);
      const name = (this.#name + written).replace(BLANKS, "");
      const ends = written.length < piece.length;
      if (ends && name.length <= MAX_NAME_CHARS && WORTH_READING.test(name) && replacesMethod(readingsOf(name)))
        return true;
      this.#name = ends || name.length > MAX_NAME_CHARS ? null : name;
    }
    return false;
  }
}

/** Servers take a part's name from one header or the other (RFC 7578 section 4.2, RFC 2387 section 3.2). */
const NAMING = /^content-(?:disposition|id)/i;
const LONGEST_NAMING_CHARS = "content-disposition".length;
/** A header that is longer is taken for one that hides a name. */
const MAX_PART_HEADER_CHARS = 4_096;
/** Up to a line's end, unless the next line goes on with it (RFC 5322 section 2.2.3). */
const HEADER_END = /\r?\n(?![\t ])|\r(?!\n)(?![\t ])/;

/** Files are mostly no text: bytes become text only where a line may be such a header. */
class MultipartSearch implements FormSearch {
  /** What more bytes may make a header of. */
  #rest: Uint8Array = new Uint8Array(0);

  found(bytes: Uint8Array): boolean {
    const all = joined(this.#rest, bytes);
    for (let at = nextLine(all, 0); at !== -1; at = nextLine(all, at)) {
      if (at + LONGEST_NAMING_CHARS > all.byteLength) return this.#waitFrom(all, at - 1);
      if (all[at] !== LARGE_C && all[at] !== SMALL_C) continue;
      if (!NAMING.test(textOf(all.subarray(at, at + LONGEST_NAMING_CHARS)))) continue;
      const header = textOf(all.subarray(at, at + MAX_PART_HEADER_CHARS));
      const end = header.search(HEADER_END);
      // The character after a line's end tells whether the header goes on.
      if ((end === -1 || end >= header.length - 2) && header.length < MAX_PART_HEADER_CHARS)
        return this.#waitFrom(all, at - 1);
      if (end === -1 || namesOverride(header.slice(0, end))) return true;
    }
    return this.#waitFrom(all, all.byteLength);
  }

  #waitFrom(all: Uint8Array, at: number): false {
    this.#rest = all.slice(at);
    return false;
  }
}

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const LARGE_C = 0x43;
const SMALL_C = 0x63;

/** Where the next line begins, which may be the end; -1: there is none. */
function nextLine(bytes: Uint8Array, from: number): number {
  for (let at = from; at < bytes.byteLength; at += 1) {
    const byte = bytes[at];
    if (byte === LINE_FEED || byte === CARRIAGE_RETURN) return at + 1;
  }
  return -1;
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  if (first.byteLength === 0) return second;
  const all = new Uint8Array(first.byteLength + second.byteLength);
  all.set(first);
  all.set(second, first.byteLength);
  return all;
}

/** Anywhere in the header, with or without quotes, escapes (RFC 9110 section 5.6.4) and encoding (RFC 5987). */
function namesOverride(header: string): boolean {
  const plain = header.replaceAll("\\", "");
  return readingsOf(plain)
    .map(({ flat }) => flat)
    .concat(plain.toLowerCase())
    .some((text) => WITHIN.test(text));
}

const WITHIN = /(?<![a-z0-9-])_+(?:http)?method(?![a-z0-9_-])|x[-_]http[-_]method|x[-_]method[-_]override/;
