/** The public half of the key that signs heads of audit chains, for whoever verifies an export. */
import * as z from "zod";
import { checkpointKey } from "../../../src/cloudflare/checkpoint-signer.ts";
import { reply } from "../answer.ts";
import { defineRoute, READERS, type Outcome, type Route } from "../route.ts";

const AuditKey = z
  .strictObject({ algorithm: z.literal("Ed25519"), key_id: z.string(), public_key: z.string() })
  .meta({ id: "AuditKey", description: "`public_key` is the raw key in base64url" });

const getAuditKey = defineRoute({
  method: "GET",
  path: "/api/v1/audit-key",
  operationId: "getAuditKey",
  tag: "Audit exports",
  summary: "Read the public key that signs the audit's chains",
  roles: READERS,
  responses: { 200: AuditKey },
  async handler(context): Promise<Outcome> {
    const { keyId, publicKey } = await checkpointKey(context.env.RELAYKEY_SIGNING_SEED);
    return reply(200, { algorithm: "Ed25519", key_id: keyId, public_key: publicKey });
  },
});

export const AUDIT_KEY_ROUTES: readonly Route[] = [getAuditKey];
