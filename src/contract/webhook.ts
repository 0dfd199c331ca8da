/** Webhooks on the wire. The signing secret is shown once, when it is made. */
import * as z from "zod";
import { WEBHOOK_EVENTS } from "../domain/webhook-event.ts";
import { Id, Name, Time } from "./fields.ts";

export const WebhookId = Id("whk", "whk_0123456789abcdef");
const MAX_URL_CHARS = 2_048;

/** `*` is every event, also those of later releases. */
const EventName = z.enum([...WEBHOOK_EVENTS, "*"]);
const Events = z.array(EventName).min(1).max(32);
const Url = z.string().min(1).max(MAX_URL_CHARS);

/** Without a name it is called by its host; without events it is told of all. */
export const WebhookCreate = z
  .strictObject({ name: Name.optional(), url: Url, events: Events.default(["*"]) })
  .meta({ id: "WebhookCreate" });

export const WebhookPatch = z
  .strictObject({
    name: Name.optional(),
    url: Url.optional(),
    events: Events.optional(),
    status: z.enum(["active", "paused"]).optional(),
  })
  .meta({ id: "WebhookPatch" });

export const Webhook = z
  .strictObject({
    id: WebhookId,
    name: z.string(),
    url: z.string(),
    events: z.array(z.string()),
    status: z.enum(["active", "paused"]),
    created_by: z.string(),
    created_at: Time,
    updated_at: Time,
  })
  .meta({ id: "Webhook" });
export type Webhook = z.infer<typeof Webhook>;

export const WebhookWithSecret = z
  .strictObject({ ...Webhook.shape, secret: z.string() })
  .meta({ id: "WebhookWithSecret", description: "The secret signs deliveries as Standard Webhooks 1.0 says" });

export const WebhookDelivery = z
  .strictObject({
    id: z.string(),
    event: z.string(),
    state: z.enum(["pending", "delivered", "failed"]),
    attempts: z.int(),
    last_status: z.int().nullable(),
    next_attempt_at: Time.nullable(),
    created_at: Time,
    updated_at: Time,
  })
  .meta({ id: "WebhookDelivery" });
export type WebhookDelivery = z.infer<typeof WebhookDelivery>;
