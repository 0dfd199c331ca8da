/** A small company on a running stack, made over the API as anyone would: for the dashboard's tests and pictures. */
import { member, text, type ApiClient, type Json } from "../harness/api-client.ts";
import type { Stack } from "../harness/stack.ts";

export interface World {
  readonly connectionId: string;
  readonly recipientId: string;
  readonly credentialId: string;
  readonly token: string;
  readonly policyId: string;
  readonly webhookId: string;
  /** Keys by role. */
  readonly keys: Readonly<Record<"admin" | "auditor" | "provisioner", string>>;
}

/** Text that would do harm if it were markup, or hide what stands beside it. */
export const HOSTILE_NAME = `<img src=x onerror="document.title='owned'"> & "quotes"`;
export const HOSTILE_AGENT = `<script>document.title='owned'</script>`;

async function made(api: ApiClient, path: string, body: unknown): Promise<Json> {
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
  await made(api, "/recipients", { name: "Research agent", email: "agents@example.com", kind: "agent" });
  const policy = await made(api, "/policies", {
    name: "Read contacts",
    allowed_methods: ["GET"],
    allowed_paths: ["/contacts", "/contacts/*"],
    limits: {
      rate: [{ requests: 120, per_seconds: 60 }],
      budgets: [{ unit: "usd_micros", limit: 25_000_000, window: "month" }],
    },
  });
  await made(api, "/customers", { reference: "acme", name: "Acme Ltd" });
  await made(api, "/members", { email: "olga@example.com", name: "Olga Owner", role: "owner" });
  const webhook = await made(api, "/webhooks", {
    name: "Alerts",
    url: `${demo}/echo`,
    events: ["credential.revoked", "breaker.open"],
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
    webhookId: id(webhook),
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
  await api.proxy("GET", `/${world.connectionId}/contacts`, "rk_proxy_nonsense");
  await api.events(world.credentialId, rounds * 4);
}
