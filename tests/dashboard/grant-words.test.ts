/** What is said of a grant beyond its rules: everything that narrows it, and nothing of what does not. */
import { describe, expect, it } from "vitest";
import { grantWords } from "../../workers/admin/dashboard/screens/grant-words.ts";
import { grant } from "./grant.fixture.ts";

const OPEN = grant();

describe("a grant in words", () => {
  it("says nothing of what is not restricted", () => {
    expect(grantWords(OPEN)).toEqual([]);
  });

  it("says each restriction", () => {
    const said = grantWords({
      ...OPEN,
      deny_query_params: ["expand", "include"],
      allow_query_params: [],
      body_rules: [
        { member: "plan", effect: "one_of", values: ["free", 1, null] },
        { member: "price", effect: "deny" },
        { member: "tier", effect: "deny", values: ["gold"] },
        { member: "note", effect: "allow", values: [] },
      ],
      max_body_bytes: 2_000,
      graphql: { operations: ["query"], fields: ["viewer"] },
      json_rpc: { methods: null, tools: [] },
      models: [],
      allow_headers: ["stripe-account"],
      remove_response_members: ["data[].email"],
      customers: { mode: "required", unknown: "refuse" },
      price: { provider: "credits", default_usd_micros: 1_500 },
    });
    expect(said).toEqual([
      ["Refused query parameters", "expand, include"],
      ["Only these query parameters", "none"],
      ["Models", "none"],
      ["Removed from answers", "data[].email"],
      ["Account headers it may set", "stripe-account"],
      ["Bodies up to", "2.0 kB"],
      ["In the body", 'plan is one of "free", 1, null; price is refused; tier is none of "gold"; note is allowed'],
      ["GraphQL", "query; fields viewer"],
      ["JSON-RPC", "tools none"],
      ["Customers", "every call names one that is known"],
      ["Price", "$0.0015 a call, credits"],
    ]);
  });
});
