/** The governance names below `/admin/`: the same handlers, reached with the governance API's own words and order of steps. */
import { describe, expect, it } from "vitest";
import { call, fieldsOf, newConnection, textOf } from "./admin.fixture.ts";
import { apiNames, apiQuery } from "./governance-names.ts";

describe("the governance API", () => {
  it("makes a key first and binds it afterwards, by its own names", async () => {
    const partner = textOf(await newConnection(), "id");
    const key = await call("POST", "/admin/virtual-keys", { body: { name: "shared" } });
    expect(key.status).toBe(201);
    expect(textOf(key, "token")).toMatch(/^vk_/);
    expect(key.json["grants"]).toEqual([]);
    const rule = { allowed_methods: ["GET"], allowed_paths: ["/v1/*"] };
    const body = { virtual_key_id: textOf(key, "id"), partner_id: partner, ...rule };
    const binding = await call("POST", "/admin/bindings", { body });
    expect(binding.status).toBe(201);
    expect(binding.json).toMatchObject({ connection_id: partner, credential_id: body.virtual_key_id });
    const listed = await call("GET", `/admin/bindings?virtual_key_id=${body.virtual_key_id}`);
    expect(listed.json["data"]).toHaveLength(1);
  });

  it("takes a partner's name inside grants as well", async () => {
    const partner = textOf(await newConnection(), "id");
    const grants = [{ partner_id: partner, allowed_methods: ["GET"], allowed_paths: ["/v1/*"] }];
    const key = await call("POST", "/admin/virtual-keys", { body: { name: "shared", grants } });
    expect(key.status).toBe(201);
    expect(key.json["grants"]).toMatchObject([{ connection_id: partner }]);
  });

  it("refuses half a grant, and the governance names elsewhere", async () => {
    const half = await call("POST", "/admin/virtual-keys", { body: { name: "shared", allowed_methods: ["GET"] } });
    expect(half.status).toBe(422);
    expect(fieldsOf(half)).toContain("connection_id");
    const elsewhere = await call("POST", "/api/v1/delegated-credentials", {
      body: { name: "x", partner_id: "conn_x" },
    });
    expect(elsewhere.status).toBe(422);
    expect(fieldsOf(elsewhere)).toContain("partner_id");
    const unbound = await call("POST", "/api/v1/delegated-credentials", { body: { name: "x" } });
    expect(fieldsOf(unbound)).toContain("connection_id");
  });
});

describe("apiNames", () => {
  it("never overwrites, so that two values for one member are refused", () => {
    expect(apiNames({ partner_id: "a", connection_id: "b" })).toEqual({ partner_id: "a", connection_id: "b" });
    expect(apiQuery(new URLSearchParams("partner_id=a&connection_id=b")).toString()).toBe(
      "partner_id=a&connection_id=b",
    );
  });

  it("leaves what is no object as it came, and makes no prototype out of a member", () => {
    for (const body of [null, 1, "x", [{ partner_id: "a" }]]) expect(apiNames(body)).toEqual(body);
    const renamed = apiNames(JSON.parse('{"__proto__":{"polluted":true},"partner_id":"a"}'));
    expect(Object.hasOwn(renamed as object, "__proto__")).toBe(true);
    expect((renamed as { polluted?: boolean }).polluted).toBeUndefined();
  });
});

describe("short forms of creation", () => {
  it("reviews the very body that issues", async () => {
    const connection = textOf(await newConnection(), "id");
    const body = {
      connection_id: connection,
      name: "run",
      allowed_methods: ["GET"],
      allowed_paths: ["/v1/*"],
      ttl_seconds: 900,
      labels: { team: "a" },
      acknowledge_findings: ["trust:open"],
    };
    const reviewed = await call("POST", "/api/v1/scope-reviews", { body });
    expect(reviewed.status).toBe(200);
    const issued = await call("POST", "/api/v1/delegated-credentials", { body });
    expect(issued.status).toBe(201);
    expect(reviewed.json["findings"]).toEqual((issued.json["review"] as { findings: unknown }).findings);
  });

  it("names a customer in calls by its name, where that can stand in a header", async () => {
    const named = await call("POST", "/api/v1/customers", { body: { name: "acme-1" } });
    expect(named.json).toMatchObject({ reference: "acme-1", name: "acme-1" });
    for (const body of [{ name: "Acme, Inc." }, {}]) {
      const refused = await call("POST", "/api/v1/customers", { body });
      expect(refused.status).toBe(422);
      expect(fieldsOf(refused)).toEqual(["reference"]);
    }
    const both = await call("POST", "/api/v1/customers", { body: { reference: "acme-2", name: "Acme, Inc." } });
    expect(both.json).toMatchObject({ reference: "acme-2", name: "Acme, Inc." });
  });

  it("prices every call of a connection where no method and path is named", async () => {
    const priced = await newConnection({ prices: [{ kind: "fixed", usd_micros: 400 }] });
    expect(priced.status, priced.text).toBe(201);
    expect(priced.json["prices"]).toEqual([{ kind: "fixed", methods: [], paths: [], usd_micros: 400 }]);
  });

  it("names a webhook by its host and a member by the address", async () => {
    const webhook = await call("POST", "/api/v1/webhooks", { body: { url: "https://hooks.example.com/a" } });
    expect(webhook.json).toMatchObject({ name: "hooks.example.com", events: ["*"] });
    const member = await call("POST", "/api/v1/members", { body: { email: "Kim@example.com", role: "auditor" } });
    expect(member.json).toMatchObject({ name: "kim@example.com" });
  });
});
