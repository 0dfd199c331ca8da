/**
 * Finds audit events, newest first. Reads only. The conditions of the partial indexes are repeated literally where a
 * filter implies them, because SQLite uses such an index only then.
 */
import { and, desc, eq, gte, lt, or, sql } from "drizzle-orm";
import type { SQL } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import type { SQLiteColumn } from "drizzle-orm/sqlite-core";
import { auditEvents } from "./audit-schema.ts";
import type { PageRequest } from "./control-db.ts";

export type AuditEventRow = typeof auditEvents.$inferSelect;

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

type EqualMember =
  | "credentialId"
  | "recipientId"
  | "connectionId"
  | "grantId"
  | "upstreamCredentialId"
  | "customer"
  | "environment"
  | "operation"
  | "reason"
  | "address"
  | "requestId";

export function searchAuditEvents(
  database: D1Database,
  organisationId: string,
  filter: AuditFilter,
  page: PageRequest,
): Promise<AuditEventRow[]> {
  return drizzle(database)
    .select()
    .from(auditEvents)
    .where(and(eq(auditEvents.organisationId, organisationId), ...conditions(filter), after(page)))
    .orderBy(desc(auditEvents.atMs), desc(auditEvents.id))
    .limit(page.limit + 1);
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

function conditions(filter: AuditFilter): (SQL | undefined)[] {
  const { fromMs, toMs } = filter;
  return [
    ...Object.entries(filter.equal).map(([member, value]) => eq(EQUAL_COLUMNS[member as EqualMember], value)),
    filter.decision === "denied" ? sql`decision = 'denied'` : undefined,
    filter.decision === "allowed" ? sql`decision = 'allowed'` : undefined,
    methodCondition(filter.method),
    statusCondition(auditEvents.status, filter.status),
    filter.status !== undefined && filter.status.from >= 400 ? sql`status >= 400` : undefined,
    statusCondition(auditEvents.upstreamStatus, filter.upstreamStatus),
    filter.failed === true ? sql`status >= 400` : undefined,
    pathCondition(filter.path),
    filter.userAgent === undefined ? undefined : sql`instr(${auditEvents.userAgent}, ${filter.userAgent}) > 0`,
    fromMs === undefined ? undefined : gte(auditEvents.atMs, fromMs),
    toMs === undefined ? undefined : lt(auditEvents.atMs, toMs),
  ];
}

const EQUAL_COLUMNS: Readonly<Record<EqualMember, SQLiteColumn>> = {
  credentialId: auditEvents.credentialId,
  recipientId: auditEvents.recipientId,
  connectionId: auditEvents.connectionId,
  grantId: auditEvents.grantId,
  upstreamCredentialId: auditEvents.upstreamCredentialId,
  customer: auditEvents.customer,
  environment: auditEvents.environment,
  operation: auditEvents.operation,
  reason: auditEvents.reason,
  address: auditEvents.address,
  requestId: auditEvents.requestId,
};

function methodCondition(method: string | undefined): SQL | undefined {
  if (method === undefined) return undefined;
  const equal = eq(auditEvents.method, method);
  return method === "GET" || method === "POST" ? equal : and(equal, sql`method NOT IN ('GET', 'POST')`);
}

function statusCondition(column: SQLiteColumn, status: StatusFilter | undefined): SQL | undefined {
  if (status === undefined) return undefined;
  if (status.from === status.to) return eq(column, status.from);
  return and(gte(column, status.from), lt(column, status.to + 1));
}

function pathCondition(path: PathFilter | undefined): SQL | undefined {
  if (path === undefined) return undefined;
  switch (path.kind) {
    case "is":
      return eq(auditEvents.path, path.text);
    case "starts":
      // Paths are canonical ASCII, so nothing that begins so sorts behind the text with U+FFFF.
      return and(gte(auditEvents.path, path.text), lt(auditEvents.path, `${path.text}\u{ffff}`));
    case "contains":
      return sql`instr(${auditEvents.path}, ${path.text}) > 0`;
    case "glob":
      return sql`${auditEvents.path} GLOB ${path.text}`;
  }
}

function after(page: PageRequest): SQL | undefined {
  if (page.after === null) return undefined;
  const { atMs, id } = page.after;
  return or(lt(auditEvents.atMs, atMs), and(eq(auditEvents.atMs, atMs), lt(auditEvents.id, id)));
}
