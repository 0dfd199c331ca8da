import fc from "fast-check";
import { expect, test } from "vitest";
import { HeaderMap } from "./header-map.ts";

const name = fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,8}$/);
const value = fc.stringMatching(/^[!-~]{0,12}$/);
const pairs = fc.array(fc.tuple(name, value), { maxLength: 12 });

test("reads as the platform's headers do, whatever the case of a name and however often it stands", () => {
  fc.assert(
    fc.property(pairs, name, (all, asked) => {
      const headers = new Headers();
      for (const [each, text] of all) headers.append(each, text);
      for (const map of [HeaderMap.of(headers), new HeaderMap(headers)]) {
        expect(map.get(asked)).toBe(headers.get(asked));
        expect(map.has(asked)).toBe(headers.has(asked));
        expect([...map]).toEqual([...headers]);
      }
    }),
  );
});

test("writes, and deletes, as the platform's headers do", () => {
  fc.assert(
    fc.property(pairs, pairs, name, (appended, set, deleted) => {
      const map = new HeaderMap();
      const headers = new Headers();
      for (const each of [map, headers]) {
        for (const [key, text] of appended) each.append(key, text);
        for (const [key, text] of set) each.set(key, text);
        each.delete(deleted);
      }
      const written = new Headers();
      map.writeTo(written);
      // An empty value at the end of a list leaves a space there, which writing trims.
      expect([...written]).toEqual([...headers].map(([key, text]) => [key, text.trim()]));
    }),
  );
});

test("what HTTP does not know is refused when it is written", () => {
  const map = new HeaderMap();
  map.set("x-test", "a\r\nx-planted: b");
  expect(() => map.writeTo(new Headers())).toThrow(TypeError);
});
