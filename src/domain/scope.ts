/**
 * What a grant allows. The judgement itself is pure: see `judgeScope` (scope-judge.ts).
 * Patterns are those of `pattern.ts`; methods are upper case; paths are canonical upstream paths, base path included.
 */
export interface Rule {
  readonly methods: readonly string[];
  readonly paths: readonly string[];
}

/** A condition on a member of the JSON body, addressed by dotted path (`metadata.plan`, `items[].price`). */
export interface BodyRule {
  readonly member: string;
  readonly effect: "allow" | "deny" | "one_of";
  readonly values: readonly (string | number | boolean | null)[];
  /** Rules of one number form one list of what is allowed (`body-layers.ts`); absent: 0. Never on the wire. */
  readonly layer?: number;
}

export interface Scope {
  readonly rules: readonly Rule[];
  readonly denyQueryParams: readonly string[];
  /** null: every parameter that is not denied is allowed. */
  readonly allowQueryParams: readonly string[] | null;
  readonly body: readonly BodyRule[];
  readonly maxBodyBytes: number | null;
  readonly graphql: {
    readonly operations: readonly ("query" | "mutation" | "subscription")[];
    readonly fields: readonly string[] | null;
  } | null;
  /** JSON-RPC and MCP: allowed methods, and allowed names for `tools/call`. */
  readonly jsonRpc: { readonly methods: readonly string[] | null; readonly tools: readonly string[] | null } | null;
  /** Allowed values of the body's `model` member, as patterns with `*`. */
  readonly models: readonly string[] | null;
  /** Vendor account-switching headers that this grant may set. */
  readonly allowHeaders: readonly string[];
  /** Members removed from JSON answers, by dotted path. */
  readonly removeResponseMembers: readonly string[];
}

export const EMPTY_SCOPE: Scope = {
  rules: [],
  denyQueryParams: [],
  allowQueryParams: null,
  body: [],
  maxBodyBytes: null,
  graphql: null,
  jsonRpc: null,
  models: null,
  allowHeaders: [],
  removeResponseMembers: [],
};
