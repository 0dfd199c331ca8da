/** Rows that webhooks are told about: revocations from the record of changes, noteworthy events from the audit. */
import { and, asc, gt, gte, inArray, or, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { auditEvents } from "./audit-schema.ts";
import type { ControlDb } from "./control-db.ts";
import { controlEvents } from "./control-schema.ts";

export type ControlEventRow = typeof controlEvents.$inferSelect;

export function controlEventsSince(
  db: ControlDb,
  actions: readonly string[],
  fromMs: number,
  limit: number,
): Promise<ControlEventRow[]> {
  return db
    .select()
    .from(controlEvents)
    .where(and(gte(controlEvents.atMs, fromMs), inArray(controlEvents.action, [...actions])))
    .orderBy(asc(controlEvents.atMs), asc(controlEvents.id))
    .limit(limit);
}

/** Events in `(afterN, upToN]` whose key was masked in an answer or whose vendor is held back by the breaker. */
export function notableAuditEvents(database: D1Database, afterN: number, upToN: number, limit: number) {
  return drizzle(database)
    .select({
      n: auditEvents.n,
      id: auditEvents.id,
      organisationId: auditEvents.organisationId,
      atMs: auditEvents.atMs,
      credentialId: auditEvents.credentialId,
      connectionId: auditEvents.connectionId,
      reason: auditEvents.reason,
      requestId: auditEvents.requestId,
      masked: sql<number>`instr(${auditEvents.notes}, '"echo_masked"') > 0`,
    })
    .from(auditEvents)
    .where(
      and(
        gt(auditEvents.n, afterN),
        sql`${auditEvents.n} <= ${upToN}`,
        or(sql`${auditEvents.reason} = 'circuit_open'`, sql`instr(${auditEvents.notes}, '"echo_masked"') > 0`),
      ),
    )
    .orderBy(asc(auditEvents.n))
    .limit(limit);
}
