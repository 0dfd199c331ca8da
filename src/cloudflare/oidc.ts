/**
 * Checks identity tokens (OpenID Connect Core 1.0 §3.1.3.7, RFC 7519, RFC 8725) with keys from the issuer. The issuer is
 * one that an administrator named; its documents are fetched over https from public addresses, bounded and cached.
 * Never follows a key's URL from inside a token, never accepts a symmetric or missing algorithm.
 */
import { createLocalJWKSet, errors, jwtVerify, type JSONWebKeySet, type JWTPayload } from "jose";
import { checkEgressUrl } from "../domain/egress.ts";
import { decodeBase64Url } from "../domain/encoding.ts";
import { err, ok, type Result } from "../domain/result.ts";
import { boundedText } from "./bounded-text.ts";

export type OidcFailure =
  | "malformed"
  | "wrong_issuer"
  | "wrong_audience"
  | "bad_signature"
  | "outside_time"
  | "issuer_unreachable";

export interface OidcExpectation {
  readonly issuer: string;
  readonly audience: string;
  /** Null: found through the issuer's discovery document. */
  readonly jwksUrl: string | null;
  /** Oldest acceptable `iat`; null: only `exp` counts. */
  readonly maxAgeSeconds: number | null;
  readonly nowMs: number;
}

export interface OidcDependencies {
  readonly fetch: (request: Request) => Promise<Response>;
  readonly allowPrivate: boolean;
}

const ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"];
const CLOCK_SKEW_SECONDS = 30;
const MAX_TOKEN_CHARS = 16_384;
const MAX_DOCUMENT_BYTES = 262_144;
const TIMEOUT_MS = 5_000;
const CACHE_MS = 600_000;
/** An unknown key id may ask again this soon, so that a rotation at the issuer is seen and a flood is not passed on. */
const MIN_REFETCH_MS = 30_000;
const MAX_CACHED_ISSUERS = 64;

interface CachedKeys {
  readonly keys: JSONWebKeySet;
  readonly atMs: number;
}

const cache = new Map<string, CachedKeys>();

/** The claims of a token that is right in every respect. */
export async function verifyIdentityToken(
  token: string,
  expected: OidcExpectation,
  dependencies: OidcDependencies,
): Promise<Result<JWTPayload, OidcFailure>> {
  if (token.length > MAX_TOKEN_CHARS || !isCompact(token)) return err("malformed");
  const held = await keysOf(expected, dependencies, false);
  if (held === null) return err("issuer_unreachable");
  const first = await verifyWith(token, held.keys, expected);
  if (first.ok || first.error !== "unknown_key") return final(first);
  if (expected.nowMs - held.atMs < MIN_REFETCH_MS) return err("bad_signature");
  const fresh = await keysOf(expected, dependencies, true);
  return fresh === null ? err("issuer_unreachable") : final(await verifyWith(token, fresh.keys, expected));
}

/**
 * RFC 7515 §7.1 to the letter: three parts, none of them padded, broken by white space or with stray bits at its end. The
 * library decodes such parts too, so that one token would have many texts.
 */
function isCompact(token: string): boolean {
  const parts = token.split(".");
  return parts.length === 3 && parts.every((part) => part !== "" && decodeBase64Url(part) !== null);
}

/** For tests: forgets every issuer's keys. */
export function forgetIssuers(): void {
  cache.clear();
}

function final(result: Result<JWTPayload, OidcFailure | "unknown_key">): Result<JWTPayload, OidcFailure> {
  if (result.ok) return result;
  return err(result.error === "unknown_key" ? "bad_signature" : result.error);
}

async function verifyWith(
  token: string,
  keys: JSONWebKeySet,
  expected: OidcExpectation,
): Promise<Result<JWTPayload, OidcFailure | "unknown_key">> {
  try {
    const { payload } = await jwtVerify(token, createLocalJWKSet(keys), {
      algorithms: ALGORITHMS,
      issuer: expected.issuer,
      audience: expected.audience,
      clockTolerance: CLOCK_SKEW_SECONDS,
      currentDate: new Date(expected.nowMs),
      ...(expected.maxAgeSeconds === null ? {} : { maxTokenAge: expected.maxAgeSeconds }),
      requiredClaims: ["exp", "iat"],
    });
    return ok(payload);
  } catch (failure) {
    return err(failureOf(failure));
  }
}

function failureOf(failure: unknown): OidcFailure | "unknown_key" {
  if (failure instanceof errors.JWKSNoMatchingKey) return "unknown_key";
  if (failure instanceof errors.JWTExpired) return "outside_time";
  if (failure instanceof errors.JWTClaimValidationFailed) {
    if (failure.claim === "iss") return "wrong_issuer";
    if (failure.claim === "aud") return "wrong_audience";
    return "outside_time";
  }
  if (failure instanceof errors.JWSSignatureVerificationFailed) return "bad_signature";
  if (failure instanceof errors.JOSEError) return "malformed";
  throw failure;
}

async function keysOf(
  expected: OidcExpectation,
  dependencies: OidcDependencies,
  fresh: boolean,
): Promise<CachedKeys | null> {
  const cacheKey = `${expected.issuer}\n${expected.jwksUrl ?? ""}`;
  const known = cache.get(cacheKey);
  if (!fresh && known !== undefined && expected.nowMs - known.atMs < CACHE_MS) return known;
  const url = expected.jwksUrl ?? (await discoveredJwksUrl(expected.issuer, dependencies));
  const document = url === null ? null : await fetchJson(url, dependencies);
  if (!isKeySet(document)) return null;
  const held = { keys: document, atMs: expected.nowMs };
  if (cache.size >= MAX_CACHED_ISSUERS) cache.clear();
  cache.set(cacheKey, held);
  return held;
}

/** OpenID Connect Discovery 1.0 §4: the document must name the issuer itself. */
async function discoveredJwksUrl(issuer: string, dependencies: OidcDependencies): Promise<string | null> {
  const document = await fetchJson(`${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`, dependencies);
  if (typeof document !== "object" || document === null) return null;
  if (!("issuer" in document) || document.issuer !== issuer) return null;
  return "jwks_uri" in document && typeof document.jwks_uri === "string" ? document.jwks_uri : null;
}

async function fetchJson(url: string, dependencies: OidcDependencies): Promise<unknown> {
  const checked = checkEgressUrl(url, { allowPrivate: dependencies.allowPrivate });
  if (!checked.ok) return null;
  try {
    const request = new Request(checked.value, {
      headers: { accept: "application/json" },
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const response = await dependencies.fetch(request);
    const text = response.ok ? await boundedText(response, MAX_DOCUMENT_BYTES) : null;
    if (!response.ok) await response.body?.cancel();
    return text === null ? null : JSON.parse(text);
  } catch {
    return null;
  }
}

function isKeySet(document: unknown): document is JSONWebKeySet {
  if (typeof document !== "object" || document === null || !("keys" in document)) return false;
  return Array.isArray(document.keys) && document.keys.length > 0 && document.keys.length <= 100;
}
