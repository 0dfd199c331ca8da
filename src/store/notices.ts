/**
 * The notices that wait to be dispatched. Their state moves from `pending` to `sent` or `dropped`, once.
 */
import type { Notice } from "../domain/notice.ts";

const MAX_ATTEMPTS = 20;
const MAX_RETRY_MS = 3_600_000;
const FIRST_RETRY_MS = 15_000;

export interface WaitingNotice {
  readonly notice: Notice;
  readonly attempts: number;
}

/** Takes up to `limit` notices whose time has come, and puts them off, so that no two runs dispatch the same one. */
export async function takeDueNotices(
  database: D1Database,
  nowMs: number,
  limit: number,
): Promise<readonly WaitingNotice[]> {
  const claimed = await database
    .prepare(
      `UPDATE notices SET attempts = attempts + 1,
         next_attempt_ms = ?1 + min(?2, ?3 * (1 << min(attempts, 10)))
       WHERE id IN (SELECT id FROM notices WHERE state = 'pending' AND next_attempt_ms <= ?1
                    ORDER BY next_attempt_ms LIMIT ?4)
       RETURNING payload, attempts`,
    )
    .bind(nowMs, MAX_RETRY_MS, FIRST_RETRY_MS, limit)
    .all<{ payload: string; attempts: number }>();
  return claimed.results.map(({ payload, attempts }) => ({ notice: JSON.parse(payload) as Notice, attempts }));
}

/** Notes the outcome of a dispatch. A notice that failed too often is dropped. */
export async function noteDispatch(
  database: D1Database,
  waiting: WaitingNotice,
  outcome: "sent" | "later" | "dropped",
  nowMs: number,
): Promise<void> {
  if (outcome === "later" && waiting.attempts < MAX_ATTEMPTS) return;
  await database
    .prepare("UPDATE notices SET state = ?2, sent_at_ms = ?3 WHERE id = ?1 AND state = 'pending'")
    .bind(waiting.notice.id, outcome === "sent" ? "sent" : "dropped", outcome === "sent" ? nowMs : null)
    .run();
}
