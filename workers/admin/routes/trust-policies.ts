/** Trust policies: which identity tokens may be exchanged, and for what. As powerful as a key: owners only. */
import * as z from "zod";
import { TrustPolicy, TrustPolicyCreate, TrustPolicyId, TrustPolicyPatch } from "../../../src/contract/exchange.ts";
import { wireTime } from "../../../src/contract/fields.ts";
import { Constraints } from "../../../src/contract/management-key.ts";
import { PAGE_QUERY, pageOf } from "../../../src/contract/page.ts";
import { fieldProblem, notFound, type AdminProblem } from "../../../src/contract/problem.ts";
import { claimRulesProblem } from "../../../src/domain/claims.ts";
import { checkEgressUrl } from "../../../src/domain/egress.ts";
import { err, ok, type Result } from "../../../src/domain/result.ts";
import { onlyChanged, runBatch } from "../../../src/store/control-db.ts";
import {
  deleteExchangeTrust,
  findExchangeTrust,
  insertExchangeTrust,
  listExchangeTrusts,
  updateExchangeTrust,
  type ExchangeTrustRow,
} from "../../../src/store/exchange-trusts.ts";
import { reply } from "../answer.ts";
import { freshId, recordChange } from "../changes.ts";
import { pageBody, pageRequest } from "../pages.ts";
import { defineRoute, OWNER, READERS, type Outcome, type Route, type RouteContext } from "../route.ts";

const PATH = "/api/v1/trust-policies";
const TAG = "Token exchange";
const ONE = z.strictObject({ trust_policy_id: TrustPolicyId });

const createTrustPolicy = defineRoute({
  method: "POST",
  path: PATH,
  operationId: "createTrustPolicy",
  tag: TAG,
  summary: "Trust an issuer's tokens whose claims agree, within constraints",
  roles: OWNER,
  body: TrustPolicyCreate,
  responses: { 201: TrustPolicy },
  async handler(context, { body }): Promise<Outcome> {
    const row: ExchangeTrustRow = {
      id: freshId(context, "trust"),
      organisationId: context.organisationId,
      name: body.name,
      issuer: body.issuer,
      audience: body.audience,
      jwksUrl: body.jwks_url ?? null,
      claims: body.claims,
      constraints: body.constraints,
      status: "active",
      createdBy: context.caller.id,
      createdAtMs: context.nowMs,
      updatedAtMs: context.nowMs,
    };
    const checked = checkTrust(context, row);
    if (!checked.ok) return checked;
    const view = trustView(row);
    await runBatch(context.db, [
      insertExchangeTrust(context.db, row),
      recordChange(context, { targetType: "trust_policy", targetId: row.id, before: null, after: view }),
    ]);
    return reply(201, view);
  },
});

const listTrustPolicies = defineRoute({
  method: "GET",
  path: PATH,
  operationId: "listTrustPolicies",
  tag: TAG,
  summary: "List trust policies, newest first",
  roles: READERS,
  query: z.strictObject(PAGE_QUERY),
  responses: { 200: pageOf(TrustPolicy) },
  async handler(context, { query }): Promise<Outcome> {
    const rows = await listExchangeTrusts(context.db, context.organisationId, pageRequest(query));
    return reply(
      200,
      pageBody(rows, query.limit, (row) => row.createdAtMs, trustView),
    );
  },
});

const getTrustPolicy = defineRoute({
  method: "GET",
  path: `${PATH}/:trust_policy_id`,
  operationId: "getTrustPolicy",
  tag: TAG,
  summary: "Read one trust policy",
  roles: READERS,
  params: ONE,
  responses: { 200: TrustPolicy },
  async handler(context, { params }): Promise<Outcome> {
    const row = await findExchangeTrust(context.db, context.organisationId, params.trust_policy_id);
    return row === null ? err(notFound("trust policy")) : reply(200, trustView(row));
  },
});

const changeTrustPolicy = defineRoute({
  method: "PATCH",
  path: `${PATH}/:trust_policy_id`,
  operationId: "changeTrustPolicy",
  tag: TAG,
  summary: "Change or pause a trust policy; credentials already issued keep what they have",
  roles: OWNER,
  params: ONE,
  body: TrustPolicyPatch,
  responses: { 200: TrustPolicy },
  async handler(context, { params, body }): Promise<Outcome> {
    const row = await findExchangeTrust(context.db, context.organisationId, params.trust_policy_id);
    if (row === null) return err(notFound("trust policy"));
    const change = {
      name: body.name ?? row.name,
      audience: body.audience ?? row.audience,
      jwksUrl: body.jwks_url === undefined ? row.jwksUrl : body.jwks_url,
      claims: body.claims ?? row.claims,
      constraints: body.constraints ?? row.constraints,
      status: body.status ?? row.status,
      updatedAtMs: context.nowMs,
    };
    const after = { ...row, ...change };
    const checked = checkTrust(context, after);
    if (!checked.ok) return checked;
    await runBatch(context.db, [
      updateExchangeTrust(context.db, context.organisationId, row.id, {
        ...onlyChanged(row, change),
        updatedAtMs: context.nowMs,
      }),
      recordChange(context, {
        targetType: "trust_policy",
        targetId: row.id,
        before: trustView(row),
        after: trustView(after),
      }),
    ]);
    return reply(200, trustView(after));
  },
});

const removeTrustPolicy = defineRoute({
  method: "DELETE",
  path: `${PATH}/:trust_policy_id`,
  operationId: "deleteTrustPolicy",
  tag: TAG,
  summary: "Delete a trust policy; credentials already issued keep what they have",
  roles: OWNER,
  params: ONE,
  responses: { 204: null },
  async handler(context, { params }): Promise<Outcome> {
    const row = await findExchangeTrust(context.db, context.organisationId, params.trust_policy_id);
    if (row === null) return err(notFound("trust policy"));
    await runBatch(context.db, [
      deleteExchangeTrust(context.db, context.organisationId, row.id),
      recordChange(context, { targetType: "trust_policy", targetId: row.id, before: trustView(row), after: null }),
    ]);
    return reply(204);
  },
});

export const TRUST_POLICY_ROUTES: readonly Route[] = [
  createTrustPolicy,
  listTrustPolicies,
  getTrustPolicy,
  changeTrustPolicy,
  removeTrustPolicy,
];

function checkTrust(context: RouteContext, row: ExchangeTrustRow): Result<void, AdminProblem> {
  const options = { allowPrivate: context.settings.allowPrivateUpstreams };
  const issuer = checkEgressUrl(row.issuer, options);
  if (!issuer.ok) return err(fieldProblem("issuer", issuer.error.detail));
  const jwks = row.jwksUrl === null ? ok(null) : checkEgressUrl(row.jwksUrl, options);
  if (!jwks.ok) return err(fieldProblem("jwks_url", jwks.error.detail));
  const problem = claimRulesProblem(row.issuer, row.claims);
  return problem === null ? ok(undefined) : err(fieldProblem("claims", problem));
}

function trustView(row: ExchangeTrustRow): TrustPolicy {
  return {
    id: row.id,
    name: row.name,
    issuer: row.issuer,
    audience: row.audience,
    jwks_url: row.jwksUrl,
    claims: Object.fromEntries(Object.entries(row.claims).map(([name, values]) => [name, [...values]])),
    constraints: Constraints.parse(row.constraints),
    status: row.status,
    created_by: row.createdBy,
    created_at: wireTime(row.createdAtMs),
    updated_at: wireTime(row.updatedAtMs),
  };
}
