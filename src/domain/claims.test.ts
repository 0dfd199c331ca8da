import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { claimRulesProblem, matchClaims } from "./claims.ts";

const GITHUB = "https://token.actions.githubusercontent.com";

describe("matchClaims", () => {
  it("wants every claim, whole, from the value or the list", () => {
    const rules = { repository_id: "74", environment: ["production", "staging"] };
    expect(matchClaims(rules, { repository_id: "74", environment: "staging", sub: "x" }).ok).toBe(true);
    expect(matchClaims(rules, { repository_id: "74" })).toEqual({
      ok: false,
      error: { claim: "environment", problem: "missing" },
    });
    expect(matchClaims(rules, { repository_id: "740", environment: "staging" })).toEqual({
      ok: false,
      error: { claim: "repository_id", problem: "different" },
    });
  });

  it("plays no games with prefixes, case, blanks or wildcards", () => {
    const rules = { sub: "repo:acme/app:ref:refs/heads/main" };
    for (const sub of [
      "repo:acme/app:ref:refs/heads/main2",
      "REPO:acme/app:ref:refs/heads/main",
      "repo:acme/app",
      " repo:acme/app:ref:refs/heads/main",
      "*",
    ]) {
      expect(matchClaims(rules, { sub }).ok).toBe(false);
    }
    expect(matchClaims({ sub: "*" }, { sub: "anything" }).ok).toBe(false);
  });

  it("takes one of a token's list, a number for its text, and nothing else for anything else", () => {
    expect(matchClaims({ groups: "ops" }, { groups: ["dev", "ops"] }).ok).toBe(true);
    expect(matchClaims({ project_id: 12 }, { project_id: "12" }).ok).toBe(true);
    expect(matchClaims({ project_id: "12" }, { project_id: 12 }).ok).toBe(true);
    expect(matchClaims({ verified: true }, { verified: "true" }).ok).toBe(false);
    expect(matchClaims({ a: "null" }, { a: null }).ok).toBe(false);
    expect(matchClaims({ a: "[object Object]" }, { a: {} }).ok).toBe(false);
    expect(matchClaims({ a: Number("9007199254740993") }, { a: "9007199254740992" }).ok).toBe(false);
  });

  it("never reads inherited members, and an empty policy trusts nobody", () => {
    expect(matchClaims({ constructor: "x" }, {}).ok).toBe(false);
    expect(matchClaims({}, { sub: "x" }).ok).toBe(false);
  });

  it("accepts a text only when it is the same text", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (wanted, given) => {
        expect(matchClaims({ sub: wanted }, { sub: given }).ok).toBe(wanted === given);
      }),
    );
  });
});

describe("claimRulesProblem", () => {
  it("wants a claim, and one that identifies at an issuer that serves everyone", () => {
    expect(claimRulesProblem(GITHUB, { repository_id: "1" })).toBeNull();
    expect(claimRulesProblem("https://idp.example.com", { team: "a" })).toBeNull();
    expect(claimRulesProblem(GITHUB, {})).toContain("at least one");
    expect(claimRulesProblem(GITHUB, { environment: "production" })).toContain("serves everyone");
    expect(claimRulesProblem(`${GITHUB}/`, { environment: "production" })).toContain("serves everyone");
  });

  it("refuses wildcards, empty lists and texts, and too much", () => {
    expect(claimRulesProblem(GITHUB, { sub: "repo:acme/*" })).toContain("wildcards");
    expect(claimRulesProblem(GITHUB, { sub: [] })).toContain("1 to");
    expect(claimRulesProblem(GITHUB, { sub: "" })).toContain("empty");
    const many = Object.fromEntries(Array.from({ length: 21 }, (_, at) => [`c${at}`, "v"]));
    expect(claimRulesProblem(GITHUB, many)).toContain("At most");
  });
});
