/**
 * What a scope's rules for body members say about the query. Many vendors read a parameter from the query where the body
 * does not have it (Slack, Rails, PHP, Spring), so a rule for a member holds for a parameter of its name as well.
 *
 * Names are read as such vendors read them: decoded, `a[b]` and `a.b` as member b of a, `a[]` and `a[0]` as items of a list, and
 * `a.b` also as `a_b` (PHP). A rule speaks of a parameter that is its member, lies below it or holds it.
 */
import { layersOf } from "./body-layers.ts";
import { looseName, memberSteps } from "./json-path.ts";
import { mayBeRead } from "./loose-value.ts";
import type { Refusal } from "./problem.ts";
import { allowsName } from "./query.ts";
import { decodeName, nameOf, readingsOf } from "./query-names.ts";
import type { Reading } from "./query-names.ts";
import { TOOL_CALL, namedBy } from "./rpc-rules.ts";
import type { RpcRule } from "./rpc-rules.ts";
import type { BodyRule, Scope } from "./scope.ts";

/** Methods whose parameters select what is read; a list of allowed body members says nothing about those. */
const READING = new Set(["GET", "HEAD", "OPTIONS"]);

/** `query`: as `judgeQuery` returned it. @returns `body_denied` or `query_denied`, or null when no rule speaks against it */
export function judgeQueryMembers(scope: Scope, method: string, query: string): Refusal | null {
  if (query === "" || (scope.body.length === 0 && scope.models === null && scope.jsonRpc === null)) return null;
  for (const piece of parameters(query)) {
    const written = nameOf(piece);
    const refusal = judgeParameter(scope, written, valueOf(piece, written));
    if (refusal !== null) return refusal;
    if (!READING.has(method) && isStranger(scope, written)) return stranger(written);
  }
  return null;
}

/** Some servers also separate by `;`, so a piece that holds one is judged as a whole and in its parts. */
function parameters(query: string): readonly string[] {
  const pieces = query.split("&").flatMap((piece) => (piece.includes(";") ? [piece, ...piece.split(";")] : [piece]));
  return pieces.filter((piece) => piece !== "");
}

/** Null: nobody can say what a server takes for the value; it is malformed, or a separator is hidden in the name. */
function valueOf(piece: string, written: string): string | null {
  if (readingsOf(written).some((reading) => /[&;=]/.test(reading.flat))) return null;
  return decodeName(piece.slice(written.length + 1));
}

function judgeParameter(scope: Scope, written: string, value: string | null): Refusal | null {
  const paths = readingsOf(written).flatMap(pathsOf);
  for (const rule of scope.body) {
    const steps = looseSteps(rule.member);
    for (const path of paths) {
      const place = placeOf(steps, path);
      if (place !== null && !passes(rule, place, value)) return denied(rule.member);
    }
  }
  if (scope.models !== null && names(paths, "model") && !isNamed(scope.models, value)) return denied("model");
  return scope.jsonRpc === null ? null : judgeRpcParameter(scope.jsonRpc, paths, value);
}

/** A call in the query, as some servers take it from GET, or where the body lacks a member (JSON-RPC 2.0 over HTTP, draft of 2008). */
function judgeRpcParameter(rule: RpcRule, paths: readonly Path[], value: string | null): Refusal | null {
  if (names(paths, "method")) {
    if (rule.methods !== null && !isNamed(rule.methods, value)) return denied("method");
    if (rule.tools !== null && (value === null || value.trim().toLowerCase() === TOOL_CALL)) return denied("method");
  }
  return rule.tools !== null && names(paths, "params") ? denied("params") : null;
}

type Path = readonly string[];

function names(paths: readonly Path[], member: string): boolean {
  return paths.some((path) => placeOf([member], path) !== null);
}

function isNamed(allowed: readonly string[], value: string | null): boolean {
  return value !== null && namedBy(allowed, value);
}

/** A reading as steps, with and without the numbers that stand for items of a list. */
function pathsOf({ parts }: Reading): readonly (readonly string[])[] {
  const steps = parts.map(looseStep).filter((step) => step !== "");
  const named = steps.filter((step) => !/^[0-9]+$/.test(step));
  return named.length === steps.length ? [steps] : [steps, named];
}

function looseStep(name: string): string {
  return looseName(name).replaceAll(/\s/g, "");
}

function looseSteps(member: string): readonly string[] {
  return memberSteps(member).map((step) => looseStep(step.name));
}

type Place = "above" | "at" | "below";

/** Where a parameter stands, seen from a member; null: elsewhere. Its first steps may be one name, as PHP reads them. */
function placeOf(member: readonly string[], path: readonly string[]): Place | null {
  const [first] = member;
  if (first === undefined) return null;
  let head = "";
  for (let joined = 1; joined <= path.length; joined += 1) {
    head += path[joined - 1];
    if (head.length > first.length) return null;
    if (head !== first) continue;
    const below = path.length - joined + 1 - member.length;
    const shared = Math.min(member.length - 1, path.length - joined);
    for (let at = 0; at < shared; at += 1) if (member[at + 1] !== path[joined + at]) return null;
    return below < 0 ? "above" : below === 0 ? "at" : "below";
  }
  return null;
}

function passes(rule: BodyRule, place: Place, value: string | null): boolean {
  if (rule.effect === "allow" && rule.values.length === 0) return true;
  // A parameter above the member holds it in a form of its own, which nobody here could read.
  if (value === null || place === "above") return false;
  if (rule.effect === "deny") {
    return rule.values.length > 0 && !rule.values.some((each) => mayBeRead(value, each));
  }
  return place === "at" && rule.values.some((each) => String(each) === value);
}

/** Whether the parameter is neither within each list of allowed members nor allowed by its own name. */
function isStranger(scope: Scope, written: string): boolean {
  const lists = listsOf(scope);
  if (lists.length === 0) return false;
  const name = decodeName(written);
  if (name === null) return true;
  if (scope.allowQueryParams !== null && allowsName(scope.allowQueryParams, name)) return false;
  return !lists.every((list) => isWithin(list, name));
}

/**
 * The first name that `inner` allows by `allow_query_params` beside `outer`'s lists of body members; null: there is none.
 * Where `outer` has such names itself, `inner` has no others (`outsideScope`).
 */
export function paramBeyondLists(outer: Scope, inner: Scope): string | null {
  if (outer.allowQueryParams !== null || inner.allowQueryParams === null) return null;
  if (inner.rules.every((rule) => rule.methods.every((method) => READING.has(method)))) return null;
  const lists = listsOf(outer);
  return inner.allowQueryParams.find((name) => !lists.every((list) => isWithin(list, name))) ?? null;
}

function listsOf(scope: Scope): readonly (readonly BodyRule[])[] {
  return layersOf(scope.body).filter((layer) => layer.some((rule) => rule.effect === "allow"));
}

/** Whether each reading of the name lies at or below a member of the list. */
function isWithin(list: readonly BodyRule[], name: string): boolean {
  const allowed = list.filter((rule) => rule.effect !== "deny").map((rule) => looseSteps(rule.member));
  return readingsOf(name).every((reading) =>
    pathsOf(reading).some((path) => allowed.some((steps) => steps.every((step, at) => step === path[at]))),
  );
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
