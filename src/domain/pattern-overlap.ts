/**
 * Whether two patterns have a path in common. Pure; decided on the patterns, not by trying paths.
 * Both are cut into segments, and a segment into characters, so each step is a small table over two positions.
 */
import { matchPart, type Pattern, type PatternPart } from "./pattern.ts";

/** Whether some canonical path is matched by both. O(parts × parts), and O(characters × characters) for two globs. */
export function patternsOverlap(left: Pattern, right: Pattern): boolean {
  const known = new Map<number, boolean>();
  const width = right.parts.length + 1;
  function from(at: number, other: number): boolean {
    const key = at * width + other;
    const answer = known.get(key);
    if (answer !== undefined) return answer;
    known.set(key, false);
    const result = step(at, other);
    known.set(key, result);
    return result;
  }
  function step(at: number, other: number): boolean {
    const mine = left.parts[at];
    const theirs = right.parts[other];
    if (mine === undefined && theirs === undefined) return true;
    if (mine?.kind === "deep") return from(at + 1, other) || (theirs !== undefined && from(at, other + 1));
    if (theirs?.kind === "deep") return from(at, other + 1) || (mine !== undefined && from(at + 1, other));
    if (mine === undefined || theirs === undefined) return false;
    return partsOverlap(mine, theirs) && from(at + 1, other + 1);
  }
  return from(0, 0);
}

function partsOverlap(left: PatternPart, right: PatternPart): boolean {
  if (left.kind === "literal") return matchPart(right, left.text);
  if (right.kind === "literal") return matchPart(left, right.text);
  if (left.kind !== "glob" || right.kind !== "glob") return true;
  return globsOverlap(globSteps(left.chunks), globSteps(right.chunks));
}

/** Null stands for `*`; an escape (`%20`) is one character. */
function globSteps(chunks: readonly string[]): readonly (string | null)[] {
  return chunks.flatMap((chunk, index) => [
    ...(index === 0 ? [] : [null]),
    ...[...chunk.matchAll(/%[0-9A-Fa-f]{2}|[^]/gu)].map((character) => character[0]),
  ]);
}

/** Row by row: which positions of `right` can be reached after each position of `left`. */
function globsOverlap(left: readonly (string | null)[], right: readonly (string | null)[]): boolean {
  let reached = startRow(right);
  for (const wanted of left) {
    const next = new Array<boolean>(right.length + 1).fill(false);
    for (let at = 0; at <= right.length; at += 1) {
      const before = at > 0 ? right[at - 1] : undefined;
      const eaten = at > 0 && (next[at - 1] ?? false);
      if (wanted === null) next[at] = (reached[at] ?? false) || eaten;
      else if (before === null) next[at] = (reached[at] ?? false) || eaten;
      else next[at] = at > 0 && before === wanted && (reached[at - 1] ?? false);
    }
    reached = next;
  }
  return reached[right.length] ?? false;
}

function startRow(right: readonly (string | null)[]): readonly boolean[] {
  const row = [true];
  for (const [at, wanted] of right.entries()) row.push((row[at] ?? false) && wanted === null);
  return row;
}
