import { describe, expect, it } from "vitest";

import { eventFromTuple, sealEvent, type ChainCheckpoint, type EventTuple, type VerifySignature } from "./chain.ts";
import { checkpointLine, keyLine, ndjsonLine } from "./export-row.ts";
import { digestOver, NO_ROWS_DIGEST, statementLine, statementMessage } from "./export-statement.ts";
import { parseExport, verifyExport } from "./export-verify.ts";

/** `end`: where the last event was. */
function chain(credentialId: string, count: number, end = `/v1/${count}`): EventTuple[] {
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
      seq === count ? end : `/v1/${seq}`,
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
/** Signs by saying what was signed. */
const signatureOf = (message: Uint8Array): string => `good ${new TextDecoder().decode(message)}`;
const good: VerifySignature = async (message, signed) =>
  signed.signature === "good" || signed.signature === signatureOf(message);

function stated(rows: readonly string[], filter: Readonly<Record<string, unknown>> = {}): string {
  const digest = digestOver(NO_ROWS_DIGEST, rows);
  const unsigned = { organisationId: "org_default", filter, rows: rows.length, digest, keyId: "k" };
  return statementLine({ ...unsigned, signature: signatureOf(statementMessage(unsigned)) });
}

async function check(lines: readonly string[]) {
  const parsed = parseExport(lines.join(""));
  return parsed.ok ? verifyExport(parsed.value, good) : parsed;
}

const a = chain("dcred_a", 4);
const b = chain("dcred_b", 3);
const rows = [...b.map((each) => line(each)), ...a.toReversed().map((each) => line(each))];
const end = [checkpointLine(head(a[3]!)), checkpointLine(head(b[1]!)), keyLine("k", "pub")];
const whole = [...rows, ...end, stated(rows)];

/** The rows that are left, signed for anew: what the chains and heads find by themselves. */
const resigned = (left: readonly string[]): string[] => [...left, ...end, stated(left)];
/** The statement as it was: what it finds. */
const kept = (left: readonly string[]): string[] => [...left, ...end, stated(rows)];

describe("verifyExport", () => {
  it("passes a whole export in any order", async () => {
    const value = { events: 7, credentials: 2, checkpoints: 2, unchained: 0, begunLater: [], narrowedBy: [] };
    expect(await check(whole)).toEqual({ ok: true, value });
  });

  it("names credentials whose beginning is not there", async () => {
    const left = a.slice(2).map((each) => line(each));
    expect(await check([...left, stated(left)])).toMatchObject({
      ok: true,
      value: { events: 2, begunLater: ["dcred_a"] },
    });
  });

  it("passes what a filter left, and says by what", async () => {
    const left = [a[0]!, a[2]!, a[3]!].map((each) => line(each));
    expect(await check([...left, ...end, stated(left, { decision: "denied" })])).toMatchObject({
      ok: true,
      value: { events: 3, checkpoints: 1, begunLater: [], narrowedBy: ["decision"] },
    });
    expect(await check([...left, ...end, stated(left, { credential_id: "dcred_a" })])).toMatchObject({
      error: { fault: "gap" },
    });
  });

  const without = (path: string) => rows.filter((text) => !text.includes(`"/v1/${path}"`));
  const changed = (from: string, to: string) => rows.map((text) => text.replace(from, to));
  it.each<[string, readonly string[], string]>([
    ["a missing event", resigned(without("2")), "gap"],
    ["a changed path", resigned(changed('"/v1/2"', '"/v1/9"')), "altered"],
    ["a changed note", resigned(changed('"b":[1]', '"b":[2]')), "altered"],
    ["a changed decision", resigned(changed('"allowed"', '"denied"')), "altered"],
    ["a number as text", resigned(changed('"status":200', '"status":"x"')), "altered"],
    ["an altered row of a filtered export", [...changed('"/v1/2"', '"/v1/9"'), stated(rows, { to_ms: 1 })], "altered"],
    ["a last event that a head tells of", resigned(without("4")), "cut_off"],
    ["a credential that heads alone tell of", resigned(rows.slice(0, 3)), "cut_off"],
    ["a last event that no head tells of", kept(rows.filter((text) => text !== line(b[2]!))), "statement_differs"],
    ["the first events", kept(without("1")), "statement_differs"],
    ["a row that stands twice", kept([...rows.slice(0, 3), rows[0]!, ...rows.slice(3)]), "gap"],
    [
      "the end of a chain made anew",
      kept([...rows.slice(0, 2), line(chain("dcred_b", 3, "/forged")[2]!), ...rows.slice(3)]),
      "statement_differs",
    ],
    [
      "another filter",
      [...rows, ...end, stated(rows).replace('"filter":{}', '"filter":{"to_ms":1}')],
      "statement_forged",
    ],
    ["another number of rows", [...rows, ...end, stated(rows).replace('"rows":7', '"rows":6')], "statement_forged"],
    ["an export without its statement", [...rows, ...end], "unstated"],
    ["nothing", [], "unstated"],
    ["a forged head", [...whole, checkpointLine({ ...head(a[1]!), signature: "bad" })], "checkpoint_forged"],
    [
      "a forged head of nobody",
      [...whole, checkpointLine({ ...head(a[1]!), credentialId: "dcred_c", signature: "bad" })],
      "checkpoint_forged",
    ],
    [
      "a chain that was made anew behind a signed head",
      [...whole, checkpointLine({ ...head(a[1]!), hash: "f".repeat(64) })],
      "checkpoint_differs",
    ],
    ["another file", ["hello\n"], "malformed"],
    ["a line without members", [...whole, "{}\n"], "malformed"],
  ])("finds %s", async (_, lines, fault) => {
    expect(await check(lines)).toMatchObject({ ok: false, error: { fault } });
  });
});
