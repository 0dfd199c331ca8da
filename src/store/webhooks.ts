/** Webhooks and their deliveries. A delivery's id follows from event and webhook, so that one event is delivered once. */
import { and, count, eq, inArray, lt, lte, notExists, sql } from "drizzle-orm";
import { afterPosition, failBatchIf, newestFirst } from "./control-db.ts";
import type { ControlDb, PageRequest, Statement } from "./control-db.ts";
import { webhookDeliveries, webhooks } from "./control-schema.ts";

export type WebhookRow = typeof webhooks.$inferSelect;
export type DeliveryRow = typeof webhookDeliveries.$inferSelect;

const KEPT_MS = 30 * 86_400_000;
const MAX_INSERTED_ROWS = 8;

export function insertWebhook(db: ControlDb, row: WebhookRow): Statement {
  return db.insert(webhooks).values(row);
}

/** Fails its batch when the webhook was deleted, or its secret replaced, since it was read. */
export function guardWebhookSecret(db: ControlDb, row: WebhookRow): Statement {
  const read = db
    .select({ id: webhooks.id })
    .from(webhooks)
    .where(and(ofId(row.organisationId, row.id), eq(webhooks.secretVersion, row.secretVersion)));
  return failBatchIf(db, notExists(read));
}

export function updateWebhook(
  db: ControlDb,
  organisationId: string,
  id: string,
  change: Partial<Omit<WebhookRow, "id" | "organisationId">>,
): Statement {
  return db.update(webhooks).set(change).where(ofId(organisationId, id));
}

/** The deliveries go with it. */
export function deleteWebhook(db: ControlDb, organisationId: string, id: string): [Statement, Statement] {
  const deliveries = and(eq(webhookDeliveries.organisationId, organisationId), eq(webhookDeliveries.webhookId, id));
  return [db.delete(webhookDeliveries).where(deliveries), db.delete(webhooks).where(ofId(organisationId, id))];
}

export async function findWebhook(db: ControlDb, organisationId: string, id: string): Promise<WebhookRow | null> {
  const [found] = await db.select().from(webhooks).where(ofId(organisationId, id));
  return found ?? null;
}

export function listWebhooks(db: ControlDb, organisationId: string, page: PageRequest): Promise<WebhookRow[]> {
  return db
    .select()
    .from(webhooks)
    .where(and(eq(webhooks.organisationId, organisationId), afterPosition(webhooks.createdAtMs, webhooks.id, page)))
    .orderBy(...newestFirst(webhooks.createdAtMs, webhooks.id))
    .limit(page.limit + 1);
}

export async function countWebhooks(db: ControlDb, organisationId: string): Promise<number> {
  const [row] = await db.select({ total: count() }).from(webhooks).where(eq(webhooks.organisationId, organisationId));
  return row?.total ?? 0;
}

/** Fails its batch when there are so many webhooks already. */
export function guardWebhooks(db: ControlDb, organisationId: string, max: number): Statement {
  const present = db.select({ total: count() }).from(webhooks).where(eq(webhooks.organisationId, organisationId));
  return failBatchIf(db, sql`(${present}) >= ${max}`);
}

/** Active webhooks of an organisation that want this event. */
export async function subscribedWebhooks(db: ControlDb, organisationId: string, event: string): Promise<WebhookRow[]> {
  const active = await db
    .select()
    .from(webhooks)
    .where(and(eq(webhooks.organisationId, organisationId), eq(webhooks.status, "active")));
  return active.filter((webhook) => webhook.events.includes(event) || webhook.events.includes("*"));
}

/** A delivery that exists already stays as it is. */
export async function insertDeliveries(db: ControlDb, rows: readonly DeliveryRow[]): Promise<void> {
  for (let at = 0; at < rows.length; at += MAX_INSERTED_ROWS) {
    const values = rows.slice(at, at + MAX_INSERTED_ROWS);
    await db.insert(webhookDeliveries).values(values).onConflictDoNothing();
  }
}

/** Takes deliveries whose time has come and puts them off, so that two runs do not send the same one at once. */
export async function takeDueDeliveries(
  db: ControlDb,
  nowMs: number,
  holdMs: number,
  limit: number,
): Promise<{ delivery: DeliveryRow; webhook: WebhookRow }[]> {
  const due = db
    .select({ id: webhookDeliveries.id })
    .from(webhookDeliveries)
    .where(and(eq(webhookDeliveries.state, "pending"), lte(webhookDeliveries.nextAttemptAtMs, nowMs)))
    .orderBy(webhookDeliveries.nextAttemptAtMs)
    .limit(limit);
  const taken = await db
    .update(webhookDeliveries)
    .set({ nextAttemptAtMs: nowMs + holdMs, attempts: sql`${webhookDeliveries.attempts} + 1`, updatedAtMs: nowMs })
    .where(inArray(webhookDeliveries.id, due))
    .returning();
  if (taken.length === 0) return [];
  const ids = [...new Set(taken.map((delivery) => delivery.webhookId))];
  const found = await db.select().from(webhooks).where(inArray(webhooks.id, ids));
  return taken.flatMap((delivery) => {
    const webhook = found.find(
      (row) => row.id === delivery.webhookId && row.organisationId === delivery.organisationId,
    );
    return webhook === undefined ? [] : [{ delivery, webhook }];
  });
}

export async function noteDelivery(
  db: ControlDb,
  id: string,
  outcome: Pick<DeliveryRow, "state" | "lastStatus" | "nextAttemptAtMs" | "updatedAtMs">,
): Promise<void> {
  await db.update(webhookDeliveries).set(outcome).where(eq(webhookDeliveries.id, id));
}

export function listDeliveries(
  db: ControlDb,
  organisationId: string,
  webhookId: string,
  page: PageRequest,
): Promise<DeliveryRow[]> {
  const after = afterPosition(webhookDeliveries.createdAtMs, webhookDeliveries.id, page);
  const own = and(eq(webhookDeliveries.organisationId, organisationId), eq(webhookDeliveries.webhookId, webhookId));
  return db
    .select()
    .from(webhookDeliveries)
    .where(and(own, after))
    .orderBy(...newestFirst(webhookDeliveries.createdAtMs, webhookDeliveries.id))
    .limit(page.limit + 1);
}

export async function findDelivery(db: ControlDb, id: string): Promise<DeliveryRow | null> {
  const [found] = await db.select().from(webhookDeliveries).where(eq(webhookDeliveries.id, id));
  return found ?? null;
}

/** Webhooks whose secret is wrapped under another key than the current one. */
export function webhooksUnderOtherKek(db: ControlDb, kekId: string, limit: number): Promise<WebhookRow[]> {
  return db
    .select()
    .from(webhooks)
    .where(sql`${webhooks.secret} ->> '$.sealed.kekId' <> ${kekId}`)
    .limit(limit);
}

/** Only while the secret is still the same: a rotation in between keeps its own. */
export async function storeWebhookSecret(db: ControlDb, row: WebhookRow, secret: WebhookRow["secret"]): Promise<void> {
  const same = eq(webhooks.secretVersion, row.secretVersion);
  await db
    .update(webhooks)
    .set({ secret })
    .where(and(ofId(row.organisationId, row.id), same));
}

/** For the cron: what was delivered or given up long ago goes. */
export async function dropOldDeliveries(db: ControlDb, nowMs: number): Promise<void> {
  const done = inArray(webhookDeliveries.state, ["delivered", "failed"]);
  await db.delete(webhookDeliveries).where(and(done, lt(webhookDeliveries.updatedAtMs, nowMs - KEPT_MS)));
}

function ofId(organisationId: string, id: string) {
  return and(eq(webhooks.organisationId, organisationId), eq(webhooks.id, id));
}
