/** The safety review of a credential before it is issued or changed: input from what is known, and who is stopped by it. */
import { vendorById } from "../../src/catalogue/catalogue.ts";
import { toTrust } from "../../src/contract/limits.ts";
import type { AdminProblem } from "../../src/contract/problem.ts";
import { NO_LIMITS } from "../../src/domain/limits.ts";
import type { Limits, Trust } from "../../src/domain/limits.ts";
import { err, ok } from "../../src/domain/result.ts";
import type { Result } from "../../src/domain/result.ts";
import { SEVERITIES, reviewBlocks, reviewScope } from "../../src/domain/review.ts";
import type { Review } from "../../src/domain/review.ts";
import { EMPTY_SCOPE } from "../../src/domain/scope.ts";
import type { Severity } from "../../src/domain/settings.ts";
import type { CredentialRow, GrantWithPolicy } from "../../src/store/credentials.ts";
import { credentialView } from "./credential-view.ts";
import { effectiveDraft } from "./grant-draft.ts";
import type { GrantDraft } from "./grant-draft.ts";
import type { Caller, RouteContext } from "./route.ts";

export function reviewDrafts(
  drafts: readonly GrantDraft[],
  credential: { readonly ttlSeconds: number | null; readonly trust: Trust; readonly limits: Limits },
): Review {
  const grants = drafts.map((draft) => {
    const effective = effectiveDraft(draft);
    const { settings } = draft.connection;
    return {
      connectionId: draft.connection.id,
      connectionName: draft.connection.name,
      basePaths: [draft.connection.baseUrl, ...settings.origins.map((origin) => origin.baseUrl)].map(basePath),
      scope: { ...EMPTY_SCOPE, ...effective.scope },
      limits: effective.limits ?? NO_LIMITS,
      prices: settings.prices,
      sensitive: draft.connection.vendor === null ? [] : (vendorById(draft.connection.vendor)?.sensitive ?? []),
      operations: settings.operations,
    };
  });
  return reviewScope({ grants, ...credential });
}

/** Refuses when a finding stops this caller; the strictest of the policies' thresholds counts. */
export function passReview(
  review: Review,
  drafts: readonly GrantDraft[],
  caller: Caller,
  acknowledged: readonly string[],
): Result<void, AdminProblem> {
  const blockFrom = strictest(drafts.flatMap((draft) => draft.policy?.settings.blockFrom ?? []));
  const blocking = reviewBlocks(review, { role: caller.role, acknowledged, blockFrom });
  if (blocking.length === 0) return ok(undefined);
  const [first] = blocking;
  return err({
    code: "review_blocked",
    detail: first?.message ?? "The safety review blocks this",
    extensions: { review: reviewView(review), blocking: blocking.map((finding) => finding.id) },
  });
}

/**
 * Whether a stored credential may become what it would be: `credential` as it will be, `grants` all of those that it will have,
 * `drafts` those of them that are looked at.
 */
export function passChange(
  context: RouteContext,
  credential: CredentialRow,
  grants: readonly GrantWithPolicy[],
  drafts: readonly GrantDraft[],
): Result<void, AdminProblem> {
  const { expiresAtMs, limits, acknowledged } = credential;
  const ttlSeconds = expiresAtMs === null ? null : Math.max(0, Math.ceil((expiresAtMs - context.nowMs) / 1_000));
  const trust = toTrust(credentialView(credential, grants, context.nowMs).trust);
  const review = reviewDrafts(drafts, { ttlSeconds, trust, limits });
  return passReview(review, drafts, context.caller, acknowledged);
}

export function reviewView(review: Review) {
  return { risk: review.risk, findings: review.findings.map((finding) => ({ ...finding })) };
}

function strictest(thresholds: readonly Severity[]): Severity | null {
  return SEVERITIES.find((severity) => thresholds.includes(severity)) ?? null;
}

function basePath(baseUrl: string): string {
  return new URL(baseUrl).pathname.replace(/\/$/, "");
}
