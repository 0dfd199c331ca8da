/** The least rules that cover what was really used, from the audit. Reads only. */
import * as z from "zod";
import { CredentialId, PolicyId, wireTime } from "../../../src/contract/fields.ts";
import { notFound } from "../../../src/contract/problem.ts";
import { Suggestion, SuggestRequest } from "../../../src/contract/scope-review.ts";
import { err } from "../../../src/domain/result.ts";
import { suggestRules } from "../../../src/domain/suggest.ts";
import { usedPaths, type UsedPath } from "../../../src/store/audit-replay.ts";
import { findCredential } from "../../../src/store/credentials.ts";
import { findPolicy } from "../../../src/store/policies.ts";
import { reply } from "../answer.ts";
import { defineRoute, READERS, type Outcome, type Route, type RouteContext } from "../route.ts";
import { grantsOfPolicy } from "./policies-replay.ts";

const DAY_MS = 86_400_000;

const suggestForPolicy = defineRoute({
  method: "POST",
  path: "/api/v1/policies/:policy_id/suggest",
  operationId: "suggestPolicy",
  tag: "Policies",
  summary: "Propose the least rules that cover what the policy's grants really used",
  roles: READERS,
  params: z.strictObject({ policy_id: PolicyId }),
  body: SuggestRequest,
  responses: { 200: Suggestion },
  async handler(context, { params, body }): Promise<Outcome> {
    const policy = await findPolicy(context.db, context.organisationId, params.policy_id);
    if (policy === null) return err(notFound("policy"));
    const grants = await grantsOfPolicy(context, policy.id);
    const credentialIds = [...new Set(grants.map((grant) => grant.credentialId))];
    return suggest(
      context,
      body.days,
      credentialIds,
      grants.map((grant) => grant.id),
    );
  },
});

const suggestForCredential = defineRoute({
  method: "POST",
  path: "/api/v1/delegated-credentials/:credential_id/suggest",
  operationId: "suggestDelegatedCredential",
  tag: "Delegated credentials",
  summary: "Propose the least scope that covers what a credential really used",
  roles: READERS,
  params: z.strictObject({ credential_id: CredentialId }),
  body: SuggestRequest,
  responses: { 200: Suggestion },
  async handler(context, { params, body }): Promise<Outcome> {
    const credential = await findCredential(context.db, context.organisationId, params.credential_id);
    if (credential === null) return err(notFound("credential"));
    return suggest(context, body.days, [credential.id], null);
  },
});

export const SUGGESTION_ROUTES: readonly Route[] = [suggestForPolicy, suggestForCredential];

async function suggest(
  context: RouteContext,
  days: number,
  credentialIds: readonly string[],
  grantIds: readonly string[] | null,
): Promise<Outcome> {
  const fromMs = context.nowMs - days * DAY_MS;
  const { organisationId } = context;
  const used = await usedPaths(context.env.AUDIT_DB, { organisationId, credentialIds, grantIds, fromMs });
  const byConnection = new Map<string, UsedPath[]>();
  for (const path of used.paths) {
    const known = byConnection.get(path.connectionId);
    if (known === undefined) byConnection.set(path.connectionId, [path]);
    else known.push(path);
  }
  return reply(200, {
    from: wireTime(fromMs),
    calls: sumOf(used.paths),
    connections: [...byConnection].map(([connectionId, paths]) => ({
      connection_id: connectionId,
      calls: sumOf(paths),
      rules: suggestRules(paths),
    })),
    complete: used.complete,
  });
}

function sumOf(paths: readonly UsedPath[]): number {
  return paths.reduce((sum, path) => sum + path.calls, 0);
}
