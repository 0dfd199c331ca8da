/** Whom Cloudflare Access let in is believed only by its signed assertion. */
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { accessEmail } from "./access-login.ts";
import { forgetIssuers } from "./oidc.ts";

const env = { ACCESS_TEAM_DOMAIN: "acme.cloudflareaccess.com", ACCESS_AUD: "app" };
const pair = await generateKeyPair("RS256", { extractable: true });
const other = await generateKeyPair("RS256", { extractable: true });

function assertion(
  part: { audience?: string; issuer?: string; key?: typeof pair; email?: unknown } = {},
): Promise<string> {
  return new SignJWT({ email: part.email === undefined ? "Ann@example.com" : part.email })
    .setProtectedHeader({ alg: "RS256", kid: "k1" })
    .setIssuer(part.issuer ?? "https://acme.cloudflareaccess.com")
    .setAudience(part.audience ?? "app")
    .setIssuedAt(Math.floor(Date.now() / 1000) - 10_000)
    .setExpirationTime("1h")
    .sign((part.key ?? pair).privateKey);
}

const request = (headers: Record<string, string>) => new Request("https://admin.example/login/access", { headers });
const signed = async (part?: Parameters<typeof assertion>[0]) =>
  request({ "cf-access-jwt-assertion": await assertion(part) });

beforeEach(async () => {
  forgetIssuers();
  const keys = { keys: [{ ...(await exportJWK(pair.publicKey)), kid: "k1", alg: "RS256" }] };
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input) => {
    const url = input instanceof Request ? input.url : String(input);
    return url === "https://acme.cloudflareaccess.com/cdn-cgi/access/certs"
      ? Response.json(keys)
      : new Response(null, { status: 404 });
  });
});

afterEach(() => vi.restoreAllMocks());

describe("accessEmail", () => {
  it("takes the address out of a right assertion", async () => {
    expect(await accessEmail(await signed(), env)).toBe("ann@example.com");
  });

  it("believes nothing else", async () => {
    expect(await accessEmail(request({ "cf-access-authenticated-user-email": "ann@example.com" }), env)).toBeNull();
    expect(await accessEmail(await signed({ audience: "other" }), env)).toBeNull();
    expect(await accessEmail(await signed({ issuer: "https://evil.cloudflareaccess.com" }), env)).toBeNull();
    expect(await accessEmail(await signed({ key: other }), env)).toBeNull();
    expect(await accessEmail(await signed({ email: 5 }), env)).toBeNull();
    expect(await accessEmail(request({ "cf-access-jwt-assertion": "a.b.c" }), env)).toBeNull();
  });

  it("is off unless team and audience are configured", async () => {
    expect(await accessEmail(await signed(), {})).toBeNull();
    expect(await accessEmail(await signed(), { ...env, ACCESS_AUD: "" })).toBeNull();
    expect(
      await accessEmail(await signed(), { ...env, ACCESS_TEAM_DOMAIN: "acme.cloudflareaccess.com.evil.example" }),
    ).toBeNull();
  });
});
