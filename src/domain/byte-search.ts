/**
 * Searches bytes for many patterns at once, without regard to the case of ASCII letters, skipping most of the input
 * (Wu and Manber, 1994). It holds its patterns and nothing else; each table is built when the first input comes that needs it.
 */

/** Bytes of a block: three bytes hash well and still leave long skips. */
const BLOCK_BYTES = 3;
/** Longer windows would skip further but take longer to prepare. */
const MAX_WINDOW_BYTES = 32;
const HASH_SLOTS = 1 << (4 * BLOCK_BYTES);
/** Below this, looking at every byte takes less time than building the table that skips most of them. */
const SHORT_BUFFER_BYTES = 512;

export class ByteSearch {
  /** Bytes of the shortest pattern; in less than that nothing can be found. */
  readonly shortest: number;
  readonly #patterns: readonly Uint8Array[];
  readonly #longest: number;
  /** How many leading bytes of each pattern the tables know: no more than the shortest pattern has. */
  readonly #window: number;
  /** How far the window may move on when the block with this hash ends it; 0: look closer. */
  #skips: Uint8Array | null = null;
  /** 1 for the first bytes of patterns, in either case. */
  #firsts: Uint8Array | null = null;

  /** Patterns have at least three bytes each. They are kept, not copied. */
  constructor(patterns: readonly Uint8Array[]) {
    let longest = 0;
    let shortest = Number.POSITIVE_INFINITY;
    for (const { length } of patterns) {
      longest = Math.max(longest, length);
      shortest = Math.min(shortest, length);
    }
    if (shortest < BLOCK_BYTES) throw new RangeError("a pattern is too short");
    this.#patterns = patterns;
    this.#longest = longest;
    this.shortest = shortest;
    this.#window = Math.min(MAX_WINDOW_BYTES, shortest);
  }

  /** Calls `found` with the start and end of each place where a pattern stands, in the order of their starts. */
  each(buffer: Uint8Array, found: (start: number, end: number) => void): void {
    if (buffer.length < this.shortest) return;
    if (this.#skips === null && buffer.length < SHORT_BUFFER_BYTES) return this.#eachOfFew(buffer, found);
    const skips = (this.#skips ??= skipTable(this.#patterns, this.#window));
    const window = this.#window;
    let at = window - 1;
    while (at < buffer.length) {
      const skip = skips[slotOf(buffer, at)] ?? 1;
      if (skip > 0) {
        at += skip;
        continue;
      }
      this.#foundAt(buffer, at - window + 1, found);
      at += 1;
    }
  }

  #eachOfFew(buffer: Uint8Array, found: (start: number, end: number) => void): void {
    const firsts = (this.#firsts ??= firstTable(this.#patterns));
    const last = buffer.length - this.shortest;
    for (let start = 0; start <= last; start++) {
      if (firsts[buffer[start] ?? 0] === 1) this.#foundAt(buffer, start, found);
    }
  }

  #foundAt(buffer: Uint8Array, start: number, found: (start: number, end: number) => void): void {
    for (const pattern of this.#patterns) {
      if (standsAt(buffer, start, pattern, pattern.length)) found(start, start + pattern.length);
    }
  }

  /**
   * Where the earliest pattern begins that the buffer's end cuts off; the buffer's length when there is none.
   * What stands before it cannot be part of a pattern that is still to come.
   */
  cutOff(buffer: Uint8Array): number {
    if (this.#longest === 0) return buffer.length;
    const firsts = (this.#firsts ??= firstTable(this.#patterns));
    for (let at = Math.max(0, buffer.length - this.#longest + 1); at < buffer.length; at++) {
      if (firsts[buffer[at] ?? 0] !== 1) continue;
      const left = buffer.length - at;
      for (const pattern of this.#patterns) {
        if (pattern.length > left && standsAt(buffer, at, pattern, left)) return at;
      }
    }
    return buffer.length;
  }
}

function skipTable(patterns: readonly Uint8Array[], window: number): Uint8Array {
  const skips = new Uint8Array(HASH_SLOTS).fill(window - BLOCK_BYTES + 1);
  for (const pattern of patterns) {
    for (let at = BLOCK_BYTES - 1; at < window; at++) {
      const slot = slotOf(pattern, at);
      skips[slot] = Math.min(skips[slot] ?? 0, window - 1 - at);
    }
  }
  return skips;
}

function firstTable(patterns: readonly Uint8Array[]): Uint8Array {
  const firsts = new Uint8Array(256);
  for (const pattern of patterns) {
    const first = lowerCase(pattern[0] ?? 0);
    firsts[first] = 1;
    if (first >= 0x61 && first <= 0x7a) firsts[first - 0x20] = 1;
  }
  return firsts;
}

/** The block that ends at `at`. The low four bits of a letter are the same in both cases. */
function slotOf(bytes: Uint8Array, at: number): number {
  return (((bytes[at - 2] ?? 0) & 15) << 8) | (((bytes[at - 1] ?? 0) & 15) << 4) | ((bytes[at] ?? 0) & 15);
}

function standsAt(buffer: Uint8Array, start: number, pattern: Uint8Array, length: number): boolean {
  if (start + length > buffer.length) return false;
  for (let at = 0; at < length; at++) {
    if (lowerCase(buffer[start + at] ?? 0) !== lowerCase(pattern[at] ?? 0)) return false;
  }
  return true;
}

function lowerCase(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
}
