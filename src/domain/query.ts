/**
 * Which query parameters a call may carry. Parameters are judged by every name under which some server might read them.
 *
 * Never decodes what is sent: the query goes out as it was judged, byte for byte; only characters that no URL may hold
 * are escaped first, so that `new URL()` changes nothing afterwards (WHATWG URL §4.4, special-query percent-encode set).
 * Parameters that would replace the method are always denied: the method that was judged is the one that counts.
 * Denying errs on the side of denying (encodings, case, brackets, dots and look-alike separators of a denied name are
 * denied with it); allowing wants the name itself.
 */
import { replacesMethod } from "./method-override.ts";
import type { Refusal } from "./problem.ts";
import type { Result } from "./result.ts";
import { err, ok } from "./result.ts";
import { PLAIN_NAME, decodeName, isDenied, nameOf, readingsOf } from "./query-names.ts";

export const MAX_QUERY_BYTES = 8_192;
export const MAX_QUERY_PARAMS = 256;

export interface QueryRule {
  readonly deny: readonly string[];
  /** null: every parameter that is not denied. `name` also allows `name[]` and `name[key]`. */
  readonly allow: readonly string[] | null;
  /** Where the vendor's key travels; a client can never set them. */
  readonly reserved: readonly string[];
}

/**
 * @param rawQuery without "?"
 * @returns the query to send, a fixed point of this function and of `new URL()`; or `query_denied`, or
 *   `invalid_request` for what cannot be read (control bytes, malformed escapes in names, a raw #, limits)
 */
export function judgeQuery(rawQuery: string, rule: QueryRule): Result<string, Refusal> {
  if (rawQuery === "") return ok("");
  if (rawQuery.length > MAX_QUERY_BYTES) return invalid(`The query is longer than ${MAX_QUERY_BYTES} bytes.`);
  const query = canonicalQuery(rawQuery);
  if (!query.ok) return query;
  if (query.value.length > MAX_QUERY_BYTES) return invalid(`The query is longer than ${MAX_QUERY_BYTES} bytes.`);
  const pieces = query.value.split("&");
  if (pieces.length > MAX_QUERY_PARAMS) return invalid(`The query has more than ${MAX_QUERY_PARAMS} parameters.`);
  for (const piece of pieces) {
    const written = nameOf(piece);
    const name = PLAIN_NAME.test(written) ? "" : decodeName(written);
    if (name === null) return invalid("A query parameter's name is not valid percent-encoded UTF-8.");
    if (hasControl(name)) return invalid("A query parameter's name holds a control byte.");
    const refusal = judgePiece(piece, rule);
    if (refusal !== null) return err(refusal);
  }
  return query;
}

function invalid(detail: string): { readonly ok: false; readonly error: Refusal } {
  return err({ code: "invalid_request", detail });
}

const PLAIN_TEXT = /^[\x21\x24-\x26\x28-\x3b\x3d\x3f-\x7e]*$/;

function canonicalQuery(raw: string): Result<string, Refusal> {
  if (PLAIN_TEXT.test(raw)) return ok(raw);
  let out = "";
  for (const character of raw) {
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return invalid("The query holds a control byte.");
    if (character === "#") return invalid("The query holds a raw #.");
    if ((code >= 0xd800 && code <= 0xdfff) || code === 0xfffd) return invalid("The query is not valid UTF-8.");
    if (code >= 0x80) out += encodeURIComponent(character);
    else out += PLAIN_TEXT.test(character) ? character : `%${code.toString(16).toUpperCase()}`;
  }
  return ok(out);
}

function hasControl(text: string): boolean {
  // oxlint-disable-next-line no-control-regex -- finding them is the point
  return /[\u0000-\u001f\u007f-\u009f]/.test(text);
}

/** Some servers also separate parameters with `;`, so each part of a piece is judged as a parameter of its own. */
function judgePiece(piece: string, rule: QueryRule): Refusal | null {
  if (piece === "") return null;
  if (!piece.includes(";")) return judgeName(nameOf(piece), rule);
  for (const part of [piece, ...piece.split(";")]) {
    const refusal = part === "" ? null : judgeName(nameOf(part), rule);
    if (refusal !== null) return refusal;
  }
  return null;
}

function judgeName(rawName: string, rule: QueryRule): Refusal | null {
  const readings = readingsOf(rawName);
  if (replacesMethod(readings)) {
    return denied(readings[0]?.parts[0] ?? "", "A query parameter must not replace the request's method.");
  }
  if (rule.reserved.length > 0 || rule.deny.length > 0) {
    const reserved = rule.reserved.find((name) => isDenied(readings, name));
    if (reserved !== undefined) {
      return denied(reserved, `The query parameter ${quoted(reserved)} carries the vendor's key and cannot be set.`);
    }
    const name = rule.deny.find((each) => isDenied(readings, each));
    if (name !== undefined)
      return denied(name, `The query parameter ${quoted(name)} is outside the credential's scope.`);
  }
  if (rule.allow === null) return null;
  const plain = decodeName(rawName);
  if (plain !== null && allowsName(rule.allow, plain)) return null;
  const shown = (plain ?? rawName).slice(0, 64);
  const detail = `The query parameter ${quoted(shown)} is outside the credential's scope.`;
  return denied(shown, detail, { allowed_query_params: rule.allow });
}

function denied(name: string, detail: string, more: Readonly<Record<string, unknown>> = {}): Refusal {
  return { code: "query_denied", detail, extensions: { denied_query_param: name, ...more } };
}

function quoted(name: string): string {
  return `"${name}"`;
}

/** `name`: decoded once. A listed name also allows `name[]` and `name[key]`. */
export function allowsName(allow: readonly string[], name: string): boolean {
  return allow.some((each) => name === each || (name.startsWith(`${each}[`) && name.endsWith("]")));
}
