import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { EMPTY_SCOPE } from "../domain/scope.ts";
import { CredentialCreate } from "./credential.ts";
import { TrustWire, toTrust } from "./limits.ts";
import { Constraints } from "./management-key.ts";
import { PolicyCreate, patchPolicySettings } from "./policy.ts";
import { SCOPE_MEMBERS, fromScope, toScope } from "./scope.ts";

const Wire = z.strictObject(SCOPE_MEMBERS);

function fieldsOf(schema: z.ZodType, value: unknown): string[] {
  return schema.safeParse(value).error?.issues.map((issue) => issue.path.join(".")) ?? [];
}

describe("scopes on the wire", () => {
  const path = fc.constantFrom("/", "/v1/*", "/v1/:id/x", "/a/**", "/api/conversations.*");
  const rule = fc.record({
    methods: fc.array(fc.constantFrom("get", "POST", "*"), { minLength: 1, maxLength: 3 }),
    paths: fc.array(path, { minLength: 1, maxLength: 3 }),
  });
  const names = fc.array(fc.constantFrom("expand[]", "limit", "ü"), { maxLength: 3 });

  it("come back as they went in", () => {
    const wire = fc.record(
      {
        rules: fc.array(rule, { minLength: 1, maxLength: 3 }),
        deny_query_params: names,
        allow_query_params: fc.option(names),
        max_body_bytes: fc.option(fc.integer({ min: 1, max: 1_000 })),
        models: fc.option(fc.array(fc.constantFrom("small-*", "big"), { maxLength: 2 })),
        remove_response_members: fc.array(fc.constantFrom("a.b", "items[].price"), { maxLength: 2 }),
      },
      { requiredKeys: ["rules"] },
    );
    fc.assert(
      fc.property(wire, (given) => {
        const parsed = Wire.parse(given);
        const scope = { ...EMPTY_SCOPE, ...toScope(parsed) };
        const { allowed_methods: _methods, allowed_paths: _paths, ...view } = fromScope(scope);
        expect({ ...EMPTY_SCOPE, ...toScope(Wire.parse(view)) }).toEqual(scope);
        expect(scope.rules.every((each) => each.methods.every((method) => method === method.toUpperCase()))).toBe(true);
      }),
    );
  });

  it("have two forms that never stand together, and no half of one", () => {
    const short = { name: "x", connection_id: "conn_a", allowed_methods: ["GET"], allowed_paths: ["/a"] };
    expect(fieldsOf(CredentialCreate, short)).toEqual([]);
    expect(fieldsOf(CredentialCreate, { ...short, allowed_paths: undefined })).toEqual(["allowed_paths"]);
    expect(fieldsOf(CredentialCreate, { ...short, allowed_methods: undefined })).toEqual(["allowed_methods"]);
    expect(fieldsOf(CredentialCreate, { ...short, rules: [{ methods: ["GET"], paths: ["/a"] }] })).toEqual(["rules"]);
    expect(fieldsOf(CredentialCreate, { name: "x", connection_id: "conn_a" })).toEqual(["allowed_paths"]);
    expect(fieldsOf(CredentialCreate, { ...short, grants: [{ connection_id: "conn_b", policy_id: "pol_1" }] })).toEqual(
      expect.arrayContaining(["connection_id", "allowed_methods", "allowed_paths"]),
    );
    const twice = { connection_id: "conn_a", allowed_methods: ["GET"], allowed_paths: ["/a"] };
    expect(fieldsOf(CredentialCreate, { name: "x", grants: [twice, twice] })).toEqual(["grants.1.connection_id"]);
  });

  it("refuse paths that are no patterns, and say why", () => {
    for (const text of ["v1", "", "/a/../b", "/%2e%2e", "/a//b", "/a?b", "/a\\b", "/a\u0000"]) {
      const value = { name: "x", allowed_methods: ["GET"], allowed_paths: [text] };
      expect(fieldsOf(PolicyCreate, value), text).toEqual(["allowed_paths.0"]);
    }
  });
});

describe("policies", () => {
  it("keep what a change does not state, and drop what it sets to null", () => {
    const base = patchPolicySettings(
      PolicyCreate.parse({
        name: "x",
        allowed_methods: ["GET"],
        allowed_paths: ["/a"],
        trust: { mode: "off" },
        block_from: "high",
        price: { provider: "credits", default_usd_micros: 5, account: "recipient" },
      }),
      { scope: {} },
    );
    expect(patchPolicySettings({}, base)).toEqual(base);
    const cleared = patchPolicySettings({ trust: null, block_from: null, price: null }, base);
    expect(cleared).toEqual({ scope: base.scope });
  });
});

describe("trust", () => {
  it("takes addresses and aligned blocks in canonical form", () => {
    const trust = toTrust(TrustWire.parse({ mode: "fixed", addresses: ["2001:DB8:0:0::/64", "203.0.113.0/24"] }));
    expect(trust.addresses).toEqual(["2001:db8::/64", "203.0.113.0/24"]);
    for (const bad of ["203.0.113.7/24", "203.0.113", "x", "1.2.3.4/33"]) {
      expect(fieldsOf(TrustWire, { mode: "fixed", addresses: [bad] }), bad).toEqual(["addresses.0"]);
    }
  });
});

describe("constraints", () => {
  it("must say which calls", () => {
    expect(fieldsOf(Constraints, { connections: ["conn_a"], max_ttl_seconds: 60 })).toEqual(["allowed_paths"]);
  });
});
