/**
 * Patterns for what two patterns have in common, to propose a narrower scope. Every pattern it returns lies inside both;
 * together they may be less than the intersection, which the language cannot always write down.
 */
import type { Pattern, PatternPart } from "./pattern.ts";
import { matchPart } from "./pattern.ts";

const MAX_MEETS = 32;

/** @returns pattern texts, without duplicates */
export function meetPatterns(left: Pattern, right: Pattern): readonly string[] {
  const texts = new Set<string>();
  for (const parts of meet(left.parts, right.parts, { left: MAX_MEETS * 16 })) {
    if (texts.size < MAX_MEETS) texts.add(patternText(parts));
  }
  return [...texts];
}

type Parts = readonly PatternPart[];

function meet(left: Parts, right: Parts, effort: { left: number }): readonly Parts[] {
  effort.left -= 1;
  if (effort.left < 0) return [];
  const [mine, ...myRest] = left;
  const [theirs, ...theirRest] = right;
  if (mine?.kind === "deep") {
    if (myRest.length === 0) return [right];
    if (theirs?.kind === "deep") return bothDeep(left, right, effort);
    return [...meet(myRest, right, effort), ...before(theirs, meet(left, theirRest, effort))];
  }
  if (theirs?.kind === "deep") return meet(right, left, effort);
  if (mine === undefined || theirs === undefined) return mine === theirs ? [[]] : [];
  return before(meetParts(mine, theirs), meet(myRest, theirRest, effort));
}

function bothDeep(left: Parts, right: Parts, effort: { left: number }): readonly Parts[] {
  if (right.length === 1) return [left];
  const deep = { kind: "deep" } as const;
  return [...before(deep, meet(left.slice(1), right, effort)), ...before(deep, meet(left, right.slice(1), effort))];
}

function before(part: PatternPart | undefined | null, tails: readonly Parts[]): readonly Parts[] {
  return part === undefined || part === null ? [] : tails.map((tail) => [part, ...tail]);
}

function meetParts(left: PatternPart, right: PatternPart): PatternPart | null {
  if (left.kind === "literal") return matchPart(right, left.text) ? left : null;
  if (right.kind === "literal") return matchPart(left, right.text) ? right : null;
  if (left.kind !== "glob") return right;
  if (right.kind !== "glob") return left;
  // A star of one can only be covered by a star of the other, so reading one as text decides whether it lies inside.
  if (matchPart(left, right.chunks.join("*"))) return right;
  return matchPart(right, left.chunks.join("*")) ? left : null;
}

/** The parts as they would be written. */
export function patternText(parts: Parts): string {
  const written = parts.flatMap((part, index) => {
    const last = index === parts.length - 1;
    if (part.kind === "literal") return [part.text];
    if (part.kind === "glob") return [part.chunks.join("*")];
    if (part.kind === "one") return [last ? ":segment" : "*"];
    if (last) return ["*"];
    return parts[index + 1]?.kind === "deep" ? [] : ["**"];
  });
  return `/${written.join("/")}`;
}
