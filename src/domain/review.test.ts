import { describe, expect, it } from "vitest";

import { NO_LIMITS, type Trust } from "./limits.ts";
import { reviewBlocks, reviewScope, type ReviewInput } from "./review.ts";
import type { ReviewedGrant } from "./review-finding.ts";

const trust: Trust = { mode: "first_use", addresses: [], allowWorkers: [] };
const sensitive = [
  { methods: ["POST"], paths: ["/v1/payouts"], category: "money_movement", why: "It pays out." },
  { methods: ["GET", "POST"], paths: ["/v1/keys/**"], category: "credential_minting", why: "It makes keys." },
  { methods: ["DELETE"], paths: ["/{name}"], category: "deletion", why: "Never filled in." },
];
const grant = (part: Partial<ReviewedGrant> & { rules?: ReviewedGrant["scope"]["rules"] }): ReviewedGrant => ({
  connectionId: "conn_pay",
  connectionName: "Payments",
  basePaths: [""],
  scope: { rules: part.rules ?? [{ methods: ["GET"], paths: ["/v1/charges/:id"] }] },
  limits: NO_LIMITS,
  prices: [],
  sensitive,
  operations: [],
  ...part,
});
const input = (part: Partial<ReviewInput>): ReviewInput => ({
  grants: [grant({})],
  ttlSeconds: 900,
  trust,
  limits: NO_LIMITS,
  ...part,
});
const ids = (part: Partial<ReviewInput>) => reviewScope(input(part)).findings.map((finding) => finding.id);
const rules = (methods: string[], ...paths: string[]) => ({ grants: [grant({ rules: [{ methods, paths }] })] });

describe("reviewScope", () => {
  it("finds nothing in a narrow, short-lived scope", () => {
    expect(reviewScope(input({}))).toEqual({ risk: "low", findings: [] });
  });

  it("finds sensitive endpoints by overlap, whatever pattern reaches them", () => {
    expect(ids(rules(["POST"], "/v1/payouts"))).toEqual(["sensitive:conn_pay:POST:/v1/payouts"]);
    for (const path of ["/v1/:any", "/v1/pay*", "/**/payouts", "/v1/*"])
      expect(ids(rules(["POST"], path))).toContain("sensitive:conn_pay:POST:/v1/payouts");
    expect(ids(rules(["*"], "/v1/payouts"))).toContain("sensitive:conn_pay:POST:/v1/payouts");
    expect(ids(rules(["GET"], "/v1/payouts"))).toEqual([]);
    expect(ids(rules(["POST"], "/v1/payouts/:id"))).toEqual([]);
  });

  it("calls a scope that can make keys critical, says so, and proposes a narrower rule", () => {
    const review = reviewScope(input(rules(["GET", "POST"], "/v1/keys/:id")));
    expect(review.risk).toBe("critical");
    expect(review.findings[0]?.message).toContain("can make keys at the vendor");
    const post = review.findings.find((finding) => finding.id === "sensitive:conn_pay:POST:/v1/keys/**");
    expect(post?.rule).toEqual({ methods: ["GET"], paths: ["/v1/keys/:id"] });
  });

  it("names breadth", () => {
    expect(ids(rules(["*"], "/**"))).toContain("breadth:conn_pay:*:/**");
    expect(
      reviewScope(input({ grants: [grant({ rules: [{ methods: ["*"], paths: ["/*"] }], sensitive: [] })] })).risk,
    ).toBe("high");
    expect(
      reviewScope(input({ grants: [grant({ rules: [{ methods: ["GET"], paths: ["/*"] }], sensitive: [] })] })).risk,
    ).toBe("medium");
    expect(ids(rules(["POST"], "/v2/*"))).toEqual(["breadth:conn_pay:POST:/v2/*"]);
    expect(ids(rules(["POST"], "/v1/charges/*"))).toEqual([]);
    const below = grant({ basePaths: ["/api"], rules: [{ methods: ["GET"], paths: ["/api/**"] }], sensitive: [] });
    expect(ids({ grants: [below] })).toEqual(["breadth:conn_pay:GET:/api/**"]);
  });

  it("names lifetime, trust and budget", () => {
    expect(ids({ ttlSeconds: null })).toEqual(["lifetime:never"]);
    expect(ids({ ttlSeconds: 30 * 86_400 })).toEqual([]);
    expect(ids({ ttlSeconds: 31 * 86_400 })).toEqual(["lifetime:long"]);
    expect(ids({ trust: { ...trust, mode: "off" } })).toEqual(["trust:open"]);
    expect(ids({ trust: { ...trust, mode: "fixed", addresses: ["0.0.0.0/0"] } })).toEqual(["trust:open"]);
    const prices = [{ kind: "fixed", methods: ["GET"], paths: ["/**"], usdMicros: 5 }] as const;
    expect(ids({ grants: [grant({ prices })] })).toEqual(["budget:conn_pay"]);
    const budgets = [{ unit: "usd_micros", limit: 1, window: "day", anchorMs: null }] as const;
    expect(ids({ grants: [grant({ prices })], limits: { ...NO_LIMITS, budgets } })).toEqual([]);
  });

  it("names rules that are covered, never match, or that the API does not know", () => {
    expect(ids(rules(["GET"], "/v1/charges/:id", "/v1/charges/ch_1"))).toEqual([
      "shadowed:conn_pay:GET:/v1/charges/ch_1",
    ]);
    expect(ids(rules(["GET"], "/v1/charges/:id", "/v1/charges/:other"))).toEqual([
      "shadowed:conn_pay:GET:/v1/charges/:other",
    ]);
    expect(ids({ grants: [grant({ basePaths: ["/v2"] })] })).toEqual(["unreachable:conn_pay:/v1/charges/:id"]);
    expect(ids(rules(["GET"], "/v1/{id}"))).toEqual(["unreachable:conn_pay:/v1/{id}"]);
    const operations = [{ method: "GET", template: "/v1/charges/:charge" }];
    expect(ids({ grants: [grant({ operations })] })).toEqual([]);
    const misspelt = grant({ operations, rules: [{ methods: ["GET"], paths: ["/v1/chargse/:id"] }] });
    expect(ids({ grants: [misspelt] })).toEqual(["unknown:conn_pay:GET:/v1/chargse/:id"]);
    // A parameter is one segment, in either way of writing it, and also beside text.
    const braces = [{ method: "GET", template: "/v1/charges/{id}" }];
    const below = grant({ operations: braces, rules: [{ methods: ["GET"], paths: ["/v1/charges/ch_1/refunds"] }] });
    expect(ids({ grants: [below] })).toEqual(["unknown:conn_pay:GET:/v1/charges/ch_1/refunds"]);
    for (const template of ["/v1/charges/:id.json", "/v1/charges/{id}.json"]) {
      const file = { operations: [{ method: "GET", template }] };
      const json = grant({ ...file, rules: [{ methods: ["GET"], paths: ["/v1/charges/ch_1.json"] }] });
      expect(ids({ grants: [json] })).toEqual([]);
      const text = grant({ ...file, rules: [{ methods: ["GET"], paths: ["/v1/charges/ch_1.txt"] }] });
      expect(ids({ grants: [text] })).toEqual(["unknown:conn_pay:GET:/v1/charges/ch_1.txt"]);
    }
  });

  it("gives the same ids for the same content, in any order of grants, and keeps them short", () => {
    const other = grant({ connectionId: "conn_other", rules: [{ methods: ["POST"], paths: ["/v1/payouts"] }] });
    expect(ids({ grants: [grant({}), other] })).toEqual(ids({ grants: [other, grant({})] }));
    const long = `/${"x".repeat(900)}/{y}`;
    const [id] = ids(rules(["GET"], long));
    expect(id?.length).toBeLessThanOrEqual(128);
    expect(ids(rules(["GET"], `${long}z`))[0]).not.toBe(id);
  });
});

describe("reviewBlocks", () => {
  const review = reviewScope(input(rules(["POST"], "/v1/keys/:id", "/v1/payouts")));
  const critical = "sensitive:conn_pay:POST:/v1/keys/**";
  const blocked = (
    role: "owner" | "admin" | "provisioner",
    acknowledged: string[] = [],
    blockFrom: "high" | null = null,
  ) => reviewBlocks(review, { role, acknowledged, blockFrom }).map((finding) => finding.id);

  it("stops only critical findings, and only a provisioner, by default", () => {
    expect(blocked("provisioner")).toEqual([critical]);
    expect(blocked("admin")).toEqual([]);
  });

  it("stops everyone from the policy's severity on; an admin may acknowledge, a provisioner may not", () => {
    expect(blocked("admin", [], "high")).toEqual([critical, "sensitive:conn_pay:POST:/v1/payouts"]);
    expect(blocked("owner", [critical], "high")).toEqual(["sensitive:conn_pay:POST:/v1/payouts"]);
    expect(blocked("provisioner", [critical])).toEqual([critical]);
  });
});
