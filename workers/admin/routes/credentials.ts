/**
 * Delegated credentials, which the governance API calls virtual keys. A provisioner sees only what it minted.
 * A revoke answers only once the credential's gate holds it.
 */
import * as z from "zod";
import { Credential, CredentialCreate, IssuedCredential, VirtualKeyCreate } from "../../../src/contract/credential.ts";
import { ConnectionId, CreatorId, CredentialId, LabelFilter, Name, RecipientId } from "../../../src/contract/fields.ts";
import { PAGE_QUERY, pageOf } from "../../../src/contract/page.ts";
import { notFound } from "../../../src/contract/problem.ts";
import type { AdminProblem } from "../../../src/contract/problem.ts";
import { err, ok } from "../../../src/domain/result.ts";
import type { Result } from "../../../src/domain/result.ts";
import { findCredential, grantsOf, listCredentials } from "../../../src/store/credentials.ts";
import type { CredentialRow, GrantWithPolicy } from "../../../src/store/credentials.ts";
import { pendingGates, revokeCredentials } from "../../../src/store/gate-pending.ts";
import { reply } from "../answer.ts";
import { acknowledgeGates, recordChange } from "../changes.ts";
import { credentialView } from "../credential-view.ts";
import { issueCredential } from "../issue.ts";
import { pageBody, pageRequest } from "../pages.ts";
import { ISSUERS, ISSUERS_AND_READERS, defineRoute } from "../route.ts";
import type { Outcome, Route, RouteContext } from "../route.ts";

const PATH = "/api/v1/delegated-credentials";
const ALIAS = "/admin/virtual-keys";
const TAG = "Delegated credentials";
const ONE = z.strictObject({ credential_id: CredentialId });
const LIST_QUERY = z.strictObject({
  ...PAGE_QUERY,
  kind: z.enum(["delegated", "virtual"]).optional(),
  status: z.enum(["active", "expired", "revoked"]).optional(),
  recipient_id: RecipientId.optional(),
  connection_id: ConnectionId.optional(),
  created_by: CreatorId.optional(),
  name: Name.optional(),
  label: LabelFilter.optional(),
});

function issueRoute(
  path: `/${string}`,
  operationId: string,
  defaultKind: CredentialRow["kind"],
  summary: string,
  body: typeof CredentialCreate,
): Route {
  return defineRoute({
    method: "POST",
    path,
    operationId,
    tag: TAG,
    summary,
    description: "The token is in this answer and never shown again.",
    roles: ISSUERS,
    body,
    responses: { 201: IssuedCredential },
    handler: (context, input) => issueCredential(context, input.body, defaultKind),
  });
}

function listRoute(
  path: `/${string}`,
  operationId: string,
  defaultKind: CredentialRow["kind"] | undefined,
  summary: string,
): Route {
  return defineRoute({
    method: "GET",
    path,
    operationId,
    tag: TAG,
    summary,
    roles: ISSUERS_AND_READERS,
    query: LIST_QUERY,
    responses: { 200: pageOf(Credential) },
    async handler(context, { query }): Promise<Outcome> {
      const { db, organisationId, nowMs, caller } = context;
      const filter = {
        kind: query.kind ?? defaultKind,
        status: query.status,
        recipientId: query.recipient_id,
        connectionId: query.connection_id,
        name: query.name,
        label: query.label,
        createdBy: query.created_by,
        visibleTo: caller.role === "provisioner" ? caller.id : undefined,
      };
      const rows = await listCredentials(db, organisationId, filter, nowMs, pageRequest(query));
      const ids = rows.map((row) => row.id);
      const grants = await grantsOf(db, organisationId, ids);
      const view = (row: CredentialRow): Credential => credentialView(row, grants, nowMs);
      return reply(
        200,
        pageBody(rows, query.limit, (row) => row.createdAtMs, view),
      );
    },
  });
}

const getCredential = defineRoute({
  method: "GET",
  path: `${PATH}/:credential_id`,
  aliases: [`${ALIAS}/:credential_id`],
  operationId: "getDelegatedCredential",
  tag: TAG,
  summary: "Read one credential",
  roles: ISSUERS_AND_READERS,
  params: ONE,
  responses: { 200: Credential },
  async handler(context, { params }): Promise<Outcome> {
    const found = await findVisible(context, params.credential_id);
    return found.ok ? reply(200, viewOf(context, found.value)) : found;
  },
});

const revokeCredential = defineRoute({
  method: "POST",
  path: `${PATH}/:credential_id/revoke`,
  aliases: [`${ALIAS}/:credential_id/revoke`],
  operationId: "revokeDelegatedCredential",
  tag: TAG,
  summary: "Revoke a credential",
  description: "Answers 200 only once no later request is admitted anywhere. Safe to repeat.",
  roles: ISSUERS,
  params: ONE,
  responses: { 200: Credential },
  handler: (context, { params }) => revoke(context, params.credential_id, 200),
});

const deleteVirtualKey = defineRoute({
  method: "DELETE",
  path: `${PATH}/:credential_id`,
  aliases: [`${ALIAS}/:credential_id`],
  operationId: "deleteDelegatedCredential",
  tag: TAG,
  summary: "Revoke a credential (the same as its revoke; the entry stays for the record)",
  roles: ISSUERS,
  params: ONE,
  responses: { 204: null },
  handler: (context, { params }) => revoke(context, params.credential_id, 204),
});

export const CREDENTIAL_ROUTES: readonly Route[] = [
  issueRoute(
    PATH,
    "createDelegatedCredential",
    "delegated",
    "Issue a credential with one or several grants",
    CredentialCreate,
  ),
  issueRoute(
    ALIAS,
    "createVirtualKey",
    "virtual",
    "Issue a virtual key; without a grant it is bound later",
    VirtualKeyCreate,
  ),
  listRoute(PATH, "listDelegatedCredentials", undefined, "List credentials, newest first"),
  listRoute(ALIAS, "listVirtualKeys", "virtual", "List virtual keys, newest first"),
  getCredential,
  revokeCredential,
  deleteVirtualKey,
];

export interface FoundCredential {
  readonly row: CredentialRow;
  readonly grants: readonly GrantWithPolicy[];
}

/** What a provisioner did not mint does not exist for it. */
export async function findVisible(context: RouteContext, id: string): Promise<Result<FoundCredential, AdminProblem>> {
  const row = await findCredential(context.db, context.organisationId, id);
  const hidden = context.caller.role === "provisioner" && row?.createdBy !== context.caller.id;
  if (row === null || hidden) return err(notFound("credential"));
  return ok({ row, grants: await grantsOf(context.db, context.organisationId, [id]) });
}

function viewOf(context: RouteContext, found: FoundCredential): Credential {
  return credentialView(found.row, found.grants, context.nowMs);
}

async function revoke(context: RouteContext, id: string, status: 200 | 204): Promise<Outcome> {
  const { db, organisationId, nowMs } = context;
  const found = await findVisible(context, id);
  if (!found.ok) return found;
  const { row, grants } = found.value;
  const affected = { credentialId: id };
  if (row.status === "active") {
    const after: CredentialRow = { ...row, status: "revoked", revokedAtMs: nowMs, updatedAtMs: nowMs };
    await db.batch([
      revokeCredentials(db, organisationId, affected, nowMs),
      recordChange(context, {
        targetType: "delegated_credential",
        targetId: id,
        before: credentialView(row, grants, nowMs),
        after: credentialView(after, grants, nowMs),
      }),
    ]);
  }
  // Also when an earlier request revoked it and could not tell the gate.
  const told = await acknowledgeGates(context, await pendingGates(db, organisationId, affected));
  if (!told.ok) return told;
  if (status === 204) return reply(204);
  const stored = await findVisible(context, id);
  return stored.ok ? reply(200, viewOf(context, stored.value)) : stored;
}
