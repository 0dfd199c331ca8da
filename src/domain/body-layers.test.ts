import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { stackRules } from "./body-layers.ts";
import { judgeBody } from "./body-rules.ts";
import { applyDefaults, checkConstraint, type ConstrainedRequest, type Constraint } from "./constraint.ts";
import { NO_LIMITS } from "./limits.ts";
import { EMPTY_SCOPE, type BodyRule } from "./scope.ts";
import { mergeScope } from "./settings.ts";

const RULES = [{ methods: ["POST"], paths: ["/x"] }];
const HEADERS = { contentType: "application/json", contentEncoding: null };

function allows(body: readonly BodyRule[], document: unknown): boolean {
  const bytes = new TextEncoder().encode(JSON.stringify(document));
  return judgeBody({ ...EMPTY_SCOPE, body }, "POST", HEADERS, bytes) === null;
}

/** The body rules of the credential that a provisioner gets for what it asks; null: it is refused. */
function minted(outer: readonly BodyRule[], asked: readonly BodyRule[]): readonly BodyRule[] | null {
  const constraint: Constraint = {
    connections: ["c"],
    scope: { ...EMPTY_SCOPE, rules: RULES, body: outer },
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
    grants: [{ connectionId: "c", scope: { ...EMPTY_SCOPE, rules: RULES, body: asked } }],
  };
  const applied = applyDefaults(constraint, request);
  return checkConstraint(constraint, applied, 0).ok ? (applied.grants[0]?.scope.body ?? null) : null;
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
});
