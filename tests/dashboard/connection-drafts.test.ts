/** The forms of a connection: what is not touched stays as it is, and what cannot be read is named. */
import { describe, expect, it } from "vitest";
import { PriceRuleWire } from "../../src/contract/price.ts";
import { ReliabilityWire, fromReliability } from "../../src/contract/reliability.ts";
import { DEFAULT_RELIABILITY } from "../../src/domain/reliability.ts";
import { costBody, costDraft, costText } from "../../workers/admin/dashboard/screens/cost-draft.ts";
import { headerLines, headersOf } from "../../workers/admin/dashboard/screens/header-lines.ts";
import { originDraft, originsBody } from "../../workers/admin/dashboard/screens/origins-draft.ts";
import { reliabilityBody, reliabilityDraft } from "../../workers/admin/dashboard/screens/reliability-draft.ts";

describe("the vendor's prices", () => {
  const rules = [
    { kind: "fixed", methods: ["GET"], paths: ["/v1/*"], usd_micros: 1_250 },
    {
      kind: "header",
      methods: ["*"],
      paths: ["/a", "/b"],
      name: "X-Cost",
      usd_micros_per_unit: 1_000_000,
      max_usd_micros: 5_000_000,
    },
    {
      kind: "json",
      methods: ["POST"],
      paths: ["/v1/messages"],
      members: [
        { member: "usage.input_tokens", usd_micros_per_unit: 3 },
        { member: "usage.output_tokens", usd_micros_per_unit: 0.25 },
        { member: "usage.cached", usd_micros_per_unit: 0.5, optional: true },
      ],
      max_usd_micros: 1_000_000,
    },
  ].map((each) => PriceRuleWire.parse(each));

  it("stay as they are when nothing is touched", () => {
    for (const rule of rules) expect(costBody(costDraft(rule), 0)).toEqual({ ok: true, value: rule });
  });

  it("are said in dollars", () => {
    expect(rules.map(costText)).toEqual([
      "$0.00125 a call",
      "$1 for each unit of X-Cost, at most $5.00",
      "$3 for a million of usage.input_tokens, $0.25 for a million of usage.output_tokens, $0.5 for a million of usage.cached, at most $1.00",
    ]);
  });

  it("name the field that cannot be read, by the price's place", () => {
    const draft = costDraft(null);
    draft.kind.value = "json";
    const body = costBody(draft, 4);
    expect(body.ok ? [] : body.error.map((each) => each.field)).toEqual([
      "prices[4].max_usd_micros",
      "prices[4].members[0].usd_micros_per_unit",
    ]);
  });
});

describe("reliability", () => {
  const wire = ReliabilityWire.parse({
    ...fromReliability(DEFAULT_RELIABILITY),
    base_delay_ms: 250,
    idempotency_header: "idempotency-key",
    idempotency_paths: ["/v1/payments", "/v1/refunds"],
    retry_budget_share: 0.15,
    limit_signs: [{ statuses: [403], header: "x-left: 0", body_includes: null, wait_seconds: 30 }],
    refused_signs: [{ statuses: [400], header: null, body_includes: "bad key" }],
    quota_headers: [{ remaining: "x-left", reset: "x-reset", unit: "epoch_ms" }],
  });

  it("stays as it is when nothing is touched", () => {
    // Not on the form, so not in its body: the API keeps what is stored.
    const { connect_timeout_ms: _kept, ...shown } = wire;
    expect(reliabilityBody(reliabilityDraft(wire))).toEqual({ ok: true, value: shown });
    const off = { ...shown, breaker: null };
    expect(reliabilityBody(reliabilityDraft(off))).toEqual({ ok: true, value: off });
  });

  it("names what is no number of seconds and no status", () => {
    const draft = reliabilityDraft(wire);
    draft.times.first_byte_timeout_ms.value = "soon";
    draft.retryStatuses.value = "429, often";
    const body = reliabilityBody(draft);
    expect(body.ok ? [] : body.error.map((each) => each.field)).toEqual([
      "reliability.first_byte_timeout_ms",
      "reliability.retry_statuses",
    ]);
  });
});

describe("further hosts", () => {
  const origins = [
    { name: "files", base_url: "https://files.example.com/", path_prefixes: ["/v1/files", "/v1/a,b"] },
    { name: "uploads", base_url: "https://uploads.example.com/", path_prefixes: [] },
  ];

  it("stay as they are when nothing is touched", () => {
    expect(originsBody(origins.map(originDraft))).toEqual({ ok: true, value: origins });
    expect(originsBody([])).toEqual({ ok: true, value: [] });
  });

  it("name the second of two with one name, since no call would reach it", () => {
    const drafts = [...origins, { name: " files ", base_url: "https://c.example.com/", path_prefixes: [] }];
    expect(originsBody(drafts.map(originDraft))).toEqual({
      ok: false,
      error: [{ field: "origins[2].name", message: "Is the name of another one" }],
    });
  });
});

describe("headers, one a line", () => {
  it("are read back as they were", () => {
    const headers = { "X-Account": "7", "api-version": "2026-01-01: beta" };
    expect(headersOf(headerLines(headers))).toEqual({ ok: true, value: headers });
    expect(headersOf("\n  \n")).toEqual({ ok: true, value: {} });
  });

  it("say which line is none, and which name stands twice", () => {
    expect(headersOf("x-a: 1\nnothing")).toEqual({ ok: false, error: "Is not a name, a colon and a value: nothing" });
    expect(headersOf(": 1")).toMatchObject({ ok: false });
    expect(headersOf("x-a: 1\nX-A: 2")).toEqual({ ok: false, error: "Names X-A twice" });
  });
});
