/**
 * Under which names a server might read a query parameter, for denying it under each of them.
 *
 * Errs on the side of denying: encodings (also twice), case, brackets, dots, look-alike characters and separators of a
 * denied name are that name. Never decides what is allowed; that wants the name itself (`query.ts`).
 */

/** How often a name is decoded in search of a denied one. */
const MAX_DECODINGS = 4;

export function nameOf(piece: string): string {
  const equals = piece.indexOf("=");
  return equals === -1 ? piece : piece.slice(0, equals);
}

/** As `application/x-www-form-urlencoded` reads it; null for malformed escapes or invalid UTF-8. */
export function decodeName(raw: string): string | null {
  if (!raw.includes("%") && !raw.includes("+")) return raw;
  try {
    return decodeURIComponent(raw.replaceAll("+", " "));
  } catch {
    return null;
  }
}

export interface Reading {
  /** `filter[email][]` and `Filter.Email` → filter, email. */
  readonly parts: readonly string[];
  /** Everything that separates words made `_`: some servers turn `api.key` and `api key` into `api_key`. */
  readonly flat: string;
}

/** All names under which a server might read this parameter: decoded once, twice …, in any case. */
export function readingsOf(rawName: string): readonly Reading[] {
  if (PLAIN_NAME.test(rawName)) return plainReadings(rawName);
  const readings = [readingOf(rawName)];
  let name = rawName.replaceAll("+", " ");
  for (let round = 0; round < MAX_DECODINGS; round += 1) {
    const next = decodeLeniently(name);
    if (next === name && round > 0) break;
    name = next;
    readings.push(readingOf(name));
    // What was encoded may hold the separators themselves, for a server that decodes before it splits.
    for (const part of name.split(/[&;=]/)) if (part !== name) readings.push(readingOf(part));
  }
  return readings;
}

/** Nothing in it can be decoded, so there is one reading. */
export const PLAIN_NAME = /^[A-Za-z0-9_.[\]-]{1,64}$/;
const plain = new Map<string, readonly Reading[]>();
const MAX_PLAIN = 4_096;

/** Vendors have few parameter names, so the same ones come again and again. */
function plainReadings(name: string): readonly Reading[] {
  const known = plain.get(name);
  if (known !== undefined) return known;
  const readings = [readingOf(name)];
  if (plain.size >= MAX_PLAIN) plain.clear();
  plain.set(name, readings);
  return readings;
}

/** Decodes what can be decoded and leaves the rest: a server may do no better. */
function decodeLeniently(text: string): string {
  return text.replace(/(?:%[0-9A-Fa-f]{2})+/g, (run) => {
    try {
      return decodeURIComponent(run);
    } catch {
      return run.replace(/%([0-7][0-9A-Fa-f])/g, (_, digits: string) =>
        String.fromCharCode(Number.parseInt(digits, 16)),
      );
    }
  });
}

function readingOf(name: string): Reading {
  // Control bytes, spaces and zero-width characters are trimmed or cut off by one server or another.
  const folded = name
    .normalize("NFKC")
    .toLowerCase()
    .replace(/[\p{Cc}\p{Cf}]/gu, "")
    .trim();
  const parts = folded.split(/[[\].]+/).filter((part) => part !== "");
  return { parts, flat: folded.replace(/[\s.[\]_-]+/g, "_").replace(/^_+|_+$/g, "") };
}

const denials = new Map<string, Reading>();
const MAX_DENIALS = 4_096;

function denialOf(name: string): Reading {
  const known = denials.get(name);
  if (known !== undefined) return known;
  const reading = readingOf(name);
  if (denials.size >= MAX_DENIALS) denials.clear();
  denials.set(name, reading);
  return reading;
}

export function isDenied(readings: readonly Reading[], name: string): boolean {
  const wanted = denialOf(name);
  return readings.some(
    (reading) =>
      (wanted.flat !== "" && reading.flat === wanted.flat) ||
      (wanted.parts.length > 0 && wanted.parts.every((part, index) => reading.parts[index] === part)),
  );
}
