/** How full budgets are: asked of the counters, the fullest first, only of the caller's organisation. */
import { beforeAll, describe, expect, it, vi } from "vitest";
import type { EventTuple } from "../../src/domain/chain.ts";
import type { GateInspection } from "../../src/domain/gate-inspect.ts";
import { storeRows } from "../../src/store/audit-events.ts";
import { bindings, call, newConnection, newCredential, textOf } from "./admin.fixture.ts";
import type { Answer } from "./admin.fixture.ts";
import type { AdminEnv } from "./env.ts";
import { otherOrganisation } from "./tenant.fixture.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const BUDGETS = [
  { unit: "requests", limit: 100, window: "day" },
  { unit: "usd_micros", limit: 1_000_000, window: "month" },
];
let seq = 0;
let used = "";
let unused = "";
let recipientId = "";

function event(credentialId: string, customer: string | null): EventTuple {
  seq += 1;
  const head = ["org_default", credentialId, seq, seq, Date.now() - 1_000, null, "conn_b", "grant_b"] as const;
  const call = [customer, null, "GET", "/v1/x", null, "allowed", "ok", 200, 200, 1, 5, 5, 1, 1, 250] as const;
  const tail = ["203.0.113.5", "test", `req_${seq}`, null, 1, "{}", "0".repeat(64), "0".repeat(64)] as const;
  return [...head, ...call, ...tail, `evt_budget${seq}`];
}

beforeAll(async () => {
  const limits = { budgets: [], per_customer: { budgets: [{ unit: "requests", limit: 7, window: "day" }] } };
  expect((await newConnection({ id: "conn_b", limits })).status).toBe(201);
  const recipient = await call("POST", "/api/v1/recipients", {
    body: {
      name: "Team",
      limits: {
        budgets: [{ unit: "requests", limit: 500, window: "month" }],
        per_customer: { budgets: [{ unit: "requests", limit: 9, window: "month" }] },
      },
    },
  });
  recipientId = textOf(recipient, "id");
  used = textOf(await newCredential("conn_b", { limits: { budgets: BUDGETS }, recipient_id: recipientId }), "id");
  unused = textOf(await newCredential("conn_b", { name: "unused", limits: { budgets: BUDGETS } }), "id");
  await newCredential("conn_b", { name: "without budgets" });
  const events = [event(used, null), event(used, "acme"), event(used, "acme")];
  await bindings.AUDIT_DB.batch(storeRows(bindings.AUDIT_DB, { events }));
});

function rows(answer: Answer): Record<string, unknown>[] {
  expect(answer.status, answer.text).toBe(200);
  return answer.json["data"] as Record<string, unknown>[];
}

describe("budgets", () => {
  it("are those of what was used, with whom they belong to and when they reset", async () => {
    const found = rows(await call("GET", "/api/v1/budgets"));
    expect(found.map((row) => [row["of"], row["name"], row["limit"]]).toSorted()).toEqual([
      ["credential", "run", 100],
      ["credential", "run", 1_000_000],
      ["customer", "acme", 7],
      ["customer", "acme", 9],
      ["recipient", "Team", 500],
    ]);
    const day = found.find((row) => row["limit"] === 100);
    expect(day).toMatchObject({ credential_id: used, unit: "requests", window: "day", used: 0, remaining: 100 });
    const startMs = Date.parse(String(day?.["starts_at"]));
    expect(startMs % 86_400_000).toBe(0);
    expect(Date.parse(String(day?.["resets_at"])) - startMs).toBe(86_400_000);
    expect(found.find((row) => row["of"] === "customer")).toMatchObject({ connection_id: "conn_b", customer: "acme" });
  });

  it("of one credential are shown whether it was used or not", async () => {
    const found = rows(await call("GET", `/api/v1/budgets?credential_id=${unused}`));
    expect(found.map((row) => row["credential_id"])).toEqual([unused, unused]);
    const missing = await call("GET", "/api/v1/budgets?credential_id=dcred_0000000000000000");
    expect(missing.status).toBe(404);
  });

  it("of one recipient are its own and its credentials'", async () => {
    const found = rows(await call("GET", `/api/v1/budgets?recipient_id=${recipientId}`));
    expect(found.filter((row) => row["of"] === "recipient")).toHaveLength(1);
  });

  it("of one customer are its own alone", async () => {
    const found = rows(await call("GET", "/api/v1/budgets?customer=acme"));
    expect(found.map((row) => [row["of"], row["customer"], row["limit"]]).toSorted()).toEqual([
      ["customer", "acme", 7],
      ["customer", "acme", 9],
    ]);
    expect(rows(await call("GET", "/api/v1/budgets?customer=other"))).toEqual([]);
  });

  it("stand as the gate counts them, the fullest first", async () => {
    const found = rows(await call("GET", "/api/v1/budgets?limit=2", { env: gatesThatSay(10, 990_000) }));
    expect(found.map((row) => [row["unit"], row["used"], row["remaining"]])).toEqual([
      ["requests", 90, 10],
      ["usd_micros", 10_000, 990_000],
    ]);
  });

  it("whose counter does not answer are missing, and that is said", async () => {
    const answer = await call("GET", "/api/v1/budgets", { env: gatesThatSay(null, 0) });
    expect(
      rows(answer)
        .map((row) => row["of"])
        .toSorted(),
    ).toEqual(["customer", "customer", "recipient"]);
    expect(answer.json["complete"]).toBe(false);
    expect((await call("GET", "/api/v1/budgets")).json["complete"]).toBe(true);
  });

  it("are nobody else's", async () => {
    const key = await otherOrganisation("org_bbbbbbbbbbbbbbbb");
    expect(rows(await call("GET", "/api/v1/budgets", { key }))).toEqual([]);
    expect((await call("GET", `/api/v1/budgets?credential_id=${used}`, { key })).status).toBe(404);
    expect(rows(await call("GET", `/api/v1/budgets?recipient_id=${recipientId}`, { key }))).toEqual([]);
  });
});

/** Gates with so much left of the two budgets; null: they fail. */
function gatesThatSay(calls: number | null, usdMicros: number): Partial<AdminEnv> {
  const status = (name: string, unit: "requests" | "usd_micros", limit: number, remaining: number) => ({
    name,
    kind: "budget" as const,
    unit,
    limit,
    remaining,
    windowSeconds: 86_400,
    resetSeconds: 60,
    grantId: null,
  });
  const inspect = (): Promise<GateInspection> =>
    calls === null
      ? Promise.reject(new Error("away"))
      : Promise.resolve({
          state: "active",
          limits: [
            { ...status("credential-60s", "requests", 5, 5), kind: "rate" },
            status("recipient-requests-month", "requests", 500, 1),
            status("credential-requests-day", "requests", 100, calls),
            status("credential-usd_micros-month", "usd_micros", 1_000_000, usdMicros),
          ],
          trustedAddresses: [],
        });
  const missing = () => Promise.reject(new Error("not asked here"));
  return {
    GATES: {
      getByName: () => ({
        inspect,
        require: missing,
        revoke: missing,
        listTrusted: missing,
        addTrusted: missing,
        removeTrusted: missing,
        confirm: missing,
        denyAddress: missing,
      }),
    },
  };
}
