/** A small company on a running stack, made over the API as anyone would: for the dashboard's tests and pictures. */
import { member, text, type ApiClient, type Json } from "../harness/api-client.ts";
import type { Stack } from "../harness/stack.ts";

export interface World {
  readonly connectionId: string;
  readonly recipientId: string;
  readonly credentialId: string;
  readonly token: string;
  readonly policyId: string;
  /** Asks for credits, and offers a token to those who have none. */
  readonly pricedPolicyId: string;
  /** Of a recipient with credits, under the policy with a price. */
  readonly payingToken: string;
  readonly payingCredentialId: string;
  readonly payingRecipientId: string;
  readonly webhookId: string;
  readonly trustPolicyId: string;
  /** Keys by role. */
  readonly keys: Readonly<Record<"admin" | "auditor" | "provisioner", string>>;
}

const BASE_SEPOLIA_USDC = {
  network: "eip155:84532",
  asset: "0x036CbD53842c5426634e7929541eC2318f3dCF7e",
  decimals: 6,
  name: "USDC",
  version: "2",
};

/** Text that would do harm if it were markup, or hide what stands beside it. */
export const HOSTILE_NAME = `<img src=x onerror="document.title='owned'"> & "quotes"`;
export const HOSTILE_AGENT = `<script>document.title='owned'</script>`;

/** What a POST below `/api/v1` made; any answer but 201 throws. */
export async function made(api: ApiClient, path: string, body: unknown): Promise<Json> {
  const answer = await api.admin("POST", `/api/v1${path}`, body);
  if (answer.status !== 201) throw new Error(`${path} answered ${answer.status}: ${answer.text}`);
  return answer.body;
}

export async function buildWorld(stack: Stack, api: ApiClient): Promise<World> {
  const demo = `http://127.0.0.1:${stack.demoPort}`;
  const id = (body: Json): string => text(member(body, "id"));
  const fake = (name: string): string => `not-a-real-key-of-${name}-${"0".repeat(12)}`;
  await made(api, "/connections", {
    name: "HubSpot",
    vendor: "hubspot",
    environment: "production",
    secret: fake("hubspot"),
  });
  await made(api, "/connections", { name: "OpenAI", vendor: "openai", secret: fake("openai") });
  const paused = await made(api, "/connections", {
    name: HOSTILE_NAME,
    base_url: `${demo}/v2`,
    auth: { scheme: "bearer" },
  });
  await api.admin("POST", `/api/v1/connections/${id(paused)}/pause`, {});
  await api.admin("PATCH", "/api/v1/connections/conn_demo", {
    quota: { requests: 600, per_seconds: 60, max_share: 0.8 },
    prices: [{ kind: "fixed", methods: ["GET"], paths: ["/contacts", "/contacts/*"], usd_micros: 1_200 }],
  });
  const kate = await made(api, "/recipients", { name: "Kate Moss", email: "kate@example.com", kind: "person" });
  await made(api, "/recipients", { name: "Nightly import", kind: "service", environment: "production" });
  const research = await made(api, "/recipients", {
    name: "Research agent",
    email: "agents@example.com",
    kind: "agent",
  });
  const policy = await made(api, "/policies", {
    name: "Read contacts",
    allowed_methods: ["GET"],
    allowed_paths: ["/contacts", "/contacts/*"],
    limits: {
      rate: [{ requests: 120, per_seconds: 60 }],
      budgets: [{ unit: "usd_micros", limit: 25_000_000, window: "month" }],
    },
  });
  const resold = await made(api, "/policies", {
    name: "Resold search",
    allowed_methods: ["GET"],
    allowed_paths: ["/contacts", "/contacts/*"],
    price: {
      provider: "credits",
      account: "recipient",
      default_usd_micros: 2_500,
      prices: [{ methods: ["GET"], paths: ["/contacts"], usd_micros: 12_500 }],
      accepts: [{ ...BASE_SEPOLIA_USDC, pay_to: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C" }],
      facilitator_url: "https://facilitator.example.com/",
    },
  });
  await made(api, `/recipients/${id(research)}/credits/top-ups`, { usd_micros: 25_000_000, note: "Invoice 7" });
  await made(api, `/recipients/${id(research)}/credits/adjustments`, { usd_micros: -1_500_000, note: "Billed twice" });
  await made(api, "/customers", { reference: "acme", name: "Acme Ltd" });
  await made(api, "/members", { email: "olga@example.com", name: "Olga Owner", role: "owner" });
  const webhook = await made(api, "/webhooks", {
    name: "Alerts",
    url: `${demo}/echo`,
    events: ["credential.revoked", "breaker.open"],
  });
  const trust = await made(api, "/trust-policies", {
    name: "Deploy job",
    issuer: "https://token.actions.githubusercontent.com",
    audience: "relaykey",
    claims: { repository_id: "74", environment: ["production", "staging"] },
    constraints: {
      connections: ["conn_demo"],
      allowed_methods: ["GET"],
      allowed_paths: ["/contacts/*"],
      max_ttl_seconds: 900,
    },
  });
  const key = async (name: string, role: string, more: object = {}): Promise<string> =>
    text(member(await made(api, "/management-keys", { name, role, ...more }), "key"));
  const keys = {
    admin: await key("Platform team", "admin"),
    auditor: await key("Auditors", "auditor"),
    provisioner: await key("Agent runner", "provisioner", {
      constraints: {
        connections: ["conn_demo"],
        allowed_methods: ["GET"],
        allowed_paths: ["/contacts/*"],
        max_ttl_seconds: 3_600,
        max_active: 20,
      },
    }),
  };
  const credential = await made(api, "/delegated-credentials", {
    name: "kate-reads-contacts",
    recipient_id: id(kate),
    grants: [{ connection_id: "conn_demo", policy_id: id(policy) }],
    ttl_seconds: 30 * 86_400,
  });
  const paying = await made(api, "/delegated-credentials", {
    name: "research-buys-search",
    recipient_id: id(research),
    grants: [{ connection_id: "conn_demo", policy_id: id(resold) }],
    ttl_seconds: 30 * 86_400,
  });
  await made(api, "/delegated-credentials", {
    name: "checkout-service",
    kind: "virtual",
    connection_id: "conn_demo",
    allowed_methods: ["GET", "POST"],
    allowed_paths: ["/contacts/*", "/echo"],
    limits: { budgets: [{ unit: "requests", limit: 10_000, window: "day" }] },
  });
  return {
    connectionId: "conn_demo",
    recipientId: id(kate),
    credentialId: id(credential),
    token: text(member(credential, "token")),
    policyId: id(policy),
    pricedPolicyId: id(resold),
    payingToken: text(member(paying, "token")),
    payingCredentialId: id(paying),
    payingRecipientId: id(research),
    webhookId: id(webhook),
    trustPolicyId: id(trust),
    keys,
  };
}

/** Calls of every kind, so that the log has something to show. */
export async function makeCalls(api: ApiClient, world: World, rounds: number): Promise<void> {
  const call = (method: string, path: string, headers: Record<string, string> = {}) =>
    api.proxy(method, `/${world.connectionId}${path}`, world.token, {
      headers: { "user-agent": "agent/1.0", ...headers },
    });
  for (let i = 0; i < rounds; i += 1) {
    await call("GET", "/contacts");
    await call("GET", `/contacts/${i + 1}`);
    await call("DELETE", `/contacts/${i + 1}`);
    await call("GET", "/admin/users", { "user-agent": HOSTILE_AGENT });
  }
  for (const path of ["/contacts", "/contacts/1", "/contacts/2"]) {
    await api.proxy("GET", `/${world.connectionId}${path}`, world.payingToken);
  }
  await api.proxy("GET", `/${world.connectionId}/contacts`, "rk_proxy_nonsense");
  await api.events(world.credentialId, rounds * 4);
}
