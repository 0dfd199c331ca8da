import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { stackRules } from "./body-layers.ts";
import { judgeBody } from "./body-rules.ts";
import { applyDefaults, checkConstraint, type ConstrainedRequest, type Constraint } from "./constraint.ts";
import { NO_LIMITS } from "./limits.ts";
import { judgeScope } from "./scope-judge.ts";
import { EMPTY_SCOPE, type BodyRule, type Scope } from "./scope.ts";
import { mergeScope } from "./settings.ts";

const RULES = [{ methods: ["POST"], paths: ["/x"] }];
const HEADERS = { contentType: "application/json", contentEncoding: null };

/** Whether a call that carries nothing but this query is allowed. */
function allowsQuery(scope: Scope, method: string, query: string): boolean {
  return judgeScope(scope, { method, path: "/x", query }, []).ok;
}

function allows(body: readonly BodyRule[], document: unknown): boolean {
  const bytes = new TextEncoder().encode(JSON.stringify(document));
  return judgeBody({ ...EMPTY_SCOPE, body }, "POST", HEADERS, bytes) === null;
}

/** The body rules of the credential that a provisioner gets for what it asks; null: it is refused. */
function minted(outer: readonly BodyRule[], asked: readonly BodyRule[]): readonly BodyRule[] | null {
  return (
    mintedScope({ ...EMPTY_SCOPE, rules: RULES, body: outer }, { ...EMPTY_SCOPE, rules: RULES, body: asked })?.body ??
    null
  );
}

function mintedScope(outer: Scope, asked: Scope): Scope | null {
  const constraint: Constraint = {
    connections: ["c"],
    scope: outer,
    maxTtlSeconds: 60,
    limits: NO_LIMITS,
    maxActive: null,
    namePattern: null,
    labels: {},
  };
  const request: ConstrainedRequest = {
    name: "n",
    ttlSeconds: 60,
    labels: {},
    limits: NO_LIMITS,
    grants: [{ connectionId: "c", scope: asked }],
  };
  const applied = applyDefaults(constraint, request);
  return checkConstraint(constraint, applied, 0).ok ? (applied.grants[0]?.scope ?? null) : null;
}

const allow = (member: string): BodyRule => ({ member, effect: "allow", values: [] });

describe("lists of allowed members of two places", () => {
  const outer = [allow("amount"), allow("note")];

  it("are not read as one", () => {
    const document = { amount: 1, destination: "acct_1" };
    expect(minted(outer, [allow("destination")])).toBeNull();
    const merged = mergeScope({ body: outer }, { body: [allow("destination")] }).body;
    expect(allows(merged, document)).toBe(false);
    expect(allows(merged, {})).toBe(true);
    const narrower = mergeScope({ body: outer }, { body: [allow("amount")] }).body;
    expect(allows(narrower, { amount: 1 })).toBe(true);
    expect(allows(narrower, { note: "x" })).toBe(false);
  });

  it("stay as they are when they are stacked again", () => {
    const once = stackRules([allow("amount")], outer);
    expect(stackRules(once, outer)).toEqual(once);
    expect(minted(outer, once)).toEqual(once);
  });

  it("are not opened by parameters that the request allows itself", () => {
    const listed = { ...EMPTY_SCOPE, rules: RULES, body: outer };
    const asking = (names: string[], methods = ["POST"]): Scope => ({
      ...EMPTY_SCOPE,
      rules: [{ methods, paths: ["/x"] }],
      allowQueryParams: names,
    });
    expect(mintedScope(listed, asking(["destination"]))).toBeNull();
    expect(mintedScope(listed, asking(["amount"]))).not.toBeNull();
    // Reading is not what the list speaks of, and what the key itself allows may be allowed.
    const reading = { ...listed, rules: [{ methods: ["GET", "POST"], paths: ["/x"] }] };
    expect(mintedScope(reading, asking(["limit"], ["GET"]))).not.toBeNull();
    expect(mintedScope({ ...listed, allowQueryParams: ["version"] }, asking(["version"]))).not.toBeNull();
    expect(mintedScope({ ...listed, allowQueryParams: ["version"] }, asking(["destination"]))).toBeNull();
  });

  const member = fc.constantFrom("a", "b", "a.b", "a.c", "b.a", "l[].a");
  const values = fc.subarray<string | number>([1, 2, "x"]);
  const rule: fc.Arbitrary<BodyRule> = fc.oneof(
    fc.record({ member, effect: fc.constantFrom("allow", "deny"), values }),
    fc.record({ member, effect: fc.constant("one_of"), values: fc.subarray([1, 2, "x"], { minLength: 1 }) }),
  );
  const rules = fc.array(rule, { maxLength: 4 });
  const leaf = fc.constantFrom(1, 2, "x");
  const object = fc.dictionary(fc.constantFrom("a", "b", "c"), leaf, { maxKeys: 3 });
  const document = fc.dictionary(fc.constantFrom("a", "b", "c", "l"), fc.oneof(leaf, object, fc.array(object)), {
    maxKeys: 3,
  });

  it("allow together what each allows, and nothing else", () => {
    fc.assert(
      fc.property(rules, rules, rules, document, (constraint, policy, grant, sent) => {
        const merged = mergeScope({ body: policy }, { body: grant }).body;
        expect(allows(merged, sent)).toBe(allows(policy, sent) && allows(grant, sent));
        const given = minted(constraint, merged);
        if (given !== null) expect(allows(given, sent)).toBe(allows(constraint, sent) && allows(merged, sent));
      }),
      { numRuns: 3_000 },
    );
  });

  const names = fc.option(fc.subarray(["a", "a.b", "b", "l", "x"]), { nil: null });
  const methods = fc.subarray(["GET", "POST"], { minLength: 1 });
  const parameter = fc.tuple(fc.constantFrom("a", "A", "a[b]", "a.c", "b", "l[0][a]", "l[]", "x", "ab"), leaf);
  const queries = fc.array(parameter, { minLength: 1, maxLength: 2 });

  it("let no parameter pass that the outer of them refuses", () => {
    fc.assert(
      fc.property(rules, names, rules, names, methods, queries, (body, params, ownBody, ownParams, own, sent) => {
        const whole = { ...EMPTY_SCOPE, rules: [{ methods: ["GET", "POST"], paths: ["/x"] }] };
        const constraint = { ...whole, body, allowQueryParams: params };
        const rules_ = [{ methods: own, paths: ["/x"] }];
        const given = mintedScope(constraint, { ...whole, rules: rules_, body: ownBody, allowQueryParams: ownParams });
        const query = sent.map(([name, value]) => `${name}=${value}`).join("&");
        for (const method of given === null ? [] : own) {
          if (allowsQuery(given ?? whole, method, query)) expect(allowsQuery(constraint, method, query)).toBe(true);
        }
      }),
      { numRuns: 5_000 },
    );
  });
});
