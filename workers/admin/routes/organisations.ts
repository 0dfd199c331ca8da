/**
 * Organisations: the tenants of a deployment. They are made by the operator, who holds the deployment's owner key, or by
 * sign-up where that is open. Nothing here reaches into another organisation's things.
 */
import * as z from "zod";
import { wireTime } from "../../../src/contract/fields.ts";
import {
  CreatedOrganisation,
  Organisation,
  OrganisationCreate,
  OrganisationId,
  OrganisationPatch,
  SignUp,
  SignUpAnswer,
} from "../../../src/contract/organisation.ts";
import { PAGE_QUERY, pageOf } from "../../../src/contract/page.ts";
import { notFound, type AdminProblem } from "../../../src/contract/problem.ts";
import { isPlanId, PLANS } from "../../../src/domain/plan.ts";
import { err, ok, type Result } from "../../../src/domain/result.ts";
import { mintToken } from "../../../src/domain/token.ts";
import { onlyChanged, runBatch, type Statement } from "../../../src/store/control-db.ts";
import { insertManagementKey, type ManagementKeyRow } from "../../../src/store/management-keys.ts";
import { insertMember } from "../../../src/store/members.ts";
import {
  countOwnedOrganisations,
  insertOrganisation,
  listOrganisations,
  updateOrganisation,
} from "../../../src/store/organisation-changes.ts";
import { findOrganisation, type OrganisationRow } from "../../../src/store/organisations.ts";
import { reply } from "../answer.ts";
import { OWNER_KEY_ID } from "../authenticate.ts";
import { freshId, recordChange } from "../changes.ts";
import { tokenColumns } from "../issue.ts";
import { mailLoginLinks } from "../login-mail.ts";
import { isForeignForm } from "../page.ts";
import { pageBody, pageRequest } from "../pages.ts";
import {
  definePublicRoute,
  defineRoute,
  ISSUERS_AND_READERS,
  OWNER,
  type Outcome,
  type PublicContext,
  type Route,
  type RouteContext,
} from "../route.ts";

export const ORGANISATIONS_PATH = "/api/v1/organisations";
const TAG = "Organisations";
const ONE = z.strictObject({ organisation_id: OrganisationId });
const MAX_OWNED = 3;

const createOrganisation = defineRoute({
  method: "POST",
  path: ORGANISATIONS_PATH,
  operationId: "createOrganisation",
  tag: TAG,
  summary: "Make an organisation with a first owner's key (the deployment's operator only)",
  roles: OWNER,
  body: OrganisationCreate,
  responses: { 201: CreatedOrganisation },
  async handler(context, { body }): Promise<Outcome> {
    const operator = checkOperator(context);
    if (!operator.ok) return operator;
    const row = newOrganisation(context, body.name, body.plan);
    const minted = mintToken("rk_mgmt_owner_", (length) => context.random(length), context.settings.peppers[0]);
    const view = organisationView(row);
    await runBatch(context.db, [
      insertOrganisation(context.db, row),
      insertManagementKey(context.db, firstKey(context, row, minted)),
      ...(body.owner === undefined ? [] : [firstOwner(context, row, body.owner, context.caller.id)]),
      recordChange(context, { targetType: "organisation", targetId: row.id, before: null, after: view }),
    ]);
    return reply(201, { ...view, key: minted.token });
  },
});

const listAllOrganisations = defineRoute({
  method: "GET",
  path: ORGANISATIONS_PATH,
  operationId: "listOrganisations",
  tag: TAG,
  summary: "List organisations, newest first; others than the operator see their own",
  roles: ISSUERS_AND_READERS,
  query: z.strictObject(PAGE_QUERY),
  responses: { 200: pageOf(Organisation) },
  async handler(context, { query }): Promise<Outcome> {
    if (!checkOperator(context).ok) {
      const own = await findOrganisation(context.db, context.organisationId);
      return reply(200, { data: own === null ? [] : [organisationView(own)], next_cursor: null });
    }
    const rows = await listOrganisations(context.db, pageRequest(query));
    return reply(
      200,
      pageBody(rows, query.limit, (row) => row.createdAtMs, organisationView),
    );
  },
});

const changeOrganisation = defineRoute({
  method: "PATCH",
  path: `${ORGANISATIONS_PATH}/:organisation_id`,
  operationId: "changeOrganisation",
  tag: TAG,
  summary: "Rename an organisation, or (the operator only) change its plan",
  roles: OWNER,
  params: ONE,
  body: OrganisationPatch,
  responses: { 200: Organisation },
  async handler(context, { params, body }): Promise<Outcome> {
    const operator = checkOperator(context);
    const row = await findOrganisation(context.db, params.organisation_id);
    if (row === null || (!operator.ok && row.id !== context.organisationId)) return err(notFound("organisation"));
    if (body.plan !== undefined && !operator.ok) return operator;
    const change = { name: body.name ?? row.name, plan: body.plan ?? row.plan };
    const changed = onlyChanged(row, change);
    const after = organisationView({ ...row, ...change });
    await runBatch(context.db, [
      ...(Object.keys(changed).length === 0 ? [] : [updateOrganisation(context.db, row.id, changed)]),
      recordChange(context, { targetType: "organisation", targetId: row.id, before: organisationView(row), after }),
    ]);
    return reply(200, after);
  },
});

const signUp = definePublicRoute({
  method: "POST",
  path: "/api/v1/sign-up",
  operationId: "signUp",
  tag: TAG,
  summary: "Make an organisation of one's own, where sign-up is open; the answer comes by mail",
  body: SignUp,
  idempotent: false,
  responses: { 202: SignUpAnswer },
  problems: ["role_denied", "csrf_refused"],
  async handler(context, { body }): Promise<Outcome> {
    const mode = context.env.SIGN_UP ?? "closed";
    if (mode !== "open") {
      const detail = mode === "invite" ? "Sign-up is by invitation: ask the operator" : "Sign-up is closed";
      return err({ code: "role_denied", detail });
    }
    if (isForeignForm(context.request, context.settings.adminOrigin)) {
      return err({ code: "csrf_refused", detail: "Sign-up is possible only from the dashboard itself" });
    }
    context.defer(signUpByMail(context, body));
    return reply(202, { sent: true });
  },
});

export const ORGANISATION_ROUTES: readonly Route[] = [
  createOrganisation,
  listAllOrganisations,
  changeOrganisation,
  signUp,
];

/** The same answer for every address; somebody who owns enough already only gets their login links. */
async function signUpByMail(context: PublicContext, body: z.output<typeof SignUp>): Promise<void> {
  const email = body.email.toLowerCase();
  if ((await countOwnedOrganisations(context.db, email)) < MAX_OWNED) {
    const row = newOrganisation(context, body.organisation, "free");
    await runBatch(context.db, [
      insertOrganisation(context.db, row),
      firstOwner(context, row, { name: body.name, email }, "sign-up"),
    ]);
  }
  await mailLoginLinks(context, email);
}

/** The deployment's own owner key. Owners of organisations are not operators. */
export function checkOperator(context: RouteContext): Result<void, AdminProblem> {
  if (context.caller.id === OWNER_KEY_ID) return ok(undefined);
  return err({ code: "role_denied", detail: "Only the operator, with the deployment's owner key, may do this" });
}

function newOrganisation(context: PublicContext, name: string, plan: OrganisationRow["plan"]): OrganisationRow {
  return { id: freshId(context, "org"), name, plan, status: "active", createdAtMs: context.nowMs };
}

function firstOwner(
  context: PublicContext,
  organisation: OrganisationRow,
  owner: { readonly name: string; readonly email: string },
  createdBy: string,
): Statement {
  return insertMember(context.db, {
    id: freshId(context, "mem"),
    organisationId: organisation.id,
    email: owner.email.toLowerCase(),
    name: owner.name,
    role: "owner",
    status: "invited",
    createdBy,
    createdAtMs: context.nowMs,
    updatedAtMs: context.nowMs,
    lastLoginAtMs: null,
  });
}

function firstKey(
  context: RouteContext,
  organisation: OrganisationRow,
  minted: ReturnType<typeof mintToken>,
): ManagementKeyRow {
  return {
    id: freshId(context, "mk"),
    organisationId: organisation.id,
    name: "First owner key",
    role: "owner",
    ...tokenColumns(minted),
    previousLookupId: null,
    previousTokenHash: null,
    previousPepperId: null,
    previousExpiresAtMs: null,
    constraints: null,
    status: "active",
    expiresAtMs: null,
    lastUsedAtMs: null,
    createdBy: context.caller.id,
    createdAtMs: context.nowMs,
    updatedAtMs: context.nowMs,
    revokedAtMs: null,
  };
}

export function organisationView(row: OrganisationRow): Organisation {
  const plan = isPlanId(row.plan) ? PLANS[row.plan] : null;
  return {
    id: row.id,
    name: row.name,
    status: row.status,
    plan: {
      id: row.plan,
      max_connections: plan === null ? 0 : plan.maxConnections,
      max_credentials: plan === null ? 0 : plan.maxCredentials,
      max_members: plan === null ? 0 : plan.maxMembers,
      max_webhooks: plan === null ? 0 : plan.maxWebhooks,
    },
    created_at: wireTime(row.createdAtMs),
  };
}
