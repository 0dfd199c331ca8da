import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { gateDocumentOf, MemoryGate, NOON_MS, requestOf } from "../../tests/harness/gate-fixtures.ts";
import { eventFromTuple } from "./chain.ts";
import { recordedText, requestFacts } from "./gate-records.ts";

/** The form of a token, and nobody's. */
const TOKEN = `rk_proxy_${"Ab1".repeat(22)}z`;

describe("what a caller wrote", () => {
  it("is kept without tokens, wherever it stands", () => {
    const facts = requestFacts(requestOf({ customer: TOKEN, userAgent: `ua ${TOKEN}`, path: `/a/${TOKEN}` }), null);
    expect(JSON.stringify(facts)).not.toContain(TOKEN);
  });

  it("reaches neither the log nor the mail about a new address with a token in it", () => {
    const trust = { mode: "first_use", addresses: [], allowWorkers: [] } as const;
    const gate = new MemoryGate(gateDocumentOf({ trust }));
    expect(gate.outcome({}, NOON_MS)).toBe("go");
    const elsewhere = { address: { ip: "203.0.113.99", viaWorker: false }, userAgent: `agent ${TOKEN}` };
    expect(gate.outcome(elsewhere, NOON_MS)).toBe("address_unconfirmed");
    expect(gate.state.notices.size).toBe(1);
    expect(JSON.stringify([gate.log, [...gate.state.notices.values()]])).not.toContain(TOKEN);
  });

  it("is cut between characters, so that every text comes back from a database as it was hashed", () => {
    expect(recordedText(`${"a".repeat(255)}\u{1f600}`, 256).isWellFormed()).toBe(true);
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.nat(40), (text, max) => {
        const kept = recordedText(text, max);
        expect(kept.isWellFormed()).toBe(true);
        expect(kept.length).toBeLessThanOrEqual(Math.max(max, "[token]".length));
      }),
    );
    const gate = new MemoryGate(gateDocumentOf());
    const half = `${"a".repeat(255)}\ud83d`;
    expect(gate.outcome({ userAgent: half, customer: half, operation: half }, NOON_MS)).toBe("go");
    gate.act(["expire", NOON_MS, 1]);
    const [event] = gate.state.outbox.map(eventFromTuple);
    const kept = [event?.userAgent, event?.customer, event?.operation];
    expect(kept.map((text) => text?.isWellFormed())).toEqual([true, true, true]);
  });
});
