/**
 * What a scope says about a request's body: its size, members of a JSON body, GraphQL operations, JSON-RPC and MCP
 * calls, model names.
 *
 * Fail closed: a body that a rule needs to read and that cannot be read in one way only is refused (`body_denied`):
 * compressed, not JSON, not UTF-8, too deep, a ruled member there twice or under a variant of its name. A body of no
 * bytes lacks the members that must be there, where the method wants a body, and names no model, operation or call. Parameters
 * of the query that name members are judged in `query-members.ts`, GraphQL there in `graphql-rules.ts`, and
 * in `unruled-graphql.ts` where answers have hidden members.
 *
 * Effects of a member rule, with `values` v:
 * - `deny`: the member must not be there; with v, it must not be there with one of these values.
 * - `one_of`: the member must be there, each time with one of v (a number that no double holds exactly is none of them).
 * - `allow`: as soon as one rule of a layer says `allow`, only members at, below or above an `allow` or `one_of` member of
 *   that layer may be there; with v, the member is optional but must have one of these values.
 */
import { layersOf } from "./body-layers.ts";
import { judgeGraphqlBody, judgeGraphqlText } from "./graphql-rules.ts";
import { findMembers, memberSteps, scalarsOf } from "./json-path.ts";
import type { MemberStep } from "./json-path.ts";
import { jsonText, scanJson } from "./json-scan.ts";
import type { JsonNode, JsonProblem } from "./json-scan.ts";
import { mayBeRead } from "./loose-value.ts";
import type { Refusal } from "./problem.ts";
import { judgeRpcBody, namedBy, onlyMember, textOf } from "./rpc-rules.ts";
import type { BodyRule, Scope } from "./scope.ts";
import { judgeUnruledBody, refusesGraphql } from "./unruled-graphql.ts";

export interface BodyHeaders {
  readonly contentType: string | null;
  readonly contentEncoding: string | null;
}

/** Whether the body must be read before it is sent, whatever it looks like (else see `unruled-graphql.ts`). */
export function bodyRulesApply(scope: Scope): boolean {
  return scope.maxBodyBytes !== null || readsBody(scope);
}

/** Whether a rule looks into the body, and not only at its size. */
export function readsBody(scope: Scope): boolean {
  return scope.body.length > 0 || scope.graphql !== null || scope.jsonRpc !== null || scope.models !== null;
}

/** @returns `body_too_large`, `body_denied`, or null when the body may be sent */
export function judgeBody(scope: Scope, method: string, headers: BodyHeaders, body: Uint8Array): Refusal | null {
  if (scope.maxBodyBytes !== null && body.byteLength > scope.maxBodyBytes) {
    const detail = `The body is larger than the ${scope.maxBodyBytes} bytes that the credential's scope allows.`;
    return { code: "body_too_large", detail, extensions: { max_body_bytes: scope.maxBodyBytes } };
  }
  const graphql = refusesGraphql(scope) ? judgeUnruledBody(headers, body) : null;
  if (graphql !== null || !readsBody(scope)) return graphql;
  if (body.byteLength === 0) return BODYLESS.has(method) ? null : judgeMembers(scope.body, EMPTY);
  const coding = headers.contentEncoding?.trim().toLowerCase() ?? "";
  if (coding !== "" && coding !== "identity")
    return unreadable("A compressed body cannot be judged; send it as it is.");
  const text = jsonText(body);
  if (!text.ok) return unreadable(PROBLEMS.malformed);
  const type = mediaType(headers.contentType);
  if (type === "application/graphql" && onlyGraphql(scope)) {
    return judgeGraphqlText(scope.graphql, text.value, scope.removeResponseMembers);
  }
  if (!isJson(type)) return unreadable("Only a JSON body in UTF-8 can be judged (Content-Type: application/json).");
  const document = scanJson(text.value);
  return document.ok ? judgeDocument(scope, document.value) : unreadable(PROBLEMS[document.error]);
}

/** Every other method says in its body what is to be done; without one it does what the vendor takes for the default. */
const BODYLESS = new Set(["GET", "HEAD", "DELETE", "OPTIONS"]);
const EMPTY: JsonNode = { kind: "object", members: [], start: 0, end: 0 };

const PROBLEMS: Readonly<Record<JsonProblem, string>> = {
  malformed: "The body is not well-formed JSON in UTF-8.",
  too_deep: "The body is nested too deeply to be judged.",
  too_many_values: "The body holds too many values to be judged.",
};

function unreadable(detail: string): Refusal {
  return { code: "body_denied", detail };
}

function onlyGraphql(scope: Scope): scope is Scope & { readonly graphql: NonNullable<Scope["graphql"]> } {
  return scope.graphql !== null && scope.body.length === 0 && scope.jsonRpc === null && scope.models === null;
}

/**
 * Lower-case type without parameters; null when a charset says anything but UTF-8, or when some server would read another
 * type or charset: of several types (`fetch` takes the last), or in the extended form (`charset*`, RFC 8187 section 3.2).
 */
function mediaType(contentType: string | null): string | null {
  const [type, ...parameters] = (contentType ?? "").toLowerCase().split(";");
  if (contentType?.includes(",") === true || parameters.some((each) => each.split("=")[0]?.includes("*"))) return null;
  for (const parameter of parameters) {
    const [name, value] = parameter.split("=");
    if (name?.trim() === "charset" && !/^\s*"?utf-?8"?\s*$/.test(value ?? "")) return null;
  }
  return type?.trim() ?? null;
}

function isJson(type: string | null): boolean {
  return type !== null && /^application\/(?:json|[a-z0-9.!#$&^_-]+\+json)$/.test(type);
}

function judgeDocument(scope: Scope, document: JsonNode): Refusal | null {
  return (
    judgeMembers(scope.body, document) ??
    (scope.graphql === null ? null : judgeGraphqlBody(scope.graphql, document, scope.removeResponseMembers)) ??
    (scope.jsonRpc === null ? null : judgeRpcBody(scope.jsonRpc, document)) ??
    (scope.models === null ? null : judgeModel(scope.models, document))
  );
}

function judgeModel(models: readonly string[], document: JsonNode): Refusal | null {
  const model = onlyMember(document, "model");
  if (!model.ok) return model.error;
  const name = model.value === null ? null : textOf(model.value);
  if (name !== null && namedBy(models, name)) return null;
  const what = name === null ? 'The body must name a "model"' : `The model "${name.slice(0, 64)}" is not allowed`;
  const detail = `${what}; allowed: ${models.join(", ")}.`;
  return { code: "body_denied", detail, extensions: { denied_member: "model", allowed_values: models } };
}

function judgeMembers(rules: readonly BodyRule[], document: JsonNode): Refusal | null {
  for (const rule of rules) {
    const refusal = judgeMember(rule, document);
    if (refusal !== null) return refusal;
  }
  if (!rules.some((rule) => rule.effect === "allow")) return null;
  for (const layer of layersOf(rules)) {
    if (!layer.some((rule) => rule.effect === "allow")) continue;
    const allowed = layer.filter((rule) => rule.effect !== "deny").map((rule) => memberSteps(rule.member));
    const stranger = findStranger(document, allowed);
    if (stranger !== null) return deniedMember(stranger);
  }
  return null;
}

function judgeMember(rule: BodyRule, document: JsonNode): Refusal | null {
  const found = findMembers(document, rule.member);
  if (rule.effect === "deny") {
    const hit =
      rule.values.length === 0
        ? found.values.length > 0
        : found.values.flatMap(scalarsOf).some((value) => rule.values.some((denied) => mayBeRead(value, denied)));
    return hit ? deniedMember(rule.member) : null;
  }
  if (rule.effect === "allow" && (rule.values.length === 0 || found.values.length === 0)) return null;
  const fits = found.values.every(
    (node) => node.kind === "scalar" && node.inexact !== true && rule.values.includes(node.value),
  );
  if (fits && !found.unclear && (rule.effect === "allow" || !found.missing)) return null;
  return {
    code: "body_denied",
    detail: `The body's member "${rule.member}" must have one of the values that the credential's scope allows.`,
    extensions: { denied_member: rule.member, allowed_values: rule.values },
  };
}

function deniedMember(member: string): Refusal {
  const detail = `The body's member "${member}" is outside the credential's scope.`;
  return { code: "body_denied", detail, extensions: { denied_member: member } };
}

/** The first member that no path allows, by its own path; also a name that stands there twice, or a value in place of an object. */
function findStranger(node: JsonNode, paths: readonly (readonly MemberStep[])[], here = ""): string | null {
  if (paths.some((path) => path.length === 0)) return null;
  if (node.kind === "scalar") return here === "" ? "(the whole body)" : here;
  if (node.kind === "array") return firstStranger(node.items.map((item) => [item, paths, `${here}[]`] as const));
  const names = new Set<string>();
  for (const member of node.members) {
    const place = (here === "" ? member.name : `${here}.${member.name}`).slice(0, 128);
    const below = paths.filter((path) => path[0]?.name === member.name).map((path) => path.slice(1));
    if (below.length === 0 || names.has(member.name)) return place;
    names.add(member.name);
    const stranger = findStranger(member.value, below, place);
    if (stranger !== null) return stranger;
  }
  return null;
}

function firstStranger(
  nodes: readonly (readonly [JsonNode, readonly (readonly MemberStep[])[], string])[],
): string | null {
  for (const [node, paths, here] of nodes) {
    const stranger = findStranger(node, paths, here);
    if (stranger !== null) return stranger;
  }
  return null;
}
