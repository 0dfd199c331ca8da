/**
 * The part of the safety review that reads rules: how broad they are, which sensitive endpoints they reach, which of them
 * never match or are there twice. Pure. Reach is decided on the patterns themselves (`pattern-overlap.ts`).
 */
import { templatePattern } from "./operation.ts";
import { compilePattern, type Pattern } from "./pattern.ts";
import { patternsOverlap } from "./pattern-overlap.ts";
import type { Finding, NarrowerRule, ReviewedGrant } from "./review-finding.ts";
import { methodAllowed } from "./scope-judge.ts";
import type { Rule } from "./scope.ts";
import { newBudget, patternIncludes } from "./inclusion.ts";
import type { Budget } from "./path-automaton.ts";
import type { Severity } from "./settings.ts";

const READS = ["GET"] as const;

/** What reaching an endpoint of a category means. A category that is not listed counts as `high`. */
const CATEGORIES: Readonly<Record<string, { readonly severity: Severity; readonly says: string }>> = {
  credential_minting: { severity: "critical", says: "can make keys at the vendor that work without RelayKey" },
  secret_access: { severity: "critical", says: "can read other secrets at the vendor" },
  access_control: { severity: "high", says: "can change who has access at the vendor" },
  code_execution: { severity: "high", says: "can run code at the vendor" },
  config_takeover: { severity: "high", says: "can redirect traffic or events" },
  money_movement: { severity: "high", says: "can move money" },
  deletion: { severity: "high", says: "can delete what cannot be brought back" },
  pii_bulk_export: { severity: "medium", says: "can take out personal data in bulk" },
  outbound_messaging: { severity: "medium", says: "can send messages to people in your name" },
  spend: { severity: "medium", says: "can run up a bill" },
};

/** Rules that reach everything, or a whole branch with methods that write. */
export function breadthFindings(grant: ReviewedGrant): readonly Finding[] {
  const budget = newBudget();
  return grant.scope.rules.flatMap((rule) => {
    const writes = rule.methods.some((method) => method === "*" || !["GET", "HEAD", "OPTIONS"].includes(method));
    return rule.paths.flatMap((path): Finding[] => {
      const depth = fixedDepth(path);
      if (depth === null) return [];
      const id = `breadth:${grant.connectionId}:${methodsText(rule)}:${path}`;
      const where = `on “${grant.connectionName}”`;
      const narrower: NarrowerRule | null = writes ? { methods: READS, paths: [path] } : null;
      if (isEverything(path, grant.basePaths, budget)) {
        const message = `${methodsText(rule)} ${path} ${where} reaches every endpoint of the vendor.`;
        const suggestion = "Name the collections that are needed, each with its own methods.";
        return [{ id, severity: writes ? "high" : "medium", message, rule: narrower, suggestion }];
      }
      if (depth > 1 || !writes) return [];
      const message = `${methodsText(rule)} ${path} ${where} can write everywhere below its first segment.`;
      const suggestion = "Name the collections that are written, and read the rest with GET.";
      return [{ id, severity: "medium", message, rule: narrower, suggestion }];
    });
  });
}

/** Sensitive endpoints of the vendor that some rule reaches, one finding for each endpoint and method. */
export function sensitiveFindings(grant: ReviewedGrant): readonly Finding[] {
  return grant.sensitive.flatMap((endpoint) =>
    endpoint.paths.flatMap((path) =>
      endpoint.methods.flatMap((method): Finding[] => {
        const rule = grant.scope.rules.find((candidate) => reaches(candidate, method, path));
        if (rule === undefined) return [];
        const known = CATEGORIES[endpoint.category] ?? { severity: "high", says: `touches ${endpoint.category}` };
        return [
          {
            id: `sensitive:${grant.connectionId}:${method}:${path}`,
            severity: known.severity,
            message: `${method} ${path} on “${grant.connectionName}” ${known.says}. ${endpoint.why}`,
            rule: withoutMethod(rule, method),
            suggestion: `Leave ${method} ${path} out, unless that is what the credential is for.`,
          },
        ];
      }),
    ),
  );
}

/** Patterns that match nothing, stand there twice, or name no endpoint that the connection's API description knows. */
export function reachFindings(grant: ReviewedGrant): readonly Finding[] {
  const budget = newBudget();
  const entries = grant.scope.rules.flatMap((rule) => rule.paths.map((path) => ({ rule, path })));
  return entries.flatMap(({ rule, path }, at): readonly Finding[] => {
    const pattern = compilePattern(path);
    if (pattern === null || !underBase(pattern, grant.basePaths)) return [unreachable(grant, path)];
    const cover = entries.find(
      (other, place) =>
        place !== at && covers(other, { rule, path }, budget) && (place < at || !covers({ rule, path }, other, budget)),
    );
    if (cover !== undefined) {
      const message = `${methodsText(rule)} ${path} is already covered by ${methodsText(cover.rule)} ${cover.path}.`;
      const id = `shadowed:${grant.connectionId}:${methodsText(rule)}:${path}`;
      return [
        { id, severity: "low", message, rule: null, suggestion: "Leave the covered one out, or narrow the other." },
      ];
    }
    return unknownPath(grant, rule, path, pattern);
  });
}

function unreachable(grant: ReviewedGrant, path: string): Finding {
  const bases = grant.basePaths.filter((base) => base !== "");
  const message =
    bases.length === 0
      ? `${path} can never match a call to “${grant.connectionName}”.`
      : `${path} can never match a call to “${grant.connectionName}”: its paths begin with ${bases.join(" or ")}.`;
  const fixed = bases[0] === undefined ? null : { methods: READS, paths: [bases[0] + path] };
  return {
    id: `unreachable:${grant.connectionId}:${path}`,
    severity: "low",
    message,
    rule: null,
    suggestion: fixed === null ? null : `Did you mean ${fixed.paths[0]}?`,
  };
}

function unknownPath(grant: ReviewedGrant, rule: Rule, path: string, pattern: Pattern): readonly Finding[] {
  if (grant.operations.length === 0) return [];
  const known = grant.operations.some((operation) => {
    const template = compilePattern(templatePattern(operation.template));
    return methodAllowed(rule.methods, operation.method) && template !== null && patternsOverlap(pattern, template);
  });
  if (known) return [];
  const id = `unknown:${grant.connectionId}:${methodsText(rule)}:${path}`;
  const message = `The API description of “${grant.connectionName}” has no operation for ${methodsText(rule)} ${path}.`;
  return [{ id, severity: "low", message, rule: null, suggestion: "Check the spelling, or leave it out." }];
}

function reaches(rule: Rule, method: string, path: string): boolean {
  if (!methodAllowed(rule.methods, method)) return false;
  const wanted = compilePattern(path);
  if (wanted === null) return false;
  return rule.paths.some((each) => {
    const pattern = compilePattern(each);
    return pattern !== null && patternsOverlap(pattern, wanted);
  });
}

/** The rule without one method; null when nothing would be left, or when the rule names all methods at once. */
function withoutMethod(rule: Rule, method: string): NarrowerRule | null {
  if (rule.methods.includes("*")) return { methods: READS, paths: rule.paths };
  const methods = rule.methods.filter((each) => each !== method);
  return methods.length === 0 || methods.length === rule.methods.length ? null : { methods, paths: rule.paths };
}

interface RulePath {
  readonly rule: Rule;
  readonly path: string;
}

function covers(outer: RulePath, inner: RulePath, budget: Budget): boolean {
  if (!inner.rule.methods.every((method) => methodAllowed(outer.rule.methods, method))) return false;
  const [wide, narrow] = [compilePattern(outer.path), compilePattern(inner.path)];
  return wide !== null && narrow !== null && patternIncludes(wide, narrow, budget);
}

/** How many segments are fixed before everything below is open; null when the pattern ends somewhere. */
function fixedDepth(path: string): number | null {
  const parts = compilePattern(path)?.parts ?? [];
  const open = parts.findIndex((part) => part.kind === "deep");
  return open === -1 ? null : parts.slice(0, open).filter((part) => part.kind === "literal").length;
}

function isEverything(path: string, basePaths: readonly string[], budget: Budget): boolean {
  const wide = compilePattern(path);
  return basePaths.some((base) => {
    const all = compilePattern(`${base}/**`);
    return wide !== null && all !== null && patternIncludes(wide, all, budget);
  });
}

function underBase(pattern: Pattern, basePaths: readonly string[]): boolean {
  return basePaths.some((base) => {
    const all = compilePattern(`${base}/**`);
    return all === null || patternsOverlap(pattern, all);
  });
}

function methodsText(rule: Rule): string {
  return rule.methods.join(",");
}
