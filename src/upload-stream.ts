/**
 * A request body that a script hands on. The platform ends a request in good order when such a stream fails, so that the
 * vendor would take a part for the whole; therefore it never fails: it breaks the request off and stays silent.
 */
import type { ChunkReader } from "./steps/timed-read.ts";

/** @param breakOff ends the request that this body belongs to; nobody reads on afterwards */
export function uploadStream(source: ChunkReader, breakOff: () => void): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
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
}
