import { env } from "cloudflare:test";
import { beforeAll, describe, expect, it, vi } from "vitest";
import type { EventTuple } from "../../src/domain/chain.ts";
import { storeRows } from "../../src/store/audit-events.ts";
import { call, newConnection, textOf } from "./admin.fixture.ts";

// The machine may be busy; each test is bounded all the same.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let seq = 0;

/** One event of a credential, as the gate would send it. */
function event(
  credentialId: string,
  grantId: string,
  part: Partial<{
    path: string;
    decision: "allowed" | "denied";
    reason: string;
    latencyMs: number;
    cost: number;
    atMs: number;
  }> = {},
): EventTuple {
  seq += 1;
  const {
    path = "/v1/people",
    decision = "allowed",
    reason = "ok",
    latencyMs = 40,
    cost = 0,
    atMs = Date.now() - 60_000,
  } = part;
  return [
    "org_default",
    credentialId,
    seq,
    seq,
    atMs,
    null,
    "conn_back",
    grantId,
    null,
    "production",
    "GET",
    path,
    null,
    decision,
    reason,
    decision === "allowed" ? 200 : 403,
    decision === "allowed" ? 200 : null,
    1,
    latencyMs,
    10,
    1,
    2,
    cost,
    "203.0.113.5",
    "test",
    `req_${seq}`,
    null,
    1,
    "{}",
    "0".repeat(64),
    "0".repeat(64),
    `evt_back${seq}`,
  ];
}

let credentialId = "";
let grantId = "";
let policyId = "";

beforeAll(async () => {
  expect((await newConnection({ id: "conn_back" })).status).toBe(201);
  const policy = await call("POST", "/api/v1/policies", {
    body: { name: "People", allowed_methods: ["GET"], allowed_paths: ["/v1/*"] },
  });
  expect(policy.status, policy.text).toBe(201);
  policyId = textOf(policy, "id");
  const issued = await call("POST", "/api/v1/delegated-credentials", {
    body: {
      name: "back",
      grants: [{ connection_id: "conn_back", policy_id: policyId }],
      ttl_seconds: 900,
      labels: { team: "crm" },
    },
  });
  expect(issued.status, issued.text).toBe(201);
  credentialId = textOf(issued, "id");
  grantId = (issued.json["grants"] as { id: string }[])[0]?.id ?? "";
  const events = [
    ...Array.from({ length: 8 }, (_, at) =>
      event(credentialId, grantId, { path: `/v1/people/${at + 100}`, latencyMs: 40 }),
    ),
    event(credentialId, grantId, { path: "/v1/deals", latencyMs: 400, cost: 2_000_000 }),
    event(credentialId, grantId, { path: "/v2/people", decision: "denied", reason: "path_denied" }),
  ];
  await env.AUDIT_DB.batch(storeRows(env.AUDIT_DB, { events }));
});

describe("usage", () => {
  it("sums up by what is asked for", async () => {
    const usage = await call("GET", "/api/v1/usage?group_by=connection,environment&interval=day");
    expect(usage.status, usage.text).toBe(200);
    expect(usage.json["totals"]).toMatchObject({ requests: 10, forwarded: 9, refused: 1, cost_usd_micros: 2_000_000 });
    expect(usage.json["data"]).toMatchObject([
      {
        connection_id: "conn_back",
        environment: "production",
        requests: 10,
      },
    ]);
    expect(usage.json["totals"]).toMatchObject({ latency_ms: { p50: expect.any(Number), p99: 500 } });
    expect(usage.json["reasons"]).toEqual([{ reason: "path_denied", count: 1 }]);
    const byLabel = await call("GET", "/admin/usage?group_by=label:team");
    expect(byLabel.json["data"]).toMatchObject([{ label: "crm", requests: 10 }]);
    const other = await call("GET", "/api/v1/usage?connection_id=conn_other&group_by=credential");
    expect(other.json).toMatchObject({ data: [], totals: { requests: 0, latency_ms: { p50: null } } });
  });

  it.each([
    "group_by=password",
    "interval=minute",
    "from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z",
    "from=2020-01-01T00:00:00Z",
    "x=1",
  ])("refuses %s", async (query) => {
    expect((await call("GET", `/api/v1/usage?${query}`)).status).toBe(422);
  });

  it("exposes metrics", async () => {
    const metrics = await call("GET", "/api/v1/metrics");
    expect(metrics.headers.get("content-type")).toContain("application/openmetrics-text");
    expect(metrics.text).toContain('relaykey_requests_total{connection="conn_back",environment="production"} 10\n');
    expect(metrics.text).toContain('relaykey_refusals_total{reason="path_denied"} 1\n');
    expect(metrics.text.endsWith("# EOF\n")).toBe(true);
    expect((await call("GET", "/api/v1/metrics", { key: null })).status).toBe(401);
  });
});

describe("dry runs and suggestions", () => {
  it("say what a change would have blocked and allowed", async () => {
    const body = { rules: [{ methods: ["GET"], paths: ["/v1/people/*", "/v2/people"] }] };
    const replay = await call("POST", `/api/v1/policies/${policyId}/replay`, { body });
    expect(replay.status, replay.text).toBe(200);
    expect(replay.json).toMatchObject({
      calls: 10,
      would_block: 1,
      would_allow: 1,
      undecided: 0,
      not_judged: [],
      unaffected_grants: 0,
      complete: true,
    });
    expect(replay.json["summary"]).toContain("1 of 10 calls would have been blocked");
    expect(replay.json["blocked"]).toMatchObject([{ method: "GET", path: "/v1/deals" }]);
    // The query is not on record: of what the rules let through, nothing can be said.
    const narrower = { ...body, deny_query_params: ["expand"] };
    const unsure = await call("POST", `/api/v1/policies/${policyId}/replay`, { body: narrower });
    expect(unsure.json).toMatchObject({ calls: 10, would_block: 1, would_allow: 0, undecided: 9 });
    expect(unsure.json).toMatchObject({ not_judged: ["deny_query_params"] });
    expect(unsure.json["summary"]).toContain("of 9 it cannot be said");
    expect((await call("POST", "/api/v1/policies/pol_0000000000000000/replay", { body })).status).toBe(404);
    expect((await call("POST", `/api/v1/policies/${policyId}/replay`, { body: {} })).status).toBe(422);
  });

  it("propose the least scope that covers what was used", async () => {
    const suggested = await call("POST", `/api/v1/delegated-credentials/${credentialId}/suggest`, { body: {} });
    expect(suggested.json).toMatchObject({
      calls: 9,
      connections: [
        { connection_id: "conn_back", calls: 9, rules: [{ methods: ["GET"], paths: ["/v1/deals", "/v1/people/:id"] }] },
      ],
    });
    const ofPolicy = await call("POST", `/api/v1/policies/${policyId}/suggest`, { body: { days: 30 } });
    expect(ofPolicy.json["calls"]).toBe(9);
  });
});

describe("scope reviews", () => {
  it("review without issuing, and say what would stop whom", async () => {
    const body = { connection_id: "conn_back", allowed_methods: ["*"], allowed_paths: ["/**"] };
    const review = await call("POST", "/api/v1/scope-reviews", { body });
    expect(review.status, review.text).toBe(200);
    expect(review.json).toMatchObject({ risk: "high", blocking: [] });
    const ids = (review.json["findings"] as { id: string }[]).map((finding) => finding.id);
    expect(ids).toContain("breadth:conn_back:*:/**");
    expect(ids).toContain("lifetime:never");
    expect((await call("POST", "/api/v1/scope-reviews", { body })).json).toEqual(review.json);
    const several = {
      grants: [{ connection_id: "conn_back", allowed_methods: ["GET"], allowed_paths: ["/v1/people"] }],
      ttl_seconds: 60,
    };
    expect((await call("POST", "/api/v1/scope-reviews", { body: several })).json).toMatchObject({
      risk: "low",
      findings: [],
    });
  });

  it("refuse what names no grant, and tell a provisioner nothing of other connections", async () => {
    expect((await call("POST", "/api/v1/scope-reviews", { body: {} })).status).toBe(422);
    expect(
      (
        await call("POST", "/api/v1/scope-reviews", {
          body: { connection_id: "conn_none", allowed_methods: ["GET"], allowed_paths: ["/"] },
        })
      ).status,
    ).toBe(422);
    const key = await call("POST", "/api/v1/management-keys", {
      body: {
        name: "ci",
        role: "provisioner",
        constraints: {
          connections: ["conn_back"],
          allowed_methods: ["GET"],
          allowed_paths: ["/v1/*"],
          max_ttl_seconds: 900,
        },
      },
    });
    expect(key.status, key.text).toBe(201);
    const asked = { connection_id: "conn_none", allowed_methods: ["GET"], allowed_paths: ["/v1/a"] };
    const refused = await call("POST", "/api/v1/scope-reviews", { key: textOf(key, "key"), body: asked });
    expect(refused.json).toMatchObject({ status: 403, code: "outside_constraint" });
    const allowed = await call("POST", "/api/v1/scope-reviews", {
      key: textOf(key, "key"),
      body: { ...asked, connection_id: "conn_back" },
    });
    expect(allowed.json).toMatchObject({ risk: "low" });
  });

  it("let a model add findings, and never remove, block or break", async () => {
    const body = { connection_id: "conn_back", allowed_methods: ["*"], allowed_paths: ["/**"], ttl_seconds: 60 };
    const plain = await call("POST", "/api/v1/scope-reviews", { body });
    const idsOf = (answer: typeof plain) =>
      (answer.json["findings"] as { id: string; severity: string }[]).map((finding) => finding.id);
    const reviewed = (response: unknown) =>
      call("POST", "/api/v1/scope-reviews", { body, env: { AI: { run: async () => response } } });
    const more = await reviewed({
      response: 'Sure! {"findings":[{"severity":"high","message":"It\\ncan\\nread all."}]}',
    });
    expect(idsOf(more).filter((id) => !id.startsWith("model:"))).toEqual(idsOf(plain));
    expect(idsOf(more).filter((id) => id.startsWith("model:"))).toHaveLength(1);
    expect(more.text).toContain("It can read all.");
    expect(more.json["blocking"]).toEqual(plain.json["blocking"]);
    for (const response of [
      null,
      { response: "no" },
      { response: { findings: [{ severity: "critical", message: "x" }] } },
      "x",
    ]) {
      expect((await reviewed(response)).json).toEqual(plain.json);
    }
    const failing = { run: () => Promise.reject(new Error("away")) };
    expect((await call("POST", "/api/v1/scope-reviews", { body, env: { AI: failing } })).json).toEqual(plain.json);
  });
});

describe("prompts", () => {
  it("are written for each kind of agent, without the token", async () => {
    for (const variant of ["generic", "claude_code", "codex", "cursor", "curl", "sdk"]) {
      const prompt = await call("GET", `/api/v1/delegated-credentials/${credentialId}/prompt?variant=${variant}`);
      expect(prompt.status, prompt.text).toBe(200);
      expect(prompt.text).toContain("conn_back");
      expect(prompt.text).not.toContain("rk_proxy_");
    }
    expect((await call("GET", `/api/v1/delegated-credentials/${credentialId}/prompt?variant=x`)).status).toBe(422);
    expect((await call("GET", "/api/v1/delegated-credentials/dcred_0000000000000000/prompt")).status).toBe(404);
  });
});
