/// <reference types="@cloudflare/workers-types" />
/** A second organisation with an owner's key of its own, and one of everything in the first. */
import { parsePeppers, mintToken } from "../../src/domain/token.ts";
import type { Role } from "../../src/domain/token.ts";
import { controlDb, runBatch } from "../../src/store/control-db.ts";
import { organisations } from "../../src/store/control-schema.ts";
import { insertManagementKey } from "../../src/store/management-keys.ts";
import { bindings, call, newConnection, newCredential, textOf } from "./admin.fixture.ts";

/** Makes an organisation in the database, as sign-up would, and returns its key of that role. */
export async function otherOrganisation(id: string, role: Role = "owner"): Promise<string> {
  const db = controlDb(bindings.CONTROL_DB);
  const peppers = parsePeppers(bindings.RELAYKEY_PEPPERS);
  const [pepper] = peppers.ok ? peppers.value : [];
  if (pepper === undefined) throw new Error("No pepper in the test's bindings");
  const minted = mintToken(`rk_mgmt_${role}_`, (n) => crypto.getRandomValues(new Uint8Array(n)), pepper);
  await runBatch(db, [
    db
      .insert(organisations)
      .values({ id, name: id, plan: "unlimited", status: "active", createdAtMs: 1 })
      .onConflictDoNothing(),
    insertManagementKey(db, {
      id: `mk_${crypto.randomUUID().replaceAll("-", "").slice(0, 16)}`,
      organisationId: id,
      name: id,
      role,
      lookupId: minted.lookupId,
      tokenHash: minted.hash,
      pepperId: minted.pepperId,
      tokenLast4: "0000",
      previousLookupId: null,
      previousTokenHash: null,
      previousPepperId: null,
      previousExpiresAtMs: null,
      constraints: null,
      status: "active",
      expiresAtMs: null,
      lastUsedAtMs: null,
      createdBy: "test",
      createdAtMs: 1,
      updatedAtMs: 1,
      revokedAtMs: null,
    }),
  ]);
  return minted.token;
}

/**
 * Ids of one thing of each kind in the default organisation, by the names of the path parameters. With a path: of things
 * that nothing else hangs on, only those that it names.
 */
export async function oneOfEach(path?: string): Promise<Record<string, string>> {
  const connection = await newConnection();
  const connectionId = textOf(connection, "id");
  const upstream = connection.json["upstream_credentials"] as { id: string }[];
  const recipient = await call("POST", "/api/v1/recipients", { body: { name: "Kate" } });
  const policy = await call("POST", "/api/v1/policies", {
    body: { name: "Reading", allowed_methods: ["GET"], allowed_paths: ["/**"] },
  });
  const credential = await newCredential(connectionId, { recipient_id: textOf(recipient, "id") });
  const grants = credential.json["grants"] as { id: string }[];
  const reference = `c-${connectionId.slice(5)}`;
  const customer = await call("POST", "/api/v1/customers", { body: { reference } });
  const key = await call("POST", "/api/v1/management-keys", { body: { name: "auditor", role: "auditor" } });
  const constraints = { connections: ["conn_x"], allowed_methods: ["GET"], allowed_paths: ["/x"], max_ttl_seconds: 60 };
  const trust = {
    name: "CI",
    issuer: "https://ci.example.com",
    audience: "relaykey",
    claims: { sub: "x" },
    constraints,
  };
  const member = { email: `${reference}@example.com`, role: "auditor" };
  const credentialId = textOf(credential, "id");
  const lone: [string, string, object][] = [
    ["webhook_id", "/api/v1/webhooks", { url: "https://hooks.example.com" }],
    ["member_id", "/api/v1/members", member],
    ["organisation_id", "/api/v1/organisations", { name: "Tenant" }],
    ["export_id", "/api/v1/audit-exports", {}],
    ["trust_policy_id", "/api/v1/trust-policies", trust],
    ["share_id", `/api/v1/delegated-credentials/${credentialId}/share`, {}],
  ];
  const made: Record<string, string> = {};
  for (const [name, at, body] of lone) {
    if (path === undefined || path.includes(`:${name}`)) made[name] = textOf(await call("POST", at, { body }), "id");
  }
  return {
    ...made,
    connection_id: connectionId,
    other_connection_id: textOf(await newConnection(), "id"),
    upstream_credential_id: upstream[0]?.id ?? "",
    recipient_id: textOf(recipient, "id"),
    policy_id: textOf(policy, "id"),
    credential_id: credentialId,
    grant_id: grants[0]?.id ?? "",
    customer_id: textOf(customer, "id"),
    management_key_id: textOf(key, "id"),
    vendor_id: "stripe",
  };
}

/** A path with its parameters filled in; those that are not known get an id that nothing has. */
export function filled(path: string, ids: Readonly<Record<string, string>>): string {
  return path.replaceAll(/:([a-z_]+)/g, (_match, name: string) => ids[name] ?? "none_0000000000000000");
}
