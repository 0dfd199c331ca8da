/** Trust policies for the token exchange, and the tokens that were used up. */
import { and, eq, lt } from "drizzle-orm";
import { afterPosition, isUniqueViolation, newestFirst } from "./control-db.ts";
import type { ControlDb, PageRequest, Statement } from "./control-db.ts";
import { exchangeTrusts, organisations, usedAssertions } from "./control-schema.ts";

export type ExchangeTrustRow = typeof exchangeTrusts.$inferSelect;

const MAX_TRUSTS_PER_ISSUER = 200;

export function insertExchangeTrust(db: ControlDb, row: ExchangeTrustRow): Statement {
  return db.insert(exchangeTrusts).values(row);
}

export function updateExchangeTrust(
  db: ControlDb,
  organisationId: string,
  id: string,
  change: Partial<Omit<ExchangeTrustRow, "id" | "organisationId">>,
): Statement {
  return db.update(exchangeTrusts).set(change).where(ofId(organisationId, id));
}

export function deleteExchangeTrust(db: ControlDb, organisationId: string, id: string): Statement {
  return db.delete(exchangeTrusts).where(ofId(organisationId, id));
}

export async function findExchangeTrust(
  db: ControlDb,
  organisationId: string,
  id: string,
): Promise<ExchangeTrustRow | null> {
  const [found] = await db.select().from(exchangeTrusts).where(ofId(organisationId, id));
  return found ?? null;
}

export function listExchangeTrusts(
  db: ControlDb,
  organisationId: string,
  page: PageRequest,
): Promise<ExchangeTrustRow[]> {
  const after = afterPosition(exchangeTrusts.createdAtMs, exchangeTrusts.id, page);
  return db
    .select()
    .from(exchangeTrusts)
    .where(and(eq(exchangeTrusts.organisationId, organisationId), after))
    .orderBy(...newestFirst(exchangeTrusts.createdAtMs, exchangeTrusts.id))
    .limit(page.limit + 1);
}

/**
 * Active ones for an issuer, over all active organisations; the claims decide which one speaks. `id`: that one alone, so
 * that however many others trust the same issuer, none stands in its way.
 */
export async function trustsOfIssuer(db: ControlDb, issuer: string, id?: string): Promise<ExchangeTrustRow[]> {
  const rows = await db
    .select({ trust: exchangeTrusts })
    .from(exchangeTrusts)
    .innerJoin(organisations, eq(organisations.id, exchangeTrusts.organisationId))
    .where(
      and(
        eq(exchangeTrusts.issuer, issuer),
        eq(exchangeTrusts.status, "active"),
        eq(organisations.status, "active"),
        id === undefined ? undefined : eq(exchangeTrusts.id, id),
      ),
    )
    .orderBy(exchangeTrusts.createdAtMs, exchangeTrusts.id)
    .limit(MAX_TRUSTS_PER_ISSUER);
  return rows.map((row) => row.trust);
}

/** Uses a token up. False: it was used before. */
export async function spendAssertion(
  db: ControlDb,
  row: { readonly organisationId: string; readonly id: string; readonly expiresAtMs: number },
): Promise<boolean> {
  try {
    await db.insert(usedAssertions).values(row);
    return true;
  } catch (cause) {
    if (isUniqueViolation(cause)) return false;
    throw cause;
  }
}

/** For the cron: what is over can no longer be used anyway. */
export async function dropExpiredAssertions(db: ControlDb, nowMs: number): Promise<void> {
  await db.delete(usedAssertions).where(lt(usedAssertions.expiresAtMs, nowMs));
}

function ofId(organisationId: string, id: string) {
  return and(eq(exchangeTrusts.organisationId, organisationId), eq(exchangeTrusts.id, id));
}
