/**
 * A request body that a script hands on. The platform ends a request in good order when such a stream fails, so that the
 * vendor would take a part for the whole; therefore it never fails: it breaks the request off and stays silent.
 */
import type { Ports } from "./ports.ts";
import type { ChunkReader } from "./steps/timed-read.ts";

/**
 * @param breakOff ends the request that this body belongs to; nobody reads on afterwards
 * @param announced a pipe of the length that was announced, and so is announced to the vendor; null: the body goes out in chunks
 */
export function uploadStream(
  source: ChunkReader,
  breakOff: () => void,
  announced: ReturnType<Ports["fixedLength"]> | null,
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
  return announced === null ? stream : stream.pipeThrough(announced);
}
