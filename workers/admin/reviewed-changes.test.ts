/** A policy's threshold for findings holds for every way by which a credential comes to reach more, not for its issue alone. */
import { describe, expect, it } from "vitest";
import { call, fieldsOf, newConnection, newCredential, textOf } from "./admin.fixture.ts";
import type { Answer } from "./admin.fixture.ts";

const WRITING = { allowed_methods: ["GET", "POST"], allowed_paths: ["/v1/people"] };
const EVERYTHING = { allowed_methods: ["*"], allowed_paths: ["/**"] };

async function guardedPolicy(): Promise<string> {
  const body = { name: "guarded", allowed_methods: ["GET"], allowed_paths: ["/v1/people"], block_from: "medium" };
  return textOf(await call("POST", "/api/v1/policies", { body }), "id");
}

function blockingOf(answer: Answer): readonly string[] {
  const found: unknown = answer.json["blocking"];
  return Array.isArray(found) ? found.map(String) : [];
}

async function refusedThenAcknowledged(send: (more: object) => Promise<Answer>, credentialId: string): Promise<Answer> {
  const refused = await send({});
  expect([refused.status, refused.json["code"]], refused.text).toEqual([422, "review_blocked"]);
  const blocking = blockingOf(refused);
  expect(blocking.length).toBeGreaterThan(0);
  const passed = await send({ acknowledge_findings: blocking });
  expect(passed.status, passed.text).toBeLessThan(300);
  const credential = await call("GET", `/api/v1/delegated-credentials/${credentialId}`);
  expect(credential.json["acknowledged_findings"]).toEqual(expect.arrayContaining([...blocking]));
  return passed;
}

describe("the safety review", () => {
  it("holds for a key that is made first and bound afterwards", async () => {
    const key = textOf(await call("POST", "/admin/virtual-keys", { body: { name: "late" } }), "id");
    const [connectionId, policyId] = [textOf(await newConnection(), "id"), await guardedPolicy()];
    const grant = { credential_id: key, connection_id: connectionId, policy_id: policyId, ...EVERYTHING };
    const send = (more: object) => call("POST", "/admin/bindings", { body: { ...grant, ...more } });
    await refusedThenAcknowledged(send, key);
    const listed = await call("GET", `/admin/bindings?credential_id=${key}`);
    expect(listed.json["data"]).toHaveLength(1);
  });

  it("holds for a grant that is widened", async () => {
    const [connectionId, policyId] = [textOf(await newConnection(), "id"), await guardedPolicy()];
    const issued = await call("POST", "/api/v1/delegated-credentials", {
      body: { name: "narrow", connection_id: connectionId, policy_id: policyId, ttl_seconds: 900 },
    });
    expect(issued.status, issued.text).toBe(201);
    const id = textOf(issued, "id");
    const listed = await call("GET", `/admin/bindings?credential_id=${id}`);
    const [binding] = listed.json["data"] as { readonly id: string }[];
    const send = (more: object) =>
      call("PATCH", `/admin/bindings/${binding?.id}`, { body: { ...EVERYTHING, ...more } });
    const changed = await refusedThenAcknowledged(send, id);
    expect(changed.json["allowed_paths"]).toEqual(["/**"]);
    // What was acknowledged once is acknowledged for what comes after it.
    expect((await send({ deny_query_params: ["x"] })).status).toBe(200);
  });

  it("holds for a lifetime and a trust that are widened, and for nothing else of the credential", async () => {
    const [connectionId, policyId] = [textOf(await newConnection(), "id"), await guardedPolicy()];
    const issued = await call("POST", "/api/v1/delegated-credentials", {
      body: { name: "short", connection_id: connectionId, policy_id: policyId, ttl_seconds: 900, ...WRITING },
    });
    const id = textOf(issued, "id");
    const path = `/api/v1/delegated-credentials/${id}`;
    const send = (more: object) => call("PATCH", path, { body: { ttl_seconds: null, ...more } });
    await refusedThenAcknowledged(send, id);
    expect((await call("PATCH", path, { body: { name: "renamed" } })).status).toBe(200);
    const open = await call("PATCH", path, { body: { trust: { mode: "off" } } });
    expect([open.status, open.json["code"]], open.text).toEqual([422, "review_blocked"]);
  });

  it("stops no change where no policy asks for it", async () => {
    const id = textOf(await newCredential(textOf(await newConnection(), "id")), "id");
    const changed = await call("PATCH", `/api/v1/delegated-credentials/${id}`, { body: { ttl_seconds: null } });
    expect(changed.status, changed.text).toBe(200);
    const [binding] = (await call("GET", `/admin/bindings?credential_id=${id}`)).json["data"] as {
      readonly id: string;
    }[];
    expect((await call("PATCH", `/admin/bindings/${binding?.id}`, { body: EVERYTHING })).status).toBe(200);
  });

  it("keeps a bounded number of acknowledgements", async () => {
    const id = textOf(await newCredential(textOf(await newConnection(), "id")), "id");
    const [binding] = (await call("GET", `/admin/bindings?credential_id=${id}`)).json["data"] as {
      readonly id: string;
    }[];
    const some = (from: number) => Array.from({ length: 60 }, (_, at) => `finding:${from + at}`);
    const send = (from: number) =>
      call("PATCH", `/admin/bindings/${binding?.id}`, { body: { acknowledge_findings: some(from) } });
    expect((await send(0)).status).toBe(200);
    const refused = await send(60);
    expect([refused.status, fieldsOf(refused)]).toEqual([422, ["acknowledge_findings"]]);
  });
});
