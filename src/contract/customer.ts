/** End customers behind shared credentials on the wire. `reference` is what `X-RelayKey-Customer` names. */
import * as z from "zod";
import { CustomerId, Labels, Name, Time } from "./fields.ts";
import { CustomerLimitsWire } from "./limits.ts";

export const CustomerReference = z
  .string()
  .max(128)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:@-]*$/, "Must be letters, digits and . _ : @ -");

/** Without a reference a customer is named in calls by its name, where that can stand in a header. */
export const CustomerCreate = z
  .strictObject({
    reference: CustomerReference.optional(),
    name: Name.optional(),
    labels: Labels.optional(),
    limits: CustomerLimitsWire.nullable().optional(),
  })
  .superRefine((wire, context) => {
    if (wire.reference !== undefined || CustomerReference.safeParse(wire.name).success) return;
    context.addIssue({ code: "custom", path: ["reference"], message: "Is required beside such a name" });
  })
  .meta({ id: "CustomerCreate" });

export const CustomerPatch = z
  .strictObject({
    name: Name.optional(),
    labels: Labels.optional(),
    limits: CustomerLimitsWire.nullable().optional(),
  })
  .meta({ id: "CustomerPatch" });

export const Customer = z
  .strictObject({
    id: CustomerId,
    reference: z.string(),
    name: z.string(),
    labels: z.record(z.string(), z.string()),
    /** Over all its calls, beside what connections, policies and credentials allow each customer. */
    limits: CustomerLimitsWire,
    created_by: z.string(),
    created_at: Time,
    updated_at: Time,
  })
  .meta({ id: "Customer" });
export type Customer = z.infer<typeof Customer>;
