/**
 * Bodies around a repeat: the caller's body kept for a second attempt, the vendor's body looked into for a sign.
 * Both are bounded; neither is touched when nothing needs it.
 */
import { SIGN_BODY_BYTES } from "./domain/vendor-signs.ts";
import type { ForwardCall } from "./forward-call.ts";
import { chunkReader, type Chunk, type ChunkReader } from "./steps/timed-read.ts";
import { uploadStream } from "./upload-stream.ts";

const PEEK_TIMEOUT_MS = 1_000;
/** A body that is announced to be no longer is read before the vendor is called. */
const SHORT_BODY_BYTES = 262_144;
/** How long the vendor waits for a body to be kept whole before it gets what has come. */
const KEEP_TIMEOUT_MS = 2_000;
/** One megabit a second. */
const SLOWEST_UPLOAD_BYTES_PER_MS = 125;

/** The caller's body, ready to be sent once or more often. */
export interface KeptBody {
  /** Whether `next` may be called again. */
  readonly again: boolean;
  /**
   * By how much the vendor's time to answer is lengthened while the body streams to it: it cannot answer before it has the
   * body, and the platform does not tell when it has. Unbounded where the length is unknown; 0 for a body at hand.
   */
  readonly uploadMs: number;
  next(): BodyInit | null;
}

/**
 * Keeps a streamed body of at most `replayMaxBytes` for a repeat; 0: none is possible. One that is announced as short is at
 * hand anyway, so that what fails afterwards is the vendor's. A longer or slower one streams on: what was read, then the
 * rest; it cannot be repeated. One that breaks off breaks the call off; as soon as it does, or the caller goes away,
 * nothing more is waited for.
 */
export async function keepBody(
  call: Pick<ForwardCall, "body" | "brokenBody" | "declaredBytes" | "ports" | "signal" | "watch">,
  replayMaxBytes: number,
): Promise<KeptBody> {
  const { body, brokenBody } = call;
  const declaredBytes = call.declaredBytes ?? null;
  if (body === null || body instanceof Uint8Array) return atHand(body, true);
  const short = declaredBytes !== null && declaredBytes <= SHORT_BODY_BYTES;
  const maxBytes = short ? Math.max(declaredBytes, replayMaxBytes) : replayMaxBytes;
  if (maxBytes === 0 || (declaredBytes !== null && declaredBytes > maxBytes)) {
    return once(body, declaredBytes);
  }
  const reader = chunkReader(body, declaredBytes ?? undefined);
  const breakOff = (): void => brokenBody.abort();
  const announced = (): Announced => (declaredBytes === null ? null : call.ports.fixedLength(declaredBytes));
  const chunks: Uint8Array[] = [];
  let size = 0;
  const enough = Promise.withResolvers<null>();
  const stop = (): void => enough.resolve(null);
  const callOff = call.watch.after(KEEP_TIMEOUT_MS, stop);
  for (const signal of [brokenBody.signal, call.signal]) signal?.addEventListener("abort", stop, { once: true });
  try {
    while (size <= maxBytes) {
      const reading = reader.read();
      const read = await Promise.race([reading, enough.promise]);
      if (read === null) return once(resumed(chunks, reader, reading, breakOff, announced()), declaredBytes);
      if (read.done) return atHand(concat(chunks, size), size <= replayMaxBytes);
      chunks.push(read.value);
      size += read.value.byteLength;
    }
  } catch {
    breakOff();
  } finally {
    callOff();
  }
  return once(resumed(chunks, reader, null, breakOff, announced()), declaredBytes);
}

function atHand(body: Uint8Array<ArrayBuffer> | null, again: boolean): KeptBody {
  return { again, uploadMs: 0, next: () => body };
}

function once(body: ReadableStream<Uint8Array>, declaredBytes: number | null): KeptBody {
  const uploadMs = declaredBytes === null ? Number.POSITIVE_INFINITY : declaredBytes / SLOWEST_UPLOAD_BYTES_PER_MS;
  return { again: false, uploadMs, next: () => body };
}

type Announced = Parameters<typeof uploadStream>[2];

/** `reading`: begun, and not waited for. */
function resumed(
  read: Uint8Array[],
  reader: ChunkReader,
  reading: Promise<Chunk> | null,
  breakOff: () => void,
  announced: Announced,
): ReadableStream<Uint8Array> {
  let begun = reading;
  // Whoever pulls hears of it.
  begun?.catch(() => undefined);
  const source: ChunkReader = {
    read() {
      const kept = read.shift();
      if (kept !== undefined) return Promise.resolve({ done: false, value: kept });
      const next = begun ?? reader.read();
      begun = null;
      return next;
    },
    cancel: (reason) => reader.cancel(reason),
  };
  return uploadStream(source, breakOff, announced);
}

/**
 * The beginning of the vendor's body as text, and a response that still has all of it. An error's body is read to
 * `SIGN_BODY_BYTES`; of a success only the first chunk, and of an event stream nothing, so that no stream is held back.
 * A body that comes too slowly shows no sign.
 */
export async function peekBody(
  response: Response,
): Promise<{ readonly response: Response; readonly bodyStart: string | null }> {
  const events = (response.headers.get("content-type") ?? "").toLowerCase().startsWith("text/event-stream");
  if (response.body === null || events) return { response, bodyStart: null };
  const copy: ReadableStream<Uint8Array> | null = response.clone().body;
  if (copy === null) return { response, bodyStart: null };
  const reader = copy.getReader();
  let timer: ReturnType<typeof setTimeout> | null = null;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), PEEK_TIMEOUT_MS);
  });
  const decoder = new TextDecoder();
  let text = "";
  try {
    while (text.length < SIGN_BODY_BYTES) {
      const read = await Promise.race([reader.read(), late]);
      if (read === null || read.done) break;
      text += decoder.decode(read.value.subarray(0, SIGN_BODY_BYTES), { stream: true });
      if (response.status < 300) break;
    }
  } catch {
    // A body that breaks off shows no sign; the caller sees the break itself.
  } finally {
    clearTimeout(timer);
  }
  reader.cancel().catch(() => undefined);
  return { response, bodyStart: text };
}

function concat(chunks: readonly Uint8Array[], size: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}
