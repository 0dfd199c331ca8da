/** Replacing master keys: at once, or with a canary that is promoted when it has proved itself. */
import * as z from "zod";
import { ConnectionId } from "../../../src/contract/fields.ts";
import { notFound } from "../../../src/contract/problem.ts";
import { UpstreamCredential, UpstreamCredentialRotate } from "../../../src/contract/upstream-credential.ts";
import { err } from "../../../src/domain/result.ts";
import { findConnection, updateUpstreamCredential, upstreamCredentialsOf } from "../../../src/store/connections.ts";
import type { UpstreamCredentialRow } from "../../../src/store/connections.ts";
import { EDITORS, defineRoute } from "../route.ts";
import type { Outcome, Route, RouteContext } from "../route.ts";
import { checkSecret, newUpstreamCredential, placeSecret } from "../upstream-secret.ts";
import { LOCATION_NOTE, OF_ONE, addTo, findOne, insertOne, onePaths, storeOne } from "./upstream-credentials.ts";

const rotateOne = defineRoute({
  ...OF_ONE,
  method: "POST",
  ...onePaths("/rotate"),
  operationId: "rotateUpstreamCredential",
  summary: "Replace a master key, at once or with a canary",
  description:
    "With `canary_share` the new key takes that share of the calls beside the old one until it is promoted. " +
    LOCATION_NOTE,
  body: UpstreamCredentialRotate,
  responses: { 200: UpstreamCredential, 201: UpstreamCredential },
  async handler(context, { params, body }): Promise<Outcome> {
    const found = await findOne(context, params);
    if (!found.ok) return found;
    return rotate(context, found.value, body);
  },
});

/** The short way for a connection with one master key. */
const rotateOfConnection = defineRoute({
  method: "POST",
  path: "/api/v1/connections/:connection_id/rotate",
  aliases: ["/admin/partners/:connection_id/rotate"],
  operationId: "rotateConnectionSecret",
  tag: OF_ONE.tag,
  summary: "Replace the master key of a connection that has one in use",
  description: LOCATION_NOTE,
  roles: EDITORS,
  params: z.strictObject({ connection_id: ConnectionId }),
  body: UpstreamCredentialRotate,
  responses: { 200: UpstreamCredential, 201: UpstreamCredential },
  async handler(context, { params, body }): Promise<Outcome> {
    const connection = await findConnection(context.db, context.organisationId, params.connection_id);
    if (connection === null) return err(notFound("connection"));
    const all = await upstreamCredentialsOf(context.db, context.organisationId, [connection.id]);
    const [only, ...more] = all.filter((row) => row.state === "active");
    if (only === undefined) return addTo(context, connection.id, body);
    if (more.length > 0) {
      const detail = "The connection has several master keys in use; rotate one of them by its id";
      return err({ code: "conflict", detail });
    }
    return rotate(context, only, body);
  },
});

const promoteOne = defineRoute({
  ...OF_ONE,
  method: "POST",
  ...onePaths("/promote"),
  operationId: "promoteUpstreamCredential",
  summary: "Let a canary take all calls; the key that it replaces is disabled",
  responses: { 200: UpstreamCredential },
  async handler(context, { params }): Promise<Outcome> {
    const found = await findOne(context, params);
    if (!found.ok) return found;
    const row = found.value;
    if (row.state !== "canary") return err({ code: "conflict", detail: "Only a canary can be promoted" });
    const retire =
      row.replacesId === null
        ? []
        : [
            updateUpstreamCredential(context.db, context.organisationId, row.replacesId, {
              state: "disabled",
              updatedAtMs: context.nowMs,
            }),
          ];
    return storeOne(context, row, { state: "active", canaryShare: 0, replacesId: null }, retire);
  },
});

export const UPSTREAM_ROTATION_ROUTES: readonly Route[] = [rotateOne, rotateOfConnection, promoteOne];

async function rotate(
  context: RouteContext,
  row: UpstreamCredentialRow,
  body: z.output<typeof UpstreamCredentialRotate>,
): Promise<Outcome> {
  const connection = await findConnection(context.db, context.organisationId, row.connectionId);
  if (connection === null) return err(notFound("connection"));
  const usable = checkSecret(context, connection.auth, body);
  if (!usable.ok) return usable;
  if (body.canary_share !== undefined) return addCanary(context, row, body.canary_share, body);
  const version = row.version + 1;
  const placed = await placeSecret(context, { connectionId: row.connectionId, id: row.id, version }, body);
  return storeOne(context, row, { ...placed, version, rotatedAtMs: context.nowMs });
}

async function addCanary(
  context: RouteContext,
  replaced: UpstreamCredentialRow,
  canaryShare: number,
  body: z.output<typeof UpstreamCredentialRotate>,
): Promise<Outcome> {
  if (replaced.state !== "active")
    return err({ code: "conflict", detail: "Only an active master key can have a canary" });
  const fresh = await newUpstreamCredential(context, replaced.connectionId, { ...body, name: replaced.name });
  return insertOne(context, {
    ...fresh,
    environment: replaced.environment,
    priority: replaced.priority,
    weight: replaced.weight,
    state: "canary",
    canaryShare,
    replacesId: replaced.id,
  });
}
