/** What a grant says beyond methods and paths, its price included, a line for each. Pure. */
import type { Grant } from "../../../../src/contract/policy.ts";
import { bytes } from "../format.ts";
import { priceText } from "./price-text.ts";

type Said = readonly [name: string, value: string];

export function grantWords(grant: Grant): readonly Said[] {
  const said: (Said | null)[] = [
    listed("Refused query parameters", grant.deny_query_params),
    listed("Only these query parameters", grant.allow_query_params),
    listed("Models", grant.models),
    listed("Removed from answers", grant.remove_response_members),
    listed("Account headers it may set", grant.allow_headers),
    grant.max_body_bytes === null ? null : ["Bodies up to", bytes(grant.max_body_bytes)],
    grant.body_rules.length === 0 ? null : ["In the body", grant.body_rules.map(bodyRuleText).join("; ")],
    grant.graphql === null
      ? null
      : ["GraphQL", [grant.graphql.operations.join(", "), ...some("fields", grant.graphql.fields)].join("; ")],
    grant.json_rpc === null
      ? null
      : [
          "JSON-RPC",
          [...some("methods", grant.json_rpc.methods), ...some("tools", grant.json_rpc.tools)].join("; ") || "any",
        ],
    grant.customers === null ? null : ["Customers", customerText(grant.customers)],
    priced(grant),
  ];
  return said.filter((each) => each !== null);
}

function priced(grant: Grant): Said | null {
  const text = priceText(grant.price);
  return text === null ? null : ["Price", text];
}

/** Null: not restricted. An empty list restricts to nothing, unless it is one of exceptions. */
function listed(name: string, values: readonly string[] | null): Said | null {
  if (values === null) return null;
  if (values.length > 0) return [name, values.join(", ")];
  return name.startsWith("Only") || name === "Models" ? [name, "none"] : null;
}

function some(name: string, values: readonly string[] | null): readonly string[] {
  return values === null ? [] : [`${name} ${values.length === 0 ? "none" : values.join(", ")}`];
}

function bodyRuleText(rule: Grant["body_rules"][number]): string {
  const values = (rule.values ?? []).map((value) => JSON.stringify(value)).join(", ");
  switch (rule.effect) {
    case "allow":
      return values === "" ? `${rule.member} is allowed` : `${rule.member} may be one of ${values}`;
    case "deny":
      return values === "" ? `${rule.member} is refused` : `${rule.member} is none of ${values}`;
    case "one_of":
      return `${rule.member} is one of ${values}`;
  }
}

function customerText(rule: { readonly mode: string; readonly unknown: string }): string {
  const named = { required: "every call names one", optional: "calls may name one", refused: "no call names one" };
  const mode = Object.hasOwn(named, rule.mode) ? named[rule.mode as keyof typeof named] : rule.mode;
  return rule.unknown === "refuse" && rule.mode !== "refused" ? `${mode} that is known` : mode;
}
