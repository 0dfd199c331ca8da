/**
 * The scope language: patterns that match a whole canonical upstream path, segment by segment, case sensitively.
 *
 * | written | matches |
 * |---|---|
 * | `text` | that segment, compared in canonical escaped form (`path.ts`) |
 * | `*` or `:name` | one segment that is not empty |
 * | `*` beside text | any run of characters, also none, inside that segment (an escape such as `%20` is one character) |
 * | a last `/*` | the collection itself and everything below it |
 * | `**` | any number of segments, also none |
 *
 * A path's trailing slash is an empty last segment: `/a/` is another path than `/a`. It is matched by the same trailing
 * slash in a pattern, or by a last `/*` or `**`; never by `*` or `:name`, which want a segment that is not empty.
 *
 * Never becomes a regular expression: matching is two cursors over segments, and over text inside a segment.
 */
import { canonicalText, structureProblem } from "./path.ts";
import type { Result } from "./result.ts";
import { err, ok } from "./result.ts";

export const MAX_PATTERN_BYTES = 2_048;
export const MAX_PATTERN_SEGMENTS = 128;
export const MAX_WILDCARDS = 32;

export type PatternPart =
  | { readonly kind: "literal"; readonly text: string }
  /** One segment that is not empty. */
  | { readonly kind: "one" }
  /** Literal texts with a `*` between each two; always two or more, the outer ones may be empty. */
  | { readonly kind: "glob"; readonly chunks: readonly string[] }
  /** Any number of segments. Never two in a row. */
  | { readonly kind: "deep" };

export interface Pattern {
  /** As it was written. */
  readonly text: string;
  readonly parts: readonly PatternPart[];
}

/** @returns the compiled pattern, or a sentence that says what is wrong with the text */
export function parsePattern(text: string): Result<Pattern, string> {
  if (!text.startsWith("/")) return err("A path pattern must begin with /");
  if (text.length > MAX_PATTERN_BYTES) return err(`A path pattern must be at most ${MAX_PATTERN_BYTES} bytes`);
  const written = text.slice(1).split("/");
  if (written.length > MAX_PATTERN_SEGMENTS) {
    return err(`A path pattern must have at most ${MAX_PATTERN_SEGMENTS} segments`);
  }
  const parts: PatternPart[] = [];
  let wildcards = 0;
  for (const [index, segment] of written.entries()) {
    const part = parsePart(segment, index === written.length - 1);
    if (!part.ok) return part;
    wildcards += part.value.kind === "glob" ? part.value.chunks.length - 1 : part.value.kind === "literal" ? 0 : 1;
    if (part.value.kind === "deep" && parts[parts.length - 1]?.kind === "deep") continue;
    parts.push(part.value);
  }
  if (wildcards > MAX_WILDCARDS) return err(`A path pattern must have at most ${MAX_WILDCARDS} wildcards`);
  return ok({ text, parts });
}

function parsePart(segment: string, last: boolean): Result<PatternPart, string> {
  if (segment === "**" || (segment === "*" && last)) return ok({ kind: "deep" });
  if (segment === "*") return ok({ kind: "one" });
  if (segment === "") {
    return last ? ok({ kind: "literal", text: "" }) : err("A path pattern must not have an empty segment (//)");
  }
  if (segment.startsWith(":")) {
    if (/^:[A-Za-z_][A-Za-z0-9_]*$/.test(segment)) return ok({ kind: "one" });
    return err("A segment that begins with : must be a name of letters, digits and _; a literal colon is %3A");
  }
  if (segment.includes("**")) return err("** must be a segment of its own; use * beside text");
  if (/[{}\s]/.test(segment)) return err("A path pattern must not hold braces or spaces; use :name or * for a part");
  const chunks: string[] = [];
  for (const written of segment.split("*")) {
    const chunk = canonicalText(written, true);
    if (!chunk.ok) return err(`A path pattern can never match: ${chunk.error.detail}`);
    chunks.push(chunk.value);
  }
  if (chunks.length > 1) return ok({ kind: "glob", chunks });
  const text = chunks[0] ?? "";
  if (structureProblem(`/${text}`) !== null) return err("A path pattern must not hold dot segments");
  return ok({ kind: "literal", text });
}

/** The segments of a canonical path; a trailing slash is an empty last one. Null for what is no path. */
export function pathSegments(canonicalPath: string): readonly string[] | null {
  return canonicalPath.startsWith("/") ? canonicalPath.slice(1).split("/") : null;
}

export function matchPattern(pattern: Pattern, canonicalPath: string): boolean {
  const segments = pathSegments(canonicalPath);
  return segments !== null && matchSegments(pattern, segments);
}

/** `matchPattern` for a path that was cut into segments before: O(segments × parts). */
export function matchSegments(pattern: Pattern, segments: readonly string[]): boolean {
  const { parts } = pattern;
  let part = 0;
  let segment = 0;
  // Where to go on when the parts after the last `deep` fail: let it swallow one segment more. Earlier ones need no
  // second try, because what follows the last one matched at its leftmost place.
  let deepPart = -1;
  let deepSegment = 0;
  while (segment < segments.length) {
    const wanted = parts[part];
    if (wanted?.kind === "deep") {
      deepPart = part;
      deepSegment = segment;
      part += 1;
    } else if (wanted !== undefined && matchPart(wanted, segments[segment] ?? "")) {
      part += 1;
      segment += 1;
    } else if (deepPart === -1) {
      return false;
    } else {
      deepSegment += 1;
      segment = deepSegment;
      part = deepPart + 1;
    }
  }
  return part === parts.length || (part === parts.length - 1 && parts[part]?.kind === "deep");
}

/** Whether a part other than `deep` matches one segment. */
export function matchPart(part: PatternPart, segment: string): boolean {
  if (part.kind === "literal") return part.text === segment;
  if (part.kind === "one") return segment !== "";
  return part.kind === "glob" && matchGlob(part.chunks, segment);
}

function matchGlob(chunks: readonly string[], segment: string): boolean {
  const first = chunks[0] ?? "";
  const last = chunks[chunks.length - 1] ?? "";
  const end = segment.length - last.length;
  if (end < first.length || !segment.startsWith(first) || !segment.endsWith(last)) return false;
  if (splitsEscape(segment, end)) return false;
  let at = first.length;
  for (let index = 1; index < chunks.length - 1; index += 1) {
    const chunk = chunks[index] ?? "";
    at = findChunk(segment, chunk, at);
    if (at === -1) return false;
    at += chunk.length;
  }
  return at <= end;
}

function findChunk(segment: string, chunk: string, from: number): number {
  let at = segment.indexOf(chunk, from);
  while (at !== -1 && splitsEscape(segment, at)) at = segment.indexOf(chunk, at + 1);
  return at;
}

/** Whether `at` stands inside an escape: `A0` must not be found in `%A0`. */
function splitsEscape(segment: string, at: number): boolean {
  if (at >= segment.length) return false;
  return segment[at - 1] === "%" || segment[at - 2] === "%";
}

const compiled = new Map<string, Pattern | null>();
const MAX_COMPILED = 8_192;

/** `parsePattern`, remembered. Null for a text that is no pattern: it then matches nothing. */
export function compilePattern(text: string): Pattern | null {
  const known = compiled.get(text);
  if (known !== undefined) return known;
  const parsed = parsePattern(text);
  const pattern = parsed.ok ? parsed.value : null;
  if (compiled.size >= MAX_COMPILED) compiled.clear();
  compiled.set(text, pattern);
  return pattern;
}
