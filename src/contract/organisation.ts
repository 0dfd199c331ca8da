/** Organisations, their plans and sign-up on the wire. */
import * as z from "zod";
import { PLANS } from "../domain/plan.ts";
import { Email, Id, Name, Time } from "./fields.ts";

export const OrganisationId = Id("org", "org_0123456789abcdef");
const PlanName = z.enum(Object.keys(PLANS) as [keyof typeof PLANS, ...(keyof typeof PLANS)[]]);

export const OrganisationCreate = z
  .strictObject({
    name: Name,
    plan: PlanName.default("free"),
    /** Invited as the first owner; logs in with a mailed link. */
    owner: z.strictObject({ name: Name, email: Email }).optional(),
  })
  .meta({ id: "OrganisationCreate" });

export const OrganisationPatch = z
  .strictObject({ name: Name.optional(), plan: PlanName.optional() })
  .meta({ id: "OrganisationPatch" });

const limit = z.int().nullable();

export const Organisation = z
  .strictObject({
    id: OrganisationId,
    name: z.string(),
    status: z.enum(["active", "suspended"]),
    plan: z.strictObject({
      id: z.string(),
      max_connections: limit,
      max_credentials: limit,
      max_members: limit,
      max_webhooks: limit,
    }),
    created_at: Time,
  })
  .meta({ id: "Organisation" });
export type Organisation = z.infer<typeof Organisation>;

export const CreatedOrganisation = z
  .strictObject({
    ...Organisation.shape,
    /** A first owner's key, shown once. */
    key: z.string(),
  })
  .meta({ id: "CreatedOrganisation" });

export const SignUp = z.strictObject({ organisation: Name, name: Name, email: Email }).meta({ id: "SignUp" });
export const SignUpAnswer = z.strictObject({ sent: z.literal(true) }).meta({ id: "SignUpAnswer" });
