/** Organisations: the tenants of a deployment, and their plans. */
import { eq } from "drizzle-orm";
import type { ControlDb } from "./control-db.ts";
import { organisations } from "./control-schema.ts";

export type OrganisationRow = typeof organisations.$inferSelect;

export async function findOrganisation(db: ControlDb, id: string): Promise<OrganisationRow | null> {
  const [found] = await db.select().from(organisations).where(eq(organisations.id, id));
  return found ?? null;
}
