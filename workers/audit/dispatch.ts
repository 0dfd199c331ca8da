/**
 * Dispatches waiting notices through a `NoticeDispatcher`. A notice whose dispatcher fails or has nothing to send with
 * stays `pending` and is tried again, later each time.
 */
import type { NoticeDispatcher } from "../../src/ports.ts";
import { noteDispatch, takeDueNotices } from "../../src/store/notices.ts";

const MAX_NOTICES_PER_RUN = 50;

/** Nothing is configured: every notice stays pending. */
export const NO_DISPATCHER: NoticeDispatcher = {
  dispatch: async () => "later",
};

export async function dispatchNotices(
  database: D1Database,
  dispatcher: NoticeDispatcher,
  nowMs: number,
): Promise<void> {
  for (const waiting of await takeDueNotices(database, nowMs, MAX_NOTICES_PER_RUN)) {
    let outcome: "sent" | "later" | "dropped" = "later";
    try {
      outcome = await dispatcher.dispatch(waiting.notice);
    } catch (cause) {
      console.error("notice not dispatched", {
        id: waiting.notice.id,
        error: cause instanceof Error ? cause.name : "unknown",
      });
    }
    await noteDispatch(database, waiting, outcome, nowMs);
  }
}
