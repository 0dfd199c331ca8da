import { describe, expect, it } from "vitest";
import { loginCall, readLogin, type LoginScheme } from "./login.ts";

const OAUTH: LoginScheme = {
  scheme: "oauth2_client_credentials",
  token_url: "https://login.vendor.test/token",
  client_id: "client:1",
  scope: "users:read offline",
  audience: null,
  client_auth: "basic",
};
const EXCHANGE: LoginScheme = {
  scheme: "token_exchange",
  login_path: "/authenticate",
  login_headers: { "x-api-key": "{privateKey}" },
  login_body: { username: "{username}", password: "{password}" },
  token_ttl_seconds: 14_400,
  headers: { authorization: "Bearer {token}" },
};
const NOW = 1_000_000;

describe("loginCall", () => {
  it("sends client credentials as Basic, form-encoded first (RFC 6749 section 2.3.1)", () => {
    const call = loginCall(OAUTH, "https://api.vendor.test", "p w&=");
    if (!call.ok) throw new Error(call.error);
    expect(call.value.headers["authorization"]).toBe(`Basic ${btoa("client%3A1:p+w%26%3D")}`);
    expect(Object.fromEntries(new URLSearchParams(call.value.body))).toEqual({
      grant_type: "client_credentials",
      scope: "users:read offline",
    });
  });

  it("sends them in the body when the vendor wants that, and no parameter overrides the grant type", () => {
    const scheme: LoginScheme = {
      ...OAUTH,
      client_auth: "body",
      audience: "api",
      params: { grant_type: "x", sub: "7" },
    };
    const call = loginCall(scheme, "", "s3");
    if (!call.ok) throw new Error(call.error);
    expect(call.value.headers["authorization"]).toBeUndefined();
    expect(Object.fromEntries(new URLSearchParams(call.value.body))).toEqual({
      grant_type: "client_credentials",
      scope: "users:read offline",
      audience: "api",
      sub: "7",
      client_id: "client:1",
      client_secret: "s3",
    });
  });

  it("fills a vendor's own login from the parts of the secret", () => {
    const secret = JSON.stringify({ username: "u", password: 'p"w', privateKey: "k" });
    const call = loginCall(EXCHANGE, "https://rest.vendor.test/v2", secret);
    if (!call.ok) throw new Error(call.error);
    expect(call.value.url).toBe("https://rest.vendor.test/v2/authenticate");
    expect(call.value.headers["x-api-key"]).toBe("k");
    expect(JSON.parse(call.value.body)).toEqual({ username: "u", password: 'p"w' });
    expect(loginCall(EXCHANGE, "https://rest.vendor.test", "plain")).toEqual({ ok: false, error: "unusable_secret" });
  });
});

describe("readLogin", () => {
  const read = (status: number, text: string, scheme: LoginScheme = OAUTH) => readLogin(scheme, status, text, NOW);

  it("takes the token and renews it before it ends", () => {
    const long = read(200, JSON.stringify({ access_token: "t1", expires_in: 3600 }));
    expect(long).toEqual({ ok: true, value: { token: "t1", renewAtMs: NOW + 3_600_000 - 60_000 } });
    const short = read(200, JSON.stringify({ access_token: "t1", expires_in: "10" }));
    expect(short).toEqual({ ok: true, value: { token: "t1", renewAtMs: NOW + 9_000 } });
  });

  it("takes a bare JSON string, with the lifetime that the scheme states", () => {
    const result = read(200, '"abc"', EXCHANGE);
    expect(result).toEqual({ ok: true, value: { token: "abc", renewAtMs: NOW + 14_400_000 - 60_000 } });
  });

  it.each([
    [401, "{}", "refused"],
    [400, '{"error":"invalid_client"}', "refused"],
    [500, "{}", "unavailable"],
    [302, "", "unavailable"],
    [200, "<html>", "answer_not_understood"],
    [200, "{}", "answer_not_understood"],
    [200, '{"access_token":5}', "answer_not_understood"],
    [200, '{"access_token":"a\\nb"}', "answer_not_understood"],
    [200, "null", "answer_not_understood"],
  ])("answers %i %j with %s", (status, text, error) => {
    expect(read(status, text)).toEqual({ ok: false, error });
  });
});
