import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { maskText, secretForms, StreamMasker } from "./mask.ts";

const SECRET = `sk_fake_${"aB3dE5gH7jK".repeat(3)}`;
const AWKWARD = "p+/=ä\"\\<&' wörd~!*()";

function bytesOf(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "utf8"));
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("latin1");
}

/** Feeds the bytes in chunks of the given sizes, over and over. */
function masked(forms: readonly Uint8Array[], input: Uint8Array, sizes: readonly number[] = [input.length || 1]) {
  const masker = new StreamMasker(forms);
  const out: number[] = [];
  const before = Uint8Array.from(input);
  for (let at = 0, turn = 0; at < input.length; turn++) {
    const size = Math.max(1, sizes[turn % sizes.length] ?? 1);
    out.push(...masker.push(input.subarray(at, at + size)));
    at += size;
  }
  out.push(...masker.end());
  expect(input).toEqual(before);
  return { text: textOf(Uint8Array.from(out)), hits: masker.hits };
}

/** What must be masked, decided by trying every form at every place. */
function reference(forms: readonly Uint8Array[], input: Uint8Array): { text: string; hits: number } {
  const lower = textOf(input).replace(/[A-Z]/g, (char) => char.toLowerCase());
  const marks = new Set<number>();
  let hits = 0;
  for (const form of forms) {
    const needle = textOf(form).replace(/[A-Z]/g, (char) => char.toLowerCase());
    for (let at = lower.indexOf(needle); at >= 0; at = lower.indexOf(needle, at + 1)) {
      hits += 1;
      for (let index = at; index < at + needle.length; index++) marks.add(index);
    }
  }
  return { text: textOf(input.map((byte, at) => (marks.has(at) ? 0x2a : byte))), hits };
}

function percentEach(text: string): string {
  return [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
}

function spellingsOf(secret: string): Record<string, string> {
  const buffer = Buffer.from(secret);
  const hex = buffer.toString("hex");
  return {
    clear: secret,
    shouted: secret.replace(/[a-z]/g, (char) => char.toUpperCase()),
    hex,
    HEX: hex.toUpperCase(),
    mixedHex: [...hex].map((char, at) => (at % 2 === 0 ? char.toUpperCase() : char)).join(""),
    base64: buffer.toString("base64"),
    base64NoPadding: buffer.toString("base64").replaceAll("=", ""),
    base64url: buffer.toString("base64url"),
    basicPassword: Buffer.concat([Buffer.from("AC1:"), buffer]).toString("base64"),
    basicUser: Buffer.concat([buffer, Buffer.from(":x")]).toString("base64"),
    basicBoth: Buffer.concat([Buffer.from("u:"), buffer, Buffer.from(":rest")]).toString("base64url"),
    percentEach: percentEach(secret),
    percentEACH: percentEach(secret).toUpperCase(),
    component: encodeURIComponent(secret),
    componentLower: encodeURIComponent(secret).replace(/%../g, (escape) => escape.toLowerCase()),
    uri: encodeURI(secret),
    form: new URLSearchParams({ k: secret }).toString().slice(2),
    rfc3986: encodeURIComponent(secret).replace(
      /[!'()*]/g,
      (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
    ),
    json: JSON.stringify(secret).slice(1, -1),
    jsonSlashes: JSON.stringify(secret).slice(1, -1).replaceAll("/", "\\/"),
    jsonAscii: JSON.stringify(secret)
      .slice(1, -1)
      .replace(/[^\0-\x7f]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`),
    html: secret.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;"),
  };
}

/** The longest part of a base64 text that is all the secret's: for offsets the edges belong to the neighbours. */
function heart(name: string, spelling: string): string {
  return name.startsWith("basic")
    ? spelling.slice(8, -8)
    : name === "base64NoPadding"
      ? spelling.slice(0, -1)
      : spelling;
}

describe("secretForms", () => {
  it.each([SECRET, `${SECRET}1`, `${SECRET}12`, AWKWARD, "0123456789", "geheim", "🔑🔑🔑"])(
    "covers the spellings of %j",
    (secret) => {
      const forms = secretForms(secret, []);
      for (const [name, spelling] of Object.entries(spellingsOf(secret))) {
        if (Buffer.byteLength(heart(name, spelling)) < 8 && name !== "clear") continue;
        const input = bytesOf(`{"error":"key ${spelling} is wrong"}`);
        const { text, hits } = masked(forms, input, [7]);
        expect({ name, hits: hits > 0 }).toEqual({ name, hits: true });
        expect(text).toHaveLength(input.length);
        expect(text.toLowerCase()).not.toContain(Buffer.from(heart(name, spelling)).toString("latin1").toLowerCase());
        expect(text.startsWith('{"error":"key ')).toBe(true);
        expect(text.endsWith(' is wrong"}')).toBe(true);
      }
    },
  );

  it.each([
    ["System.Text.Json", (key: string) => key.replaceAll("+", "\\u002B")],
    ["Go's HTML", (key: string) => key.replaceAll("+", "&#43;")],
    ["Handlebars", (key: string) => key.replaceAll("=", "&#x3D;")],
    ["a path encoder that keeps the plus", (key: string) => key.replaceAll("/", "%2F").replaceAll("=", "%3D")],
    ["a URL inside a URL", (key: string) => encodeURIComponent(encodeURIComponent(key))],
    ["UTF-16, little-endian", (key: string) => Buffer.from(key, "utf16le").toString("latin1")],
    ["UTF-16, big-endian", (key: string) => Buffer.from(key, "utf16le").swap16().toString("latin1")],
  ])("covers the key as written by %s", (_name, write) => {
    const key = "Zm9v+mFyYmF6/3F1eA+NvcnJlY3Q=";
    const spelling = write(key);
    const { text } = masked(secretForms(key, []), new Uint8Array(Buffer.from(`<${spelling}>`, "latin1")), [5]);
    expect(text).toBe(`<${"*".repeat(spelling.length)}>`);
  });

  it("covers a key with more special characters than every choice is tried of", () => {
    const key = "a!b@c#d$e%f^g&h*i(j)k=l+m/n?o";
    for (const spelling of [key, encodeURIComponent(key), JSON.stringify(key).slice(1, -1)]) {
      expect(masked(secretForms(key, []), bytesOf(`<${spelling}>`)).text).toBe(`<${"*".repeat(spelling.length)}>`);
    }
  });

  it("covers every spelling of what else gives the secret away", () => {
    const other = "another-part-of-it";
    const forms = secretForms(SECRET, [other, Buffer.from(`user:${SECRET}`).toString("base64")]);
    for (const spelling of [SECRET, other, Buffer.from(other).toString("base64"), Buffer.from(other).toString("hex")]) {
      expect(masked(forms, bytesOf(`<${spelling}>`)).text).toBe(`<${"*".repeat(spelling.length)}>`);
    }
    const basic = Buffer.from(`user:${SECRET}`).toString("base64");
    expect(masked(forms, bytesOf(basic)).text).toBe("*".repeat(basic.length));
  });

  it("leaves secrets alone that are too short to tell from words", () => {
    expect(secretForms("short", ["", "a"])).toEqual([]);
    expect(masked([], bytesOf("short")).text).toBe("short");
    expect(masked(secretForms("secret", []), bytesOf("a secret!")).text).toBe("a ******!");
  });

  it("masks very long secrets whole, and holds back little", () => {
    const long = Array.from({ length: 5_000 }, (_, at) => String.fromCharCode(97 + ((at * at * 7 + at) % 26))).join("");
    const forms = secretForms(long, []);
    expect(Math.max(...forms.map((form) => form.length))).toBeLessThanOrEqual(1_024);
    for (const spelling of [long, Buffer.from(long).toString("base64"), Buffer.from(long).toString("hex")]) {
      const { text } = masked(forms, bytesOf(`<${spelling}>`), [1_000, 3]);
      expect(text).toBe(`<${"*".repeat(spelling.length)}>`);
    }
  });
});

describe("StreamMasker", () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 });

  it("agrees with trying every form at every place, however the stream is cut", () => {
    const secret = fc.constantFrom(SECRET, AWKWARD, "aaaaaaaa", "abcabcabc", "geheim", "0x0x0x0x0x");
    fc.assert(
      fc.property(
        secret,
        fc.context(),
        sizes,
        fc.array(fc.nat(1_000), { maxLength: 12 }),
        (value, context, cuts, picks) => {
          const forms = secretForms(value, ["abcabcabcabd"]);
          const scraps = [
            ...Object.values(spellingsOf(value)),
            "abcabcabcab",
            "abc",
            "a",
            "x",
            "\n",
            '{"k":"',
            "%61",
            "6161",
            "YWFh",
          ];
          const input = bytesOf(
            picks
              .map((pick) => {
                const scrap = scraps[pick % scraps.length] ?? "";
                return pick % 3 === 0 ? scrap.slice(0, pick % (scrap.length + 1)) : scrap;
              })
              .join(""),
          );
          context.log(textOf(input));
          const expected = reference(forms, input);
          expect(masked(forms, input, cuts)).toEqual(expected);
          expect(masked(forms, input)).toEqual(expected);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it("agrees on small alphabets, where everything overlaps", () => {
    const word = fc.string({ unit: fc.constantFrom("a", "b"), minLength: 3, maxLength: 9 });
    const patterns = fc.array(word.map(bytesOf), { minLength: 1, maxLength: 4 });
    const input = fc.string({ unit: fc.constantFrom("a", "A", "b"), maxLength: 60 }).map(bytesOf);
    fc.assert(
      fc.property(patterns, input, sizes, (forms, bytes, cuts) => {
        expect(masked(forms, bytes, cuts)).toEqual(reference(forms, bytes));
      }),
      { numRuns: 3_000 },
    );
  });

  it("leaves binary bytes as they are", () => {
    const forms = secretForms(SECRET, []);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), sizes, (bytes, cuts) => {
        expect(masked(forms, bytes, cuts)).toEqual({ text: textOf(bytes), hits: 0 });
      }),
    );
  });

  it("passes an event at once, and without a copy", () => {
    const masker = new StreamMasker(secretForms(SECRET, []));
    for (const event of ["data: {}\n\n", "data: s\n\n", `data: ${SECRET.slice(0, 20)}\n\n`]) {
      const chunk = bytesOf(event);
      expect(masker.push(chunk)).toEqual(chunk);
    }
    const chunk = bytesOf("data: [DONE]\n\n");
    expect(masker.push(chunk).buffer).toBe(chunk.buffer);
    expect(masker.end()).toHaveLength(0);
  });

  it("holds back only what may be the beginning of a form", () => {
    const masker = new StreamMasker(secretForms(SECRET, []));
    expect(textOf(masker.push(bytesOf(`say ${SECRET.slice(0, 9)}`)))).toBe("say ");
    expect(textOf(masker.push(bytesOf("?")))).toBe(`${SECRET.slice(0, 9)}?`);
    expect(textOf(masker.push(bytesOf(SECRET.slice(0, 5))))).toBe("");
    expect(textOf(masker.end())).toBe(SECRET.slice(0, 5));
    expect(masker.hits).toBe(0);
  });

  it("masks at once what is complete", () => {
    const masker = new StreamMasker(secretForms(SECRET, []));
    masker.push(bytesOf(SECRET.slice(0, 11)));
    expect(textOf(masker.push(bytesOf(`${SECRET.slice(11)}.`)))).toBe(`${"*".repeat(SECRET.length)}.`);
    expect(masker.hits).toBe(1);
    expect(textOf(masker.push(bytesOf(SECRET)))).toBe("*".repeat(SECRET.length));
  });
});

describe("maskText", () => {
  it("masks header values like bodies", () => {
    const forms = secretForms(AWKWARD, []);
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.values(spellingsOf(AWKWARD))),
        fc.string(),
        fc.string(),
        (spelling, a, b) => {
          const value = textOf(bytesOf(`${a}${spelling}${b}`));
          expect(maskText(value, forms)).toBe(reference(forms, bytesOf(`${a}${spelling}${b}`)).text);
        },
      ),
    );
    expect(maskText("nothing to see here, and long enough to be searched for it", forms)).toBe(
      "nothing to see here, and long enough to be searched for it",
    );
    expect(maskText("", forms)).toBe("");
    expect(maskText("anything", [])).toBe("anything");
  });
});
