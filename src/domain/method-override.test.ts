import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { formSearch } from "./method-override.ts";

// Property tests must not fail because the machine is busy.
vi.setConfig({ testTimeout: 60_000 });

const URLENCODED = "application/x-www-form-urlencoded";
const MULTIPART = "multipart/form-data; boundary=b";

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Whether it is found in one piece, and in pieces of `size` bytes. */
function found(type: string | null, text: string, size = 1): readonly [boolean, boolean] {
  const search = formSearch(type);
  const pieced = formSearch(type);
  if (search === null || pieced === null) throw new Error("No form");
  const bytes = bytesOf(text);
  let inPieces = false;
  for (let at = 0; at < bytes.byteLength && !inPieces; at += size)
    inPieces = pieced.found(bytes.subarray(at, at + size));
  return [search.found(bytes), inPieces];
}

const part = (headers: string, value = "x") => `--b\r\n${headers}\r\n\r\n${value}\r\n`;

describe("formSearch", () => {
  it.each([
    [null, true],
    ["", true],
    [URLENCODED, true],
    ["Application/X-WWW-Form-Urlencoded; charset=utf-8", true],
    [MULTIPART, true],
    ["multipart/related", true],
    ["text/plain, multipart/form-data", true],
    ["application/json", false],
    ["application/octet-stream", false],
    ["text/plain", false],
  ])("reads %s: %s", (type, expected) => {
    expect(formSearch(type) !== null).toBe(expected);
  });

  it.each([
    "_method=DELETE",
    "a=1&_method=DELETE",
    "a=1;_method=DELETE",
    "_METHOD=put",
    "%5Fmethod=DELETE",
    "%5F%6D%65%74%68%6F%64=DELETE",
    "%255Fmethod=DELETE",
    "+_method=DELETE",
    `${"%20".repeat(400)}_method=DELETE`,
    "_method[]=DELETE",
    "_method[x]=DELETE",
    "_HttpMethod=PATCH",
    "X-HTTP-Method-Override=PUT",
    `a=${"&".repeat(3_000)}_method=`,
    `${"x".repeat(1_000)}=1&_method=DELETE`,
  ])("finds it in a form: %s", (form) => {
    expect(found(URLENCODED, form)).toEqual([true, true]);
    expect(found(null, form, 7)).toEqual([true, true]);
  });

  it.each([
    "",
    "payment_method=pm_1&method=x",
    "payment_method_data[type]=card",
    "a=_method=DELETE",
    "a[_method]=x",
    "_methods=1",
    "_method",
    `{"prompt":"put _method into the form"}`,
    `${"x".repeat(10_000)}=1`,
    "a=%zz&%zz=1",
  ])("finds nothing else: %s", (form) => {
    expect(found(URLENCODED, form)).toEqual([false, false]);
    expect(found(URLENCODED, form, 5)).toEqual([false, false]);
  });

  it.each([
    'Content-Disposition: form-data; name="_method"',
    "Content-Disposition: form-data; name=_method",
    "content-disposition:form-data;NAME=_METHOD;x=y",
    'Content-Type: text/plain\r\nContent-Disposition: form-data; name="_method"',
    'Content-Disposition: form-data;\r\n name="_method"',
    'Content-Disposition: form-data;\n\tname="_method"',
    String.raw`Content-Disposition: form-data; name="\_meth\od"`,
    "Content-Disposition: form-data; name*=UTF-8''%5Fmethod",
    'Content-Disposition: form-data; name="_method[]"',
    'Content-Disposition: form-data; name="x-http-method-override"',
    "Content-ID: _method",
    `Content-Disposition: form-data; x="${"y".repeat(5_000)}"; name="_method"`,
  ])("finds it in a form of parts: %s", (headers) => {
    const form = part('Content-Disposition: form-data; name="a"') + part(headers);
    expect(found(MULTIPART, form)).toEqual([true, true]);
    expect(found(MULTIPART, form, 11)).toEqual([true, true]);
  });

  it.each([
    part('Content-Disposition: form-data; name="payment_method"'),
    part('Content-Disposition: form-data; name="_methods"'),
    part('Content-Disposition: form-data; name="file"; filename="method.pdf"', "_method=DELETE"),
    part('Content-Disposition: form-data; name="a"', `<input name="_method" value="patch">`),
    part('Content-Disposition: form-data; name="a"', "x".repeat(10_000)),
    part('Content-Disposition: form-data; name="a"', `{"content-disposition":"x","_method":${"1".repeat(5_000)}}`),
    'Content-Disposition: form-data; name="_method',
  ])("finds nothing else in a form of parts: %#", (form) => {
    expect(found(MULTIPART, form)).toEqual([false, false]);
    expect(found(MULTIPART, form, 13)).toEqual([false, false]);
  });

  it("finds the same however the bytes come", () => {
    const piece = fc.constantFrom("_method", "a", "=", "&", ";", "%5F", "method", " ", "[", "]", "\r\n", '"', "name=");
    const header = fc.constantFrom("\r\nContent-Disposition: form-data; ", "\ncontent-id:", "--b\r\n", "\r\n\r\n");
    const form = fc.array(fc.oneof(piece, header), { maxLength: 30 }).map((pieces) => pieces.join(""));
    fc.assert(
      fc.property(fc.constantFrom(URLENCODED, MULTIPART), form, fc.integer({ min: 1, max: 9 }), (type, text, size) => {
        const [whole, pieced] = found(type, text, size);
        expect(pieced).toBe(whole);
      }),
    );
  });

  it("finds a field before any other fields, whatever their values", () => {
    const field = fc.tuple(fc.string({ maxLength: 20 }), fc.string({ maxLength: 50 }));
    fc.assert(
      fc.property(fc.array(field, { maxLength: 8 }), fc.nat(), fc.integer({ min: 1, max: 64 }), (fields, at, size) => {
        const all = [...fields];
        all.splice(at % (all.length + 1), 0, ["_method", "DELETE"]);
        expect(
          found(URLENCODED, new URLSearchParams(all.map(([name, value]) => [name, value])).toString(), size)[1],
        ).toBe(true);
      }),
    );
  });

  it("takes no time over a hostile form", () => {
    const started = performance.now();
    for (const type of [URLENCODED, MULTIPART]) {
      const search = formSearch(type);
      for (const text of [
        "%25".repeat(20_000),
        "&".repeat(60_000),
        "\ncontent-id:".repeat(5_000),
        "\r\n ".repeat(20_000),
      ]) {
        for (let time = 0; time < 10; time += 1) search?.found(bytesOf(text));
      }
    }
    expect(performance.now() - started).toBeLessThan(5_000);
  });
});
