/**
 * Holds a provisioner's constraints against what it asks for: the wire's form in, the domain's decision out. What the
 * request leaves unsaid is inherited into the drafts before they are judged.
 */
import { fromLimits, toLimits } from "../../src/contract/limits.ts";
import type { ConstraintsWire } from "../../src/contract/management-key.ts";
import type { AdminProblem } from "../../src/contract/problem.ts";
import { fromScope, toScope } from "../../src/contract/scope.ts";
import { applyDefaults, checkConstraint } from "../../src/domain/constraint.ts";
import type { Constraint, OutsideConstraint } from "../../src/domain/constraint.ts";
import { NO_LIMITS } from "../../src/domain/limits.ts";
import type { Limits } from "../../src/domain/limits.ts";
import { err, ok } from "../../src/domain/result.ts";
import type { Result } from "../../src/domain/result.ts";
import { EMPTY_SCOPE } from "../../src/domain/scope.ts";
import type { Scope } from "../../src/domain/scope.ts";
import type { CredentialRow, GrantWithPolicy } from "../../src/store/credentials.ts";
import { effectiveSettings } from "./credential-view.ts";
import { effectiveDraft } from "./grant-draft.ts";
import type { GrantDraft } from "./grant-draft.ts";
import type { RouteContext } from "./route.ts";

/** The parts of a credential that constraints speak about. */
export interface ConstrainedDraft {
  readonly name: string;
  readonly ttlSeconds: number | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly limits: Limits;
  readonly grants: readonly GrantDraft[];
}

/** The draft with what it inherits, or the refusal that names each part outside and the most that would have passed. */
export function holdConstraints(
  wire: ConstraintsWire,
  draft: ConstrainedDraft,
  liveCredentials: number,
): Result<ConstrainedDraft, AdminProblem> {
  const constraint = toConstraint(wire);
  const effective = draft.grants.map((grant) => ({
    connectionId: grant.connection.id,
    scope: { ...EMPTY_SCOPE, ...effectiveDraft(grant).scope },
  }));
  const request = applyDefaults(constraint, { ...draft, grants: effective });
  const checked = checkConstraint(constraint, request, liveCredentials);
  if (!checked.ok) return err(outsideProblem(checked.error, draft.grants));
  const grants = draft.grants.map((grant, i) => {
    const before = effective[i]?.scope;
    const after = request.grants[i]?.scope;
    if (before === undefined || after === undefined) throw new Error("A grant was lost on the way");
    const scope = { ...grant.settings.scope, ...changedMembers(before, after) };
    return { ...grant, settings: { ...grant.settings, scope } };
  });
  return ok({ ...draft, ttlSeconds: request.ttlSeconds, labels: request.labels, limits: request.limits, grants });
}

/**
 * Whether a provisioner may use these connections at all. Asked before anything is read of them: to it, a connection that
 * does not exist and one outside its constraints look the same.
 */
export function checkConnections(
  { caller }: Pick<RouteContext, "caller">,
  asked: readonly { readonly input: { readonly connection_id: string }; readonly field: string }[],
): Result<void, AdminProblem> {
  if (caller.role !== "provisioner") return ok(undefined);
  if (caller.constraints === null)
    return err({ code: "outside_constraint", detail: "This key has no readable constraints" });
  const constraint = toConstraint(caller.constraints);
  const message = `The key may use ${constraint.connections.join(", ") || "none"}`;
  const errors = asked
    .filter(({ input }) => !constraint.connections.includes(input.connection_id))
    .map(({ field }) => ({ field: `${field}connection_id`, message }));
  if (errors[0] === undefined) return ok(undefined);
  const detail = `${errors[0].field}: ${message}`;
  return err({ code: "outside_constraint", detail, errors, extensions: { largest_scope: largestView(constraint) } });
}

/**
 * Whether a stored credential, as it stands now, lies inside its provisioner's constraints: what an admin has widened since
 * gets no new token from a provisioner. Nothing is inherited any more, so a credential that has no end lies outside.
 */
export function checkStored(
  context: Pick<RouteContext, "caller" | "nowMs">,
  row: CredentialRow,
  grants: readonly GrantWithPolicy[],
): Result<void, AdminProblem> {
  const { caller, nowMs } = context;
  if (caller.role !== "provisioner") return ok(undefined);
  if (caller.constraints === null)
    return err({ code: "outside_constraint", detail: "This key has no readable constraints" });
  const present = {
    name: row.name,
    ttlSeconds: row.expiresAtMs === null ? null : Math.ceil((row.expiresAtMs - nowMs) / 1_000),
    labels: row.labels,
    limits: row.limits,
    grants: grants.map((each) => ({
      connectionId: each.grant.connectionId,
      scope: { ...EMPTY_SCOPE, ...effectiveSettings(each).scope },
    })),
  };
  // It is one of the live ones already, so how many others there are does not matter.
  const checked = checkConstraint(toConstraint(caller.constraints), present, 0);
  if (checked.ok) return checked;
  const places = grants.map((_grant, i) => ({ field: `grants[${i}].` }));
  return err(outsideProblem(checked.error, places));
}

export function toConstraint(wire: ConstraintsWire): Constraint {
  return {
    connections: wire.connections,
    scope: { ...EMPTY_SCOPE, ...toScope(wire) },
    maxTtlSeconds: wire.max_ttl_seconds,
    limits: wire.limits === undefined ? NO_LIMITS : toLimits(wire.limits),
    maxActive: wire.max_active ?? null,
    namePattern: wire.name_pattern ?? null,
    labels: wire.labels ?? {},
  };
}

/** Only what was inherited is stored in the grant, so that the rest still follows its policy. */
function changedMembers(before: Scope, after: Scope): Partial<Scope> {
  const members = Object.entries(after).filter(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(Object.entries(before).find(([n]) => n === name)?.[1]),
  );
  return Object.fromEntries(members) as Partial<Scope>;
}

function outsideProblem(found: OutsideConstraint, grants: readonly Pick<GrantDraft, "field">[]): AdminProblem {
  const errors = found.outside.map((part) => ({
    field: fieldOf(part.part, part.grant === null ? "" : (grants[part.grant]?.field ?? "")),
    message: part.detail,
  }));
  return {
    code: "outside_constraint",
    detail: found.outside.map((part) => part.detail).join(" "),
    errors,
    extensions: { largest_scope: largestView(found.largest) },
  };
}

function fieldOf(part: string, prefix: string): string {
  return part === "connections" ? `${prefix}connection_id` : `${prefix}${part}`;
}

function largestView(largest: Constraint): Record<string, unknown> {
  return {
    connections: largest.connections,
    ...fromScope(largest.scope),
    max_ttl_seconds: largest.maxTtlSeconds,
    limits: fromLimits(largest.limits),
    max_active: largest.maxActive,
    name_pattern: largest.namePattern,
    labels: largest.labels,
  };
}
