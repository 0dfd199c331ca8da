/** Management keys and a provisioner's constraints on the wire. The key is shown once. */
import * as z from "zod";
import { MAX_OVERLAP_SECONDS, MAX_TTL_SECONDS } from "./credential.ts";
import { ConnectionId, Labels, ManagementKeyId, Name, PositiveInteger, Time } from "./fields.ts";
import { LimitsWire } from "./limits.ts";
import { SCOPE_MEMBERS, checkScopeForms, statesRules } from "./scope.ts";

export const RoleName = z.enum(["owner", "admin", "provisioner", "auditor"]);

/** What a provisioner may mint, and nothing outside it. */
export const Constraints = z
  .strictObject({
    connections: z.array(ConnectionId).min(1).max(256),
    ...SCOPE_MEMBERS,
    max_ttl_seconds: z.int().min(1).max(MAX_TTL_SECONDS),
    limits: LimitsWire.optional(),
    max_active: PositiveInteger.max(1_000_000).optional(),
    /** `*` stands for any characters; everything else for itself. */
    name_pattern: z.string().min(1).max(200).optional(),
    /** Labels that each credential must carry, with exactly these values; `*` is any value. */
    labels: Labels.optional(),
  })
  .superRefine((wire, context) => {
    checkScopeForms(wire, context);
    if (!statesRules(wire) && wire.allowed_methods === undefined) {
      context.addIssue({ code: "custom", path: ["allowed_paths"], message: "Is required" });
    }
  })
  .meta({ id: "Constraints" });
export type ConstraintsWire = z.output<typeof Constraints>;

export const ManagementKeyCreate = z
  .strictObject({
    name: Name,
    role: RoleName,
    constraints: Constraints.optional(),
    ttl_seconds: z.int().min(1).max(MAX_TTL_SECONDS).optional(),
  })
  .superRefine((wire, context) => {
    const provisioner = wire.role === "provisioner";
    if (provisioner === (wire.constraints !== undefined)) return;
    const message = provisioner ? "Is required for a provisioner" : "Is for provisioners only";
    context.addIssue({ code: "custom", path: ["constraints"], message });
  })
  .meta({ id: "ManagementKeyCreate" });

export const ManagementKeyRotate = z
  .strictObject({ overlap_seconds: z.int().min(0).max(MAX_OVERLAP_SECONDS).default(0) })
  .meta({ id: "ManagementKeyRotate" });

export const ManagementKey = z
  .strictObject({
    id: ManagementKeyId,
    name: z.string(),
    role: RoleName,
    status: z.enum(["active", "expired", "revoked"]),
    last4: z.string(),
    constraints: Constraints.nullable(),
    expires_at: Time.nullable(),
    last_used_at: Time.nullable(),
    previous_key_expires_at: Time.nullable(),
    created_by: z.string(),
    created_at: Time,
    updated_at: Time,
    revoked_at: Time.nullable(),
  })
  .meta({ id: "ManagementKey" });
export type ManagementKey = z.infer<typeof ManagementKey>;

export const IssuedManagementKey = z
  .strictObject({ ...ManagementKey.shape, key: z.string() })
  .meta({ id: "IssuedManagementKey" });
