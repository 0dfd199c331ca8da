/** Delegated credentials on the wire (the governance API calls them virtual keys). The token is shown once. */
import * as z from "zod";
import {
  ConnectionId,
  CredentialId,
  Environment,
  Labels,
  Name,
  PolicyId,
  RecipientId,
  Time,
  TimeInput,
  refuseRepeats,
} from "./fields.ts";
import { AddressBlock, CustomerRuleWire, LimitsWire, TrustWire } from "./limits.ts";
import { PaymentWire } from "./price.ts";
import { FindingIds, Grant, GrantInput, Severity, checkGrantForms } from "./policy.ts";
import { SCOPE_MEMBERS, SCOPE_MEMBER_NAMES } from "./scope.ts";

export const MAX_GRANTS = 32;
export const MAX_TTL_SECONDS = 10 * 366 * 86_400;
export const MAX_OVERLAP_SECONDS = 30 * 86_400;

const CredentialKind = z.enum(["delegated", "virtual"]);
const Ttl = z.int().min(1).max(MAX_TTL_SECONDS);

/** Members of the one grant that stands directly in the request. */
const shortGrant = {
  connection_id: ConnectionId.optional(),
  policy_id: PolicyId.nullable().optional(),
  ...SCOPE_MEMBERS,
  customers: CustomerRuleWire.optional(),
  price: PaymentWire.optional(),
};
const SHORT_GRANT_MEMBERS = ["policy_id", ...SCOPE_MEMBER_NAMES, "customers", "price"] as const;

const creation = z.strictObject({
  name: Name,
  kind: CredentialKind.optional(),
  recipient_id: RecipientId.nullable().optional(),
  environment: Environment.nullable().optional(),
  labels: Labels.optional(),
  ttl_seconds: Ttl.optional(),
  expires_at: TimeInput.optional(),
  limits: LimitsWire.optional(),
  trust: TrustWire.optional(),
  acknowledge_findings: FindingIds.optional(),
  prompt_with_token: z.boolean().optional(),
  grants: z.array(GrantInput).min(1).max(MAX_GRANTS).optional(),
  ...shortGrant,
});

export const CredentialCreate = creation.superRefine(checkCreation).meta({ id: "CredentialCreate" });

/** The governance form: a key may be made first and bound afterwards. Until then it reaches nothing. */
export const VirtualKeyCreate = creation
  .superRefine((wire, context) => {
    if (isUnbound(wire)) checkLifetime(wire, context);
    else checkCreation(wire, context);
  })
  .meta({ id: "VirtualKeyCreate" });

/** States no grant in any form. */
function isUnbound(wire: z.output<typeof creation>): boolean {
  const members: Readonly<Record<string, unknown>> = wire;
  return ["grants", "connection_id", ...SHORT_GRANT_MEMBERS].every((name) => members[name] === undefined);
}

function checkLifetime(wire: { ttl_seconds?: unknown; expires_at?: unknown }, context: z.RefinementCtx): void {
  if (wire.ttl_seconds === undefined || wire.expires_at === undefined) return;
  context.addIssue({ code: "custom", path: ["expires_at"], message: "Give either ttl_seconds or expires_at" });
}

function checkCreation(wire: z.output<typeof creation>, context: z.RefinementCtx): void {
  const issue = (field: string, message: string): void => {
    context.addIssue({ code: "custom", path: [field], message });
  };
  checkLifetime(wire, context);
  if (wire.grants === undefined) {
    if (wire.connection_id === undefined) issue("connection_id", "Is required without grants");
    checkGrantForms(wire, context);
    return;
  }
  if (wire.connection_id !== undefined) issue("connection_id", "Give either connection_id or grants");
  const members: Readonly<Record<string, unknown>> = wire;
  for (const name of SHORT_GRANT_MEMBERS) {
    if (members[name] !== undefined) issue(name, "Belongs into grants here");
  }
  checkDistinctConnections(wire.grants, context);
}

export type CredentialCreate = z.output<typeof CredentialCreate>;

export const CredentialPatch = z
  .strictObject({
    name: Name.optional(),
    recipient_id: RecipientId.nullable().optional(),
    environment: Environment.nullable().optional(),
    labels: Labels.optional(),
    ttl_seconds: Ttl.nullable().optional(),
    expires_at: TimeInput.nullable().optional(),
    limits: LimitsWire.optional(),
    trust: TrustWire.nullable().optional(),
    grants: z.array(GrantInput).min(1).max(MAX_GRANTS).optional(),
    acknowledge_findings: FindingIds.optional(),
  })
  .superRefine((wire, context) => {
    checkLifetime(wire, context);
    if (wire.grants !== undefined) checkDistinctConnections(wire.grants, context);
  })
  .meta({ id: "CredentialPatch" });
export type CredentialPatch = z.output<typeof CredentialPatch>;

export const CredentialRotate = z
  .strictObject({ overlap_seconds: z.int().min(0).max(MAX_OVERLAP_SECONDS).default(0) })
  .meta({ id: "CredentialRotate" });

export const Credential = z
  .strictObject({
    id: CredentialId,
    name: z.string(),
    kind: CredentialKind,
    status: z.enum(["active", "expired", "revoked"]),
    recipient_id: z.string().nullable(),
    environment: z.string().nullable(),
    labels: z.record(z.string(), z.string()),
    grants: z.array(Grant),
    limits: LimitsWire,
    trust: TrustWire,
    token_last4: z.string(),
    acknowledged_findings: z.array(z.string()),
    expires_at: Time.nullable(),
    previous_token_expires_at: Time.nullable(),
    created_by: z.string(),
    created_at: Time,
    updated_at: Time,
    rotated_at: Time.nullable(),
    revoked_at: Time.nullable(),
  })
  .meta({ id: "Credential" });
export type Credential = z.infer<typeof Credential>;

export const Review = z
  .object({
    risk: Severity,
    findings: z.array(
      z.object({
        id: z.string(),
        severity: Severity,
        message: z.string(),
        /** A narrower rule that would not have this finding. */
        rule: z.unknown().optional(),
        /** What to do instead. */
        suggestion: z.string().nullable().optional(),
      }),
    ),
  })
  .meta({ id: "Review" });

/** The only answers that carry a token. */
export const IssuedCredential = z
  .strictObject({ ...Credential.shape, token: z.string(), review: Review, prompt: z.string() })
  .meta({ id: "IssuedCredential" });
export const RotatedCredential = z
  .strictObject({ ...Credential.shape, token: z.string() })
  .meta({ id: "RotatedCredential" });

export const TrustedAddressInput = z.strictObject({ address: AddressBlock }).meta({ id: "TrustedAddressInput" });
export const TrustedAddress = z
  .strictObject({
    address: z.string(),
    /** Null for what a policy or the credential's own settings list. */
    trusted_at: Time.nullable(),
    how: z.enum(["first_use", "confirmed", "admin", "policy"]),
  })
  .meta({ id: "TrustedAddress" });

function checkDistinctConnections(grants: readonly { connection_id: string }[], context: z.RefinementCtx): void {
  refuseRepeats(grants, "connection_id", "Has a grant already", context, ["grants"]);
}
