/**
 * The members of a scope on the wire, and their way to the domain's form and back.
 * `allowed_methods` × `allowed_paths` is the short form of one rule; both forms never stand together.
 */
import * as z from "zod";
import { parsePattern } from "../domain/pattern.ts";
import { EMPTY_SCOPE } from "../domain/scope.ts";
import type { Rule, Scope } from "../domain/scope.ts";
import { HeaderName, MAX_PATTERN_CHARS, MemberPath, PositiveInteger, QueryName, readableText } from "./fields.ts";

export const MAX_RULES = 64;
export const MAX_PATTERNS = 256;
const MAX_METHODS = 16;
const MAX_QUERY_NAMES = 128;
const MAX_BODY_RULES = 64;
const MAX_VALUES = 256;
const MAX_BODY_BYTES = 104_857_600;

/** Upper-cased; `*` is every method. */
export const Method = z
  .string()
  .max(20)
  .regex(/^(?:\*|[A-Za-z]+)$/, "Is not a method")
  .toUpperCase();

/** A pattern of the scope language (`src/domain/pattern.ts`), which says what is wrong with a text that is none. */
export const PathPattern = z
  .string()
  .max(MAX_PATTERN_CHARS)
  .superRefine((text, context) => {
    const parsed = parsePattern(text);
    if (!parsed.ok) context.addIssue({ code: "custom", message: parsed.error });
  });

const methods = z.array(Method).min(1).max(MAX_METHODS);
const paths = z.array(PathPattern).min(1).max(MAX_PATTERNS);

export const RuleWire = z.strictObject({ methods, paths }).meta({ id: "Rule" });

/** Whole numbers beyond 2^53 are not told apart by readers of doubles, so that no rule could compare them. */
const ExactNumber = z
  .number()
  .refine(
    (value) => !Number.isInteger(value) || Number.isSafeInteger(value),
    "Must lie within ±9007199254740991 (2^53 - 1)",
  );

const BodyRuleWire = z.strictObject({
  member: MemberPath,
  effect: z.enum(["allow", "deny", "one_of"]),
  values: z
    .array(z.union([readableText(1_024), ExactNumber, z.boolean(), z.null()]))
    .max(MAX_VALUES)
    .optional(),
});

const names = (max: number, chars: number) => z.array(readableText(chars).min(1)).max(max);

/** Spread into the object schemas of policies, grants and credentials. */
export const SCOPE_MEMBERS = {
  rules: z.array(RuleWire).min(1).max(MAX_RULES).optional(),
  allowed_methods: methods.optional(),
  allowed_paths: paths.optional(),
  deny_query_params: z.array(QueryName).max(MAX_QUERY_NAMES).optional(),
  allow_query_params: z.array(QueryName).max(MAX_QUERY_NAMES).nullable().optional(),
  body_rules: z.array(BodyRuleWire).max(MAX_BODY_RULES).optional(),
  max_body_bytes: PositiveInteger.max(MAX_BODY_BYTES).nullable().optional(),
  graphql: z
    .strictObject({
      operations: z
        .array(z.enum(["query", "mutation", "subscription"]))
        .min(1)
        .max(3),
      fields: names(MAX_VALUES, 256).nullable().optional(),
    })
    .nullable()
    .optional(),
  json_rpc: z
    .strictObject({
      methods: names(MAX_VALUES, 256).nullable().optional(),
      tools: names(MAX_VALUES, 256).nullable().optional(),
    })
    .nullable()
    .optional(),
  models: names(MAX_VALUES, 256).nullable().optional(),
  allow_headers: z.array(HeaderName).max(32).optional(),
  remove_response_members: z.array(MemberPath).max(MAX_VALUES).optional(),
};

const scopeMembers = z.strictObject(SCOPE_MEMBERS);
export type ScopeMembers = z.infer<typeof scopeMembers>;
export const SCOPE_MEMBER_NAMES = Object.keys(SCOPE_MEMBERS);

/** A scope as answers show it: complete, with the short form beside `rules` when there is exactly one rule. */
export const ScopeView = z
  .strictObject({
    rules: z.array(z.strictObject({ methods: z.array(z.string()), paths: z.array(z.string()) })),
    allowed_methods: z.array(z.string()).optional(),
    allowed_paths: z.array(z.string()).optional(),
    deny_query_params: z.array(z.string()),
    allow_query_params: z.array(z.string()).nullable(),
    body_rules: z.array(BodyRuleWire),
    max_body_bytes: z.int().nullable(),
    graphql: z.strictObject({ operations: z.array(z.string()), fields: z.array(z.string()).nullable() }).nullable(),
    json_rpc: z
      .strictObject({ methods: z.array(z.string()).nullable(), tools: z.array(z.string()).nullable() })
      .nullable(),
    models: z.array(z.string()).nullable(),
    allow_headers: z.array(z.string()),
    remove_response_members: z.array(z.string()),
  })
  .meta({ id: "Scope" });
export type ScopeView = z.infer<typeof ScopeView>;

/** Refuses half a short form, and both forms together. For `superRefine` of the schemas that spread `SCOPE_MEMBERS`. */
export function checkScopeForms(wire: Partial<ScopeMembers>, context: z.RefinementCtx): void {
  const issue = (field: string, message: string): void => {
    context.addIssue({ code: "custom", path: [field], message });
  };
  const short = wire.allowed_methods !== undefined || wire.allowed_paths !== undefined;
  if (wire.rules !== undefined && short) issue("rules", "Give either rules or allowed_methods with allowed_paths");
  if (!short) return;
  if (wire.allowed_methods === undefined) issue("allowed_methods", "Is required beside allowed_paths");
  if (wire.allowed_paths === undefined) issue("allowed_paths", "Is required beside allowed_methods");
}

/** Whether any rule is stated, in either form. */
export function statesRules(wire: Partial<ScopeMembers>): boolean {
  return wire.rules !== undefined || wire.allowed_paths !== undefined;
}

/** Only what is stated; the rest is for the policy or the defaults. */
export function toScope(wire: Partial<ScopeMembers>): Partial<Scope> {
  const rules = toRules(wire);
  return {
    ...(rules === undefined ? {} : { rules }),
    ...(wire.deny_query_params === undefined ? {} : { denyQueryParams: wire.deny_query_params }),
    ...(wire.allow_query_params === undefined ? {} : { allowQueryParams: wire.allow_query_params }),
    ...(wire.body_rules === undefined
      ? {}
      : { body: wire.body_rules.map((rule) => ({ ...rule, values: rule.values ?? [] })) }),
    ...(wire.max_body_bytes === undefined ? {} : { maxBodyBytes: wire.max_body_bytes }),
    ...(wire.graphql === undefined
      ? {}
      : { graphql: wire.graphql && { operations: wire.graphql.operations, fields: wire.graphql.fields ?? null } }),
    ...(wire.json_rpc === undefined
      ? {}
      : { jsonRpc: wire.json_rpc && { methods: wire.json_rpc.methods ?? null, tools: wire.json_rpc.tools ?? null } }),
    ...(wire.models === undefined ? {} : { models: wire.models }),
    ...(wire.allow_headers === undefined ? {} : { allowHeaders: wire.allow_headers.map((name) => name.toLowerCase()) }),
    ...(wire.remove_response_members === undefined ? {} : { removeResponseMembers: wire.remove_response_members }),
  };
}

function toRules(wire: Partial<ScopeMembers>): readonly Rule[] | undefined {
  if (wire.rules !== undefined) return wire.rules;
  if (wire.allowed_methods === undefined || wire.allowed_paths === undefined) return undefined;
  return [{ methods: wire.allowed_methods, paths: wire.allowed_paths }];
}

export function fromScope(scope: Scope): ScopeView {
  const [only, ...more] = scope.rules;
  return {
    rules: scope.rules.map((rule) => ({ methods: [...rule.methods], paths: [...rule.paths] })),
    ...(only === undefined || more.length > 0
      ? {}
      : { allowed_methods: [...only.methods], allowed_paths: [...only.paths] }),
    deny_query_params: [...scope.denyQueryParams],
    allow_query_params: copied(scope.allowQueryParams),
    body_rules: scope.body.map(({ member, effect, values }) => ({ member, effect, values: [...values] })),
    max_body_bytes: scope.maxBodyBytes,
    graphql: scope.graphql && { operations: [...scope.graphql.operations], fields: copied(scope.graphql.fields) },
    json_rpc: scope.jsonRpc && { methods: copied(scope.jsonRpc.methods), tools: copied(scope.jsonRpc.tools) },
    models: copied(scope.models),
    allow_headers: [...scope.allowHeaders],
    remove_response_members: [...scope.removeResponseMembers],
  };
}

/** Only the members that are stated, in the form in which a request may state them again: `toScope` turned round. */
export function fromStatedScope(scope: Partial<Scope>): Partial<ScopeMembers> {
  const view = fromScope({ ...EMPTY_SCOPE, ...scope });
  return {
    ...(scope.rules === undefined ? {} : { rules: view.rules }),
    ...(scope.denyQueryParams === undefined ? {} : { deny_query_params: view.deny_query_params }),
    ...(scope.allowQueryParams === undefined ? {} : { allow_query_params: view.allow_query_params }),
    ...(scope.body === undefined ? {} : { body_rules: view.body_rules }),
    ...(scope.maxBodyBytes === undefined ? {} : { max_body_bytes: view.max_body_bytes }),
    ...(scope.graphql === undefined
      ? {}
      : {
          graphql: scope.graphql && { operations: [...scope.graphql.operations], fields: copied(scope.graphql.fields) },
        }),
    ...(scope.jsonRpc === undefined ? {} : { json_rpc: view.json_rpc }),
    ...(scope.models === undefined ? {} : { models: view.models }),
    ...(scope.allowHeaders === undefined ? {} : { allow_headers: view.allow_headers }),
    ...(scope.removeResponseMembers === undefined ? {} : { remove_response_members: view.remove_response_members }),
  };
}

function copied(list: readonly string[] | null): string[] | null {
  return list === null ? null : [...list];
}
