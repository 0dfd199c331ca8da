/** What saving a credential sends: only what was changed, and nothing that the form does not know is lost. */
import { describe, expect, it } from "vitest";
import type { Credential } from "../../src/contract/credential.ts";
import { CredentialPatch, CredentialCreate } from "../../src/contract/credential.ts";
import type { GrantOwn } from "../../src/contract/policy.ts";
import {
  changeBody,
  createBody,
  credentialDraft,
  reviewBody,
} from "../../workers/admin/dashboard/screens/issue-model.ts";
import { labelDraft } from "../../workers/admin/dashboard/screens/labels-draft.ts";
import { budgetDraft, rateDraft } from "../../workers/admin/dashboard/screens/limits-draft.ts";
import { grant } from "./grant.fixture.ts";

const NO_LIMITS = { rate: [], budgets: [], per_customer: null };
/** Every member that a grant may state. */
const OWN: GrantOwn = {
  rules: [{ methods: ["GET"], paths: ["/v1/people/*"] }],
  deny_query_params: ["expand"],
  allow_query_params: ["limit"],
  body_rules: [{ member: "plan", effect: "one_of", values: ["free"] }],
  max_body_bytes: 2_000,
  graphql: { operations: ["query"], fields: null },
  json_rpc: { methods: ["tools/call"], tools: null },
  models: ["small-*"],
  allow_headers: ["stripe-account"],
  remove_response_members: ["data[].email"],
  limits: { rate: [{ requests: 1, per_seconds: 7, burst: 1 }], budgets: [], per_customer: null },
  customers: { mode: "required", unknown: "refuse" },
  price: { provider: "credits", default_usd_micros: 5, account: "recipient" },
};

const PLAIN = grant({ own: { rules: [{ methods: ["GET"], paths: ["/v1/people"] }] } });
const REFINED = grant({
  connection_id: "conn_b",
  policy_id: "pol_0123456789abcdef",
  policy_version: 3,
  environment: "production",
  own: OWN,
});

function credential(part: Partial<Credential> = {}): Credential {
  return {
    id: "dcred_0123456789abcdef",
    name: "run",
    kind: "delegated",
    status: "active",
    recipient_id: "rcpt_0123456789abcdef",
    environment: "production",
    labels: { team: "payments" },
    grants: [PLAIN, REFINED],
    limits: {
      rate: [
        { requests: 60, per_seconds: 60, burst: 5 },
        { requests: 1_000, per_seconds: 3_600, burst: null },
      ],
      budgets: [
        { unit: "usd_micros", limit: 2_500_000, window: "month", anchor: "2026-01-15T00:00:00.000Z" },
        { unit: "requests", limit: 10_000, window: "day", anchor: null },
      ],
      per_customer: { rate: [{ requests: 3, per_seconds: 1, burst: null }], budgets: [] },
    },
    trust: { mode: "fixed", addresses: ["203.0.113.0/24"], allow_workers: ["198.51.100.4/32"] },
    token_last4: "abcd",
    acknowledged_findings: ["wide"],
    expires_at: "2027-01-01T00:00:00.000Z",
    previous_token_expires_at: null,
    created_by: "mk_0123456789abcdef",
    created_at: "2026-01-01T00:00:00.000Z",
    updated_at: "2026-01-01T00:00:00.000Z",
    rotated_at: null,
    revoked_at: null,
    ...part,
  };
}

describe("saving a credential", () => {
  it("sends nothing when nothing was changed", () => {
    expect(changeBody(credentialDraft(credential()), credential())).toEqual({});
  });

  it("sends the one member that was changed", () => {
    const draft = credentialDraft(credential());
    draft.name.value = "renamed";
    expect(changeBody(draft, credential())).toEqual({ name: "renamed" });
    draft.name.value = "run";
    draft.labels.value = [...draft.labels.value, labelDraft("tier", "gold")];
    expect(changeBody(draft, credential())).toEqual({ labels: { team: "payments", tier: "gold" } });
  });

  it("adds what was accepted of the review to what was accepted before", () => {
    const draft = credentialDraft(credential());
    draft.acknowledged.value = [...draft.acknowledged.value, "lifetime:never"];
    expect(changeBody(draft, credential())).toEqual({ acknowledge_findings: ["wide", "lifetime:never"] });
    expect(reviewBody(draft)).toMatchObject({
      acknowledge_findings: ["wide", "lifetime:never"],
      expires_at: "2027-01-01T00:00:00.000Z",
    });
  });

  it("keeps every rate, budget, burst, anchor and limit per customer", () => {
    const draft = credentialDraft(credential());
    draft.limits.rates.value = [...draft.limits.rates.value, rateDraft({ requests: 2, per_seconds: 1, burst: null })];
    const limits = credential().limits;
    expect(changeBody(draft, credential())).toEqual({
      limits: { ...limits, rate: [...(limits.rate ?? []), { requests: 2, per_seconds: 1, burst: null }] },
    });
  });

  it("takes limits away that were removed, and leaves out rows that say nothing", () => {
    const draft = credentialDraft(credential());
    draft.limits.rates.value = [rateDraft()];
    draft.limits.budgets.value = [budgetDraft()];
    draft.limits.perCustomer.rates.value = [];
    expect(changeBody(draft, credential())).toEqual({ limits: NO_LIMITS });
  });

  it("writes dollars as millionths, with decimals", () => {
    const draft = credentialDraft(null, "conn_a");
    const budget = budgetDraft();
    budget.unit.value = "usd_micros";
    budget.amount.value = "0.29";
    budget.window.value = "day";
    draft.limits.budgets.value = [budget];
    expect(createBody(draft)["limits"]).toEqual({
      ...NO_LIMITS,
      budgets: [{ unit: "usd_micros", limit: 290_000, window: "day", anchor: null }],
    });
  });

  it("sends addresses back with the mode, and null for what is usual", () => {
    const draft = credentialDraft(credential());
    draft.trust.value = "first_use";
    expect(changeBody(draft, credential())).toEqual({
      trust: { mode: "first_use", addresses: ["203.0.113.0/24"], allow_workers: ["198.51.100.4/32"] },
    });
    draft.trust.value = "default";
    expect(changeBody(draft, credential())).toEqual({ trust: null });
  });
});

describe("saving a grant that follows a policy", () => {
  it("sends back all that it states beside the policy when another grant is changed", () => {
    const draft = credentialDraft(credential());
    const [plain] = draft.grants.value;
    if (plain !== undefined) plain.scope.rules.value[0]!.paths.value = "/v1/people/*";
    const body = changeBody(draft, credential());
    expect(Object.keys(body)).toEqual(["grants"]);
    expect(body["grants"]).toEqual([
      { connection_id: "conn_a", rules: [{ methods: ["GET"], paths: ["/v1/people/*"] }] },
      { connection_id: "conn_b", policy_id: "pol_0123456789abcdef", environment: "production", ...OWN },
    ]);
    expect(CredentialPatch.safeParse(body).error).toBeUndefined();
  });

  it("keeps them under another policy too, and drops them only when told to", () => {
    const draft = credentialDraft(credential({ grants: [REFINED] }));
    const [only] = draft.grants.value;
    if (only === undefined) throw new Error("The grant is missing");
    only.policyId.value = "pol_fedcba9876543210";
    const base = { connection_id: "conn_b", policy_id: "pol_fedcba9876543210", environment: "production" };
    expect(changeBody(draft, credential({ grants: [REFINED] }))["grants"]).toEqual([{ ...base, ...OWN }]);
    only.keepsOwn.value = false;
    expect(changeBody(draft, credential({ grants: [REFINED] }))["grants"]).toEqual([base]);
  });

  it("takes the policy's limits and customers along when it leaves the policy", () => {
    const followed = grant({
      policy_id: "pol_0123456789abcdef",
      limits: { ...NO_LIMITS, rate: [{ requests: 9, per_seconds: 1, burst: null }] },
      customers: { mode: "required", unknown: "refuse" },
      max_body_bytes: 50,
    });
    const draft = credentialDraft(credential({ grants: [followed] }));
    draft.grants.value[0]!.policyId.value = "";
    expect(changeBody(draft, credential({ grants: [followed] }))["grants"]).toEqual([
      {
        connection_id: "conn_a",
        rules: [{ methods: ["GET"], paths: ["/v1/people"] }],
        max_body_bytes: 50,
        limits: followed.limits,
        customers: followed.customers,
      },
    ]);
  });

  it("does not allow every model where none was allowed", () => {
    const none = grant({ models: [], own: { rules: [{ methods: ["GET"], paths: ["/v1/people"] }], models: [] } });
    const draft = credentialDraft(credential({ grants: [none] }));
    draft.grants.value[0]!.scope.rules.value[0]!.paths.value = "/v1/*";
    expect(changeBody(draft, credential({ grants: [none] }))["grants"]).toMatchObject([{ models: [] }]);
  });

  it("lets the policy's scope stand in place of its own, and keeps its limits", () => {
    const own = grant({ own: OWN, limits: OWN.limits ?? {} });
    const draft = credentialDraft(credential({ grants: [own] }));
    draft.grants.value[0]!.policyId.value = "pol_0123456789abcdef";
    expect(changeBody(draft, credential({ grants: [own] }))["grants"]).toEqual([
      {
        connection_id: "conn_a",
        policy_id: "pol_0123456789abcdef",
        limits: OWN.limits,
        customers: OWN.customers,
        price: OWN.price,
      },
    ]);
  });
});

describe("issuing a credential", () => {
  it("is reviewed only when it is complete, and is a request that is understood", () => {
    const draft = credentialDraft(null, "conn_a", "rcpt_0123456789abcdef");
    expect(reviewBody(draft)).toBeNull();
    draft.grants.value[0]!.scope.rules.value[0]!.paths.value = "/v1/people\n/v1/people/*";
    draft.name.value = " first ";
    expect(reviewBody(draft)).not.toBeNull();
    const body = createBody(draft);
    expect(body).toMatchObject({ name: "first", recipient_id: "rcpt_0123456789abcdef", ttl_seconds: 604_800 });
    expect(Object.keys(body)).not.toContain("trust");
    expect(Object.keys(body)).not.toContain("environment");
    expect(CredentialCreate.safeParse(body).error).toBeUndefined();
  });
});
