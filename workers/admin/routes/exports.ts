/** Exports of audit events: asked for here, written by the audit Worker, fetched here until they expire. */
import * as z from "zod";
import { AuditExport, ExportCreate, ExportId } from "../../../src/contract/export.ts";
import { wireTime } from "../../../src/contract/fields.ts";
import { PAGE_QUERY, pageOf } from "../../../src/contract/page.ts";
import { fieldProblem, notFound } from "../../../src/contract/problem.ts";
import { err, ok } from "../../../src/domain/result.ts";
import type { ExportFilter } from "../../../src/store/audit-extra-schema.ts";
import { runBatch } from "../../../src/store/control-db.ts";
import { findExport, insertExport, listExports, type ExportJob } from "../../../src/store/exports.ts";
import { reply } from "../answer.ts";
import { freshId, recordChange } from "../changes.ts";
import { pageBody, pageRequest } from "../pages.ts";
import { defineRoute, READERS, type Outcome, type Route, type RouteContext } from "../route.ts";

const PATH = "/api/v1/audit-exports";
const TAG = "Audit exports";
const ONE = z.strictObject({ export_id: ExportId });
const LIFETIME_MS = 7 * 86_400_000;

const createExport = defineRoute({
  method: "POST",
  path: PATH,
  operationId: "createAuditExport",
  tag: TAG,
  summary: "Export audit events as NDJSON, CSV or Parquet",
  description: "Answers at once; the file is written in the background and kept for seven days.",
  roles: READERS,
  body: ExportCreate,
  responses: { 202: AuditExport },
  async handler(context, { body }): Promise<Outcome> {
    const filter = filterOf(body);
    if (filter.fromMs !== undefined && filter.toMs !== undefined && filter.fromMs >= filter.toMs) {
      return err(fieldProblem("from", "Must lie before to"));
    }
    const job: ExportJob = {
      id: freshId(context, "exp"),
      organisationId: context.organisationId,
      format: body.format,
      filter,
      state: "pending",
      rows: 0,
      bytes: 0,
      objectKey: null,
      sha256: null,
      createdBy: context.caller.id,
      createdAtMs: context.nowMs,
      startedAtMs: null,
      finishedAtMs: null,
      expiresAtMs: context.nowMs + LIFETIME_MS,
      attempts: 0,
      uploadId: null,
      upToN: null,
    };
    const view = exportView(context, job);
    await runBatch(context.db, [
      recordChange(context, { targetType: "audit_export", targetId: job.id, before: null, after: view }),
    ]);
    await insertExport(context.env.AUDIT_DB, job);
    // An empty message wakes the audit Worker; without it the cron would find the job a little later.
    context.defer(context.env.AUDIT_QUEUE.send({ v: 1, kind: "doorstep", events: [] }).catch(() => {}));
    return reply(202, view);
  },
});

const listAllExports = defineRoute({
  method: "GET",
  path: PATH,
  operationId: "listAuditExports",
  tag: TAG,
  summary: "List exports, newest first",
  roles: READERS,
  query: z.strictObject(PAGE_QUERY),
  responses: { 200: pageOf(AuditExport) },
  async handler(context, { query }): Promise<Outcome> {
    const rows = await listExports(context.env.AUDIT_DB, context.organisationId, pageRequest(query));
    return reply(
      200,
      pageBody(
        rows,
        query.limit,
        (row) => row.createdAtMs,
        (row) => exportView(context, row),
      ),
    );
  },
});

const getExport = defineRoute({
  method: "GET",
  path: `${PATH}/:export_id`,
  operationId: "getAuditExport",
  tag: TAG,
  summary: "Read how far an export is",
  roles: READERS,
  params: ONE,
  responses: { 200: AuditExport },
  async handler(context, { params }): Promise<Outcome> {
    const job = await findExport(context.env.AUDIT_DB, context.organisationId, params.export_id);
    return job === null ? err(notFound("export")) : reply(200, exportView(context, job));
  },
});

const downloadExport = defineRoute({
  method: "GET",
  path: `${PATH}/:export_id/download`,
  operationId: "downloadAuditExport",
  tag: TAG,
  summary: "Fetch the file of an export",
  roles: READERS,
  params: ONE,
  responses: { 200: ["application/x-ndjson", "text/csv", "application/vnd.apache.parquet"] },
  problems: ["conflict", "gone"],
  async handler(context, { params }): Promise<Outcome> {
    const job = await findExport(context.env.AUDIT_DB, context.organisationId, params.export_id);
    if (job === null) return err(notFound("export"));
    if (job.expiresAtMs <= context.nowMs) return err({ code: "gone", detail: "The export has expired" });
    if (job.state !== "done" || job.objectKey === null) {
      return err({ code: "conflict", detail: `The export is ${job.state}` });
    }
    const file = await context.env.EXPORTS.get(job.objectKey);
    if (file === null) return err({ code: "gone", detail: "The file is no longer there" });
    const headers = new Headers({
      "content-type": file.httpMetadata?.contentType ?? "application/octet-stream",
      "content-disposition": `attachment; filename="${job.id}.${job.format}"`,
      "content-length": String(file.size),
      "content-security-policy": "default-src 'none'; sandbox",
    });
    return ok(new Response(file.body, { headers }));
  },
});

export const EXPORT_ROUTES: readonly Route[] = [createExport, listAllExports, getExport, downloadExport];

function filterOf(body: z.output<typeof ExportCreate>): ExportFilter {
  return {
    ...(body.credential_id === undefined ? {} : { credentialId: body.credential_id }),
    ...(body.recipient_id === undefined ? {} : { recipientId: body.recipient_id }),
    ...(body.connection_id === undefined ? {} : { connectionId: body.connection_id }),
    ...(body.customer === undefined ? {} : { customer: body.customer }),
    ...(body.environment === undefined ? {} : { environment: body.environment }),
    ...(body.decision === undefined ? {} : { decision: body.decision }),
    ...(body.from === undefined ? {} : { fromMs: Date.parse(body.from) }),
    ...(body.to === undefined ? {} : { toMs: Date.parse(body.to) }),
  };
}

function exportView(context: RouteContext, job: ExportJob): AuditExport {
  const { filter } = job;
  const origin = context.settings.adminOrigin ?? new URL(context.request.url).origin;
  return {
    id: job.id,
    format: job.format,
    filter: {
      ...(filter.credentialId === undefined ? {} : { credential_id: filter.credentialId }),
      ...(filter.recipientId === undefined ? {} : { recipient_id: filter.recipientId }),
      ...(filter.connectionId === undefined ? {} : { connection_id: filter.connectionId }),
      ...(filter.customer === undefined ? {} : { customer: filter.customer }),
      ...(filter.environment === undefined ? {} : { environment: filter.environment }),
      ...(filter.decision === undefined ? {} : { decision: filter.decision }),
      ...(filter.fromMs === undefined ? {} : { from: wireTime(filter.fromMs) }),
      ...(filter.toMs === undefined ? {} : { to: wireTime(filter.toMs) }),
    },
    state: job.state,
    rows: job.rows,
    bytes: job.bytes,
    sha256: job.sha256,
    download_url: job.state === "done" ? `${origin}${PATH}/${job.id}/download` : null,
    created_by: job.createdBy,
    created_at: wireTime(job.createdAtMs),
    finished_at: wireTime(job.finishedAtMs),
    expires_at: wireTime(job.expiresAtMs),
  };
}
