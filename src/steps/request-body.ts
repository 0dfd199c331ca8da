/**
 * The caller's body, read at most once. It streams through untouched unless a scope rule, a signature or a possible
 * retry needs its bytes; then it is kept, within a bound.
 */
import type { BodyHold } from "../body-room.ts";
import { declaredLength, type ReadHeaders } from "../domain/header-map.ts";
import type { Outcome, Refusal } from "../domain/problem.ts";
import { err, ok } from "../domain/result.ts";
import type { Ports } from "../ports.ts";
import type { Watch } from "../watch.ts";
import { uploadStream } from "../upload-stream.ts";
import { chunkReader, inTime, readBounded, type ChunkReader, type ReadTimes } from "./timed-read.ts";

/** Bound on a body that a scope rule must look into. */
export const MAX_JUDGED_BODY_BYTES = 1_048_576;
/** And on the time it takes to arrive: until then the call is not admitted, and no limit but this one holds it. */
export const MAX_JUDGED_BODY_MS = 30_000;

/** A body that is announced to be no longer comes with the head of its request, or soon after it. */
const SHORT_BODY_BYTES = 65_536;

export interface BodyReader {
  /**
   * False when there is a body, looked at as far as its first byte. For methods whose requests cannot carry one; a body
   * that was found can then not be sent.
   */
  isEmpty(): Promise<boolean>;
  /** Whether there may be bytes at all. From memory. */
  readonly mayHoldBytes: () => boolean;
  /** Bytes for rules and signatures; refuses bodies over the bounds, never a part of one, however often it is asked. */
  readForRules(maxBytes: number | null): Promise<Outcome<Uint8Array<ArrayBuffer>>>;
  /** The first bytes, which stay where they are; none when there is no body. Refuses one that does not begin in time. */
  beginning(): Promise<Outcome<Uint8Array>>;
  /**
   * Has the bytes looked at: at once those of a body that is kept, or announced as short; those of any other on their way, where a
   * refusal breaks its request off.
   */
  inspect(look: (bytes: Uint8Array) => Refusal | null): Promise<Refusal | null>;
  /** What is sent: the kept bytes, or the stream, which ends its request by `breakOff`. Null when there is no body. */
  take(breakOff: () => void): Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | null;
  /** As declared by Content-Length; null when unknown. */
  readonly declaredBytes: number | null;
  readonly bytesSeen: () => number;
  /** Why a body broke its own request off on its way: it proved too long, or what looks at it refused it. */
  readonly refusedOnItsWay: () => Refusal | null;
  /** `body_too_large` by its declared length; given to the gate so that the refusal is on record. */
  readonly refusal: Refusal | null;
}

export function bodyReader(
  request: Request,
  headers: ReadHeaders,
  maxBodyBytes: number,
  { clock: { nowMs }, fixedLength }: Pick<Ports, "clock" | "fixedLength">,
  watch: Watch,
  hold: BodyHold,
): BodyReader {
  const declared = declaredLength(headers);
  let stream: ReadableStream<Uint8Array> | null = declared === 0 ? null : request.body;
  /** Of a body that must be seen before the call. */
  const times = (): ReadTimes => {
    const deadlineMs = nowMs() + MAX_JUDGED_BODY_MS;
    return { idleTimeoutMs: MAX_JUDGED_BODY_MS, deadlineMs, nowMs, watch, signal: request.signal };
  };
  let kept: Uint8Array<ArrayBuffer> | null = null;
  /** Of a stream that passes through here: what went out so far, what looks at it, and what that said. */
  let streamedBytes = 0;
  let look: ((bytes: Uint8Array) => Refusal | null) | null = null;
  let refusedOnItsWay: Refusal | null = null;
  const counted = (body: ReadableStream<Uint8Array>): ChunkReader => {
    const reader = chunkReader(body);
    return {
      async read() {
        const read = await reader.read();
        if (read.done) return read;
        streamedBytes += read.value.byteLength;
        refusedOnItsWay = streamedBytes > maxBodyBytes ? tooLarge(maxBodyBytes) : (look?.(read.value) ?? null);
        if (refusedOnItsWay !== null) throw new Error("The body is refused");
        return read;
      },
      cancel: (reason) => reader.cancel(reason),
    };
  };
  /** Set when a body was given up in its middle: there is nothing left to send, and the next judgement must say the same. */
  let givenUp: Refusal | null = null;
  const keep = async (body: ReadableStream<Uint8Array>, maxBytes: number): Promise<void> => {
    const read = await readJudged(body, maxBytes, times(), hold);
    stream = null;
    if (read.ok) kept = read.value;
    else givenUp = read.error;
  };
  return {
    refusal: declared !== null && declared > maxBodyBytes ? tooLarge(maxBodyBytes) : null,
    declaredBytes: stream === null ? 0 : declared,
    bytesSeen: () => kept?.byteLength ?? declared ?? streamedBytes,
    refusedOnItsWay: () => refusedOnItsWay,
    mayHoldBytes: () => stream !== null || givenUp !== null || (kept?.byteLength ?? 0) > 0,
    async isEmpty() {
      if (stream !== null) await keep(stream, 0);
      return givenUp === null && (kept?.byteLength ?? 0) === 0;
    },
    async readForRules(maxBytes) {
      if (stream !== null) await keep(stream, Math.min(maxBytes ?? MAX_JUDGED_BODY_BYTES, maxBodyBytes));
      return givenUp === null ? ok(kept ?? new Uint8Array(0)) : err(givenUp);
    },
    async beginning() {
      if (stream === null) return givenUp === null ? ok(kept ?? new Uint8Array(0)) : err(givenUp);
      const [seen, rest] = stream.tee();
      stream = rest;
      const first = await firstBytes(seen, times());
      if (first !== null) return ok(first);
      stream = null;
      givenUp = INCOMPLETE;
      rest.cancel(INCOMPLETE.code).catch(() => undefined);
      return err(givenUp);
    },
    async inspect(inspector) {
      if (stream !== null && declared !== null && declared <= SHORT_BODY_BYTES) await keep(stream, maxBodyBytes);
      if (givenUp !== null) return givenUp;
      if (kept !== null) return inspector(kept);
      look = inspector;
      return null;
    },
    take(breakOff) {
      if (kept !== null) return kept.byteLength === 0 ? null : kept;
      const body = stream;
      stream = null;
      if (body === null || (declared !== null && look === null)) return body;
      return uploadStream(counted(body), breakOff, declared === null ? null : fixedLength(declared));
    },
  };
}

/** Null: they did not come in time. `body` is given up afterwards. */
async function firstBytes(body: ReadableStream<Uint8Array>, times: ReadTimes): Promise<Uint8Array | null> {
  const reader = body.getReader();
  try {
    for (;;) {
      const read = await inTime(() => reader.read(), times);
      if (typeof read === "string") return null;
      if (read.done) return new Uint8Array(0);
      if (read.value.byteLength > 0) return read.value;
    }
  } finally {
    reader.cancel().catch(() => undefined);
  }
}

async function readJudged(
  body: ReadableStream<Uint8Array>,
  maxBytes: number,
  times: ReadTimes,
  hold: BodyHold,
): Promise<Outcome<Uint8Array<ArrayBuffer>>> {
  const read = await readBounded(body, maxBytes, times, hold.grow);
  if (read === "too_large") return err(hold.refused() ? NO_ROOM : tooLarge(maxBytes));
  return typeof read === "string" ? err(INCOMPLETE) : ok(read);
}

const NO_ROOM: Refusal = {
  code: "unavailable",
  detail: "Too many bodies wait to be judged now, of this credential or of all. Try again shortly.",
  retryAfterSeconds: 1,
};

const INCOMPLETE: Refusal = {
  code: "invalid_request",
  detail: `The body must be judged before the call, and was not complete within ${MAX_JUDGED_BODY_MS / 1000} seconds.`,
};

function tooLarge(maxBytes: number) {
  return { code: "body_too_large", detail: `The body is larger than ${maxBytes} bytes.` } as const;
}
