/**
 * Share links: handing a token over once. The link's fragment holds the key, which browsers do not send. The page behind
 * the link is in `share-pages.ts`.
 */
import * as z from "zod";
import { CredentialId, wireTime } from "../../../src/contract/fields.ts";
import { PAGE_QUERY, pageOf } from "../../../src/contract/page.ts";
import { fieldProblem, notFound, type AdminProblem } from "../../../src/contract/problem.ts";
import { Share, ShareCreate, ShareId, ShareWithUrl } from "../../../src/contract/share.ts";
import { encodeBase64Url } from "../../../src/domain/encoding.ts";
import { err, ok, type Result } from "../../../src/domain/result.ts";
import {
  sealedShareProblem,
  sealShare,
  shareStatus,
  SHARE_IV_BYTES,
  SHARE_KEY_BYTES,
} from "../../../src/domain/share.ts";
import { mintToken, verifyTokenHash } from "../../../src/domain/token.ts";
import type { Statement } from "../../../src/store/control-db.ts";
import { isFailedGuard, runBatch } from "../../../src/store/control-db.ts";
import {
  findCredential,
  grantsOf,
  guardToken,
  updateCredential,
  type CredentialRow,
} from "../../../src/store/credentials.ts";
import { pendingGates, raiseVersions } from "../../../src/store/gate-pending.ts";
import { findShare, insertShare, listShares, withdrawShare, type ShareRow } from "../../../src/store/shares.ts";
import { reply } from "../answer.ts";
import { acknowledgeGates, changedMeanwhile, freshId, recordChange } from "../changes.ts";
import { checkStored } from "../constraint.ts";
import { credentialStatus } from "../credential-view.ts";
import { tokenColumns } from "../issue.ts";
import { shareLookupHash } from "../share-lookup.ts";
import { pageBody, pageRequest } from "../pages.ts";
import { defineRoute, ISSUERS, ISSUERS_AND_READERS, type Outcome, type Route, type RouteContext } from "../route.ts";

const TAG = "Share links";
const LOOKUP_BYTES = 24;
const CREDENTIAL = z.strictObject({ credential_id: CredentialId });
const ONE = z.strictObject({ share_id: ShareId });
const OPENED: AdminProblem = { code: "conflict", detail: "The link was opened already" };

const createShare = defineRoute({
  method: "POST",
  path: "/api/v1/delegated-credentials/:credential_id/share",
  operationId: "shareDelegatedCredential",
  tag: TAG,
  summary: "Make a one-time link that hands the token over",
  roles: ISSUERS,
  params: CREDENTIAL,
  body: ShareCreate,
  responses: { 201: ShareWithUrl },
  async handler(context, { params, body }): Promise<Outcome> {
    const found = await visibleCredential(context, params.credential_id);
    if (!found.ok) return found;
    const status = credentialStatus(found.value, context.nowMs);
    if (status !== "active") return err({ code: "conflict", detail: `The credential is ${status}` });
    const grants = await grantsOf(context.db, context.organisationId, [found.value.id]);
    const inside = checkStored(context, found.value, grants);
    if (!inside.ok) return inside;
    const sealed = await sealedPart(context, found.value, body);
    if (!sealed.ok) return sealed;
    const lookup = encodeBase64Url(context.random(LOOKUP_BYTES));
    const row: ShareRow = {
      id: freshId(context, "share"),
      organisationId: context.organisationId,
      credentialId: found.value.id,
      lookupHash: shareLookupHash(lookup),
      payload: sealed.value.payload,
      createdBy: context.caller.id,
      createdAtMs: context.nowMs,
      expiresAtMs: context.nowMs + body.ttl_seconds * 1000,
      openedAtMs: null,
      openedAddress: null,
      withdrawnAtMs: null,
    };
    const view = shareView(row, context.nowMs);
    const statements = [
      ...sealed.value.statements,
      insertShare(context.db, row),
      recordChange(context, { targetType: "share", targetId: row.id, before: null, after: view }),
    ];
    try {
      await runBatch(context.db, statements);
    } catch (cause) {
      return changedMeanwhile(cause, "credential");
    }
    const reach = { credentialId: found.value.id };
    const told = await acknowledgeGates(context, await pendingGates(context.db, context.organisationId, reach));
    if (!told.ok) return told;
    const origin = context.settings.adminOrigin ?? new URL(context.request.url).origin;
    return reply(201, { ...view, url: `${origin}/share/${lookup}${sealed.value.fragment}` });
  },
});

const listCredentialShares = defineRoute({
  method: "GET",
  path: "/api/v1/delegated-credentials/:credential_id/shares",
  operationId: "listShares",
  tag: TAG,
  summary: "List the share links of a credential, newest first",
  roles: ISSUERS_AND_READERS,
  params: CREDENTIAL,
  query: z.strictObject(PAGE_QUERY),
  responses: { 200: pageOf(Share) },
  async handler(context, { params, query }): Promise<Outcome> {
    const found = await visibleCredential(context, params.credential_id);
    if (!found.ok) return found;
    const rows = await listShares(context.db, context.organisationId, found.value.id, pageRequest(query));
    return reply(
      200,
      pageBody(
        rows,
        query.limit,
        (row) => row.createdAtMs,
        (row) => shareView(row, context.nowMs),
      ),
    );
  },
});

const removeShare = defineRoute({
  method: "DELETE",
  path: "/api/v1/shares/:share_id",
  operationId: "withdrawShare",
  tag: TAG,
  summary: "Withdraw a share link",
  roles: ISSUERS,
  params: ONE,
  responses: { 200: Share },
  async handler(context, { params }): Promise<Outcome> {
    const row = await findShare(context.db, context.organisationId, params.share_id);
    const found = row === null ? null : await visibleCredential(context, row.credentialId);
    if (row === null || found === null || !found.ok) return err(notFound("share"));
    if (row.openedAtMs !== null) return err(OPENED);
    const after = { ...row, withdrawnAtMs: context.nowMs };
    const statements = [
      ...withdrawShare(context.db, context.organisationId, row.id, context.nowMs),
      recordChange(context, {
        targetType: "share",
        targetId: row.id,
        before: shareView(row, context.nowMs),
        after: shareView(after, context.nowMs),
      }),
    ];
    try {
      await runBatch(context.db, statements);
    } catch (cause) {
      if (!isFailedGuard(cause)) throw cause;
      return err(OPENED);
    }
    return reply(200, shareView(after, context.nowMs));
  },
});

export const SHARE_ROUTES: readonly Route[] = [createShare, listCredentialShares, removeShare];

interface SealedPart {
  readonly payload: string;
  /** `#` and the key, or empty when the client keeps it. */
  readonly fragment: string;
  /** Run first: that the token is still the one that was read, and of a rotation, when a new one was made. */
  readonly statements: readonly Statement[];
}

/** The key exists in this call and in the answer; it is stored nowhere. */
async function sealedPart(
  context: RouteContext,
  row: CredentialRow,
  body: z.output<typeof ShareCreate>,
): Promise<Result<SealedPart, AdminProblem>> {
  if (body.sealed !== undefined) {
    const problem = sealedShareProblem(body.sealed);
    if (problem !== null) return err(fieldProblem(`sealed.${problem}`, "Is not what AES-256-GCM gives, in base64url"));
    return ok({ payload: JSON.stringify(body.sealed), fragment: "", statements: [] });
  }
  if (body.token !== undefined) {
    const hashes = [{ hash: row.tokenHash, pepperId: row.pepperId }];
    if (!verifyTokenHash(body.token, hashes, context.settings.peppers)) {
      return err(fieldProblem("token", "Is not the token of this credential"));
    }
    return ok({ ...(await sealed(context, body.token)), statements: [guardToken(context.db, row)] });
  }
  const prefix = row.kind === "virtual" ? "vk_" : "rk_proxy_";
  const minted = mintToken(prefix, (length) => context.random(length), context.settings.peppers[0]);
  const { db, organisationId, nowMs } = context;
  const change = {
    ...tokenColumns(minted),
    previousLookupId: null,
    previousTokenHash: null,
    previousPepperId: null,
    previousExpiresAtMs: null,
    rotatedAtMs: nowMs,
    updatedAtMs: nowMs,
  };
  const statements = [
    guardToken(db, row),
    raiseVersions(db, organisationId, { credentialId: row.id }, nowMs),
    updateCredential(db, organisationId, row.id, change),
  ];
  return ok({ ...(await sealed(context, minted.token)), statements });
}

async function sealed(context: RouteContext, token: string): Promise<{ payload: string; fragment: string }> {
  const key = context.random(SHARE_KEY_BYTES);
  const payload = JSON.stringify(await sealShare(token, key, context.random(SHARE_IV_BYTES)));
  return { payload, fragment: `#${encodeBase64Url(key)}` };
}

/** A provisioner sees only what it minted. */
async function visibleCredential(context: RouteContext, id: string): Promise<Result<CredentialRow, AdminProblem>> {
  const row = await findCredential(context.db, context.organisationId, id);
  const hidden = row !== null && context.caller.role === "provisioner" && row.createdBy !== context.caller.id;
  return row === null || hidden ? err(notFound("credential")) : ok(row);
}

function shareView(row: ShareRow, nowMs: number): Share {
  return {
    id: row.id,
    credential_id: row.credentialId,
    status: shareStatus(row, nowMs),
    created_by: row.createdBy,
    created_at: wireTime(row.createdAtMs),
    expires_at: wireTime(row.expiresAtMs),
    opened_at: wireTime(row.openedAtMs),
    opened_from: row.openedAddress,
    withdrawn_at: wireTime(row.withdrawnAtMs),
  };
}
