/**
 * The upstream path in its one canonical spelling, or a refusal when it could be read in more than one way.
 *
 * Never reads a decoded router parameter, never repairs a path: what cannot be read in one way only is refused.
 * Always holds for a path it returns: it is a fixed point of `canonicalPath`, and `new URL("https://h" + path).pathname`
 * is the same string, so what was matched is byte for byte what is sent (RFC 3986 §3.3 and §6.2.2, WHATWG URL §4.4).
 */
import type { Result } from "./result.ts";
import { err, ok } from "./result.ts";

export const MAX_PATH_BYTES = 8_192;
export const MAX_SEGMENTS = 128;

export type PathProblem =
  | "not_absolute"
  | "too_long"
  | "too_many_segments"
  | "encoded_slash"
  | "backslash"
  | "dot_segment"
  | "double_encoding"
  | "empty_segment"
  | "path_parameter"
  | "control_byte"
  | "malformed_escape"
  | "invalid_utf8"
  | "delimiter";

/** `problem` is for code and tests, `detail` is a sentence for the caller. Neither holds a part of the path. */
export interface AmbiguousPath {
  readonly problem: PathProblem;
  readonly detail: string;
}

const DETAILS: Readonly<Record<PathProblem, string>> = {
  not_absolute: "The path must begin with /.",
  too_long: `The path is longer than ${MAX_PATH_BYTES} bytes.`,
  too_many_segments: `The path has more than ${MAX_SEGMENTS} segments.`,
  encoded_slash: "The path holds an encoded slash (%2F), which this connection does not allow.",
  backslash: "The path holds a backslash.",
  dot_segment: "The path holds a dot segment (. or ..).",
  double_encoding: "The path is percent-encoded twice.",
  empty_segment: "The path holds an empty segment (//).",
  path_parameter: "The path holds a semicolon.",
  control_byte: "The path holds a control byte.",
  malformed_escape: "The path holds a % that is not followed by two hexadecimal digits.",
  invalid_utf8: "The path is not valid UTF-8.",
  delimiter: "The path holds a raw # or ?.",
};

export function ambiguous(problem: PathProblem): { readonly ok: false; readonly error: AmbiguousPath } {
  return err({ problem, detail: DETAILS[problem] });
}

/**
 * @param rawPath the pathname as it came in the URL, without the query; "" counts as "/"
 * @param options.allowEncodedSlash `%2F` stays, upper-cased, as a part of its segment; what would be a dot segment or
 *   an empty segment once it were decoded is still refused
 */
export function canonicalPath(
  rawPath: string,
  options: { readonly allowEncodedSlash: boolean },
): Result<string, AmbiguousPath> {
  if (rawPath === "") return ok("/");
  if (!rawPath.startsWith("/")) return ambiguous("not_absolute");
  if (rawPath.length > MAX_PATH_BYTES) return ambiguous("too_long");
  const text = canonicalText(rawPath, options.allowEncodedSlash);
  if (!text.ok) return text;
  if (text.value.length > MAX_PATH_BYTES) return ambiguous("too_long");
  const problem = structureProblem(text.value);
  return problem === null ? text : ambiguous(problem);
}

/**
 * Puts the base path of an upstream before a canonical path.
 * @param basePath without trailing slash, "" for the root
 * @param path canonical, or "" for the base itself
 * @param collapse a path that already lies at or below the base path is not prefixed again
 */
export function joinBasePath(basePath: string, path: string, collapse: boolean): string {
  const base = basePath.endsWith("/") ? basePath.slice(0, -1) : basePath;
  if (base === "") return path === "" ? "/" : path;
  if (collapse && (path === base || path.startsWith(`${base}/`))) return path;
  return base + path;
}

/** Characters that every URL parser leaves alone in a path, and that mean one thing. */
const PLAIN_TEXT = /^[A-Za-z0-9\-._~!$&'()*+,=:@|[\]/]*$/;
const UNRESERVED = /^[A-Za-z0-9\-._~]$/;
/** Raw ASCII that WHATWG escapes in a path; `^` was added in 2024, so escaping it holds for older parsers too. */
const MUST_ESCAPE = ' "<>`{}^';
const HIGH_RUN = /(?:%[89A-Fa-f][0-9A-Fa-f])+/y;

/**
 * Spells single characters canonically: unreserved ones decoded, other escapes in upper case, raw ones that may not
 * stand in a path escaped as UTF-8. Says nothing about segments; `structureProblem` does.
 */
export function canonicalText(raw: string, allowEncodedSlash: boolean): Result<string, AmbiguousPath> {
  if (PLAIN_TEXT.test(raw)) return ok(raw);
  let out = "";
  let at = 0;
  while (at < raw.length) {
    const read = raw[at] === "%" ? readEscape(raw, at, allowEncodedSlash) : readRaw(raw, at);
    if (typeof read === "string") return ambiguous(read);
    out += read.text;
    at = read.next;
  }
  // Decoding unreserved characters can complete a second layer (`%25%32%66`), so this looks at the result.
  return /%25[0-9A-Fa-f]{2}/.test(out) ? ambiguous("double_encoding") : ok(out);
}

type ReadCharacter = { readonly text: string; readonly next: number } | PathProblem;

function readEscape(raw: string, at: number, allowEncodedSlash: boolean): ReadCharacter {
  const digits = raw.slice(at + 1, at + 3);
  if (!/^[0-9A-Fa-f]{2}$/.test(digits)) return "malformed_escape";
  const byte = Number.parseInt(digits, 16);
  if (byte >= 0x80) return readHighRun(raw, at);
  const character = String.fromCharCode(byte);
  if (UNRESERVED.test(character)) return { text: character, next: at + 3 };
  const problem = asciiProblem(character);
  if (problem !== null) return problem;
  if (character === "/" && !allowEncodedSlash) return "encoded_slash";
  return { text: `%${digits.toUpperCase()}`, next: at + 3 };
}

/** Escapes of bytes above 127 must be whole UTF-8 characters; `decodeURIComponent` refuses over-long ones and surrogates. */
function readHighRun(raw: string, at: number): ReadCharacter {
  HIGH_RUN.lastIndex = at;
  const run = HIGH_RUN.exec(raw)?.[0] ?? "";
  try {
    if (/[\u0080-\u009f]/.test(decodeURIComponent(run))) return "control_byte";
  } catch {
    return "invalid_utf8";
  }
  return { text: run.toUpperCase(), next: at + run.length };
}

function readRaw(raw: string, at: number): ReadCharacter {
  const code = raw.codePointAt(at) ?? 0;
  const character = String.fromCodePoint(code);
  const next = at + character.length;
  if (code < 0x80) {
    if (character === "#" || character === "?") return "delimiter";
    const problem = asciiProblem(character);
    if (problem !== null) return problem;
    return { text: MUST_ESCAPE.includes(character) ? escapeAscii(code) : character, next };
  }
  if (code < 0xa0) return "control_byte";
  // U+FFFD is what a decoder puts in the place of bytes that were no UTF-8.
  if ((code >= 0xd800 && code <= 0xdfff) || code === 0xfffd) return "invalid_utf8";
  return { text: encodeURIComponent(character), next };
}

function asciiProblem(character: string): PathProblem | null {
  const code = character.charCodeAt(0);
  if (code < 0x20 || code === 0x7f) return "control_byte";
  if (character === "\\") return "backslash";
  return character === ";" ? "path_parameter" : null;
}

function escapeAscii(code: number): string {
  return `%${code.toString(16).toUpperCase().padStart(2, "0")}`;
}

/** A segment of dots and spaces only: some servers trim the spaces and read the rest as `.` or `..`. */
const DOTS_ONLY = /^(?:%20)*\.(?:\.|%20)*$/;

/** What the segments of a canonical text have against them. An allowed `%2F` is judged as if it were decoded. */
export function structureProblem(canonical: string): PathProblem | null {
  const view = canonical.includes("%2F") ? canonical.replaceAll("%2F", "/") : canonical;
  const segments = view.split("/");
  if (segments.length - 1 > MAX_SEGMENTS) return "too_many_segments";
  for (let index = 1; index < segments.length; index += 1) {
    const segment = segments[index] ?? "";
    if (segment === "" && index < segments.length - 1) return "empty_segment";
    if (DOTS_ONLY.test(segment)) return "dot_segment";
  }
  return null;
}
