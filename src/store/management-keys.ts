/** Management keys: authority over the admin API. Only keyed hashes of the keys are stored. */
import { and, eq, notExists, or } from "drizzle-orm";
import { afterPosition, failBatchIf, newestFirst } from "./control-db.ts";
import type { ControlDb, PageRequest, Statement } from "./control-db.ts";
import { managementKeys, organisations } from "./control-schema.ts";

export type ManagementKeyRow = typeof managementKeys.$inferSelect;

/** By the token's lookup id, also that of the token before a rotation; only of an active organisation. */
export async function findManagementKeyByLookup(db: ControlDb, lookupId: string): Promise<ManagementKeyRow | null> {
  const [found] = await db
    .select({ key: managementKeys })
    .from(managementKeys)
    .innerJoin(organisations, eq(organisations.id, managementKeys.organisationId))
    .where(
      and(
        or(eq(managementKeys.lookupId, lookupId), eq(managementKeys.previousLookupId, lookupId)),
        eq(organisations.status, "active"),
      ),
    );
  return found?.key ?? null;
}

export async function touchManagementKey(
  db: ControlDb,
  organisationId: string,
  id: string,
  nowMs: number,
): Promise<void> {
  await db.update(managementKeys).set({ lastUsedAtMs: nowMs }).where(ofId(organisationId, id));
}

export async function findManagementKey(
  db: ControlDb,
  organisationId: string,
  id: string,
): Promise<ManagementKeyRow | null> {
  const [found] = await db.select().from(managementKeys).where(ofId(organisationId, id));
  return found ?? null;
}

export function listManagementKeys(
  db: ControlDb,
  organisationId: string,
  page: PageRequest,
): Promise<ManagementKeyRow[]> {
  return db
    .select()
    .from(managementKeys)
    .where(
      and(
        eq(managementKeys.organisationId, organisationId),
        afterPosition(managementKeys.createdAtMs, managementKeys.id, page),
      ),
    )
    .orderBy(...newestFirst(managementKeys.createdAtMs, managementKeys.id))
    .limit(page.limit + 1);
}

export function insertManagementKey(db: ControlDb, row: ManagementKeyRow): Statement {
  return db.insert(managementKeys).values(row);
}

/** Fails its batch when the key was revoked or replaced since it was read. */
export function guardManagementKey(db: ControlDb, row: ManagementKeyRow): Statement {
  const same = and(eq(managementKeys.tokenHash, row.tokenHash), eq(managementKeys.status, "active"));
  const read = db
    .select({ id: managementKeys.id })
    .from(managementKeys)
    .where(and(ofId(row.organisationId, row.id), same));
  return failBatchIf(db, notExists(read));
}

export function updateManagementKey(
  db: ControlDb,
  organisationId: string,
  id: string,
  change: Partial<Omit<ManagementKeyRow, "id" | "organisationId">>,
): Statement {
  return db.update(managementKeys).set(change).where(ofId(organisationId, id));
}

function ofId(organisationId: string, id: string) {
  return and(eq(managementKeys.organisationId, organisationId), eq(managementKeys.id, id));
}
