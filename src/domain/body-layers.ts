/**
 * Body rules that come from several places (a provisioner's constraint, a policy, a grant). `allow` rules are a list of
 * what may be there, so lists of two places must not be read as one: each place is a layer, and a body must pass each.
 */
import { memberSteps } from "./json-path.ts";
import type { BodyRule } from "./scope.ts";

/** The rules of both; what passes them passes each. A layer that stands there already is not added again. */
export function stackRules(first: readonly BodyRule[], second: readonly BodyRule[]): readonly BodyRule[] {
  if (![...first, ...second].some((rule) => rule.effect === "allow")) {
    return [...first, ...second.filter((rule) => !first.some((each) => sameBodyRule(each, rule)))];
  }
  const layers = [...layersOf(first)];
  for (const layer of layersOf(second)) {
    if (!layers.some((known) => sameRules(known, layer))) layers.push(layer);
  }
  return layers.flatMap((layer, at) =>
    layer.map(({ member, effect, values }) => ({ member, effect, values, layer: at })),
  );
}

/** One list for each layer that has rules. */
export function layersOf(rules: readonly BodyRule[]): readonly (readonly BodyRule[])[] {
  const [head] = rules;
  if (head === undefined) return [];
  if (rules.every((rule) => rule.layer === head.layer)) return [rules];
  const layers = new Map<number, BodyRule[]>();
  for (const rule of rules) {
    const layer = layers.get(rule.layer ?? 0);
    if (layer === undefined) layers.set(rule.layer ?? 0, [rule]);
    else layer.push(rule);
  }
  return [...layers.values()];
}

/** The first member that `inner` would let stand although `outer` has a list of what may, without it; null: there is none. */
export function memberBeyond(outer: readonly BodyRule[], inner: readonly BodyRule[]): string | null {
  for (const layer of layersOf(outer)) {
    if (!layer.some((rule) => rule.effect === "allow")) continue;
    const allowed = layer.filter((rule) => rule.effect !== "deny");
    const beyond = inner.find(
      (rule) => rule.effect !== "deny" && !allowed.some((each) => liesWithin(rule.member, each.member)),
    );
    if (beyond !== undefined) return beyond.member;
  }
  return null;
}

/** Whether the rules say the same, whatever their layers. */
export function sameBodyRule(left: BodyRule, right: BodyRule): boolean {
  return (
    left.member === right.member &&
    left.effect === right.effect &&
    JSON.stringify(left.values) === JSON.stringify(right.values)
  );
}

function sameRules(left: readonly BodyRule[], right: readonly BodyRule[]): boolean {
  const holds = (rules: readonly BodyRule[], rule: BodyRule): boolean => rules.some((each) => sameBodyRule(each, rule));
  return left.every((rule) => holds(right, rule)) && right.every((rule) => holds(left, rule));
}

/** Whether `path` is `whole` or a member below it. */
function liesWithin(path: string, whole: string): boolean {
  const steps = memberSteps(path);
  return memberSteps(whole).every((step, at) => steps[at]?.name === step.name);
}
