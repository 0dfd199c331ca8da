/** What the form of trust policies sends, and what it tells a pipeline to run. */
import { describe, expect, it } from "vitest";
import type { TrustPolicy } from "../../src/contract/exchange.ts";
import { ciSnippet } from "../../workers/admin/dashboard/screens/ci-snippet.ts";
import {
  claimDraft,
  prefill,
  systemOf,
  trustBody,
  trustDraft,
} from "../../workers/admin/dashboard/screens/trust-draft.ts";
import type { TrustDraft } from "../../workers/admin/dashboard/screens/trust-draft.ts";
import { KNOWN_ISSUERS, knownIssuer } from "../../workers/admin/dashboard/screens/trust-issuers.ts";

const POLICY: TrustPolicy = {
  id: "trust_0123456789abcdef",
  name: "Deploy job",
  issuer: "https://ci.example.com",
  audience: "relaykey",
  jwks_url: "https://ci.example.com/keys",
  claims: { sub: ["repo:a,b:ref:main", "repo:c"], environment: ["production"] },
  constraints: {
    connections: ["conn_a", "conn_b"],
    allowed_methods: ["GET"],
    allowed_paths: ["/v1/*"],
    deny_query_params: ["expand"],
    max_body_bytes: 1_000,
    json_rpc: { tools: ["search"] },
    max_ttl_seconds: 1_234,
    limits: { rate: [{ requests: 5, per_seconds: 60, burst: null }], budgets: [], per_customer: null },
    max_active: 3,
    name_pattern: "ci-*",
    labels: { team: "crm" },
  },
  status: "active",
  created_by: "mk_0123456789abcdef",
  created_at: "2026-01-01T00:00:00Z",
  updated_at: "2026-01-01T00:00:00Z",
};

/** A new draft that lacks nothing. */
function complete(): TrustDraft {
  const draft = trustDraft(null);
  draft.name.value = "Deploy job";
  draft.claims.value = [claimDraft("repository_id", "74")];
  draft.constraints.connectionIds.value = ["conn_a"];
  for (const rule of draft.constraints.scope.rules.value) rule.paths.value = "/v1/*";
  return draft;
}

function errorsOf(draft: TrustDraft): readonly string[] {
  const body = trustBody(draft, null);
  return body.ok ? [] : body.error.map((each) => each.field);
}

describe("a trust policy's form", () => {
  it("sends a policy back as it was, also what it has no field for, but not the issuer", () => {
    const body = trustBody(trustDraft(POLICY), POLICY);
    const { allowed_methods: methods, allowed_paths: paths, ...constraints } = POLICY.constraints;
    expect(body).toEqual({
      ok: true,
      value: {
        name: POLICY.name,
        audience: POLICY.audience,
        jwks_url: POLICY.jwks_url,
        claims: POLICY.claims,
        constraints: { ...constraints, rules: [{ methods, paths }] },
      },
    });
  });

  it("takes away what was emptied", () => {
    const draft = trustDraft(POLICY);
    draft.jwksUrl.value = " ";
    draft.constraints.maxActive.value = "";
    draft.constraints.namePattern.value = "";
    draft.constraints.labels.value = [];
    draft.constraints.limits.rates.value = [];
    const body = trustBody(draft, POLICY);
    expect(body).toMatchObject({ ok: true, value: { jwks_url: null } });
    const { constraints } = (body.ok ? body.value : {}) as { constraints: object };
    for (const gone of ["max_active", "name_pattern", "labels", "limits"]) expect(constraints).not.toHaveProperty(gone);
  });

  it("states the least for a new one", () => {
    expect(trustBody(complete(), null)).toEqual({
      ok: true,
      value: {
        name: "Deploy job",
        issuer: "https://token.actions.githubusercontent.com",
        audience: "relaykey",
        claims: { repository_id: ["74"] },
        constraints: { connections: ["conn_a"], rules: [{ methods: ["GET"], paths: ["/v1/*"] }], max_ttl_seconds: 900 },
      },
    });
  });

  it("says everything that is missing at once", () => {
    expect(errorsOf(trustDraft(null))).toEqual([
      "claims.repository_id",
      "constraints.connections",
      "constraints.rules[0]",
    ]);
    expect(errorsOf(complete())).toEqual([]);
  });

  it("lets no claim stand twice, since one would be lost", () => {
    const draft = complete();
    draft.claims.value = [claimDraft("sub", "a"), claimDraft(" sub ", "b")];
    expect(errorsOf(draft)).toEqual(["claims.sub"]);
  });

  it("begins with each system's issuer and claims, and knows them again on another host", () => {
    const draft = complete();
    for (const known of KNOWN_ISSUERS) {
      prefill(draft, known);
      expect(draft.issuer.value).toBe(known.issuer);
      expect(draft.claims.value.length).toBeGreaterThan(1);
      draft.issuer.value = "https://ci.example.com";
      expect(systemOf(draft)).toBe(known);
    }
    prefill(draft, null);
    expect([draft.issuer.value, systemOf(draft)]).toEqual(["", null]);
  });

  it("calls no issuer by the name of another", () => {
    expect(knownIssuer("https://gitlab.com/")?.name).toBe("GitLab CI");
    expect(knownIssuer("https://gitlab.com.example.org")).toBeNull();
    expect(knownIssuer("https://token.actions.githubusercontent.com/acme")).toBeNull();
  });
});

describe("a pipeline's snippet", () => {
  const policy = { id: POLICY.id, audience: "relaykey", claims: POLICY.claims };
  const at = "https://admin.example.com";

  it.each(["github", "gitlab", "shell"] as const)("names the policy and where it is exchanged (%s)", (kind) => {
    const text = ciSnippet(kind, policy, at);
    expect(text).toContain(`curl -sS "${at}/api/v1/token-exchange"`);
    expect(text).toContain(`trust_policy_id=${POLICY.id}`);
    expect(text).toContain("subject_token=$IDENTITY");
  });

  it("gives the job its environment only when the policy wants one", () => {
    for (const kind of ["github", "gitlab"] as const) {
      expect(ciSnippet(kind, policy, at)).toMatch(/^ +environment: production$/m);
      expect(ciSnippet(kind, { ...policy, claims: { sub: ["a"] } }, at)).not.toContain("environment");
    }
  });

  it("keeps an audience that is no plain word in its place", () => {
    const odd = { ...policy, audience: 'https://a.example/?x=1&y="$(id)"' };
    expect(ciSnippet("gitlab", odd, at)).toContain(`aud: ${JSON.stringify(odd.audience)}`);
    expect(ciSnippet("gitlab", { ...policy, audience: "true" }, at)).toContain('aud: "true"');
    const asked = /&audience=([^"]*)"/.exec(ciSnippet("github", odd, at))?.[1] ?? "";
    expect(asked).toMatch(/^[A-Za-z0-9%._~()'!*-]+$/);
    expect(decodeURIComponent(asked)).toBe(odd.audience);
  });

  it("masks the token before it is written anywhere", () => {
    const text = ciSnippet("github", policy, at);
    expect(text.indexOf("::add-mask::$TOKEN")).toBeGreaterThan(0);
    expect(text.indexOf("::add-mask::$TOKEN")).toBeLessThan(text.indexOf("RELAYKEY_TOKEN=$TOKEN"));
  });
});
