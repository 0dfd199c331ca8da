/** Organisations: who makes them, what their plans allow, and sign-up. */
import { describe, expect, it, vi } from "vitest";
import { parsePeppers, parseToken } from "../../src/domain/token.ts";
import { loadCredentialDocument } from "../../src/store/credential-documents.ts";
import { listMails } from "../../src/store/dev-mailbox.ts";
import { bindings, call, newCredential, textOf } from "./admin.fixture.ts";

// The machine may be busy; each test is bounded all the same.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const PATH = "/api/v1/organisations";

async function newOrganisation(part: Record<string, unknown> = {}) {
  const made = await call("POST", PATH, { body: { name: "Acme", ...part } });
  expect(made.status, made.text).toBe(201);
  return { id: textOf(made, "id"), key: textOf(made, "key") };
}

function connect(key: string) {
  const body = { name: "Vendor", base_url: "https://api.vendor.example", auth: { scheme: "none" } };
  return call("POST", "/api/v1/connections", { key, body });
}

describe("organisations", () => {
  it("are made by the operator, see themselves alone, and cannot raise their own plan", async () => {
    const { id, key } = await newOrganisation();
    expect((await call("GET", PATH, { key })).json).toMatchObject({
      data: [{ id, name: "Acme", plan: { id: "free", max_connections: 1 } }],
      next_cursor: null,
    });
    expect((await call("POST", PATH, { key, body: { name: "Other" } })).json).toMatchObject({
      status: 403,
      code: "role_denied",
    });
    expect((await call("PATCH", `${PATH}/${id}`, { key, body: { plan: "unlimited" } })).status).toBe(403);
    expect((await call("PATCH", `${PATH}/${id}`, { key, body: { name: "Acme Ltd" } })).json).toMatchObject({
      name: "Acme Ltd",
    });
    expect((await call("PATCH", `${PATH}/org_default`, { key, body: { name: "Mine" } })).status).toBe(404);
    expect((await call("GET", "/api/v1/connections", { key })).json).toEqual({ data: [], next_cursor: null });
  });

  it("hold to their plan until the operator raises it", async () => {
    const { id, key } = await newOrganisation();
    expect((await connect(key)).status).toBe(201);
    expect((await connect(key)).json).toMatchObject({ status: 403, code: "plan_limit" });
    const hook = { name: "Ops", url: "https://hooks.example.com", events: ["*"] };
    expect((await call("POST", "/api/v1/webhooks", { key, body: hook })).status).toBe(201);
    expect((await call("POST", "/api/v1/webhooks", { key, body: hook })).json).toMatchObject({
      code: "plan_limit",
      resource: "webhooks",
      limit: 1,
    });
    expect((await call("PATCH", `${PATH}/${id}`, { body: { plan: "unlimited" } })).status).toBe(200);
    expect((await connect(key)).status).toBe(201);
  });

  it("are made by sign-up only where it is open, and the answer comes by mail alone", async () => {
    const body = { organisation: "New", name: "Zoe", email: "Zoe@example.com" };
    const signUp = (mode?: string) =>
      call("POST", "/api/v1/sign-up", { key: null, body, ...(mode === undefined ? {} : { env: { SIGN_UP: mode } }) });
    expect((await signUp()).status).toBe(403);
    expect((await signUp("invite")).status).toBe(403);
    for (let again = 0; again < 5; again += 1) expect((await signUp("open")).json).toEqual({ sent: true });
    const rows = await bindings.CONTROL_DB.prepare(
      "SELECT o.plan FROM organisations o JOIN members m ON m.organisation_id = o.id WHERE m.email = 'zoe@example.com'",
    ).all();
    expect(rows.results).toEqual([{ plan: "free" }, { plan: "free" }, { plan: "free" }]);
    const mails = (await listMails(bindings.AUDIT_DB)).filter((mail) => mail.to === "zoe@example.com");
    expect(mails.length).toBeGreaterThan(0);
    expect(mails.length).toBeLessThanOrEqual(6);
  });
});

describe("a suspended organisation", () => {
  async function statusOf(token: string): Promise<string | undefined> {
    const peppers = parsePeppers(bindings.RELAYKEY_PEPPERS);
    const parsed = peppers.ok ? parseToken(token, peppers.value) : null;
    return (await loadCredentialDocument(bindings.CONTROL_DB, parsed?.lookupId ?? ""))?.status;
  }

  async function withCredential() {
    const organisation = await newOrganisation({ plan: "unlimited" });
    const connection = textOf(await connect(organisation.key), "id");
    const credential = await newCredential(connection, {}, { key: organisation.key });
    return { ...organisation, token: textOf(credential, "token"), credential: textOf(credential, "id") };
  }

  it("has no credential, key or session that works, and all of them again when it is resumed", async () => {
    const { id, key, token } = await withCredential();
    const suspended = await call("POST", `${PATH}/${id}/suspend`);
    expect(suspended.json).toMatchObject({ id, status: "suspended" });
    expect(await statusOf(token)).toBe("suspended");
    expect((await call("GET", "/api/v1/connections", { key })).json).toMatchObject({ code: "credential_invalid" });
    expect((await call("POST", `${PATH}/${id}/suspend`)).status).toBe(200);
    expect((await call("POST", `${PATH}/${id}/resume`)).json).toMatchObject({ id, status: "active" });
    expect(await statusOf(token)).toBe("active");
    expect((await call("GET", "/api/v1/connections", { key })).status).toBe(200);
    const record = await call("GET", `/api/v1/control-events?target_id=${id}`, { key });
    const rows = record.json["data"] as Record<string, unknown>[];
    expect(rows.map((row) => row["action"])).toEqual(["resumeOrganisation", "suspendOrganisation"]);
    expect(rows[1]).toMatchObject({ before: { status: "active" }, after: { status: "suspended" } });
  });

  it("is acknowledged only when every gate holds it, and repeating it tells those that are left", async () => {
    const { id, credential } = await withCredential();
    const told: string[] = [];
    let away = true;
    const gate = (name: string) => ({
      ...bindings.GATES.getByName(name),
      require: async (version: number) => {
        if (away) throw new Error("the gate is away");
        told.push(`${name} ${version}`);
      },
    });
    const env = { GATES: { getByName: gate } };
    const refused = await call("POST", `${PATH}/${id}/suspend`, { env });
    expect(refused.json).toMatchObject({ status: 503, code: "unavailable", retryable: true });
    away = false;
    expect((await call("POST", `${PATH}/${id}/suspend`, { env })).status).toBe(200);
    expect(told).toEqual([`${credential} 2`]);
    expect((await call("POST", `${PATH}/${id}/suspend`, { env })).status).toBe(200);
    expect(told).toHaveLength(1);
  });

  it("is the operator's to name, and never the operator's own", async () => {
    const { id, key } = await newOrganisation();
    for (const verb of ["suspend", "resume"]) {
      expect((await call("POST", `${PATH}/${id}/${verb}`, { key })).json).toMatchObject({ code: "role_denied" });
      expect((await call("POST", `${PATH}/org_default/${verb}`, { key })).status).toBe(404);
      expect((await call("POST", `${PATH}/org_default/${verb}`)).json).toMatchObject({ code: "conflict" });
      expect((await call("POST", `${PATH}/org_0000000000000000/${verb}`)).status).toBe(404);
    }
  });
});
