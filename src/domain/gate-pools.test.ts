import { describe, expect, test } from "vitest";
import {
  gateDocumentOf,
  grantOf,
  MemoryGate,
  NOON_MS,
  plain,
  settlementOf,
} from "../../tests/harness/gate-fixtures.ts";
import { compilePools, demandsOf, poolRefusal, poolStatuses, termsOf } from "./gate-pools.ts";
import type { Lease, PoolLimit } from "./lease.ts";
import { NO_LIMITS } from "./limits.ts";

const budget = (limit: number, unit: "requests" | "usd_micros" = "requests") => ({
  unit,
  limit,
  window: "month" as const,
  anchorMs: null,
});
const rate = { requests: 5, perSeconds: 60, burst: null };
const shared = gateDocumentOf({
  recipient: { id: "rcpt_a", name: "Kate", email: null, limits: { ...NO_LIMITS, budgets: [budget(100)] } },
  grants: [
    grantOf({
      limits: { ...NO_LIMITS, perCustomer: { rate: [rate], budgets: [] } },
      connectionLimits: { ...NO_LIMITS, rate: [rate] },
      quota: { requests: 10, perSeconds: 1, maxShare: 0.5 },
    }),
    grantOf({ id: "grant_b", connectionId: "conn_b" }),
  ],
});
const poolsOf = (grantId: string | null, customer: string | null) =>
  termsOf(compilePools(shared), "org_default", grantId, customer).map(({ pool }) => pool);

describe("which pools a call draws on", () => {
  test("recipient, connection, quota, and the customer when one is named", () => {
    const three = ["recipient:org_default:rcpt_a", "connection:org_default:conn_a", "quota:org_default:conn_a"];
    expect(poolsOf("grant_a", null)).toEqual(three);
    expect(poolsOf("grant_a", "acme")).toEqual([...three, "customer:org_default:conn_a:acme"]);
    expect(poolsOf("grant_b", "acme")).toEqual(["recipient:org_default:rcpt_a"]);
    expect(poolsOf(null, null)).toEqual([]);
    expect(termsOf(compilePools(gateDocumentOf()), "org_default", "grant_a", "acme")).toEqual([]);
  });

  test("what is stated for each customer holds wherever it stands", () => {
    const each = (requests: number) => ({ ...NO_LIMITS, perCustomer: { rate: [{ ...rate, requests }], budgets: [] } });
    const document = gateDocumentOf({
      limits: each(1),
      recipient: { id: "rcpt_a", name: "Kate", email: null, limits: each(2) },
      grants: [grantOf({ limits: each(3), connectionLimits: each(4) })],
    });
    const terms = termsOf(compilePools(document), "org_default", "grant_a", "acme");
    expect(terms.map(({ pool }) => pool)).toEqual(["customer:org_default:conn_a:acme"]);
    expect(terms[0]?.limits).toMatchObject([{ requests: 1 }, { requests: 2 }, { requests: 3 }, { requests: 4 }]);
  });

  test("a customer with limits of its own draws on one pool for all that it is named on", () => {
    const limits = { rate: [rate], budgets: [budget(7)] };
    const document = gateDocumentOf({
      namedCustomers: [{ customer: "acme", limits }],
      grants: [
        grantOf({ limits: { ...NO_LIMITS, perCustomer: { rate: [rate], budgets: [] } } }),
        grantOf({ id: "grant_b", connectionId: "conn_b" }),
      ],
    });
    const drawn = (grantId: string, customer: string | null) =>
      termsOf(compilePools(document), "org_default", grantId, customer).map(({ pool }) => pool);
    expect(drawn("grant_a", "acme")).toEqual(["customer:org_default:conn_a:acme", "customer-own:org_default:acme"]);
    expect(drawn("grant_b", "acme")).toEqual(["customer-own:org_default:acme"]);
    expect(drawn("grant_b", "other")).toEqual([]);
    expect(drawn("grant_b", null)).toEqual([]);
    const [own] = termsOf(compilePools(document), "org_default", "grant_b", "acme");
    expect(own?.limits.map((limit) => limit.kind)).toEqual(["rate", "budget"]);
  });

  test("a free call still needs something left of a dollar budget", () => {
    const document = gateDocumentOf({
      grants: [grantOf({ connectionLimits: { ...NO_LIMITS, budgets: [budget(100, "usd_micros")] } })],
    });
    const terms = termsOf(compilePools(document), "org_default", "grant_a", null);
    expect(demandsOf(terms, 0).map(({ usdMicros }) => usdMicros)).toEqual([1]);
  });
});

describe("leases inside the gate", () => {
  const leaseOf = (pool: string, version: string, calls: number): Lease => ({
    id: `lease_${pool}`,
    pool,
    version,
    units: { calls, usdMicros: 0 },
    expiresAtMs: NOON_MS + 60_000,
  });

  test("a call is admitted only when every pool gave something, and draws from each", () => {
    const gate = new MemoryGate(shared);
    const first = gate.turn({}, NOON_MS);
    expect(first.reply).toBeNull();
    expect(first.demands.map(({ terms }) => terms.pool)).toEqual(poolsOf("grant_a", null));
    for (const { terms } of first.demands.slice(0, 2)) {
      gate.act(["lease", { op: "receive", lease: leaseOf(terms.pool, terms.version, 2), nowMs: NOON_MS }]);
    }
    const second = gate.turn({}, NOON_MS);
    expect(second.demands.map(({ terms }) => terms.pool)).toEqual(["quota:org_default:conn_a"]);
    expect(second.records).toEqual([]);
    for (const { terms } of second.demands) {
      gate.act(["lease", { op: "receive", lease: leaseOf(terms.pool, terms.version, 2), nowMs: NOON_MS }]);
    }
    expect(gate.outcome({}, NOON_MS)).toBe("go");
    gate.settle([settlementOf(1, { forwarded: false, reason: "circuit_open" })], NOON_MS);
    expect(gate.outcome({}, NOON_MS)).toBe("go");
    expect(gate.turn({}, NOON_MS).demands).toHaveLength(3);
    const page = gate.state.leases.pools["recipient:org_default:rcpt_a"];
    expect(page?.leases).toMatchObject([{ usedCalls: 2, returnedCalls: 1, pending: 1 }]);
    expect(plain(gate.reload())).toEqual(plain(gate.state));
  });

  test("what a pool refused is refused with its reason, and recorded", () => {
    const gate = new MemoryGate(shared);
    const limit: PoolLimit = { kind: "quota", requests: 10, perSeconds: 1, maxShare: 0.5 };
    const exhausted = poolRefusal(
      { pool: "quota:o:c", version: "v", limit, least: { calls: 1, usdMicros: 0 }, untilMs: 0, resetMs: NOON_MS + 900 },
      NOON_MS,
    );
    expect(exhausted).toMatchObject({ code: "vendor_limited", retryAfterSeconds: 1 });
    expect(gate.outcome({}, NOON_MS, { exhausted })).toBe("vendor_limited");
    expect(gate.state.closed).toBe(1);
  });

  test("a call that is refused for another reason draws nothing and asks nobody", () => {
    const gate = new MemoryGate(shared);
    const turn = gate.turn({}, NOON_MS, { hold: { code: "circuit_open", detail: "No" } });
    expect(turn.reply).toMatchObject({ decision: "refused", refusal: { code: "circuit_open" } });
    expect(turn.demands).toEqual([]);
  });
});

describe("what people learn", () => {
  test("the state of a pool includes what this gate still holds, and never more than the limit", () => {
    const limit: PoolLimit = { kind: "budget", ...budget(100) };
    const statuses = [{ limit, used: 50, remaining: 40, resetMs: NOON_MS + 5_500 }];
    expect(poolStatuses("recipient:o:r", statuses, { calls: 3, usdMicros: 0 }, NOON_MS)).toEqual([
      {
        name: "recipient-requests-month",
        kind: "budget",
        unit: "requests",
        limit: 100,
        remaining: 43,
        windowSeconds: 30 * 86_400,
        resetSeconds: 6,
      },
    ]);
    expect(poolStatuses("recipient:o:r", statuses, { calls: 90, usdMicros: 0 }, NOON_MS)[0]?.remaining).toBe(100);
  });
});
