import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { csvRow } from "./csv.ts";

/** Any character, and often one that means something somewhere. */
const character = fc.oneof(
  fc.constantFrom(..."\r\n\t\0\"'`<>=+-@|%,;:.*_[]{}#\\ \u2028\u202e\u00a0\uff1d"),
  fc
    .integer({ min: 0, max: 0x10ffff })
    .filter((code) => code < 0xd800 || code > 0xdfff)
    .map((code) => String.fromCodePoint(code)),
);

/** A reader for what RFC 4180 defines, written apart from the writer. */
function parse(text: string): string[] {
  const cells: string[] = [];
  let cell = "";
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (quoted && character === '"' && text[at + 1] === '"') {
      cell += '"';
      at += 1;
    } else if (character === '"') quoted = !quoted;
    else if (!quoted && character === ",") {
      cells.push(cell);
      cell = "";
    } else if (!quoted && character === "\r" && text[at + 1] === "\n") {
      cells.push(cell);
      return cells;
    } else cell += character;
  }
  throw new Error("The row does not end with CRLF");
}

describe("csvRow", () => {
  it("quotes texts, doubles quotes, leaves numbers bare and null empty", () => {
    expect(csvRow(['a"b', "c,d", "e\r\nf", -3, 1.5, true, null])).toBe('"a""b","c,d","e\r\nf",-3,1.5,true,\r\n');
    expect(csvRow([Number.NaN, Number.POSITIVE_INFINITY])).toBe(",\r\n");
  });

  it.each(["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "＝1", "＠x", '"=1"', "%0A=1", "|calc"])(
    "disarms %j",
    (text) => {
      expect(parse(csvRow([text]))).toEqual([`'${text}`]);
    },
  );

  it("leaves harmless texts as they are", () => {
    for (const text of ["/v1/people", "GET", "2026-05-01", "a=b", ""]) expect(parse(csvRow([text]))).toEqual([text]);
  });

  it("round-trips every text, apart from the apostrophe, and never starts a formula", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: character }), { minLength: 1 }), (texts) => {
        const read = parse(csvRow(texts));
        expect(read).toHaveLength(texts.length);
        for (const [at, cell] of read.entries()) {
          expect([texts[at], `'${texts[at]}`]).toContain(cell);
          expect(cell).not.toMatch(/^\s*[=+\-@]/);
        }
      }),
    );
  });
});
