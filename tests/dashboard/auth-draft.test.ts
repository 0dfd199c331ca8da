/** How an API expects its key, in a form: every scheme keeps all of its members, and only what was touched is sent. */
import { describe, expect, it } from "vitest";
import { AuthWire } from "../../src/contract/auth.ts";
import {
  authBody,
  authDraft,
  changedAuth,
  partsOf,
  secretLabel,
  type Auth,
} from "../../workers/admin/dashboard/screens/auth-draft.ts";

const SCHEMES: Readonly<Record<Auth["scheme"], readonly Auth[]>> = {
  bearer: [{ scheme: "bearer" }],
  none: [{ scheme: "none" }],
  query: [{ scheme: "query", name: "api_key" }],
  header: [{ scheme: "header", name: "X-Token", prefix: "Token " }],
  basic: [
    { scheme: "basic", secret_in: "password", fixed: "someone" },
    { scheme: "basic", secret_in: "username", fixed: "", raw: true },
  ],
  oauth2_client_credentials: [
    {
      scheme: "oauth2_client_credentials",
      token_url: "https://login.example.com/token",
      client_id: "me",
      scope: null,
      audience: "api",
      client_auth: "body",
    },
    {
      scheme: "oauth2_client_credentials",
      token_url: "https://login.example.com/token",
      client_id: "me",
      scope: "read write",
      audience: null,
      client_auth: "basic",
      params: { sub: "4711", kind: "a: b" },
      token_ttl_seconds: 600,
      sent_as: { header: "X-Access", prefix: "Bearer " },
    },
  ],
  hmac: [
    {
      scheme: "hmac",
      algorithm: "HMAC-SHA256",
      encoding: "base64",
      sign: ["body", "timestamp", "method"],
      token_header: "X-App-Token",
      timestamp_header: "X-App-Ts",
      signature_header: "X-App-Sig",
      token_part: "app_token",
      key_part: "secret_key",
    },
  ],
  token_exchange: [
    {
      scheme: "token_exchange",
      login_path: "/login",
      login_headers: { "X-Api-Key": "{key}" },
      login_body: { username: "{username}", password: "{password}" },
      public_parts: ["username"],
      token_ttl_seconds: 900,
      headers: { Authorization: "{token}", "X-Api-Key": "{key}" },
    },
    {
      scheme: "token_exchange",
      login_path: "/login",
      login_headers: {},
      login_body: { key: "{key}" },
      token_ttl_seconds: 60,
      headers: { Authorization: "Bearer {token}" },
    },
  ],
};
const ALL = Object.values(SCHEMES).flat();

describe("every scheme", () => {
  it("is read into the form and out of it as it was", () => {
    for (const auth of ALL) {
      expect(authBody(authDraft(auth))).toEqual({ ok: true, value: auth });
      expect(AuthWire.parse(auth)).toEqual(auth);
    }
  });

  it("is not sent while nothing is touched, and whole when something is", () => {
    for (const auth of ALL) expect(changedAuth(authDraft(auth), auth)).toEqual({ ok: true, value: null });
    const [plain, raw] = SCHEMES.basic;
    if (plain === undefined || raw === undefined) throw new Error("Both are above");
    const draft = authDraft(raw);
    draft.raw.value = false;
    expect(changedAuth(draft, raw)).toEqual({
      ok: true,
      value: { scheme: "basic", secret_in: "username", fixed: "" },
    });
    const other = authDraft(plain);
    other.scheme.value = "bearer";
    expect(changedAuth(other, plain)).toEqual({ ok: true, value: { scheme: "bearer" } });
    other.scheme.value = "basic";
    expect(changedAuth(other, plain)).toEqual({ ok: true, value: null });
  });

  it("that lines cannot hold stays as it is until it is touched", () => {
    const twice: Auth = { ...SCHEMES.token_exchange[1], login_body: { Id: "{key}", id: "1" } } as Auth;
    const draft = authDraft(twice);
    expect(changedAuth(draft, twice)).toEqual({ ok: true, value: null });
    draft.exchange.loginPath.value = "/other";
    expect(changedAuth(draft, twice)).toEqual({
      ok: false,
      error: [{ field: "auth.login_body", message: "Names id twice" }],
    });
  });
});

it("names the field whose lines are no names and values", () => {
  const draft = authDraft({ scheme: "none" });
  draft.scheme.value = "token_exchange";
  draft.exchange.loginHeaders.value = "nothing";
  draft.exchange.headers.value = "X-Token: {token}\n: 1";
  const body = authBody(draft);
  expect(body.ok ? [] : body.error.map((each) => each.field)).toEqual(["auth.login_headers", "auth.headers"]);
  // What belongs to another scheme is no hindrance.
  draft.scheme.value = "bearer";
  expect(authBody(draft)).toEqual({ ok: true, value: { scheme: "bearer" } });
});

it("asks for the parts of the key that the scheme names, while it is being written", () => {
  const draft = authDraft();
  expect([partsOf(draft), secretLabel(draft)]).toEqual([[], "Key"]);
  draft.scheme.value = "hmac";
  expect(partsOf(draft)).toEqual(["token", "key"]);
  draft.hmac.keyPart.value = "secret_key";
  expect(partsOf(draft)).toEqual(["token", "secret_key"]);
  draft.scheme.value = "token_exchange";
  draft.exchange.loginHeaders.value = "x-key: {key}";
  draft.exchange.loginBody.value = "user: {user}\npass: {pass";
  expect(partsOf(draft)).toEqual(["key", "user"]);
  draft.scheme.value = "basic";
  draft.secretIn.value = "username";
  expect([partsOf(draft), secretLabel(draft)]).toEqual([[], "User name"]);
});
