import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MemoryGate, NOON_MS, settlementOf } from "../../tests/harness/gate-fixtures.ts";
import type { ChainCheckpoint } from "./chain.ts";
import { canonicalJson, eventBody, eventFromTuple, GENESIS_HASH, sealEvent, verifyChain } from "./chain.ts";
import type { AuditEvent } from "./event.ts";

function chainOf(length: number): AuditEvent[] {
  const gate = new MemoryGate();
  for (let at = 0; at < length; at += 1) {
    const reply = gate.admit({ path: `/v1/things/${at}` }, NOON_MS + at);
    if (reply.decision === "go") {
      gate.settle([settlementOf(reply.admission, { notes: { z: 1, a: { y: [1, null], b: "ü" } } })], NOON_MS + at + 5);
    }
  }
  return gate.state.outbox.map(eventFromTuple);
}

const checkpointAt = (event: AuditEvent): ChainCheckpoint => ({
  credentialId: event.credentialId ?? "",
  seq: event.seq,
  hash: event.hash,
  atMs: NOON_MS,
  keyId: "k",
  signature: "s",
});
const accept = () => Promise.resolve(true);

describe("verifyChain", () => {
  test("accepts what a gate wrote", async () => {
    const events = chainOf(20);
    expect(events.map((event) => event.seq)).toEqual(Array.from({ length: 20 }, (_, at) => at + 1));
    const result = await verifyChain(events, events.slice(5, 7).map(checkpointAt), accept);
    expect(result).toEqual({ ok: true, value: { events: 20, checkpoints: 2 } });
  });

  test("accepts a part of a chain when the link before it is not asked for", async () => {
    expect((await verifyChain(chainOf(6).slice(3), [], accept, null)).ok).toBe(true);
    expect((await verifyChain(chainOf(6).slice(3), [], accept)).ok).toBe(false);
  });

  test("finds any member that was altered", async () => {
    const events = chainOf(3);
    const middle = events[1];
    if (middle === undefined) throw new Error("no event");
    for (const member of Object.keys(middle) as (keyof AuditEvent)[]) {
      const value = middle[member];
      const altered = member === "notes" ? { other: 1 } : typeof value === "number" ? value + 1 : `${value}x`;
      const forged = [events[0], { ...middle, [member]: altered }, events[2]] as AuditEvent[];
      expect((await verifyChain(forged, [], accept)).ok, member).toBe(false);
    }
  });

  test("finds a missing, a doubled and a moved event", async () => {
    const events = chainOf(5);
    const faultOf = async (list: AuditEvent[]) => {
      const result = await verifyChain(list, [], accept);
      return result.ok ? null : result.error.fault;
    };
    expect(await faultOf(events.filter((event) => event.seq !== 3))).toBe("gap");
    expect(await faultOf(events.flatMap((event) => [event, event]))).toBe("gap");
    expect(await faultOf(events.toReversed())).toBe("gap");
  });

  test("a chain that was rewritten with new hashes disagrees with its checkpoints", async () => {
    const events = chainOf(4);
    let prevHash = GENESIS_HASH;
    const rewritten = events.map((event) => {
      const body = eventBody({ ...event, status: 500, prevHash });
      const sealed = eventFromTuple(sealEvent(body));
      prevHash = sealed.hash;
      return sealed;
    });
    expect((await verifyChain(rewritten, [], accept)).ok).toBe(true);
    const last = events.at(-1);
    if (last === undefined) throw new Error("no event");
    const result = await verifyChain(rewritten, [checkpointAt(last)], accept);
    expect(result.ok ? null : result.error.fault).toBe("checkpoint_differs");
    const forged = await verifyChain(events, [checkpointAt(last)], () => Promise.resolve(false));
    expect(forged.ok ? null : forged.error.fault).toBe("checkpoint_forged");
  });

  test("events survive the way through the queue", () => {
    for (const event of chainOf(3)) {
      const sealed = sealEvent(eventBody(event));
      expect(eventFromTuple(JSON.parse(JSON.stringify(sealed)))).toEqual(event);
    }
  });
});

describe("canonicalJson", () => {
  test("equal values have one text, whatever the order of their members", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const turned = Object.fromEntries(Object.entries(value).toReversed());
        expect(canonicalJson(turned)).toBe(canonicalJson(value));
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});
