/**
 * Lists payments, newest first. Reads only what the insert's trigger keeps (`audit_payments`), never the events. Bounded as
 * the search of events is: conditions that no index serves are held against at most `MAX_SCANNED` payments a page.
 */
import { and, eq, gte, lt, sql } from "drizzle-orm";
import type { SQL } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import type { PaymentProvider, PaymentState } from "../domain/payment.ts";
import { auditPayments } from "./audit-schema.ts";
import { afterPosition, newestFirst } from "./control-db.ts";
import type { PageRequest } from "./control-db.ts";

export type PaymentRow = typeof auditPayments.$inferSelect;

const MAX_SCANNED = 10_000;

/** An absent member does not filter. Times are epoch ms, `toMs` excluded; addresses and hashes in lower case. */
export interface PaymentFilter {
  readonly credentialId?: string | undefined;
  readonly recipientId?: string | undefined;
  readonly customer?: string | undefined;
  readonly connectionId?: string | undefined;
  readonly provider?: PaymentProvider | undefined;
  readonly state?: PaymentState | undefined;
  readonly payer?: string | undefined;
  readonly transaction?: string | undefined;
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
}

export interface PaymentPage {
  /** Up to `limit + 1`. */
  readonly rows: readonly PaymentRow[];
  /** How far the search came, when it stopped before it had enough; null: it saw everything. */
  readonly scannedTo: { readonly atMs: number; readonly id: string } | null;
}

export async function listPayments(
  database: D1Database,
  organisationId: string,
  filter: PaymentFilter,
  page: PageRequest,
): Promise<PaymentPage> {
  const db = drizzle(database);
  const scanned = db
    .select()
    .from(auditPayments)
    .where(and(eq(auditPayments.organisationId, organisationId), ...indexedConditions(filter), after(page)))
    .orderBy(...newestFirst(auditPayments.atMs, auditPayments.id))
    .limit(MAX_SCANNED)
    .as("scanned");
  // Rows leave the inner query in its order, so that the outer one can stop at its limit without sorting all of them.
  const rows = await db
    .select()
    .from(scanned)
    .where(and(...residualConditions(filter)))
    .limit(page.limit + 1);
  if (rows.length > page.limit) return { rows, scannedTo: null };
  const [last] = await db
    .select({ atMs: scanned.atMs, id: scanned.id })
    .from(scanned)
    .limit(1)
    .offset(MAX_SCANNED - 1);
  return { rows, scannedTo: last ?? null };
}

/** What an index finds; the conditions of partial indexes are implied or repeated. */
function indexedConditions(filter: PaymentFilter): (SQL | undefined)[] {
  const { credentialId, recipientId, customer, transaction, state, fromMs, toMs } = filter;
  return [
    credentialId === undefined ? undefined : eq(auditPayments.credentialId, credentialId),
    recipientId === undefined ? undefined : eq(auditPayments.recipientId, recipientId),
    customer === undefined ? undefined : eq(auditPayments.customer, customer),
    transaction === undefined ? undefined : eq(auditPayments.transaction, transaction),
    isOpen(state) ? and(eq(auditPayments.state, state), sql`state NOT IN ('settled', 'released')`) : undefined,
    fromMs === undefined ? undefined : gte(auditPayments.atMs, fromMs),
    toMs === undefined ? undefined : lt(auditPayments.atMs, toMs),
  ];
}

/** What is left to be held against each payment. Bare column names mean those of the scanned ones. */
function residualConditions(filter: PaymentFilter): SQL[] {
  const { connectionId, provider, payer, state } = filter;
  const conditions = [
    connectionId === undefined ? undefined : sql`connection_id = ${connectionId}`,
    provider === undefined ? undefined : sql`provider = ${provider}`,
    payer === undefined ? undefined : sql`payer = ${payer}`,
    state === undefined || isOpen(state) ? undefined : sql`state = ${state}`,
  ];
  return conditions.filter((condition) => condition !== undefined);
}

/** The rare ones have an index. */
function isOpen(state: PaymentState | undefined): state is PaymentState {
  return state !== undefined && state !== "settled" && state !== "released";
}

function after(page: PageRequest): SQL | undefined {
  if (page.after === null) return undefined;
  // The first condition is implied by the second; it lets the index begin at the place.
  return and(
    sql`${auditPayments.atMs} <= ${page.after.atMs}`,
    afterPosition(auditPayments.atMs, auditPayments.id, page),
  );
}
