import { describe, expect, test } from "vitest";
import { gateDocumentOf, grantOf, MemoryGate, NOON_MS, settlementOf } from "../../tests/harness/gate-fixtures.ts";
import type { AdmissionRequest } from "./admission.ts";
import { EVENT_SEQ, eventFromTuple } from "./chain.ts";
import { MAX_OPEN_ADMISSIONS, MAX_UNDELIVERED_EVENTS } from "./gate-state.ts";
import type { Limits } from "./limits.ts";
import { NO_LIMITS } from "./limits.ts";
import type { ProblemCode, Refusal } from "./problem.ts";

const limitsOf = (changes: Partial<Limits>): Limits => ({ ...NO_LIMITS, ...changes });
const refusal = (code: ProblemCode): Refusal => ({ code, detail: "No" });
const dayBudget = (limit: number, unit: "requests" | "usd_micros" = "requests") => ({
  unit,
  limit,
  window: "day" as const,
  anchorMs: null,
});
const events = (gate: MemoryGate) => gate.state.outbox.map(eventFromTuple);

describe("precedence", () => {
  /** Everything that can be wrong at once, in the order in which it must be named. */
  test("a request with everything wrong learns of the first thing only, step by step", () => {
    const crowded = gateDocumentOf({
      expiresAtMs: NOON_MS + 10,
      trust: { mode: "fixed", addresses: ["198.51.100.1"], allowWorkers: [] },
      limits: limitsOf({
        rate: [{ requests: 1, perSeconds: 3600, burst: null }],
        budgets: [dayBudget(1)],
      }),
    });
    const gate = new MemoryGate(crowded);
    const known = { address: { ip: "198.51.100.1", viaWorker: false } };
    const wrong: Partial<AdmissionRequest> = { refusal: refusal("ambiguous_path"), grantId: null };
    expect(gate.outcome(known, NOON_MS)).toBe("go");
    gate.act(["revoke", 2]);
    expect(gate.outcome(wrong, NOON_MS + 20)).toBe("credential_invalid");
    expect(events(gate).at(-1)?.reason).toBe("revoked");

    const expired = new MemoryGate(crowded);
    expired.admit(known, NOON_MS);
    expect(expired.outcome(wrong, NOON_MS + 10)).toBe("credential_invalid");
    expect(events(expired).at(-1)?.reason).toBe("expired");

    const live = new MemoryGate({ ...crowded, expiresAtMs: null });
    expect(live.outcome(known, NOON_MS)).toBe("go");
    expect(live.outcome(wrong, NOON_MS)).toBe("ambiguous_path");
    expect(live.outcome({ refusal: refusal("connection_not_granted"), grantId: null }, NOON_MS)).toBe(
      "connection_not_granted",
    );
    expect(live.outcome({ grantId: "grant_z" }, NOON_MS)).toBe("connection_not_granted");
    expect(live.outcome({ refusal: refusal("path_denied") }, NOON_MS)).toBe("address_unconfirmed");
    expect(live.outcome({ ...known, refusal: refusal("path_denied") }, NOON_MS)).toBe("path_denied");
    expect(live.outcome({ ...known, refusal: refusal("connection_paused") }, NOON_MS)).toBe("rate_limited");
    const later = NOON_MS + 3_600_000;
    expect(live.outcome({ ...known, refusal: refusal("connection_paused") }, later)).toBe("budget_exhausted");
    const tomorrow = NOON_MS + 86_400_000;
    const hold = { hold: refusal("circuit_open") };
    expect(live.outcome({ ...known, refusal: refusal("connection_paused") }, tomorrow, hold)).toBe("connection_paused");
    expect(live.outcome(known, tomorrow + 3_600_000, hold)).toBe("circuit_open");
    expect(live.outcome(known, tomorrow + 7_200_000)).toBe("go");
  });

  test("a call that asks for payment is admitted past an open breaker, which is told after the payment", () => {
    const gate = new MemoryGate(gateDocumentOf({ limits: limitsOf({ rate: [], budgets: [dayBudget(2)] }) }));
    const failing = { hold: refusal("circuit_open") };
    expect(gate.admit({ asksPayment: true }, NOON_MS, failing)).toMatchObject({ decision: "go", held: failing.hold });
    expect(gate.admit({ asksPayment: true }, NOON_MS)).not.toHaveProperty("held");
    // 429 comes before 402, so these do not wait for a payment.
    expect(gate.outcome({ asksPayment: true }, NOON_MS, failing)).toBe("budget_exhausted");
    const waiting = { hold: refusal("vendor_limited") };
    expect(new MemoryGate().outcome({ asksPayment: true }, NOON_MS, waiting)).toBe("vendor_limited");
    expect(new MemoryGate().outcome({ asksPayment: false }, NOON_MS, failing)).toBe("circuit_open");
  });

  test("the two sides of the customer header", () => {
    const withRule = (mode: "required" | "optional" | "refused", unknown: "allow" | "refuse") =>
      new MemoryGate(gateDocumentOf({ grants: [grantOf({ customers: { mode, unknown } })] }));
    expect(withRule("required", "allow").outcome({}, NOON_MS)).toBe("invalid_request");
    expect(withRule("required", "allow").outcome({ customer: "acme" }, NOON_MS)).toBe("go");
    expect(withRule("refused", "allow").outcome({ customer: "acme" }, NOON_MS)).toBe("invalid_request");
    const strict = withRule("optional", "refuse");
    expect(strict.outcome({ customer: "acme", customerKnown: false }, NOON_MS)).toBe("invalid_request");
    expect(strict.outcome({ customer: "acme", customerKnown: true }, NOON_MS)).toBe("go");
    expect(strict.outcome({}, NOON_MS)).toBe("go");
  });
});

describe("documents", () => {
  test("the gate asks for a document it does not hold, and refuses one that is too old", () => {
    const gate = new MemoryGate(gateDocumentOf({ version: 3 }));
    expect(gate.outcome({}, NOON_MS)).toBe("go");
    expect(gate.outcome({ documentVersion: 2 }, NOON_MS)).toBe("reload");
    gate.act(["require", 5]);
    expect(gate.outcome({ documentVersion: 3 }, NOON_MS)).toBe("reload");
    expect(gate.outcome({ documentVersion: 4, document: gateDocumentOf({ version: 4 }) }, NOON_MS)).toBe("reload");
    gate.document = gateDocumentOf({ version: 5, grants: [] });
    expect(gate.outcome({}, NOON_MS)).toBe("connection_not_granted");
    expect(gate.state.document?.version).toBe(5);
  });

  test("a document that does not carry the version it claims is not taken", () => {
    const gate = new MemoryGate(gateDocumentOf({ version: 3 }));
    expect(gate.outcome({ documentVersion: 9, document: gateDocumentOf({ version: 2 }) }, NOON_MS)).toBe("reload");
  });

  test("a revoked gate says no to every version and never comes back", () => {
    const gate = new MemoryGate();
    gate.admit({}, NOON_MS);
    gate.act(["revoke", 2]);
    for (const version of [1, 2, 7]) {
      const document = gateDocumentOf({ version });
      expect(gate.outcome({ documentVersion: version, document }, NOON_MS)).toBe("credential_invalid");
    }
    expect(gate.state.open.size).toBe(1);
  });

  test("raising a limit keeps what was used", () => {
    const withLimit = (version: number, requests: number) =>
      gateDocumentOf({ version, limits: limitsOf({ rate: [{ requests, perSeconds: 60, burst: null }] }) });
    const gate = new MemoryGate(withLimit(1, 2));
    gate.admit({}, NOON_MS);
    gate.admit({}, NOON_MS);
    expect(gate.outcome({}, NOON_MS)).toBe("rate_limited");
    gate.document = withLimit(2, 3);
    expect(gate.outcome({}, NOON_MS)).toBe("go");
    expect(gate.outcome({}, NOON_MS)).toBe("rate_limited");
  });
});

describe("limits", () => {
  test("refusals for address and scope count against the rate, those for the rate do not", () => {
    const gate = new MemoryGate(
      gateDocumentOf({ limits: limitsOf({ rate: [{ requests: 3, perSeconds: 10, burst: null }] }) }),
    );
    expect(gate.outcome({ refusal: refusal("path_denied") }, NOON_MS)).toBe("path_denied");
    expect(gate.outcome({ refusal: refusal("method_denied") }, NOON_MS)).toBe("method_denied");
    expect(gate.outcome({}, NOON_MS)).toBe("go");
    expect(gate.outcome({}, NOON_MS + 9_999)).toBe("rate_limited");
    expect(gate.outcome({}, NOON_MS + 10_000)).toBe("go");
  });

  test("a malformed request takes nothing from the rate", () => {
    const rate = [{ requests: 1, perSeconds: 10, burst: null }];
    const gate = new MemoryGate(gateDocumentOf({ limits: limitsOf({ rate }) }));
    expect(gate.outcome({ refusal: refusal("ambiguous_path") }, NOON_MS)).toBe("ambiguous_path");
    expect(gate.outcome({}, NOON_MS)).toBe("go");
  });

  test("a grant's limits hold for it alone, the credential's for all", () => {
    const rate = [{ requests: 1, perSeconds: 60, burst: null }];
    const gate = new MemoryGate(
      gateDocumentOf({
        limits: limitsOf({ budgets: [dayBudget(2)] }),
        grants: [grantOf({ limits: limitsOf({ rate }) }), grantOf({ id: "grant_b", connectionId: "conn_b" })],
      }),
    );
    expect(gate.outcome({}, NOON_MS)).toBe("go");
    expect(gate.outcome({}, NOON_MS)).toBe("rate_limited");
    expect(gate.outcome({ grantId: "grant_b" }, NOON_MS)).toBe("go");
    expect(gate.outcome({ grantId: "grant_b" }, NOON_MS)).toBe("budget_exhausted");
  });

  test("a money budget reserves the most, settles the actual and gives the rest back", () => {
    const gate = new MemoryGate(gateDocumentOf({ limits: limitsOf({ budgets: [dayBudget(1_000, "usd_micros")] }) }));
    expect(gate.outcome({ reserveUsdMicros: 900 }, NOON_MS)).toBe("go");
    expect(gate.outcome({ reserveUsdMicros: 200 }, NOON_MS)).toBe("budget_exhausted");
    gate.settle([settlementOf(1, { costUsdMicros: 300 })], NOON_MS);
    expect(gate.outcome({ reserveUsdMicros: 701 }, NOON_MS)).toBe("budget_exhausted");
    expect(gate.outcome({ reserveUsdMicros: 700 }, NOON_MS)).toBe("go");
    expect(gate.outcome({ reserveUsdMicros: 0 }, NOON_MS)).toBe("budget_exhausted");
  });

  test("settling twice, or late, changes nothing", () => {
    const gate = new MemoryGate(gateDocumentOf({ limits: limitsOf({ budgets: [dayBudget(2)] }) }));
    gate.admit({}, NOON_MS);
    gate.admit({}, NOON_MS);
    gate.settle([settlementOf(1, { forwarded: false, reason: "circuit_open", status: 503 })], NOON_MS);
    const once = JSON.stringify([...gate.state.budgets]);
    gate.settle([settlementOf(1, { forwarded: false }), settlementOf(1), settlementOf(99)], NOON_MS);
    expect(JSON.stringify([...gate.state.budgets])).toBe(once);
    gate.act(["expire", NOON_MS + 20_000, 2]);
    const closed = gate.state.closed;
    gate.settle([settlementOf(2, { forwarded: false })], NOON_MS + 21_000);
    expect(gate.state.closed).toBe(closed);
    expect(events(gate).map((event) => event.reason)).toEqual(["circuit_open", "unknown"]);
    expect(gate.outcome({}, NOON_MS)).toBe("go");
    expect(gate.outcome({}, NOON_MS)).toBe("budget_exhausted");
  });

  test("an alert for each threshold, once per window", () => {
    const gate = new MemoryGate(gateDocumentOf({ limits: limitsOf({ budgets: [dayBudget(10)] }) }));
    const alerts = () =>
      [...gate.state.notices.values()].map((notice) => notice.kind === "budget_alert" && notice.thresholdPercent);
    const call = (nowMs: number) => {
      const reply = gate.admit({}, nowMs);
      if (reply.decision === "go") gate.settle([settlementOf(reply.admission)], nowMs);
    };
    for (let at = 0; at < 4; at += 1) call(NOON_MS);
    expect(alerts()).toEqual([]);
    // What is only reserved is not spent: six are open, one of them is settled, the others reach no vendor.
    for (let at = 0; at < 6; at += 1) gate.admit({}, NOON_MS);
    gate.settle([settlementOf(5)], NOON_MS);
    expect(alerts()).toEqual([50]);
    const notForwarded = { forwarded: false, reason: "circuit_open", status: 503 };
    gate.settle(
      [6, 7, 8, 9, 10].map((admission) => settlementOf(admission, notForwarded)),
      NOON_MS,
    );
    expect(alerts()).toEqual([50]);
    for (let at = 0; at < 7; at += 1) call(NOON_MS);
    expect(alerts()).toEqual([50, 80, 100]);
    gate.act(["delivered", [], [...gate.state.notices.keys()]]);
    call(NOON_MS);
    expect(alerts()).toEqual([]);
    for (let at = 0; at < 5; at += 1) call(NOON_MS + 86_400_000);
    expect(alerts()).toEqual([50]);
  });

  test("the open calls and the undelivered events of one credential are bounded", () => {
    const gate = new MemoryGate();
    for (let at = 0; at < MAX_OPEN_ADMISSIONS; at += 1) expect(gate.outcome({}, NOON_MS)).toBe("go");
    expect(gate.outcome({}, NOON_MS)).toBe("unavailable");
    gate.settle([settlementOf(1)], NOON_MS);
    expect(gate.outcome({}, NOON_MS)).toBe("go");

    const sample = gate.state.outbox[0];
    if (sample === undefined) throw new Error("no event");
    gate.settle([settlementOf(2)], NOON_MS);
    gate.state.outbox = Array.from({ length: MAX_UNDELIVERED_EVENTS }, () => sample);
    const before = gate.log.length;
    expect(gate.outcome({}, NOON_MS)).toBe("unavailable");
    expect(gate.log.length).toBe(before);
    gate.act(["revoke", 2]);
    expect(gate.outcome({}, NOON_MS)).toBe("credential_invalid");
  });
});

describe("addresses", () => {
  const firstUse = gateDocumentOf({ trust: { mode: "first_use", addresses: [], allowWorkers: [] } });
  const at = (ip: string) => ({ address: { ip, viaWorker: false } });

  test("a new address is refused, asked about once, and works when it was confirmed", () => {
    const gate = new MemoryGate(firstUse);
    expect(gate.outcome(at("203.0.113.7"), NOON_MS)).toBe("go");
    const reply = gate.admit(at("198.51.100.1"), NOON_MS);
    expect(reply.decision === "refused" && reply.refusal).toMatchObject({
      code: "address_unconfirmed",
      extensions: { confirmation_sent_to: "k***@example.com" },
    });
    expect(gate.outcome(at("198.51.100.1"), NOON_MS + 1_000)).toBe("address_unconfirmed");
    const notices = [...gate.state.notices.values()];
    expect(notices).toMatchObject([
      { kind: "confirm_address", address: "198.51.100.1", recipientEmail: "kate@example.com", connectionName: "A" },
    ]);
    const notice = notices[0];
    gate.act(["confirm", NOON_MS + 2_000, notice?.kind === "confirm_address" ? notice.confirmationId : ""]);
    expect(gate.outcome(at("198.51.100.1"), NOON_MS + 3_000)).toBe("go");
    expect(gate.outcome(at("198.51.100.2"), NOON_MS + 3_000)).toBe("address_unconfirmed");
  });

  test("without an email address an administrator must confirm", () => {
    const gate = new MemoryGate({ ...firstUse, recipient: null });
    gate.admit(at("203.0.113.7"), NOON_MS);
    const reply = gate.admit(at("198.51.100.1"), NOON_MS);
    expect(reply.decision === "refused" && reply.refusal.detail).toContain("administrator");
  });

  test("forty new addresses cause five confirmations", () => {
    const gate = new MemoryGate(firstUse);
    gate.admit(at("203.0.113.7"), NOON_MS);
    for (let n = 1; n <= 40; n += 1) gate.admit(at(`198.51.100.${n}`), NOON_MS + n);
    expect(gate.state.notices.size).toBe(5);
    expect(events(gate)).toHaveLength(40);
  });
});

describe("the record", () => {
  test("every decision has one event, gap-free, with what was asked and what became of it", () => {
    const gate = new MemoryGate();
    gate.admit({ requestId: "req_1", customer: "acme", path: "/v1/a" }, NOON_MS);
    gate.admit({ requestId: "req_2", refusal: { ...refusal("path_denied"), reason: "path_denied" } }, NOON_MS + 1);
    gate.admit({ requestId: "req_3" }, NOON_MS + 2);
    gate.settle([settlementOf(2, { status: 502, upstreamStatus: null, reason: "upstream_unreachable" })], NOON_MS + 3);
    gate.settle([settlementOf(1, { costUsdMicros: 7.2 })], NOON_MS + 4);
    expect(events(gate)).toMatchObject([
      { seq: 1, requestId: "req_2", decision: "denied", reason: "path_denied", status: 403, admission: 0 },
      { seq: 2, requestId: "req_3", decision: "allowed", reason: "upstream_unreachable", status: 502, admission: 2 },
      {
        seq: 3,
        requestId: "req_1",
        decision: "allowed",
        reason: "ok",
        costUsdMicros: 8,
        customer: "acme",
        atMs: NOON_MS,
      },
    ]);
  });

  test("what the audit database confirmed is forgotten, and nothing else", () => {
    const gate = new MemoryGate();
    for (let at = 0; at < 6; at += 1) gate.admit({ refusal: refusal("path_denied") }, NOON_MS + at);
    gate.act([
      "delivered",
      [
        [1, 2],
        [5, 5],
      ],
      [],
    ]);
    expect(gate.state.outbox.map((event) => event[EVENT_SEQ])).toEqual([3, 4, 6]);
    gate.act(["delivered", [[1, 6]], []]);
    expect(gate.state.outbox).toEqual([]);
    expect(gate.state.outboxChars).toBe(0);
  });

  test("a token in the path or in the user agent does not reach the record", () => {
    const token = `rk_proxy_${"a1B2".repeat(12)}`;
    const gate = new MemoryGate();
    gate.admit({ path: `/v1/${token}`, userAgent: `agent ${token}`, refusal: refusal("path_denied") }, NOON_MS);
    expect(JSON.stringify(gate.log)).not.toContain(token);
    expect(events(gate)[0]?.path).toBe("/v1/[token]");
  });

  test("refusals that need no event of their own leave no record", () => {
    const gate = new MemoryGate();
    gate.admit({}, NOON_MS);
    gate.act(["revoke", 2]);
    const before = gate.log.length;
    const turn = gate.turn({}, NOON_MS + 1, { ownEvent: () => false });
    expect(turn.fold).toMatchObject({ reason: "revoked", status: 401 });
    expect(gate.log.length).toBe(before);
  });
});
