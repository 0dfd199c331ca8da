/** Recipients on the wire: who holds credentials. */
import * as z from "zod";
import { Email, Environment, Labels, Name, RecipientId, Time } from "./fields.ts";
import { LimitsWire } from "./limits.ts";

export const RecipientKind = z.enum(["person", "agent", "service", "team", "customer"]);

const members = {
  email: Email.nullable().optional(),
  environment: Environment.nullable().optional(),
  labels: Labels.optional(),
  limits: LimitsWire.optional(),
};

export const RecipientCreate = z
  .strictObject({ name: Name, kind: RecipientKind.default("person"), ...members })
  .meta({ id: "RecipientCreate" });

export const RecipientPatch = z
  .strictObject({ name: Name.optional(), kind: RecipientKind.optional(), ...members })
  .meta({ id: "RecipientPatch" });

export const Recipient = z
  .strictObject({
    id: RecipientId,
    name: z.string(),
    email: z.string().nullable(),
    kind: RecipientKind,
    status: z.enum(["active", "revoked"]),
    environment: z.string().nullable(),
    labels: z.record(z.string(), z.string()),
    limits: LimitsWire,
    created_by: z.string(),
    created_at: Time,
    updated_at: Time,
    revoked_at: Time.nullable(),
  })
  .meta({ id: "Recipient" });
export type Recipient = z.infer<typeof Recipient>;

/** Answer of `/revoke`: how many credentials were revoked with the recipient. */
export const RevokedRecipient = z
  .strictObject({ ...Recipient.shape, revoked_credentials: z.array(z.string()) })
  .meta({ id: "RevokedRecipient" });
