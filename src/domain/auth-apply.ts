/**
 * Puts the vendor's key on a call, as the connection's scheme says. It is the last thing that happens to the call before
 * it is sent: nothing may change the URL, the headers or the body afterwards, or a signature would no longer hold.
 * Pure but for the `Headers` object that it is given to write to. Never keeps a secret, and its errors never quote one.
 */
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { encodeBase64, encodeHex, utf8 } from "./encoding.ts";
import { fillTemplate, secretParts, secretProblem } from "./auth-secret.ts";
import type { AuthScheme } from "./auth-scheme.ts";
import type { WriteHeaders } from "./header-map.ts";

export { last4, maskedForms, secretParts, secretProblem } from "./auth-secret.ts";

/** A call that is complete but for the vendor's key. */
export interface OutgoingCall {
  readonly method: string;
  /** Absolute and final: exactly what will be sent. */
  readonly url: string;
  /** Written to. */
  readonly headers: WriteHeaders;
  /** The body as sent; null when there is none or when the scheme does not need it. */
  readonly bodyBytes: Uint8Array | null;
  readonly nowMs: number;
  /** From the `AccessTokens` port, for schemes that need a login. */
  readonly accessToken: string | null;
}

/** The stored secret does not fit the scheme, so no call can be made. The message names the scheme and never the secret. */
export class UnusableSecret extends Error {
  override readonly name = "UnusableSecret";
}

const encoder = new TextEncoder();

/**
 * Writes the vendor's key into `call.headers`, or into the URL that is returned. A value that stands in the same place is
 * replaced. Throws `UnusableSecret` when the secret does not fit: the caller refuses with `secret_unavailable`.
 */
export function applyAuth(scheme: AuthScheme, secret: string, call: OutgoingCall): { url: string } {
  if (scheme.scheme === "none") return { url: call.url };
  // Checked before a Headers object can throw an error of its own, which would quote the value.
  const problem = secretProblem(scheme, secret);
  if (problem !== null) throw new UnusableSecret(`The stored secret does not fit the scheme ${scheme.scheme}`);
  switch (scheme.scheme) {
    case "bearer":
      call.headers.set("authorization", `Bearer ${secret}`);
      break;
    case "basic":
      call.headers.set("authorization", `Basic ${basicCredentials(scheme, secret)}`);
      break;
    case "header":
      call.headers.set(scheme.name, `${scheme.prefix}${secret}`);
      break;
    case "query":
      return { url: appendQuery(call.url, scheme.name, secret) };
    case "oauth2_client_credentials": {
      const { header, prefix } = scheme.sent_as ?? { header: "authorization", prefix: "Bearer " };
      call.headers.set(header, `${prefix}${usableToken(call.accessToken)}`);
      break;
    }
    case "token_exchange": {
      const values = { ...secretParts(secret), token: usableToken(call.accessToken) };
      for (const [name, template] of Object.entries(scheme.headers)) {
        call.headers.set(name, fillTemplate(template, values));
      }
      break;
    }
    case "hmac":
      sign(scheme, secret, call);
      break;
  }
  return { url: call.url };
}

function basicCredentials(scheme: Extract<AuthScheme, { scheme: "basic" }>, secret: string): string {
  if (scheme.raw === true) return secret;
  return encodeBase64(
    utf8(scheme.secret_in === "username" ? `${secret}:${scheme.fixed}` : `${scheme.fixed}:${secret}`),
  );
}

/** A vendor's token answer is outside input: what cannot stand in a header is refused without being quoted. */
function usableToken(accessToken: string | null): string {
  if (accessToken === null || !/^[\u0021-\u007e]{1,16384}$/.test(accessToken)) {
    throw new UnusableSecret("There is no usable access token");
  }
  return accessToken;
}

/** The rest of the URL stays byte for byte as it was judged; the parameter goes to its end. A fragment is never sent. */
function appendQuery(whole: string, name: string, value: string): string {
  const url = whole.split("#", 1)[0] ?? "";
  const query = url.indexOf("?");
  const separator = query === -1 ? "?" : query === url.length - 1 || url.endsWith("&") ? "" : "&";
  return `${url}${separator}${encodeURIComponent(name)}=${encodeURIComponent(value)}`;
}

/** HMAC-SHA-256 (RFC 2104) over the parts that the scheme lists, in order. The body is hashed in place, never copied. */
function sign(scheme: Extract<AuthScheme, { scheme: "hmac" }>, secret: string, call: OutgoingCall): void {
  const parts = secretParts(secret) ?? {};
  const timestamp = String(Math.floor(call.nowMs / 1000));
  const { pathname, search } = new URL(call.url);
  const mac = hmac.create(sha256, encoder.encode(parts[scheme.key_part] ?? ""));
  for (const part of scheme.sign) {
    if (part === "timestamp") mac.update(encoder.encode(timestamp));
    else if (part === "method") mac.update(encoder.encode(call.method.toUpperCase()));
    else if (part === "path_and_query") mac.update(encoder.encode(`${pathname}${search}`));
    else if (call.bodyBytes !== null) mac.update(call.bodyBytes);
  }
  const digest = mac.digest();
  call.headers.set(scheme.token_header, parts[scheme.token_part] ?? "");
  call.headers.set(scheme.timestamp_header, timestamp);
  call.headers.set(scheme.signature_header, scheme.encoding === "hex" ? encodeHex(digest) : encodeBase64(digest));
}

/** Headers that carry the vendor's key, lower case: a client's value in them never reaches the vendor. */
export function authHeaderNames(scheme: AuthScheme): string[] {
  switch (scheme.scheme) {
    case "none":
    case "query":
      return [];
    case "bearer":
    case "basic":
      return ["authorization"];
    case "header":
      return [scheme.name.toLowerCase()];
    case "oauth2_client_credentials":
      return [(scheme.sent_as?.header ?? "authorization").toLowerCase()];
    case "token_exchange":
      return Object.keys(scheme.headers).map((name) => name.toLowerCase());
    case "hmac":
      return [scheme.token_header, scheme.timestamp_header, scheme.signature_header].map((name) => name.toLowerCase());
  }
}

/** Query parameters that carry the vendor's key, as they are spelled: a client can never set them. */
export function authQueryNames(scheme: AuthScheme): string[] {
  return scheme.scheme === "query" ? [scheme.name] : [];
}

/** Whether a call under this scheme needs an access token from a login first. */
export function needsAccessToken(scheme: AuthScheme): boolean {
  return scheme.scheme === "oauth2_client_credentials" || scheme.scheme === "token_exchange";
}

/** Whether the whole body must be known before the call is sent, since it is signed. */
export function needsBody(scheme: AuthScheme): boolean {
  return scheme.scheme === "hmac" && scheme.sign.includes("body");
}
