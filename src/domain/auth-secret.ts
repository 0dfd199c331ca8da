/**
 * What can be said about an upstream secret without using it: whether it fits its scheme, its last four characters,
 * and the further spellings under which a vendor may echo it. Pure; never keeps or logs a secret, and no message that it
 * returns quotes one.
 */
import type { AuthScheme } from "./auth-scheme.ts";
import { encodeBase64, utf8 } from "./encoding.ts";
import { MIN_MASKED_SECRET_BYTES } from "./mask.ts";

/** Longest upstream secret, in UTF-8 bytes; headers of this size still pass every vendor that is known. */
export const MAX_SECRET_BYTES = 8_192;
const MAX_SECRET_PARTS = 8;
/** Below this length four characters would be half of the secret. */
const MIN_LENGTH_FOR_LAST4 = 8;

/** The named parts of a secret that is a JSON object of strings; null when it is anything else. */
export function secretParts(secret: string): Readonly<Record<string, string>> | null {
  if (!secret.startsWith("{")) return null;
  let value: unknown;
  try {
    value = JSON.parse(secret);
  } catch {
    return null; // The parser's message quotes its input, so it must not travel on.
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
  const entries = Object.entries(value);
  if (entries.length === 0 || entries.length > MAX_SECRET_PARTS) return null;
  const parts = Object.create(null) as Record<string, string>;
  for (const [name, part] of entries) {
    if (typeof part !== "string") return null;
    parts[name] = part;
  }
  return parts;
}

/** Replaces `{name}` by its value; an unknown name stays as it is. */
export function fillTemplate(template: string, values: Readonly<Record<string, string>>): string {
  return template.replace(/\{([A-Za-z0-9_]{1,40})\}/g, (whole, name: string) =>
    Object.hasOwn(values, name) ? (values[name] ?? whole) : whole,
  );
}

/** Names of the parts that a scheme's secret must have, in the order in which a form should ask for them. */
export function requiredParts(scheme: AuthScheme): readonly string[] {
  if (scheme.scheme === "hmac") return [scheme.token_part, scheme.key_part];
  if (scheme.scheme !== "token_exchange") return [];
  const templates = [
    ...Object.values(scheme.login_body),
    ...Object.values(scheme.login_headers),
    ...Object.values(scheme.headers),
  ];
  const names = templates.flatMap((text) => [...text.matchAll(/\{([A-Za-z0-9_]{1,40})\}/g)].map((m) => m[1] ?? ""));
  return [...new Set(names)].filter((name) => name !== "token");
}

/**
 * Why this secret cannot be used under this scheme, as a sentence for the person who pasted it; null when it can.
 * Header values are visible ASCII with inner spaces (RFC 9110 section 5.5, minus obs-text, which vendors reject).
 */
export function secretProblem(scheme: AuthScheme, secret: string): string | null {
  if (scheme.scheme === "none") return secret === "" ? null : "This scheme sends no key, so none can be stored";
  if (secret === "") return "The secret is empty";
  if (utf8(secret).length > MAX_SECRET_BYTES) return `The secret is longer than ${MAX_SECRET_BYTES} bytes`;
  const needed = requiredParts(scheme);
  if (needed.length > 0) return partsProblem(needed, secret);
  if (secret.trim() !== secret) return "The secret begins or ends with a space or a line break";
  if (/[\u0000-\u001f\u007f]/.test(secret)) return "The secret holds a control character";
  switch (scheme.scheme) {
    case "bearer":
    case "header":
      return headerValueProblem(scheme.scheme === "bearer" ? "Bearer " : scheme.prefix, secret);
    case "basic":
      if (scheme.raw === true) return headerValueProblem("Basic ", secret);
      // RFC 7617 section 2: the user-id ends at the first colon.
      return scheme.secret_in === "username" && secret.includes(":")
        ? "A secret that is sent as a Basic user name cannot hold a colon"
        : null;
    default:
      return null;
  }
}

/**
 * Why a secret cannot be taken in although its scheme could send it: too short to be masked when a vendor echoes it, since
 * so few characters stand in every other answer. Each hidden part of a secret with several counts for itself.
 */
export function shortSecretProblem(scheme: AuthScheme, secret: string): string | null {
  if (scheme.scheme === "none") return null;
  const parts = requiredParts(scheme).length > 0 ? secretParts(secret) : null;
  if (parts === null) return isMaskable(secret) ? null : `The secret ${TOO_SHORT}`;
  const short = Object.keys(parts).find(
    (name) => !publicParts(scheme).includes(name) && !isMaskable(parts[name] ?? ""),
  );
  return short === undefined ? null : `The secret's member ${short} ${TOO_SHORT}`;
}

const TOO_SHORT = `is shorter than ${MIN_MASKED_SECRET_BYTES} bytes, so it could not be masked in answers`;

function isMaskable(secret: string): boolean {
  return utf8(secret).length >= MIN_MASKED_SECRET_BYTES;
}

function headerValueProblem(prefix: string, secret: string): string | null {
  if (!/^[\u0020-\u007e]+$/.test(secret)) return "The secret holds a character that an HTTP header cannot carry";
  const word = prefix.trim();
  return word !== "" && secret.toLowerCase().startsWith(`${word.toLowerCase()} `)
    ? `The secret begins with the word ${word}, which is added by itself: paste the key alone`
    : null;
}

function partsProblem(needed: readonly string[], secret: string): string | null {
  const parts = secretParts(secret);
  if (parts === null) return `The secret must be a JSON object of strings with the members: ${needed.join(", ")}`;
  const missing = needed.filter((name) => !Object.hasOwn(parts, name) || parts[name] === "");
  if (missing.length > 0) return `The secret lacks the members: ${missing.join(", ")}`;
  const bad = Object.keys(parts).find((name) => !/^[\u0020-\u007e]*$/.test(parts[name] ?? "") && name !== "password");
  return bad === undefined ? null : "A member of the secret holds a character that an HTTP header cannot carry";
}

/** The last four characters of the secret (of its main part), or an empty string when it is too short to show any. */
export function last4(scheme: AuthScheme, secret: string): string {
  const main = mainPart(scheme, secret);
  return main.length < MIN_LENGTH_FOR_LAST4 ? "" : main.slice(-4);
}

function mainPart(scheme: AuthScheme, secret: string): string {
  const parts = requiredParts(scheme).length > 0 ? secretParts(secret) : null;
  if (parts === null) return secret;
  if (scheme.scheme === "hmac") return parts[scheme.token_part] ?? "";
  const hidden = requiredParts(scheme).filter((name) => !publicParts(scheme).includes(name));
  return parts[hidden.at(-1) ?? ""] ?? "";
}

/** Names of the parts that are no secret, so that answers may hold them. */
export function publicParts(scheme: AuthScheme): readonly string[] {
  return scheme.scheme === "token_exchange" ? (scheme.public_parts ?? []) : [];
}

/**
 * Strings besides the secret itself that give it away when a vendor echoes them: the parts of a secret with several, the
 * Basic form, and the access token that was minted from it. Encodings of each (base64, hex, percent) are the masker's work.
 */
export function maskedForms(scheme: AuthScheme, secret: string, accessToken: string | null = null): string[] {
  const forms: string[] = [];
  // Under every scheme: the parts of a secret that is sent as a whole (put there so, or before its scheme was changed) count too.
  for (const [name, part] of Object.entries(secretParts(secret) ?? {})) {
    if (!publicParts(scheme).includes(name)) forms.push(part);
  }
  if (scheme.scheme === "basic" && scheme.raw !== true) forms.push(basicForm(scheme.secret_in, scheme.fixed, secret));
  if (scheme.scheme === "oauth2_client_credentials" && scheme.client_auth === "basic") {
    forms.push(basicForm("password", scheme.client_id, secret));
    forms.push(basicForm("password", encodeURIComponent(scheme.client_id), encodeURIComponent(secret)));
  }
  if (accessToken !== null) forms.push(accessToken);
  return [...new Set(forms)].filter((form) => form.length >= MIN_MASKED_SECRET_BYTES && form !== secret);
}

/** Padding is left off so that the form is found with and without it. */
function basicForm(secretIn: "username" | "password", fixed: string, secret: string): string {
  const pair = secretIn === "username" ? `${secret}:${fixed}` : `${fixed}:${secret}`;
  return encodeBase64(utf8(pair)).replace(/=+$/, "");
}
