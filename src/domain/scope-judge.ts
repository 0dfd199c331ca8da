/**
 * Whether a scope allows a call, by method, path and query (GraphQL in it included). The body is judged in `body-rules.ts`.
 *
 * Default deny: a call passes when one rule has both its method and a pattern for its path. A pattern that cannot be
 * parsed matches nothing.
 *
 * Methods: `GET` in a rule also allows `HEAD`, which asks for the same without the body (RFC 9110 §9.3.2). Nothing else
 * is implied, `OPTIONS` neither. `*` in a rule is any method.
 */
import { judgeGraphqlParams } from "./graphql-rules.ts";
import { rulesInclude } from "./inclusion.ts";
import { templatePattern } from "./operation.ts";
import type { Operation } from "./operation.ts";
import { patternsOverlap } from "./pattern-overlap.ts";
import { compilePattern, matchSegments, pathSegments } from "./pattern.ts";
import type { Pattern } from "./pattern.ts";
import type { Refusal } from "./problem.ts";
import { judgeQuery } from "./query.ts";
import { judgeQueryMembers } from "./query-members.ts";
import type { Result } from "./result.ts";
import { err } from "./result.ts";
import type { Rule, Scope } from "./scope.ts";
import { redactTokens } from "./token.ts";
import { judgeUnruledQuery, refusesGraphql } from "./unruled-graphql.ts";

/** Bound on the path inside a sentence; `smallest_scope` has the whole. */
const MAX_SHOWN_PATH_BYTES = 256;

export interface ScopedCall {
  /** As it came; methods are case sensitive (RFC 9110 §9.1). */
  readonly method: string;
  /** Canonical upstream path, base path included. */
  readonly path: string;
  /** Raw, without "?". */
  readonly query: string;
}

/** @returns the query to send, or `method_denied`, `path_denied`, `query_denied`, `invalid_request`, `body_denied`
 * (GraphQL in the query, or a parameter that names a ruled member of the body) */
export function judgeScope(
  scope: Scope,
  call: ScopedCall,
  reservedQueryParams: readonly string[],
): Result<string, Refusal> {
  const outside = judgeEndpoint(scope.rules, call.method, call.path);
  if (outside !== null) return err(outside);
  const query = judgeQuery(call.query, {
    deny: scope.denyQueryParams,
    allow: scope.allowQueryParams,
    reserved: reservedQueryParams,
  });
  if (!query.ok || query.value === "") return query;
  const refusal =
    judgeQueryMembers(scope, call.method, query.value) ??
    (scope.graphql === null ? null : judgeGraphqlParams(scope.graphql, query.value, scope.removeResponseMembers)) ??
    (refusesGraphql(scope) ? judgeUnruledQuery(query.value) : null);
  return refusal === null ? query : err(refusal);
}

/** Whether a rule's methods hold `method`. */
export function methodAllowed(methods: readonly string[], method: string): boolean {
  if (methods.includes(method) || methods.includes("*")) return true;
  return method === "HEAD" && methods.includes("GET");
}

/** Whether the rules refuse one of `methods` on a path. */
export function refusesSome(rules: readonly Rule[], methods: readonly string[], path: string): boolean {
  const segments = pathSegments(path) ?? [];
  const holding = compiledRules(rules).filter((rule) => rule.patterns.some((each) => matchSegments(each, segments)));
  return methods.some((method) => !holding.some((rule) => methodAllowed(rule.methods, method)));
}

function judgeEndpoint(rules: readonly Rule[], method: string, path: string): Refusal | null {
  const segments = pathSegments(path) ?? [];
  const otherMethods = new Set<string>();
  for (const rule of compiledRules(rules)) {
    if (!rule.patterns.some((pattern) => matchSegments(pattern, segments))) continue;
    if (methodAllowed(rule.methods, method)) return null;
    for (const each of rule.methods) otherMethods.add(each);
  }
  // A token that somebody put into the path is not said back.
  const said = redactTokens(path);
  const smallest = { smallest_scope: { allowed_methods: [method], allowed_paths: [literalPattern(said)] } };
  if (otherMethods.size === 0) {
    const shown = said.length > MAX_SHOWN_PATH_BYTES ? `${said.slice(0, MAX_SHOWN_PATH_BYTES)}…` : said;
    const detail = `${method} ${shown} is outside the credential's scope.`;
    return { code: "path_denied", detail, extensions: smallest };
  }
  const allowed = [...otherMethods].toSorted();
  return {
    code: "method_denied",
    detail: `${method} is not allowed on this path; allowed: ${allowed.join(", ")}.`,
    extensions: { ...smallest, allowed_methods: allowed },
  };
}

/**
 * The narrowest pattern that matches a canonical path. It matches nothing else, unless the path itself holds a raw `*`
 * or a segment that begins with a colon, which the language has no literal for.
 */
export function literalPattern(path: string): string {
  const segments = path.split("/").map((segment) => {
    if (segment.startsWith(":") || segment === "*" || segment === "**") return ":segment";
    return segment.replace(/\*+/g, "*");
  });
  return segments.join("/");
}

export interface ReachedOperation extends Operation {
  /** `all`: every call of the operation is allowed; `some`: only calls with certain parameters are. */
  readonly extent: "all" | "some";
}

/** Which operations of an API description a scope reaches by method and path, in the description's order. */
export function reaches(scope: Scope, operations: readonly Operation[]): readonly ReachedOperation[] {
  const rules = compiledRules(scope.rules);
  return operations.flatMap((operation): ReachedOperation[] => {
    const text = templatePattern(operation.template);
    const template = compilePattern(text);
    if (template === null) return [];
    const method = operation.method.toUpperCase();
    const touched = rules.some(
      (rule) =>
        methodAllowed(rule.methods, method) && rule.patterns.some((pattern) => patternsOverlap(pattern, template)),
    );
    if (!touched) return [];
    const extent = rulesInclude(scope.rules, [{ methods: [method], paths: [text] }]) ? "all" : "some";
    return [{ method: operation.method, template: operation.template, name: operation.name, extent }];
  });
}

interface CompiledRule {
  readonly methods: readonly string[];
  readonly patterns: readonly Pattern[];
}

/** Rules live in documents that are kept and never changed, so what was compiled from them is kept with them. */
const compiled = new WeakMap<readonly Rule[], readonly CompiledRule[]>();

function compiledRules(rules: readonly Rule[]): readonly CompiledRule[] {
  const known = compiled.get(rules);
  if (known !== undefined) return known;
  const built = rules.map((rule) => ({
    methods: rule.methods,
    patterns: rule.paths.map(compilePattern).filter((pattern) => pattern !== null),
  }));
  compiled.set(rules, built);
  return built;
}
