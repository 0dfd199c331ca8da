/** A scope while it is being written: rules as a person edits them, and the request's members that come of it. */
import { signal } from "@preact/signals";
import type { Signal } from "@preact/signals";
import type { Grant } from "../../../../src/contract/policy.ts";
import type { VendorView } from "../../../../src/contract/vendor.ts";

export interface RuleDraft {
  readonly key: number;
  readonly methods: Signal<readonly string[]>;
  /** One pattern a line. */
  readonly paths: Signal<string>;
}

export interface ScopeDraft {
  readonly rules: Signal<readonly RuleDraft[]>;
  readonly denyQuery: Signal<string>;
  readonly models: Signal<string>;
  readonly removeMembers: Signal<string>;
  /** The members that this form has no field for, kept as they are. */
  readonly kept: Readonly<Record<string, unknown>>;
  /** Members that belong to the chosen preset, such as a GraphQL rule. */
  readonly ofPreset: Signal<Readonly<Record<string, unknown>>>;
}

interface RuleView {
  readonly methods: readonly string[];
  readonly paths: readonly string[];
}

type ScopeSource = Pick<Grant, "rules" | "deny_query_params" | "models" | "remove_response_members"> & {
  readonly [name in (typeof KEPT)[number]]?: unknown;
};

const KEPT = ["allow_query_params", "body_rules", "max_body_bytes", "graphql", "json_rpc", "allow_headers"] as const;
let lastKey = 0;

export function ruleDraft(rule: RuleView = { methods: ["GET"], paths: [] }): RuleDraft {
  lastKey += 1;
  return { key: lastKey, methods: signal(rule.methods), paths: signal(rule.paths.join("\n")) };
}

export function scopeDraft(source: ScopeSource | null = null): ScopeDraft {
  const kept: Record<string, unknown> = {};
  for (const name of KEPT) if (restricts(name, source?.[name] ?? null)) kept[name] = source?.[name];
  // An empty list allows no model at all, an absent one every model; the form cannot tell them apart.
  if (source?.models?.length === 0) kept["models"] = [];
  return {
    rules: signal((source?.rules ?? [{ methods: ["GET"], paths: [] }]).map(ruleDraft)),
    denyQuery: signal((source?.deny_query_params ?? []).join("\n")),
    models: signal((source?.models ?? []).join("\n")),
    removeMembers: signal((source?.remove_response_members ?? []).join("\n")),
    kept,
    ofPreset: signal({}),
  };
}

/** Of lists, an empty one restricts only where it says what is allowed. */
function restricts(name: (typeof KEPT)[number], value: unknown): boolean {
  return value !== null && (!Array.isArray(value) || value.length > 0 || name === "allow_query_params");
}

export function scopeBody(draft: ScopeDraft): Record<string, unknown> {
  const body: Record<string, unknown> = {
    ...draft.kept,
    ...draft.ofPreset.value,
    rules: draft.rules.value.map((rule) => ({ methods: rule.methods.value, paths: lines(rule.paths.value) })),
  };
  const lists = [
    ["deny_query_params", draft.denyQuery],
    ["models", draft.models],
    ["remove_response_members", draft.removeMembers],
  ] as const;
  for (const [name, field] of lists) {
    const values = lines(field.value);
    if (values.length > 0) body[name] = values;
  }
  return body;
}

/** Whether there is enough to be judged: every rule has a method and a path. */
export function isComplete(draft: ScopeDraft): boolean {
  return draft.rules.value.every((rule) => rule.methods.value.length > 0 && lines(rule.paths.value).length > 0);
}

/** A preset's rules with its `{name}`s filled in; an empty one stays, so that it matches nothing. */
export function presetRules(
  preset: VendorView["presets"][number],
  values: Readonly<Record<string, string>>,
): readonly RuleView[] {
  const fill = (path: string): string =>
    path.replaceAll(/\{([a-z_]+)\}/g, (whole: string, name: string) => values[name]?.trim() || whole);
  return preset.rules.map((rule) => ({ methods: rule.methods, paths: rule.paths.map(fill) }));
}

export function lines(text: string): string[] {
  return said(text.split(/[\n,]/));
}

/** One a line; each may hold commas. */
export function wholeLines(text: string): string[] {
  return said(text.split("\n"));
}

function said(texts: readonly string[]): string[] {
  return texts.map((each) => each.trim()).filter((each) => each !== "");
}
