/** An event's ten steps: passed up to the one that stopped it, none reached after, and always recorded. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AuditEventView } from "../../src/contract/audit-event.ts";
import { PROBLEM_KINDS } from "../../src/domain/problem.ts";
import { decisionSteps, whyText } from "../../workers/admin/dashboard/screens/decision.ts";
import { plain } from "../../workers/admin/dashboard/format.ts";

function event(decision: AuditEventView["decision"], reason: string): AuditEventView {
  return {
    id: "evt_1",
    seq: 7,
    admission: 7,
    at: "2026-11-22T00:00:00.000Z",
    credential_id: "dcred_1",
    recipient_id: null,
    connection_id: "conn_1",
    grant_id: null,
    customer: null,
    environment: null,
    method: "GET",
    path: "/",
    operation: null,
    decision,
    reason,
    status: 200,
    upstream_status: null,
    attempts: 0,
    latency_ms: null,
    upstream_ms: null,
    bytes_in: null,
    bytes_out: null,
    cost_usd_micros: null,
    address: null,
    user_agent: "",
    request_id: "req_1",
    upstream_credential_id: null,
    count: 1,
    notes: {},
    prev_hash: "",
    hash: "",
  };
}

const states = (decision: AuditEventView["decision"], reason: string) =>
  decisionSteps(event(decision, reason)).map((step) => step.state);

describe("the steps of a decision", () => {
  it("all pass for a call that went through", () => {
    expect(states("allowed", "ok")).toEqual(Array.from({ length: 10 }, () => "passed"));
  });

  it.each([
    ["credential_invalid", 0],
    ["path_denied", 2],
    ["rate_limited", 3],
    ["budget_exhausted", 4],
    ["connection_paused", 6],
    ["upstream_timeout", 8],
  ])("%s stops at step %i, and nothing after it is reached", (reason, at) => {
    const found = states("denied", reason);
    expect(found[at]).toBe("stopped");
    expect(found.slice(0, at).every((state) => state === "passed")).toBe(true);
    expect(found.slice(at + 1, 9).every((state) => state === "skipped")).toBe(true);
    expect(found[9]).toBe("passed");
  });

  it("stops once for every refusal there is, known or not, and says why", () => {
    for (const reason of [...Object.keys(PROBLEM_KINDS), "something_new"]) {
      expect(
        states("denied", reason).filter((state) => state === "stopped"),
        reason,
      ).toHaveLength(1);
      expect(whyText(reason)).not.toBe("");
    }
  });
});

describe("text of unknown origin", () => {
  it("shows what would hide or reorder the rest", () => {
    expect(plain("a\u202eb\u0000c")).toBe("a⟨U+202E⟩b⟨U+0⟩c");
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => !/[\p{Cc}\u202a-\u202e\u2066-\u2069]/u.test(plain(text))),
    );
  });
});
