/** What a grant shows of its own part can be sent back as it is: nothing is lost, nothing of its policy is added. */
import { describe, expect, it } from "vitest";
import { BindingPatch, GrantOwn, fromStatedSettings, toGrantSettings } from "./policy.ts";

const FULL = {
  rules: [{ methods: ["GET"], paths: ["/v1/people", "/v1/people/*"] }],
  deny_query_params: ["expand"],
  allow_query_params: ["limit"],
  body_rules: [{ member: "metadata.plan", effect: "one_of", values: ["free", 1, true, null] }],
  max_body_bytes: 2_000,
  graphql: { operations: ["query"], fields: ["viewer"] },
  json_rpc: { methods: ["tools/call"], tools: null },
  models: ["small-*"],
  allow_headers: ["stripe-account"],
  remove_response_members: ["data[].email"],
  limits: {
    rate: [{ requests: 10, per_seconds: 60, burst: 2 }],
    budgets: [{ unit: "usd_micros", limit: 5, window: "month", anchor: "2026-01-15T00:00:00.000Z" }],
    per_customer: { rate: [], budgets: [{ unit: "requests", limit: 3, window: "day", anchor: null }] },
  },
  customers: { mode: "required", unknown: "refuse" },
};

describe("a grant's own part", () => {
  it("comes back as it went in, member by member", () => {
    expect(fromStatedSettings(toGrantSettings(GrantOwn.parse(FULL)))).toEqual(FULL);
    for (const [name, value] of Object.entries(FULL)) {
      const own = fromStatedSettings(toGrantSettings(GrantOwn.parse({ [name]: value })));
      expect(own, name).toEqual({ [name]: value });
    }
  });

  it("holds nothing that was not stated, and what was stated as nothing", () => {
    expect(fromStatedSettings(toGrantSettings(GrantOwn.parse({})))).toEqual({});
    const none = { allow_query_params: null, graphql: null, json_rpc: null, models: null, max_body_bytes: null };
    expect(fromStatedSettings(toGrantSettings(GrantOwn.parse(none)))).toEqual(none);
  });

  it("compares no numbers that doubles do not tell apart", () => {
    const withValue = (value: number) => ({ body_rules: [{ member: "id", effect: "one_of", values: [value] }] });
    for (const value of [0.1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]) {
      expect(BindingPatch.safeParse(withValue(value)).success).toBe(true);
    }
    const refused = BindingPatch.safeParse(withValue(Number.MAX_SAFE_INTEGER + 1));
    expect(refused.error?.issues[0]).toMatchObject({ path: ["body_rules", 0, "values", 0] });
  });

  it("is a request that is understood", () => {
    const own = fromStatedSettings(toGrantSettings(GrantOwn.parse(FULL)));
    expect(BindingPatch.safeParse(own).success).toBe(true);
  });
});
