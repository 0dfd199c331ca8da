/**
 * Bodies read within bounds: how long to wait for the next piece, how long for all of them, how much to keep. Whoever
 * sends a body, caller or vendor, may stop in its middle; nothing here waits for ever.
 */
import type { Watch } from "../watch.ts";

export interface ReadTimes {
  /** For the next piece. */
  readonly idleTimeoutMs: number;
  /** Epoch ms after which nothing more is read. */
  readonly deadlineMs: number;
  readonly nowMs: () => number;
  readonly watch: Watch;
  /** The sender's, when it is known: after an abort nothing more comes. */
  readonly signal?: AbortSignal;
}

export type Late = "idle_timeout" | "total_timeout";

/** `broke_off`: the sender died in the middle. */
export type Unread = Late | "broke_off";

export type Chunk = { readonly done: true } | { readonly done: false; readonly value: Uint8Array };

export interface ChunkReader {
  read(): Promise<Chunk>;
  cancel(reason: string): Promise<void>;
}

/** A default reader gives a body in pieces of 4 KiB; each piece has its price, so larger ones are asked for. */
const CHUNK_BYTES = 65_536;

/** Reads what is there, never waiting for a full chunk. `lengthBytes`: of the whole body, where it is known. */
export function chunkReader(body: ReadableStream<Uint8Array>, lengthBytes = CHUNK_BYTES): ChunkReader {
  const chunkBytes = Math.min(CHUNK_BYTES, lengthBytes);
  try {
    const reader = body.getReader({ mode: "byob" });
    return {
      async read() {
        const { done, value } = await reader.read(new Uint8Array(chunkBytes));
        return done || value === undefined ? { done: true } : { done: false, value };
      },
      cancel: (reason) => reader.cancel(reason),
    };
  } catch {
    // A stream that a script made need not be one of bytes.
    const reader = body.getReader();
    return {
      async read() {
        const { done, value } = await reader.read();
        return done ? { done: true } : { done: false, value };
      },
      cancel: (reason) => reader.cancel(reason),
    };
  }
}

/** The next piece of a body, or all of a short one. */
export async function inTime<T>(read: () => Promise<T>, times: ReadTimes): Promise<T | Unread> {
  const left = times.deadlineMs - times.nowMs();
  if (left <= 0) return "total_timeout";
  const late = Promise.withResolvers<Unread>();
  const gone = (): void => late.resolve("broke_off");
  if (times.signal?.aborted === true) return "broke_off";
  times.signal?.addEventListener("abort", gone, { once: true });
  const how = times.idleTimeoutMs < left ? "idle_timeout" : "total_timeout";
  const callOff = times.watch.after(Math.min(left, times.idleTimeoutMs), () => late.resolve(how));
  try {
    return await Promise.race([read(), late.promise]);
  } catch {
    return "broke_off";
  } finally {
    callOff();
    times.signal?.removeEventListener("abort", gone);
  }
}

/**
 * The whole stream; when it is longer than `maxBytes`, or does not come in time, the rest is cancelled. Kept in one piece
 * that grows, since a sender of single bytes could make a thousand times as much of a list of pieces; `mayGrow` is asked for its bytes
 * and makes it too large by refusing them.
 */
export async function readBounded(
  stream: ReadableStream<Uint8Array>,
  maxBytes: number,
  times: ReadTimes,
  mayGrow: (bytes: number) => boolean = () => true,
): Promise<Uint8Array<ArrayBuffer> | Unread | "too_large"> {
  const reader = chunkReader(stream);
  let kept = new Uint8Array(0);
  let size = 0;
  for (;;) {
    const read = await inTime(() => reader.read(), times);
    if (typeof read === "string") return givenUp(reader, read);
    if (read.done) return kept.byteLength === size ? kept : kept.slice(0, size);
    const before = size;
    size += read.value.byteLength;
    if (size > maxBytes) return givenUp(reader, "too_large");
    if (size > kept.byteLength) {
      const bytes = Math.min(maxBytes, Math.max(size, 2 * kept.byteLength));
      if (!mayGrow(bytes)) return givenUp(reader, "too_large");
      kept = grown(kept, bytes);
    }
    kept.set(read.value, before);
  }
}

/** Gives the rest up, and says why. */
function givenUp<Why extends string>(reader: ChunkReader, why: Why): Why {
  reader.cancel(why).catch(() => undefined);
  return why;
}

function grown(bytes: Uint8Array<ArrayBuffer>, byteLength: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(byteLength);
  larger.set(bytes);
  return larger;
}
