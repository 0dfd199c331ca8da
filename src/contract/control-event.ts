/** The record of changes in the control plane on the wire: who, what, before → after. */
import * as z from "zod";
import { Time } from "./fields.ts";

export const ControlEvent = z
  .strictObject({
    id: z.string(),
    at: Time,
    actor: z.strictObject({ id: z.string(), kind: z.string(), name: z.string(), role: z.string() }),
    action: z.string(),
    target_type: z.string(),
    target_id: z.string(),
    before: z.record(z.string(), z.unknown()).nullable(),
    after: z.record(z.string(), z.unknown()).nullable(),
    request_id: z.string(),
    address: z.string().nullable(),
  })
  .meta({ id: "ControlEvent" });
