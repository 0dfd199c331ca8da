import { describe, expect, test } from "vitest";
import { boundedText } from "./bounded-text.ts";

const MAX_BYTES = 10;

/** A body in pieces; `cancelled` says whether its rest was let go. */
function answer(pieces: readonly (string | Uint8Array)[], headers: Record<string, string> = {}) {
  const state = { cancelled: false };
  let at = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const piece = pieces[at++];
      if (piece === undefined) controller.close();
      else controller.enqueue(typeof piece === "string" ? new TextEncoder().encode(piece) : piece);
    },
    cancel() {
      state.cancelled = true;
    },
  });
  return { response: new Response(body, { headers }), state };
}

describe("boundedText", () => {
  test("joins pieces, also where they cut a character", async () => {
    const [first, second] = [Uint8Array.of(0x61, 0xc3), Uint8Array.of(0xbc)];
    expect(await boundedText(answer([first, second]).response, MAX_BYTES)).toBe("aü");
    expect(await boundedText(answer(["0123456789"]).response, MAX_BYTES)).toBe("0123456789");
    expect(await boundedText(new Response(null), MAX_BYTES)).toBe("");
  });

  test("gives up what is longer, whatever length was told", async () => {
    for (const headers of [{}, { "content-length": "5", "content-encoding": "gzip" }, { "content-length": "-1" }]) {
      const { response, state } = answer(["01234", "567890", "1", "2", "3"], headers);
      expect(await boundedText(response, MAX_BYTES)).toBeNull();
      expect(state.cancelled).toBe(true);
    }
  });
});
