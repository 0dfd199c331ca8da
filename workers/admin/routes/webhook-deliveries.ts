/** Deliveries of webhooks: what was sent, and a test that is sent now. */
import * as z from "zod";
import { deliverDueWebhooks, deliveryRow, type WebhookDependencies } from "../../../src/cloudflare/webhooks.ts";
import { wireTime } from "../../../src/contract/fields.ts";
import { PAGE_QUERY, pageOf } from "../../../src/contract/page.ts";
import { notFound } from "../../../src/contract/problem.ts";
import { WebhookDelivery, WebhookId } from "../../../src/contract/webhook.ts";
import { err } from "../../../src/domain/result.ts";
import { deliveryId } from "../../../src/domain/webhook-event.ts";
import {
  findDelivery,
  findWebhook,
  insertDeliveries,
  listDeliveries,
  type DeliveryRow,
} from "../../../src/store/webhooks.ts";
import { reply } from "../answer.ts";
import { freshId } from "../changes.ts";
import { pageBody, pageRequest } from "../pages.ts";
import { defineRoute, EDITORS, READERS, type Outcome, type Route, type RouteContext } from "../route.ts";

const PATH = "/api/v1/webhooks";
const ONE = z.strictObject({ webhook_id: WebhookId });

const testWebhook = defineRoute({
  method: "POST",
  path: `${PATH}/:webhook_id/test`,
  operationId: "testWebhook",
  tag: "Webhooks",
  summary: "Deliver a test event now and say what the receiver answered",
  roles: EDITORS,
  params: ONE,
  responses: { 200: WebhookDelivery },
  async handler(context, { params }): Promise<Outcome> {
    const row = await findWebhook(context.db, context.organisationId, params.webhook_id);
    if (row === null) return err(notFound("webhook"));
    const event = {
      id: freshId(context, "evt"),
      organisationId: context.organisationId,
      type: "webhook.test" as const,
      atMs: context.nowMs,
      data: { webhook_id: row.id, name: row.name },
    };
    // Due before everything else that waits, so that this run takes it.
    const made = { ...deliveryRow(event, row, context.nowMs), nextAttemptAtMs: 0 };
    await insertDeliveries(context.db, [made]);
    await deliverDueWebhooks(context.db, webhookDependencies(context));
    const delivery = await findDelivery(context.db, deliveryId(event.id, row.id));
    return reply(200, deliveryView(delivery ?? made));
  },
});

const listWebhookDeliveries = defineRoute({
  method: "GET",
  path: `${PATH}/:webhook_id/deliveries`,
  operationId: "listWebhookDeliveries",
  tag: "Webhooks",
  summary: "List a webhook's deliveries, newest first",
  roles: READERS,
  params: ONE,
  query: z.strictObject(PAGE_QUERY),
  responses: { 200: pageOf(WebhookDelivery) },
  async handler(context, { params, query }): Promise<Outcome> {
    const row = await findWebhook(context.db, context.organisationId, params.webhook_id);
    if (row === null) return err(notFound("webhook"));
    const rows = await listDeliveries(context.db, context.organisationId, row.id, pageRequest(query));
    return reply(
      200,
      pageBody(rows, query.limit, (each) => each.createdAtMs, deliveryView),
    );
  },
});

export const WEBHOOK_DELIVERY_ROUTES: readonly Route[] = [testWebhook, listWebhookDeliveries];

function webhookDependencies(context: RouteContext): WebhookDependencies {
  return {
    fetch: (request) => fetch(request),
    keks: context.settings.keks,
    allowPrivate: context.settings.allowPrivateUpstreams,
    nowMs: () => Date.now(),
  };
}

function deliveryView(row: DeliveryRow): WebhookDelivery {
  return {
    id: row.id,
    event: row.event,
    state: row.state,
    attempts: row.attempts,
    last_status: row.lastStatus,
    next_attempt_at: row.state === "pending" ? wireTime(row.nextAttemptAtMs) : null,
    created_at: wireTime(row.createdAtMs),
    updated_at: wireTime(row.updatedAtMs),
  };
}
