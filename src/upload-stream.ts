/**
 * A request body that a script hands on. The platform ends a request in good order when such a stream fails, so that the
 * vendor would take a part for the whole; therefore it never fails: it breaks the request off and stays silent.
 */
import type { ChunkReader } from "./steps/timed-read.ts";

/**
 * @param breakOff ends the request that this body belongs to; nobody reads on afterwards
 * @param lengthBytes of the whole body where it was announced, and so is announced to the vendor; null: it goes out in chunks
 */
export function uploadStream(
  source: ChunkReader,
  breakOff: () => void,
  lengthBytes: number | null,
): ReadableStream<Uint8Array> {
  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const read = await source.read().catch(() => null);
        if (read === null) {
          breakOff();
          return new Promise<void>(() => undefined);
        }
        if (read.done) controller.close();
        else controller.enqueue(read.value);
      },
      cancel: (reason) => source.cancel(String(reason)),
    },
    { highWaterMark: 0 },
  );
  return lengthBytes === null ? stream : stream.pipeThrough(new FixedLengthStream(lengthBytes));
}
