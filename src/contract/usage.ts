/** Usage on the wire: sums of the audit by time and by what is asked for. */
import * as z from "zod";
import { ConnectionId, CredentialId, Environment, RecipientId, readableText, Time, TimeInput } from "./fields.ts";

export const USAGE_KEYS = ["credential", "recipient", "customer", "connection", "environment"] as const;
export const MAX_USAGE_DAYS = 366;

/** Comma-separated; `label:team` groups by the value of that label on the credentials. */
const GROUPING = /^(?:credential|recipient|customer|connection|environment|label:[A-Za-z0-9][A-Za-z0-9._/-]{0,63})$/;
const GroupBy = z
  .string()
  .max(200)
  .refine(
    (text) => text.split(",").every((part) => GROUPING.test(part)),
    "Is a list of credential, recipient, customer, connection, environment and label:<name>",
  )
  .refine((text) => text.split(",").filter((part) => part.startsWith("label:")).length <= 1, "Takes one label");

export const UsageQuery = z.strictObject({
  from: TimeInput.optional(),
  to: TimeInput.optional(),
  interval: z.enum(["hour", "day", "total"]).default("total"),
  group_by: GroupBy.optional(),
  credential_id: CredentialId.optional(),
  recipient_id: RecipientId.optional(),
  connection_id: ConnectionId.optional(),
  customer: readableText(256).optional(),
  environment: Environment.optional(),
});
export type UsageQuery = z.output<typeof UsageQuery>;

const sums = {
  requests: z.int(),
  forwarded: z.int(),
  refused: z.int(),
  /** Outcomes that nobody saw. */
  unknown: z.int(),
  retries: z.int(),
  upstream_errors: z.int(),
  cost_usd_micros: z.int(),
  /** What callers paid; refunds are not among what was paid. */
  payments: z.strictObject({
    /** Calls that were paid for and answered. */
    calls: z.int(),
    paid_usd_micros: z.int(),
    x402_usd_micros: z.int(),
    credits_usd_micros: z.int(),
    /** Token payments for calls that failed, given back as credits. */
    refunded_usd_micros: z.int(),
    /** Calls after which nobody knew whether the payment was taken. */
    unknown: z.int(),
  }),
  bytes_in: z.int(),
  bytes_out: z.int(),
  latency_ms: z.strictObject({
    mean: z.int().nullable(),
    p50: z.int().nullable(),
    p95: z.int().nullable(),
    p99: z.int().nullable(),
  }),
};

const UsageRow = z.strictObject({
  /** Start of the interval; null for `total`. */
  at: Time.nullable(),
  credential_id: z.string().nullable().optional(),
  recipient_id: z.string().nullable().optional(),
  customer: z.string().nullable().optional(),
  connection_id: z.string().nullable().optional(),
  environment: z.string().nullable().optional(),
  label: z.string().nullable().optional(),
  ...sums,
});
export type UsageRow = z.infer<typeof UsageRow>;

export const Usage = z
  .strictObject({
    from: Time,
    to: Time,
    interval: z.enum(["hour", "day", "total"]),
    data: z.array(UsageRow),
    totals: z.strictObject(sums),
    /** Why calls were refused or failed, most frequent first. */
    reasons: z.array(z.strictObject({ reason: z.string(), count: z.int() })),
    /** False: there were more groups than are shown. */
    complete: z.boolean(),
  })
  .meta({ id: "Usage" });
export type UsageSums = z.infer<typeof Usage>["totals"];
