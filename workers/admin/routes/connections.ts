/** Connections: third-party APIs reached through RelayKey. The governance API calls them partners. */
import * as z from "zod";
import {
  Connection,
  ConnectionCreate,
  ConnectionPatch,
  VendorId,
  toConnectionSettings,
} from "../../../src/contract/connection.ts";
import { ConnectionId, Environment } from "../../../src/contract/fields.ts";
import { PAGE_QUERY, pageOf } from "../../../src/contract/page.ts";
import { notFound } from "../../../src/contract/problem.ts";
import { err } from "../../../src/domain/result.ts";
import {
  countConnections,
  deleteConnection,
  findConnection,
  guardConnections,
  insertConnection,
  insertUpstreamCredential,
  listConnections,
  upstreamCredentialsOf,
} from "../../../src/store/connections.ts";
import type { ConnectionRow } from "../../../src/store/connections.ts";
import { isFailedGuard, isUniqueViolation, runBatch } from "../../../src/store/control-db.ts";
import { raiseVersions } from "../../../src/store/gate-pending.ts";
import { reply } from "../answer.ts";
import { acknowledgeGates, freshId, recordChange } from "../changes.ts";
import { checkExposure, storeConnection, upstreamOf } from "../connection-change.ts";
import { checkConnectionParts, newConnectionParts } from "../connection-input.ts";
import { connectionView } from "../connection-view.ts";
import { pageBody, pageRequest } from "../pages.ts";
import { checkRoom, noRoom } from "../plan-limit.ts";
import { EDITORS, READERS, defineRoute } from "../route.ts";
import type { Outcome, Route } from "../route.ts";
import { checkSecret, newUpstreamCredential } from "../upstream-secret.ts";

const PATH = "/api/v1/connections";
const ALIAS = "/admin/partners";
const ONE = z.strictObject({ connection_id: ConnectionId });

const createConnection = defineRoute({
  method: "POST",
  path: PATH,
  aliases: [ALIAS],
  operationId: "createConnection",
  tag: "Connections",
  summary: "Make a connection, with its first master key if one is given",
  description: "Only an owner may give a `location`, a place outside where the master key is kept.",
  roles: EDITORS,
  body: ConnectionCreate,
  responses: { 201: Connection },
  async handler(context, { body }): Promise<Outcome> {
    const current = await countConnections(context.db, context.organisationId);
    const room = await checkRoom(context, "connections", current);
    if (!room.ok) return room;
    const made = newConnectionParts(body);
    if (!made.ok) return made;
    const parts = checkConnectionParts(context, made.value);
    if (!parts.ok) return parts;
    const usable = checkSecret(context, parts.value.auth, body);
    if (!usable.ok) return usable;
    const row: ConnectionRow = {
      organisationId: context.organisationId,
      id: body.id ?? freshId(context, "conn"),
      name: body.name,
      vendor: body.vendor ?? null,
      environment: body.environment ?? null,
      status: "active",
      ...parts.value,
      createdBy: context.caller.id,
      createdAtMs: context.nowMs,
      updatedAtMs: context.nowMs,
    };
    const stated = body.secret !== undefined || body.location !== undefined;
    const upstream = stated ? [await newUpstreamCredential(context, row.id, body)] : [];
    const view = connectionView(row, upstream);
    const change = { targetType: "connection", targetId: row.id, before: null, after: view };
    try {
      await runBatch(context.db, [
        ...(room.value === null ? [] : [guardConnections(context.db, context.organisationId, room.value)]),
        ...insertConnection(context.db, row),
        ...upstream.map((each) => insertUpstreamCredential(context.db, each)),
        recordChange(context, change),
      ]);
    } catch (cause) {
      if (isFailedGuard(cause)) return err(noRoom("connections", room.value ?? 0));
      if (!isUniqueViolation(cause)) throw cause;
      const message = "Names a connection that exists already";
      return err({ code: "conflict", detail: `id: ${message}`, errors: [{ field: "id", message }] });
    }
    return reply(201, view);
  },
});

const listAllConnections = defineRoute({
  method: "GET",
  path: PATH,
  aliases: [ALIAS],
  operationId: "listConnections",
  tag: "Connections",
  summary: "List connections, newest first",
  roles: READERS,
  query: z.strictObject({ ...PAGE_QUERY, environment: Environment.optional(), vendor: VendorId.optional() }),
  responses: { 200: pageOf(Connection) },
  async handler(context, { query }): Promise<Outcome> {
    const rows = await listConnections(context.db, context.organisationId, query, pageRequest(query));
    const ids = rows.map((row) => row.id);
    const upstream = await upstreamCredentialsOf(context.db, context.organisationId, ids);
    const body = pageBody(
      rows,
      query.limit,
      (row) => row.createdAtMs,
      (row) => connectionView(row, upstream),
    );
    return reply(200, body);
  },
});

const getConnection = defineRoute({
  method: "GET",
  path: `${PATH}/:connection_id`,
  aliases: [`${ALIAS}/:connection_id`],
  operationId: "getConnection",
  tag: "Connections",
  summary: "Read one connection",
  roles: READERS,
  params: ONE,
  responses: { 200: Connection },
  async handler(context, { params }): Promise<Outcome> {
    const row = await findConnection(context.db, context.organisationId, params.connection_id);
    if (row === null) return err(notFound("connection"));
    return reply(200, connectionView(row, await upstreamOf(context, row.id)));
  },
});

const changeConnection = defineRoute({
  method: "PATCH",
  path: `${PATH}/:connection_id`,
  aliases: [`${ALIAS}/:connection_id`],
  operationId: "changeConnection",
  tag: "Connections",
  summary: "Change a connection; every credential that reaches it follows at once",
  description:
    "Only an owner may send master keys that are stored already to another host, or name more of their parts as public.",
  roles: EDITORS,
  params: ONE,
  body: ConnectionPatch,
  responses: { 200: Connection },
  async handler(context, { params, body }): Promise<Outcome> {
    const row = await findConnection(context.db, context.organisationId, params.connection_id);
    if (row === null) return err(notFound("connection"));
    const parts = checkConnectionParts(context, {
      baseUrl: body.base_url ?? row.baseUrl,
      auth: body.auth ?? row.auth,
      settings: toConnectionSettings(body, row.settings),
    });
    if (!parts.ok) return parts;
    const allowed = await checkExposure(context, row, parts.value);
    if (!allowed.ok) return allowed;
    const changed = {
      ...row,
      ...parts.value,
      name: body.name ?? row.name,
      environment: body.environment === undefined ? row.environment : body.environment,
    };
    return storeConnection(context, row, changed, allowed.value);
  },
});

const removeConnection = defineRoute({
  method: "DELETE",
  path: `${PATH}/:connection_id`,
  aliases: [`${ALIAS}/:connection_id`],
  operationId: "deleteConnection",
  tag: "Connections",
  summary: "Delete a connection with its master keys and every grant to it",
  roles: EDITORS,
  params: ONE,
  responses: { 204: null },
  async handler(context, { params }): Promise<Outcome> {
    const row = await findConnection(context.db, context.organisationId, params.connection_id);
    if (row === null) return err(notFound("connection"));
    const before = connectionView(row, await upstreamOf(context, row.id));
    const raised = raiseVersions(context.db, context.organisationId, { connectionId: row.id }, context.nowMs);
    const [pending] = await context.db.batch([
      raised,
      ...deleteConnection(context.db, context.organisationId, row.id),
      recordChange(context, { targetType: "connection", targetId: row.id, before, after: null }),
    ]);
    const told = await acknowledgeGates(context, pending);
    return told.ok ? reply(204) : told;
  },
});

function switchConnection(verb: "pause" | "resume", status: ConnectionRow["status"], summary: string): Route {
  return defineRoute({
    method: "POST",
    path: `${PATH}/:connection_id/${verb}`,
    aliases: [`${ALIAS}/:connection_id/${verb}`],
    operationId: `${verb}Connection`,
    tag: "Connections",
    summary,
    roles: EDITORS,
    params: ONE,
    responses: { 200: Connection },
    async handler(context, { params }): Promise<Outcome> {
      const row = await findConnection(context.db, context.organisationId, params.connection_id);
      if (row === null) return err(notFound("connection"));
      return storeConnection(context, row, { ...row, status });
    },
  });
}

export const CONNECTION_ROUTES: readonly Route[] = [
  createConnection,
  listAllConnections,
  getConnection,
  changeConnection,
  removeConnection,
  switchConnection("pause", "paused", "Pause a connection: every call is refused until it is resumed"),
  switchConnection("resume", "active", "Resume a paused connection"),
];
