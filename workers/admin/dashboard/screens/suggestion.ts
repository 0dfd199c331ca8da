/**
 * A proposed scope beside what holds now: what would come, what would go, what would stay; and the change that puts it in
 * place. What was not called stays as it is. Pure.
 */
import type * as z from "zod";
import type { Credential } from "../../../../src/contract/credential.ts";
import type { Grant, Policy } from "../../../../src/contract/policy.ts";
import type { Suggestion as SuggestionWire } from "../../../../src/contract/scope-review.ts";
import { rulesInclude } from "../../../../src/domain/inclusion.ts";

export type Suggestion = z.infer<typeof SuggestionWire>;
type Rules = Suggestion["connections"][number]["rules"];

export interface ScopeLine {
  readonly change: "added" | "removed" | "kept";
  readonly methods: readonly string[];
  readonly path: string;
  /** Added, and not held by the rules of now: it would reach further. */
  readonly wider: boolean;
}

export interface ProposedPart {
  /** Null: the rules are for every connection alike. */
  readonly connectionId: string | null;
  /** The policy whose methods and paths this part follows until now, and would follow no longer. */
  readonly leavesPolicyId: string | null;
  readonly calls: number;
  /** Null: there were no calls, and it stays as it is. */
  readonly lines: readonly ScopeLine[] | null;
}

export interface Proposal {
  readonly parts: readonly ProposedPart[];
  /** The request that applies it; null: nothing would change. */
  readonly body: object | null;
}

/** Line by line and path by path, the same path's lines together. */
export function scopeLines(now: Rules, proposed: Rules): readonly ScopeLine[] {
  const before = methodsByPath(now);
  const after = methodsByPath(proposed);
  const holdsAll = rulesInclude(now, proposed);
  return [...new Set([...before.keys(), ...after.keys()])].toSorted(compare).flatMap((path) => {
    const had = before.get(path) ?? [];
    const has = after.get(path) ?? [];
    const isWider = (method: string) => !holdsAll && !rulesInclude(now, [{ methods: [method], paths: [path] }]);
    const added = has.filter((each) => !had.includes(each));
    const wider = added.filter(isWider);
    const lines: readonly ScopeLine[] = [
      { change: "removed", methods: had.filter((each) => !has.includes(each)), path, wider: false },
      { change: "added", methods: added.filter((each) => !wider.includes(each)), path, wider: false },
      { change: "added", methods: wider, path, wider: true },
      { change: "kept", methods: has.filter((each) => had.includes(each)), path, wider: false },
    ];
    return lines.filter((line) => line.methods.length > 0);
  });
}

/** A grant whose rules are the least already is sent as it was read, so that it goes on following its policy. */
export function credentialProposal(credential: Pick<Credential, "grants">, found: Suggestion): Proposal {
  const parts = credential.grants.map((grant) => proposedPart(grant, found));
  const changed = parts.some(changes);
  const grants = credential.grants.map((grant, i) => {
    const part = parts[i];
    return {
      connection_id: grant.connection_id,
      ...(grant.policy_id === null ? {} : { policy_id: grant.policy_id }),
      ...(grant.environment === null ? {} : { environment: grant.environment }),
      ...grant.own,
      ...(part === undefined || !changes(part) ? {} : { rules: rulesFor(grant.connection_id, found) }),
    };
  });
  return { parts, body: changed ? { grants } : null };
}

/** A policy has one set of rules: what was called over any of its connections. */
export function policyProposal(policy: Pick<Policy, "rules">, found: Suggestion): Proposal {
  const rules = together(found.connections.flatMap((each) => each.rules));
  const lines = rules.length === 0 ? null : scopeLines(policy.rules, rules);
  const part = { connectionId: null, leavesPolicyId: null, calls: found.calls, lines };
  return { parts: [part], body: changes(part) ? { rules } : null };
}

export function changes(part: ProposedPart): boolean {
  return part.lines?.some((line) => line.change !== "kept") === true;
}

function proposedPart(grant: Grant, found: Suggestion): ProposedPart {
  const rules = rulesFor(grant.connection_id, found);
  return {
    connectionId: grant.connection_id,
    leavesPolicyId: grant.own.rules === undefined ? grant.policy_id : null,
    calls: found.connections.find((each) => each.connection_id === grant.connection_id)?.calls ?? 0,
    lines: rules.length === 0 ? null : scopeLines(grant.rules, rules),
  };
}

function rulesFor(connectionId: string, found: Suggestion): Rules {
  return found.connections.find((each) => each.connection_id === connectionId)?.rules ?? [];
}

/** The same calls in as few rules: paths with the same methods share one. */
function together(rules: Rules): Rules {
  const pathsOf = new Map<string, string[]>();
  for (const [path, methods] of methodsByPath(rules)) {
    const key = methods.toSorted(compare).join(" ");
    pathsOf.set(key, [...(pathsOf.get(key) ?? []), path]);
  }
  return [...pathsOf].map(([methods, paths]) => ({ methods: methods.split(" "), paths }));
}

function methodsByPath(rules: Rules): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, Set<string>>();
  for (const rule of rules) {
    for (const path of rule.paths) {
      const methods = found.get(path) ?? new Set<string>();
      for (const method of rule.methods) methods.add(method);
      found.set(path, methods);
    }
  }
  return new Map([...found].map(([path, methods]) => [path, [...methods]]));
}

function compare(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
