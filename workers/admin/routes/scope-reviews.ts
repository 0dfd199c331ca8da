/** The safety review of what would be issued. Nothing is stored. */
import { toLimits, toTrust } from "../../../src/contract/limits.ts";
import type { GrantInput } from "../../../src/contract/policy.ts";
import type { AdminProblem } from "../../../src/contract/problem.ts";
import { ScopeReview, ScopeReviewRequest } from "../../../src/contract/scope-review.ts";
import { NO_LIMITS } from "../../../src/domain/limits.ts";
import { effectiveTrust } from "../../../src/domain/settings.ts";
import { reply } from "../answer.ts";
import { checkConnections } from "../constraint.ts";
import { checkEnvironments, draftGrants, effectiveDraft } from "../grant-draft.ts";
import { withModelFindings } from "../model-findings.ts";
import { passReview, reviewDrafts, reviewView } from "../review.ts";
import { defineRoute, ISSUERS_AND_READERS, type Outcome, type Route } from "../route.ts";

const reviewScopes = defineRoute({
  method: "POST",
  path: "/api/v1/scope-reviews",
  operationId: "reviewScope",
  tag: "Scope reviews",
  summary: "Review a scope before it is issued",
  description:
    "Deterministic: the same scope gives the same findings with the same ids. Where a model is configured it may add some of its own, whose ids begin with model: and which never block.",
  roles: ISSUERS_AND_READERS,
  body: ScopeReviewRequest,
  responses: { 200: ScopeReview },
  async handler(context, { body }): Promise<Outcome> {
    const inputs = grantInputs(body);
    const known = checkConnections(context, inputs);
    if (!known.ok) return known;
    const drafts = await draftGrants(context, inputs);
    if (!drafts.ok) return drafts;
    const agreed = checkEnvironments(drafts.value, body.environment ?? null);
    if (!agreed.ok) return agreed;
    const policies = drafts.value.map((draft) => draft.policy?.settings.trust);
    const trust = effectiveTrust(body.kind, body.trust === undefined ? null : toTrust(body.trust), policies);
    const limits = body.limits === undefined ? NO_LIMITS : toLimits(body.limits);
    const longest = context.caller.constraints?.max_ttl_seconds ?? null;
    const ttlSeconds = requestedSeconds(body, context.nowMs) ?? longest;
    const review = reviewDrafts(drafts.value, { ttlSeconds, trust, limits });
    const passed = passReview(review, drafts.value, context.caller, body.acknowledge_findings ?? []);
    const shown = drafts.value.map((draft) => ({
      connection: draft.connection.name,
      vendor: draft.connection.vendor,
      rules: effectiveDraft(draft).scope.rules ?? [],
    }));
    const extended = await withModelFindings(review, shown, context.env.AI, context.env.AI_MODEL);
    return reply(200, { ...reviewView(extended), blocking: passed.ok ? [] : blockingIds(passed.error) });
  },
});

export const SCOPE_REVIEW_ROUTES: readonly Route[] = [reviewScopes];

function grantInputs(body: ScopeReviewRequest): { input: GrantInput; field: string }[] {
  const { grants, connection_id: connectionId } = body;
  if (grants !== undefined) return grants.map((input, index) => ({ input, field: `grants[${index}].` }));
  if (connectionId === undefined) throw new Error("The schema lets no request without a connection through");
  // Limits and environment that stand directly in the request are the credential's.
  const { grants: _grants, limits: _limits, environment: _environment, ...input } = body;
  return [{ input: { ...input, connection_id: connectionId }, field: "" }];
}

function requestedSeconds(body: ScopeReviewRequest, nowMs: number): number | null {
  if (body.expires_at === undefined) return body.ttl_seconds ?? null;
  return Math.max(1, Math.ceil((Date.parse(body.expires_at) - nowMs) / 1_000));
}

function blockingIds(problem: AdminProblem): string[] {
  const blocking = problem.extensions?.["blocking"];
  return Array.isArray(blocking) ? blocking.map(String) : [];
}
