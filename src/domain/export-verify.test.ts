import { describe, expect, it } from "vitest";

import { eventFromTuple, sealEvent, type ChainCheckpoint, type EventTuple } from "./chain.ts";
import { checkpointLine, keyLine, ndjsonLine } from "./export-row.ts";
import { parseExport, verifyExport } from "./export-verify.ts";

function chain(credentialId: string, count: number): EventTuple[] {
  const events: EventTuple[] = [];
  let prevHash = "0".repeat(64);
  for (let seq = 1; seq <= count; seq += 1) {
    const sealed = sealEvent([
      "org_default",
      credentialId,
      seq,
      seq,
      Date.UTC(2026, 4, 1) + seq,
      "rcpt_1",
      "conn_a",
      null,
      "c1",
      null,
      "GET",
      `/v1/${seq}`,
      null,
      "allowed",
      "ok",
      200,
      200,
      1,
      12,
      10,
      0,
      5,
      null,
      "203.0.113.5",
      "test",
      `req_${seq}`,
      null,
      1,
      '{"a":{"b":[1]}}',
      prevHash,
    ]);
    prevHash = sealed[30];
    events.push(sealed);
  }
  return events;
}

const line = (tuple: EventTuple, n = 1) => ndjsonLine({ ...eventFromTuple(tuple), n, notes: tuple[28] });
const head = (tuple: EventTuple): ChainCheckpoint => ({
  credentialId: tuple[1] ?? "",
  seq: tuple[2],
  hash: tuple[30],
  atMs: 1,
  keyId: "k",
  signature: "good",
});
const good = async (_message: Uint8Array, checkpoint: ChainCheckpoint) => checkpoint.signature === "good";

async function check(lines: readonly string[]) {
  const parsed = parseExport(lines.join(""));
  return parsed.ok ? verifyExport(parsed.value, good) : parsed;
}

const a = chain("dcred_a", 4);
const b = chain("dcred_b", 3);
const whole = [
  ...b.map((each) => line(each)),
  ...a.toReversed().map((each) => line(each)),
  checkpointLine(head(a[3]!)),
  keyLine("k", "pub"),
];

describe("verifyExport", () => {
  it("passes a whole export in any order", async () => {
    expect(await check(whole)).toEqual({
      ok: true,
      value: { events: 7, credentials: 2, checkpoints: 1, unchained: 0, begunLater: [] },
    });
  });

  it("names credentials whose beginning is not there", async () => {
    expect(await check(a.slice(2).map((each) => line(each)))).toMatchObject({
      ok: true,
      value: { events: 2, begunLater: ["dcred_a"] },
    });
  });

  it.each<[string, readonly string[], string]>([
    ["a missing event", whole.filter((text) => !text.includes('"/v1/2"')), "gap"],
    ["a changed path", whole.map((text) => text.replace('"/v1/2"', '"/v1/9"')), "altered"],
    ["a changed note", whole.map((text) => text.replace('"b":[1]', '"b":[2]')), "altered"],
    ["a changed decision", whole.map((text) => text.replace('"allowed"', '"denied"')), "altered"],
    ["a number as text", whole.map((text) => text.replace('"status":200', '"status":"x"')), "altered"],
    ["a forged head", [...whole, checkpointLine({ ...head(a[1]!), signature: "bad" })], "checkpoint_forged"],
    [
      "a chain that was made anew behind a signed head",
      [...a.slice(0, 2).map((each) => line(each)), checkpointLine({ ...head(a[1]!), hash: "f".repeat(64) })],
      "checkpoint_differs",
    ],
    ["another file", ["hello\n"], "malformed"],
    ["a line without members", [...whole, "{}\n"], "malformed"],
  ])("finds %s", async (_, lines, fault) => {
    expect(await check(lines)).toMatchObject({ ok: false, error: { fault } });
  });
});
