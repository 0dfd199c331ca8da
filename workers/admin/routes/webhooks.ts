/** Webhooks: where RelayKey tells of budgets, new addresses, revocations, masked keys. Public https addresses only. */
import * as z from "zod";
import { sealWebhookSecret } from "../../../src/cloudflare/webhooks.ts";
import { wireTime } from "../../../src/contract/fields.ts";
import { PAGE_QUERY, pageOf } from "../../../src/contract/page.ts";
import { fieldProblem, notFound, type AdminProblem } from "../../../src/contract/problem.ts";
import { Webhook, WebhookCreate, WebhookId, WebhookPatch, WebhookWithSecret } from "../../../src/contract/webhook.ts";
import { checkEgressUrl } from "../../../src/domain/egress.ts";
import { err, ok, type Result } from "../../../src/domain/result.ts";
import { formatWebhookSecret, WEBHOOK_SECRET_BYTES } from "../../../src/domain/webhook-signature.ts";
import { isFailedGuard, onlyChanged, runBatch, type Statement } from "../../../src/store/control-db.ts";
import {
  countWebhooks,
  deleteWebhook,
  findWebhook,
  guardWebhookSecret,
  guardWebhooks,
  insertWebhook,
  listWebhooks,
  updateWebhook,
  type WebhookRow,
} from "../../../src/store/webhooks.ts";
import { reply } from "../answer.ts";
import { changedMeanwhile, freshId, recordChange } from "../changes.ts";
import { pageBody, pageRequest } from "../pages.ts";
import { checkRoom, noRoom } from "../plan-limit.ts";
import { defineRoute, EDITORS, READERS, type Outcome, type Route, type RouteContext } from "../route.ts";

const PATH = "/api/v1/webhooks";
const ONE = z.strictObject({ webhook_id: WebhookId });

const createWebhook = defineRoute({
  method: "POST",
  path: PATH,
  operationId: "createWebhook",
  tag: "Webhooks",
  summary: "Make a webhook; its signing secret is shown once",
  roles: EDITORS,
  body: WebhookCreate,
  responses: { 201: WebhookWithSecret },
  async handler(context, { body }): Promise<Outcome> {
    const room = await checkRoom(context, "webhooks", await countWebhooks(context.db, context.organisationId));
    if (!room.ok) return room;
    const url = checkUrl(context, body.url);
    if (!url.ok) return url;
    const id = freshId(context, "whk");
    const made = await newSecret(context, id, 1);
    const row: WebhookRow = {
      id,
      organisationId: context.organisationId,
      name: body.name ?? new URL(url.value).host,
      url: url.value,
      events: body.events,
      secretVersion: 1,
      secret: made.location,
      status: "active",
      createdBy: context.caller.id,
      createdAtMs: context.nowMs,
      updatedAtMs: context.nowMs,
    };
    const after = webhookView(row);
    const statements = [
      ...(room.value === null ? [] : [guardWebhooks(context.db, context.organisationId, room.value)]),
      insertWebhook(context.db, row),
      recordChange(context, { targetType: "webhook", targetId: id, before: null, after }),
    ];
    try {
      await runBatch(context.db, statements);
    } catch (cause) {
      if (!isFailedGuard(cause)) throw cause;
      return err(noRoom("webhooks", room.value ?? 0));
    }
    return reply(201, { ...after, secret: made.secret });
  },
});

const listAllWebhooks = defineRoute({
  method: "GET",
  path: PATH,
  operationId: "listWebhooks",
  tag: "Webhooks",
  summary: "List webhooks, newest first",
  roles: READERS,
  query: z.strictObject(PAGE_QUERY),
  responses: { 200: pageOf(Webhook) },
  async handler(context, { query }): Promise<Outcome> {
    const rows = await listWebhooks(context.db, context.organisationId, pageRequest(query));
    return reply(
      200,
      pageBody(rows, query.limit, (row) => row.createdAtMs, webhookView),
    );
  },
});

const getWebhook = defineRoute({
  method: "GET",
  path: `${PATH}/:webhook_id`,
  operationId: "getWebhook",
  tag: "Webhooks",
  summary: "Read one webhook",
  roles: READERS,
  params: ONE,
  responses: { 200: Webhook },
  async handler(context, { params }): Promise<Outcome> {
    const row = await findWebhook(context.db, context.organisationId, params.webhook_id);
    return row === null ? err(notFound("webhook")) : reply(200, webhookView(row));
  },
});

const changeWebhook = defineRoute({
  method: "PATCH",
  path: `${PATH}/:webhook_id`,
  operationId: "changeWebhook",
  tag: "Webhooks",
  summary: "Change, pause or resume a webhook",
  roles: EDITORS,
  params: ONE,
  body: WebhookPatch,
  responses: { 200: Webhook },
  async handler(context, { params, body }): Promise<Outcome> {
    const row = await findWebhook(context.db, context.organisationId, params.webhook_id);
    if (row === null) return err(notFound("webhook"));
    const url = body.url === undefined ? ok(row.url) : checkUrl(context, body.url);
    if (!url.ok) return url;
    const change = {
      name: body.name ?? row.name,
      url: url.value,
      events: body.events ?? row.events,
      status: body.status ?? row.status,
      updatedAtMs: context.nowMs,
    };
    return store(context, row, change);
  },
});

const rotateWebhookSecret = defineRoute({
  method: "POST",
  path: `${PATH}/:webhook_id/rotate-secret`,
  operationId: "rotateWebhookSecret",
  tag: "Webhooks",
  summary: "Replace the signing secret; the new one is shown once and used from the next delivery on",
  roles: EDITORS,
  params: ONE,
  responses: { 200: WebhookWithSecret },
  async handler(context, { params }): Promise<Outcome> {
    const row = await findWebhook(context.db, context.organisationId, params.webhook_id);
    if (row === null) return err(notFound("webhook"));
    const secretVersion = row.secretVersion + 1;
    const made = await newSecret(context, row.id, secretVersion);
    const change = { secret: made.location, secretVersion, updatedAtMs: context.nowMs };
    try {
      await store(context, row, change, [guardWebhookSecret(context.db, row)]);
    } catch (cause) {
      return changedMeanwhile(cause, "webhook");
    }
    return reply(200, { ...webhookView({ ...row, ...change }), secret: made.secret });
  },
});

const removeWebhook = defineRoute({
  method: "DELETE",
  path: `${PATH}/:webhook_id`,
  operationId: "deleteWebhook",
  tag: "Webhooks",
  summary: "Delete a webhook and what waits for it",
  roles: EDITORS,
  params: ONE,
  responses: { 204: null },
  async handler(context, { params }): Promise<Outcome> {
    const row = await findWebhook(context.db, context.organisationId, params.webhook_id);
    if (row === null) return err(notFound("webhook"));
    await runBatch(context.db, [
      ...deleteWebhook(context.db, context.organisationId, row.id),
      recordChange(context, { targetType: "webhook", targetId: row.id, before: webhookView(row), after: null }),
    ]);
    return reply(204);
  },
});

export const WEBHOOK_ROUTES: readonly Route[] = [
  createWebhook,
  listAllWebhooks,
  getWebhook,
  changeWebhook,
  rotateWebhookSecret,
  removeWebhook,
];

async function store(
  context: RouteContext,
  before: WebhookRow,
  change: Partial<Omit<WebhookRow, "id" | "organisationId">>,
  guards: readonly Statement[] = [],
): Promise<Outcome> {
  const after = webhookView({ ...before, ...change });
  await runBatch(context.db, [
    ...guards,
    updateWebhook(context.db, context.organisationId, before.id, {
      ...onlyChanged(before, change),
      updatedAtMs: context.nowMs,
    }),
    recordChange(context, { targetType: "webhook", targetId: before.id, before: webhookView(before), after }),
  ]);
  return reply(200, after);
}

async function newSecret(context: RouteContext, id: string, version: number) {
  const secret = formatWebhookSecret(context.random(WEBHOOK_SECRET_BYTES));
  const { organisationId } = context;
  return { secret, location: await sealWebhookSecret(secret, context.settings.keks, { organisationId, id, version }) };
}

function checkUrl(context: RouteContext, text: string): Result<string, AdminProblem> {
  const checked = checkEgressUrl(text, { allowPrivate: context.settings.allowPrivateUpstreams });
  return checked.ok ? checked : err(fieldProblem("url", checked.error.detail));
}

function webhookView(row: WebhookRow): Webhook {
  return {
    id: row.id,
    name: row.name,
    url: row.url,
    events: [...row.events],
    status: row.status,
    created_by: row.createdBy,
    created_at: wireTime(row.createdAtMs),
    updated_at: wireTime(row.updatedAtMs),
  };
}
