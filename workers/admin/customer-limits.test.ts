/** Limits of one customer by name: kept, shown, in every credential's document, and bounded in number. */
import { beforeAll, describe, expect, it, vi } from "vitest";
import { loadCredentialDocument } from "../../src/store/credential-documents.ts";
import { bindings, call, fieldsOf, newConnection, newCredential, textOf } from "./admin.fixture.ts";
import { otherOrganisation } from "./tenant.fixture.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const PATH = "/api/v1/customers";
const LIMITS = {
  rate: [{ requests: 5, per_seconds: 60, burst: 2 }],
  budgets: [{ unit: "requests", limit: 100, window: "day", anchor: null }],
};
let token = "";

beforeAll(async () => {
  expect((await newConnection({ id: "conn_limited" })).status).toBe(201);
  token = textOf(await newCredential("conn_limited"), "token");
});

async function document() {
  const lookupId = token.slice("rk_proxy_".length, "rk_proxy_".length + 16);
  const found = await loadCredentialDocument(bindings.CONTROL_DB, lookupId);
  if (found === null) throw new Error("The credential is missing");
  return found;
}

describe("a customer's own limits", () => {
  it("come back as they went in, and stand in every credential's document", async () => {
    const before = await document();
    expect(before.namedCustomers).toBeUndefined();
    const made = await call("POST", PATH, { body: { reference: "acme", limits: LIMITS } });
    expect(made.status, made.text).toBe(201);
    expect(made.json["limits"]).toEqual(LIMITS);
    const after = await document();
    expect(after.version).toBeGreaterThan(before.version);
    expect(after.namedCustomers).toEqual([
      {
        customer: "acme",
        limits: {
          rate: [{ requests: 5, perSeconds: 60, burst: 2 }],
          budgets: [{ unit: "requests", limit: 100, window: "day", anchorMs: null }],
        },
      },
    ]);
    const id = textOf(made, "id");
    const renamed = await call("PATCH", `${PATH}/${id}`, { body: { name: "Acme Ltd" } });
    expect(renamed.json["limits"]).toEqual(LIMITS);
    expect((await document()).version).toBe(after.version);
    const cleared = await call("PATCH", `${PATH}/${id}`, { body: { limits: null } });
    expect(cleared.json["limits"]).toEqual({ rate: [], budgets: [] });
    const last = await document();
    expect(last.namedCustomers).toBeUndefined();
    expect(last.version).toBeGreaterThan(after.version);
  });

  it("end with the customer", async () => {
    const made = await call("POST", PATH, { body: { reference: "gone", limits: LIMITS } });
    expect((await document()).namedCustomers?.map((each) => each.customer)).toEqual(["gone"]);
    expect((await call("DELETE", `${PATH}/${textOf(made, "id")}`)).status).toBe(204);
    expect((await document()).namedCustomers).toBeUndefined();
  });

  it("are refused where they are none, by the name of the field", async () => {
    const limits = { rate: [{ requests: 0, per_seconds: 60 }] };
    const refused = await call("POST", PATH, { body: { reference: "bad", limits } });
    expect(refused.status).toBe(422);
    expect(fieldsOf(refused)).toEqual(["limits.rate[0].requests"]);
    const nested = await call("POST", PATH, { body: { reference: "bad", limits: { per_customer: {} } } });
    expect(nested.status).toBe(422);
  });

  it("are those of the organisation alone", async () => {
    const key = await otherOrganisation("org_cccccccccccccccc");
    expect((await call("POST", PATH, { key, body: { reference: "foreign", limits: LIMITS } })).status).toBe(201);
    expect((await document()).namedCustomers).toBeUndefined();
  });

  it("are had by so many customers and no more", async () => {
    await bindings.CONTROL_DB.prepare(
      `WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 500)
       INSERT INTO customers (id, organisation_id, reference, name, labels_json, limits_json, created_by, created_at_ms, updated_at_ms)
       SELECT 'cust_many' || i, 'org_default', 'many' || i, 'many', '{}', '{"rate":[],"budgets":[]}', 'mk', 0, 0 FROM c`,
    ).run();
    const over = await call("POST", PATH, { body: { reference: "over", limits: LIMITS } });
    expect(over.status).toBe(409);
    expect(fieldsOf(over)).toEqual(["limits"]);
    expect((await call("POST", PATH, { body: { reference: "over" } })).status).toBe(201);
  });
});
