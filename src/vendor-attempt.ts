/**
 * One attempt at a vendor: fetch, first-byte timeout, the caller's abort. Never throws; never leaves a late answer open.
 */
import type { Watch } from "./watch.ts";

export type Attempt =
  | { readonly kind: "answer"; readonly response: Response }
  | { readonly kind: "timeout" | "unreachable" | "client_gone" };

/**
 * Waits for the vendor's headers for at most `timeoutMs` (connecting included: the platform tells no difference). After
 * that the caller's abort still ends the vendor call, through `controller`, whose signal the request carries.
 */
export function attemptCall(
  request: Request,
  fetch: (request: Request) => Promise<Response>,
  watch: Watch,
  timeoutMs: number,
  signal: AbortSignal | null,
  controller: AbortController,
): Promise<Attempt> {
  if (signal?.aborted === true) return Promise.resolve({ kind: "client_gone" });
  return new Promise((resolve) => {
    let over = false;
    const end = (attempt: Attempt): void => {
      if (over) return;
      over = true;
      callOff();
      resolve(attempt);
      if (attempt.kind !== "answer") controller.abort();
    };
    const callOff = watch.after(timeoutMs, () => end({ kind: "timeout" }));
    // Whoever else aborts it has no whole request to send.
    controller.signal.addEventListener("abort", () => end({ kind: "client_gone" }), { once: true });
    signal?.addEventListener(
      "abort",
      () => {
        end({ kind: "client_gone" });
        controller.abort();
      },
      { once: true },
    );
    fetch(request).then(
      (response) => {
        if (over) response.body?.cancel().catch(() => undefined);
        else end({ kind: "answer", response });
      },
      () => end({ kind: "unreachable" }),
    );
  });
}
