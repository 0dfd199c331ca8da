import fc from "fast-check";
import { expect, test } from "vitest";
import { ByteSearch } from "./byte-search.ts";

/** Few different bytes, so that patterns are met by chance, whole and in part. */
const byte = fc.constantFrom(...Buffer.from("aAbB=\n\u00e4"));
const pattern = fc.uint8Array({ minLength: 3, maxLength: 40 }).chain(({ length }) => bytes(length, length));
const patterns = fc.array(pattern, { minLength: 1, maxLength: 6 });

function bytes(minLength: number, maxLength: number) {
  return fc.array(byte, { minLength, maxLength }).map((each) => Uint8Array.from(each));
}

function places(search: ByteSearch, buffer: Uint8Array): string[] {
  const found: string[] = [];
  search.each(buffer, (start, end) => found.push(`${start}-${end}`));
  return found.toSorted();
}

function everyPlace(all: readonly Uint8Array[], buffer: Uint8Array): string[] {
  const text = lower(buffer);
  const found: string[] = [];
  for (const needle of all.map(lower)) {
    for (let at = text.indexOf(needle); at >= 0; at = text.indexOf(needle, at + 1)) {
      found.push(`${at}-${at + needle.length}`);
    }
  }
  return found.toSorted();
}

function lower(each: Uint8Array): string {
  return Buffer.from(each)
    .toString("latin1")
    .replaceAll(/[A-Z]/g, (char: string) => char.toLowerCase());
}

test("finds every place where a pattern stands, in short and in long input", () => {
  fc.assert(
    fc.property(patterns, bytes(0, 200), bytes(1_500, 2_500), fc.boolean(), (all, short, long, longFirst) => {
      const search = new ByteSearch(all);
      for (const buffer of longFirst ? [long, short] : [short, long, short]) {
        expect(places(search, buffer)).toEqual(everyPlace(all, buffer));
      }
    }),
    { numRuns: 150 },
  );
});

test("finds one that is planted at either end", () => {
  fc.assert(
    fc.property(patterns, fc.nat(5), fc.constantFrom(0, 30, 400, 505, 512, 3_000), (all, which, filler) => {
      const planted = all[which % all.length] ?? Uint8Array.of();
      const between = new Uint8Array(filler).fill(0x2e);
      for (const buffer of [Buffer.concat([planted, between]), Buffer.concat([between, planted])]) {
        expect(places(new ByteSearch(all), buffer)).toEqual(everyPlace(all, buffer));
        expect(everyPlace(all, buffer)).not.toEqual([]);
      }
    }),
    { numRuns: 150 },
  );
});
