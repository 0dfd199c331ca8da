/**
 * Finds numbers at given members of JSON that passes by in chunks, whole or as server-sent events, and keeps the last
 * value of each. Pure; memory is bounded whatever the size of the body; bytes are looked at, never changed.
 *
 * In an event stream a member is also found one level down (`response.usage.total_tokens` for `usage.total_tokens`),
 * since vendors wrap in events what a plain answer holds at its top.
 */

/** Nesting beyond this is skipped over, not searched. */
const MAX_DEPTH = 32;
const MAX_KEY_BYTES = 64;
const MAX_NUMBER_BYTES = 32;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const NEWLINE = 0x0a;
const RETURN = 0x0d;
const DATA_PREFIX = [0x64, 0x61, 0x74, 0x61, 0x3a];

interface Wanted {
  readonly member: string;
  readonly path: readonly string[];
}

/** `usage.total_tokens`, `items[].cost` → the keys on the way, arrays as `[]`. */
export function memberPath(member: string): readonly string[] {
  return member.split(".").flatMap((part) => {
    const arrays = /^(.*?)((?:\[\])*)$/.exec(part);
    const name = arrays?.[1] ?? part;
    const depth = (arrays?.[2] ?? "").length / 2;
    return [...(name === "" ? [] : [name]), ...Array.from({ length: depth }, () => "[]")];
  });
}

/** A JSON tokenizer that knows where it is, and nothing else. Malformed text leads to no find, never to an exception. */
export class JsonNumberScanner {
  readonly #wanted: readonly Wanted[];
  readonly #wrapped: boolean;
  readonly found: Record<string, number> = Object.create(null) as Record<string, number>;
  #depth = 0;
  #isObject: boolean[] = [];
  #keys: string[] = [];
  #inString = false;
  #escaped = false;
  #isKey = false;
  #expectKey = false;
  #text: number[] = [];
  #inNumber = false;

  constructor(members: readonly string[], wrapped: boolean) {
    this.#wanted = members.map((member) => ({ member, path: memberPath(member) }));
    this.#wrapped = wrapped;
  }

  /** Forgets where it is, not what it found: the next byte begins a new document. */
  reset(): void {
    this.#endNumber();
    this.#depth = 0;
    this.#isObject = [];
    this.#keys = [];
    this.#inString = false;
    this.#escaped = false;
    this.#expectKey = false;
    this.#text = [];
  }

  byte(value: number): void {
    if (this.#inString) return this.#stringByte(value);
    if (this.#inNumber) {
      if (
        (value >= 0x30 && value <= 0x39) ||
        value === 0x2e ||
        value === 0x65 ||
        value === 0x45 ||
        value === 0x2b ||
        value === 0x2d
      ) {
        if (this.#text.length < MAX_NUMBER_BYTES) this.#text.push(value);
        return;
      }
      this.#endNumber();
    }
    switch (value) {
      case QUOTE:
        this.#inString = true;
        this.#isKey = this.#expectKey;
        this.#text = [];
        return;
      case 0x7b: // {
        return this.#open(true);
      case 0x5b: // [
        return this.#open(false);
      case 0x7d: // }
      case 0x5d: // ]
        this.#depth = Math.max(0, this.#depth - 1);
        this.#expectKey = false;
        return;
      case 0x2c: // ,
        this.#expectKey = this.#depth <= MAX_DEPTH && this.#isObject[this.#depth] === true;
        return;
      case 0x3a: // :
        this.#expectKey = false;
        return;
      default:
        if (value === 0x2d || (value >= 0x30 && value <= 0x39)) {
          this.#inNumber = true;
          this.#text = [value];
        }
    }
  }

  #stringByte(value: number): void {
    if (this.#escaped) {
      this.#escaped = false;
    } else if (value === BACKSLASH) {
      this.#escaped = true;
    } else if (value === QUOTE) {
      this.#inString = false;
      if (this.#isKey && this.#depth <= MAX_DEPTH) {
        const known = this.#text.length <= MAX_KEY_BYTES;
        this.#keys[this.#depth] = known ? String.fromCharCode(...this.#text) : "";
      }
      return;
    }
    // Keys with escapes or beyond ASCII keep their raw bytes: they match no member, as a price names plain ones.
    if (this.#isKey && this.#text.length <= MAX_KEY_BYTES) this.#text.push(value);
  }

  #open(isObject: boolean): void {
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) {
      this.#expectKey = false;
      return;
    }
    this.#isObject[this.#depth] = isObject;
    this.#keys[this.#depth] = isObject ? "" : "[]";
    this.#expectKey = isObject;
  }

  #endNumber(): void {
    if (!this.#inNumber) return;
    this.#inNumber = false;
    for (const { member, path } of this.#wanted) {
      const skipped = this.#depth - path.length;
      if (skipped !== 0 && !(skipped === 1 && this.#wrapped)) continue;
      if (!path.every((key, index) => this.#keys[index + 1 + skipped] === key)) continue;
      const number = Number(String.fromCharCode(...this.#text));
      if (Number.isFinite(number)) this.found[member] = number;
    }
  }
}

/** Feeds a body to the scanner: a document, documents one after the other, or server-sent events. */
export class UsageScan {
  readonly #scanner: JsonNumberScanner;
  readonly #events: boolean;
  /** Bytes of `data:` seen in this line; -1: the line is no data; DATA_PREFIX.length: inside the data. */
  #prefix = 0;
  #lineBytes = 0;

  constructor(members: readonly string[], events: boolean) {
    this.#scanner = new JsonNumberScanner(members, events);
    this.#events = events;
  }

  push(chunk: Uint8Array): void {
    if (!this.#events) {
      for (const value of chunk) this.#scanner.byte(value);
      return;
    }
    for (const value of chunk) this.#eventByte(value);
  }

  /** Last value of each member, or null when none was seen. */
  usage(): Readonly<Record<string, number>> | null {
    this.#scanner.reset();
    return Object.keys(this.#scanner.found).length === 0 ? null : { ...this.#scanner.found };
  }

  #eventByte(value: number): void {
    if (value === NEWLINE || value === RETURN) {
      // An empty line ends the event; a line end inside an event is white space between two data lines.
      if (value === NEWLINE && this.#lineBytes === 0) this.#scanner.reset();
      else if (this.#prefix === DATA_PREFIX.length) this.#scanner.byte(0x20);
      this.#prefix = 0;
      if (value === NEWLINE) this.#lineBytes = 0;
      return;
    }
    this.#lineBytes += 1;
    if (this.#prefix === DATA_PREFIX.length) this.#scanner.byte(value);
    else if (this.#prefix >= 0) this.#prefix = DATA_PREFIX[this.#prefix] === value ? this.#prefix + 1 : -1;
  }
}
