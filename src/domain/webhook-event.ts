/**
 * What webhooks are told, and when a failed delivery is tried again. Pure.
 * The payload follows Standard Webhooks: `type`, `timestamp`, `data`; it never holds a secret or a token.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { encodeHex, utf8 } from "./encoding.ts";
import type { Notice } from "./notice.ts";

export const WEBHOOK_EVENTS = [
  "address.unconfirmed",
  "budget.threshold",
  "breaker.open",
  "credential.revoked",
  "key.echo_masked",
  "recipient.revoked",
  "webhook.test",
] as const;
export type WebhookEventType = (typeof WEBHOOK_EVENTS)[number];

export interface WebhookEvent {
  /** Names the event: told twice, it is delivered once. */
  readonly id: string;
  readonly organisationId: string;
  readonly type: WebhookEventType;
  readonly atMs: number;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Seconds until the next attempt, by attempts made: at once, then over about a day. */
const RETRY_SECONDS = [5, 60, 300, 1_800, 7_200, 18_000, 36_000] as const;

/** Null: there is no further attempt. */
export function retryAfterSeconds(attempts: number): number | null {
  return RETRY_SECONDS[Math.max(attempts - 1, 0)] ?? null;
}

export function webhookPayload(event: WebhookEvent): string {
  return JSON.stringify({ type: event.type, timestamp: new Date(event.atMs).toISOString(), data: event.data });
}

/** Id of one event's delivery to one webhook. */
export function deliveryId(eventId: string, webhookId: string): string {
  return `whd_${encodeHex(sha256(utf8(`${eventId}\n${webhookId}`))).slice(0, 32)}`;
}

/** The recipient's mail address stays inside. */
export function noticeEvent(notice: Notice): WebhookEvent {
  const head = { id: notice.id, organisationId: notice.organisationId, atMs: notice.atMs };
  const credential = {
    credential_id: notice.credentialId,
    credential_name: notice.credentialName,
    recipient_id: notice.recipientId,
  };
  if (notice.kind === "confirm_address") {
    const data = {
      ...credential,
      address: notice.address,
      connection_id: notice.connectionId,
      user_agent: notice.userAgent,
      expires_at: new Date(notice.expiresAtMs).toISOString(),
    };
    return { ...head, type: "address.unconfirmed", data };
  }
  const data = {
    ...credential,
    limit: notice.limitName,
    grant_id: notice.grantId,
    unit: notice.unit,
    amount: notice.limit,
    spent: notice.spent,
    threshold_percent: notice.thresholdPercent,
    window_start: new Date(notice.windowStartMs).toISOString(),
    window_end: new Date(notice.windowEndMs).toISOString(),
  };
  return { ...head, type: "budget.threshold", data };
}
