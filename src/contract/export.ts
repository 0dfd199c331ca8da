/** Exports of audit events on the wire. */
import * as z from "zod";
import { ConnectionId, CredentialId, Environment, Id, readableText, RecipientId, Time, TimeInput } from "./fields.ts";

export const ExportId = Id("exp", "exp_0123456789abcdef");

const filter = {
  credential_id: CredentialId.optional(),
  recipient_id: RecipientId.optional(),
  connection_id: ConnectionId.optional(),
  customer: readableText(256).optional(),
  environment: Environment.optional(),
  decision: z.enum(["allowed", "denied"]).optional(),
  from: TimeInput.optional(),
  to: TimeInput.optional(),
};

const Format = z.enum(["ndjson", "csv", "parquet"]);

export const ExportCreate = z
  .strictObject({ format: Format.default("ndjson"), ...filter })
  .meta({ id: "ExportCreate" });

export const AuditExport = z
  .strictObject({
    id: ExportId,
    format: Format,
    filter: z.strictObject({
      credential_id: z.string().optional(),
      recipient_id: z.string().optional(),
      connection_id: z.string().optional(),
      customer: z.string().optional(),
      environment: z.string().optional(),
      decision: z.string().optional(),
      from: Time.optional(),
      to: Time.optional(),
    }),
    state: z.enum(["pending", "running", "done", "failed"]),
    rows: z.int(),
    bytes: z.int(),
    /** Of the whole file, lower-case hex. */
    sha256: z.string().nullable(),
    /** Where to fetch it, with a management key or a session; null until it is done. */
    download_url: z.string().nullable(),
    created_by: z.string(),
    created_at: Time,
    finished_at: Time.nullable(),
    expires_at: Time,
  })
  .meta({ id: "AuditExport" });
export type AuditExport = z.infer<typeof AuditExport>;
