/**
 * Finds audit events, newest first. Reads only. Bounded: filters that no index serves are held against at most
 * `MAX_SCANNED` events a page, so that a search over millions answers quickly with what it found so far and says where to
 * go on. The conditions of partial indexes are repeated literally, because SQLite uses such an index only then.
 */
import { and, desc, eq, gte, lt, or, sql } from "drizzle-orm";
import type { SQL } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { auditEvents } from "./audit-schema.ts";
import type { PageRequest } from "./control-db.ts";

export type AuditEventRow = typeof auditEvents.$inferSelect;

/** Events looked at for one page of a search that no index serves: some tens of milliseconds. */
const MAX_SCANNED = 10_000;
/** Up to so many events below a path prefix are sorted; more are found faster in the order of time. */
const MAX_SORTED = 2_000;

/** A status, or a class of a hundred (`from` to `from + 99`). */
export interface StatusFilter {
  readonly from: number;
  readonly to: number;
}

export interface AuditFilter {
  /** Compared as they are. */
  readonly equal: Readonly<Partial<Record<EqualMember, string>>>;
  readonly decision?: "allowed" | "denied" | undefined;
  readonly method?: string | undefined;
  readonly status?: StatusFilter | undefined;
  readonly upstreamStatus?: StatusFilter | undefined;
  readonly path?: PathFilter | undefined;
  /** Anywhere in the user agent. */
  readonly userAgent?: string | undefined;
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
  /** Only what failed: refused here, or answered with 400 and above. */
  readonly failed?: boolean | undefined;
}

export type PathFilter =
  | { readonly kind: "is" | "starts" | "contains"; readonly text: string }
  /** At most 50 bytes. */
  | { readonly kind: "glob"; readonly text: string };

export interface AuditPage {
  /** Up to `limit + 1`. */
  readonly rows: readonly AuditEventRow[];
  /** How far the search came, when it stopped before it had enough; null: it saw everything. */
  readonly scannedTo: { readonly atMs: number; readonly id: string } | null;
}

/** Members with an index of their own, then the others. */
const INDEXED = {
  credentialId: "credential_id",
  recipientId: "recipient_id",
  connectionId: "connection_id",
  customer: "customer",
} as const;
const UNINDEXED = {
  grantId: "grant_id",
  upstreamCredentialId: "upstream_credential_id",
  environment: "environment",
  operation: "operation",
  reason: "reason",
  address: "address",
  requestId: "request_id",
} as const;
type EqualMember = keyof typeof INDEXED | keyof typeof UNINDEXED;

export async function searchAuditEvents(
  database: D1Database,
  organisationId: string,
  filter: AuditFilter,
  page: PageRequest,
): Promise<AuditPage> {
  const db = drizzle(database);
  const base = [eq(auditEvents.organisationId, organisationId), ...indexedConditions(filter), after(page)];
  const prefix = await smallPrefix(database, filter);
  const residual = residualConditions(filter, prefix !== undefined);
  const order = [desc(auditEvents.atMs), desc(auditEvents.id)];
  if (residual.length === 0) {
    const where = and(...base, prefix);
    const rows = await db
      .select()
      .from(auditEvents)
      .where(where)
      .orderBy(...order)
      .limit(page.limit + 1);
    return { rows, scannedTo: null };
  }
  const scanned = db
    .select()
    .from(auditEvents)
    .where(and(...base, prefix))
    .orderBy(...order)
    .limit(MAX_SCANNED)
    .as("scanned");
  // Rows leave the inner query in its order, so that the outer one can stop at its limit without sorting all of them.
  const rows = await db
    .select()
    .from(scanned)
    .where(and(...residual))
    .limit(page.limit + 1);
  if (rows.length > page.limit) return { rows, scannedTo: null };
  // Through the same inner query: with a limit of one, SQLite would rather sort everything than walk the index.
  const [last] = await db
    .select({ atMs: scanned.atMs, id: scanned.id })
    .from(scanned)
    .limit(1)
    .offset(MAX_SCANNED - 1);
  return { rows, scannedTo: last ?? null };
}

/** Without its time, an event is found only by looking through all of them: ids are in no index of their own. */
export async function findAuditEvent(
  database: D1Database,
  organisationId: string,
  id: string,
  atMs: number | undefined,
): Promise<AuditEventRow | null> {
  const [found] = await drizzle(database)
    .select()
    .from(auditEvents)
    .where(
      and(
        eq(auditEvents.organisationId, organisationId),
        eq(auditEvents.id, id),
        atMs === undefined ? undefined : eq(auditEvents.atMs, atMs),
      ),
    )
    .limit(1);
  return found ?? null;
}

/** What an index finds in the order of time. */
function indexedConditions(filter: AuditFilter): (SQL | undefined)[] {
  const { fromMs, toMs, status, method } = filter;
  return [
    ...equalConditions(filter, INDEXED),
    filter.decision === "denied" ? sql`decision = 'denied'` : undefined,
    isOddMethod(method) ? and(eq(auditEvents.method, method), sql`method NOT IN ('GET', 'POST')`) : undefined,
    isOneFailure(status) ? and(eq(auditEvents.status, status.from), sql`status >= 400`) : undefined,
    filter.path?.kind === "is" ? eq(auditEvents.path, filter.path.text) : undefined,
    fromMs === undefined ? undefined : gte(auditEvents.atMs, fromMs),
    toMs === undefined ? undefined : lt(auditEvents.atMs, toMs),
  ];
}

/** What is left to be held against each event. Bare column names mean those of the scanned events. */
function residualConditions(filter: AuditFilter, prefixIsIndexed: boolean): SQL[] {
  const { status, method, path } = filter;
  const conditions = [
    ...equalConditions(filter, UNINDEXED),
    filter.decision === "allowed" ? sql`decision = 'allowed'` : undefined,
    method === undefined || isOddMethod(method) ? undefined : sql`method = ${method}`,
    status === undefined || isOneFailure(status) ? undefined : between(sql`status`, status),
    filter.upstreamStatus === undefined ? undefined : between(sql`upstream_status`, filter.upstreamStatus),
    filter.failed === true ? sql`status >= 400` : undefined,
    path?.kind === "starts" && !prefixIsIndexed ? sql`substr(path, 1, ${path.text.length}) = ${path.text}` : undefined,
    path?.kind === "contains" ? sql`instr(path, ${path.text}) > 0` : undefined,
    path?.kind === "glob" ? sql`path GLOB ${path.text}` : undefined,
    filter.userAgent === undefined ? undefined : sql`instr(user_agent, ${filter.userAgent}) > 0`,
  ];
  return conditions.filter((condition) => condition !== undefined);
}

/** The condition on a path prefix when so few events lie below it that sorting them costs little; else undefined. */
async function smallPrefix(database: D1Database, filter: AuditFilter): Promise<SQL | undefined> {
  if (filter.path?.kind !== "starts") return undefined;
  const { text } = filter.path;
  // Paths are canonical ASCII, so nothing that begins so sorts behind the text with U+FFFF.
  const range = and(gte(auditEvents.path, text), lt(auditEvents.path, `${text}\u{ffff}`));
  const [many] = await drizzle(database)
    .select({ path: auditEvents.path })
    .from(auditEvents)
    .where(range)
    .limit(1)
    .offset(MAX_SORTED);
  return many === undefined ? range : undefined;
}

function equalConditions(filter: AuditFilter, columns: Readonly<Partial<Record<EqualMember, string>>>): SQL[] {
  return Object.entries(columns).flatMap(([member, column]) => {
    const value = filter.equal[member as EqualMember];
    return value === undefined ? [] : [sql`${sql.raw(column)} = ${value}`];
  });
}

function isOddMethod(method: string | undefined): method is string {
  return method !== undefined && method !== "GET" && method !== "POST";
}

function isOneFailure(status: StatusFilter | undefined): status is StatusFilter {
  return status !== undefined && status.from === status.to && status.from >= 400;
}

function between(column: SQL, status: StatusFilter): SQL {
  return sql`${column} BETWEEN ${status.from} AND ${status.to}`;
}

function after(page: PageRequest): SQL | undefined {
  if (page.after === null) return undefined;
  const { atMs, id } = page.after;
  // The first condition is implied by the second; it lets the index begin at the place.
  return and(
    sql`${auditEvents.atMs} <= ${atMs}`,
    or(lt(auditEvents.atMs, atMs), and(eq(auditEvents.atMs, atMs), lt(auditEvents.id, id))),
  );
}
