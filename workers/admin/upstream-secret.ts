/** Takes a secret from a request into its sealed or referenced form. The plaintext lives in the request's body alone. */
import { seal } from "../../src/cloudflare/envelope.ts";
import { fieldProblem } from "../../src/contract/problem.ts";
import type { AdminProblem } from "../../src/contract/problem.ts";
import { last4, secretText, toLocation } from "../../src/contract/upstream-credential.ts";
import type { SecretProviderWire, SecretWire } from "../../src/contract/upstream-credential.ts";
import type { AuthScheme } from "../../src/domain/auth-scheme.ts";
import { secretProblem, shortSecretProblem } from "../../src/domain/auth-secret.ts";
import { DEFAULT_ORGANISATION_ID } from "../../src/domain/ids.ts";
import { err, ok } from "../../src/domain/result.ts";
import type { Result } from "../../src/domain/result.ts";
import type { UpstreamCredentialRow } from "../../src/store/connections.ts";
import { freshId } from "./changes.ts";
import type { RouteContext } from "./route.ts";

export interface NewSecret {
  readonly secret?: SecretWire | undefined;
  readonly location?: SecretProviderWire | undefined;
}

export interface NewUpstreamCredential extends NewSecret {
  readonly name?: string | null | undefined;
  readonly environment?: string | null | undefined;
  readonly priority?: number | undefined;
  readonly weight?: number | undefined;
}

/**
 * Whether the scheme can use this secret. One that lives elsewhere is judged when it is read; what the deployment's own
 * stores and bindings hold is the operator's, so no other organisation may name a place in them. In its own, owners alone
 * may: whoever names a place together with an address of their own has what is kept there.
 */
export function checkSecret(
  context: Pick<RouteContext, "organisationId" | "caller">,
  auth: AuthScheme,
  given: NewSecret,
): Result<void, AdminProblem> {
  if (given.location !== undefined && context.organisationId !== DEFAULT_ORGANISATION_ID) {
    return err(fieldProblem("location", "Is for the deployment's own organisation; give the secret itself"));
  }
  if (given.location !== undefined && context.caller.role !== "owner") {
    const message = "Only an owner may name a place outside; give the secret itself";
    return err({ code: "role_denied", detail: `location: ${message}`, errors: [{ field: "location", message }] });
  }
  if (auth.scheme === "none" && given.location !== undefined) {
    return err(fieldProblem("location", "Is not used by the auth scheme none"));
  }
  if (given.secret === undefined) return ok(undefined);
  const text = secretText(given.secret);
  const problem = secretProblem(auth, text) ?? shortSecretProblem(auth, text);
  return problem === null ? ok(undefined) : err(fieldProblem("secret", problem));
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
  given: NewUpstreamCredential,
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
