/**
 * Management keys: authority over this API. Only an owner makes owners and admins; nobody raises their own role. The key
 * is shown once; a revoke holds at once, because every request looks the key up.
 */
import * as z from "zod";
import { ManagementKeyId, wireTime } from "../../../src/contract/fields.ts";
import {
  Constraints,
  IssuedManagementKey,
  ManagementKey,
  ManagementKeyCreate,
  ManagementKeyRotate,
} from "../../../src/contract/management-key.ts";
import { PAGE_QUERY, pageOf } from "../../../src/contract/page.ts";
import { notFound } from "../../../src/contract/problem.ts";
import type { AdminProblem } from "../../../src/contract/problem.ts";
import { err, ok } from "../../../src/domain/result.ts";
import type { Result } from "../../../src/domain/result.ts";
import { mintToken } from "../../../src/domain/token.ts";
import type { Role } from "../../../src/domain/token.ts";
import { runBatch } from "../../../src/store/control-db.ts";
import type { Statement } from "../../../src/store/control-db.ts";
import {
  findManagementKey,
  guardManagementKey,
  insertManagementKey,
  listManagementKeys,
  updateManagementKey,
} from "../../../src/store/management-keys.ts";
import type { ManagementKeyRow } from "../../../src/store/management-keys.ts";
import { reply } from "../answer.ts";
import { changedMeanwhile, freshId, recordChange } from "../changes.ts";
import { tokenColumns } from "../issue.ts";
import { pageBody, pageRequest } from "../pages.ts";
import { EDITORS, READERS, defineRoute } from "../route.ts";
import type { Outcome, Route, RouteContext } from "../route.ts";

const PATH = "/api/v1/management-keys";
const TAG = "Management keys";
const ONE = z.strictObject({ management_key_id: ManagementKeyId });

const createManagementKey = defineRoute({
  method: "POST",
  path: PATH,
  operationId: "createManagementKey",
  tag: TAG,
  summary: "Make a management key",
  description: "The key is in this answer and never shown again. Only an owner makes owner and admin keys.",
  roles: EDITORS,
  body: ManagementKeyCreate,
  responses: { 201: IssuedManagementKey },
  async handler(context, { body }): Promise<Outcome> {
    const allowed = checkRank(context, body.role);
    if (!allowed.ok) return allowed;
    const minted = mintKey(context, body.role);
    const row: ManagementKeyRow = {
      id: freshId(context, "mk"),
      organisationId: context.organisationId,
      name: body.name,
      role: body.role,
      ...tokenColumns(minted),
      previousLookupId: null,
      previousTokenHash: null,
      previousPepperId: null,
      previousExpiresAtMs: null,
      constraints: body.constraints ?? null,
      status: "active",
      expiresAtMs: body.ttl_seconds === undefined ? null : context.nowMs + body.ttl_seconds * 1_000,
      lastUsedAtMs: null,
      createdBy: context.caller.id,
      createdAtMs: context.nowMs,
      updatedAtMs: context.nowMs,
      revokedAtMs: null,
    };
    const view = managementKeyView(row, context.nowMs);
    await runBatch(context.db, [
      insertManagementKey(context.db, row),
      recordChange(context, { targetType: "management_key", targetId: row.id, before: null, after: view }),
    ]);
    return reply(201, { ...view, key: minted.token });
  },
});

const listAllManagementKeys = defineRoute({
  method: "GET",
  path: PATH,
  operationId: "listManagementKeys",
  tag: TAG,
  summary: "List management keys, newest first",
  roles: READERS,
  query: z.strictObject(PAGE_QUERY),
  responses: { 200: pageOf(ManagementKey) },
  async handler(context, { query }): Promise<Outcome> {
    const rows = await listManagementKeys(context.db, context.organisationId, pageRequest(query));
    const view = (row: ManagementKeyRow): ManagementKey => managementKeyView(row, context.nowMs);
    return reply(
      200,
      pageBody(rows, query.limit, (row) => row.createdAtMs, view),
    );
  },
});

const getManagementKey = defineRoute({
  method: "GET",
  path: `${PATH}/:management_key_id`,
  operationId: "getManagementKey",
  tag: TAG,
  summary: "Read one management key's entry",
  roles: READERS,
  params: ONE,
  responses: { 200: ManagementKey },
  async handler(context, { params }): Promise<Outcome> {
    const row = await findManagementKey(context.db, context.organisationId, params.management_key_id);
    return row === null ? err(notFound("management key")) : reply(200, managementKeyView(row, context.nowMs));
  },
});

const rotateManagementKey = defineRoute({
  method: "POST",
  path: `${PATH}/:management_key_id/rotate`,
  operationId: "rotateManagementKey",
  tag: TAG,
  summary: "Replace a management key; the old one stays good for the overlap",
  roles: EDITORS,
  params: ONE,
  body: ManagementKeyRotate,
  responses: { 200: IssuedManagementKey },
  async handler(context, { params, body }): Promise<Outcome> {
    const found = await findChangeable(context, params.management_key_id);
    if (!found.ok) return found;
    const row = found.value;
    const status = keyStatus(row, context.nowMs);
    if (status !== "active") return err({ code: "conflict", detail: `The key is ${status}` });
    const minted = mintKey(context, row.role);
    const overlaps = body.overlap_seconds > 0;
    const change = {
      ...tokenColumns(minted),
      previousLookupId: overlaps ? row.lookupId : null,
      previousTokenHash: overlaps ? row.tokenHash : null,
      previousPepperId: overlaps ? row.pepperId : null,
      previousExpiresAtMs: overlaps ? context.nowMs + body.overlap_seconds * 1_000 : null,
    };
    return storeKey(context, row, change, [guardManagementKey(context.db, row)], { key: minted.token });
  },
});

const revokeManagementKey = defineRoute({
  method: "POST",
  path: `${PATH}/:management_key_id/revoke`,
  operationId: "revokeManagementKey",
  tag: TAG,
  summary: "Revoke a management key at once",
  roles: EDITORS,
  params: ONE,
  responses: { 200: ManagementKey },
  async handler(context, { params }): Promise<Outcome> {
    const found = await findChangeable(context, params.management_key_id);
    if (!found.ok) return found;
    const row = found.value;
    if (row.status === "revoked") return reply(200, managementKeyView(row, context.nowMs));
    return storeKey(context, row, { status: "revoked", revokedAtMs: context.nowMs }, []);
  },
});

export const MANAGEMENT_KEY_ROUTES: readonly Route[] = [
  createManagementKey,
  listAllManagementKeys,
  getManagementKey,
  rotateManagementKey,
  revokeManagementKey,
];

function mintKey(context: RouteContext, role: Role): ReturnType<typeof mintToken> {
  return mintToken(`rk_mgmt_${role}_`, (length) => context.random(length), context.settings.peppers[0]);
}

/** An admin has no power over owners and other admins. */
function checkRank(context: RouteContext, role: Role): Result<void, AdminProblem> {
  if (context.caller.role === "owner" || role === "provisioner" || role === "auditor") return ok(undefined);
  return err({ code: "role_denied", detail: `Only an owner may make, replace or revoke ${role} keys` });
}

async function findChangeable(context: RouteContext, id: string): Promise<Result<ManagementKeyRow, AdminProblem>> {
  const row = await findManagementKey(context.db, context.organisationId, id);
  if (row === null) return err(notFound("management key"));
  const allowed = checkRank(context, row.role);
  return allowed.ok ? ok(row) : allowed;
}

async function storeKey(
  context: RouteContext,
  row: ManagementKeyRow,
  change: Partial<Omit<ManagementKeyRow, "id" | "organisationId">>,
  guards: readonly Statement[],
  shownOnce: { readonly key?: string } = {},
): Promise<Outcome> {
  const stamped = { ...change, updatedAtMs: context.nowMs };
  const after = managementKeyView({ ...row, ...stamped }, context.nowMs);
  const before = managementKeyView(row, context.nowMs);
  const statements = [
    ...guards,
    updateManagementKey(context.db, context.organisationId, row.id, stamped),
    recordChange(context, { targetType: "management_key", targetId: row.id, before, after }),
  ];
  try {
    await runBatch(context.db, statements);
  } catch (cause) {
    return changedMeanwhile(cause, "key");
  }
  return reply(200, { ...after, ...shownOnce });
}

function keyStatus(row: ManagementKeyRow, nowMs: number): ManagementKey["status"] {
  if (row.status === "revoked") return "revoked";
  return row.expiresAtMs !== null && row.expiresAtMs <= nowMs ? "expired" : "active";
}

function managementKeyView(row: ManagementKeyRow, nowMs: number): ManagementKey {
  const constraints = row.constraints === null ? null : Constraints.safeParse(row.constraints);
  return {
    id: row.id,
    name: row.name,
    role: row.role,
    status: keyStatus(row, nowMs),
    last4: row.tokenLast4,
    constraints: constraints?.success ? constraints.data : null,
    expires_at: wireTime(row.expiresAtMs),
    last_used_at: wireTime(row.lastUsedAtMs),
    previous_key_expires_at: wireTime(row.previousExpiresAtMs),
    created_by: row.createdBy,
    created_at: wireTime(row.createdAtMs),
    updated_at: wireTime(row.updatedAtMs),
    revoked_at: wireTime(row.revokedAtMs),
  };
}
