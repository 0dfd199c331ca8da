import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MemoryGate, NOON_MS } from "../../tests/harness/gate-fixtures.ts";
import { EVENT_SEQ } from "./chain.ts";
import { packEvents, resendDelayMs } from "./outbox.ts";

/** What the Queue takes, in bytes. */
const QUEUE_MESSAGE_BYTES = 128_000;

function outboxOf(paths: readonly string[], userAgent = "curl/8") {
  const gate = new MemoryGate();
  for (const [at, path] of paths.entries()) {
    gate.admit({ path, userAgent, refusal: { code: "path_denied", detail: "No" } }, NOON_MS + at);
  }
  return gate.state.outbox;
}

describe("packEvents", () => {
  test("every event once, in order, and no message above what the Queue takes", () => {
    const paths = fc.array(
      fc.integer({ min: 1, max: 2_048 }).map((length) => `/${"é".repeat(length - 1)}`),
      { maxLength: 90 },
    );
    fc.assert(
      fc.property(paths, fc.nat(50), (list, after) => {
        const outbox = outboxOf(list, 'ü"\\'.repeat(80));
        const messages = packEvents(outbox, after, Infinity);
        expect(messages.flat().map((event) => event[EVENT_SEQ])).toEqual(
          outbox.map((event) => event[EVENT_SEQ]).filter((seq) => seq > after),
        );
        for (const message of messages) {
          expect(new TextEncoder().encode(JSON.stringify(message)).length).toBeLessThan(QUEUE_MESSAGE_BYTES);
        }
      }),
      { numRuns: 40 },
    );
  });

  test("the longest events there can be still make messages that fit", () => {
    const outbox = outboxOf(
      Array.from({ length: 150 }, () => "é".repeat(2_048)),
      "\u{1f600}".repeat(128),
    );
    for (const message of packEvents(outbox, 0, Infinity)) {
      expect(new TextEncoder().encode(JSON.stringify(message)).length).toBeLessThan(QUEUE_MESSAGE_BYTES);
    }
  });

  test("no more messages than asked for", () => {
    const outbox = outboxOf(Array.from({ length: 700 }, (_, at) => `/${at}`));
    expect(packEvents(outbox, 0, 2)).toHaveLength(2);
    expect(packEvents(outbox, 700, 2)).toEqual([]);
  });
});

test("sending again waits longer each time, up to five minutes", () => {
  expect([0, 1, 2, 3, 4, 50].map(resendDelayMs)).toEqual([5_000, 5_000, 15_000, 60_000, 300_000, 300_000]);
});
