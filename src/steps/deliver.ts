/**
 * The vendor's answer on its way to the caller: headers cleaned, echoed secrets masked, URLs pointed back at the proxy,
 * usage read for pricing. Bytes stay bytes and streams stream; nothing is held back longer than a split match needs.
 *
 * Encoded bodies (gzip, br): workerd decodes what a script reads, so the answer is cloned, the clone is searched, and
 * the vendor's own bytes are passed on when nothing was found. What is too large for that is re-encoded while streaming.
 */
import { bodyCoding } from "../domain/content-coding.ts";
import type { HeaderMap } from "../domain/header-map.ts";
import { dropAboutBytes } from "../domain/response-headers.ts";
import type { Ports } from "../ports.ts";
import { chunkReader, inTime, readBounded, type Late, type ReadTimes, type Unread } from "./timed-read.ts";

/** Bodies of declared length up to this are handled in one piece. */
export const SMALL_BODY_BYTES = 65_536;
/** Decoded bytes of an encoded body that are searched before its own bytes are passed on. */
export const MAX_SEARCHED_BYTES = 4_194_304;

/** Changes bytes on the way through. `end` returns what was held back. */
export interface ByteFilter {
  push(chunk: Uint8Array): Uint8Array;
  end(): Uint8Array;
}

export interface DeliveryEnd {
  readonly bytesOut: number;
  /** `whole`, or why the body ended early. */
  readonly how: "whole" | "client_gone" | DeliveryFailure;
}

/** Why the vendor's answer is not whole, or is not passed on at all. */
export type DeliveryFailure = "vendor_died" | "unsearchable" | Late;

export interface Delivery {
  readonly upstream: Response;
  /** Content-Length of the upstream answer; null: none. */
  readonly declaredBytes: number | null;
  /** The reason phrase, masked. */
  readonly statusText: string;
  /** Cleaned headers, written to when the body's form changes. */
  readonly headers: HeaderMap;
  readonly method: string;
  /** Makes a fresh chain of filters; for the `whole` body when it is known. */
  readonly filters: (whole: Uint8Array | null) => ByteFilter[];
  /** Whether the filters made so far replaced anything (secrets masked). */
  readonly masked: () => boolean;
  /** Filters change lengths, so a declared length cannot be kept. */
  readonly resizes: boolean;
  readonly times: ReadTimes;
  readonly fixedLength: Ports["fixedLength"];
  readonly signal: AbortSignal | null;
  /** Called exactly once. */
  readonly ended: (end: DeliveryEnd) => void;
}

const NO_BODY_STATUSES: ReadonlySet<number> = new Set([204, 205, 304]);

/** The response for the caller; or what became of a body that had to be read first, before anything was sent. */
export async function deliver(delivery: Delivery): Promise<Response | DeliveryFailure> {
  const { upstream, headers, method } = delivery;
  const status = upstream.status;
  const body: ReadableStream<Uint8Array> | null = upstream.body;
  if (body === null || method === "HEAD" || NO_BODY_STATUSES.has(status)) {
    await body?.cancel().catch(() => undefined);
    delivery.ended({ bytesOut: 0, how: "whole" });
    return respond(delivery, null);
  }
  const coding = bodyCoding(headers.get("content-encoding"));
  if (coding === "unreadable") {
    body.cancel().catch(() => undefined);
    return "unsearchable";
  }
  const streaming = (headers.get("content-type") ?? "").toLowerCase().startsWith("text/event-stream");
  const declared = delivery.declaredBytes;
  if (coding === "decoded" && !streaming) return deliverEncoded(delivery);
  if (coding === "decoded") headers.delete("content-encoding");
  if (coding === "plain" && !streaming && declared !== null && declared <= SMALL_BODY_BYTES) {
    return deliverSmall(delivery, declared);
  }
  return deliverStream(delivery, body, coding === "plain" ? declared : null);
}

async function deliverSmall(delivery: Delivery, declared: number): Promise<Response | DeliveryFailure> {
  const { headers, upstream, times } = delivery;
  const read = await inTime(() => upstream.arrayBuffer(), times);
  if (typeof read === "string") return failureOf(read);
  const whole = new Uint8Array(read);
  if (whole.byteLength !== declared) return "vendor_died";
  const bytes = runFilters(delivery.filters(whole), whole);
  if (delivery.resizes && !sameBytes(bytes, whole)) dropAboutBytes(headers);
  headers.delete("content-length");
  delivery.ended({ bytesOut: bytes.byteLength, how: "whole" });
  return respond(delivery, bytes);
}

function failureOf(read: Unread): DeliveryFailure {
  return read === "broke_off" ? "vendor_died" : read;
}

async function deliverEncoded(delivery: Delivery): Promise<Response | DeliveryFailure> {
  const { upstream, headers } = delivery;
  const copy: ReadableStream<Uint8Array> | null = upstream.clone().body;
  const decoded = copy === null ? new Uint8Array(0) : await readBounded(copy, MAX_SEARCHED_BYTES, delivery.times);
  if (decoded === "too_large") {
    // Too large to search first: the caller gets a re-encoded stream with the same content.
    headers.delete("content-length");
    const rest: ReadableStream<Uint8Array> | null = upstream.body;
    return rest === null ? "vendor_died" : deliverStream(delivery, rest, null);
  }
  if (typeof decoded === "string") {
    upstream.body?.cancel().catch(() => undefined);
    return failureOf(decoded);
  }
  const filtered = runFilters(delivery.filters(decoded), decoded);
  if (!delivery.masked() && sameBytes(filtered, decoded)) {
    const bytesOut = delivery.declaredBytes ?? decoded.byteLength;
    delivery.ended({ bytesOut, how: "whole" });
    return respond(delivery, upstream.body);
  }
  await upstream.body?.cancel().catch(() => undefined);
  if (delivery.resizes) dropAboutBytes(headers);
  headers.delete("content-encoding");
  headers.delete("content-length");
  delivery.ended({ bytesOut: filtered.byteLength, how: "whole" });
  return respond(delivery, filtered);
}

function deliverStream(delivery: Delivery, body: ReadableStream<Uint8Array>, declared: number | null): Response {
  const { headers } = delivery;
  const filtered = filteredStream(delivery, body, declared);
  if (delivery.resizes) dropAboutBytes(headers);
  if (declared === null || delivery.resizes) {
    headers.delete("content-length");
    return respond(delivery, filtered);
  }
  const pipe = delivery.fixedLength(declared);
  // A broken pipe is seen, and settled, by the stream's own end.
  filtered.pipeTo(pipe.writable).catch(() => undefined);
  return respond(delivery, pipe.readable);
}

function respond({ upstream, statusText, headers }: Delivery, body: BodyInit | null): Response {
  const response = new Response(body, { status: upstream.status, statusText });
  headers.writeTo(response.headers);
  return response;
}

function filteredStream(
  delivery: Delivery,
  body: ReadableStream<Uint8Array>,
  declared: number | null,
): ReadableStream<Uint8Array> {
  const reader = chunkReader(body);
  const filters = delivery.filters(null);
  let bytesIn = 0;
  let bytesOut = 0;
  let over = false;
  const end = (how: DeliveryEnd["how"]): void => {
    if (over) return;
    over = true;
    delivery.ended({ bytesOut, how });
  };
  const gone = (): void => {
    end("client_gone");
    reader.cancel("client gone").catch(() => undefined);
  };
  delivery.signal?.addEventListener("abort", gone, { once: true });
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        for (;;) {
          const read = await inTime(() => reader.read(), delivery.times);
          if (typeof read === "string") {
            end(failureOf(read));
            controller.error(new Error("The vendor's answer broke off"));
            reader.cancel(read).catch(() => undefined);
            return;
          }
          if (read.done) {
            const tail = runEnd(filters);
            bytesOut += tail.byteLength;
            if (tail.byteLength > 0) controller.enqueue(tail);
            if (declared !== null && bytesIn < declared) {
              end("vendor_died");
              controller.error(new Error("The vendor's answer broke off"));
              return;
            }
            end("whole");
            controller.close();
            return;
          }
          bytesIn += read.value.byteLength;
          const out = runPush(filters, read.value);
          if (out.byteLength === 0) continue;
          bytesOut += out.byteLength;
          controller.enqueue(out);
          return;
        }
      },
      cancel: gone,
    },
    { highWaterMark: 0 },
  );
}

function runFilters(filters: readonly ByteFilter[], bytes: Uint8Array<ArrayBuffer>): Uint8Array {
  return concat(runPush(filters, bytes), runEnd(filters));
}

function runPush(filters: readonly ByteFilter[], chunk: Uint8Array): Uint8Array {
  let bytes = chunk;
  for (const filter of filters) bytes = filter.push(bytes);
  return bytes;
}

/** Ends each filter and sends what it held back through those after it. */
function runEnd(filters: readonly ByteFilter[]): Uint8Array {
  let carried: Uint8Array = new Uint8Array(0);
  for (const filter of filters) {
    const through = carried.byteLength === 0 ? carried : filter.push(carried);
    carried = concat(through, filter.end());
  }
  return carried;
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (b.byteLength === 0) return a;
  if (a.byteLength === 0) return b;
  const joined = new Uint8Array(a.byteLength + b.byteLength);
  joined.set(a);
  joined.set(b, a.byteLength);
  return joined;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a === b) return true;
  if (a.byteLength !== b.byteLength) return false;
  if (a.buffer === b.buffer && a.byteOffset === b.byteOffset) return true;
  for (let index = 0; index < a.byteLength; index += 1) if (a[index] !== b[index]) return false;
  return true;
}
