import { createHmac } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  applyAuth,
  authHeaderNames,
  authQueryNames,
  needsAccessToken,
  needsBody,
  UnusableSecret,
  type OutgoingCall,
} from "./auth-apply.ts";
import type { AuthScheme } from "./auth-scheme.ts";

const SECRET = ["not", "a", "real", "key", "1234"].join("-");

const SUMSUB: AuthScheme = {
  scheme: "hmac",
  algorithm: "HMAC-SHA256",
  encoding: "hex",
  sign: ["timestamp", "method", "path_and_query", "body"],
  token_header: "X-App-Token",
  timestamp_header: "X-App-Access-Ts",
  signature_header: "X-App-Access-Sig",
  token_part: "token",
  key_part: "key",
};
const LOGIN: AuthScheme = {
  scheme: "token_exchange",
  login_path: "/authenticate",
  login_headers: { "x-api-key": "{privateKey}" },
  login_body: { username: "{username}", password: "{password}", privateKey: "{privateKey}" },
  public_parts: ["username"],
  token_ttl_seconds: 14_400,
  headers: { "x-api-key": "{privateKey}", authorization: "Bearer {token}" },
};
const OAUTH: AuthScheme = {
  scheme: "oauth2_client_credentials",
  token_url: "https://auth.vendor.test/token",
  client_id: "client",
  scope: null,
  audience: null,
  client_auth: "basic",
};

function call(over: Partial<OutgoingCall> = {}): OutgoingCall {
  return {
    method: "GET",
    url: "https://api.vendor.test/v1/things?a=%20b",
    headers: new Headers(),
    bodyBytes: null,
    nowMs: 1_700_000_000_999,
    accessToken: null,
    ...over,
  };
}

describe("simple schemes", () => {
  test.each<[AuthScheme, string, string]>([
    [{ scheme: "bearer" }, "authorization", `Bearer ${SECRET}`],
    [{ scheme: "header", name: "X-Api-Key", prefix: "" }, "x-api-key", SECRET],
    [{ scheme: "header", name: "Authorization", prefix: "Token " }, "authorization", `Token ${SECRET}`],
    [{ scheme: "basic", secret_in: "username", fixed: "" }, "authorization", `Basic ${btoa(`${SECRET}:`)}`],
    [{ scheme: "basic", secret_in: "password", fixed: "AC1" }, "authorization", `Basic ${btoa(`AC1:${SECRET}`)}`],
    [{ scheme: "basic", secret_in: "username", fixed: "", raw: true }, "authorization", `Basic ${SECRET}`],
  ])("%j", (scheme, header, value) => {
    const outgoing = call({ headers: new Headers({ [header]: "what the client sent" }) });
    expect(applyAuth(scheme, SECRET, outgoing)).toEqual({ url: outgoing.url });
    expect(outgoing.headers.get(header)).toBe(value);
    expect(authHeaderNames(scheme)).toEqual([header]);
  });

  test("Basic encodes UTF-8 (RFC 7617 section 2.1)", () => {
    const outgoing = call();
    applyAuth({ scheme: "basic", secret_in: "password", fixed: "ü" }, "£-password-£", outgoing);
    expect(outgoing.headers.get("authorization")).toBe(`Basic ${Buffer.from("ü:£-password-£").toString("base64")}`);
  });

  test("none touches nothing", () => {
    const outgoing = call();
    expect(applyAuth({ scheme: "none" }, "", outgoing).url).toBe(outgoing.url);
    expect([...outgoing.headers]).toEqual([]);
  });
});

describe("query", () => {
  const scheme: AuthScheme = { scheme: "query", name: "ak" };
  test.each([
    ["https://v.test/xml/", "https://v.test/xml/?ak=k%26%3D%23%20%2B-é"],
    ["https://v.test/xml/?", "https://v.test/xml/?ak=k%26%3D%23%20%2B-é"],
    ["https://v.test/xml/?s=%2f1", "https://v.test/xml/?s=%2f1&ak=k%26%3D%23%20%2B-é"],
    ["https://v.test/xml/?s=1&", "https://v.test/xml/?s=1&ak=k%26%3D%23%20%2B-é"],
  ])("%s", (url, expected) => {
    const outgoing = call({ url });
    expect(applyAuth(scheme, "k&=# +-é", outgoing).url).toBe(expected.replace("é", "%C3%A9"));
    expect([...outgoing.headers]).toEqual([]);
  });

  test("the rest of the URL is untouched and the key reads back", () => {
    fc.assert(
      fc.property(
        fc.webUrl({ withQueryParameters: true, withFragments: true }),
        fc.stringMatching(/^[!-~]{1,60}$/),
        (url, secret) => {
          const signed = applyAuth(scheme, secret, call({ url })).url;
          expect(signed.startsWith(url.split("#")[0] ?? "")).toBe(true);
          expect(new URL(signed).searchParams.getAll("ak").at(-1)).toBe(secret);
          expect(new URL(signed).origin).toBe(new URL(url).origin);
        },
      ),
    );
  });

  test("names the parameter", () => expect(authQueryNames(scheme)).toEqual(["ak"]));
});

describe("HMAC", () => {
  const secret = JSON.stringify({ token: "app-token-for-tests", key: "relaykey-test-secret" });

  test.each([
    [
      "https://api.sumsub.com/resources/accessTokens?userId=cfd20712-24a2-4c7d-9ab0-146f3c142335&levelName=basic-kyc-level&ttlInSecs=600",
      1_607_551_635_000,
      null,
      "88bfef6bbea8edd5c07c9fd65de55aa83fe314ee0e1d7d1e828a77f9a2c26e1f",
    ],
    [
      "https://api.sumsub.com/resources/applicants?levelName=basic-kyc-level",
      1_700_000_000_999,
      '{"externalUserId":"u1"}',
      "ecb734ca3830f465167222f5da401d2ea4545f0f1bd8f97081b4d779da6f5467",
    ],
  ])("known vector %s", (url, nowMs, body, expected) => {
    const bodyBytes = body === null ? null : new TextEncoder().encode(body);
    const outgoing = call({ method: "post", url, nowMs, bodyBytes });
    applyAuth(SUMSUB, secret, outgoing);
    expect(outgoing.headers.get("x-app-access-sig")).toBe(expected);
    expect(outgoing.headers.get("x-app-access-ts")).toBe(String(Math.floor(nowMs / 1000)));
    expect(outgoing.headers.get("x-app-token")).toBe("app-token-for-tests");
  });

  test("agrees with node:crypto for any body, and base64 is offered", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.constantFrom("hex", "base64"), (bodyBytes, encoding) => {
        const outgoing = call({ method: "PUT", bodyBytes });
        applyAuth({ ...SUMSUB, encoding: encoding as "hex" | "base64" }, secret, outgoing);
        const expected = createHmac("sha256", "relaykey-test-secret")
          .update("1700000000PUT/v1/things?a=%20b")
          .update(bodyBytes)
          .digest(encoding as "hex" | "base64");
        expect(outgoing.headers.get("x-app-access-sig")).toBe(expected);
      }),
    );
  });

  test("the signing key is never sent", () => {
    const outgoing = call();
    applyAuth(SUMSUB, secret, outgoing);
    expect(JSON.stringify([...outgoing.headers])).not.toContain("relaykey-test-secret");
    expect(authHeaderNames(SUMSUB)).toEqual(["x-app-token", "x-app-access-ts", "x-app-access-sig"]);
    expect(needsBody(SUMSUB)).toBe(true);
    expect(needsBody({ ...SUMSUB, sign: ["timestamp"] })).toBe(false);
  });
});

describe("schemes with a login", () => {
  test("client credentials put the access token where the scheme says", () => {
    const outgoing = call({ accessToken: "minted" });
    applyAuth(OAUTH, SECRET, outgoing);
    expect(outgoing.headers.get("authorization")).toBe("Bearer minted");
    const other = call({ accessToken: "minted" });
    const scheme: AuthScheme = { ...OAUTH, sent_as: { header: "X-Shop-Token", prefix: "" } };
    applyAuth(scheme, SECRET, other);
    expect([...other.headers]).toEqual([["x-shop-token", "minted"]]);
    expect(authHeaderNames(scheme)).toEqual(["x-shop-token"]);
  });

  test("token exchange fills its header templates", () => {
    const outgoing = call({ accessToken: "minted" });
    applyAuth(LOGIN, JSON.stringify({ username: "u", password: "p {token}", privateKey: "private" }), outgoing);
    expect([...outgoing.headers]).toEqual([
      ["authorization", "Bearer minted"],
      ["x-api-key", "private"],
    ]);
    expect(authHeaderNames(LOGIN)).toEqual(["x-api-key", "authorization"]);
  });

  test.each([null, "", "two words", "line\r\nbreak", "é"])("refuses the access token %j", (accessToken) => {
    expect(() => applyAuth(OAUTH, SECRET, call({ accessToken }))).toThrow(UnusableSecret);
  });

  test("only these need an access token", () => {
    expect([OAUTH, LOGIN, SUMSUB, { scheme: "bearer" } as const].map(needsAccessToken)).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });
});

describe("a secret that does not fit", () => {
  test.each<[AuthScheme, string]>([
    [{ scheme: "bearer" }, ""],
    [{ scheme: "bearer" }, "bad\nvalue"],
    [{ scheme: "header", name: "x-k", prefix: "" }, "kéy"],
    [{ scheme: "basic", secret_in: "username", fixed: "" }, "has:colon"],
    [SUMSUB, "plain string"],
    [SUMSUB, '{"token":"t"}'],
    [LOGIN, '{"username":"u","password":"p"}'],
  ])("throws without quoting it: %j %j", (scheme, secret) => {
    const outgoing = call({ accessToken: "minted" });
    let message = "";
    try {
      applyAuth(scheme, secret, outgoing);
    } catch (error) {
      expect(error).toBeInstanceOf(UnusableSecret);
      message = String(error);
    }
    expect(message).not.toBe("");
    if (secret !== "") expect(message).not.toContain(secret);
    expect([...outgoing.headers]).toEqual([]);
  });
});
