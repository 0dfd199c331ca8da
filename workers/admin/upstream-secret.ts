/** Takes a secret from a request into its sealed or referenced form. The plaintext lives in the request's body alone. */
import { seal } from "../../src/cloudflare/envelope.ts";
import { last4, secretText, toLocation } from "../../src/contract/upstream-credential.ts";
import type { SecretProviderWire, SecretWire } from "../../src/contract/upstream-credential.ts";
import type { UpstreamCredentialRow } from "../../src/store/connections.ts";
import { freshId } from "./changes.ts";
import type { RouteContext } from "./route.ts";

export interface NewSecret {
  readonly secret?: SecretWire | undefined;
  readonly location?: SecretProviderWire | undefined;
}

/** Location and last four characters of a secret in the row that it is bound to. Exactly one of its members is stated. */
export async function placeSecret(
  context: RouteContext,
  row: { readonly connectionId: string; readonly id: string; readonly version: number },
  given: NewSecret,
): Promise<Pick<UpstreamCredentialRow, "location" | "last4">> {
  if (given.location !== undefined) return { location: toLocation(given.location), last4: "" };
  if (given.secret === undefined) throw new Error("Neither a secret nor its location is stated");
  const sealed = await seal(secretText(given.secret), context.settings.keks, {
    organisationId: context.organisationId,
    connectionId: row.connectionId,
    credentialId: row.id,
    version: row.version,
  });
  return { location: { provider: "envelope", sealed }, last4: last4(given.secret) };
}

/** A new row of a connection, in use at once. */
export async function newUpstreamCredential(
  context: RouteContext,
  connectionId: string,
  given: NewSecret & {
    readonly name?: string | null | undefined;
    readonly environment?: string | null | undefined;
    readonly priority?: number | undefined;
    readonly weight?: number | undefined;
  },
): Promise<UpstreamCredentialRow> {
  const id = freshId(context, "ucred");
  const placed = await placeSecret(context, { connectionId, id, version: 1 }, given);
  return {
    id,
    organisationId: context.organisationId,
    connectionId,
    name: given.name ?? null,
    version: 1,
    state: "active",
    canaryShare: 0,
    replacesId: null,
    environment: given.environment ?? null,
    priority: given.priority ?? 0,
    weight: given.weight ?? 1,
    ...placed,
    createdBy: context.caller.id,
    createdAtMs: context.nowMs,
    updatedAtMs: context.nowMs,
    rotatedAtMs: null,
  };
}
