/** End customers behind shared credentials. */
import { and, eq } from "drizzle-orm";
import { afterPosition, newestFirst } from "./control-db.ts";
import type { ControlDb, PageRequest, Statement } from "./control-db.ts";
import { customers } from "./control-schema.ts";

export type CustomerRow = typeof customers.$inferSelect;

export async function findCustomer(db: ControlDb, organisationId: string, id: string): Promise<CustomerRow | null> {
  const [found] = await db.select().from(customers).where(ofId(organisationId, id));
  return found ?? null;
}

export function listCustomers(
  db: ControlDb,
  organisationId: string,
  reference: string | undefined,
  page: PageRequest,
): Promise<CustomerRow[]> {
  return db
    .select()
    .from(customers)
    .where(
      and(
        eq(customers.organisationId, organisationId),
        reference === undefined ? undefined : eq(customers.reference, reference),
        afterPosition(customers.createdAtMs, customers.id, page),
      ),
    )
    .orderBy(...newestFirst(customers.createdAtMs, customers.id))
    .limit(page.limit + 1);
}

export function insertCustomer(db: ControlDb, row: CustomerRow): Statement {
  return db.insert(customers).values(row);
}

export function updateCustomer(
  db: ControlDb,
  organisationId: string,
  id: string,
  change: Partial<Omit<CustomerRow, "id" | "organisationId">>,
): Statement {
  return db.update(customers).set(change).where(ofId(organisationId, id));
}

export function deleteCustomer(db: ControlDb, organisationId: string, id: string): Statement {
  return db.delete(customers).where(ofId(organisationId, id));
}

function ofId(organisationId: string, id: string) {
  return and(eq(customers.organisationId, organisationId), eq(customers.id, id));
}
