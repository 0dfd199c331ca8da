/**
 * Whether one scope lies inside another, decided exactly on the pattern language (`path-automaton.ts`), never by trying
 * paths. A provisioner's request must lie inside its constraint.
 *
 * Fails closed: what cannot be decided within the budget, and what is no pattern, counts as outside.
 *
 * Methods: as in `scope-judge.ts`, `GET` in the outer rules also holds `HEAD`, and `*` is every method. `*` in the inner
 * rules includes methods that nobody has heard of, so only `*` in the outer rules can hold it.
 */
import { MAX_INCLUSION_STEPS, compileProgram, searchOutside } from "./path-automaton.ts";
import type { Budget, Program, Search } from "./path-automaton.ts";
import { meetPatterns } from "./pattern-meet.ts";
import { compilePattern } from "./pattern.ts";
import type { Pattern } from "./pattern.ts";
import type { Rule } from "./scope.ts";

export type Inclusion =
  | { readonly inside: true }
  | {
      readonly inside: false;
      /** The first method and path pattern of the inner rules that are not held. */
      readonly method: string;
      readonly path: string;
      /** A canonical path of that pattern which no outer rule allows; null when it could not be decided. */
      readonly witness: string | null;
      /** The largest part of the inner rules that can be written down and lies inside the outer ones. */
      readonly largest: readonly Rule[];
    };

/** Whether every path that `inner` matches is matched by some pattern of `outer`. */
export function unionIncludes(outer: readonly Pattern[], inner: Pattern): boolean {
  return search(compileProgram(outer), inner, newBudget()).answer === "included";
}

/** `budget`: for all comparisons of one request together; once it is spent nothing more counts as included. */
export function patternIncludes(outer: Pattern, inner: Pattern, budget: Budget): boolean {
  if (outer.text === inner.text) return true;
  return budget.steps > 0 && search(compileProgram([outer]), inner, budget).answer === "included";
}

/** Whether every call that `inner` allows is allowed by `outer`. */
export function rulesInclude(outer: readonly Rule[], inner: readonly Rule[]): boolean {
  return firstOutside(new OuterRules(outer), inner) === null;
}

/** `rulesInclude` with what lies outside and what would have passed. */
export function compareRules(outer: readonly Rule[], inner: readonly Rule[]): Inclusion {
  const rules = new OuterRules(outer);
  const outside = firstOutside(rules, inner);
  return outside === null ? { inside: true } : { inside: false, ...outside, largest: largestInside(rules, inner) };
}

export function newBudget(): Budget {
  return { steps: MAX_INCLUSION_STEPS };
}

function search(outer: Program, inner: Pattern, budget: Budget): Search {
  return searchOutside(outer, compileProgram([inner]), budget);
}

/** The outer rules by method, compiled once, with one budget for the verdict and for what explains it. */
class OuterRules {
  readonly #rules: readonly Rule[];
  readonly budget = newBudget();
  readonly #programs = new Map<string, { readonly patterns: readonly Pattern[]; readonly program: Program }>();
  readonly #answers = new Map<string, Search>();

  constructor(rules: readonly Rule[]) {
    this.#rules = rules;
  }

  get methods(): readonly string[] {
    return [...new Set(this.#rules.flatMap((rule) => rule.methods))];
  }

  patterns(method: string): readonly Pattern[] {
    return this.#compiled(method).patterns;
  }

  search(method: string, path: string): Search {
    const pattern = compilePattern(path);
    if (pattern === null) return { answer: "undecided" };
    const { patterns, program } = this.#compiled(method);
    if (patterns.some((each) => each.text === path)) return { answer: "included" };
    const key = `${patterns.map((each) => each.text).join("\n")}\n\n${path}`;
    const known = this.#answers.get(key);
    if (known !== undefined) return known;
    const found = search(program, pattern, this.budget);
    this.#answers.set(key, found);
    return found;
  }

  #compiled(method: string): { readonly patterns: readonly Pattern[]; readonly program: Program } {
    const known = this.#programs.get(method);
    if (known !== undefined) return known;
    const texts = new Set(this.#rules.filter((rule) => holds(rule, method)).flatMap((rule) => rule.paths));
    const patterns = [...texts].map(compilePattern).filter((pattern) => pattern !== null);
    const compiled = { patterns, program: compileProgram(patterns) };
    this.#programs.set(method, compiled);
    return compiled;
  }
}

function holds(rule: Rule, method: string): boolean {
  if (rule.methods.includes("*") || rule.methods.includes(method)) return true;
  return method === "HEAD" && rule.methods.includes("GET");
}

function firstOutside(
  outer: OuterRules,
  inner: readonly Rule[],
): { readonly method: string; readonly path: string; readonly witness: string | null } | null {
  for (const rule of inner) {
    for (const method of rule.methods) {
      for (const path of rule.paths) {
        const found = outer.search(method, path);
        if (found.answer === "included") continue;
        return { method, path, witness: found.answer === "outside" ? found.witness : null };
      }
    }
  }
  return null;
}

/** What of the inner rules lies inside: patterns that are held as they are, and the common part of those that are not. */
function largestInside(outer: OuterRules, inner: readonly Rule[]): readonly Rule[] {
  return inner.flatMap((rule) => {
    const methodsOf = new Map<string, { readonly methods: string[]; readonly paths: readonly string[] }>();
    for (const method of rule.methods.flatMap((each) => (each === "*" ? ["*", ...outer.methods] : [each]))) {
      const paths = widest(
        rule.paths.flatMap((path) => insideParts(outer, method, path)),
        outer.budget,
      );
      if (paths.length === 0) continue;
      const group = methodsOf.get(paths.join("\n"));
      if (group === undefined) methodsOf.set(paths.join("\n"), { methods: [method], paths });
      else if (!group.methods.includes(method)) group.methods.push(method);
    }
    return [...methodsOf.values()].map((group) =>
      group.methods.includes("*") ? { methods: ["*"], paths: group.paths } : group,
    );
  });
}

function insideParts(outer: OuterRules, method: string, path: string): readonly string[] {
  if (outer.search(method, path).answer === "included") return [path];
  const pattern = compilePattern(path);
  if (pattern === null) return [];
  return outer.patterns(method).flatMap((each) => {
    if (patternIncludes(pattern, each, outer.budget)) return [each.text];
    if (outer.budget.steps <= 0) return [];
    outer.budget.steps -= MEET_STEPS;
    return meetPatterns(each, pattern);
  });
}

/** What a common part costs of the budget, at least as much as it takes. */
const MEET_STEPS = 500;

const MAX_PROPOSED_PATHS = 64;

/** Without duplicates and, as far as the budget reaches, without patterns that another one of the list holds. */
function widest(texts: readonly string[], budget: Budget): readonly string[] {
  const kept: Pattern[] = [];
  for (const text of new Set(texts)) {
    if (kept.length >= MAX_PROPOSED_PATHS) break;
    const pattern = compilePattern(text);
    if (pattern === null || kept.some((each) => patternIncludes(each, pattern, budget))) continue;
    const stay = kept.filter((each) => !patternIncludes(pattern, each, budget));
    kept.length = 0;
    kept.push(...stay, pattern);
  }
  return kept.map((pattern) => pattern.text);
}
