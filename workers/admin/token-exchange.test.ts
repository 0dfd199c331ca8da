import { base64url, exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from "jose";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { forgetIssuers } from "../../src/cloudflare/oidc.ts";
import { encodeHex } from "../../src/domain/encoding.ts";
import { call, fieldsOf, newConnection, newCredential, textOf } from "./admin.fixture.ts";
import { otherOrganisation } from "./tenant.fixture.ts";

// The machine may be busy; each test is bounded all the same.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const ISSUER = "https://ci.example.com";
const AUDIENCE = "relaykey";
const GRANT = "urn:ietf:params:oauth:grant-type:token-exchange";
const JWT_TYPE = "urn:ietf:params:oauth:token-type:jwt";

type Pair = Awaited<ReturnType<typeof generateKeyPair>>;
let pair: Pair;
let other: Pair;
let curve: Pair;
let jti = 0;

interface TokenPart {
  readonly claims?: Record<string, unknown>;
  readonly key?: Pair;
  readonly kid?: string;
  readonly issuer?: string;
  readonly audience?: string;
  readonly issuedAt?: number;
  readonly expires?: number;
  /** Null: none. */
  readonly jti?: string | null;
  readonly alg?: string;
}

function token(part: TokenPart = {}): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  jti += 1;
  const unsigned = new SignJWT({ repository_id: "74", environment: "production", run_id: jti, ...part.claims });
  if (part.jti !== null) unsigned.setJti(part.jti ?? `jti-${jti}`);
  return unsigned
    .setProtectedHeader({ alg: part.alg ?? "RS256", kid: part.kid ?? "k1" })
    .setIssuer(part.issuer ?? ISSUER)
    .setAudience(part.audience ?? AUDIENCE)
    .setSubject("repo:acme/app:ref:refs/heads/main")
    .setIssuedAt(part.issuedAt ?? now)
    .setExpirationTime(part.expires ?? now + 300)
    .sign((part.key ?? pair).privateKey);
}

function exchange(subjectToken: string, more: Record<string, unknown> = {}) {
  return call("POST", "/api/v1/token-exchange", {
    key: null,
    body: { grant_type: GRANT, subject_token: subjectToken, subject_token_type: JWT_TYPE, ...more },
  });
}

/** The same signature bytes: both signatures end with a character of which four bits are not used. */
function withStrayBits(whole: string): string {
  const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return whole.slice(0, -1) + digits.charAt(digits.indexOf(whole.slice(-1)) + 1);
}

/** The other signature of the same bytes that verifies under P-256: (r, n - s). */
function withOtherSignature(whole: string): string {
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
  const at = whole.lastIndexOf(".") + 1;
  const bytes = base64url.decode(whole.slice(at));
  const s = BigInt(`0x${encodeHex(bytes.slice(32))}`);
  const hex = (order - s).toString(16).padStart(64, "0");
  bytes.set(
    Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16)),
    32,
  );
  return whole.slice(0, at) + base64url.encode(bytes);
}

const policy = {
  name: "app",
  issuer: ISSUER,
  audience: AUDIENCE,
  claims: { repository_id: "74", environment: ["production", "staging"] },
  constraints: {
    connections: ["conn_ci"],
    allowed_methods: ["GET"],
    allowed_paths: ["/v1/*"],
    max_ttl_seconds: 600,
    name_pattern: "ci-*",
    labels: { source: "ci" },
  },
};

beforeAll(async () => {
  pair = await generateKeyPair("RS256", { extractable: true });
  other = await generateKeyPair("RS256", { extractable: true });
  curve = await generateKeyPair("ES256", { extractable: true });
  expect((await newConnection({ id: "conn_ci" })).status).toBe(201);
  expect((await newConnection({ id: "conn_not_ci" })).status).toBe(201);
  const made = await call("POST", "/api/v1/trust-policies", { body: policy });
  expect(made.status, made.text).toBe(201);
});

beforeEach(async () => {
  forgetIssuers();
  const keys = {
    keys: [
      { ...(await exportJWK(pair.publicKey)), kid: "k1", alg: "RS256" },
      { ...(await exportJWK(curve.publicKey)), kid: "k3", alg: "ES256" },
    ],
  };
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    const url = new Request(input, init).url;
    if (url === `${ISSUER}/.well-known/openid-configuration`)
      return Response.json({ issuer: ISSUER, jwks_uri: `${ISSUER}/jwks` });
    if (url === `${ISSUER}/jwks`) return Response.json(keys);
    return new Response(null, { status: 404 });
  });
});

afterEach(() => vi.restoreAllMocks());

describe("the token exchange", () => {
  it("gives a short-lived credential for a right token, once", async () => {
    const subject = await token();
    const exchanged = await exchange(subject);
    expect(exchanged.status, exchanged.text).toBe(200);
    expect(exchanged.json).toMatchObject({
      token_type: "Bearer",
      issued_token_type: "urn:ietf:params:oauth:token-type:access_token",
    });
    expect(exchanged.json["access_token"]).toMatch(/^rk_proxy_/);
    expect(exchanged.json["expires_in"]).toBeGreaterThan(590);
    const credential = await call("GET", `/api/v1/delegated-credentials/${exchanged.json["credential_id"]}`);
    expect(credential.json).toMatchObject({
      name: "ci-repo:acme/app:ref:refs/heads/main",
      labels: { source: "ci" },
      grants: [{ connection_id: "conn_ci", allowed_paths: ["/v1/*"] }],
    });
    const trustId = textOf(credential, "created_by");
    expect(trustId).toMatch(/^trust_/);
    await newCredential("conn_ci");
    const its = await call("GET", `/api/v1/delegated-credentials?created_by=${trustId}`);
    expect(its.json["data"]).toMatchObject([{ id: textOf(credential, "id") }]);
    const nobodys = await call("GET", "/api/v1/delegated-credentials?created_by=conn_ci");
    expect([nobodys.status, fieldsOf(nobodys)]).toEqual([422, ["created_by"]]);
    const again = await exchange(subject);
    expect(again.json).toMatchObject({
      status: 401,
      error: "invalid_grant",
      detail: "The identity token was used before",
    });
  });

  it("takes a form, as the RFC says", async () => {
    const form = new URLSearchParams({
      grant_type: GRANT,
      subject_token: await token(),
      subject_token_type: JWT_TYPE,
      ttl_seconds: "60",
    });
    const exchanged = await call("POST", "/api/v1/token-exchange", {
      key: null,
      raw: form.toString(),
      headers: { "content-type": "application/x-www-form-urlencoded" },
    });
    expect(exchanged.status, exchanged.text).toBe(200);
    expect(exchanged.json["expires_in"]).toBeLessThanOrEqual(60);
  });

  it.each<[string, TokenPart, string]>([
    ["another key", { kid: "k1" }, "signature"],
    ["an unknown key", { kid: "k2" }, "signature"],
    ["another audience", { audience: "other" }, "audience"],
    ["another issuer", { issuer: "https://evil.example.com" }, "No trust policy"],
    ["an expired token", { expires: Math.floor(Date.now() / 1000) - 120 }, "expired"],
    ["a token that is too old", { issuedAt: Math.floor(Date.now() / 1000) - 7_200 }, "too old"],
    ["another repository", { claims: { repository_id: "740" } }, "repository_id"],
    ["a repository that only begins alike", { claims: { repository_id: "74 " } }, "repository_id"],
    ["another environment", { claims: { environment: "dev" } }, "environment"],
    ["a missing claim", { claims: { environment: undefined } }, "environment"],
  ])("refuses %s", async (name, part, reason) => {
    const refused = await exchange(await token(name.includes("key") ? { ...part, key: other } : part));
    expect(refused.status, refused.text).toBe(401);
    expect(refused.json["detail"]).toContain(reason);
    expect(refused.text).not.toContain("740");
  });

  it.each<[string, (whole: string) => string]>([
    ["padding", (whole) => `${whole}==`],
    ["one sign of padding", (whole) => `${whole}=`],
    ["stray bits in the last character", (whole) => withStrayBits(whole)],
    ["white space in the signature", (whole) => `${whole.slice(0, -9)} ${whole.slice(-9)}`],
    ["a line break at the end", (whole) => `${whole}\n`],
    ["the digits of base64", (whole) => whole.replaceAll("-", "+").replaceAll("_", "/").concat("=")],
    ["a fourth part", (whole) => `${whole}.`],
  ])("takes no other text of a token: with %s", async (_name, rewritten) => {
    for (const part of [{}, { alg: "ES256", kid: "k3", key: curve }]) {
      const subject = await token({ ...part, jti: null });
      const fresh = await exchange(rewritten(subject));
      expect(fresh.status, fresh.text).toBe(401);
      expect(fresh.json["detail"]).toContain("not a signed JWT");
      expect((await exchange(subject)).status).toBe(200);
      expect((await exchange(rewritten(subject))).status).toBe(401);
    }
  });

  it("takes no second signature of a token without jti that was used", async () => {
    const subject = await token({ alg: "ES256", kid: "k3", key: curve, jti: null });
    expect((await exchange(withOtherSignature(subject))).status).toBe(200);
    for (const text of [subject, withOtherSignature(subject)]) {
      expect((await exchange(text)).json["detail"]).toBe("The identity token was used before");
    }
    const next = await token({ alg: "ES256", kid: "k3", key: curve, jti: null });
    expect((await exchange(next)).status).toBe(200);
  });

  it("refuses unsigned tokens, garbage and wrong requests", async () => {
    const unsigned = new UnsecuredJWT({ repository_id: "74", environment: "production" })
      .setIssuer(ISSUER)
      .setAudience(AUDIENCE)
      .setIssuedAt()
      .setExpirationTime("5m")
      .encode();
    expect((await exchange(unsigned)).status).toBe(401);
    for (const text of ["x", "a.b.c", "..", "{}"]) expect((await exchange(text)).status).toBe(401);
    expect((await exchange(await token(), { grant_type: "password" })).status).toBe(422);
    expect((await exchange("")).status).toBe(422);
  });

  it("stays inside the trust policy's constraints", async () => {
    const wide = { grants: [{ connection_id: "conn_ci", allowed_methods: ["DELETE"], allowed_paths: ["/v1/*"] }] };
    expect((await exchange(await token(), wide)).json).toMatchObject({ status: 403, code: "outside_constraint" });
    expect((await exchange(await token(), { connection_id: "conn_not_ci" })).json).toMatchObject({
      code: "outside_constraint",
    });
    expect((await exchange(await token(), { ttl_seconds: 601 })).json).toMatchObject({ code: "outside_constraint" });
    expect((await exchange(await token(), { name: "me" })).json).toMatchObject({ code: "outside_constraint" });
    const narrow = { grants: [{ connection_id: "conn_ci", allowed_methods: ["GET"], allowed_paths: ["/v1/a"] }] };
    expect((await exchange(await token(), narrow)).status).toBe(200);
  });

  it("lets no other organisation catch a token by trusting the same issuer and claims", async () => {
    const key = await otherOrganisation("org_catcher");
    const audience = "shared";
    const own = await call("POST", "/api/v1/trust-policies", { body: { ...policy, audience } });
    await newConnection({ id: "conn_ci" }, { key });
    const theirs = await call("POST", "/api/v1/trust-policies", { key, body: { ...policy, audience } });
    expect(theirs.status, theirs.text).toBe(201);
    const unclear = await exchange(await token({ audience }));
    expect(unclear.status, unclear.text).toBe(401);
    expect(unclear.json["detail"]).toContain("trust_policy_id");
    const named = await exchange(await token({ audience }), { trust_policy_id: own.json["id"] });
    expect(named.status, named.text).toBe(200);
    const seen = await call("GET", `/api/v1/delegated-credentials/${named.json["credential_id"]}`);
    expect(seen.status).toBe(200);
  });

  it("says that an issuer cannot be reached, and does not follow its redirects", async () => {
    vi.mocked(fetch).mockImplementation(
      async () => new Response(null, { status: 302, headers: { location: "https://evil.example.com" } }),
    );
    expect((await exchange(await token())).json).toMatchObject({ status: 503, retryable: true });
  });
});

describe("trust policies", () => {
  it("refuse private issuers, wildcards, and issuers that serve everyone without a claim that identifies", async () => {
    const make = (part: Record<string, unknown>) =>
      call("POST", "/api/v1/trust-policies", { body: { ...policy, ...part } });
    expect(fieldsOf(await make({ issuer: "ftp://ci.example.com" }))).toEqual(["issuer"]);
    expect(fieldsOf(await make({ claims: {} }))).toEqual(["claims"]);
    expect((await make({ claims: { sub: "repo:acme/*" } })).json["detail"]).toContain("wildcards");
    const everyone = { issuer: "https://token.actions.githubusercontent.com", claims: { environment: "production" } };
    expect((await make(everyone)).json["detail"]).toContain("serves everyone");
  });

  it("are paused and deleted at once", async () => {
    const made = await call("POST", "/api/v1/trust-policies", { body: { ...policy, audience: "second" } });
    const path = `/api/v1/trust-policies/${made.json["id"]}`;
    expect((await exchange(await token({ audience: "second" }))).status).toBe(200);
    expect((await call("PATCH", path, { body: { status: "paused" } })).json["status"]).toBe("paused");
    expect((await exchange(await token({ audience: "second" }))).status).toBe(401);
    expect((await call("DELETE", path)).status).toBe(204);
    expect((await call("GET", path)).status).toBe(404);
  });
});
