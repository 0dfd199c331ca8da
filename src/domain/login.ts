/**
 * Logins that turn an upstream secret into an access token: OAuth 2.0 client credentials (RFC 6749 §4.4) and vendors' own
 * token exchanges. Pure: builds the call and reads the answer; whoever sends it checks the URL's egress first.
 * No error holds any part of the secret or of the vendor's answer.
 */
import type { AuthScheme } from "./auth-scheme.ts";
import { fillTemplate, secretParts } from "./auth-secret.ts";
import { encodeBase64, utf8 } from "./encoding.ts";
import { err, ok, type Result } from "./result.ts";

/** A vendor that names no lifetime is asked again after this time, or after a 401. */
const DEFAULT_LIFETIME_SECONDS = 3_300;
const MAX_LIFETIME_SECONDS = 30 * 86_400;
/** A token is renewed this long before it ends, but never more than a tenth of its life. */
const RENEW_EARLY_MS = 60_000;

export type LoginScheme = Extract<AuthScheme, { scheme: "oauth2_client_credentials" | "token_exchange" }>;

export interface LoginCall {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface AccessToken {
  readonly token: string;
  /** Epoch ms from which another one is fetched. */
  readonly renewAtMs: number;
}

export type LoginFailure = "unusable_secret" | "refused" | "unavailable" | "answer_not_understood";

/** `baseUrl`: the connection's, canonical; a login path is taken from there. */
export function loginCall(scheme: LoginScheme, baseUrl: string, secret: string): Result<LoginCall, LoginFailure> {
  return scheme.scheme === "token_exchange" ? exchangeCall(scheme, baseUrl, secret) : ok(oauthCall(scheme, secret));
}

function oauthCall(scheme: Extract<LoginScheme, { scheme: "oauth2_client_credentials" }>, secret: string): LoginCall {
  const form = new URLSearchParams({ ...scheme.params, grant_type: "client_credentials" });
  if (scheme.scope !== null) form.set("scope", scheme.scope);
  if (scheme.audience !== null) form.set("audience", scheme.audience);
  const headers: Record<string, string> = {
    accept: "application/json",
    "content-type": "application/x-www-form-urlencoded",
  };
  if (scheme.client_auth === "basic") {
    // RFC 6749 §2.3.1: both halves are form-encoded before they are joined.
    const pair = `${formEncoded(scheme.client_id)}:${formEncoded(secret)}`;
    headers["authorization"] = `Basic ${encodeBase64(utf8(pair))}`;
  } else {
    form.set("client_id", scheme.client_id);
    form.set("client_secret", secret);
  }
  return { url: scheme.token_url, headers, body: form.toString() };
}

function formEncoded(text: string): string {
  return new URLSearchParams({ v: text }).toString().slice(2);
}

function exchangeCall(
  scheme: Extract<LoginScheme, { scheme: "token_exchange" }>,
  baseUrl: string,
  secret: string,
): Result<LoginCall, LoginFailure> {
  const parts = secretParts(secret);
  if (parts === null) return err("unusable_secret");
  const filled = (templates: Readonly<Record<string, string>>): Record<string, string> =>
    Object.fromEntries(Object.entries(templates).map(([name, text]) => [name, fillTemplate(text, parts)]));
  return ok({
    url: `${baseUrl}${scheme.login_path}`,
    headers: { accept: "application/json", "content-type": "application/json", ...filled(scheme.login_headers) },
    body: JSON.stringify(filled(scheme.login_body)),
  });
}

/** Reads the vendor's answer: an object with `access_token` (or `token`), or a bare JSON string (Absorb). */
export function readLogin(
  scheme: LoginScheme,
  status: number,
  text: string,
  nowMs: number,
): Result<AccessToken, LoginFailure> {
  if (status === 400 || status === 401 || status === 403) return err("refused");
  if (status < 200 || status > 299) return err("unavailable");
  const answer = parsed(text);
  const token = tokenOf(answer);
  // What cannot stand in a header is no token; it is never quoted.
  if (token === null || !/^[\u0021-\u007e]{1,16384}$/.test(token)) return err("answer_not_understood");
  const seconds = lifetimeOf(answer) ?? scheme.token_ttl_seconds ?? DEFAULT_LIFETIME_SECONDS;
  const lifetimeMs = Math.min(MAX_LIFETIME_SECONDS, Math.max(1, seconds)) * 1000;
  return ok({ token, renewAtMs: nowMs + lifetimeMs - Math.min(RENEW_EARLY_MS, Math.floor(lifetimeMs / 10)) });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function member(answer: unknown, name: string): unknown {
  return typeof answer === "object" && answer !== null ? Reflect.get(answer, name) : undefined;
}

function tokenOf(answer: unknown): string | null {
  const value = typeof answer === "string" ? answer : (member(answer, "access_token") ?? member(answer, "token"));
  return typeof value === "string" ? value : null;
}

/** `expires_in` is a number of seconds (RFC 6749 §5.1); some vendors send it as text. */
function lifetimeOf(answer: unknown): number | null {
  const value = Number(member(answer, "expires_in") ?? Number.NaN);
  return Number.isFinite(value) && value > 0 ? value : null;
}
