import { describe, expect, it } from "vitest";
import { bodyCoding, readableCodings, withoutCharsets } from "./content-coding.ts";

describe("bodyCoding", () => {
  it.each([
    [null, "plain"],
    ["", "plain"],
    ["Identity", "plain"],
    ["aws-chunked", "plain"],
    ["gzip", "decoded"],
    [" br ", "decoded"],
    ["GZIP", "unreadable"],
    ["x-gzip", "unreadable"],
    ["deflate", "unreadable"],
    ["zstd", "unreadable"],
    ["gzip, gzip", "unreadable"],
    ["identity, gzip", "unreadable"],
  ])("%j is %s", (header, coding) => {
    expect(bodyCoding(header)).toBe(coding);
  });
});

describe("readableCodings", () => {
  it.each([
    ["gzip, deflate, br, zstd", "gzip, br"],
    ["GZIP;q=0.5, br;q=0", "gzip;q=0.5, br;q=0"],
    ["identity;q=0, gzip", "identity;q=0, gzip"],
    ["deflate", "identity"],
    ["*", "identity"],
    ["gzip,gzip2, x-gzip", "gzip"],
    ["", "identity"],
  ])("%j becomes %j", (asked, sent) => {
    expect(readableCodings(asked)).toBe(sent);
  });
});

describe("withoutCharsets", () => {
  it.each([
    ["application/json", "application/json"],
    ["application/json;charset=utf-16", "application/json"],
    ['application/json; Charset = "utf\\"-16LE";q=0.5, */*;q=0.1', "application/json;q=0.5, */*;q=0.1"],
    ["text/csv;version=2; charset=utf-32;q=1", "text/csv;version=2;q=1"],
    ['text/csv;charset="utf-16', "text/csv"],
    ["application/vnd.github+json;q=0.9", "application/vnd.github+json;q=0.9"],
  ])("%j becomes %j", (asked, sent) => {
    expect(withoutCharsets(asked)).toBe(sent);
  });
});
