/**
 * Masks a secret that a vendor echoes: every byte of it becomes `*`, so that lengths and everything around stay as they
 * were. Knows the secret's spellings; letters match in either case, so that a vendor that shouts gives nothing away.
 *
 * Always holds: however a stream is cut into chunks, its output is the same, and no form stands in it whole. At most one
 * byte less than the longest form is held back, and only what may be the beginning of one: an event that ends in a line feed
 * passes at once. Secrets live in the caller's variables and in the masker, never beyond the request.
 */
import { ByteSearch } from "./byte-search.ts";
import { utf8 } from "./encoding.ts";
import { spellings } from "./secret-spellings.ts";

/** Shorter secrets, and shorter spellings of them, would mask ordinary words. Their encodings are longer and still masked. */
export const MIN_MASKED_SECRET_BYTES = 6;
const MIN_ENCODED_FORM_BYTES = 8;
/** Longer forms are searched for in pieces, which bounds what is held back. */
const MAX_FORM_BYTES = 1_024;
const STAR = 0x2a;
const NOTHING = new Uint8Array(0);

/**
 * The spellings under which a secret, and each string of `extra` that gives it away, can be echoed: clear, JSON and HTML
 * escaped, percent-encoded in the usual ways, hex, and base64 (both alphabets, any padding, at any offset inside a
 * longer text, so Basic forms as well). Parts of a secret with several parts are for the caller to name in `extra`.
 */
export function secretForms(secret: string, extra: readonly string[]): readonly Uint8Array[] {
  const forms: Uint8Array[] = [];
  for (const text of extra.includes(secret) ? extra : [secret, ...extra]) {
    const bytes = utf8(text);
    if (bytes.length < MIN_MASKED_SECRET_BYTES) continue;
    for (const piece of pieces(bytes)) forms.push(piece);
    for (const form of spellings(text, bytes)) {
      if (form.length >= MIN_ENCODED_FORM_BYTES) for (const piece of pieces(form)) forms.push(piece);
    }
  }
  return forms;
}

/** Masks a stream chunk by chunk. `push` gives what is sure, `end` the rest. A chunk is never written to. */
export class StreamMasker {
  /** Forms masked so far. */
  hits = 0;
  readonly #search: ByteSearch;
  #held: Uint8Array = NOTHING;
  /** How many of the held bytes belong to a form that began before them. */
  #carried = 0;

  constructor(forms: readonly Uint8Array[]) {
    this.#search = searchFor(forms);
  }

  push(chunk: Uint8Array): Uint8Array {
    const buffer = this.#held.length === 0 ? chunk : joined(this.#held, chunk);
    return this.#release(buffer, this.#search.cutOff(buffer));
  }

  end(): Uint8Array {
    return this.#release(this.#held, this.#held.length);
  }

  /** Gives the first `sure` bytes of the buffer, masked, and keeps the rest as it came. */
  #release(buffer: Uint8Array, sure: number): Uint8Array {
    let out: Uint8Array | null = null;
    let reached = this.#carried;
    if (reached > 0) out = buffer.slice().fill(STAR, 0, reached);
    this.#search.each(buffer, (start, end) => {
      // What begins in the held part is found again when that part is released.
      if (start >= sure) return;
      this.hits += 1;
      reached = Math.max(reached, end);
      out = (out ?? buffer.slice()).fill(STAR, start, end);
    });
    this.#carried = Math.max(0, reached - sure);
    this.#held = sure === buffer.length ? NOTHING : buffer.slice(sure);
    return (out ?? buffer).subarray(0, sure);
  }
}

/** Masks a header's value, whose characters stand for bytes (Fetch standard, isomorphic encoding). */
export function maskText(text: string, forms: readonly Uint8Array[]): string {
  const search = searchFor(forms);
  if (text.length < search.shortest) return text;
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = Math.min(255, text.charCodeAt(at));
  let masked = text;
  search.each(bytes, (start, end) => {
    masked = masked.slice(0, start) + "*".repeat(end - start) + masked.slice(end);
  });
  return masked;
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(first.length + second.length);
  bytes.set(first);
  bytes.set(second, first.length);
  return bytes;
}

/** One search per list of forms; it goes when the list goes, which is with the request. */
const searches = new WeakMap<readonly Uint8Array[], ByteSearch>();

function searchFor(forms: readonly Uint8Array[]): ByteSearch {
  const known = searches.get(forms);
  if (known !== undefined) return known;
  const search = new ByteSearch(forms);
  searches.set(forms, search);
  return search;
}

/** Pieces of at most `MAX_FORM_BYTES` that cover the form; the last one reaches back so that it is not too short. */
function pieces(form: Uint8Array): readonly Uint8Array[] {
  if (form.length <= MAX_FORM_BYTES) return [form];
  const starts = Array.from({ length: Math.floor(form.length / MAX_FORM_BYTES) }, (_, at) => at * MAX_FORM_BYTES);
  return [...starts, form.length - MAX_FORM_BYTES].map((start) => form.subarray(start, start + MAX_FORM_BYTES));
}
