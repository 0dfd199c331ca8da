import { describe, expect, it } from "vitest";

import { EMPTY_TALLY, replayPage, replaySummary } from "./replay.ts";
import { replayJudge, unjudgedMembers, type ReplayCall, type ReplayScopes } from "./replay-judge.ts";
import { EMPTY_SCOPE, type Scope } from "./scope.ts";

function call(path: string, part: Partial<ReplayCall> = {}): ReplayCall {
  const decision = part.reason === undefined ? "allowed" : "denied";
  const known = { id: `evt_${path}`, grantId: "grant_a", method: "GET", path, decision, reason: "ok" } as const;
  return { ...known, bytesIn: 0, count: 1, atMs: 1, ...part };
}

describe("replayPage", () => {
  const judge = (each: ReplayCall) =>
    each.path.startsWith("/b") ? "blocked" : each.path === "/u" ? "undecided" : "same";

  it("counts what a change would block and allow, over pages", () => {
    const first = replayPage(EMPTY_TALLY, [call("/a"), call("/b"), call("/b"), call("/u")], judge);
    const tally = replayPage(first, [call("/c"), call("/d")], (each) => (each.path === "/c" ? "allowed" : "same"));
    expect(tally).toMatchObject({ calls: 6, wouldBlock: 2, wouldAllow: 1, undecided: 1 });
    expect(tally.blocked.map((sample) => sample.path)).toEqual(["/b"]);
    expect(tally.allowed.map((sample) => sample.path)).toEqual(["/c"]);
    expect(replaySummary(tally)).toContain("of 1 it cannot be said");
  });

  it("keeps few samples and weighs folded events", () => {
    const calls = Array.from({ length: 30 }, (_, at) => call(`/b${at}`, { count: 311 }));
    const tally = replayPage(EMPTY_TALLY, calls, judge);
    expect(tally.blocked).toHaveLength(20);
    expect(replaySummary(tally)).toBe(
      "9,330 of 9,330 calls would have been blocked; 0 that were refused would have been allowed",
    );
  });
});

describe("replayJudge", () => {
  const rules = [{ methods: ["GET", "POST"], paths: ["/a/*"] }];
  const scope = (part: Partial<Scope> = {}): Scope => ({ ...EMPTY_SCOPE, rules, ...part });
  const change = (after: Partial<Scope>, ...before: Partial<Scope>[]): ReplayScopes => ({
    after: scope(after),
    before: (before.length === 0 ? [{}] : before).map(scope),
  });
  const post = { method: "POST", bytesIn: 20 } as const;
  const denied = (reason: string) => ({ reason, bytesIn: null });
  const query = { denyQueryParams: ["expand"] };
  const hidden = { removeResponseMembers: ["email"] };
  const moreHidden = { removeResponseMembers: ["email", "name"] };
  const graphql = { operations: ["query"], fields: null } as const;
  const body = { body: [{ member: "amount", effect: "deny", values: [] }] } as const;

  it.each<[string, ReplayScopes, ReplayCall, string]>([
    ["a path outside", change({}), call("/b"), "blocked"],
    ["a path inside", change({}), call("/a/1"), "same"],
    ["a method outside", change({}), call("/a/1", { method: "DELETE" }), "blocked"],
    ["a refused path inside", change({}), call("/a/1", denied("path_denied")), "allowed"],
    ["a refused path outside", change({}), call("/b", denied("path_denied")), "same"],
    ["refused for something else", change({}), call("/a/1", denied("rate_limited")), "same"],
    ["a query rule that is new", change(query), call("/a/1"), "undecided"],
    ["a query rule that is new, and a path outside", change(query), call("/b"), "blocked"],
    ["a query rule that held all the time", change(query, query), call("/a/1"), "same"],
    ["a query rule that held some of the time", change(query, query, {}), call("/a/1"), "undecided"],
    ["members hidden anew", change(hidden), call("/a/1", post), "undecided"],
    ["members hidden all the time, with more of them", change(moreHidden, hidden), call("/a/1", post), "same"],
    [
      "members hidden, and the graphql rule goes",
      change(hidden, { ...hidden, graphql }),
      call("/a/1", post),
      "undecided",
    ],
    [
      "a refused body, and members hidden no more",
      change({}, hidden),
      call("/a/1", { ...post, ...denied("body_denied") }),
      "allowed",
    ],
    ["a query rule that goes", change({}, query), call("/a/1"), "same"],
    ["a refused query whose rule stays", change(query, query), call("/a/1", denied("query_denied")), "same"],
    ["a refused query whose rule goes", change({}, query), call("/a/1", denied("query_denied")), "undecided"],
    ["a refused query whose rule changes", change(query, {}), call("/a/1", denied("query_denied")), "undecided"],
    [
      "a refused path, and a query rule behind it",
      change(query, query),
      call("/a/1", denied("path_denied")),
      "undecided",
    ],
    ["a body rule, and a query that may name its member", change(body), call("/a/1"), "undecided"],
    ["a rule for bodies alone, and no body", change({ jsonRpc: { methods: [], tools: null } }), call("/a/1"), "same"],
    ["a body rule, and a body", change(body), call("/a/1", post), "undecided"],
    ["a body rule, and nothing counted of a POST", change(body), call("/a/1", { ...post, bytesIn: 0 }), "undecided"],
    [
      "a refused body whose rule goes",
      change({}, body),
      call("/a/1", { ...post, ...denied("body_denied") }),
      "allowed",
    ],
    ["a size that is passed", change({ maxBodyBytes: 10 }), call("/a/1", post), "blocked"],
    ["a size that may be passed", change({ maxBodyBytes: 30 }), call("/a/1", post), "undecided"],
    ["a long path", change({}), call(`/a/${"x".repeat(2_050)}`.slice(0, 2_048)), "undecided"],
    ["a path without its token", change({}), call("/b/[token]"), "undecided"],
    ["an unknown past", { after: scope(query), before: null }, call("/a/1"), "undecided"],
    ["an unknown past, and nothing that restricts", { after: scope(), before: null }, call("/a/1"), "same"],
  ])("%s", (_what, scopes, past, outcome) => expect(replayJudge(scopes)(past)).toBe(outcome));

  it("names the members that were not judged", () => {
    expect(unjudgedMembers(change({ ...query, models: ["a*"] }, query))).toEqual(["models"]);
    expect(unjudgedMembers(change({}, query))).toEqual([]);
  });
});
