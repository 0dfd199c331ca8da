/**
 * Plans are data: what an organisation may have at most. Pure.
 * A self-hosted deployment runs on `unlimited`; null means no limit.
 */
import { err, ok, type Result } from "./result.ts";

export interface Plan {
  readonly id: string;
  readonly maxConnections: number | null;
  readonly maxCredentials: number | null;
  readonly maxMembers: number | null;
  readonly maxWebhooks: number | null;
}

export const PLANS = {
  free: { id: "free", maxConnections: 1, maxCredentials: 50, maxMembers: 3, maxWebhooks: 1 },
  unlimited: { id: "unlimited", maxConnections: null, maxCredentials: null, maxMembers: null, maxWebhooks: null },
} as const satisfies Record<string, Plan>;

export type PlanId = keyof typeof PLANS;
export type PlanResource = "connections" | "credentials" | "members" | "webhooks";
export type SignUp = "open" | "invite" | "closed";

export interface PlanLimit {
  readonly plan: string;
  readonly resource: PlanResource;
  readonly limit: number;
}

const LIMIT_OF = {
  connections: "maxConnections",
  credentials: "maxCredentials",
  members: "maxMembers",
  webhooks: "maxWebhooks",
} as const satisfies Record<PlanResource, keyof Plan>;

/** Whether one more of a resource fits. An unknown plan has no room for anything. */
export function checkPlan(planId: string, resource: PlanResource, current: number): Result<void, PlanLimit> {
  const plan: Plan | undefined = isPlanId(planId) ? PLANS[planId] : undefined;
  const limit = plan === undefined ? 0 : plan[LIMIT_OF[resource]];
  return limit === null || current < limit ? ok(undefined) : err({ plan: planId, resource, limit });
}

export function isPlanId(text: string): text is PlanId {
  return Object.hasOwn(PLANS, text);
}
