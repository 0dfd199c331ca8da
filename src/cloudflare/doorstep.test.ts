import { expect, test } from "vitest";
import { eventFromTuple, sealEvent, eventBody } from "../domain/chain.ts";
import type { AuditMessage } from "./audit-messages.ts";
import { doorstep, DoorstepCounts } from "./doorstep.ts";

function bench() {
  const sent: AuditMessage[] = [];
  const work: Promise<unknown>[] = [];
  const sleeps: number[] = [];
  const clock = { nowMs: 1_000_000 };
  let nonce = 0;
  const door = doorstep({
    queue: { send: async (message: AuditMessage) => void sent.push(message) } as unknown as Queue<AuditMessage>,
    counts: new DoorstepCounts(),
    nowMs: () => clock.nowMs,
    sleep: async (delayMs) => void sleeps.push(delayMs),
    defer: (each) => work.push(each),
    nonce: () => `n${(nonce += 1)}`,
  });
  const events = () =>
    sent.flatMap((message) => (message.kind === "doorstep" ? message.events.map(eventFromTuple) : []));
  return { door, sent, work, sleeps, clock, events };
}

test("a flood becomes one event per reason, with its count", async () => {
  const { door, work, events, sent, sleeps } = bench();
  for (let n = 0; n < 1_000; n += 1) door.refused(n % 2 === 0 ? "forged" : "unknown", `/conn_a/${n}`);
  await Promise.all(work);
  expect(sent).toHaveLength(1);
  expect(
    events().map(({ reason, count, credentialId, status, path }) => [reason, count, credentialId, status, path]),
  ).toEqual([
    ["forged", 500, null, 401, "/conn_a/0"],
    ["unknown", 500, null, 401, "/conn_a/1"],
  ]);
  expect(sleeps).toEqual([500]);
});

test("each refusal is recorded with the status that was answered", async () => {
  const { door, work, events } = bench();
  for (const reason of [
    "forged",
    "revoked",
    "credential_missing",
    "conflicting_credentials",
    "unavailable",
    "toString",
  ]) {
    door.refused(reason, "/a");
  }
  await Promise.all(work);
  expect(events().map(({ status }) => status)).toEqual([401, 401, 401, 400, 503, 401]);
});

test("the first refusals are sent soon, those of a lasting flood less often", async () => {
  const { door, work, clock, sleeps } = bench();
  door.refused("forged", "/a");
  await Promise.all(work);
  clock.nowMs += 100;
  door.refused("forged", "/a");
  await Promise.all(work);
  clock.nowMs += 60_000;
  door.refused("forged", "/a");
  await Promise.all(work);
  expect(sleeps).toEqual([500, 10_000, 500]);
});

test("invented reasons do not grow the memory", async () => {
  const { door, work, events } = bench();
  for (let n = 0; n < 100; n += 1) door.refused(`reason ${n}`, "/a");
  await Promise.all(work);
  expect(events().length).toBeLessThanOrEqual(17);
  expect(events().reduce((sum, { count }) => sum + count, 0)).toBe(100);
});

test("two equal refusals of two isolates are two events, each hashed", async () => {
  const { door, work, events } = bench();
  door.refused("forged", "/a");
  await Promise.all(work);
  door.refused("forged", "/a");
  await Promise.all(work);
  const [first, second] = events();
  if (first === undefined || second === undefined) throw new Error("no events");
  expect(first.id).not.toBe(second.id);
  expect(sealEvent(eventBody(first))[30]).toBe(first.hash);
});

test("a token in a path does not reach the record", async () => {
  const { door, work, sent } = bench();
  const token = `vk_${"x9Y8".repeat(15)}`;
  door.refused("forged", `/conn_a/${token}`);
  await Promise.all(work);
  expect(JSON.stringify(sent)).not.toContain(token);
});
