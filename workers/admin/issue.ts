/**
 * Issues a credential: looks up what it refers to, holds constraints, plan and review against it, mints the token, stores
 * everything in one batch. The token is in the answer and nowhere else.
 */
import type { CredentialCreate } from "../../src/contract/credential.ts";
import { toLimits, toTrust } from "../../src/contract/limits.ts";
import type { GrantInput } from "../../src/contract/policy.ts";
import { fieldProblem } from "../../src/contract/problem.ts";
import type { AdminProblem } from "../../src/contract/problem.ts";
import { NO_LIMITS } from "../../src/domain/limits.ts";
import { agentPrompt } from "../../src/domain/prompts.ts";
import { err, ok } from "../../src/domain/result.ts";
import type { Result } from "../../src/domain/result.ts";
import { effectiveTrust } from "../../src/domain/settings.ts";
import { mintToken } from "../../src/domain/token.ts";
import { isFailedGuard, runBatch } from "../../src/store/control-db.ts";
import type { Statement } from "../../src/store/control-db.ts";
import {
  countLiveCredentials,
  guardLiveCredentials,
  insertCredential,
  insertGrant,
} from "../../src/store/credentials.ts";
import type { CredentialRow } from "../../src/store/credentials.ts";
import { findRecipient, guardRecipient } from "../../src/store/recipients.ts";
import type { RecipientRow } from "../../src/store/recipients.ts";
import { reply } from "./answer.ts";
import { freshId, recordChange } from "./changes.ts";
import { checkConnections, holdConstraints } from "./constraint.ts";
import type { ConstrainedDraft } from "./constraint.ts";
import { credentialView } from "./credential-view.ts";
import { checkEnvironments, draftGrants, grantRow } from "./grant-draft.ts";
import { checkRoom, noRoom } from "./plan-limit.ts";
import { promptInput } from "./prompt-input.ts";
import { passReview, reviewDrafts, reviewView } from "./review.ts";
import type { Outcome, RouteContext } from "./route.ts";

const TOKEN_PREFIX = { delegated: "rk_proxy_", virtual: "vk_" } as const;
const LAST4_CHARS = 4;

/** `defaultKind`: of the path by which the request came. */
export async function issueCredential(
  context: RouteContext,
  body: CredentialCreate,
  defaultKind: CredentialRow["kind"],
): Promise<Outcome> {
  const kind = body.kind ?? defaultKind;
  const recipient = await activeRecipient(context, body.recipient_id ?? null);
  if (!recipient.ok) return recipient;
  const drafted = await draftCredential(context, body, recipient.value);
  if (!drafted.ok) return drafted;
  const draft = drafted.value;
  if (context.caller.role === "provisioner" && body.trust !== undefined) {
    const held = draft.grants.find((grant) => grant.policy?.settings.trust !== undefined);
    if (held !== undefined) return err(ownTrustRefused());
  }
  const ownTrust = body.trust === undefined ? null : toTrust(body.trust);
  const trust = effectiveTrust(
    kind,
    ownTrust,
    draft.grants.map((grant) => grant.policy?.settings.trust),
  );
  const acknowledged = body.acknowledge_findings ?? [];
  const review = reviewDrafts(draft.grants, { ttlSeconds: draft.ttlSeconds, trust, limits: draft.limits });
  const passed = passReview(review, draft.grants, context.caller, acknowledged);
  if (!passed.ok) return passed;
  const live = await countLiveCredentials(context.db, context.organisationId, context.nowMs);
  const room = await checkRoom(context, "credentials", live);
  if (!room.ok) return room;

  const minted = mintToken(TOKEN_PREFIX[kind], (length) => context.random(length), context.settings.peppers[0]);
  const row: CredentialRow = {
    id: freshId(context, "dcred"),
    organisationId: context.organisationId,
    name: draft.name,
    kind,
    ...tokenColumns(minted),
    previousLookupId: null,
    previousTokenHash: null,
    previousPepperId: null,
    previousExpiresAtMs: null,
    status: "active",
    expiresAtMs: draft.ttlSeconds === null ? null : context.nowMs + draft.ttlSeconds * 1_000,
    recipientId: recipient.value?.id ?? null,
    environment: body.environment ?? null,
    labels: draft.labels,
    limits: draft.limits,
    trust: ownTrust,
    acknowledged,
    docVersion: 1,
    gatePending: 0,
    createdBy: context.caller.id,
    createdAtMs: context.nowMs,
    updatedAtMs: context.nowMs,
    rotatedAtMs: null,
    revokedAtMs: null,
  };
  const grants = draft.grants.map((grant) => grantRow(context, grant, row.id));
  const view = credentialView(row, grants, context.nowMs);
  const stored = await storeWithinCounts(context, room.value, row.recipientId, [
    insertCredential(context.db, row),
    ...grants.map((each) => insertGrant(context.db, each.grant)),
    recordChange(context, { targetType: "delegated_credential", targetId: row.id, before: null, after: view }),
  ]);
  if (!stored.ok) return stored;
  const prompt = agentPrompt(
    promptInput(context, row, grants, {
      recipientName: recipient.value?.name ?? null,
      connections: draft.grants.map((grant) => grant.connection),
      token: body.prompt_with_token === true ? minted.token : null,
    }),
    "generic",
  );
  return reply(201, { ...view, token: minted.token, review: reviewView(review), prompt });
}

/** A credential's own trust takes the place of its policies', so it is not for those to state who act within constraints. */
function ownTrustRefused(): AdminProblem {
  const message = "A provisioner's credential has the address trust of its policy";
  return { code: "outside_constraint", detail: `${message}.`, errors: [{ field: "trust", message }] };
}

/** However many requests race: counting what is live, seeing that the recipient is, and inserting are one step. */
async function storeWithinCounts(
  context: RouteContext,
  planMaximum: number | null,
  recipientId: string | null,
  statements: readonly Statement[],
): Promise<Result<void, AdminProblem>> {
  const { db, organisationId, nowMs, caller } = context;
  const maxActive = caller.constraints?.max_active;
  const guards = [
    ...(recipientId === null ? [] : [guardRecipient(db, organisationId, recipientId)]),
    ...(planMaximum === null ? [] : [guardLiveCredentials(db, organisationId, nowMs, planMaximum)]),
    ...(maxActive === undefined ? [] : [guardLiveCredentials(db, organisationId, nowMs, maxActive, caller.id)]),
  ];
  try {
    await runBatch(db, [...guards, ...statements]);
    return ok(undefined);
  } catch (cause) {
    if (!isFailedGuard(cause)) throw cause;
    const recipient = await activeRecipient(context, recipientId);
    if (!recipient.ok) return recipient;
    if (maxActive === undefined) return err(noRoom("credentials", planMaximum ?? 0));
    const message = `The key may have ${maxActive} live credentials`;
    return err({ code: "outside_constraint", detail: message, errors: [{ field: "max_active", message }] });
  }
}

/** Columns of a freshly minted token. */
export function tokenColumns(minted: ReturnType<typeof mintToken>) {
  return {
    lookupId: minted.lookupId,
    tokenHash: minted.hash,
    pepperId: minted.pepperId,
    tokenLast4: minted.token.slice(-LAST4_CHARS),
  };
}

/** The grants that a request asks for, each with its place in it: the list, or the one that stands directly. */
export function requestedGrants(body: CredentialCreate): { input: GrantInput; field: string }[] {
  if (body.grants !== undefined) return body.grants.map((input, i) => ({ input, field: `grants[${i}].` }));
  const { connection_id: connectionId } = body;
  // A virtual key that is bound later: nothing is granted until then.
  if (connectionId === undefined) return [];
  // Limits, environment and trust that stand directly in the request are the credential's.
  const { grants: _grants, limits: _limits, environment: _environment, ...input } = body;
  return [{ input: { ...input, connection_id: connectionId }, field: "" }];
}

/** A recipient that is there and was not revoked; null when none is named. */
export async function activeRecipient(
  context: RouteContext,
  id: string | null,
): Promise<Result<RecipientRow | null, AdminProblem>> {
  if (id === null) return ok(null);
  const recipient = await findRecipient(context.db, context.organisationId, id);
  if (recipient === null) return err(fieldProblem("recipient_id", "Names no recipient"));
  if (recipient.status !== "active") return err(fieldProblem("recipient_id", "Names a revoked recipient"));
  return ok(recipient);
}

async function draftCredential(
  context: RouteContext,
  body: CredentialCreate,
  recipient: RecipientRow | null,
): Promise<Result<ConstrainedDraft, AdminProblem>> {
  const ttlSeconds = requestedTtl(body, context.nowMs);
  if (!ttlSeconds.ok) return ttlSeconds;
  const asked = requestedGrants(body);
  const known = checkConnections(context, asked);
  if (!known.ok) return known;
  const grants = await draftGrants(context, asked);
  if (!grants.ok) return grants;
  const agreed = checkEnvironments(grants.value, body.environment ?? recipient?.environment ?? null);
  if (!agreed.ok) return agreed;
  const draft: ConstrainedDraft = {
    name: body.name,
    ttlSeconds: ttlSeconds.value,
    labels: body.labels ?? {},
    limits: body.limits === undefined ? NO_LIMITS : toLimits(body.limits),
    grants: grants.value,
  };
  if (context.caller.role !== "provisioner") return ok(draft);
  const { constraints } = context.caller;
  if (constraints === null) return err({ code: "outside_constraint", detail: "This key has no readable constraints" });
  const live = await countLiveCredentials(context.db, context.organisationId, context.nowMs, context.caller.id);
  return holdConstraints(constraints, draft, live);
}

function requestedTtl(body: CredentialCreate, nowMs: number): Result<number | null, AdminProblem> {
  if (body.expires_at === undefined) return ok(body.ttl_seconds ?? null);
  const seconds = Math.ceil((Date.parse(body.expires_at) - nowMs) / 1_000);
  return seconds > 0 ? ok(seconds) : err(fieldProblem("expires_at", "Is in the past"));
}
