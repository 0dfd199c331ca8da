/**
 * Bodies around a repeat: the caller's body kept for a second attempt, the vendor's body looked into for a sign.
 * Both are bounded; neither is touched when nothing needs it.
 */
import { SIGN_BODY_BYTES } from "./domain/vendor-signs.ts";

const PEEK_TIMEOUT_MS = 1_000;

/** The caller's body, ready to be sent once or more often. */
export interface KeptBody {
  /** Whether `next` may be called again. */
  readonly again: boolean;
  next(): BodyInit | null;
}

type Source = Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | null;

/**
 * Keeps a streamed body of at most `maxBytes` when a repeat is possible. A longer one streams on: what was read, then the
 * rest; it cannot be repeated.
 */
export async function keepBody(
  body: Source,
  couldRepeat: boolean,
  maxBytes: number,
  declaredBytes: number | null,
): Promise<KeptBody> {
  if (body === null || body instanceof Uint8Array) return { again: true, next: () => body };
  if (!couldRepeat || maxBytes === 0 || (declaredBytes !== null && declaredBytes > maxBytes)) return once(body);
  const reader = body.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  while (size <= maxBytes) {
    const { done, value } = await reader.read();
    if (done) {
      const whole = concat(chunks, size);
      return { again: true, next: () => whole };
    }
    chunks.push(value);
    size += value.byteLength;
  }
  return once(resumed(chunks, reader));
}

function once(body: ReadableStream<Uint8Array>): KeptBody {
  return { again: false, next: () => body };
}

function resumed(read: Uint8Array[], reader: ReadableStreamDefaultReader<Uint8Array>): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const kept = read.shift();
        if (kept !== undefined) return controller.enqueue(kept);
        const { done, value } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
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
