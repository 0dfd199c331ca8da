/** Recipients: who holds credentials. */
import { and, eq, notExists } from "drizzle-orm";
import { afterPosition, failBatchIf, inList, newestFirst } from "./control-db.ts";
import type { ControlDb, PageRequest, Statement } from "./control-db.ts";
import { recipients } from "./control-schema.ts";
import { hasLabel } from "./label-filter.ts";

export type RecipientRow = typeof recipients.$inferSelect;

export interface RecipientFilter {
  readonly status?: RecipientRow["status"] | undefined;
  readonly kind?: RecipientRow["kind"] | undefined;
  readonly email?: string | undefined;
  /** As `hasLabel` takes it. */
  readonly label?: string | undefined;
}

export async function findRecipient(db: ControlDb, organisationId: string, id: string): Promise<RecipientRow | null> {
  const [found] = await db.select().from(recipients).where(ofId(organisationId, id));
  return found ?? null;
}

export function findRecipients(db: ControlDb, organisationId: string, ids: readonly string[]): Promise<RecipientRow[]> {
  return db
    .select()
    .from(recipients)
    .where(and(eq(recipients.organisationId, organisationId), inList(recipients.id, ids)));
}

export function listRecipients(
  db: ControlDb,
  organisationId: string,
  filter: RecipientFilter,
  page: PageRequest,
): Promise<RecipientRow[]> {
  return db
    .select()
    .from(recipients)
    .where(
      and(
        eq(recipients.organisationId, organisationId),
        filter.status === undefined ? undefined : eq(recipients.status, filter.status),
        filter.kind === undefined ? undefined : eq(recipients.kind, filter.kind),
        filter.email === undefined ? undefined : eq(recipients.email, filter.email),
        filter.label === undefined ? undefined : hasLabel(recipients.labels, filter.label),
        afterPosition(recipients.createdAtMs, recipients.id, page),
      ),
    )
    .orderBy(...newestFirst(recipients.createdAtMs, recipients.id))
    .limit(page.limit + 1);
}

export function insertRecipient(db: ControlDb, row: RecipientRow): Statement {
  return db.insert(recipients).values(row);
}

/** Fails its batch when the recipient is no longer active: nobody is issued a credential beside the recipient's revoke. */
export function guardRecipient(db: ControlDb, organisationId: string, id: string): Statement {
  const active = db
    .select({ id: recipients.id })
    .from(recipients)
    .where(and(ofId(organisationId, id), eq(recipients.status, "active")));
  return failBatchIf(db, notExists(active));
}

export function updateRecipient(
  db: ControlDb,
  organisationId: string,
  id: string,
  change: Partial<Omit<RecipientRow, "id" | "organisationId">>,
): Statement {
  return db.update(recipients).set(change).where(ofId(organisationId, id));
}

function ofId(organisationId: string, id: string) {
  return and(eq(recipients.organisationId, organisationId), eq(recipients.id, id));
}
