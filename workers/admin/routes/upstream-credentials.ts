/**
 * Upstream credentials: the master keys of a connection. A secret goes in once; what comes out is `last4` at most.
 * They are reached below their connection, and by the governance API by their id alone.
 */
import * as z from "zod";
import { ConnectionId, UpstreamCredentialId } from "../../../src/contract/fields.ts";
import { PAGE_QUERY, pageOf } from "../../../src/contract/page.ts";
import { notFound } from "../../../src/contract/problem.ts";
import type { AdminProblem } from "../../../src/contract/problem.ts";
import {
  UpstreamCredential,
  UpstreamCredentialCreate,
  UpstreamCredentialCreateFlat,
  UpstreamCredentialPatch,
} from "../../../src/contract/upstream-credential.ts";
import { err, ok } from "../../../src/domain/result.ts";
import type { Result } from "../../../src/domain/result.ts";
import {
  deleteUpstreamCredential,
  findConnection,
  findUpstreamCredential,
  guardSettings,
  insertUpstreamCredential,
  listUpstreamCredentials,
  updateUpstreamCredential,
} from "../../../src/store/connections.ts";
import type { UpstreamCredentialRow } from "../../../src/store/connections.ts";
import { onlyChanged } from "../../../src/store/control-db.ts";
import type { Statement } from "../../../src/store/control-db.ts";
import { raiseVersions } from "../../../src/store/gate-pending.ts";
import { reply } from "../answer.ts";
import { acknowledgeGates, changedMeanwhile, recordChange } from "../changes.ts";
import { upstreamCredentialView } from "../connection-view.ts";
import { pageBody, pageRequest } from "../pages.ts";
import { EDITORS, READERS, defineRoute } from "../route.ts";
import type { Outcome, Route, RouteContext } from "../route.ts";
import { checkSecret, newUpstreamCredential } from "../upstream-secret.ts";
import type { NewUpstreamCredential } from "../upstream-secret.ts";

const NESTED = "/api/v1/connections/:connection_id/upstream-credentials";
const FLAT = "/admin/upstream-credentials";
const TAG = "Upstream credentials";
export const LOCATION_NOTE = "Only an owner may give a `location`, a place outside where the secret is kept.";
const ONE = z.strictObject({ connection_id: ConnectionId.optional(), upstream_credential_id: UpstreamCredentialId });

export const OF_ONE = {
  tag: TAG,
  roles: EDITORS,
  params: ONE,
} as const;

export function onePaths(suffix: "" | `/${string}` = "") {
  const path: `/${string}` = `${NESTED}/:upstream_credential_id${suffix}`;
  const alias: `/${string}` = `${FLAT}/:upstream_credential_id${suffix}`;
  return { path, aliases: [alias] };
}

const addUpstreamCredential = defineRoute({
  method: "POST",
  path: NESTED,
  aliases: ["/admin/partners/:connection_id/upstream-credentials"],
  operationId: "addUpstreamCredential",
  tag: TAG,
  summary: "Add a master key to a connection",
  description: LOCATION_NOTE,
  roles: EDITORS,
  params: z.strictObject({ connection_id: ConnectionId }),
  body: UpstreamCredentialCreate,
  responses: { 201: UpstreamCredential },
  handler: (context, { params, body }) => addTo(context, params.connection_id, body),
});

const addUpstreamCredentialFlat = defineRoute({
  method: "POST",
  path: FLAT,
  operationId: "createUpstreamCredential",
  tag: TAG,
  summary: "Add a master key to the connection named in the body",
  description: LOCATION_NOTE,
  roles: EDITORS,
  body: UpstreamCredentialCreateFlat,
  responses: { 201: UpstreamCredential },
  handler: (context, { body }) => addTo(context, body.connection_id, body),
});

const listOfConnection = defineRoute({
  method: "GET",
  path: NESTED,
  aliases: ["/admin/partners/:connection_id/upstream-credentials"],
  operationId: "listUpstreamCredentials",
  tag: TAG,
  summary: "List the master keys of a connection",
  roles: READERS,
  params: z.strictObject({ connection_id: ConnectionId }),
  query: z.strictObject(PAGE_QUERY),
  responses: { 200: pageOf(UpstreamCredential) },
  async handler(context, { params, query }): Promise<Outcome> {
    const connection = await findConnection(context.db, context.organisationId, params.connection_id);
    if (connection === null) return err(notFound("connection"));
    return listed(context, connection.id, query);
  },
});

const listFlat = defineRoute({
  method: "GET",
  path: FLAT,
  operationId: "listAllUpstreamCredentials",
  tag: TAG,
  summary: "List master keys of all connections",
  roles: READERS,
  query: z.strictObject({ ...PAGE_QUERY, connection_id: ConnectionId.optional() }),
  responses: { 200: pageOf(UpstreamCredential) },
  handler: (context, { query }) => listed(context, query.connection_id, query),
});

const getOne = defineRoute({
  ...OF_ONE,
  method: "GET",
  ...onePaths(),
  operationId: "getUpstreamCredential",
  summary: "Read one master key's entry",
  roles: READERS,
  responses: { 200: UpstreamCredential },
  async handler(context, { params }): Promise<Outcome> {
    const found = await findOne(context, params);
    return found.ok ? reply(200, upstreamCredentialView(found.value)) : found;
  },
});

const changeOne = defineRoute({
  ...OF_ONE,
  method: "PATCH",
  ...onePaths(),
  operationId: "changeUpstreamCredential",
  summary: "Disable, enable, rename or reorder a master key",
  body: UpstreamCredentialPatch,
  responses: { 200: UpstreamCredential },
  async handler(context, { params, body }): Promise<Outcome> {
    const found = await findOne(context, params);
    if (!found.ok) return found;
    const row = found.value;
    return storeOne(context, row, {
      name: body.name === undefined ? row.name : body.name,
      environment: body.environment === undefined ? row.environment : body.environment,
      priority: body.priority ?? row.priority,
      weight: body.weight ?? row.weight,
      state: body.status ?? row.state,
      canaryShare: body.status === undefined ? row.canaryShare : 0,
    });
  },
});

const removeOne = defineRoute({
  ...OF_ONE,
  method: "DELETE",
  ...onePaths(),
  operationId: "deleteUpstreamCredential",
  summary: "Delete a master key",
  responses: { 204: null },
  async handler(context, { params }): Promise<Outcome> {
    const found = await findOne(context, params);
    if (!found.ok) return found;
    const { id, connectionId } = found.value;
    const [pending] = await context.db.batch([
      raiseVersions(context.db, context.organisationId, { connectionId }, context.nowMs),
      deleteUpstreamCredential(context.db, context.organisationId, id),
      recordChange(context, {
        targetType: "upstream_credential",
        targetId: id,
        before: upstreamCredentialView(found.value),
        after: null,
      }),
    ]);
    const told = await acknowledgeGates(context, pending);
    return told.ok ? reply(204) : told;
  },
});

export const UPSTREAM_CREDENTIAL_ROUTES: readonly Route[] = [
  addUpstreamCredential,
  addUpstreamCredentialFlat,
  listOfConnection,
  listFlat,
  getOne,
  changeOne,
  removeOne,
];

type OnePlace = z.output<typeof ONE>;

/** A master key that exists, but below another connection than the path says, does not exist. */
export async function findOne(
  context: RouteContext,
  place: OnePlace,
): Promise<Result<UpstreamCredentialRow, AdminProblem>> {
  const row = await findUpstreamCredential(context.db, context.organisationId, place.upstream_credential_id);
  const elsewhere = place.connection_id !== undefined && row?.connectionId !== place.connection_id;
  return row === null || elsewhere ? err(notFound("upstream credential")) : ok(row);
}

async function listed(
  context: RouteContext,
  connectionId: string | undefined,
  query: { limit: number; cursor?: string | undefined },
): Promise<Outcome> {
  const rows = await listUpstreamCredentials(context.db, context.organisationId, connectionId, pageRequest(query));
  return reply(
    200,
    pageBody(rows, query.limit, (row) => row.createdAtMs, upstreamCredentialView),
  );
}

export async function addTo(
  context: RouteContext,
  connectionId: string,
  body: NewUpstreamCredential,
): Promise<Outcome> {
  const connection = await findConnection(context.db, context.organisationId, connectionId);
  if (connection === null) return err(notFound("connection"));
  const usable = checkSecret(context, connection.auth, body);
  if (!usable.ok) return usable;
  const row = await newUpstreamCredential(context, connection.id, body);
  try {
    // A key is meant for the host and the scheme that the connection had.
    return await insertOne(context, row, [guardSettings(context.db, connection)]);
  } catch (cause) {
    return changedMeanwhile(cause, "connection");
  }
}

export async function insertOne(
  context: RouteContext,
  row: UpstreamCredentialRow,
  guards: readonly Statement[] = [],
): Promise<Outcome> {
  const view = upstreamCredentialView(row);
  const [pending] = await context.db.batch([
    raiseVersions(context.db, context.organisationId, { connectionId: row.connectionId }, context.nowMs),
    ...guards,
    insertUpstreamCredential(context.db, row),
    recordChange(context, { targetType: "upstream_credential", targetId: row.id, before: null, after: view }),
  ]);
  const told = await acknowledgeGates(context, pending);
  if (told.ok) return reply(201, view);
  // Taken back, so that repeating the request does not leave two.
  await context.db.batch([
    raiseVersions(context.db, context.organisationId, { connectionId: row.connectionId }, context.nowMs),
    deleteUpstreamCredential(context.db, context.organisationId, row.id),
    recordChange(context, { targetType: "upstream_credential", targetId: row.id, before: view, after: null }),
  ]);
  return told;
}

export async function storeOne(
  context: RouteContext,
  before: UpstreamCredentialRow,
  change: Partial<UpstreamCredentialRow>,
  also: readonly Statement[] = [],
): Promise<Outcome> {
  const stamped = { ...onlyChanged(before, change), updatedAtMs: context.nowMs };
  const view = upstreamCredentialView({ ...before, ...stamped });
  const [pending] = await context.db.batch([
    raiseVersions(context.db, context.organisationId, { connectionId: before.connectionId }, context.nowMs),
    updateUpstreamCredential(context.db, context.organisationId, before.id, stamped),
    ...also,
    recordChange(context, {
      targetType: "upstream_credential",
      targetId: before.id,
      before: upstreamCredentialView(before),
      after: view,
    }),
  ]);
  const told = await acknowledgeGates(context, pending);
  return told.ok ? reply(200, view) : told;
}
