/**
 * How closed events leave a gate: packed into queue messages, and sent again until the audit database has them. Pure.
 */
import type { EventTuple } from "./chain.ts";
import { EVENT_SEQ } from "./chain.ts";
import { eventChars } from "./gate-state.ts";

/** A message holds at most this much JSON (the Queue takes 128 KB); one event alone always fits. */
export const MAX_MESSAGE_CHARS = 60_000;
export const MAX_EVENTS_PER_MESSAGE = 200;
/** Messages given to the Queue at once: its limit is 256 KB for a batch. */
export const MAX_MESSAGES_PER_SEND = 3;

const RESEND_DELAYS_MS = [5_000, 15_000, 60_000, 300_000] as const;

/** How long to wait for a confirmation after the `attempt`-th sending (from 1) before sending again. */
export function resendDelayMs(attempt: number): number {
  return RESEND_DELAYS_MS[Math.min(Math.max(attempt, 1), RESEND_DELAYS_MS.length) - 1] ?? 300_000;
}

/** The events after `afterSeq`, in messages, at most `maxMessages` of them. Texts may be non-ASCII: three bytes each. */
export function packEvents(
  outbox: readonly EventTuple[],
  afterSeq: number,
  maxMessages: number,
): readonly (readonly EventTuple[])[] {
  const messages: EventTuple[][] = [];
  let current: EventTuple[] = [];
  let chars = 0;
  for (const event of outbox) {
    if (event[EVENT_SEQ] <= afterSeq) continue;
    const size = eventChars(event);
    if (current.length > 0 && (chars + size > MAX_MESSAGE_CHARS || current.length >= MAX_EVENTS_PER_MESSAGE)) {
      messages.push(current);
      if (messages.length >= maxMessages) return messages;
      current = [];
      chars = 0;
    }
    current.push(event);
    chars += size;
  }
  if (current.length > 0) messages.push(current);
  return messages;
}
