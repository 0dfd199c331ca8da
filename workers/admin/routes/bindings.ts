/** Bindings: grants by themselves, as the governance API sees them. A change holds once it is answered. */
import * as z from "zod";
import { ConnectionId, CredentialId, GrantId, PolicyId, wireTime } from "../../../src/contract/fields.ts";
import { PAGE_QUERY, pageOf } from "../../../src/contract/page.ts";
import { Binding, BindingCreate, BindingPatch, patchGrantSettings } from "../../../src/contract/policy.ts";
import { fieldProblem, notFound } from "../../../src/contract/problem.ts";
import type { AdminProblem } from "../../../src/contract/problem.ts";
import { err, ok } from "../../../src/domain/result.ts";
import type { Result } from "../../../src/domain/result.ts";
import { isUniqueViolation } from "../../../src/store/control-db.ts";
import type { Statement } from "../../../src/store/control-db.ts";
import {
  deleteGrant,
  findCredential,
  findGrant,
  grantsOf,
  guardGrant,
  insertGrant,
  listGrants,
  updateGrant,
} from "../../../src/store/credentials.ts";
import type { GrantWithPolicy } from "../../../src/store/credentials.ts";
import { raiseVersions } from "../../../src/store/gate-pending.ts";
import { findPolicy } from "../../../src/store/policies.ts";
import { reply } from "../answer.ts";
import { reviewBinding } from "../binding-review.ts";
import { acknowledgeGates, changedMeanwhile, recordChange } from "../changes.ts";
import { grantView } from "../credential-view.ts";
import { checkEnvironments, checkedSettings, draftGrants, grantRow, storedDrafts } from "../grant-draft.ts";
import { pageBody, pageRequest } from "../pages.ts";
import { EDITORS, READERS, defineRoute } from "../route.ts";
import type { Outcome, Route, RouteContext } from "../route.ts";

const PATH = "/admin/bindings";
const TAG = "Bindings";
const ONE = z.strictObject({ grant_id: GrantId });

const createBinding = defineRoute({
  method: "POST",
  path: PATH,
  operationId: "createBinding",
  tag: TAG,
  summary: "Grant a connection to a credential",
  roles: EDITORS,
  body: BindingCreate,
  responses: { 201: Binding },
  async handler(context, { body }): Promise<Outcome> {
    const { credential_id: credentialId, acknowledge_findings: findings, ...input } = body;
    const credential = await findCredential(context.db, context.organisationId, credentialId);
    if (credential === null) return err(fieldProblem("credential_id", "Names no credential"));
    if (credential.status === "revoked") return err(fieldProblem("credential_id", "Names a revoked credential"));
    const drafts = await draftGrants(context, [{ input, field: "" }]);
    if (!drafts.ok) return drafts;
    const agreed = checkEnvironments(drafts.value, credential.environment);
    if (!agreed.ok) return agreed;
    const [draft] = drafts.value;
    if (draft === undefined) throw new Error("A grant was lost on the way");
    const made = grantRow(context, draft, credentialId);
    const grants = await grantsOf(context.db, context.organisationId, [credentialId]);
    const reviewed = reviewBinding(context, credential, [...grants, made], draft, findings);
    if (!reviewed.ok) return reviewed;
    try {
      return await store(context, null, made, [insertGrant(context.db, made.grant), ...reviewed.value], 201);
    } catch (cause) {
      if (!isUniqueViolation(cause)) throw cause;
      return err({ code: "conflict", detail: "The credential has a grant for this connection already" });
    }
  },
});

const listBindings = defineRoute({
  method: "GET",
  path: PATH,
  operationId: "listBindings",
  tag: TAG,
  summary: "List grants, newest first",
  roles: READERS,
  query: z.strictObject({
    ...PAGE_QUERY,
    credential_id: CredentialId.optional(),
    connection_id: ConnectionId.optional(),
    policy_id: PolicyId.optional(),
  }),
  responses: { 200: pageOf(Binding) },
  async handler(context, { query }): Promise<Outcome> {
    const filter = {
      credentialId: query.credential_id,
      connectionId: query.connection_id,
      policyId: query.policy_id,
    };
    const found = await listGrants(context.db, context.organisationId, filter, pageRequest(query));
    const rows = found.map((each) => ({ ...each, id: each.grant.id }));
    return reply(
      200,
      pageBody(rows, query.limit, (row) => row.grant.createdAtMs, bindingView),
    );
  },
});

const getBinding = defineRoute({
  method: "GET",
  path: `${PATH}/:grant_id`,
  operationId: "getBinding",
  tag: TAG,
  summary: "Read one grant",
  roles: READERS,
  params: ONE,
  responses: { 200: Binding },
  async handler(context, { params }): Promise<Outcome> {
    const found = await findGrant(context.db, context.organisationId, params.grant_id);
    return found === null ? err(notFound("binding")) : reply(200, bindingView(found));
  },
});

const changeBinding = defineRoute({
  method: "PATCH",
  path: `${PATH}/:grant_id`,
  operationId: "changeBinding",
  tag: TAG,
  summary: "Change a grant",
  roles: EDITORS,
  params: ONE,
  body: BindingPatch,
  responses: { 200: Binding },
  async handler(context, { params, body }): Promise<Outcome> {
    const found = await findGrant(context.db, context.organisationId, params.grant_id);
    if (found === null) return err(notFound("binding"));
    const policy = body.policy_id === undefined ? ok(found.policy) : await policyOf(context, body.policy_id);
    if (!policy.ok) return policy;
    const settings = checkedSettings(context, patchGrantSettings(body, found.grant.settings), "");
    if (!settings.ok) return settings;
    if (policy.value === null && settings.value.scope.rules === undefined) {
      return err(fieldProblem("policy_id", "Cannot go while the grant has no rules of its own"));
    }
    const environment = body.environment === undefined ? found.grant.environment : body.environment;
    const change = { policyId: policy.value?.id ?? null, environment, settings: settings.value };
    const after = { grant: { ...found.grant, ...change }, policy: policy.value };
    const [draft] = await storedDrafts(context, [after]);
    const credential = await findCredential(context.db, context.organisationId, found.grant.credentialId);
    if (draft === undefined || credential === null) return err(notFound("binding"));
    const agreed = checkEnvironments([draft], credential.environment);
    if (!agreed.ok) return agreed;
    const grants = await grantsOf(context.db, context.organisationId, [credential.id]);
    const others = grants.filter((each) => each.grant.id !== found.grant.id);
    const reviewed = reviewBinding(context, credential, [...others, after], draft, body.acknowledge_findings);
    if (!reviewed.ok) return reviewed;
    const statements = [
      guardGrant(context.db, found.grant),
      updateGrant(context.db, context.organisationId, found.grant.id, change),
      ...reviewed.value,
    ];
    try {
      return await store(context, found, after, statements, 200);
    } catch (cause) {
      return changedMeanwhile(cause, "binding");
    }
  },
});

const removeBinding = defineRoute({
  method: "DELETE",
  path: `${PATH}/:grant_id`,
  operationId: "deleteBinding",
  tag: TAG,
  summary: "Take a grant away",
  roles: EDITORS,
  params: ONE,
  responses: { 204: null },
  async handler(context, { params }): Promise<Outcome> {
    const found = await findGrant(context.db, context.organisationId, params.grant_id);
    if (found === null) return err(notFound("binding"));
    return store(context, found, null, [deleteGrant(context.db, context.organisationId, found.grant.id)], 204);
  },
});

export const BINDING_ROUTES: readonly Route[] = [createBinding, listBindings, getBinding, changeBinding, removeBinding];

async function policyOf(
  context: RouteContext,
  id: string | null,
): Promise<Result<GrantWithPolicy["policy"], AdminProblem>> {
  if (id === null) return ok(null);
  const policy = await findPolicy(context.db, context.organisationId, id);
  return policy === null ? err(fieldProblem("policy_id", "Names no policy")) : ok(policy);
}

async function store(
  context: RouteContext,
  before: GrantWithPolicy | null,
  after: GrantWithPolicy | null,
  statements: readonly Statement[],
  status: 200 | 201 | 204,
): Promise<Outcome> {
  const grant = (after ?? before)?.grant;
  if (grant === undefined) throw new Error("A change needs a grant before or after it");
  const view = after === null ? null : bindingView(after);
  const [pending] = await context.db.batch([
    raiseVersions(context.db, context.organisationId, { credentialId: grant.credentialId }, context.nowMs),
    ...statements,
    recordChange(context, {
      targetType: "binding",
      targetId: grant.id,
      before: before === null ? null : bindingView(before),
      after: view,
    }),
  ]);
  const told = await acknowledgeGates(context, pending);
  if (told.ok) return view === null ? reply(204) : reply(status, view);
  // A grant that was just made is taken back, so that repeating the request finds nothing in its way.
  if (before === null) {
    await context.db.batch([
      raiseVersions(context.db, context.organisationId, { credentialId: grant.credentialId }, context.nowMs),
      deleteGrant(context.db, context.organisationId, grant.id),
      recordChange(context, { targetType: "binding", targetId: grant.id, before: view, after: null }),
    ]);
  }
  return told;
}

function bindingView(found: GrantWithPolicy): z.output<typeof Binding> {
  return {
    ...grantView(found),
    credential_id: found.grant.credentialId,
    created_at: wireTime(found.grant.createdAtMs),
  };
}
