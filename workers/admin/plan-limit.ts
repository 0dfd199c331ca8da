/** Whether the organisation's plan has room for one more of something. */
import type { AdminProblem } from "../../src/contract/problem.ts";
import { checkPlan, type PlanResource } from "../../src/domain/plan.ts";
import { err, ok, type Result } from "../../src/domain/result.ts";
import { findOrganisation } from "../../src/store/organisations.ts";
import type { RouteContext } from "./route.ts";

export async function checkRoom(
  context: Pick<RouteContext, "db" | "organisationId">,
  resource: PlanResource,
  current: number,
): Promise<Result<void, AdminProblem>> {
  const organisation = await findOrganisation(context.db, context.organisationId);
  const allowed = checkPlan(organisation?.plan ?? "", resource, current);
  if (allowed.ok) return ok(undefined);
  const { plan, limit } = allowed.error;
  const detail = `The plan ${plan} allows ${limit} ${resource}`;
  return err({ code: "plan_limit", detail, extensions: { plan, resource, limit } });
}
