/**
 * Uploads a vendor's OpenAPI document for a connection. Only the names of its operations are kept: they name calls in audit
 * events and say what a scope reaches. No reference in it is followed.
 */
import * as z from "zod";
import { ConnectionId } from "../../../src/contract/fields.ts";
import { fieldProblem, notFound } from "../../../src/contract/problem.ts";
import { MAX_OPENAPI_BYTES, readOpenApi } from "../../../src/domain/openapi-operations.ts";
import { err } from "../../../src/domain/result.ts";
import { findConnection } from "../../../src/store/connections.ts";
import { reply } from "../answer.ts";
import { storeConnection } from "../connection-change.ts";
import { EDITORS, defineRoute } from "../route.ts";
import type { Outcome, Route } from "../route.ts";

/** Documents nest their schemas deeper than any request of this API does. */
const MAX_OPENAPI_DEPTH = 128;

const Uploaded = z
  .strictObject({
    operations: z.array(z.strictObject({ method: z.string(), template: z.string(), name: z.string() })),
    /** What was left out, and why. */
    notes: z.array(z.string()),
  })
  .meta({ id: "UploadedOperations" });

const uploadOpenApi = defineRoute({
  method: "PUT",
  path: "/api/v1/connections/:connection_id/openapi",
  aliases: ["/admin/partners/:connection_id/openapi"],
  operationId: "uploadOpenApi",
  tag: "Connections",
  summary: "Name a connection's operations by the vendor's OpenAPI 3 document",
  description: "The document itself is the body, as JSON. It replaces the operations that the connection has.",
  roles: EDITORS,
  params: z.strictObject({ connection_id: ConnectionId }),
  body: z.record(z.string(), z.unknown()),
  largeBody: { maxBytes: MAX_OPENAPI_BYTES, maxDepth: MAX_OPENAPI_DEPTH },
  responses: { 200: Uploaded },
  async handler(context, { params, body }): Promise<Outcome> {
    const row = await findConnection(context.db, context.organisationId, params.connection_id);
    if (row === null) return err(notFound("connection"));
    const basePath = new URL(row.baseUrl).pathname.replace(/\/$/, "");
    const read = readOpenApi(body, basePath);
    if (!read.ok) return err(fieldProblem("openapi", read.error));
    const operations = [...read.value.operations];
    const stored = await storeConnection(context, row, { ...row, settings: { ...row.settings, operations } });
    return stored.ok ? reply(200, { operations, notes: [...read.value.notes] }) : stored;
  },
});

export const CONNECTION_OPENAPI_ROUTES: readonly Route[] = [uploadOpenApi];
