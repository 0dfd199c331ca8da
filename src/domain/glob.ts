/**
 * Names with `*`, which stands for any characters, also none. Everything else stands for itself, case included.
 * Two cursors instead of a regular expression: time grows with text × pattern at worst, never faster.
 */
export function matchesGlob(pattern: string, text: string): boolean {
  let at = 0;
  let inText = 0;
  let star = -1;
  let resume = 0;
  while (inText < text.length) {
    if (pattern[at] === "*") {
      star = at;
      at += 1;
      resume = inText;
    } else if (at < pattern.length && pattern[at] === text[inText]) {
      at += 1;
      inText += 1;
    } else if (star === -1) {
      return false;
    } else {
      at = star + 1;
      resume += 1;
      inText = resume;
    }
  }
  while (pattern[at] === "*") at += 1;
  return at === pattern.length;
}

/**
 * Whether everything that `inner` matches is matched by `outer`. A `*` of `inner` can only be covered by a `*` of `outer`,
 * so it is enough to read `inner` as a text. Sound for every pair; exact while texts may hold any character.
 */
export function globIncludes(outer: string, inner: string): boolean {
  return matchesGlob(outer, inner);
}
