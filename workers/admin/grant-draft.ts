/**
 * Grants before they are stored: their connections and policies looked up, their URLs and environments checked. Problems
 * name the member of the request, wherever it stood.
 */
import { fieldProblem } from "../../src/contract/problem.ts";
import type { AdminProblem } from "../../src/contract/problem.ts";
import { toGrantSettings } from "../../src/contract/policy.ts";
import type { GrantInput } from "../../src/contract/policy.ts";
import { checkEgressUrl } from "../../src/domain/egress.ts";
import { err, ok } from "../../src/domain/result.ts";
import type { Result } from "../../src/domain/result.ts";
import type { GrantSettings } from "../../src/domain/settings.ts";
import { findConnections } from "../../src/store/connections.ts";
import type { ConnectionRow } from "../../src/store/connections.ts";
import type { GrantWithPolicy } from "../../src/store/credentials.ts";
import { findPolicies } from "../../src/store/policies.ts";
import type { PolicyRow } from "../../src/store/policies.ts";
import { freshId } from "./changes.ts";
import { effectiveSettings } from "./credential-view.ts";
import type { RouteContext } from "./route.ts";

export interface GrantDraft {
  readonly connection: ConnectionRow;
  readonly policy: PolicyRow | null;
  readonly environment: string | null;
  /** The grant's own members; the policy's come on top of them when it is compiled. */
  readonly settings: GrantSettings;
  /** Where the grant stood in the request: `` or `grants[1].`. */
  readonly field: string;
}

export async function draftGrants(
  context: RouteContext,
  inputs: readonly { readonly input: GrantInput; readonly field: string }[],
): Promise<Result<GrantDraft[], AdminProblem>> {
  const { db, organisationId } = context;
  const connectionIds = inputs.map(({ input }) => input.connection_id);
  const policyIds = inputs.flatMap(({ input }) => input.policy_id ?? []);
  const connections = await findConnections(db, organisationId, connectionIds);
  const policies = policyIds.length === 0 ? [] : await findPolicies(db, organisationId, policyIds);
  const drafts: GrantDraft[] = [];
  for (const { input, field } of inputs) {
    const connection = connections.find((row) => row.id === input.connection_id);
    if (connection === undefined) return err(fieldProblem(`${field}connection_id`, "Names no connection"));
    const policy = policies.find((row) => row.id === input.policy_id) ?? null;
    if ((input.policy_id ?? null) !== null && policy === null) {
      return err(fieldProblem(`${field}policy_id`, "Names no policy"));
    }
    if (context.caller.role === "provisioner") {
      if ((input.price ?? null) !== null) return err(ofPolicyAlone(field, "price", "ask the price"));
      if (policy?.settings.customers !== undefined && input.customers !== undefined) {
        return err(ofPolicyAlone(field, "customers", "keep the customer rule"));
      }
    }
    const settings = checkedSettings(context, toGrantSettings(input), field);
    if (!settings.ok) return settings;
    drafts.push({ connection, policy, environment: input.environment ?? null, settings: settings.value, field });
  }
  return ok(drafts);
}

/** What takes the place of the policy's is not for those to state who act within constraints. */
function ofPolicyAlone(field: string, member: "price" | "customers", what: string): AdminProblem {
  const message = `A provisioner's grants ${what} of their policy`;
  return { code: "outside_constraint", detail: `${message}.`, errors: [{ field: `${field}${member}`, message }] };
}

/** The facilitator is called by RelayKey, so its address must be one that RelayKey may call. */
export function checkedSettings(
  context: RouteContext,
  settings: GrantSettings,
  field: string,
): Result<GrantSettings, AdminProblem> {
  const url = settings.payment?.facilitatorUrl ?? null;
  if (settings.payment === undefined || url === null) return ok(settings);
  const checked = checkEgressUrl(url, { allowPrivate: context.settings.allowPrivateUpstreams });
  if (!checked.ok) return err(fieldProblem(`${field}price.facilitator_url`, checked.error.detail));
  return ok({ ...settings, payment: { ...settings.payment, facilitatorUrl: checked.value } });
}

/** The environments of grant, credential and connection must agree as far as they are stated. */
export function checkEnvironments(
  drafts: readonly GrantDraft[],
  environment: string | null,
): Result<void, AdminProblem> {
  for (const draft of drafts) {
    const wanted = draft.environment ?? environment;
    if (draft.environment !== null && environment !== null && draft.environment !== environment) {
      return err(fieldProblem(`${draft.field}environment`, `The credential is for ${environment}`));
    }
    if (wanted !== null && draft.connection.environment !== null && wanted !== draft.connection.environment) {
      const message = `${draft.connection.id} is for ${draft.connection.environment}`;
      return err(fieldProblem(`${draft.field}environment`, message));
    }
  }
  return ok(undefined);
}

/** What will hold for the draft. */
export function effectiveDraft(draft: GrantDraft): GrantSettings {
  return effectiveSettings({ grant: { ...EMPTY_ROW, settings: draft.settings }, policy: draft.policy });
}

const EMPTY_ROW = {
  id: "",
  organisationId: "",
  credentialId: "",
  connectionId: "",
  policyId: null,
  environment: null,
  createdAtMs: 0,
};

/** Grants as they are stored, to be looked at anew. */
export async function storedDrafts(context: RouteContext, grants: readonly GrantWithPolicy[]): Promise<GrantDraft[]> {
  const ids = grants.map(({ grant }) => grant.connectionId);
  const connections = await findConnections(context.db, context.organisationId, ids);
  return grants.flatMap(({ grant: { connectionId, environment, settings }, policy }) => {
    const connection = connections.find((row) => row.id === connectionId);
    return connection === undefined ? [] : [{ connection, policy, environment, settings, field: "" }];
  });
}

/** The row of a draft. A grant that is there already keeps its id, and with it what its budgets have counted. */
export function grantRow(
  context: RouteContext,
  draft: GrantDraft,
  credentialId: string,
  existing: readonly GrantWithPolicy[] = [],
): GrantWithPolicy {
  const known = existing.find((each) => each.grant.connectionId === draft.connection.id)?.grant;
  return {
    grant: {
      id: known?.id ?? freshId(context, "grant"),
      organisationId: context.organisationId,
      credentialId,
      connectionId: draft.connection.id,
      policyId: draft.policy?.id ?? null,
      environment: draft.environment,
      settings: draft.settings,
      createdAtMs: known?.createdAtMs ?? context.nowMs,
    },
    policy: draft.policy,
  };
}
