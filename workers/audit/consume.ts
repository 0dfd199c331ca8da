/**
 * One batch of the audit queue: check, insert, confirm to the gates, acknowledge.
 *
 * What always holds: a message is acknowledged only when all of it is in the database; a gate is told only what is in the
 * database; whatever fails comes again, and inserting again changes nothing. If the confirmation to a gate fails, the
 * gate sends its events again.
 */
import type { AuditMessage, PaymentMessage } from "../../src/cloudflare/audit-messages.ts";
import { EVENT_SEQ } from "../../src/domain/chain.ts";
import { resolvePayment, storeRows } from "../../src/store/audit-events.ts";
import type { AuditEnv } from "./env.ts";
import { parseAuditMessage } from "./message-schema.ts";

const MAX_RETRY_SECONDS = 600;
/** A message brings about 60 KB of events at most (`MAX_MESSAGE_CHARS`), and D1 takes 2 MB as a parameter. */
const MAX_MESSAGES_PER_STATEMENT = 20;

interface Arrival {
  readonly message: Message;
  readonly content: AuditMessage;
}

export async function consume(batch: MessageBatch, env: AuditEnv): Promise<void> {
  const arrivals: Arrival[] = [];
  for (const message of batch.messages) {
    const content = parseAuditMessage(message.body);
    if (content === null) {
      console.error("audit message refused: it does not fit the schema", {
        id: message.id,
        attempts: message.attempts,
      });
      message.retry({ delaySeconds: retryDelaySeconds(message.attempts) });
    } else arrivals.push({ message, content });
  }
  const stored = await store(arrivals, env.AUDIT_DB);
  await confirm(stored, env);
}

/** All in one transaction; when that fails each on its own, so that one bad message does not hold up the others. */
async function store(arrivals: readonly Arrival[], database: D1Database): Promise<readonly Arrival[]> {
  if (arrivals.length === 0) return [];
  try {
    await run(arrivals, database);
    for (const { message } of arrivals) message.ack();
    return arrivals;
  } catch (cause) {
    console.error("audit batch not stored", { messages: arrivals.length, error: nameOf(cause) });
  }
  const stored: Arrival[] = [];
  for (const arrival of arrivals) {
    try {
      await run([arrival], database);
      arrival.message.ack();
      stored.push(arrival);
    } catch (cause) {
      console.error("audit message not stored", { id: arrival.message.id, error: nameOf(cause) });
      arrival.message.retry({ delaySeconds: retryDelaySeconds(arrival.message.attempts) });
    }
  }
  return stored;
}

/** One transaction. The events of several messages share a statement, since each statement has a price of its own. */
async function run(arrivals: readonly Arrival[], database: D1Database): Promise<void> {
  const statements: D1PreparedStatement[] = [];
  for (let at = 0; at < arrivals.length; at += MAX_MESSAGES_PER_STATEMENT) {
    const contents = arrivals.slice(at, at + MAX_MESSAGES_PER_STATEMENT).map(({ content }) => content);
    const events = contents.flatMap((content) => (content.kind === "payment" ? [] : content.events));
    statements.push(...storeRows(database, { events }));
  }
  for (const { content } of arrivals) {
    if (content.kind === "payment") statements.push(lateOutcome(content, database));
    else if (content.kind === "gate") statements.push(...storeRows(database, { ...content, events: [] }));
  }
  if (statements.length > 0) await database.batch(statements);
}

function lateOutcome(content: PaymentMessage, database: D1Database): D1PreparedStatement {
  const { organisation_id: organisationId, reference, state, transaction } = content;
  return resolvePayment(database, { organisationId, reference, state, transaction });
}

/** Tells each gate which of its events are safe. */
async function confirm(arrivals: readonly Arrival[], env: AuditEnv): Promise<void> {
  const gates = new Map<string, { ranges: (readonly [number, number])[]; notices: string[] }>();
  for (const { content } of arrivals) {
    if (content.kind !== "gate") continue;
    const gate = gates.get(content.credential_id) ?? { ranges: [], notices: [] };
    gates.set(content.credential_id, gate);
    for (const event of content.events) addSeq(gate.ranges, event[EVENT_SEQ]);
    for (const notice of content.notices) gate.notices.push(notice.id);
  }
  const told = [...gates].map(async ([credentialId, { ranges, notices }]) => {
    if (ranges.length === 0 && notices.length === 0) return;
    await env.GATES.getByName(credentialId).acknowledge(ranges, notices);
  });
  for (const result of await Promise.allSettled(told)) {
    if (result.status === "rejected") console.warn("gate not told of stored events", { error: nameOf(result.reason) });
  }
}

/** Never spans a gap: a gate must not forget an event that is not in the database. */
function addSeq(ranges: (readonly [number, number])[], seq: number): void {
  const last = ranges.at(-1);
  if (last !== undefined && last[1] === seq - 1) ranges[ranges.length - 1] = [last[0], seq];
  else ranges.push([seq, seq]);
}

function retryDelaySeconds(attempts: number): number {
  return Math.min(MAX_RETRY_SECONDS, 5 * 2 ** Math.min(attempts, 10));
}

function nameOf(cause: unknown): string {
  return cause instanceof Error ? cause.name : "unknown";
}
