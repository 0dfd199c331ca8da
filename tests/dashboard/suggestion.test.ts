/** A proposed scope beside what holds: what comes, goes and stays, what would reach further, and the change that is sent. */
import { describe, expect, it } from "vitest";
import {
  credentialProposal,
  policyProposal,
  scopeLines,
  type ScopeLine,
  type Suggestion,
} from "../../workers/admin/dashboard/screens/suggestion.ts";
import { grant as grantOf } from "./grant.fixture.ts";

function suggestion(connections: Record<string, { methods: string[]; paths: string[] }[]>): Suggestion {
  const entries = Object.entries(connections);
  return {
    from: "2026-01-01T00:00:00.000Z",
    calls: entries.length * 5,
    connections: entries.map(([connection_id, rules]) => ({ connection_id, calls: 5, rules })),
    complete: true,
  };
}

const said = (lines: readonly ScopeLine[] | null | undefined) =>
  (lines ?? []).map((line) => `${line.change}${line.wider ? " wider" : ""} ${line.methods.join(",")} ${line.path}`);

describe("the difference", () => {
  it("says by path which methods come, go and stay", () => {
    const now = [{ methods: ["GET", "POST", "DELETE"], paths: ["/contacts", "/contacts/*"] }];
    const proposed = [
      { methods: ["GET", "POST"], paths: ["/contacts"] },
      { methods: ["GET"], paths: ["/contacts/:id"] },
    ];
    expect(said(scopeLines(now, proposed))).toEqual([
      "removed DELETE /contacts",
      "kept GET,POST /contacts",
      "removed GET,POST,DELETE /contacts/*",
      "added GET /contacts/:id",
    ]);
  });

  it("marks what reaches further than now, and only that", () => {
    const now = [
      { methods: ["GET"], paths: ["/contacts/1", "/notes/*"] },
      { methods: ["*"], paths: ["/tasks"] },
    ];
    const proposed = [
      { methods: ["GET"], paths: ["/contacts/:id", "/notes/:id"] },
      { methods: ["HEAD"], paths: ["/notes/:id"] },
      { methods: ["DELETE"], paths: ["/tasks", "/notes/:id"] },
    ];
    expect(said(scopeLines(now, proposed)).filter((line) => line.startsWith("added"))).toEqual([
      "added wider GET /contacts/:id",
      "added GET,HEAD /notes/:id",
      "added wider DELETE /notes/:id",
      "added DELETE /tasks",
    ]);
    expect(said(scopeLines([{ methods: ["GET"], paths: ["/notes/*"] }], proposed.slice(1, 2)))).toEqual([
      "removed GET /notes/*",
      "added HEAD /notes/:id",
    ]);
  });
});

describe("of a credential", () => {
  const used = [{ methods: ["GET"], paths: ["/contacts/:id"] }];
  const grants = [
    grantOf({ connection_id: "conn_a", rules: [{ methods: ["GET"], paths: ["/a,b", "/*"] }] }),
    grantOf({ connection_id: "conn_b", environment: "production" }),
    grantOf({ connection_id: "conn_c", rules: used }),
  ];
  const own = (at: number, members: object) => ({ ...grants[at], own: members }) as (typeof grants)[number];

  it("changes the grants that were used, and sends the others as they were read", () => {
    const rules = [{ methods: ["GET"], paths: ["/a,b", "/*"] }];
    const proposal = credentialProposal(
      { grants: [own(0, { rules, max_body_bytes: 9 }), own(1, { rules, models: [] })] },
      suggestion({ conn_a: used }),
    );
    expect(proposal.parts.map((part) => [part.connectionId, part.calls, part.lines === null])).toEqual([
      ["conn_a", 5, false],
      ["conn_b", 0, true],
    ]);
    expect(proposal.body).toEqual({
      grants: [
        { connection_id: "conn_a", max_body_bytes: 9, rules: used },
        { connection_id: "conn_b", environment: "production", rules, models: [] },
      ],
    });
  });

  it("says which grant leaves its policy, and lets one follow on that has the least already", () => {
    const leaves = { ...own(0, { max_body_bytes: 9 }), policy_id: "pol_a" };
    const stays = { ...own(2, {}), policy_id: "pol_c" };
    const proposal = credentialProposal({ grants: [leaves, stays] }, suggestion({ conn_a: used, conn_c: used }));
    expect(proposal.parts.map((part) => part.leavesPolicyId)).toEqual(["pol_a", "pol_c"]);
    expect(proposal.body).toEqual({
      grants: [
        { connection_id: "conn_a", policy_id: "pol_a", max_body_bytes: 9, rules: used },
        { connection_id: "conn_c", policy_id: "pol_c" },
      ],
    });
  });

  it("has nothing to apply when nothing was called, or all of it is the least", () => {
    expect(credentialProposal({ grants }, suggestion({})).body).toBeNull();
    expect(credentialProposal({ grants: [own(2, { rules: used })] }, suggestion({ conn_c: used })).body).toBeNull();
    // What was called over a connection that it no longer reaches is no reason to give it back.
    expect(credentialProposal({ grants: [own(2, { rules: used })] }, suggestion({ conn_z: used })).body).toBeNull();
  });
});

describe("of a policy", () => {
  it("is what was called over any of its connections, in one set of rules", () => {
    const found = suggestion({
      conn_a: [{ methods: ["GET"], paths: ["/a", "/b"] }],
      conn_b: [{ methods: ["POST"], paths: ["/a"] }],
    });
    const proposal = policyProposal({ rules: [{ methods: ["GET"], paths: ["/*"] }] }, found);
    expect(proposal.body).toEqual({
      rules: [
        { methods: ["GET", "POST"], paths: ["/a"] },
        { methods: ["GET"], paths: ["/b"] },
      ],
    });
    expect(said(proposal.parts[0]?.lines)).toEqual([
      "removed GET /*",
      "added GET /a",
      "added wider POST /a",
      "added GET /b",
    ]);
    expect(proposal.parts[0]?.calls).toBe(10);
  });

  it("has nothing to apply without calls", () => {
    const proposal = policyProposal({ rules: [{ methods: ["GET"], paths: ["/*"] }] }, suggestion({}));
    expect(proposal).toEqual({
      parts: [{ connectionId: null, leavesPolicyId: null, calls: 0, lines: null }],
      body: null,
    });
  });
});
