/**
 * What may arrive in the audit queue. A message that does not fit is not guessed at: it goes back, and in the end to the
 * dead-letter queue, where a person can look at it.
 */
import { z } from "zod";
import type { AuditMessage } from "../../src/cloudflare/audit-messages.ts";
import { LATE_OUTCOMES } from "../../src/domain/payment-nonce.ts";

const MAX_EVENTS = 1_000;
const MAX_NOTICES = 100;

const text = z.string().max(8_192);
const name = z.string().max(256);
const count = z.int().min(0);
const optionalName = name.nullable();
const optionalCount = count.nullable();
const hash = z.string().regex(/^[0-9a-f]{64}$/);

/** `EventTuple`, member by member. */
const event = z.tuple([
  name,
  optionalName,
  count,
  count,
  count,
  optionalName,
  optionalName,
  optionalName,
  optionalName,
  optionalName,
  name,
  text,
  text.nullable(),
  z.enum(["allowed", "denied"]),
  name,
  optionalCount,
  optionalCount,
  count,
  optionalCount,
  optionalCount,
  optionalCount,
  optionalCount,
  optionalCount,
  optionalName,
  text,
  name,
  optionalName,
  count.min(1),
  text,
  hash,
  hash,
  name,
]);

const noticeHead = {
  id: name,
  organisationId: name,
  credentialId: name,
  credentialName: text,
  recipientId: optionalName,
  recipientName: text.nullable(),
  recipientEmail: text.nullable(),
  atMs: count,
};

const notice = z.discriminatedUnion("kind", [
  z.object({
    ...noticeHead,
    kind: z.literal("confirm_address"),
    confirmationId: name,
    address: name,
    connectionId: name,
    connectionName: text,
    userAgent: text,
    expiresAtMs: count,
  }),
  z.object({
    ...noticeHead,
    kind: z.literal("budget_alert"),
    limitName: name,
    grantId: optionalName,
    unit: z.enum(["requests", "usd_micros"]),
    limit: count,
    spent: count,
    thresholdPercent: count,
    windowStartMs: z.int(),
    windowEndMs: z.int(),
  }),
]);

const checkpoint = z.object({
  credentialId: name,
  seq: count,
  hash,
  atMs: count,
  keyId: name,
  signature: name,
});

const auditMessage = z.discriminatedUnion("kind", [
  z.object({
    v: z.literal(1),
    kind: z.literal("gate"),
    credential_id: name,
    events: z.array(event).max(MAX_EVENTS),
    notices: z.array(notice).max(MAX_NOTICES),
    checkpoint: checkpoint.nullable(),
  }),
  z.object({ v: z.literal(1), kind: z.literal("doorstep"), events: z.array(event).max(MAX_EVENTS) }),
  z.object({
    v: z.literal(1),
    kind: z.literal("payment"),
    organisation_id: name,
    reference: text,
    state: z.enum(LATE_OUTCOMES),
    transaction: name,
  }),
]);

/** The message, or null when it is not one. Events must be those of the gate that the message names. */
export function parseAuditMessage(body: unknown): AuditMessage | null {
  const parsed = auditMessage.safeParse(body);
  if (!parsed.success) return null;
  const message = parsed.data;
  if (message.kind === "payment") return message;
  const owner = message.kind === "gate" ? message.credential_id : null;
  return message.events.every((each) => each[1] === owner) ? message : null;
}
