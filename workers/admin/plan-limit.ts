/** Whether the organisation's plan has room for one more of something. */
import type { AdminProblem } from "../../src/contract/problem.ts";
import { PLANS, checkPlan, isPlanId } from "../../src/domain/plan.ts";
import type { Plan, PlanResource } from "../../src/domain/plan.ts";
import { err, ok } from "../../src/domain/result.ts";
import type { Result } from "../../src/domain/result.ts";
import { findOrganisation } from "../../src/store/organisations.ts";
import type { RouteContext } from "./route.ts";

const MAXIMUM = {
  connections: "maxConnections",
  credentials: "maxCredentials",
  members: "maxMembers",
  webhooks: "maxWebhooks",
} as const satisfies Record<PlanResource, keyof Plan>;

/** The plan's maximum, or null when it has none: for the guard that makes counting and inserting one step. */
export async function checkRoom(
  context: Pick<RouteContext, "db" | "organisationId">,
  resource: PlanResource,
  current: number,
): Promise<Result<number | null, AdminProblem>> {
  const organisation = await findOrganisation(context.db, context.organisationId);
  const planId = organisation?.plan ?? "";
  const allowed = checkPlan(planId, resource, current);
  if (!allowed.ok) return err(noRoom(resource, allowed.error.limit));
  return ok(isPlanId(planId) ? PLANS[planId][MAXIMUM[resource]] : 0);
}

export function noRoom(resource: PlanResource, limit: number): AdminProblem {
  return {
    code: "plan_limit",
    detail: `The plan allows ${limit} ${resource}`,
    extensions: { resource, limit },
  };
}
