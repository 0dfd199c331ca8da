import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  DEFAULT_CONNECTION_SETTINGS,
  ConnectionCreate,
  ConnectionPatch,
  fromConnectionSettings,
  toConnectionSettings,
} from "./connection.ts";
import { Labels, Name, TimeInput, wireTime } from "./fields.ts";
import { BudgetLimitWire } from "./limits.ts";
import { decodeCursor, encodeCursor } from "./page.ts";
import { Secret, last4, secretText } from "./upstream-credential.ts";

const BASE = { name: "Vendor", base_url: "https://api.vendor.example", auth: { scheme: "bearer" } };

function fieldsOf(value: unknown): string[] {
  return ConnectionCreate.safeParse(value).error?.issues.map((issue) => issue.path.join(".")) ?? [];
}

describe("cursors", () => {
  it("come back as they went out, and nothing else is one", () => {
    const position = fc.record({ atMs: fc.nat(), id: fc.stringMatching(/^[a-z]+_[a-z0-9]{1,16}$/) });
    fc.assert(
      fc.property(position, (given) => {
        expect(decodeCursor(encodeCursor(given))).toEqual(given);
      }),
    );
    fc.assert(
      fc.property(fc.string(), (text) => {
        const decoded = decodeCursor(text);
        if (decoded !== null) expect(encodeCursor(decoded)).toBe(text);
      }),
    );
  });
});

describe("budgets", () => {
  it("take no anchor from before 1970, whose months would never end", () => {
    const anchored = (anchor: string) =>
      BudgetLimitWire.safeParse({ unit: "requests", limit: 1, window: "month", anchor }).success;
    expect(anchored("0001-01-31T00:00:00Z")).toBe(false);
    expect(anchored("1970-01-01T00:00:00+14:00")).toBe(false);
    expect(anchored("2026-01-31T10:00:00+02:00")).toBe(true);
  });
});

describe("connections", () => {
  it("show settings in a form that gives the same settings again", () => {
    const view = fromConnectionSettings(DEFAULT_CONNECTION_SETTINGS);
    const again = toConnectionSettings(ConnectionPatch.parse(view), DEFAULT_CONNECTION_SETTINGS);
    expect(again).toMatchObject(DEFAULT_CONNECTION_SETTINGS);
  });

  it("name each further origin once", () => {
    const origin = (name: string) => ({ name, base_url: `https://${name}.vendor.example` });
    expect(fieldsOf({ ...BASE, origins: [origin("files"), origin("events")] })).toEqual([]);
    expect(fieldsOf({ ...BASE, origins: [origin("files"), origin("events"), origin("files")] })).toEqual([
      "origins.2.name",
    ]);
  });

  it("cannot fix headers that frame the message, speak for the client, or carry keys", () => {
    for (const name of [
      "Host",
      "content-length",
      "Authorization",
      "Cookie",
      "X-Forwarded-For",
      "x-relaykey-a",
      "CF-Ray",
    ]) {
      expect(fieldsOf({ ...BASE, headers: { [name]: "x" } }), name).toEqual([`headers.${name}`]);
    }
    expect(fieldsOf({ ...BASE, headers: { "x-version": "a\r\nb: c" } })).toEqual(["headers.x-version"]);
    expect(fieldsOf({ ...BASE, headers: { "x version": "1" } })).toHaveLength(1);
  });

  it("know each scheme's members, and name what is wrong within", () => {
    expect(fieldsOf({ ...BASE, auth: { scheme: "header", name: "x-api-key", prefix: "" } })).toEqual([]);
    expect(fieldsOf({ ...BASE, auth: { scheme: "basic", secret_in: "username" } })).toEqual([]);
    expect(fieldsOf({ ...BASE, auth: { scheme: "header" } })).toEqual(["auth.name"]);
    expect(fieldsOf({ ...BASE, auth: { scheme: "header", name: "Transfer-Encoding" } })).toEqual(["auth.name"]);
    expect(fieldsOf({ ...BASE, auth: { scheme: "header", name: "x", prefix: "a\n" } })).toEqual(["auth.prefix"]);
    expect(fieldsOf({ ...BASE, auth: { scheme: "magic" } })).toEqual(["auth.scheme"]);
    expect(fieldsOf({ ...BASE, auth: "bearer" })).toEqual(["auth"]);
  });
});

describe("secrets", () => {
  it("show four characters at most, and none of a short one", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 40 }), (text) => {
        const shown = last4(text);
        expect(shown.length).toBeLessThanOrEqual(4);
        expect(text.endsWith(shown)).toBe(true);
        if (text.length < 8) expect(shown).toBe("");
      }),
    );
    expect(last4({ token: "aaaaaaaaaaaa", key: "bbbbbbbb1234" })).toBe("1234");
    expect(JSON.parse(secretText({ token: "a", key: "b" }))).toEqual({ token: "a", key: "b" });
  });

  it("are refused when they cannot be meant", () => {
    for (const bad of ["", " padded ", "a\nb", {}, { "not a name": "x" }, [], 7, null]) {
      expect(Secret.safeParse(bad).success, JSON.stringify(bad)).toBe(false);
    }
  });
});

describe("small fields", () => {
  it("refuse what people cannot read", () => {
    for (const bad of ["", "  ", "a\u0000", "a\u202eb", "a\nb", "a\ud83d", "x".repeat(201)]) {
      expect(Name.safeParse(bad).success, JSON.stringify(bad)).toBe(false);
    }
    const many = Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`l${i}`, "x"]));
    expect(Labels.safeParse(many).success).toBe(false);
    for (const bad of ["9999-12-31T23:59:59-12:00", "0000-01-01T00:00:00Z", "1970-01-01T00:00:00+01:00", "soon"])
      expect(TimeInput.safeParse(bad).success, bad).toBe(false);
    for (const good of ["9999-12-31T23:59:59Z", "1970-01-01T01:00:00+01:00"])
      expect(TimeInput.safeParse(good).success, good).toBe(true);
    expect(wireTime(0)).toBe("1970-01-01T00:00:00.000Z");
    expect(wireTime(null)).toBeNull();
  });
});
