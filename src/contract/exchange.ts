/** Token exchange (RFC 8693) and the trust policies behind it, on the wire. */
import * as z from "zod";
import { ConnectionId, Id, Name, readableText, Time } from "./fields.ts";
import { Constraints } from "./management-key.ts";
import { GrantInput } from "./policy.ts";

export const TrustPolicyId = Id("trust", "trust_0123456789abcdef");
const MAX_URL_CHARS = 2_048;
const MAX_TOKEN_CHARS = 16_384;

export const TOKEN_EXCHANGE_GRANT = "urn:ietf:params:oauth:grant-type:token-exchange";
const SUBJECT_TOKEN_TYPES = [
  "urn:ietf:params:oauth:token-type:jwt",
  "urn:ietf:params:oauth:token-type:id_token",
] as const;
export const ISSUED_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:access_token";

const Url = z.string().min(1).max(MAX_URL_CHARS);
const ClaimValue = readableText(500).min(1);
const Claims = z.record(
  readableText(100).min(1),
  z.union([ClaimValue.transform((value) => [value]), z.array(ClaimValue).min(1).max(50)]),
);

const members = {
  name: Name,
  issuer: Url,
  audience: readableText(500).min(1),
  /** Where the issuer's keys are; default: what its discovery document says. */
  jwks_url: Url.nullable().optional(),
  claims: Claims,
  constraints: Constraints,
};

export const TrustPolicyCreate = z.strictObject(members).meta({ id: "TrustPolicyCreate" });

export const TrustPolicyPatch = z
  .strictObject({
    name: members.name.optional(),
    audience: members.audience.optional(),
    jwks_url: members.jwks_url,
    claims: Claims.optional(),
    constraints: Constraints.optional(),
    status: z.enum(["active", "paused"]).optional(),
  })
  .meta({ id: "TrustPolicyPatch" });

export const TrustPolicy = z
  .strictObject({
    id: TrustPolicyId,
    name: z.string(),
    issuer: z.string(),
    audience: z.string(),
    jwks_url: z.string().nullable(),
    claims: z.record(z.string(), z.array(z.string())),
    constraints: Constraints,
    status: z.enum(["active", "paused"]),
    created_by: z.string(),
    created_at: Time,
    updated_at: Time,
  })
  .meta({ id: "TrustPolicy" });
export type TrustPolicy = z.infer<typeof TrustPolicy>;

/**
 * What stands in the credential. A form can state the flat members only; JSON may state `grants` as well. Without either
 * the credential reaches all that the trust policy's constraints allow.
 */
export const TokenExchange = z
  .strictObject({
    grant_type: z.literal(TOKEN_EXCHANGE_GRANT),
    subject_token: z.string().min(1).max(MAX_TOKEN_CHARS),
    subject_token_type: z.enum(SUBJECT_TOKEN_TYPES),
    requested_token_type: z.literal(ISSUED_TOKEN_TYPE).optional(),
    trust_policy_id: TrustPolicyId.optional(),
    name: Name.optional(),
    connection_id: ConnectionId.optional(),
    ttl_seconds: z.coerce.number().int().min(1).max(86_400).optional(),
    grants: z.array(GrantInput).min(1).max(32).optional(),
  })
  .refine((wire) => wire.grants === undefined || wire.connection_id === undefined, {
    path: ["grants"],
    message: "Give either connection_id or grants",
  })
  .meta({ id: "TokenExchange" });
export type TokenExchange = z.output<typeof TokenExchange>;

export const ExchangedToken = z
  .strictObject({
    access_token: z.string(),
    issued_token_type: z.literal(ISSUED_TOKEN_TYPE),
    token_type: z.literal("Bearer"),
    expires_in: z.int(),
    credential_id: z.string(),
  })
  .meta({ id: "ExchangedToken", description: "RFC 8693 §2.2.1" });
