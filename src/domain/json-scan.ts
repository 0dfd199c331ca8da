/**
 * A strict JSON reader (RFC 8259) that keeps what `JSON.parse` loses: duplicate names, and where each value stands.
 *
 * Never guesses: a byte order mark, another encoding than UTF-8, a comment or a trailing comma makes the text malformed.
 * Bounded in depth and in the number of values; linear in the length of the text.
 */
import type { Result } from "./result.ts";
import { isExactNumber } from "./json-number.ts";
import { err, ok } from "./result.ts";

export const MAX_JSON_DEPTH = 64;
export const MAX_JSON_VALUES = 200_000;

export type JsonScalar = string | number | boolean | null;

/** `start` and `end` are offsets into the text, in UTF-16 units. */
export type JsonNode =
  | { readonly kind: "object"; readonly members: readonly JsonMember[]; readonly start: number; readonly end: number }
  | { readonly kind: "array"; readonly items: readonly JsonNode[]; readonly start: number; readonly end: number }
  | {
      readonly kind: "scalar";
      readonly value: JsonScalar;
      /** The value is a number, and no double stands for what was written (`json-number.ts`). */
      readonly inexact?: true;
      readonly start: number;
      readonly end: number;
    };

/** Members in the order of the text, duplicates included. `start` is where the name's quote stands. */
export interface JsonMember {
  readonly name: string;
  readonly start: number;
  readonly value: JsonNode;
}

export type JsonProblem = "malformed" | "too_deep" | "too_many_values";

/** Bytes as text when they are UTF-8 throughout. A byte order mark stays in the text, where no reader accepts it. */
export function jsonText(bytes: Uint8Array): Result<string, JsonProblem> {
  try {
    return ok(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    return err("malformed");
  }
}

export function scanJson(text: string): Result<JsonNode, JsonProblem> {
  const scanner = new JsonScanner(text);
  try {
    return ok(scanner.document());
  } catch (failure) {
    if (failure instanceof ScanStop) return err(failure.problem);
    throw failure;
  }
}

/** Leaves the recursion; never leaves this file. */
class ScanStop extends Error {
  readonly problem: JsonProblem;
  constructor(problem: JsonProblem) {
    super(problem);
    this.problem = problem;
  }
}

const SPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4})/y;
const WORDS: readonly (readonly [string, JsonScalar])[] = [
  ["true", true],
  ["false", false],
  ["null", null],
];

class JsonScanner {
  readonly #text: string;
  #at = 0;
  #values = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): JsonNode {
    this.#skipSpace();
    const node = this.#value(0);
    this.#skipSpace();
    if (this.#at !== this.#text.length) throw new ScanStop("malformed");
    return node;
  }

  #value(depth: number): JsonNode {
    this.#values += 1;
    if (this.#values > MAX_JSON_VALUES) throw new ScanStop("too_many_values");
    const start = this.#at;
    const first = this.#text[start];
    if (first === "{" || first === "[") {
      if (depth >= MAX_JSON_DEPTH) throw new ScanStop("too_deep");
      return first === "{" ? this.#object(depth + 1) : this.#array(depth + 1);
    }
    const value = first === '"' ? this.#string() : this.#wordOrNumber();
    const end = this.#at;
    if (typeof value !== "number" || isExactNumber(this.#text.slice(start, end), value)) {
      return { kind: "scalar", value, start, end };
    }
    return { kind: "scalar", value, inexact: true, start, end };
  }

  #object(depth: number): JsonNode {
    const start = this.#at;
    const members: JsonMember[] = [];
    this.#list("}", () => {
      const at = this.#at;
      const name = this.#string();
      this.#skipSpace();
      this.#expect(":");
      this.#skipSpace();
      members.push({ name, start: at, value: this.#value(depth) });
    });
    return { kind: "object", members, start, end: this.#at };
  }

  #array(depth: number): JsonNode {
    const start = this.#at;
    const items: JsonNode[] = [];
    this.#list("]", () => items.push(this.#value(depth)));
    return { kind: "array", items, start, end: this.#at };
  }

  /** From the opening bracket to behind the closing one; `read` consumes one entry. */
  #list(close: string, read: () => void): void {
    this.#at += 1;
    this.#skipSpace();
    if (this.#text[this.#at] === close) {
      this.#at += 1;
      return;
    }
    for (;;) {
      read();
      this.#skipSpace();
      if (this.#text[this.#at] === close) break;
      this.#expect(",");
      this.#skipSpace();
    }
    this.#at += 1;
  }

  #string(): string {
    const start = this.#at;
    this.#expect('"');
    let escaped = false;
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code === 0x22) break;
      // NaN, behind the last character, is no number and lands here too.
      if (!(code >= 0x20)) throw new ScanStop("malformed");
      if (code === 0x5c) {
        escaped = true;
        this.#at += this.#take(ESCAPE).length;
      } else {
        this.#at += 1;
      }
    }
    this.#at += 1;
    if (!escaped) return this.#text.slice(start + 1, this.#at - 1);
    const value: unknown = JSON.parse(this.#text.slice(start, this.#at));
    return String(value);
  }

  #wordOrNumber(): JsonScalar {
    for (const [word, value] of WORDS) {
      if (this.#text.startsWith(word, this.#at)) {
        this.#at += word.length;
        return value;
      }
    }
    const digits = this.#take(NUMBER);
    this.#at += digits.length;
    return Number(digits);
  }

  #skipSpace(): void {
    SPACE.lastIndex = this.#at;
    SPACE.test(this.#text);
    this.#at = SPACE.lastIndex;
  }

  #take(expression: RegExp): string {
    expression.lastIndex = this.#at;
    const found = expression.exec(this.#text)?.[0];
    if (found === undefined) throw new ScanStop("malformed");
    return found;
  }

  #expect(character: string): void {
    if (this.#text[this.#at] !== character) throw new ScanStop("malformed");
    this.#at += 1;
  }
}
