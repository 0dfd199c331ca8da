import { describe, expect, it } from "vitest";
import { FAKE_SECRET, bindings, call, newConnection, textOf } from "./admin.fixture.ts";
import { loadCredentialDocument } from "../../src/store/credential-documents.ts";
import { parsePeppers, parseToken, verifyTokenHash } from "../../src/domain/token.ts";

describe("the main job", () => {
  it("takes a master key, gives a scoped token once, and compiles its document", async () => {
    const connection = await newConnection({ id: "conn_slice" });
    expect(connection.status, connection.text).toBe(201);
    expect(connection.json).toMatchObject({ id: "conn_slice", status: "active", auth: { scheme: "bearer" } });
    expect(connection.json["upstream_credentials"]).toMatchObject([{ last4: "9876", status: "active" }]);
    expect(connection.text).not.toContain(FAKE_SECRET);

    const recipient = await call("POST", "/api/v1/recipients", {
      body: { name: "Kate", email: "kate@example.com", kind: "person" },
    });
    expect(recipient.status, recipient.text).toBe(201);
    const issued = await call("POST", "/api/v1/delegated-credentials", {
      body: {
        connection_id: "conn_slice",
        recipient_id: recipient.json["id"],
        name: "agent-run-2026-05-01",
        allowed_methods: ["GET"],
        allowed_paths: ["/crm/v3/objects/contacts/*"],
        deny_query_params: ["expand"],
        ttl_seconds: 900,
      },
    });
    expect(issued.status, issued.text).toBe(201);
    expect(textOf(issued, "token")).toMatch(/^rk_proxy_/);
    expect(issued.json["prompt"]).not.toContain(textOf(issued, "token"));
    expect(issued.json["review"]).toMatchObject({ risk: "low" });

    const peppers = parsePeppers(bindings.RELAYKEY_PEPPERS);
    if (!peppers.ok) throw new Error(peppers.error);
    const parsed = parseToken(textOf(issued, "token"), peppers.value);
    const document = await loadCredentialDocument(bindings.CONTROL_DB, parsed?.lookupId ?? "");
    expect(document).toMatchObject({
      id: issued.json["id"],
      version: 1,
      status: "active",
      trust: { mode: "first_use" },
      recipient: { name: "Kate", email: "kate@example.com" },
      grants: [
        {
          connection: { id: "conn_slice", baseUrl: "https://api.vendor.example", auth: { scheme: "bearer" } },
          scope: {
            rules: [{ methods: ["GET"], paths: ["/crm/v3/objects/contacts/*"] }],
            denyQueryParams: ["expand"],
          },
        },
      ],
    });
    expect(verifyTokenHash(textOf(issued, "token"), document?.tokenHashes ?? [], peppers.value)).toBe(true);

    const revoked = await call("POST", `/api/v1/delegated-credentials/${textOf(issued, "id")}/revoke`);
    expect(revoked.status, revoked.text).toBe(200);
    expect(revoked.json["status"]).toBe("revoked");
    const after = await loadCredentialDocument(bindings.CONTROL_DB, parsed?.lookupId ?? "");
    expect(after).toMatchObject({ status: "revoked", version: 2 });
  });
});
