import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { AuthScheme } from "./auth-scheme.ts";
import {
  fillTemplate,
  last4,
  maskedForms,
  MAX_SECRET_BYTES,
  requiredParts,
  secretParts,
  secretProblem,
  shortSecretProblem,
} from "./auth-secret.ts";

const BEARER: AuthScheme = { scheme: "bearer" };
const SIGNED: AuthScheme = {
  scheme: "hmac",
  algorithm: "HMAC-SHA256",
  encoding: "hex",
  sign: ["timestamp", "body"],
  token_header: "x-t",
  timestamp_header: "x-ts",
  signature_header: "x-s",
  token_part: "token",
  key_part: "key",
};
const LOGIN: AuthScheme = {
  scheme: "token_exchange",
  login_path: "/login",
  login_headers: { "x-api-key": "{privateKey}" },
  login_body: { user: "{username}", pass: "{password}" },
  public_parts: ["username"],
  token_ttl_seconds: 60,
  headers: { authorization: "Bearer {token}" },
};

describe("secretProblem", () => {
  test.each<[AuthScheme, string]>([
    [BEARER, ""],
    [BEARER, " leading"],
    [BEARER, "trailing\n"],
    [BEARER, "in\u0000side"],
    [BEARER, "naïve"],
    [BEARER, "Bearer abcdef"],
    [BEARER, "x".repeat(MAX_SECRET_BYTES + 1)],
    [{ scheme: "header", name: "authorization", prefix: "FlyV1 " }, "flyv1 fm2_x"],
    [{ scheme: "basic", secret_in: "username", fixed: "" }, "a:b"],
    [{ scheme: "basic", secret_in: "username", fixed: "", raw: true }, "Basic abc"],
    [{ scheme: "query", name: "ak" }, "tab\there"],
    [{ scheme: "none" }, "something"],
    [SIGNED, "{}"],
    [SIGNED, '{"token":"a","key":""}'],
    [SIGNED, '{"token":"a","key":7}'],
    [SIGNED, '{"token":"a\\n","key":"b"}'],
    [SIGNED, "[1]"],
    [SIGNED, "{broken"],
  ])("refuses %j %j and does not quote it", (scheme, secret) => {
    const problem = secretProblem(scheme, secret);
    expect(problem).not.toBeNull();
    if (secret.length > 3) expect(problem).not.toContain(secret);
  });

  test.each<[AuthScheme, string]>([
    [BEARER, "x"],
    [BEARER, "fm2_abc,fm2_def with space"],
    [BEARER, "x".repeat(MAX_SECRET_BYTES)],
    [{ scheme: "basic", secret_in: "password", fixed: "AC" }, "a:b:ç"],
    [{ scheme: "query", name: "ak" }, "é"],
    [{ scheme: "none" }, ""],
    [SIGNED, '{"token":"a","key":"b"}'],
    [LOGIN, '{"username":"u","password":"pässword","privateKey":"k"}'],
  ])("accepts %j", (scheme, secret) => expect(secretProblem(scheme, secret)).toBeNull());
});

describe("shortSecretProblem", () => {
  test.each<[AuthScheme, string, string | null]>([
    [BEARER, "12345", "The secret is"],
    [BEARER, "123456", null],
    [BEARER, "äöü", null],
    [{ scheme: "query", name: "ak" }, "éé", "The secret is"],
    [{ scheme: "none" }, "", null],
    [SIGNED, '{"token":"123456","key":"12345"}', "The secret's member key is"],
    [SIGNED, '{"token":"123456","key":"123456"}', null],
    [LOGIN, '{"username":"u","password":"123456","privateKey":"123456"}', null],
    [LOGIN, '{"username":"u","password":"123","privateKey":"123456"}', "The secret's member password is"],
  ])("%j %j: %s", (scheme, secret, problem) => {
    const found = shortSecretProblem(scheme, secret);
    if (problem === null) expect(found).toBeNull();
    else expect(found).toMatch(problem);
    if (found !== null && secret.length < 6) expect(found).not.toContain(secret);
  });
});

test("requiredParts reads the templates and leaves the minted token out", () => {
  expect(requiredParts(SIGNED)).toEqual(["token", "key"]);
  expect([...requiredParts(LOGIN)].sort()).toEqual(["password", "privateKey", "username"]);
  expect(requiredParts(BEARER)).toEqual([]);
});

test("secretParts never yields anything but own string members", () => {
  expect(secretParts('{"__proto__":"x","constructor":"y"}')).toMatchObject({ constructor: "y" });
  expect(secretParts('"{}"')).toBeNull();
  expect(secretParts(`{${Array.from({ length: 9 }, (_, i) => `"p${i}":"x"`).join()}}`)).toBeNull();
  fc.assert(fc.property(fc.string(), (text) => void secretParts(text)));
});

test("fillTemplate fills once and never fills what it filled in", () => {
  expect(fillTemplate("{a}-{b}-{c}", { a: "{b}", b: "2" })).toBe("{b}-2-{c}");
  expect(fillTemplate("{toString}", {})).toBe("{toString}");
});

describe("last4", () => {
  test("shows four characters of the main part", () => {
    expect(last4(BEARER, "abcdefgh1234")).toBe("1234");
    expect(last4(SIGNED, '{"key":"kkkkkkkkkkkk","token":"prd:abcdWXYZ"}')).toBe("WXYZ");
    expect(last4(LOGIN, '{"username":"someone-long","password":"passpasspass","privateKey":"pppppppp9999"}')).not.toBe(
      "long",
    );
  });
  test("shows nothing of a short secret", () => expect(last4(BEARER, "abc1234")).toBe(""));
  test("is never more than four", () =>
    fc.assert(
      fc.property(fc.string(), (secret) => {
        expect(last4(BEARER, secret).length).toBeLessThanOrEqual(4);
      }),
    ));
});

describe("maskedForms", () => {
  test("Basic: the encoded pair without its padding", () => {
    const forms = maskedForms({ scheme: "basic", secret_in: "password", fixed: "AC1" }, "not-a-key-77");
    expect(forms).toEqual([btoa("AC1:not-a-key-77").replace(/=+$/, "")]);
    expect(maskedForms({ scheme: "basic", secret_in: "username", fixed: "", raw: true }, "not-a-key-77")).toEqual([]);
  });
  test("several parts: each one that is secret", () => {
    expect(maskedForms(SIGNED, '{"token":"token-part","key":"key-part-x"}')).toEqual(["token-part", "key-part-x"]);
    expect(maskedForms(LOGIN, '{"username":"someone","password":"pass-word","privateKey":"private-k"}')).toEqual([
      "pass-word",
      "private-k",
    ]);
  });
  test("several parts under a scheme that sends them as one string: each part, the public one of another scheme too", () => {
    const stored = '{"username":"some-one","password":"pass-word","pin":"1234"}';
    expect(maskedForms(BEARER, stored)).toEqual(["some-one", "pass-word"]);
    expect(maskedForms({ scheme: "query", name: "key" }, stored)).toEqual(["some-one", "pass-word"]);
  });
  test("client credentials: the Basic pair and the minted token", () => {
    const forms = maskedForms(
      {
        scheme: "oauth2_client_credentials",
        token_url: "https://v.test/token",
        client_id: "id",
        scope: null,
        audience: null,
        client_auth: "basic",
      },
      "client-secret",
      "minted-token",
    );
    expect(forms).toContain("minted-token");
    expect(forms).toContain(btoa("id:client-secret").replace(/=+$/, ""));
  });
  test("a very short form is left out, since it would mask ordinary words", () => {
    expect(maskedForms(SIGNED, '{"token":"ok","key":"key-part-x"}')).toEqual(["key-part-x"]);
  });
});
