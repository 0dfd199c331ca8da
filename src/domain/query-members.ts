/**
 * What a scope's rules for body members say about the query. Many vendors read a parameter from the query where the body
 * does not have it (Slack, Rails, PHP, Spring), so a rule for a member holds for a parameter of its name as well.
 *
 * Names are read as such vendors read them: decoded, `a[b]` and `a.b` as member b of a. A rule speaks of a parameter that is its
 * member, lies below it or holds it.
 */
import { layersOf } from "./body-layers.ts";
import { looseName, memberSteps } from "./json-path.ts";
import type { Refusal } from "./problem.ts";
import { decodeName, nameOf, readingsOf } from "./query-names.ts";
import { namedBy } from "./rpc-rules.ts";
import type { BodyRule, Scope } from "./scope.ts";

/** Methods whose parameters select what is read; a list of allowed body members says nothing about those. */
const READING = new Set(["GET", "HEAD", "OPTIONS"]);

/** `query`: as `judgeQuery` returned it. @returns `body_denied` or `query_denied`, or null when no rule speaks against it */
export function judgeQueryMembers(scope: Scope, method: string, query: string): Refusal | null {
  if (query === "" || (scope.body.length === 0 && scope.models === null)) return null;
  for (const piece of query.split(/[&;]/)) {
    if (piece === "") continue;
    const written = nameOf(piece);
    const value = decodeName(piece.slice(written.length + 1));
    const paths = readingsOf(written).map((reading) => reading.parts.map(looseName));
    for (const rule of scope.body) {
      if (paths.some((path) => speaksOf(rule, path) && !passes(rule, path, value))) return denied(rule.member);
    }
    const model = scope.models !== null && paths.some((path) => path[0] === "model");
    if (model && (value === null || !namedBy(scope.models, value))) return denied("model");
    if (!READING.has(method) && isStranger(scope, written)) return stranger(written);
  }
  return null;
}

function speaksOf(rule: BodyRule, path: readonly string[]): boolean {
  const member = looseSteps(rule);
  const shorter = Math.min(member.length, path.length);
  return shorter > 0 && member.slice(0, shorter).every((name, at) => name === path[at]);
}

function looseSteps(rule: BodyRule): readonly string[] {
  return memberSteps(rule.member).map((step) => looseName(step.name));
}

function passes(rule: BodyRule, path: readonly string[], value: string | null): boolean {
  const depth = looseSteps(rule).length;
  if (rule.effect === "allow" && rule.values.length === 0) return true;
  // A parameter above the member holds it in a form of its own, which nobody here could read.
  if (value === null || path.length < depth) return false;
  const loose = value.trim().toLowerCase();
  if (rule.effect === "deny") {
    return rule.values.length > 0 && !rule.values.some((each) => String(each).trim().toLowerCase() === loose);
  }
  return path.length === depth && rule.values.some((each) => String(each) === value);
}

/** Whether some layer has a list of allowed members, and the parameter is neither within one nor allowed by its own name. */
function isStranger(scope: Scope, written: string): boolean {
  const lists = layersOf(scope.body).filter((layer) => layer.some((rule) => rule.effect === "allow"));
  if (lists.length === 0) return false;
  const name = decodeName(written);
  if (name === null) return true;
  if (scope.allowQueryParams?.includes(name) === true) return false;
  const paths = readingsOf(name).map((reading) => reading.parts.map(looseName));
  const within = (rule: BodyRule): boolean =>
    rule.effect !== "deny" && paths.every((path) => looseSteps(rule).every((part, at) => part === path[at]));
  return lists.some((layer) => !layer.some(within));
}

function denied(member: string): Refusal {
  const detail = `The query names "${member}", and its value there is outside what the credential's scope allows for the body.`;
  return { code: "body_denied", detail, extensions: { denied_member: member } };
}

function stranger(name: string): Refusal {
  const shown = name.slice(0, 64);
  const detail = `The parameter "${shown}" is none of the body's allowed members; allow_query_params can allow it.`;
  return { code: "query_denied", detail, extensions: { denied_query_param: shown } };
}
