/** Looking back: audit events by every member, and the record of changes. Reading only. */
import * as z from "zod";
import { AuditEventView, AuditListQuery, AuditQuery, isGlob } from "../../../src/contract/audit-event.ts";
import { ControlEvent } from "../../../src/contract/control-event.ts";
import { TimeInput, readableText, timeMs, wireTime } from "../../../src/contract/fields.ts";
import { PAGE_QUERY, decodeCursor, encodeCursor, pageOf } from "../../../src/contract/page.ts";
import { fieldProblem, notFound } from "../../../src/contract/problem.ts";
import { err } from "../../../src/domain/result.ts";
import { readArrivals } from "../../../src/store/audit-arrivals.ts";
import { highestRowNumber } from "../../../src/store/audit-rows.ts";
import type { AuditEventRow } from "../../../src/store/audit-rows.ts";
import { findAuditEvent, searchAuditEvents } from "../../../src/store/audit-search.ts";
import type { AuditPosition } from "../../../src/store/audit-search.ts";
import type { AuditFilter, NumberRange, PathFilter } from "../../../src/store/audit-search-plan.ts";
import { listControlEvents } from "../../../src/store/control-events.ts";
import type { ControlEventRow } from "../../../src/store/control-events.ts";
import { reply } from "../answer.ts";
import { pageBody, pageRequest } from "../pages.ts";
import { READERS, defineRoute } from "../route.ts";
import type { Outcome, Route, RouteContext } from "../route.ts";

const TAG = "Audit";

const listAuditEvents = defineRoute({
  method: "GET",
  path: "/api/v1/audit-events",
  aliases: ["/admin/audit-events"],
  operationId: "listAuditEvents",
  tag: TAG,
  summary: "Search audit events, newest first",
  description:
    "Every member of an event can be asked for; numbers also as a range (`latency_ms=500..`). `path` that starts with a slash is the whole path, with `*` for any characters; other text is found anywhere in it. A page may hold fewer events than asked, or none, while there is a `next_cursor`: the search goes on from there. `order=arrival` gives events as they came on record, oldest first, from the oldest that is kept or (`start=now`) from now on; its `next_cursor` is never null: asked with it again and again, the list gives every event once, those of slow calls included.",
  roles: READERS,
  query: AuditListQuery,
  responses: { 200: pageOf(AuditEventView) },
  handler: (context, { query }) =>
    query.order === "arrival" ? arrived(context, query) : searched(context, query, toAuditFilter(query)),
});

const getAuditEvent = defineRoute({
  method: "GET",
  path: "/api/v1/audit-events/:event_id",
  aliases: ["/admin/audit-events/:event_id"],
  operationId: "getAuditEvent",
  tag: TAG,
  summary: "Read one audit event",
  roles: READERS,
  description: "`at`, the event's own time, saves looking through all of them.",
  params: z.strictObject({ event_id: readableText(64) }),
  query: z.strictObject({ at: TimeInput.optional() }),
  responses: { 200: AuditEventView },
  async handler(context, { params, query }): Promise<Outcome> {
    const { AUDIT_DB } = context.env;
    const row = await findAuditEvent(AUDIT_DB, context.organisationId, params.event_id, timeMs(query.at));
    return row === null ? err(notFound("audit event")) : reply(200, auditEventView(row));
  },
});

const listErrors = defineRoute({
  method: "GET",
  path: "/admin/errors",
  operationId: "listErrors",
  tag: TAG,
  summary: "Search calls that failed: refused here, or answered with 400 and above",
  roles: READERS,
  query: AuditQuery,
  responses: { 200: pageOf(AuditEventView) },
  handler: (context, { query }) => searched(context, query, { ...toAuditFilter(query), failed: true }),
});

const listChanges = defineRoute({
  method: "GET",
  path: "/api/v1/control-events",
  operationId: "listControlEvents",
  tag: TAG,
  summary: "List the changes of the configuration, newest first: who, what, before and after",
  roles: READERS,
  query: z.strictObject({
    ...PAGE_QUERY,
    actor_id: readableText(64).optional(),
    action: readableText(64).optional(),
    target_id: readableText(64).optional(),
    from: TimeInput.optional(),
    to: TimeInput.optional(),
  }),
  responses: { 200: pageOf(ControlEvent) },
  async handler(context, { query }): Promise<Outcome> {
    const filter = {
      actorId: query.actor_id,
      action: query.action,
      targetId: query.target_id,
      fromMs: timeMs(query.from),
      toMs: timeMs(query.to),
    };
    const rows = await listControlEvents(context.db, context.organisationId, filter, pageRequest(query));
    return reply(
      200,
      pageBody(rows, query.limit, (row) => row.atMs, controlEventView),
    );
  },
});

export const AUDIT_ROUTES: readonly Route[] = [listAuditEvents, getAuditEvent, listErrors, listChanges];

function toAuditFilter(query: AuditQuery): AuditFilter {
  const equal: [string, string | undefined][] = [
    ["credentialId", query.credential_id],
    ["recipientId", query.recipient_id],
    ["connectionId", query.connection_id],
    ["grantId", query.grant_id],
    ["upstreamCredentialId", query.upstream_credential_id],
    ["customer", query.customer],
    ["environment", query.environment],
    ["operation", query.operation],
    ["reason", query.reason],
    ["address", query.address],
    ["requestId", query.request_id],
    ["id", query.id],
    ["hash", query.hash],
    ["prevHash", query.prev_hash],
  ];
  const ranges: [string, NumberRange | undefined][] = [
    ["seq", query.seq],
    ["admission", query.admission],
    ["attempts", query.attempts],
    ["latencyMs", query.latency_ms],
    ["upstreamMs", query.upstream_ms],
    ["bytesIn", query.bytes_in],
    ["bytesOut", query.bytes_out],
    ["costUsdMicros", query.cost_usd_micros],
    ["count", query.count],
  ];
  return {
    equal: Object.fromEntries(equal.filter(([, value]) => value !== undefined)),
    ranges: Object.fromEntries(ranges.filter(([, value]) => value !== undefined)),
    decision: query.decision,
    method: query.method,
    status: statusOf(query.status),
    upstreamStatus: statusOf(query.upstream_status),
    path: pathOf(query.path),
    userAgent: query.user_agent,
    notes: query.notes,
    fromMs: timeMs(query.from),
    toMs: timeMs(query.to),
  };
}

async function searched(context: RouteContext, query: AuditQuery, filter: AuditFilter): Promise<Outcome> {
  const after = positionOf(query.cursor);
  if (after === undefined) return err(fieldProblem("cursor", "Is not a cursor of this list"));
  const page = { limit: query.limit, after };
  const { rows, next } = await searchAuditEvents(context.env.AUDIT_DB, context.organisationId, filter, page);
  const cursor = next === null ? null : encodeCursor({ atMs: next.atMs, id: String(next.n) });
  return reply(200, { data: rows.map(auditEventView), next_cursor: cursor });
}

async function arrived(context: RouteContext, query: AuditListQuery): Promise<Outcome> {
  const { AUDIT_DB } = context.env;
  if (query.start === "now")
    return reply(200, { data: [], next_cursor: arrivalCursor(await highestRowNumber(AUDIT_DB)) });
  const after = query.cursor === undefined ? 0 : arrivalOf(query.cursor);
  if (after === null) return err(fieldProblem("cursor", "Is not a cursor of this order"));
  const page = { limit: query.limit, after };
  const { rows, seenTo } = await readArrivals(AUDIT_DB, context.organisationId, toAuditFilter(query), page);
  return reply(200, { data: rows.map(auditEventView), next_cursor: arrivalCursor(seenTo) });
}

/** The word before the row number keeps one order's cursors from being taken for the other's. */
function arrivalCursor(n: number): string {
  return encodeCursor({ atMs: 0, id: `arrival:${n}` });
}

function arrivalOf(cursor: string): number | null {
  const digits = /^arrival:(\d{1,15})$/.exec(decodeCursor(cursor)?.id ?? "")?.[1];
  return digits === undefined ? null : Number(digits);
}

/** The cursor's id holds a row number here: events of one moment are in the order of their arrival. */
function positionOf(cursor: string | undefined): AuditPosition | null | undefined {
  if (cursor === undefined) return null;
  const position = decodeCursor(cursor);
  return position === null || !/^\d{1,15}$/.test(position.id)
    ? undefined
    : { atMs: position.atMs, n: Number(position.id) };
}

function statusOf(text: string | undefined): NumberRange | undefined {
  if (text === undefined) return undefined;
  if (!text.endsWith("xx")) return { from: Number(text), to: Number(text) };
  const from = Number(text.charAt(0)) * 100;
  return { from, to: from + 99 };
}

function pathOf(text: string | undefined): PathFilter | undefined {
  if (text === undefined) return undefined;
  if (!text.startsWith("/")) return { kind: "contains", text };
  if (isGlob(text)) return { kind: "glob", text };
  return text.endsWith("*") ? { kind: "starts", text: text.slice(0, -1) } : { kind: "is", text };
}

export function auditEventView(row: AuditEventRow): AuditEventView {
  return {
    id: row.id,
    seq: row.seq,
    admission: row.admission,
    at: wireTime(row.atMs),
    credential_id: row.credentialId,
    recipient_id: row.recipientId,
    connection_id: row.connectionId,
    grant_id: row.grantId,
    customer: row.customer,
    environment: row.environment,
    method: row.method,
    path: row.path,
    operation: row.operation,
    decision: row.decision,
    reason: row.reason,
    status: row.status,
    upstream_status: row.upstreamStatus,
    attempts: row.attempts,
    latency_ms: row.latencyMs,
    upstream_ms: row.upstreamMs,
    bytes_in: row.bytesIn,
    bytes_out: row.bytesOut,
    cost_usd_micros: row.costUsdMicros,
    address: row.address,
    user_agent: row.userAgent,
    request_id: row.requestId,
    upstream_credential_id: row.upstreamCredentialId,
    count: row.count,
    notes: JSON.parse(row.notes) as Record<string, unknown>,
    prev_hash: row.prevHash,
    hash: row.hash,
  };
}

function controlEventView(row: ControlEventRow): z.output<typeof ControlEvent> {
  return {
    id: row.id,
    at: wireTime(row.atMs),
    actor: { id: row.actorId, kind: row.actorKind, name: row.actorName, role: row.role },
    action: row.action,
    target_type: row.targetType,
    target_id: row.targetId,
    before: row.before,
    after: row.after,
    request_id: row.requestId,
    address: row.address,
  };
}
