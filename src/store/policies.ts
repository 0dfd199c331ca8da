/** Policies and their versions. The current version's settings stand in the policy itself. */
import { and, count, desc, eq, lt } from "drizzle-orm";
import { afterPosition, inList, newestFirst } from "./control-db.ts";
import type { ControlDb, PageRequest, Statement } from "./control-db.ts";
import { grants, policies, policyVersions } from "./control-schema.ts";

export type PolicyRow = typeof policies.$inferSelect;
export type PolicyVersionRow = typeof policyVersions.$inferSelect;

export async function findPolicy(db: ControlDb, organisationId: string, id: string): Promise<PolicyRow | null> {
  const [found] = await db.select().from(policies).where(ofId(organisationId, id));
  return found ?? null;
}

export function findPolicies(db: ControlDb, organisationId: string, ids: readonly string[]): Promise<PolicyRow[]> {
  return db
    .select()
    .from(policies)
    .where(and(eq(policies.organisationId, organisationId), inList(policies.id, ids)));
}

export function listPolicies(db: ControlDb, organisationId: string, page: PageRequest): Promise<PolicyRow[]> {
  return db
    .select()
    .from(policies)
    .where(and(eq(policies.organisationId, organisationId), afterPosition(policies.createdAtMs, policies.id, page)))
    .orderBy(...newestFirst(policies.createdAtMs, policies.id))
    .limit(page.limit + 1);
}

export async function countGrantsOfPolicy(db: ControlDb, organisationId: string, policyId: string): Promise<number> {
  const [row] = await db
    .select({ n: count() })
    .from(grants)
    .where(and(eq(grants.organisationId, organisationId), eq(grants.policyId, policyId)));
  return row?.n ?? 0;
}

/** Stores a new policy, or the next version of one, together with its place in the history. */
export function insertPolicy(db: ControlDb, row: PolicyRow): Statement[] {
  return [db.insert(policies).values(row), insertVersion(db, row, row.createdBy)];
}

/** Two changes at once cannot both become the next version: the key of the history refuses the second. */
export function updatePolicy(db: ControlDb, row: PolicyRow, changedBy: string): Statement[] {
  const { id, organisationId, ...change } = row;
  return [insertVersion(db, row, changedBy), db.update(policies).set(change).where(ofId(organisationId, id))];
}

/** The history stays, so that old audit events can still be understood. */
export function deletePolicy(db: ControlDb, organisationId: string, id: string): Statement {
  return db.delete(policies).where(ofId(organisationId, id));
}

/** Newest first; `before` is the version after which the page begins. */
export function listPolicyVersions(
  db: ControlDb,
  organisationId: string,
  policyId: string,
  page: { readonly limit: number; readonly before: number | null },
): Promise<PolicyVersionRow[]> {
  return db
    .select()
    .from(policyVersions)
    .where(
      and(
        eq(policyVersions.organisationId, organisationId),
        eq(policyVersions.policyId, policyId),
        page.before === null ? undefined : lt(policyVersions.version, page.before),
      ),
    )
    .orderBy(desc(policyVersions.version))
    .limit(page.limit + 1);
}

function insertVersion(db: ControlDb, row: PolicyRow, by: string): Statement {
  return db.insert(policyVersions).values({
    organisationId: row.organisationId,
    policyId: row.id,
    version: row.version,
    name: row.name,
    settings: row.settings,
    createdBy: by,
    createdAtMs: row.updatedAtMs,
  });
}

function ofId(organisationId: string, id: string) {
  return and(eq(policies.organisationId, organisationId), eq(policies.id, id));
}
