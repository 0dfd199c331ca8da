/** Changes of a credential: its members, its grants, its token. Each holds at the gate before it is answered. */
import * as z from "zod";
import { Credential, CredentialPatch, CredentialRotate, RotatedCredential } from "../../../src/contract/credential.ts";
import { CredentialId } from "../../../src/contract/fields.ts";
import { toLimits, toTrust } from "../../../src/contract/limits.ts";
import { fieldProblem } from "../../../src/contract/problem.ts";
import type { AdminProblem } from "../../../src/contract/problem.ts";
import { err, ok } from "../../../src/domain/result.ts";
import type { Result } from "../../../src/domain/result.ts";
import { mintToken } from "../../../src/domain/token.ts";
import { onlyChanged, runBatch } from "../../../src/store/control-db.ts";
import type { Statement } from "../../../src/store/control-db.ts";
import {
  deleteGrant,
  guardDocument,
  guardToken,
  insertGrant,
  updateCredential,
  updateGrant,
} from "../../../src/store/credentials.ts";
import type { CredentialRow, GrantWithPolicy } from "../../../src/store/credentials.ts";
import { pendingGates, raiseVersions } from "../../../src/store/gate-pending.ts";
import { guardRecipient } from "../../../src/store/recipients.ts";
import { reply } from "../answer.ts";
import { acknowledgeGates, changedMeanwhile, recordChange } from "../changes.ts";
import { checkStored } from "../constraint.ts";
import { credentialStatus, credentialView } from "../credential-view.ts";
import { checkEnvironments, draftGrants, grantRow, storedDrafts } from "../grant-draft.ts";
import type { GrantDraft } from "../grant-draft.ts";
import { activeRecipient, tokenColumns } from "../issue.ts";
import { passChange } from "../review.ts";
import { EDITORS, ISSUERS, defineRoute } from "../route.ts";
import type { Outcome, Route, RouteContext } from "../route.ts";
import { findVisible } from "./credentials.ts";
import type { FoundCredential } from "./credentials.ts";

const PATH = "/api/v1/delegated-credentials";
const ALIAS = "/admin/virtual-keys";
const TAG = "Delegated credentials";
const ONE = z.strictObject({ credential_id: CredentialId });

/** Members of a credential that the safety review looks at, beside its grants. */
const REVIEWED_MEMBERS = ["ttl_seconds", "expires_at", "limits", "trust"] as const;

const changeCredential = defineRoute({
  method: "PATCH",
  path: `${PATH}/:credential_id`,
  aliases: [`${ALIAS}/:credential_id`],
  operationId: "changeDelegatedCredential",
  tag: TAG,
  summary: "Change a credential; the change holds once it is answered",
  roles: EDITORS,
  params: ONE,
  body: CredentialPatch,
  responses: { 200: Credential },
  async handler(context, { params, body }): Promise<Outcome> {
    const found = await findVisible(context, params.credential_id);
    if (!found.ok) return found;
    const { row, grants } = found.value;
    if (row.status === "revoked") return err({ code: "conflict", detail: "The credential is revoked" });
    const expiry = changedExpiry(body, row, context.nowMs);
    if (!expiry.ok) return expiry;
    const recipientId = body.recipient_id === undefined ? row.recipientId : body.recipient_id;
    const recipient = await activeRecipient(context, recipientId);
    if (!recipient.ok) return recipient;
    const environment = body.environment === undefined ? row.environment : body.environment;
    const change = {
      name: body.name ?? row.name,
      recipientId,
      environment,
      labels: body.labels ?? row.labels,
      expiresAtMs: expiry.value,
      limits: body.limits === undefined ? row.limits : toLimits(body.limits),
      trust: body.trust === undefined ? row.trust : body.trust && toTrust(body.trust),
      acknowledged: body.acknowledge_findings ?? row.acknowledged,
      updatedAtMs: context.nowMs,
    };
    const given =
      recipient.value === null ? [] : [guardRecipient(context.db, context.organisationId, recipient.value.id)];
    const after = { ...row, ...change };
    if (body.grants === undefined) {
      const weighs = REVIEWED_MEMBERS.some((member) => body[member] !== undefined);
      const passed = weighs ? passChange(context, after, grants, await storedDrafts(context, grants)) : ok(undefined);
      return passed.ok ? storeCredential(context, found.value, change, grants, given) : passed;
    }
    const drafts = await draftGrants(
      context,
      body.grants.map((input, i) => ({ input, field: `grants[${i}].` })),
    );
    if (!drafts.ok) return drafts;
    const agreed = checkEnvironments(drafts.value, environment ?? recipient.value?.environment ?? null);
    if (!agreed.ok) return agreed;
    const replaced = replaceGrants(context, row.id, grants, drafts.value);
    const passed = passChange(context, after, replaced.grants, drafts.value);
    if (!passed.ok) return passed;
    return storeCredential(context, found.value, change, replaced.grants, [
      ...given,
      guardDocument(context.db, row),
      ...replaced.statements,
    ]);
  },
});

const rotateCredential = defineRoute({
  method: "POST",
  path: `${PATH}/:credential_id/rotate`,
  aliases: [`${ALIAS}/:credential_id/rotate`],
  operationId: "rotateDelegatedCredential",
  tag: TAG,
  summary: "Give a credential a new token; the old one stays good for the overlap",
  roles: ISSUERS,
  params: ONE,
  body: CredentialRotate,
  responses: { 200: RotatedCredential },
  async handler(context, { params, body }): Promise<Outcome> {
    const found = await findVisible(context, params.credential_id);
    if (!found.ok) return found;
    const { row, grants } = found.value;
    const status = credentialStatus(row, context.nowMs);
    if (status !== "active") return err({ code: "conflict", detail: `The credential is ${status}` });
    const inside = checkStored(context, row, grants);
    if (!inside.ok) return inside;
    const prefix = row.kind === "virtual" ? "vk_" : "rk_proxy_";
    const minted = mintToken(prefix, (length) => context.random(length), context.settings.peppers[0]);
    const overlaps = body.overlap_seconds > 0;
    const change = {
      ...tokenColumns(minted),
      previousLookupId: overlaps ? row.lookupId : null,
      previousTokenHash: overlaps ? row.tokenHash : null,
      previousPepperId: overlaps ? row.pepperId : null,
      previousExpiresAtMs: overlaps ? context.nowMs + body.overlap_seconds * 1_000 : null,
      rotatedAtMs: context.nowMs,
      updatedAtMs: context.nowMs,
    };
    return storeCredential(context, found.value, change, grants, [guardToken(context.db, row)], {
      token: minted.token,
    });
  },
});

export const CREDENTIAL_CHANGE_ROUTES: readonly Route[] = [changeCredential, rotateCredential];

function changedExpiry(
  body: z.output<typeof CredentialPatch>,
  row: CredentialRow,
  nowMs: number,
): Result<number | null, AdminProblem> {
  if (body.ttl_seconds !== undefined) {
    return ok(body.ttl_seconds === null ? null : nowMs + body.ttl_seconds * 1_000);
  }
  if (body.expires_at === undefined) return ok(row.expiresAtMs);
  if (body.expires_at === null) return ok(null);
  const atMs = Date.parse(body.expires_at);
  return atMs > nowMs ? ok(atMs) : err(fieldProblem("expires_at", "Is in the past; to end a credential, revoke it"));
}

/** The new set of grants; those whose connection stays keep their id, and with it what their budgets have counted. */
function replaceGrants(
  context: RouteContext,
  credentialId: string,
  existing: readonly GrantWithPolicy[],
  drafts: readonly GrantDraft[],
): { grants: GrantWithPolicy[]; statements: Statement[] } {
  const { db, organisationId } = context;
  const grants = drafts.map((draft) => grantRow(context, draft, credentialId, existing));
  const known = new Set(existing.map((each) => each.grant.id));
  const kept = new Set(grants.map((each) => each.grant.id));
  const statements = [
    ...existing
      .filter((each) => !kept.has(each.grant.id))
      .map((each) => deleteGrant(db, organisationId, each.grant.id)),
    ...grants.map(({ grant }) =>
      known.has(grant.id)
        ? updateGrant(db, organisationId, grant.id, {
            policyId: grant.policyId,
            environment: grant.environment,
            settings: grant.settings,
          })
        : insertGrant(db, grant),
    ),
  ];
  return { grants, statements };
}

/** `first` runs before the rest of the batch: guards must see what was read. */
async function storeCredential(
  context: RouteContext,
  found: FoundCredential,
  change: Partial<CredentialRow>,
  grants: readonly GrantWithPolicy[],
  first: readonly Statement[],
  shownOnce: { readonly token?: string } = {},
): Promise<Outcome> {
  const { db, organisationId, nowMs } = context;
  const { row } = found;
  const after = credentialView({ ...row, ...change }, grants, nowMs);
  const statements = [
    ...first,
    updateCredential(db, organisationId, row.id, { ...onlyChanged(row, change), updatedAtMs: nowMs }),
    // After the change of the expiry, so that one that lives again is raised as well.
    raiseVersions(db, organisationId, { credentialId: row.id }, nowMs),
    recordChange(context, {
      targetType: "delegated_credential",
      targetId: row.id,
      before: credentialView(row, found.grants, nowMs),
      after,
    }),
  ];
  try {
    await runBatch(db, statements);
  } catch (cause) {
    return changedMeanwhile(cause, "credential");
  }
  const told = await acknowledgeGates(context, await pendingGates(db, organisationId, { credentialId: row.id }));
  return told.ok ? reply(200, { ...after, ...shownOnce }) : told;
}
