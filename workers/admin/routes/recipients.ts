/** Recipients: who holds credentials. Revoking one is a single acknowledged step over all their credentials. */
import * as z from "zod";
import { Email, LabelFilter, RecipientId, wireTime } from "../../../src/contract/fields.ts";
import { fromLimits, toLimits } from "../../../src/contract/limits.ts";
import { PAGE_QUERY, pageOf } from "../../../src/contract/page.ts";
import { notFound } from "../../../src/contract/problem.ts";
import {
  Recipient,
  RecipientCreate,
  RecipientKind,
  RecipientPatch,
  RevokedRecipient,
} from "../../../src/contract/recipient.ts";
import { NO_LIMITS } from "../../../src/domain/limits.ts";
import { err } from "../../../src/domain/result.ts";
import { onlyChanged, runBatch } from "../../../src/store/control-db.ts";
import { raiseVersions, revokeCredentials } from "../../../src/store/gate-pending.ts";
import { findRecipient, insertRecipient, listRecipients, updateRecipient } from "../../../src/store/recipients.ts";
import type { RecipientRow } from "../../../src/store/recipients.ts";
import { reply } from "../answer.ts";
import { acknowledgeGates, acknowledgeStored, freshId, recordChange } from "../changes.ts";
import { pageBody, pageRequest } from "../pages.ts";
import { EDITORS, READERS, defineRoute } from "../route.ts";
import type { Outcome, Route } from "../route.ts";

const PATH = "/api/v1/recipients";
const ONE = z.strictObject({ recipient_id: RecipientId });

const createRecipient = defineRoute({
  method: "POST",
  path: PATH,
  operationId: "createRecipient",
  tag: "Recipients",
  summary: "Make a recipient",
  roles: EDITORS,
  body: RecipientCreate,
  responses: { 201: Recipient },
  async handler(context, { body }): Promise<Outcome> {
    const row: RecipientRow = {
      id: freshId(context, "rcpt"),
      organisationId: context.organisationId,
      name: body.name,
      email: body.email ?? null,
      kind: body.kind,
      environment: body.environment ?? null,
      labels: body.labels ?? {},
      limits: body.limits === undefined ? NO_LIMITS : toLimits(body.limits),
      status: "active",
      createdBy: context.caller.id,
      createdAtMs: context.nowMs,
      updatedAtMs: context.nowMs,
      revokedAtMs: null,
    };
    const view = recipientView(row);
    await runBatch(context.db, [
      insertRecipient(context.db, row),
      recordChange(context, { targetType: "recipient", targetId: row.id, before: null, after: view }),
    ]);
    return reply(201, view);
  },
});

const listAllRecipients = defineRoute({
  method: "GET",
  path: PATH,
  operationId: "listRecipients",
  tag: "Recipients",
  summary: "List recipients, newest first",
  roles: READERS,
  query: z.strictObject({
    ...PAGE_QUERY,
    status: z.enum(["active", "revoked"]).optional(),
    kind: RecipientKind.optional(),
    email: Email.optional(),
    label: LabelFilter.optional(),
  }),
  responses: { 200: pageOf(Recipient) },
  async handler(context, { query }): Promise<Outcome> {
    const rows = await listRecipients(context.db, context.organisationId, query, pageRequest(query));
    return reply(
      200,
      pageBody(rows, query.limit, (row) => row.createdAtMs, recipientView),
    );
  },
});

const getRecipient = defineRoute({
  method: "GET",
  path: `${PATH}/:recipient_id`,
  operationId: "getRecipient",
  tag: "Recipients",
  summary: "Read one recipient",
  roles: READERS,
  params: ONE,
  responses: { 200: Recipient },
  async handler(context, { params }): Promise<Outcome> {
    const row = await findRecipient(context.db, context.organisationId, params.recipient_id);
    return row === null ? err(notFound("recipient")) : reply(200, recipientView(row));
  },
});

const changeRecipient = defineRoute({
  method: "PATCH",
  path: `${PATH}/:recipient_id`,
  operationId: "changeRecipient",
  tag: "Recipients",
  summary: "Change a recipient",
  roles: EDITORS,
  params: ONE,
  body: RecipientPatch,
  responses: { 200: Recipient },
  async handler(context, { params, body }): Promise<Outcome> {
    const row = await findRecipient(context.db, context.organisationId, params.recipient_id);
    if (row === null) return err(notFound("recipient"));
    const change = {
      name: body.name ?? row.name,
      email: body.email === undefined ? row.email : body.email,
      kind: body.kind ?? row.kind,
      environment: body.environment === undefined ? row.environment : body.environment,
      labels: body.labels ?? row.labels,
      limits: body.limits === undefined ? row.limits : toLimits(body.limits),
      updatedAtMs: context.nowMs,
    };
    const { updatedAtMs, ...stated } = change;
    const changed = onlyChanged(row, stated);
    if (Object.keys(changed).length === 0) {
      const told = await acknowledgeStored(context, { recipientId: row.id });
      return told.ok ? reply(200, recipientView(row)) : told;
    }
    const view = recipientView({ ...row, ...change });
    const [pending] = await context.db.batch([
      raiseVersions(context.db, context.organisationId, { recipientId: row.id }, context.nowMs),
      updateRecipient(context.db, context.organisationId, row.id, { ...changed, updatedAtMs }),
      recordChange(context, { targetType: "recipient", targetId: row.id, before: recipientView(row), after: view }),
    ]);
    const told = await acknowledgeGates(context, pending);
    return told.ok ? reply(200, view) : told;
  },
});

const revokeRecipient = defineRoute({
  method: "POST",
  path: `${PATH}/:recipient_id/revoke`,
  operationId: "revokeRecipient",
  tag: "Recipients",
  summary: "Revoke a recipient with all their credentials",
  description: "Answers 200 only once no credential of the recipient is admitted anywhere. Safe to repeat.",
  roles: EDITORS,
  params: ONE,
  responses: { 200: RevokedRecipient },
  async handler(context, { params }): Promise<Outcome> {
    const { db, organisationId, nowMs } = context;
    const row = await findRecipient(db, organisationId, params.recipient_id);
    if (row === null) return err(notFound("recipient"));
    const affected = { recipientId: row.id };
    const after: RecipientRow =
      row.status === "revoked" ? row : { ...row, status: "revoked", revokedAtMs: nowMs, updatedAtMs: nowMs };
    const view = recipientView(after);
    const { status, revokedAtMs, updatedAtMs } = after;
    const [, revoked] = await db.batch([
      updateRecipient(db, organisationId, row.id, { status, revokedAtMs, updatedAtMs }),
      revokeCredentials(db, organisationId, affected, nowMs),
      recordChange(context, { targetType: "recipient", targetId: row.id, before: recipientView(row), after: view }),
    ]);
    // Also those of an earlier request that could not be told.
    const told = await acknowledgeStored(context, affected);
    return told.ok ? reply(200, { ...view, revoked_credentials: revoked.map((each) => each.id) }) : told;
  },
});

export const RECIPIENT_ROUTES: readonly Route[] = [
  createRecipient,
  listAllRecipients,
  getRecipient,
  changeRecipient,
  revokeRecipient,
];

export function recipientView(row: RecipientRow): Recipient {
  return {
    id: row.id,
    name: row.name,
    email: row.email,
    kind: row.kind,
    status: row.status,
    environment: row.environment,
    labels: row.labels,
    limits: fromLimits(row.limits),
    created_by: row.createdBy,
    created_at: wireTime(row.createdAtMs),
    updated_at: wireTime(row.updatedAtMs),
    revoked_at: wireTime(row.revokedAtMs),
  };
}
