/**
 * Delivers webhooks: signed, to public https addresses only, without following redirects, with bounded retries.
 * Secrets are opened for one delivery and kept nowhere; nothing of an answer is kept but its status.
 */
import { checkEgressUrl } from "../domain/egress.ts";
import type { SecretLocation } from "../domain/documents.ts";
import { deliveryId, retryAfterSeconds, webhookPayload, type WebhookEvent } from "../domain/webhook-event.ts";
import { parseWebhookSecret, webhookHeaders } from "../domain/webhook-signature.ts";
import { runBatch, type ControlDb } from "../store/control-db.ts";
import {
  insertDeliveries,
  noteDelivery,
  storeWebhookSecret,
  subscribedWebhooks,
  takeDueDeliveries,
  updateWebhook,
  webhooksUnderOtherKek,
  type DeliveryRow,
  type WebhookRow,
} from "../store/webhooks.ts";
import { open, rewrap, seal, type Keks } from "./envelope.ts";

const TIMEOUT_MS = 10_000;
const HOLD_MS = 60_000;
const MAX_DUE = 50;
const MAX_CONCURRENT = 6;
const MAX_REWRAPS = 100;
const USER_AGENT = "RelayKey-Webhooks/1";

export interface WebhookDependencies {
  readonly fetch: (request: Request) => Promise<Response>;
  readonly keks: Keks;
  readonly allowPrivate: boolean;
  readonly nowMs: () => number;
}

/** Seals a signing secret for its row; `version` rises with each replacement. */
export async function sealWebhookSecret(
  secret: string,
  keks: Keks,
  webhook: { readonly organisationId: string; readonly id: string; readonly version: number },
): Promise<SecretLocation> {
  return { provider: "envelope", sealed: await seal(secret, keks, envelopeContext(webhook)) };
}

/** Moves signing secrets under the current key-encryption key, a few per run; returns how many were moved. */
export async function rewrapWebhookSecrets(db: ControlDb, keks: Keks): Promise<number> {
  const [current] = keks;
  if (current === undefined) return 0;
  let moved = 0;
  for (const row of await webhooksUnderOtherKek(db, current.id, MAX_REWRAPS)) {
    if (row.secret.provider !== "envelope") continue;
    const place = envelopeContext({ organisationId: row.organisationId, id: row.id, version: row.secretVersion });
    try {
      const secret: SecretLocation = { provider: "envelope", sealed: await rewrap(row.secret.sealed, keks, place) };
      await storeWebhookSecret(db, row, secret);
      moved += 1;
    } catch (cause) {
      console.error("secret not rewrapped", {
        webhook: row.id,
        error: cause instanceof Error ? cause.name : "unknown",
      });
    }
  }
  return moved;
}

/** Queues an event for each webhook that wants it; told twice, it is queued once. Returns how many want it. */
export async function queueWebhookEvent(db: ControlDb, event: WebhookEvent, nowMs: number): Promise<number> {
  const wanting = await subscribedWebhooks(db, event.organisationId, event.type);
  await insertDeliveries(
    db,
    wanting.map((webhook) => deliveryRow(event, webhook, nowMs)),
  );
  return wanting.length;
}

export function deliveryRow(event: WebhookEvent, webhook: WebhookRow, nowMs: number): DeliveryRow {
  return {
    id: deliveryId(event.id, webhook.id),
    organisationId: webhook.organisationId,
    webhookId: webhook.id,
    event: event.type,
    payload: webhookPayload(event),
    state: "pending",
    attempts: 0,
    lastStatus: null,
    nextAttemptAtMs: nowMs,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
  };
}

/** Sends what is due. Returns how many were taken. */
export async function deliverDueWebhooks(db: ControlDb, dependencies: WebhookDependencies): Promise<number> {
  const due = await takeDueDeliveries(db, dependencies.nowMs(), HOLD_MS, MAX_DUE);
  const queue = [...due];
  const work = async (): Promise<void> => {
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      await attempt(db, next.delivery, next.webhook, dependencies);
    }
  };
  await Promise.all(Array.from({ length: Math.min(MAX_CONCURRENT, queue.length) }, work));
  return due.length;
}

async function attempt(
  db: ControlDb,
  delivery: DeliveryRow,
  webhook: WebhookRow,
  dependencies: WebhookDependencies,
): Promise<void> {
  const status = webhook.status === "paused" ? null : await send(delivery, webhook, dependencies);
  const nowMs = dependencies.nowMs();
  if (status !== null && status >= 200 && status < 300) {
    await noteDelivery(db, delivery.id, outcome("delivered", status, null, nowMs));
    return;
  }
  // 410 Gone: the receiver wants no more (Standard Webhooks).
  if (status === 410) {
    const change = { status: "paused" as const, updatedAtMs: nowMs };
    await runBatch(db, [updateWebhook(db, webhook.organisationId, webhook.id, change)]);
  }
  const seconds = status === 410 ? null : retryAfterSeconds(delivery.attempts);
  const next = seconds === null ? null : nowMs + seconds * 1000;
  await noteDelivery(db, delivery.id, outcome(next === null ? "failed" : "pending", status, next, nowMs));
}

/** The receiver's status, or null when it was not reached or may not be. */
async function send(
  delivery: DeliveryRow,
  webhook: WebhookRow,
  dependencies: WebhookDependencies,
): Promise<number | null> {
  const url = checkEgressUrl(webhook.url, { allowPrivate: dependencies.allowPrivate });
  if (!url.ok || webhook.secret.provider !== "envelope") return null;
  try {
    const text = await open(
      webhook.secret.sealed,
      dependencies.keks,
      envelopeContext({ organisationId: webhook.organisationId, id: webhook.id, version: webhook.secretVersion }),
    );
    const secret = parseWebhookSecret(text);
    if (secret === null) return null;
    const seconds = Math.floor(dependencies.nowMs() / 1000);
    const request = new Request(url.value, {
      method: "POST",
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT_MS),
      headers: {
        ...webhookHeaders(delivery.id, seconds, delivery.payload, [secret]),
        "content-type": "application/json",
        "user-agent": USER_AGENT,
      },
      body: delivery.payload,
    });
    const response = await dependencies.fetch(request);
    await response.body?.cancel();
    return response.status;
  } catch {
    return null;
  }
}

function outcome(
  state: DeliveryRow["state"],
  lastStatus: number | null,
  nextAttemptAtMs: number | null,
  nowMs: number,
) {
  return { state, lastStatus, nextAttemptAtMs, updatedAtMs: nowMs };
}

/** Webhook secrets share the envelope of master keys; the place of the connection is taken by a word no connection has. */
function envelopeContext(webhook: { readonly organisationId: string; readonly id: string; readonly version: number }) {
  return {
    organisationId: webhook.organisationId,
    connectionId: "webhook",
    credentialId: webhook.id,
    version: webhook.version,
  };
}
