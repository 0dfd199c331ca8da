/** More of the small company: labels, limits of every kind, customers, and enough calls that budgets are seen to be used. */
import { member, text, type ApiClient, type Json } from "../harness/api-client.ts";
import type { World } from "./world.ts";

export interface BusyWorld {
  readonly customerId: string;
  /** A virtual key that many customers share, with several limits. */
  readonly storefrontId: string;
  readonly storefrontToken: string;
  /** Follows a policy and states more beside it. */
  readonly refinedId: string;
  /** Its daily budget is used up. */
  readonly spentId: string;
}

const CUSTOMERS = ["acme", "globex", "initech"] as const;

async function done(api: ApiClient, method: string, path: string, body: unknown): Promise<Json> {
  const answer = await api.admin(method, `/api/v1${path}`, body);
  if (answer.status >= 300) throw new Error(`${method} ${path} answered ${answer.status}: ${answer.text}`);
  return answer.body;
}

export async function buildBusyWorld(api: ApiClient, world: World): Promise<BusyWorld> {
  await done(api, "PATCH", `/recipients/${world.recipientId}`, {
    labels: { team: "sales", region: "emea" },
    limits: {
      rate: [{ requests: 600, per_seconds: 60 }],
      budgets: [{ unit: "requests", limit: 400, window: "month" }],
    },
  });
  await done(api, "PATCH", `/connections/${world.connectionId}`, {
    limits: {
      budgets: [{ unit: "usd_micros", limit: 2_000_000, window: "month" }],
      per_customer: {
        rate: [{ requests: 300, per_seconds: 60 }],
        budgets: [{ unit: "requests", limit: 100, window: "day" }],
      },
    },
  });
  const customer = await done(api, "POST", "/customers", {
    reference: "globex",
    name: "Globex Corporation",
    labels: { plan: "enterprise" },
  });
  await done(api, "POST", "/customers", { reference: "initech", name: "Initech", labels: { plan: "free" } });
  const storefront = await done(api, "POST", "/delegated-credentials", {
    name: "storefront",
    kind: "virtual",
    labels: { team: "shop", tier: "gold" },
    connection_id: world.connectionId,
    allowed_methods: ["GET"],
    allowed_paths: ["/contacts", "/contacts/*"],
    limits: {
      rate: [
        { requests: 200, per_seconds: 10, burst: 150 },
        { requests: 5_000, per_seconds: 3_600 },
      ],
      budgets: [
        { unit: "requests", limit: 120, window: "day" },
        { unit: "usd_micros", limit: 250_000, window: "month" },
      ],
    },
  });
  const refined = await done(api, "POST", "/delegated-credentials", {
    name: "contacts-without-mail",
    recipient_id: world.recipientId,
    labels: { team: "sales" },
    grants: [
      {
        connection_id: world.connectionId,
        policy_id: world.policyId,
        deny_query_params: ["expand"],
        remove_response_members: ["data[].email"],
        max_body_bytes: 2_000,
        limits: { rate: [{ requests: 7, per_seconds: 1 }] },
      },
    ],
    ttl_seconds: 30 * 86_400,
  });
  const spent = await done(api, "POST", "/delegated-credentials", {
    name: "nightly-sync",
    kind: "virtual",
    connection_id: world.connectionId,
    allowed_methods: ["GET"],
    allowed_paths: ["/contacts"],
    limits: { budgets: [{ unit: "requests", limit: 10, window: "day" }] },
  });
  await callAll(api, world, text(member(storefront, "token")), text(member(spent, "token")));
  return {
    customerId: text(member(customer, "id")),
    storefrontId: text(member(storefront, "id")),
    storefrontToken: text(member(storefront, "token")),
    refinedId: text(member(refined, "id")),
    spentId: text(member(spent, "id")),
  };
}

/** A hundred calls for three customers, and a dozen by a credential that may make ten. */
async function callAll(api: ApiClient, world: World, storefront: string, spent: string): Promise<void> {
  for (let i = 0; i < 99; i += 1) {
    const customer = CUSTOMERS[i % 10 < 6 ? 0 : (i % 3) % CUSTOMERS.length] ?? "acme";
    await api.proxy("GET", `/${world.connectionId}/contacts${i % 2 === 0 ? "" : `/${i}`}`, storefront, {
      headers: { "x-relaykey-customer": customer, "user-agent": "shop/3.2" },
    });
  }
  for (let i = 0; i < 12; i += 1) await api.proxy("GET", `/${world.connectionId}/contacts`, spent);
}
