/**
 * The least scope that covers what was really used. Pure.
 * Segments that look like ids become `:id`, which stands for exactly one segment; where many different texts stood in one
 * place, that place becomes `:name`. A last `/*` is never suggested, since it would also allow everything below.
 * Invariant: every call that went in is allowed by what comes out.
 */
import type { Rule } from "./scope.ts";

export interface UsedCall {
  readonly method: string;
  /** Canonical upstream path. */
  readonly path: string;
}

/** More different texts in one place than this are taken for names, not for fixed words. */
const MAX_LITERALS_IN_PLACE = 8;
const MAX_CALLS = 20_000;

const ID_SHAPES: readonly RegExp[] = [
  /^\d+$/,
  /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i,
  /^(?=.*\d)[0-9a-f]{8,}$/i,
  /^[0-9A-HJKMNP-TV-Z]{26}$/,
  /^[a-z]{1,12}_(?=[A-Za-z0-9_]*\d)[A-Za-z0-9_]{6,}$/,
  /^[A-Z]{2}[0-9a-f]{32}$/,
  /^(?=.*\d)(?=.*[A-Za-z])[A-Za-z0-9_-]{16,}$/,
  /^\d{4}-\d{2}-\d{2}(?:T.*)?$/,
  /^[^@/]+@[^@/]+$/,
  /^[^%]*%40[^%]*$/i,
];
/** Characters that the pattern language reads as more than themselves: such a segment can only be a wildcard. */
const PATTERN_CHARACTERS = /[*{}\s]|^:/;

/** Rules that cover the given calls; methods with the same paths share a rule. At most 20,000 calls are looked at. */
export function suggestRules(calls: readonly UsedCall[]): readonly Rule[] {
  const shaped = calls.slice(0, MAX_CALLS).map((call) => ({ method: call.method, segments: shape(call.path) }));
  const merged = mergePlaces(shaped);
  const methodsOf = new Map<string, Set<string>>();
  for (const call of merged) {
    const pattern = `/${call.segments.join("/")}`;
    const methods = methodsOf.get(pattern) ?? new Set<string>();
    methodsOf.set(pattern, methods.add(call.method));
  }
  const pathsOf = new Map<string, string[]>();
  for (const [pattern, methods] of [...methodsOf].toSorted(([left], [right]) => compare(left, right))) {
    const key = [...methods].toSorted(compare).join(" ");
    pathsOf.set(key, [...(pathsOf.get(key) ?? []), pattern]);
  }
  return [...pathsOf].map(([methods, paths]) => ({ methods: methods.split(" "), paths }));
}

interface ShapedCall {
  readonly method: string;
  readonly segments: readonly string[];
}

/** An empty last segment (a trailing slash) stays what it is. */
function shape(path: string): readonly string[] {
  return path
    .slice(1)
    .split("/")
    .map((segment) => (segment !== "" && looksLikeId(segment) ? ":id" : segment));
}

function looksLikeId(segment: string): boolean {
  return PATTERN_CHARACTERS.test(segment) || ID_SHAPES.some((candidate) => candidate.test(segment));
}

/** Place by place from the left: many different texts between the same neighbours become one `:name`. */
function mergePlaces(calls: readonly ShapedCall[]): readonly ShapedCall[] {
  const longest = Math.max(0, ...calls.map((call) => call.segments.length));
  let current = calls;
  for (let place = 0; place < longest; place += 1) {
    const texts = new Map<string, Set<string>>();
    for (const call of current) {
      const text = call.segments[place];
      if (text === undefined || text === "" || text === ":id") continue;
      const around = surroundings(call, place);
      texts.set(around, (texts.get(around) ?? new Set<string>()).add(text));
    }
    current = current.map((call) => {
      const text = call.segments[place];
      const many = (texts.get(surroundings(call, place))?.size ?? 0) > MAX_LITERALS_IN_PLACE;
      return many && text !== undefined && text !== "" && text !== ":id"
        ? { method: call.method, segments: call.segments.with(place, ":name") }
        : call;
    });
  }
  return current;
}

/** Method, length and everything but the text in the place itself. The first place is never merged over: it names the API. */
function surroundings(call: ShapedCall, place: number): string {
  const merges = place > 0 && place < call.segments.length;
  const rest = merges ? call.segments.with(place, "\0") : call.segments;
  return `${call.method} ${rest.join("/")}`;
}

function compare(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
