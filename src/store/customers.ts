/** End customers behind shared credentials. */
import { and, count, eq, isNotNull, isNull, notExists, sql } from "drizzle-orm";
import { afterPosition, failBatchIf, inList, newestFirst } from "./control-db.ts";
import type { ControlDb, PageRequest, Statement } from "./control-db.ts";
import { customers } from "./control-schema.ts";

export type CustomerRow = typeof customers.$inferSelect;

export async function findCustomer(db: ControlDb, organisationId: string, id: string): Promise<CustomerRow | null> {
  const [found] = await db.select().from(customers).where(ofId(organisationId, id));
  return found ?? null;
}

/** Of these references, the customers that have limits of their own. */
export function limitedCustomers(
  db: ControlDb,
  organisationId: string,
  references: readonly string[],
): Promise<CustomerRow[]> {
  return db
    .select()
    .from(customers)
    .where(
      and(
        eq(customers.organisationId, organisationId),
        isNotNull(customers.limits),
        inList(customers.reference, references),
      ),
    );
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

/** Every credential's document holds them: there cannot be many. */
const MAX_LIMITED_CUSTOMERS = 500;

/** Fails its batch when so many customers have limits of their own already. */
export function guardLimitedCustomers(db: ControlDb, organisationId: string): Statement {
  const present = db
    .select({ n: count() })
    .from(customers)
    .where(and(eq(customers.organisationId, organisationId), isNotNull(customers.limits)));
  return failBatchIf(db, sql`(${present}) >= ${MAX_LIMITED_CUSTOMERS}`);
}

/** Fails its batch when the customer is gone or its limits are no longer those that were read. */
export function guardCustomer(db: ControlDb, row: Pick<CustomerRow, "id" | "organisationId" | "limits">): Statement {
  const same = row.limits === null ? isNull(customers.limits) : eq(customers.limits, row.limits);
  const read = db
    .select({ id: customers.id })
    .from(customers)
    .where(and(ofId(row.organisationId, row.id), same));
  return failBatchIf(db, notExists(read));
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
