/** A grant as the API tells of it, for the tests of what is said of grants and sent for them. */
import type { Grant } from "../../src/contract/policy.ts";

/** Reads people and is restricted in no other way. */
export function grant(part: Partial<Grant> = {}): Grant {
  return {
    id: "grant_0123456789abcdef",
    connection_id: "conn_a",
    policy_id: null,
    policy_version: null,
    environment: null,
    rules: [{ methods: ["GET"], paths: ["/v1/people"] }],
    deny_query_params: [],
    allow_query_params: null,
    body_rules: [],
    max_body_bytes: null,
    graphql: null,
    json_rpc: null,
    models: null,
    allow_headers: [],
    remove_response_members: [],
    limits: { rate: [], budgets: [], per_customer: null },
    customers: null,
    price: null,
    own: {},
    ...part,
  };
}
