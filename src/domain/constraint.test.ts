import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { applyDefaults, checkConstraint, type ConstrainedRequest, type Constraint } from "./constraint.ts";
import { NO_LIMITS } from "./limits.ts";
import { compilePattern, matchPattern } from "./pattern.ts";
import { methodAllowed } from "./scope-judge.ts";
import { EMPTY_SCOPE, type Rule, type Scope } from "./scope.ts";

const scope = (part: Partial<Scope>): Scope => ({ ...EMPTY_SCOPE, ...part });
const contacts: Rule = { methods: ["GET"], paths: ["/crm/v3/objects/contacts/*"] };
const constraint: Constraint = {
  connections: ["conn_a1b2c3"],
  scope: scope({ rules: [{ methods: ["GET", "POST"], paths: ["/crm/v3/objects/*"] }], denyQueryParams: ["archived"] }),
  maxTtlSeconds: 3600,
  limits: { ...NO_LIMITS, rate: [{ requests: 60, perSeconds: 60, burst: null }] },
  maxActive: 3,
  namePattern: "agent-*",
  labels: {},
};
const request: ConstrainedRequest = {
  name: "agent-run-2026-05-01",
  ttlSeconds: 900,
  labels: {},
  limits: NO_LIMITS,
  grants: [{ connectionId: "conn_a1b2c3", scope: scope({ rules: [contacts] }) }],
};

/** What lies outside, after the constraint's defaults were applied, as it is done for a request. */
function outside(changed: Partial<ConstrainedRequest>, bounds: Partial<Constraint> = {}, activeCount = 0): string[] {
  const whole = { ...constraint, ...bounds };
  const checked = checkConstraint(whole, applyDefaults(whole, { ...request, ...changed }), activeCount);
  return checked.ok ? [] : checked.error.outside.map((part) => part.part);
}

const grant = (part: Partial<Scope>, connectionId = "conn_a1b2c3") => ({
  grants: [{ connectionId, scope: scope({ rules: [contacts], ...part }) }],
});

describe("checkConstraint", () => {
  it("passes a request inside, and what it does not state is inherited", () => {
    expect(outside({})).toEqual([]);
    const applied = applyDefaults(constraint, { ...request, ttlSeconds: null });
    expect(applied.ttlSeconds).toBe(3600);
    expect(applied.limits.rate).toEqual(constraint.limits.rate);
    expect(applied.grants[0]?.scope.denyQueryParams).toEqual(["archived"]);
  });

  it("says what lies outside and what would have passed", () => {
    const wide = { ...request, ...grant({ rules: [{ methods: ["GET", "DELETE"], paths: ["/crm/**"] }] }) };
    const checked = checkConstraint(constraint, applyDefaults(constraint, wide), 0);
    if (checked.ok) throw new Error("It passed");
    expect(checked.error.largest).toBe(constraint);
    const [part] = checked.error.outside;
    expect(part).toMatchObject({ part: "allowed_paths", grant: 0 });
    expect(part?.detail).toContain("GET /crm/**");
    expect(part?.largestRules).toEqual([{ methods: ["GET"], paths: ["/crm/v3/objects/*"] }]);
  });

  it.each<[string, Partial<ConstrainedRequest>, string[]]>([
    ["another connection", grant({}, "conn_other"), ["connections"]],
    ["another method", grant({ rules: [{ methods: ["DELETE"], paths: contacts.paths }] }), ["allowed_methods"]],
    ["every method", grant({ rules: [{ methods: ["*"], paths: contacts.paths }] }), ["allowed_methods"]],
    ["another path", grant({ rules: [{ methods: ["GET"], paths: ["/crm/v3/lists"] }] }), ["allowed_paths"]],
    ["a wider path", grant({ rules: [{ methods: ["GET"], paths: ["/crm/v3/**"] }] }), ["allowed_paths"]],
    ["no pattern at all", grant({ rules: [{ methods: ["GET"], paths: ["crm"] }] }), ["allowed_paths"]],
    ["fewer denied parameters", grant({ denyQueryParams: ["limit"] }), ["deny_query_params"]],
    ["an account header", grant({ allowHeaders: ["x-account"] }), ["allow_headers"]],
    ["a longer life", { ttlSeconds: 3601 }, ["ttl_seconds"]],
    ["a looser rate", { limits: { ...NO_LIMITS, rate: [{ requests: 61, perSeconds: 60, burst: null }] } }, ["limits"]],
    ["another name", { name: "run-agent-1" }, ["name"]],
  ])("refuses %s", (_, changed, parts) => expect(outside(changed)).toEqual(parts));

  it("refuses beyond the number of live credentials, and without the labels", () => {
    expect(outside({}, {}, 2)).toEqual([]);
    expect(outside({}, {}, 3)).toEqual(["max_active"]);
    expect(outside({}, { labels: { team: "crm" } })).toEqual(["labels"]);
    expect(outside({ labels: { team: "ops" } }, { labels: { team: "crm" } })).toEqual(["labels"]);
    expect(outside({ labels: { team: "ops" } }, { labels: { team: "*" } })).toEqual([]);
    expect(outside({}, { labels: { constructor: "*" } })).toEqual(["labels"]);
  });

  it("bounds bodies, GraphQL, JSON-RPC, models and answers", () => {
    const bounds = {
      scope: scope({
        rules: constraint.scope.rules,
        allowQueryParams: ["limit"],
        maxBodyBytes: 1000,
        body: [{ member: "amount", effect: "deny", values: [] }],
        graphql: { operations: ["query"], fields: ["viewer"] },
        jsonRpc: { methods: ["tools/call"], tools: ["search"] },
        models: ["small-*"],
        removeResponseMembers: ["ssn"],
      }),
    } satisfies Partial<Constraint>;
    expect(outside({}, bounds)).toEqual([]);
    expect(outside(grant({ maxBodyBytes: 1001 }), bounds)).toEqual(["max_body_bytes"]);
    expect(outside(grant({ allowQueryParams: ["limit", "after"] }), bounds)).toEqual(["allow_query_params"]);
    expect(outside(grant({ graphql: { operations: ["query", "mutation"], fields: null } }), bounds)).toEqual([
      "graphql",
    ]);
    expect(outside(grant({ graphql: { operations: ["query"], fields: ["viewer", "node"] } }), bounds)).toEqual([
      "graphql",
    ]);
    expect(outside(grant({ jsonRpc: { methods: null, tools: ["delete"] } }), bounds)).toEqual(["json_rpc"]);
    expect(outside(grant({ models: ["small-1", "large"] }), bounds)).toEqual(["models"]);
    expect(outside(grant({ models: ["small-1*"] }), bounds)).toEqual([]);
    expect(outside(grant({ models: ["*"] }), bounds)).toEqual(["models"]);
    const applied = applyDefaults({ ...constraint, ...bounds }, request).grants[0]?.scope;
    expect(applied).toMatchObject({ maxBodyBytes: 1000, models: ["small-*"], removeResponseMembers: ["ssn"] });
    expect(applied?.body).toHaveLength(1);
    expect(checkConstraint({ ...constraint, ...bounds }, request, 0).ok).toBe(false);
  });

  it("never passes a call that the constraint does not allow", () => {
    const part = fc.constantFrom("a", "b", ":x", "*", "**", "a*", "*b");
    const path = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => `/${parts.join("/")}`);
    const rule = fc.record({
      methods: fc.subarray(["GET", "POST", "*"], { minLength: 1 }),
      paths: fc.array(path, { minLength: 1, maxLength: 2 }),
    });
    const rules = fc.array(rule, { minLength: 1, maxLength: 3 });
    const call = fc.tuple(
      fc.constantFrom("GET", "HEAD", "POST", "PUT"),
      fc.array(fc.constantFrom("a", "b", "ab", "c"), { maxLength: 5 }).map((parts) => `/${parts.join("/")}`),
    );
    const allows = (list: readonly Rule[], method: string, to: string) =>
      list.some(
        (each) =>
          methodAllowed(each.methods, method) &&
          each.paths.some((text) => {
            const pattern = compilePattern(text);
            return pattern !== null && matchPattern(pattern, to);
          }),
      );
    fc.assert(
      fc.property(rules, rules, fc.array(call, { minLength: 5, maxLength: 30 }), (outer, inner, calls) => {
        const bounds = { ...constraint, scope: scope({ rules: outer }) };
        const asked = { ...request, grants: [{ connectionId: "conn_a1b2c3", scope: scope({ rules: inner }) }] };
        if (!checkConstraint(bounds, applyDefaults(bounds, asked), 0).ok) return;
        for (const [method, to] of calls) if (allows(inner, method, to)) expect(allows(outer, method, to)).toBe(true);
      }),
      { numRuns: 400 },
    );
  });
});
