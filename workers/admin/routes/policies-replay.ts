/** Looking back before a change of a policy: what it would have done to past calls. Reads only. */
import * as z from "zod";
import { PolicyId, wireTime } from "../../../src/contract/fields.ts";
import { notFound } from "../../../src/contract/problem.ts";
import { Replay, ReplayRequest } from "../../../src/contract/scope-review.ts";
import { toScope } from "../../../src/contract/scope.ts";
import {
  EMPTY_TALLY,
  replayPage,
  replaySummary,
  type ReplaySample,
  type ReplayTally,
} from "../../../src/domain/replay.ts";
import {
  replayJudge,
  unjudgedMembers,
  type ReplayScopes,
  type UnrecordedMember,
} from "../../../src/domain/replay-judge.ts";
import { err } from "../../../src/domain/result.ts";
import type { Scope } from "../../../src/domain/scope.ts";
import { mergeScope } from "../../../src/domain/settings.ts";
import { replayCalls, usedCredentials, type ReplayPlace } from "../../../src/store/audit-replay.ts";
import { listGrants } from "../../../src/store/credentials.ts";
import { findPolicy, listPolicyVersions, type PolicyRow } from "../../../src/store/policies.ts";
import { reply } from "../answer.ts";
import { defineRoute, READERS, type Outcome, type Route, type RouteContext } from "../route.ts";

const DAY_MS = 86_400_000;
const MAX_GRANTS = 2_000;
const MAX_CALLS = 200_000;
const MAX_VERSIONS = 50;
const POLICY = z.strictObject({ policy_id: PolicyId });

const replayPolicy = defineRoute({
  method: "POST",
  path: "/api/v1/policies/:policy_id/replay",
  operationId: "replayPolicy",
  tag: "Policies",
  summary: "Say what a changed policy would have blocked or allowed among past calls",
  roles: READERS,
  params: POLICY,
  body: ReplayRequest,
  responses: { 200: Replay },
  async handler(context, { params, body }): Promise<Outcome> {
    const policy = await findPolicy(context.db, context.organisationId, params.policy_id);
    if (policy === null) return err(notFound("policy"));
    const fromMs = context.nowMs - body.days * DAY_MS;
    const after = { ...policy.settings.scope, ...toScope(body) };
    const before = await scopesSince(context, policy, fromMs);
    const grants = await grantsOfPolicy(context, policy.id);
    const affected = grants.filter((grant) => isReached(grant.settings.scope, policy.settings.scope, after));
    const scopes = new Map(
      affected.map((grant): [string, ReplayScopes] => {
        const own = grant.settings.scope;
        return [
          grant.id,
          { after: mergeScope(after, own), before: before?.map((scope) => mergeScope(scope, own)) ?? null },
        ];
      }),
    );
    const replayed = await replay(context, affected, fromMs, scopes);
    return reply(200, {
      from: wireTime(fromMs),
      calls: replayed.tally.calls,
      would_block: replayed.tally.wouldBlock,
      would_allow: replayed.tally.wouldAllow,
      undecided: replayed.tally.undecided,
      not_judged: [...new Set([...scopes.values()].flatMap(unjudgedMembers))].map((member) => WIRE_NAMES[member]),
      summary: replaySummary(replayed.tally),
      blocked: replayed.tally.blocked.map(sampleView),
      allowed: replayed.tally.allowed.map(sampleView),
      unaffected_grants: grants.length - affected.length,
      complete: replayed.complete && grants.length < MAX_GRANTS,
    });
  },
});

/** As the scope's members are called on the wire. */
const WIRE_NAMES: Readonly<Record<UnrecordedMember, string>> = {
  denyQueryParams: "deny_query_params",
  allowQueryParams: "allow_query_params",
  graphql: "graphql",
  body: "body_rules",
  maxBodyBytes: "max_body_bytes",
  jsonRpc: "json_rpc",
  models: "models",
  removeResponseMembers: "remove_response_members",
};

export const REPLAY_ROUTES: readonly Route[] = [replayPolicy];

/** All grants of a policy, at most `MAX_GRANTS`. */
export async function grantsOfPolicy(context: RouteContext, policyId: string) {
  const page = { limit: MAX_GRANTS, after: null };
  const rows = await listGrants(context.db, context.organisationId, { policyId }, page);
  return rows.slice(0, MAX_GRANTS).map((row) => row.grant);
}

/** A grant whose own rules stand in place of the policy's is reached only by what the policy still decides for it. */
function isReached(own: Partial<Scope>, before: Partial<Scope>, after: Partial<Scope>): boolean {
  if (own.rules === undefined) return true;
  return JSON.stringify(mergeScope(before, own)) !== JSON.stringify(mergeScope(after, own));
}

/** Every version of the policy's scope that was in force since then; null when there were too many to look at. */
async function scopesSince(
  context: RouteContext,
  policy: PolicyRow,
  fromMs: number,
): Promise<readonly Partial<Scope>[] | null> {
  const page = { limit: MAX_VERSIONS, before: null };
  const versions = await listPolicyVersions(context.db, context.organisationId, policy.id, page);
  const firstOlder = versions.findIndex((version) => version.createdAtMs <= fromMs);
  if (firstOlder === -1 && versions.length > MAX_VERSIONS) return null;
  const inForce = firstOlder === -1 ? versions : versions.slice(0, firstOlder + 1);
  return [policy.settings.scope, ...inForce.map((version) => version.settings.scope)];
}

async function replay(
  context: RouteContext,
  grants: readonly { readonly id: string; readonly credentialId: string }[],
  fromMs: number,
  scopes: ReadonlyMap<string, ReplayScopes>,
): Promise<{ readonly tally: ReplayTally; readonly complete: boolean }> {
  const judges = new Map([...scopes].map(([grantId, each]) => [grantId, replayJudge(each)]));
  const credentialIds = [...new Set(grants.map((grant) => grant.credentialId))];
  const query = { organisationId: context.organisationId, credentialIds, fromMs };
  let tally = EMPTY_TALLY;
  let seen = 0;
  for (const credentialId of await usedCredentials(context.env.AUDIT_DB, query)) {
    const grantIds = grants.filter((grant) => grant.credentialId === credentialId).map((grant) => grant.id);
    for (let after: ReplayPlace = { atMs: fromMs, n: 0 }; ;) {
      if (seen >= MAX_CALLS) return { tally, complete: false };
      const own = { organisationId: context.organisationId, credentialId, grantIds };
      const page = await replayCalls(context.env.AUDIT_DB, own, after);
      const last = page.at(-1);
      if (last === undefined) break;
      tally = replayPage(tally, page, (call) => judges.get(call.grantId)?.(call) ?? "same");
      after = { atMs: last.atMs, n: last.n };
      seen += page.length;
    }
  }
  return { tally, complete: true };
}

function sampleView(sample: ReplaySample) {
  return { event_id: sample.eventId, at: wireTime(sample.atMs), method: sample.method, path: sample.path };
}
