/** Budgets on the wire, as they stand: what of each is used in its present window, and when that ends. */
import * as z from "zod";
import { ConnectionId, CredentialId, RecipientId, Time, readableText } from "./fields.ts";

export const MAX_BUDGETS_SHOWN = 100;

export const BudgetQuery = z.strictObject({
  credential_id: CredentialId.optional(),
  recipient_id: RecipientId.optional(),
  connection_id: ConnectionId.optional(),
  /** As calls name it: only the budgets that this customer has of its own. */
  customer: readableText(256).optional(),
  limit: z.coerce.number().int().min(1).max(MAX_BUDGETS_SHOWN).default(20),
});
export type BudgetQuery = z.output<typeof BudgetQuery>;

export const BudgetUse = z
  .strictObject({
    /** Whose budget it is; the ids beside say which. A grant's has both its credential's and its connection's. */
    of: z.enum(["credential", "grant", "recipient", "connection", "customer"]),
    name: z.string(),
    credential_id: z.string().nullable(),
    recipient_id: z.string().nullable(),
    connection_id: z.string().nullable(),
    customer: z.string().nullable(),
    unit: z.enum(["requests", "usd_micros"]),
    window: z.enum(["day", "month"]),
    limit: z.int(),
    /** What is spent and what open calls have reserved; of a shared budget, what its credentials have reported. */
    used: z.int(),
    /** Of a shared budget, what no credential has used or holds in hand. */
    remaining: z.int(),
    starts_at: Time,
    resets_at: Time,
  })
  .meta({ id: "BudgetUse" });
export type BudgetUse = z.infer<typeof BudgetUse>;

export const Budgets = z
  .strictObject({
    /** The fullest first. */
    data: z.array(BudgetUse),
    /** False: there are more than were looked at, or some did not answer. */
    complete: z.boolean(),
  })
  .meta({ id: "Budgets" });
