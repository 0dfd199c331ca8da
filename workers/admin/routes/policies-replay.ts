/** Looking back before a change: what other rules would have done to past calls, and the least rules that cover them. */
import * as z from "zod";
import { CredentialId, PolicyId, wireTime } from "../../../src/contract/fields.ts";
import { notFound } from "../../../src/contract/problem.ts";
import { Replay, ReplayRequest, Suggestion, SuggestRequest } from "../../../src/contract/scope-review.ts";
import { toScope } from "../../../src/contract/scope.ts";
import {
  EMPTY_TALLY,
  replayPage,
  replaySummary,
  type ReplaySample,
  type ReplayTally,
} from "../../../src/domain/replay.ts";
import { err } from "../../../src/domain/result.ts";
import { judgeScope } from "../../../src/domain/scope-judge.ts";
import { EMPTY_SCOPE, type Rule } from "../../../src/domain/scope.ts";
import { suggestRules } from "../../../src/domain/suggest.ts";
import { replayCalls, usedPaths, type ReplayQuery, type UsedPath } from "../../../src/store/audit-replay.ts";
import { findCredential, listGrants } from "../../../src/store/credentials.ts";
import { findPolicy } from "../../../src/store/policies.ts";
import { reply } from "../answer.ts";
import { defineRoute, READERS, type Outcome, type Route, type RouteContext } from "../route.ts";

const DAY_MS = 86_400_000;
const MAX_GRANTS = 2_000;
const MAX_CALLS = 200_000;
const POLICY = z.strictObject({ policy_id: PolicyId });

const replayPolicy = defineRoute({
  method: "POST",
  path: "/api/v1/policies/:policy_id/replay",
  operationId: "replayPolicy",
  tag: "Policies",
  summary: "Say what other rules would have blocked or allowed among past calls",
  roles: READERS,
  params: POLICY,
  body: ReplayRequest,
  responses: { 200: Replay },
  async handler(context, { params, body }): Promise<Outcome> {
    const policy = await findPolicy(context.db, context.organisationId, params.policy_id);
    if (policy === null) return err(notFound("policy"));
    const grants = await grantsOfPolicy(context, policy.id);
    const affected = grants.filter((grant) => grant.settings.scope.rules === undefined);
    const fromMs = context.nowMs - body.days * DAY_MS;
    const replayed = await replay(context, affected, fromMs, toScope(body).rules ?? []);
    return reply(200, {
      from: wireTime(fromMs),
      calls: replayed.tally.calls,
      would_block: replayed.tally.wouldBlock,
      would_allow: replayed.tally.wouldAllow,
      summary: replaySummary(replayed.tally),
      blocked: replayed.tally.blocked.map(sampleView),
      allowed: replayed.tally.allowed.map(sampleView),
      unaffected_grants: grants.length - affected.length,
      complete: replayed.complete && grants.length < MAX_GRANTS,
    });
  },
});

const suggestForPolicy = defineRoute({
  method: "POST",
  path: "/api/v1/policies/:policy_id/suggest",
  operationId: "suggestPolicy",
  tag: "Policies",
  summary: "Propose the least rules that cover what the policy's grants really used",
  roles: READERS,
  params: POLICY,
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

export const REPLAY_ROUTES: readonly Route[] = [replayPolicy, suggestForPolicy, suggestForCredential];

async function grantsOfPolicy(context: RouteContext, policyId: string) {
  const page = { limit: MAX_GRANTS, after: null };
  const rows = await listGrants(context.db, context.organisationId, { policyId }, page);
  return rows.slice(0, MAX_GRANTS).map((row) => row.grant);
}

async function replay(
  context: RouteContext,
  grants: readonly { readonly id: string; readonly credentialId: string }[],
  fromMs: number,
  rules: readonly Rule[],
): Promise<{ readonly tally: ReplayTally; readonly complete: boolean }> {
  const scope = { ...EMPTY_SCOPE, rules };
  const allows = (method: string, path: string): boolean => judgeScope(scope, { method, path, query: "" }, []).ok;
  const query: ReplayQuery = {
    organisationId: context.organisationId,
    credentialIds: [...new Set(grants.map((grant) => grant.credentialId))],
    grantIds: grants.map((grant) => grant.id),
    fromMs,
  };
  let tally = EMPTY_TALLY;
  let seen = 0;
  for (let afterN = 0; seen < MAX_CALLS;) {
    const page = await replayCalls(context.env.AUDIT_DB, query, afterN);
    const last = page.at(-1);
    if (last === undefined) return { tally, complete: true };
    tally = replayPage(tally, page, allows);
    afterN = last.n;
    seen += page.length;
  }
  return { tally, complete: false };
}

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

function sampleView(sample: ReplaySample) {
  return { event_id: sample.eventId, at: wireTime(sample.atMs), method: sample.method, path: sample.path };
}
