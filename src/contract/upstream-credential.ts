/**
 * Upstream credentials on the wire. A secret goes in and never comes out: answers carry `last4` at most.
 * A secret of several parts is a JSON object of strings.
 */
import * as z from "zod";
import type { SecretLocation } from "../domain/documents.ts";
import { ConnectionId, Environment, Name, Time, UpstreamCredentialId, readableText } from "./fields.ts";

export const MAX_SECRET_CHARS = 16_384;
const MAX_SECRET_PARTS = 8;
/** Of a shorter secret, four characters would be too much. */
const MIN_CHARS_FOR_LAST4 = 8;

const SecretText = z
  .string()
  .min(1)
  .max(MAX_SECRET_CHARS)
  .refine((text) => text.trim() === text, "Starts or ends with white space")
  .refine((text) => !/[\0\r\n]/.test(text) || text.startsWith("-----BEGIN"), "Holds a line break or NUL");

const SecretParts = z
  .record(
    z
      .string()
      .max(64)
      .regex(/^[A-Za-z][A-Za-z0-9_]*$/, "Is not the name of a part"),
    SecretText,
  )
  .refine((parts) => Object.keys(parts).length > 0, "Is empty")
  .refine((parts) => Object.keys(parts).length <= MAX_SECRET_PARTS, `Holds more than ${MAX_SECRET_PARTS} parts`);

/** Write-only. */
export const Secret = z.union([SecretText, SecretParts]).meta({ writeOnly: true });
export type SecretWire = z.output<typeof Secret>;

const Binding = z
  .string()
  .max(128)
  .regex(/^[A-Z][A-Z0-9_]*$/, "Is not the name of a binding")
  // The deployment's own secrets and bindings can never be a vendor's key.
  .refine(
    (name) => !/^(?:RELAYKEY_|CONTROL_DB|AUDIT_DB|GATES|POOLS|HEALTH|LEDGERS|PAYMENTS)/.test(name),
    "Is RelayKey's own",
  );
const place = readableText(512).min(1);

/** Where the secret lives when it is not kept sealed in the control database. Names and paths, never secrets. */
export const SecretProvider = z
  .discriminatedUnion("provider", [
    z.strictObject({ provider: z.literal("worker_secret"), binding: Binding }),
    z.strictObject({ provider: z.literal("secrets_store"), binding: Binding }),
    z.strictObject({ provider: z.literal("vault"), mount: place, path: place, field: place }),
    z.strictObject({
      provider: z.literal("aws_secrets_manager"),
      secret_id: place,
      field: place.nullable().default(null),
    }),
  ])
  .meta({ id: "SecretProvider" });
export type SecretProviderWire = z.output<typeof SecretProvider>;

const placement = {
  name: Name.nullable().optional(),
  environment: Environment.nullable().optional(),
  priority: z.int().min(0).max(1_000).optional(),
  weight: z.int().min(0).max(1_000).optional(),
};

/** Exactly one of `secret` and `location`. */
export function checkOneSecret(wire: { secret?: unknown; location?: unknown }, context: z.RefinementCtx): void {
  if (wire.secret !== undefined && wire.location !== undefined) {
    context.addIssue({ code: "custom", path: ["location"], message: "Give either secret or location" });
  }
  if (wire.secret === undefined && wire.location === undefined) {
    context.addIssue({ code: "custom", path: ["secret"], message: "Is required" });
  }
}

const newSecret = { secret: Secret.optional(), location: SecretProvider.optional() };

export const UpstreamCredentialCreate = z
  .strictObject({ ...placement, ...newSecret })
  .superRefine(checkOneSecret)
  .meta({ id: "UpstreamCredentialCreate" });

/** The governance form, which names its connection in the body. */
export const UpstreamCredentialCreateFlat = z
  .strictObject({ connection_id: ConnectionId, ...placement, ...newSecret })
  .superRefine(checkOneSecret)
  .meta({ id: "UpstreamCredentialCreateFlat" });

export const UpstreamCredentialPatch = z
  .strictObject({ ...placement, status: z.enum(["active", "disabled"]).optional() })
  .meta({ id: "UpstreamCredentialPatch" });

/** `canary_share`: the new secret takes that share of the calls beside the old one until it is promoted. */
export const UpstreamCredentialRotate = z
  .strictObject({ ...newSecret, canary_share: z.number().gt(0).lt(1).optional() })
  .superRefine(checkOneSecret)
  .meta({ id: "UpstreamCredentialRotate" });

export const UpstreamCredential = z
  .strictObject({
    id: UpstreamCredentialId,
    connection_id: ConnectionId,
    name: z.string().nullable(),
    status: z.enum(["active", "canary", "disabled"]),
    last4: z.string().max(4),
    version: z.int(),
    environment: z.string().nullable(),
    priority: z.int(),
    weight: z.int(),
    canary_share: z.number().nullable(),
    replaces_id: z.string().nullable(),
    provider: z.string(),
    location: z.unknown().optional(),
    created_by: z.string(),
    created_at: Time,
    updated_at: Time,
    rotated_at: Time.nullable(),
  })
  .meta({ id: "UpstreamCredential" });
export type UpstreamCredential = z.infer<typeof UpstreamCredential>;

/** The text that is sealed: a secret of parts becomes a JSON object. */
export function secretText(secret: SecretWire): string {
  return typeof secret === "string" ? secret : JSON.stringify(secret);
}

/** Up to four characters for people to recognise a secret by; of several parts, of the last one. */
export function last4(secret: SecretWire): string {
  const text = typeof secret === "string" ? secret : (Object.values(secret).at(-1) ?? "");
  return text.length < MIN_CHARS_FOR_LAST4 ? "" : text.slice(-4);
}

export function toLocation(wire: SecretProviderWire): SecretLocation {
  if (wire.provider !== "aws_secrets_manager") return wire;
  return { provider: wire.provider, secretId: wire.secret_id, field: wire.field };
}

/** Null for a sealed secret: of that, nothing is shown. */
export function fromLocation(location: SecretLocation): SecretProviderWire | null {
  switch (location.provider) {
    case "envelope":
      return null;
    case "aws_secrets_manager":
      return { provider: location.provider, secret_id: location.secretId, field: location.field };
    case "worker_secret":
    case "secrets_store":
    case "vault":
      return location;
  }
}
