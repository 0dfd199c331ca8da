/** Making and changing organisations. Only the deployment's operator and sign-up come here. */
import { and, count, eq } from "drizzle-orm";
import { afterPosition, newestFirst } from "./control-db.ts";
import type { ControlDb, PageRequest, Statement } from "./control-db.ts";
import { members, organisations } from "./control-schema.ts";
import type { OrganisationRow } from "./organisations.ts";

export function insertOrganisation(db: ControlDb, row: OrganisationRow): Statement {
  return db.insert(organisations).values(row);
}

export function updateOrganisation(
  db: ControlDb,
  id: string,
  change: Partial<Pick<OrganisationRow, "name" | "plan" | "status">>,
): Statement {
  return db.update(organisations).set(change).where(eq(organisations.id, id));
}

export function listOrganisations(db: ControlDb, page: PageRequest): Promise<OrganisationRow[]> {
  return db
    .select()
    .from(organisations)
    .where(afterPosition(organisations.createdAtMs, organisations.id, page))
    .orderBy(...newestFirst(organisations.createdAtMs, organisations.id))
    .limit(page.limit + 1);
}

/** Organisations in which somebody with this address is an owner, confirmed or not. */
export async function countOwnedOrganisations(db: ControlDb, email: string): Promise<number> {
  const [row] = await db
    .select({ total: count() })
    .from(members)
    .where(and(eq(members.email, email), eq(members.role, "owner")));
  return row?.total ?? 0;
}
