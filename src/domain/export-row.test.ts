import { describe, expect, it } from "vitest";

import { AuditEventView } from "../contract/audit-event.ts";
import { eventFromTuple, sealEvent, verifyChain, type EventTuple } from "./chain.ts";
import { csvHeader, csvLine, EXPORT_COLUMNS, ndjsonLine, type ExportRow } from "./export-row.ts";

function rowOf(tuple: EventTuple, n: number): ExportRow {
  return { ...eventFromTuple(tuple), n, notes: tuple[28] };
}

const first = sealEvent([
  "org_default",
  "dcred_1",
  1,
  1,
  Date.UTC(2026, 4, 1),
  null,
  "conn_a",
  "grant_1",
  null,
  null,
  "GET",
  "/=cmd|' /C calc'!A0",
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
  '=HYPERLINK("x")',
  "req_1",
  null,
  1,
  '{"b":1}',
  "0".repeat(64),
]);
const second = sealEvent([
  "org_default",
  "dcred_1",
  2,
  2,
  Date.UTC(2026, 4, 1),
  null,
  "conn_a",
  "grant_1",
  null,
  null,
  "GET",
  "/b",
  null,
  "denied",
  "path_denied",
  403,
  null,
  0,
  0,
  0,
  0,
  0,
  null,
  null,
  "",
  "req_2",
  null,
  1,
  "{}",
  first[30],
]);

describe("exports", () => {
  it("name their columns as the API does", () => {
    const known = Object.keys(AuditEventView.shape);
    const names = EXPORT_COLUMNS.map((column) => column.name).filter((name) => name !== "organisation_id");
    expect(names.toSorted()).toEqual(known.toSorted());
  });

  it("are all that a verifier needs", async () => {
    const events = [first, second].map((tuple, at) => {
      const line: Record<string, unknown> = JSON.parse(ndjsonLine(rowOf(tuple, at)));
      const camel = Object.entries(line).map(([name, value]) => [
        name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
        value,
      ]);
      const { at: time, ...rest } = Object.fromEntries(camel);
      return { ...eventFromTuple(tuple), ...rest, atMs: Date.parse(time) };
    });
    expect(await verifyChain(events, [], async () => true)).toMatchObject({ ok: true, value: { events: 2 } });
    const altered = [{ ...events[0]!, path: "/other" }, events[1]!];
    expect(await verifyChain(altered, [], async () => true)).toMatchObject({ ok: false, error: { fault: "altered" } });
  });

  it("start no formula in a spreadsheet", () => {
    const line = csvLine(rowOf(first, 1));
    expect(line).toContain(`"'=HYPERLINK(""x"")"`);
    expect(line).toContain('"2026-05-01T00:00:00.000Z"');
    expect(csvHeader().split(",").slice(0, EXPORT_COLUMNS.length)).toEqual(
      EXPORT_COLUMNS.map((column) => `"${column.name}"`),
    );
  });

  it("show a payment's members in columns of their own, where they start no formula either", () => {
    const payment = {
      provider: "x402",
      state: "settled",
      usd_micros: 1_000,
      payer: `0x${"a".repeat(40)}`,
      amount: "1000",
      asset: "=1+1",
      network: "eip155:84532",
      transaction: `0x${"b".repeat(64)}`,
      charged: 1_000,
    };
    const names = csvHeader().trimEnd().split(",").slice(EXPORT_COLUMNS.length);
    const cells = (notes: string): string[] =>
      csvLine({ ...rowOf(second, 1), notes })
        .trimEnd()
        .split(",")
        .slice(-names.length);
    expect(names).toEqual(
      ["provider", "state", "usd_micros", "account", "payer", "amount", "asset", "network", "transaction"].map(
        (name) => `"payment_${name}"`,
      ),
    );
    expect(cells(JSON.stringify({ payment }))).toEqual([
      '"x402"',
      '"settled"',
      "1000",
      "",
      `"0x${"a".repeat(40)}"`,
      '"1000"',
      `"'=1+1"`,
      '"eip155:84532"',
      `"0x${"b".repeat(64)}"`,
    ]);
    for (const notes of ["{}", '{"payment":7}', '{"payment":', '{"payment":{"payer":{"x":1}}}']) {
      expect(cells(notes)).toEqual(names.map(() => ""));
    }
  });
});
