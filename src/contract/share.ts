/** Share links on the wire: handing a token over once. */
import * as z from "zod";
import { DEFAULT_SHARE_TTL_SECONDS, MAX_SHARE_TEXT_BYTES, MAX_SHARE_TTL_SECONDS } from "../domain/share.ts";
import { CredentialId, Id, Time } from "./fields.ts";

export const ShareId = Id("share", "share_0123456789abcdef");

const Sealed = z.strictObject({
  iv: z.string().min(16).max(16),
  ciphertext: z
    .string()
    .min(1)
    .max(2 * MAX_SHARE_TEXT_BYTES),
});

export const ShareCreate = z
  .strictObject({
    /** Sealed by the client: the server never sees the token, and the answer's URL has no fragment. */
    sealed: Sealed.optional(),
    /** The credential's token, which is sealed and forgotten; the key is in the fragment of the answer's URL. */
    token: z.string().min(1).max(256).optional(),
    ttl_seconds: z.int().min(60).max(MAX_SHARE_TTL_SECONDS).default(DEFAULT_SHARE_TTL_SECONDS),
  })
  .refine((wire) => wire.sealed === undefined || wire.token === undefined, {
    path: ["token"],
    message: "Give either sealed or token",
  })
  .meta({
    id: "ShareCreate",
    description: "Without either, the credential gets a new token, which only the link carries",
  });

export const Share = z
  .strictObject({
    id: ShareId,
    credential_id: CredentialId,
    status: z.enum(["waiting", "opened", "withdrawn", "expired"]),
    created_by: z.string(),
    created_at: Time,
    expires_at: Time,
    opened_at: Time.nullable(),
    opened_from: z.string().nullable(),
    withdrawn_at: Time.nullable(),
  })
  .meta({ id: "Share" });
export type Share = z.infer<typeof Share>;

export const ShareWithUrl = z.strictObject({ ...Share.shape, url: z.string() }).meta({
  id: "ShareWithUrl",
  description: "The URL is shown once; what stands after # never reaches the server again",
});

export const OpenedShare = z.strictObject({ iv: z.string(), ciphertext: z.string() }).meta({ id: "OpenedShare" });
