/**
 * What a provisioner may mint. Pure. `applyDefaults` first lets a request inherit what it does not state; `checkConstraint`
 * then says whether the whole lies inside. Whether rules lie inside rules is decided exactly on the pattern language
 * (`inclusion.ts`), never by trying paths.
 * Invariant: what passes here allows no call, no lifetime and no rate that the constraint does not allow.
 */
import { memberBeyond, sameBodyRule, stackRules } from "./body-layers.ts";
import { globIncludes, matchesGlob } from "./glob.ts";
import { compareRules } from "./inclusion.ts";
import type { Limits } from "./limits.ts";
import { inheritLimits, limitsProblem } from "./limit-ceiling.ts";
import { paramBeyondLists } from "./query-members.ts";
import { err, ok, type Result } from "./result.ts";
import { methodAllowed } from "./scope-judge.ts";
import type { Rule, Scope } from "./scope.ts";

export interface Constraint {
  readonly connections: readonly string[];
  readonly scope: Scope;
  readonly maxTtlSeconds: number;
  /** For the credential as a whole. */
  readonly limits: Limits;
  /** Live credentials that the key may have minted at a time; null: any number. */
  readonly maxActive: number | null;
  /** `*` stands for any characters; null: any name. */
  readonly namePattern: string | null;
  /** Labels that each credential must carry; the value `*` is any value. */
  readonly labels: Readonly<Record<string, string>>;
}

/** A credential as it is asked for, with policies already merged into the grants' scopes. */
export interface ConstrainedRequest {
  readonly name: string;
  /** Null: not stated, or never; both become the constraint's maximum by inheritance. */
  readonly ttlSeconds: number | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly limits: Limits;
  readonly grants: readonly { readonly connectionId: string; readonly scope: Scope }[];
}

export type ConstraintPart =
  | "connections"
  | "allowed_methods"
  | "allowed_paths"
  | "deny_query_params"
  | "allow_query_params"
  | "body_rules"
  | "max_body_bytes"
  | "graphql"
  | "json_rpc"
  | "models"
  | "allow_headers"
  | "remove_response_members"
  | "ttl_seconds"
  | "limits"
  | "max_active"
  | "name"
  | "labels";

export interface OutsidePart {
  readonly part: ConstraintPart;
  /** Index of the grant; null: the credential itself. */
  readonly grant: number | null;
  /** A sentence for the caller. */
  readonly detail: string;
  /** Of methods and paths: the largest part of the requested rules that would have passed. */
  readonly largestRules?: readonly Rule[];
}

/** Why a request is refused, and the most that would have passed. */
export interface OutsideConstraint {
  /** At least one. */
  readonly outside: readonly OutsidePart[];
  readonly largest: Constraint;
}

/** The request with what the constraint adds where the request states nothing. Only ever narrows. */
export function applyDefaults(constraint: Constraint, request: ConstrainedRequest): ConstrainedRequest {
  return {
    ...request,
    ttlSeconds: request.ttlSeconds ?? constraint.maxTtlSeconds,
    limits: inheritLimits(constraint.limits, request.limits),
    grants: request.grants.map((grant) => ({ ...grant, scope: inheritScope(constraint.scope, grant.scope) })),
  };
}

/** `activeCount`: live credentials that this key has minted already. Apply the defaults first. */
export function checkConstraint(
  constraint: Constraint,
  request: ConstrainedRequest,
  activeCount: number,
): Result<void, OutsideConstraint> {
  const outside = [
    ...request.grants.flatMap((grant, index) => grantParts(constraint, grant, index)),
    ...credentialParts(constraint, request, activeCount),
  ];
  return outside.length === 0 ? ok(undefined) : err({ outside, largest: constraint });
}

function inheritScope(outer: Scope, own: Scope): Scope {
  return {
    ...own,
    denyQueryParams: own.denyQueryParams.length === 0 ? outer.denyQueryParams : own.denyQueryParams,
    allowQueryParams: own.allowQueryParams ?? outer.allowQueryParams,
    body: stackRules(own.body, outer.body),
    maxBodyBytes: own.maxBodyBytes ?? outer.maxBodyBytes,
    graphql:
      own.graphql === null || outer.graphql === null
        ? (own.graphql ?? outer.graphql)
        : { ...own.graphql, fields: own.graphql.fields ?? outer.graphql.fields },
    jsonRpc:
      own.jsonRpc === null || outer.jsonRpc === null
        ? (own.jsonRpc ?? outer.jsonRpc)
        : { methods: own.jsonRpc.methods ?? outer.jsonRpc.methods, tools: own.jsonRpc.tools ?? outer.jsonRpc.tools },
    models: own.models ?? outer.models,
    removeResponseMembers: [...new Set([...own.removeResponseMembers, ...outer.removeResponseMembers])],
  };
}

function grantParts(
  constraint: Constraint,
  grant: ConstrainedRequest["grants"][number],
  index: number,
): readonly OutsidePart[] {
  const parts = outsideScope(constraint.scope, grant.scope).map((part) => ({ ...part, grant: index }));
  if (constraint.connections.includes(grant.connectionId)) return parts;
  const detail = `The key may not use ${grant.connectionId}; it may use ${listed(constraint.connections)}.`;
  return [{ part: "connections", grant: index, detail }, ...parts];
}

/** Every part of `scope` that lies outside `outer`; empty: all of it lies inside. */
export function outsideScope(outer: Scope, scope: Scope): readonly Omit<OutsidePart, "grant">[] {
  const parts: Omit<OutsidePart, "grant">[] = [];
  const add = (part: ConstraintPart, detail: string): number => parts.push({ part, detail });
  const rule = outsideRule(outer.rules, scope.rules);
  if (rule !== null) parts.push(rule);
  const denied = new Set(scope.denyQueryParams.map((name) => name.toLowerCase()));
  const undenied = outer.denyQueryParams.filter((name) => !denied.has(name.toLowerCase()));
  if (undenied.length > 0) add("deny_query_params", `These parameters must be denied too: ${listed(undenied)}.`);
  if (!subset(scope.allowQueryParams, outer.allowQueryParams)) {
    add("allow_query_params", `Only these parameters may be allowed: ${listed(outer.allowQueryParams ?? [])}.`);
  }
  const opened = paramBeyondLists(outer, scope);
  if (opened !== null) {
    const detail = `The parameter ${opened} is none of the body members that the key's own rules allow.`;
    add("allow_query_params", detail);
  }
  if (!outer.body.every((rule_) => scope.body.some((each) => sameBodyRule(each, rule_)))) {
    add("body_rules", "The key's own rules for bodies must stand in each grant.");
  }
  const beyond = memberBeyond(outer.body, scope.body);
  if (beyond !== null) add("body_rules", `The key's own rules for bodies do not allow the member ${beyond}.`);
  if (outer.maxBodyBytes !== null && (scope.maxBodyBytes === null || scope.maxBodyBytes > outer.maxBodyBytes)) {
    add("max_body_bytes", `Bodies may have at most ${outer.maxBodyBytes} bytes.`);
  }
  for (const part of protocolParts(outer, scope)) add(part, `The key's own rules for ${part} are narrower.`);
  const switched = scope.allowHeaders.filter((name) => !outer.allowHeaders.includes(name.toLowerCase()));
  if (switched.length > 0) add("allow_headers", `The key may not allow ${listed(switched)}.`);
  if (!outer.removeResponseMembers.every((member) => scope.removeResponseMembers.includes(member))) {
    add("remove_response_members", `These members must be removed: ${listed(outer.removeResponseMembers)}.`);
  }
  return parts;
}

function protocolParts(outer: Scope, scope: Scope): readonly ConstraintPart[] {
  const parts: ConstraintPart[] = [];
  if (outer.graphql !== null) {
    const { operations, fields } = outer.graphql;
    const inside =
      scope.graphql !== null && subset(scope.graphql.operations, operations) && subset(scope.graphql.fields, fields);
    if (!inside) parts.push("graphql");
  }
  if (outer.jsonRpc !== null) {
    const { methods, tools } = outer.jsonRpc;
    const inside =
      scope.jsonRpc !== null && subset(scope.jsonRpc.methods, methods) && subset(scope.jsonRpc.tools, tools);
    if (!inside) parts.push("json_rpc");
  }
  const { models } = outer;
  if (models !== null) {
    const covered = scope.models?.every((model) => models.some((wide) => globIncludes(wide, model))) ?? false;
    if (!covered) parts.push("models");
  }
  return parts;
}

function credentialParts(
  constraint: Constraint,
  request: ConstrainedRequest,
  activeCount: number,
): readonly OutsidePart[] {
  const parts: OutsidePart[] = [];
  const add = (part: ConstraintPart, detail: string): number => parts.push({ part, grant: null, detail });
  if (request.ttlSeconds === null || request.ttlSeconds > constraint.maxTtlSeconds) {
    add("ttl_seconds", `A credential of this key lives for at most ${constraint.maxTtlSeconds} seconds.`);
  }
  const limit = limitsProblem(constraint.limits, request.limits);
  if (limit !== null) add("limits", limit);
  if (constraint.maxActive !== null && activeCount >= constraint.maxActive) {
    add("max_active", `The key has ${activeCount} live credentials; it may have ${constraint.maxActive}.`);
  }
  if (constraint.namePattern !== null && !matchesGlob(constraint.namePattern, request.name)) {
    add("name", `The name must match ${constraint.namePattern}.`);
  }
  for (const [name, wanted] of Object.entries(constraint.labels)) {
    const given = Object.hasOwn(request.labels, name) ? request.labels[name] : undefined;
    const fits = given !== undefined && (wanted === "*" || given === wanted);
    if (!fits) add("labels", `The label ${name} must be ${wanted === "*" ? "given" : wanted}.`);
  }
  return parts;
}

/** The first requested method and path outside the constraint's rules; null when all lie inside. */
function outsideRule(outer: readonly Rule[], requested: readonly Rule[]): Omit<OutsidePart, "grant"> | null {
  const compared = compareRules(outer, requested);
  if (compared.inside) return null;
  const allowed = outer.map((rule) => `${rule.methods.join(", ")} ${rule.paths.join(", ")}`).join("; ");
  const example = compared.witness === null ? "" : ` (${compared.witness}, for one)`;
  return {
    part: outer.some((rule) => methodAllowed(rule.methods, compared.method)) ? "allowed_paths" : "allowed_methods",
    detail: `${compared.method} ${compared.path}${example} lies outside what the key may grant: ${allowed}.`,
    largestRules: compared.largest,
  };
}

/** Null means everything: it holds each list, and lies only inside null. */
function subset(own: readonly string[] | null, outer: readonly string[] | null): boolean {
  if (outer === null) return true;
  if (own === null) return false;
  const allowed = new Set(outer);
  return own.every((each) => allowed.has(each));
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? "none" : names.join(", ");
}
