/**
 * The caller's body, read at most once. It streams through untouched unless a scope rule, a signature or a possible
 * retry needs its bytes; then it is kept, within a bound.
 */
import type { ReadHeaders } from "../domain/header-map.ts";
import type { Outcome, Refusal } from "../domain/problem.ts";
import { err, ok } from "../domain/result.ts";

/** Bound on a body that a scope rule must look into. */
export const MAX_JUDGED_BODY_BYTES = 1_048_576;

export interface BodyReader {
  /**
   * False when there is a body, looked at as far as its first byte. For methods whose requests cannot carry one; a body
   * that was found can then not be sent.
   */
  isEmpty(): Promise<boolean>;
  /** Whether there may be bytes at all. From memory. */
  readonly mayHoldBytes: () => boolean;
  /** Bytes for rules and signatures; refuses bodies over the bound, never a part of one, however often it is asked. */
  readForRules(maxBytes: number | null): Promise<Outcome<Uint8Array<ArrayBuffer>>>;
  /** What is sent: the kept bytes, or the stream. Null when there is no body. */
  take(): Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | null;
  /** As declared by Content-Length; null when unknown. */
  readonly declaredBytes: number | null;
  readonly bytesSeen: () => number;
  /** `body_too_large` by its declared length; given to the gate so that the refusal is on record. */
  readonly refusal: Refusal | null;
}

export function bodyReader(request: Request, headers: ReadHeaders, maxBodyBytes: number): BodyReader {
  const declared = declaredLength(headers);
  let stream: ReadableStream<Uint8Array> | null = declared === 0 ? null : request.body;
  let kept: Uint8Array<ArrayBuffer> | null = null;
  /** Set when a body was given up in its middle: there is nothing left to send, and the next judgement must say the same. */
  let givenUp: Refusal | null = null;
  return {
    refusal: declared !== null && declared > maxBodyBytes ? tooLarge(maxBodyBytes) : null,
    declaredBytes: stream === null ? 0 : declared,
    bytesSeen: () => kept?.byteLength ?? declared ?? 0,
    mayHoldBytes: () => stream !== null || givenUp !== null || (kept?.byteLength ?? 0) > 0,
    async isEmpty() {
      if (stream !== null) {
        kept = await readBounded(stream, 0);
        stream = null;
        if (kept === null) givenUp = tooLarge(0);
      }
      return givenUp === null && (kept?.byteLength ?? 0) === 0;
    },
    async readForRules(maxBytes) {
      if (givenUp !== null) return err(givenUp);
      if (kept !== null) return ok(kept);
      if (stream === null) return ok(new Uint8Array(0));
      const bound = Math.min(maxBytes ?? MAX_JUDGED_BODY_BYTES, maxBodyBytes);
      const read = await readBounded(stream, bound);
      stream = null;
      if (read === null) {
        givenUp = tooLarge(bound);
        return err(givenUp);
      }
      kept = read;
      return ok(read);
    },
    take() {
      if (kept !== null) return kept.byteLength === 0 ? null : kept;
      const body = stream;
      stream = null;
      return body;
    },
  };
}

function tooLarge(maxBytes: number) {
  return { code: "body_too_large", detail: `The body is larger than ${maxBytes} bytes.` } as const;
}

/** Content-Length as a number, or null when absent or not a plain number (RFC 9110 §8.6). */
export function declaredLength(headers: ReadHeaders): number | null {
  const text = headers.get("content-length");
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : null;
}

/** The whole stream, or null when it is longer than `maxBytes` (the rest is then cancelled). */
export async function readBounded(
  stream: ReadableStream<Uint8Array>,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer> | null> {
  const reader = stream.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.byteLength;
    if (size > maxBytes) {
      await reader.cancel("too large").catch(() => undefined);
      return null;
    }
    chunks.push(value);
  }
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}
