/**
 * Which GraphQL operations a scope allows, by kind and by root field.
 *
 * Never trusts a name the caller chose: aliases are looked through, fragments are followed, and every operation of a
 * document is judged, not only the one that `operationName` points at. Documents that are not in the request
 * (persisted queries) cannot be judged and are refused.
 */
import { parse } from "graphql/language/parser";
import type { DocumentNode, FragmentDefinitionNode, SelectionSetNode } from "graphql/language/ast";
import type { JsonNode } from "./json-scan.ts";
import { looseName, namesakes } from "./json-path.ts";
import type { Refusal } from "./problem.ts";
import { decodeName, nameOf, readingsOf } from "./query-names.ts";
import { namedBy } from "./rpc-rules.ts";
import type { Scope } from "./scope.ts";

export type GraphqlRule = NonNullable<Scope["graphql"]>;

const MAX_GRAPHQL_TOKENS = 10_000;
export const MAX_GRAPHQL_BATCH = 50;

/** Loose names of members that point at a document which the server holds. */
const PERSISTED = ["id", "documentId", "docId", "queryId", "queryHash", "hash", "persistedQuery"] as const;

/** A request body: one operation object, or a list of them. */
export function judgeGraphqlBody(rule: GraphqlRule, body: JsonNode, hidden: readonly string[] = []): Refusal | null {
  if (body.kind === "array") {
    if (body.items.length > MAX_GRAPHQL_BATCH) return refused(`A batch may hold ${MAX_GRAPHQL_BATCH} operations.`);
    if (body.items.length === 0) return refused("The batch is empty.");
    return firstRefusal(body.items, (item) => judgeRequest(rule, item, hidden));
  }
  return judgeRequest(rule, body, hidden);
}

function judgeRequest(rule: GraphqlRule, request: JsonNode, hidden: readonly string[]): Refusal | null {
  if (request.kind !== "object") return refused("A GraphQL request must be a JSON object.");
  const extensions = namesakes(request.members, "extensions").map((member) => member.value);
  const places = [request, ...extensions].flatMap((node) => (node.kind === "object" ? [node.members] : []));
  if (places.some((members) => PERSISTED.some((name) => namesakes(members, name).length > 0))) return refused(NOT_HELD);
  const queries = namesakes(request.members, "query");
  const query = queries[0];
  if (query === undefined) return refused(NOT_HELD);
  if (queries.length > 1 || query.name !== "query") return refused('The member "query" must stand there once.');
  if (query.value.kind !== "scalar" || typeof query.value.value !== "string") {
    return refused('The member "query" must be a string.');
  }
  return judgeGraphqlText(rule, query.value.value, hidden);
}

/** Parameters of a GET request: every `query` is judged; parameters that point at held documents are refused. */
export function judgeGraphqlParams(rule: GraphqlRule, query: string, hidden: readonly string[] = []): Refusal | null {
  for (const piece of query.split(/[&;]/)) {
    const written = nameOf(piece);
    const names = new Set(readingsOf(written).map(({ parts }) => looseName(parts[0] ?? "")));
    const value = decodeName(piece.slice(written.length + 1));
    if (PERSISTED.some((each) => names.has(looseName(each)))) return refused(NOT_HELD);
    if (names.has("extensions") && /persistedquery/i.test(`${written} ${value ?? "persistedQuery"}`)) {
      return refused(NOT_HELD);
    }
    if (!names.has("query")) continue;
    const refusal = judgeGraphqlText(rule, value ?? "", hidden);
    if (refusal !== null) return refusal;
  }
  return null;
}

/** `hidden`: members that are taken out of answers, by their names; an alias would bring them back under another. */
export function judgeGraphqlText(rule: GraphqlRule, text: string, hidden: readonly string[] = []): Refusal | null {
  const document = parsed(text);
  if (document === null) return refused("The GraphQL document cannot be parsed.");
  if (hidden.length > 0 && hasAlias(document)) return refused(NO_ALIASES);
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions) {
    if (definition.kind !== "FragmentDefinition") continue;
    if (fragments.has(definition.name.value)) return refused("The GraphQL document names a fragment twice.");
    fragments.set(definition.name.value, definition);
  }
  for (const definition of document.definitions) {
    if (definition.kind === "FragmentDefinition") continue;
    if (definition.kind !== "OperationDefinition") return refused("The GraphQL document may hold operations only.");
    if (!rule.operations.includes(definition.operation)) {
      return refused(`GraphQL ${definition.operation} operations are outside the credential's scope.`, {
        allowed_operations: rule.operations,
      });
    }
    const refusal = judgeFields(rule, definition.selectionSet, fragments);
    if (refusal !== null) return refusal;
  }
  return document.definitions.some((each) => each.kind === "OperationDefinition")
    ? null
    : refused("The GraphQL document holds no operation.");
}

/** The parser recurses, so a deeply nested document ends in a RangeError: also a document that cannot be judged. */
function parsed(text: string): DocumentNode | null {
  try {
    return parse(text, { noLocation: true, maxTokens: MAX_GRAPHQL_TOKENS });
  } catch {
    return null;
  }
}

/** At any depth, in operations and fragments alike. */
function hasAlias(document: DocumentNode): boolean {
  const waiting = document.definitions.flatMap((each) => ("selectionSet" in each ? [each.selectionSet] : []));
  for (let set = waiting.pop(); set !== undefined; set = waiting.pop()) {
    for (const selection of set.selections) {
      if (selection.kind === "Field" && selection.alias !== undefined) return true;
      if (selection.kind !== "FragmentSpread" && selection.selectionSet !== undefined)
        waiting.push(selection.selectionSet);
    }
  }
  return false;
}

const NO_ALIASES =
  "This grant hides members of answers, so its GraphQL documents may give fields no other names (aliases).";

/** Root fields by their own names. Inline fragments and spreads at the root add to them; each fragment is entered once. */
function judgeFields(
  rule: GraphqlRule,
  root: SelectionSetNode,
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
): Refusal | null {
  const entered = new Set<string>();
  const waiting: SelectionSetNode[] = [root];
  for (let set = waiting.pop(); set !== undefined; set = waiting.pop()) {
    for (const selection of set.selections) {
      if (selection.kind === "InlineFragment") {
        waiting.push(selection.selectionSet);
      } else if (selection.kind === "FragmentSpread") {
        const name = selection.name.value;
        const fragment = fragments.get(name);
        if (fragment === undefined) return refused("The GraphQL document uses a fragment that it does not hold.");
        if (!entered.has(name)) waiting.push(fragment.selectionSet);
        entered.add(name);
      } else {
        const field = selection.name.value;
        if (field === "__typename" || rule.fields === null || namedBy(rule.fields, field)) continue;
        return refused(`The GraphQL field "${field}" is outside the credential's scope.`, { denied_field: field });
      }
    }
  }
  return null;
}

const NOT_HELD = "The GraphQL document must be in the request; persisted queries cannot be judged.";

function refused(detail: string, extensions: Readonly<Record<string, unknown>> = {}): Refusal {
  return { code: "body_denied", detail, extensions };
}

function firstRefusal<T>(items: readonly T[], judge: (item: T) => Refusal | null): Refusal | null {
  for (const item of items) {
    const refusal = judge(item);
    if (refusal !== null) return refusal;
  }
  return null;
}
