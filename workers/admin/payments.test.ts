/** Payments as they are read back: the list, its filters and pages, the sums in usage, and what the insert's trigger makes of events. */
import { env } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import type { EventTuple } from "../../src/domain/chain.ts";
import { storeRows } from "../../src/store/audit-events.ts";
import { call, newConnection, newKey, type Answer } from "./admin.fixture.ts";
import { otherOrganisation } from "./tenant.fixture.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const PATH = "/api/v1/payments";
const START_MS = Date.now() - 3_600_000;
const PAYER = `0x${"a".repeat(40)}`;
const HASH = `0x${"b".repeat(64)}`;
const CREDENTIAL = "dcred_0000000000000001";
const OTHER_CREDENTIAL = "dcred_0000000000000002";

let seq = 0;

interface Part {
  readonly credentialId?: string;
  readonly recipientId?: string | null;
  readonly connectionId?: string;
  readonly customer?: string | null;
  readonly atMs?: number;
  readonly status?: number;
  readonly cost?: number | null;
  readonly notes: unknown;
}

/** An event with these notes, as the gate would send it. */
function event(part: Part): EventTuple {
  seq += 1;
  const status = part.status ?? 200;
  return [
    "org_default",
    part.credentialId ?? CREDENTIAL,
    seq,
    seq,
    part.atMs ?? START_MS + seq,
    part.recipientId === undefined ? "rcpt_0000000000000001" : part.recipientId,
    part.connectionId ?? "conn_sold",
    "grant_0000000000000001",
    part.customer ?? null,
    null,
    "GET",
    `/paid/${seq}`,
    null,
    "allowed",
    "ok",
    status,
    status,
    1,
    40,
    10,
    1,
    2,
    part.cost ?? null,
    "203.0.113.5",
    "test",
    `req_${seq}`,
    null,
    1,
    typeof part.notes === "string" ? part.notes : JSON.stringify(part.notes),
    "0".repeat(64),
    "0".repeat(64),
    `evt_${String(seq).padStart(16, "0")}`,
  ];
}

function token(state: string, more: Record<string, unknown> = {}) {
  const payment = {
    provider: "x402",
    state,
    usd_micros: 1_000,
    payer: PAYER,
    amount: "1000",
    asset: `0x${"c".repeat(40)}`,
    network: "eip155:84532",
    nonce: `0x${String(seq).padStart(64, "0")}`,
    transaction: "",
    ...more,
  };
  return { payment };
}

function credits(state: string, charged: number | null, more: Record<string, unknown> = {}) {
  return { payment: { provider: "credits", account: "customer:acme:eu", usd_micros: 700, state, charged, ...more } };
}

const store = (...events: readonly EventTuple[]) => env.AUDIT_DB.batch(storeRows(env.AUDIT_DB, { events }));

function rows(answer: Answer): readonly Record<string, unknown>[] {
  expect(answer.status, answer.text).toBe(200);
  return answer.json["data"] as Record<string, unknown>[];
}

async function listed(query: string): Promise<readonly Record<string, unknown>[]> {
  return rows(await call("GET", `${PATH}?${query}`));
}

describe("the list", () => {
  it("says of a token payment who paid what, in which transaction, for which call", async () => {
    const made = event({ notes: token("settled", { transaction: HASH }), connectionId: "conn_one" });
    await store(made);
    const found = await listed("connection_id=conn_one");
    expect(found).toEqual([
      {
        id: made[31],
        at: new Date(made[4]).toISOString(),
        updated_at: new Date(made[4]).toISOString(),
        provider: "x402",
        state: "settled",
        usd_micros: 1_000,
        charged_usd_micros: 1_000,
        account: null,
        payer: PAYER,
        amount: "1000",
        asset: `0x${"c".repeat(40)}`,
        network: "eip155:84532",
        nonce: expect.stringMatching(/^0x0{60}/),
        transaction: HASH,
        credential_id: CREDENTIAL,
        recipient_id: "rcpt_0000000000000001",
        connection_id: "conn_one",
        grant_id: "grant_0000000000000001",
        customer: null,
        environment: null,
        method: "GET",
        path: made[11],
        status: 200,
        request_id: made[25],
        event_id: made[31],
      },
    ]);
  });

  it.each([
    ["a fixed price", credits("settled", 700), null, 700],
    ["what the vendor's answer said", credits("settled", null), 300, 300],
    ["at most what was held", credits("settled", null), 9_000, 700],
    ["all that was held when nothing was said", credits("settled", null), null, 700],
    ["nothing when released", credits("released", 0), null, 0],
    ["nobody knows when open", credits("reserved", null), null, null],
  ])("says what credits were charged: %s", async (what, notes, cost, charged) => {
    const made = event({ notes, cost, connectionId: "conn_credits" });
    await store(made);
    const [found] = (await listed("connection_id=conn_credits&limit=1")) as [Record<string, unknown>];
    expect(found, what).toMatchObject({
      id: made[31],
      provider: "credits",
      charged_usd_micros: charged,
      account: { kind: "customer", reference: "acme:eu" },
      payer: null,
      transaction: null,
    });
  });

  it("has one row per payment: a later call's word counts, in whatever order the events come, however often", async () => {
    const nonce = { nonce: `0x${"7".repeat(64)}` };
    const at = { connectionId: "conn_again" };
    const failed = event({ ...at, notes: token("released", nonce), status: 500 });
    const unknown = event({ ...at, notes: token("unknown", nonce), status: 503 });
    const paid = event({ ...at, notes: token("settled", { ...nonce, transaction: HASH }) });
    await store(unknown);
    await store(paid, unknown);
    await store(failed, paid);
    expect(await listed("connection_id=conn_again")).toMatchObject([
      { id: unknown[31], event_id: paid[31], state: "settled", transaction: HASH, status: 200, request_id: paid[25] },
    ]);
    const usage = await call("GET", "/api/v1/usage?connection_id=conn_again");
    expect(usage.json["totals"]).toMatchObject({
      requests: 3,
      payments: { calls: 1, paid_usd_micros: 1_000, unknown: 1 },
    });
  });

  it("keeps calls without a payment, and notes that are none, out", async () => {
    const before = (await listed("limit=200")).length;
    await store(
      event({ notes: {} }),
      event({ notes: { payment: "x402" } }),
      event({ notes: { payment: { provider: "cash", usd_micros: 5 } } }),
      event({ notes: "not json" }),
    );
    expect(await listed("limit=200")).toHaveLength(before);
  });

  it("finds by each of its filters", async () => {
    const at = { connectionId: "conn_filters" };
    const hash = `0x${"d".repeat(64)}`;
    const first = event({
      ...at,
      credentialId: OTHER_CREDENTIAL,
      customer: "acme",
      notes: token("settled", { transaction: hash }),
    });
    const second = event({ ...at, recipientId: "rcpt_0000000000000009", notes: credits("settled", 700) });
    const third = event({ ...at, notes: token("unknown", { payer: `0x${"e".repeat(40)}` }) });
    await store(first, second, third);
    const ids = async (query: string) => (await listed(`connection_id=conn_filters&${query}`)).map((row) => row["id"]);
    expect(await ids("")).toEqual([third[31], second[31], first[31]]);
    expect(await ids(`credential_id=${OTHER_CREDENTIAL}`)).toEqual([first[31]]);
    expect(await ids("recipient_id=rcpt_0000000000000009")).toEqual([second[31]]);
    expect(await ids("customer=acme")).toEqual([first[31]]);
    expect(await ids("provider=credits")).toEqual([second[31]]);
    expect(await ids("state=unknown")).toEqual([third[31]]);
    expect(await ids("state=settled")).toEqual([second[31], first[31]]);
    expect(await ids(`transaction=0x${"D".repeat(64)}`)).toEqual([first[31]]);
    expect(await ids(`payer=0x${"E".repeat(40)}`)).toEqual([third[31]]);
    const middle = new Date(second[4]).toISOString();
    expect(await ids(`from=${middle}`)).toEqual([third[31], second[31]]);
    expect(await ids(`to=${middle}`)).toEqual([first[31]]);
  });

  it.each([
    ["state=held", "state"],
    ["provider=cash", "provider"],
    ["payer=0x12", "payer"],
    ["transaction=7", "transaction"],
    ["credential_id=x", "credential_id"],
    ["from=yesterday", "from"],
    ["cursor=%21", "cursor"],
    ["limit=0", "limit"],
    ["note=1", "note"],
  ])("refuses %s and names it", async (query, field) => {
    const answer = await call("GET", `${PATH}?${query}`);
    expect(answer.status, answer.text).toBe(422);
    expect((answer.json["errors"] as { field: string }[]).map((each) => each.field)).toEqual([field]);
  });

  it("keeps its pages while payments come and change", async () => {
    const at = { connectionId: "conn_pages" };
    const nonce = { nonce: `0x${"5".repeat(64)}` };
    const open = event({ ...at, notes: token("unknown", nonce) });
    const equal = { ...at, atMs: open[4] };
    const events = [open, ...Array.from({ length: 6 }, () => event({ ...equal, notes: credits("settled", 700) }))];
    await store(...events);
    const seen: unknown[] = [];
    let cursor = "";
    do {
      const page = await call("GET", `${PATH}?connection_id=conn_pages&limit=3${cursor}`);
      seen.push(...rows(page).map((row) => row["id"]));
      cursor = page.json["next_cursor"] === null ? "" : `&cursor=${String(page.json["next_cursor"])}`;
      await store(event({ ...at, notes: credits("settled", 700) }));
      await store(event({ ...at, notes: token("settled", { ...nonce, transaction: HASH }) }));
    } while (cursor !== "");
    expect(seen).toEqual(events.map((each) => each[31]).toReversed());
  });

  it("shows another organisation nothing", async () => {
    const foreign = await otherOrganisation("org_eeeeeeeeeeeeeeee");
    expect(rows(await call("GET", PATH, { key: foreign }))).toEqual([]);
  });
});

describe("usage", () => {
  it("sums up by provider and group, and counts a redelivered event once", async () => {
    const at = { connectionId: "conn_sums" };
    const events = [
      event({ ...at, customer: "a", notes: token("settled", { transaction: HASH, nonce: `0x${"1".repeat(64)}` }) }),
      event({ ...at, customer: "a", notes: credits("settled", null), cost: 200 }),
      event({ ...at, customer: "b", notes: credits("settled", 700) }),
      event({ ...at, customer: "b", notes: token("refunded", { nonce: `0x${"2".repeat(64)}` }), status: 500 }),
      event({ ...at, customer: "b", notes: token("unknown", { nonce: `0x${"3".repeat(64)}` }), status: 503 }),
      event({ ...at, customer: "b", notes: token("released", { nonce: `0x${"4".repeat(64)}` }), status: 500 }),
      event({ ...at, customer: "c", notes: {} }),
    ];
    await store(...events);
    await store(...events);
    const usage = await call("GET", "/api/v1/usage?connection_id=conn_sums&group_by=customer");
    expect(usage.json["totals"]).toMatchObject({
      requests: 7,
      payments: {
        calls: 3,
        paid_usd_micros: 1_900,
        x402_usd_micros: 1_000,
        credits_usd_micros: 900,
        refunded_usd_micros: 1_000,
        unknown: 1,
      },
    });
    const data = usage.json["data"] as { customer: string; requests: number; payments: { paid_usd_micros: number } }[];
    const sums = data.map((row) => [row.customer, row.requests, row.payments.paid_usd_micros]);
    expect(sums).toEqual([
      ["b", 4, 700],
      ["a", 2, 1_200],
      ["c", 1, 0],
    ]);
    const metrics = await call("GET", "/api/v1/metrics");
    const labels = 'connection="conn_sums",environment=""';
    expect(metrics.text).toContain(`relaykey_paid_dollars_total{${labels},provider="x402"} 0.001\n`);
    expect(metrics.text).toContain(`relaykey_paid_dollars_total{${labels},provider="credits"} 0.0009\n`);
  });
});

describe("the price of a policy", () => {
  const accept = {
    network: "eip155:84532",
    asset: "0x036CbD53842c5426634e7929541eC2318f3dCF7e",
    pay_to: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C",
    decimals: 6,
    name: "USDC",
    version: "2",
  };
  const price = {
    provider: "x402",
    default_usd_micros: 1_000,
    prices: [{ methods: ["POST"], paths: ["/v1/reports/*"], usd_micros: 50_000 }],
    flow: "upfront",
    quote_lifetime_seconds: 30,
    accepts: [accept, { ...accept, network: "eip155:8453" }],
    facilitator_url: "https://facilitator.example.com/x402",
    account: "recipient",
  };
  const policy = (of: unknown) =>
    call("POST", "/api/v1/policies", {
      body: { name: "Sold", allowed_methods: ["GET"], allowed_paths: ["/**"], price: of },
    });

  it("is read back whole, replaced whole, left alone, and taken away", async () => {
    const made = await policy(price);
    expect(made.status, made.text).toBe(201);
    const path = `/api/v1/policies/${String(made.json["id"])}`;
    expect((await call("GET", path)).json["price"]).toEqual(price);
    const renamed = await call("PATCH", path, { body: { name: "Sold dearer" } });
    expect(renamed.json["price"]).toEqual(price);
    const prepaid = { provider: "credits", default_usd_micros: 5, account: "customer" };
    const changed = await call("PATCH", path, { body: { price: prepaid } });
    expect(changed.json["price"]).toEqual({
      ...prepaid,
      prices: [],
      flow: "authorization",
      quote_lifetime_seconds: 60,
      accepts: [],
      facilitator_url: null,
    });
    expect((await call("PATCH", path, { body: { price: null } })).json["price"]).toBe(null);
    const versions = rows(await call("GET", `${path}/versions`));
    expect(versions.map((each) => (each["price"] as { provider: string } | null)?.provider ?? null)).toEqual([
      null,
      "credits",
      "x402",
      "x402",
    ]);
  });

  it.each([
    ["price", "free"],
    ["price.provider", { ...price, provider: "cash" }],
    ["price.default_usd_micros", { ...price, default_usd_micros: -1 }],
    ["price.default_usd_micros", { ...price, default_usd_micros: 1_000_000_000_001 }],
    ["price.prices[0].usd_micros", { ...price, prices: [{ ...price.prices[0], usd_micros: 0.5 }] }],
    ["price.prices[0].methods[0]", { ...price, prices: [{ ...price.prices[0], methods: ["G T"] }] }],
    ["price.prices[0].paths[0]", { ...price, prices: [{ ...price.prices[0], paths: ["reports"] }] }],
    ["price.flow", { ...price, flow: "later" }],
    ["price.quote_lifetime_seconds", { ...price, quote_lifetime_seconds: 3_601 }],
    ["price.accepts", { ...price, accepts: [] }],
    ["price.accepts[0].network", { ...price, accepts: [{ ...accept, network: "base" }] }],
    ["price.accepts[0].asset", { ...price, accepts: [{ ...accept, asset: accept.asset.replace("C", "c") }] }],
    ["price.accepts[0].pay_to", { ...price, accepts: [{ ...accept, pay_to: `0x${"0".repeat(40)}` }] }],
    ["price.accepts[0].decimals", { ...price, accepts: [{ ...accept, decimals: 37 }] }],
    ["price.accepts[0].name", { ...price, accepts: [{ ...accept, name: "" }] }],
    ["price.accepts[0].version", { ...price, accepts: [{ ...accept, version: "" }] }],
    ["price.accepts[1].asset", { ...price, accepts: [accept, { ...accept, asset: accept.asset.toLowerCase() }] }],
    ["price.facilitator_url", { ...price, facilitator_url: null }],
    ["price.facilitator_url", { ...price, facilitator_url: "ftp://facilitator.example.com" }],
    ["price.account", { provider: "credits", default_usd_micros: 5 }],
    ["price.currency", { ...price, currency: "EUR" }],
  ])("is refused by naming %s", async (field, wrong) => {
    const answer = await policy(wrong);
    expect(answer.status, answer.text).toBe(422);
    expect((answer.json["errors"] as { field: string }[]).map((each) => each.field)).toContain(field);
  });

  it("names no facilitator that RelayKey may not call", async () => {
    const body = {
      name: "Inside",
      allowed_methods: ["GET"],
      allowed_paths: ["/**"],
      price: { ...price, facilitator_url: "https://169.254.169.254/" },
    };
    const strict = { env: { ALLOW_PRIVATE_UPSTREAMS: "false" }, body };
    const answer = await call("POST", "/api/v1/policies", strict);
    expect((answer.json["errors"] as { field: string }[]).map((each) => each.field)).toEqual(["price.facilitator_url"]);
  });

  it("is not a provisioner's to replace", async () => {
    await newConnection({ id: "conn_priced" });
    const policyId = String((await policy(price)).json["id"]);
    const constraints = {
      connections: ["conn_priced"],
      allowed_methods: ["GET"],
      allowed_paths: ["/**"],
      max_ttl_seconds: 3_600,
    };
    const key = await newKey("provisioner", { constraints });
    const issue = (more: object) =>
      call("POST", "/api/v1/delegated-credentials", {
        key,
        body: {
          name: "buyer",
          grants: [{ connection_id: "conn_priced", policy_id: policyId, ...more }],
          ttl_seconds: 60,
        },
      });
    const free = await issue({ price: { provider: "credits", default_usd_micros: 0, account: "recipient" } });
    expect(free.status, free.text).toBe(403);
    expect(free.json).toMatchObject({ code: "outside_constraint", errors: [{ field: "grants[0].price" }] });
    for (const more of [{}, { price: null }]) {
      const issued = await issue(more);
      expect(issued.status, issued.text).toBe(201);
      expect((issued.json["grants"] as { price: unknown }[])[0]?.price).toEqual(price);
    }
  });
});
