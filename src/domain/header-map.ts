/**
 * Headers as plain text in memory. Each look into the platform's `Headers` crosses into native code, and a call looks
 * dozens of times; so they are copied out once, worked on here, and written back once.
 */

/** What reading code needs; the platform's `Headers` fits as well. Names in any case; lower case when iterated. */
export interface ReadHeaders extends Iterable<[string, string]> {
  get(name: string): string | null;
  has(name: string): boolean;
}

/** What writing code needs beyond that. */
export interface WriteHeaders extends ReadHeaders {
  set(name: string, value: string): void;
}

/** Values of one name are joined by a comma (RFC 9110 §5.2), as the platform's `get` does. */
export class HeaderMap implements WriteHeaders {
  readonly #values = new Map<string, string>();

  constructor(headers?: ReadHeaders) {
    if (headers === undefined) return;
    for (const [name, value] of headers) this.append(name, value);
  }

  /** The same, at half the price. */
  static of(headers: Headers): HeaderMap {
    const map = new HeaderMap();
    headers.forEach((value, name) => map.append(name, value));
    return map;
  }

  get(name: string): string | null {
    return this.#values.get(name.toLowerCase()) ?? null;
  }

  has(name: string): boolean {
    return this.#values.has(name.toLowerCase());
  }

  set(name: string, value: string): void {
    this.#values.set(name.toLowerCase(), value);
  }

  append(name: string, value: string): void {
    const key = name.toLowerCase();
    const before = this.#values.get(key);
    this.#values.set(key, before === undefined ? value : `${before}, ${value}`);
  }

  delete(name: string): void {
    this.#values.delete(name.toLowerCase());
  }

  [Symbol.iterator](): Iterator<[string, string]> {
    return this.#values.entries();
  }

  /** Writes all of them into the platform's headers. Throws on names and values that HTTP does not know. */
  writeTo(headers: Headers): void {
    for (const [name, value] of this.#values) headers.set(name, value);
  }
}

/** Content-Length as a number, or null when absent or not a plain number (RFC 9110 §8.6). */
export function declaredLength(headers: ReadHeaders): number | null {
  const text = headers.get("content-length");
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : null;
}
