/**
 * Rewrites chosen string members of a JSON text while it streams, however it is cut into chunks. Everything else passes byte
 * for byte, and so does all of a text that is not JSON. Nothing is parsed that need not be: strings that cannot
 * matter are skipped, and only the keys and values on the way to a chosen member are read.
 *
 * Always holds: at most `MAX_HELD_BYTES` are held back, and the depth that is tracked is that of the longest member path.
 */
import { utf8, utf8Text } from "./encoding.ts";

/** A longer key or value passes unread. */
export const MAX_HELD_BYTES = 8_192;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const NOTHING = new Uint8Array(0);

/** Segments of a member's path; `*` stands for any one member or any element of an array. */
type MemberPath = readonly string[];

interface Level {
  readonly isArray: boolean;
  /** Paths that still lead into this level. */
  readonly paths: readonly MemberPath[];
  /** Of these, the ones that go on with the current member or element. */
  child: readonly MemberPath[];
  atKey: boolean;
}

export class JsonMemberRewriter {
  readonly #paths: readonly MemberPath[];
  readonly #replace: (value: string) => string | null;
  readonly #levels: Level[] = [];
  /** Containers opened below the last level that can matter. */
  #deeper = 0;
  /** Inside a string that cannot matter; and whether its next byte is escaped. */
  #skipping = false;
  #escaped = false;
  /** Not JSON, or no longer: everything passes. */
  #through = false;
  #held: Uint8Array = NOTHING;

  /**
   * @param members dotted paths (`meta.next_page_url`, `*.upload_url`, `items[].url`)
   * @param replace the new value of a member, or null to leave it
   */
  constructor(members: readonly string[], replace: (value: string) => string | null) {
    this.#paths = members.map((member) => member.replaceAll("[]", ".*").replace(/^\./, "").split("."));
    this.#replace = replace;
    this.#through = members.length === 0;
  }

  push(chunk: Uint8Array): Uint8Array {
    if (this.#through && this.#held.length === 0) return chunk;
    const buffer = this.#held.length === 0 ? chunk : joined([this.#held, chunk]);
    this.#held = NOTHING;
    const pieces: Uint8Array[] = [];
    let emitted = 0;
    let at = 0;
    let end = buffer.length;
    while (at < end && !this.#through) {
      if (this.#skipping) {
        at = this.#skip(buffer, at);
      } else if (buffer[at] !== QUOTE) {
        this.#structure(buffer[at] ?? 0);
        at += 1;
      } else {
        const close = this.#matters() ? closingQuote(buffer, at + 1) : null;
        if (close === -1 && buffer.length - at <= MAX_HELD_BYTES) {
          end = at;
          this.#held = buffer.slice(at);
        } else if (close === null || close === -1) {
          this.#leave();
          at += 1;
        } else {
          const replaced = this.#read(buffer.subarray(at + 1, close));
          if (replaced !== null) {
            pieces.push(buffer.subarray(emitted, at + 1), replaced);
            emitted = close;
          }
          at = close + 1;
        }
      }
    }
    const rest = buffer.subarray(emitted, end);
    return pieces.length === 0 ? rest : joined([...pieces, rest]);
  }

  end(): Uint8Array {
    const rest = this.#held;
    this.#held = NOTHING;
    return rest;
  }

  /** Whether the string that begins here is a key on the way to a member, or a member's value. */
  #matters(): boolean {
    const level = this.#levels.at(-1);
    if (this.#deeper > 0 || level === undefined) return false;
    return level.atKey || level.child.some((path) => path.length === this.#levels.length);
  }

  /** Passes a string unread; an unread key leads nowhere. */
  #leave(): void {
    this.#skipping = true;
    this.#escaped = false;
  }

  /** Takes note of a key, or gives a value's replacement (the text between the quotes). */
  #read(raw: Uint8Array): Uint8Array | null {
    const level = this.#levels.at(-1);
    const text = utf8Text(raw);
    const value = text === null ? null : unescaped(text);
    if (level === undefined) return null;
    if (level.atKey) {
      const depth = this.#levels.length - 1;
      level.child = value === null ? [] : level.paths.filter((path) => path[depth] === "*" || path[depth] === value);
      return null;
    }
    const replaced = value === null ? null : this.#replace(value);
    return replaced === null || replaced === value ? null : utf8(escapedLike(replaced, text ?? ""));
  }

  #structure(byte: number): void {
    switch (byte) {
      case 0x7b: // {
        return this.#open(false);
      case 0x5b: // [
        return this.#open(true);
      case 0x7d: // }
      case 0x5d: // ]
        if (this.#deeper > 0) this.#deeper -= 1;
        else if (this.#levels.pop() === undefined) this.#through = true;
        return;
      case 0x2c: // ,
        return this.#atKey(true);
      case 0x3a: // :
        return this.#atKey(false);
      default:
        // Between texts (there may be several, line by line) only white space and a byte order mark may stand.
        if (this.#levels.length === 0 && this.#deeper === 0 && !BETWEEN_TEXTS.has(byte)) this.#through = true;
    }
  }

  #open(isArray: boolean): void {
    const depth = this.#levels.length;
    const into =
      this.#deeper > 0 ? [] : (this.#levels.at(-1)?.child ?? this.#paths).filter((path) => path.length > depth);
    if (into.length === 0) {
      this.#deeper += 1;
      return;
    }
    const child = isArray ? into.filter((path) => path[depth] === "*") : [];
    this.#levels.push({ isArray, paths: into, child, atKey: !isArray });
  }

  #atKey(next: boolean): void {
    const level = this.#levels.at(-1);
    if (level === undefined && this.#deeper === 0) this.#through = true;
    if (level === undefined || level.isArray || this.#deeper > 0) return;
    level.atKey = next;
    if (next) level.child = [];
  }

  /** Moves past the end of a string that cannot matter, or to the end of the buffer. */
  #skip(buffer: Uint8Array, from: number): number {
    const start = this.#escaped ? from + 1 : from;
    const close = closingQuote(buffer, start);
    this.#skipping = close < 0;
    this.#escaped = close < 0 && backslashesBefore(buffer, buffer.length, start) % 2 === 1;
    return close < 0 ? buffer.length : close + 1;
  }
}

const BETWEEN_TEXTS: ReadonlySet<number> = new Set([0x20, 0x09, 0x0a, 0x0d, 0x1e, 0xef, 0xbb, 0xbf]);

/** The place of the first quote from `from` on that is not escaped, or -1. The byte at `from` is not escaped. */
function closingQuote(buffer: Uint8Array, from: number): number {
  let start = from;
  for (;;) {
    const quote = buffer.indexOf(QUOTE, start);
    if (quote < 0 || backslashesBefore(buffer, quote, start) % 2 === 0) return quote;
    start = quote + 1;
  }
}

function backslashesBefore(buffer: Uint8Array, end: number, start: number): number {
  let count = 0;
  while (end - count > start && buffer[end - count - 1] === BACKSLASH) count++;
  return count;
}

function unescaped(text: string): string | null {
  if (!text.includes("\\")) return text;
  try {
    const value: unknown = JSON.parse(`"${text}"`);
    return typeof value === "string" ? value : null;
  } catch {
    return null;
  }
}

/** The value as JSON text, with slashes escaped where the original escaped them. */
function escapedLike(value: string, original: string): string {
  const text = JSON.stringify(value).slice(1, -1);
  return original.includes("\\/") ? text.replaceAll("/", "\\/") : text;
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
