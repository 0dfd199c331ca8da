/** Policies: reusable scopes and limits with versions. A change reaches every grant before it is acknowledged. */
import * as z from "zod";
import { PolicyId, wireTime } from "../../../src/contract/fields.ts";
import { PAGE_QUERY, decodeCursor, encodeCursor, pageOf } from "../../../src/contract/page.ts";
import {
  Policy,
  PolicyCreate,
  PolicyPatch,
  PolicyVersion,
  fromPolicySettings,
  patchPolicySettings,
} from "../../../src/contract/policy.ts";
import { notFound } from "../../../src/contract/problem.ts";
import { err } from "../../../src/domain/result.ts";
import { isUniqueViolation, runBatch } from "../../../src/store/control-db.ts";
import { raiseVersions } from "../../../src/store/gate-pending.ts";
import {
  countGrantsOfPolicy,
  deletePolicy,
  findPolicy,
  insertPolicy,
  listPolicies,
  listPolicyVersions,
  updatePolicy,
} from "../../../src/store/policies.ts";
import type { PolicyRow, PolicyVersionRow } from "../../../src/store/policies.ts";
import { reply } from "../answer.ts";
import { acknowledgeGates, acknowledgeStored, freshId, recordChange } from "../changes.ts";
import { checkedSettings } from "../grant-draft.ts";
import { pageBody, pageRequest } from "../pages.ts";
import { EDITORS, READERS, defineRoute } from "../route.ts";
import type { Outcome, Route } from "../route.ts";

const PATH = "/api/v1/policies";
const ALIAS = "/admin/policies";
const TAG = "Policies";
const ONE = z.strictObject({ policy_id: PolicyId });

const createPolicy = defineRoute({
  method: "POST",
  path: PATH,
  aliases: [ALIAS],
  operationId: "createPolicy",
  tag: TAG,
  summary: "Make a policy",
  roles: EDITORS,
  body: PolicyCreate,
  responses: { 201: Policy },
  async handler(context, { body }): Promise<Outcome> {
    const settings = patchPolicySettings(body, { scope: {} });
    const checked = checkedSettings(context, settings, "");
    if (!checked.ok) return checked;
    const row: PolicyRow = {
      id: freshId(context, "pol"),
      organisationId: context.organisationId,
      name: body.name,
      version: 1,
      settings: { ...settings, ...checked.value },
      createdBy: context.caller.id,
      createdAtMs: context.nowMs,
      updatedAtMs: context.nowMs,
    };
    const view = policyView(row);
    await runBatch(context.db, [
      ...insertPolicy(context.db, row),
      recordChange(context, { targetType: "policy", targetId: row.id, before: null, after: view }),
    ]);
    return reply(201, view);
  },
});

const listAllPolicies = defineRoute({
  method: "GET",
  path: PATH,
  aliases: [ALIAS],
  operationId: "listPolicies",
  tag: TAG,
  summary: "List policies, newest first",
  roles: READERS,
  query: z.strictObject(PAGE_QUERY),
  responses: { 200: pageOf(Policy) },
  async handler(context, { query }): Promise<Outcome> {
    const rows = await listPolicies(context.db, context.organisationId, pageRequest(query));
    return reply(
      200,
      pageBody(rows, query.limit, (row) => row.createdAtMs, policyView),
    );
  },
});

const getPolicy = defineRoute({
  method: "GET",
  path: `${PATH}/:policy_id`,
  aliases: [`${ALIAS}/:policy_id`],
  operationId: "getPolicy",
  tag: TAG,
  summary: "Read one policy",
  roles: READERS,
  params: ONE,
  responses: { 200: Policy },
  async handler(context, { params }): Promise<Outcome> {
    const row = await findPolicy(context.db, context.organisationId, params.policy_id);
    return row === null ? err(notFound("policy")) : reply(200, policyView(row));
  },
});

const listVersions = defineRoute({
  method: "GET",
  path: `${PATH}/:policy_id/versions`,
  aliases: [`${ALIAS}/:policy_id/versions`],
  operationId: "listPolicyVersions",
  tag: TAG,
  summary: "List the versions of a policy, newest first",
  roles: READERS,
  params: ONE,
  query: z.strictObject(PAGE_QUERY),
  responses: { 200: pageOf(PolicyVersion) },
  async handler(context, { params, query }): Promise<Outcome> {
    const row = await findPolicy(context.db, context.organisationId, params.policy_id);
    if (row === null) return err(notFound("policy"));
    // The cursor's time holds a version here: versions are their own order.
    const before = query.cursor === undefined ? null : (decodeCursor(query.cursor)?.atMs ?? null);
    const page = { limit: query.limit, before };
    const rows = await listPolicyVersions(context.db, context.organisationId, row.id, page);
    const shown = rows.slice(0, query.limit);
    const last = shown.at(-1);
    const next =
      rows.length > query.limit && last !== undefined ? encodeCursor({ atMs: last.version, id: row.id }) : null;
    return reply(200, { data: shown.map(policyVersionView), next_cursor: next });
  },
});

const changePolicy = defineRoute({
  method: "PATCH",
  path: `${PATH}/:policy_id`,
  aliases: [`${ALIAS}/:policy_id`],
  operationId: "changePolicy",
  tag: TAG,
  summary: "Change a policy: a new version that holds for every grant at once",
  roles: EDITORS,
  params: ONE,
  body: PolicyPatch,
  responses: { 200: Policy },
  async handler(context, { params, body }): Promise<Outcome> {
    const row = await findPolicy(context.db, context.organisationId, params.policy_id);
    if (row === null) return err(notFound("policy"));
    const settings = patchPolicySettings(body, row.settings);
    const checked = checkedSettings(context, settings, "");
    if (!checked.ok) return checked;
    const after: PolicyRow = {
      ...row,
      name: body.name ?? row.name,
      version: row.version + 1,
      settings: { ...settings, ...checked.value },
      updatedAtMs: context.nowMs,
    };
    if (after.name === row.name && JSON.stringify(after.settings) === JSON.stringify(row.settings)) {
      const told = await acknowledgeStored(context, { policyId: row.id });
      return told.ok ? reply(200, policyView(row)) : told;
    }
    const view = policyView(after);
    try {
      const [pending] = await context.db.batch([
        raiseVersions(context.db, context.organisationId, { policyId: row.id }, context.nowMs),
        ...updatePolicy(context.db, after, context.caller.id),
        recordChange(context, { targetType: "policy", targetId: row.id, before: policyView(row), after: view }),
      ]);
      const told = await acknowledgeGates(context, pending);
      return told.ok ? reply(200, view) : told;
    } catch (cause) {
      if (!isUniqueViolation(cause)) throw cause;
      return err({ code: "conflict", detail: "The policy was changed at the same moment; read it and try again" });
    }
  },
});

const removePolicy = defineRoute({
  method: "DELETE",
  path: `${PATH}/:policy_id`,
  aliases: [`${ALIAS}/:policy_id`],
  operationId: "deletePolicy",
  tag: TAG,
  summary: "Delete a policy that no grant refers to",
  roles: EDITORS,
  params: ONE,
  responses: { 204: null },
  async handler(context, { params }): Promise<Outcome> {
    const row = await findPolicy(context.db, context.organisationId, params.policy_id);
    if (row === null) return err(notFound("policy"));
    const used = await countGrantsOfPolicy(context.db, context.organisationId, row.id);
    if (used > 0) return err({ code: "conflict", detail: `${used} grants refer to this policy`, extensions: { used } });
    // A grant made in this moment finds no policy when it is compiled, and then grants nothing.
    await runBatch(context.db, [
      deletePolicy(context.db, context.organisationId, row.id),
      recordChange(context, { targetType: "policy", targetId: row.id, before: policyView(row), after: null }),
    ]);
    return reply(204);
  },
});

export const POLICY_ROUTES: readonly Route[] = [
  createPolicy,
  listAllPolicies,
  getPolicy,
  listVersions,
  changePolicy,
  removePolicy,
];

export function policyView(row: PolicyRow): Policy {
  return {
    id: row.id,
    name: row.name,
    version: row.version,
    ...fromPolicySettings(row.settings),
    created_by: row.createdBy,
    created_at: wireTime(row.createdAtMs),
    updated_at: wireTime(row.updatedAtMs),
  };
}

function policyVersionView(row: PolicyVersionRow): z.output<typeof PolicyVersion> {
  return {
    policy_id: row.policyId,
    version: row.version,
    name: row.name,
    ...fromPolicySettings(row.settings),
    created_by: row.createdBy,
    created_at: wireTime(row.createdAtMs),
  };
}
