/**
 * Finds what webhooks are to be told in what was recorded anyway, so that neither a revocation nor the hot path waits for
 * a webhook. Looked through again from a little before where it stopped: told twice is delivered once.
 */
import type { WebhookEvent } from "../domain/webhook-event.ts";
import { highestRowNumber } from "../store/audit-rows.ts";
import type { ControlDb } from "../store/control-db.ts";
import { controlEventsSince, notableAuditEvents, type ControlEventRow } from "../store/webhook-source-events.ts";
import { readPosition, writePosition } from "../store/work-positions.ts";
import { queueWebhookEvent } from "./webhooks.ts";

const CONTROL_POSITION = "webhooks/control";
const AUDIT_POSITION = "webhooks/audit";
/** A change is recorded with the time its request began; it may appear this much later. */
const OVERLAP_MS = 120_000;
const MAX_CONTROL_EVENTS = 500;
const MAX_AUDIT_EVENTS = 200;
const MAX_AUDIT_ROWS = 50_000;
const HOUR_MS = 3_600_000;

const CONTROL_ACTIONS: Readonly<Record<string, WebhookEvent["type"]>> = {
  revokeDelegatedCredential: "credential.revoked",
  deleteDelegatedCredential: "credential.revoked",
  rejectAddress: "credential.revoked",
  revokeRecipient: "recipient.revoked",
};

export async function collectWebhookEvents(db: ControlDb, auditDatabase: D1Database, nowMs: number): Promise<void> {
  await collectControl(db, auditDatabase, nowMs);
  await collectAudit(db, auditDatabase, nowMs);
}

async function collectControl(db: ControlDb, auditDatabase: D1Database, nowMs: number): Promise<void> {
  const held = Number((await readPosition(auditDatabase, CONTROL_POSITION)) ?? nowMs);
  const actions = Object.keys(CONTROL_ACTIONS);
  const rows = await controlEventsSince(db, actions, held - OVERLAP_MS, MAX_CONTROL_EVENTS);
  for (const row of rows) {
    const event = controlEvent(row);
    if (event !== null) await queueWebhookEvent(db, event, nowMs);
  }
  const reached = rows.length < MAX_CONTROL_EVENTS ? nowMs : (rows.at(-1)?.atMs ?? nowMs) + OVERLAP_MS;
  await writePosition(auditDatabase, CONTROL_POSITION, String(reached));
}

function controlEvent(row: ControlEventRow): WebhookEvent | null {
  const type = CONTROL_ACTIONS[row.action];
  if (type === undefined) return null;
  const target = type === "recipient.revoked" ? "recipient_id" : "credential_id";
  return {
    id: row.id,
    organisationId: row.organisationId,
    type,
    atMs: row.atMs,
    data: { [target]: row.targetId, actor_id: row.actorId, actor_name: row.actorName, action: row.action },
  };
}

async function collectAudit(db: ControlDb, auditDatabase: D1Database, nowMs: number): Promise<void> {
  const last = await highestRowNumber(auditDatabase);
  const held = await readPosition(auditDatabase, AUDIT_POSITION);
  const afterN = held === null ? last : Number(held);
  const upToN = Math.min(last, afterN + MAX_AUDIT_ROWS);
  const rows = await notableAuditEvents(auditDatabase, afterN, upToN, MAX_AUDIT_EVENTS);
  for (const row of rows) {
    const type = row.masked === 1 ? "key.echo_masked" : "breaker.open";
    // A breaker that stays open refuses many calls: one event per connection and hour.
    const hour = Math.floor(row.atMs / HOUR_MS);
    const id = type === "breaker.open" ? `breaker_${row.organisationId}_${row.connectionId}_${hour}` : row.id;
    await queueWebhookEvent(
      db,
      {
        id,
        organisationId: row.organisationId,
        type,
        atMs: row.atMs,
        data: { connection_id: row.connectionId, credential_id: row.credentialId, request_id: row.requestId },
      },
      nowMs,
    );
  }
  const reached = rows.length < MAX_AUDIT_EVENTS ? upToN : (rows.at(-1)?.n ?? upToN);
  await writePosition(auditDatabase, AUDIT_POSITION, String(reached));
}
