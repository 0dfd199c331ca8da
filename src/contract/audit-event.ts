/** Audit events on the wire, and the filters by which they are found. */
import * as z from "zod";
import { canonicalAddress } from "../domain/address.ts";
import { TimeInput, readableText } from "./fields.ts";
import { PAGE_QUERY } from "./page.ts";

/** SQLite's limit for a pattern. */
const MAX_GLOB_BYTES = 50;
const text = (max: number) => readableText(max).min(1).optional();

const MAX_NUMBER = 999_999_999_999_999;
/** `500`, `500..`, `..500` or `100..500`; both ends belong to it. */
const range = z
  .string()
  .regex(
    /^(?:\d{1,15}(?:\.\.(?:\d{1,15})?)?|\.\.\d{1,15})$/,
    "Must be a number or a range such as 100..500, 100.. or ..500",
  )
  .transform((text) => {
    const [from, to] = text.includes("..") ? text.split("..") : [text, text];
    return { from: Number(from), to: to === "" ? MAX_NUMBER : Number(to) };
  })
  .optional();

/**
 * Every member of an event can be asked for. `path` that starts with a slash is the whole path, with `*` for any characters; any other text is found anywhere in it.
 * `status` is a number, or a class such as `4xx`.
 */
export const AuditQuery = z.strictObject({
  ...PAGE_QUERY,
  id: text(64),
  credential_id: text(64),
  recipient_id: text(64),
  connection_id: text(64),
  grant_id: text(64),
  upstream_credential_id: text(64),
  customer: text(128),
  environment: text(64),
  operation: text(256),
  decision: z.enum(["allowed", "denied"]).optional(),
  reason: text(64),
  status: z
    .string()
    .regex(/^(?:[1-5]\d\d|[1-5]xx)$/, "Must be a status or a class such as 4xx")
    .optional(),
  upstream_status: z
    .string()
    .regex(/^(?:[1-5]\d\d|[1-5]xx)$/, "Must be a status or a class such as 4xx")
    .optional(),
  method: z
    .string()
    .regex(/^[A-Za-z]{1,20}$/, "Is not a method")
    .toUpperCase()
    .optional(),
  path: readableText(2_048)
    .min(1)
    .refine((path) => !isGlob(path) || new TextEncoder().encode(path).length <= MAX_GLOB_BYTES, {
      message: `With a * before its end, it may have at most ${MAX_GLOB_BYTES} bytes`,
    })
    .optional(),
  address: z
    .string()
    .max(64)
    .transform((address, context) => {
      const canonical = canonicalAddress(address);
      if (canonical !== null) return canonical;
      context.addIssue({ code: "custom", message: "Is not an address" });
      return z.NEVER;
    })
    .optional(),
  user_agent: text(256),
  request_id: text(64),
  seq: range,
  admission: range,
  attempts: range,
  latency_ms: range,
  upstream_ms: range,
  bytes_in: range,
  bytes_out: range,
  cost_usd_micros: range,
  count: range,
  /** Any text in the notes, as JSON. */
  notes: text(256),
  hash: text(64),
  prev_hash: text(64),
  from: TimeInput.optional(),
  to: TimeInput.optional(),
});
export type AuditQuery = z.output<typeof AuditQuery>;

/** `order=arrival` gives events as they came on record, oldest first, and always a cursor to ask with again later. */
export const AuditListQuery = z
  .strictObject({
    ...AuditQuery.shape,
    order: z.enum(["newest", "arrival"]).default("newest"),
    start: z.enum(["oldest", "now"]).optional(),
  })
  .superRefine((query, context) => {
    if (query.start === undefined) return;
    const complain = (message: string) => context.addIssue({ code: "custom", path: ["start"], message });
    if (query.order !== "arrival") complain("Is only for order=arrival");
    else if (query.cursor !== undefined) complain("Cannot stand beside a cursor, which says where to go on");
  });
export type AuditListQuery = z.output<typeof AuditListQuery>;

/** Whether the path filter holds a `*` other than one at its end. */
export function isGlob(path: string): boolean {
  return path.startsWith("/") && path.slice(0, -1).includes("*");
}

export const AuditEventView = z
  .strictObject({
    id: z.string(),
    seq: z.int(),
    admission: z.int(),
    at: z.string().meta({ format: "date-time" }),
    credential_id: z.string().nullable(),
    recipient_id: z.string().nullable(),
    connection_id: z.string().nullable(),
    grant_id: z.string().nullable(),
    customer: z.string().nullable(),
    environment: z.string().nullable(),
    method: z.string(),
    path: z.string(),
    operation: z.string().nullable(),
    decision: z.enum(["allowed", "denied"]),
    reason: z.string(),
    status: z.int().nullable(),
    upstream_status: z.int().nullable(),
    attempts: z.int(),
    latency_ms: z.number().nullable(),
    upstream_ms: z.number().nullable(),
    bytes_in: z.int().nullable(),
    bytes_out: z.int().nullable(),
    cost_usd_micros: z.int().nullable(),
    address: z.string().nullable(),
    user_agent: z.string(),
    request_id: z.string(),
    upstream_credential_id: z.string().nullable(),
    /** More than 1: refusals that came in a flood, or before authentication, folded into one event. */
    count: z.int(),
    notes: z.record(z.string(), z.unknown()),
    prev_hash: z.string(),
    hash: z.string(),
  })
  .meta({ id: "AuditEvent" });
export type AuditEventView = z.infer<typeof AuditEventView>;
