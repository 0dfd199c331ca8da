/** The audit Worker against a real database: idempotence, immutability, sums, and what happens to bad messages. */
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import { MemoryGate, NOON_MS, settlementOf, gateDocumentOf } from "../../tests/harness/gate-fixtures.ts";
import type { GateMessage } from "../../src/cloudflare/audit-messages.ts";
import type { EventTuple } from "../../src/domain/chain.ts";
import { sealEvent } from "../../src/domain/chain.ts";
import { NO_DISPATCHER, dispatchNotices } from "./dispatch.ts";
import { consume } from "./consume.ts";
import type { AuditEnv } from "./env.ts";

const bindings = env as unknown as AuditEnv;
const { AUDIT_DB } = bindings;

interface Told {
  readonly gate: string;
  readonly ranges: readonly (readonly [number, number])[];
  readonly notices: readonly string[];
}

let told: Told[] = [];
let gatesFail = false;
let credentials = 0;

beforeEach(() => {
  told = [];
  gatesFail = false;
});

function testEnv(database: D1Database = AUDIT_DB): AuditEnv {
  const gates = {
    getByName: (gate: string) => ({
      acknowledge: async (ranges: Told["ranges"], notices: Told["notices"]) => {
        if (gatesFail) throw new Error("The gate is away");
        told.push({ gate, ranges, notices });
      },
    }),
  };
  return { ...bindings, AUDIT_DB: database, GATES: gates as unknown as AuditEnv["GATES"] };
}

/** Delivers bodies as one batch; returns what became of each message. */
async function deliver(bodies: readonly unknown[], database?: D1Database): Promise<string[]> {
  const fates: string[] = bodies.map(() => "none");
  const messages = bodies.map((body, at) => ({
    id: `m${at}`,
    timestamp: new Date(NOON_MS),
    attempts: 1,
    body: JSON.parse(JSON.stringify(body)) as unknown,
    ack: () => void (fates[at] = "ack"),
    retry: () => void (fates[at] = "retry"),
  }));
  await consume({ queue: "relaykey-audit", messages } as unknown as MessageBatch, testEnv(database));
  return fates;
}

/** The database; `seen` learns the results of each transaction. */
function watched(seen: (results: readonly D1Result[]) => void): D1Database {
  return new Proxy(AUDIT_DB, {
    get: (database, name) =>
      name !== "batch"
        ? Reflect.get(database, name)
        : async (statements: D1PreparedStatement[]) => {
            const results = await database.batch(statements);
            seen(results);
            return results;
          },
  });
}

function gateWith(requests: number): MemoryGate {
  credentials += 1;
  const gate = new MemoryGate(gateDocumentOf({ credentialId: `dcred_${credentials}` }));
  for (let n = 0; n < requests; n += 1) {
    const reply = gate.admit(
      { requestId: `req_${n}`, path: `/v1/things/${n}`, customer: n % 2 === 0 ? "acme" : null },
      NOON_MS + n,
    );
    if (reply.decision !== "go") throw new Error(reply.decision);
    const cost = { costUsdMicros: 10, latencyMs: n * 40, attempts: 2, notes: { echo_masked: true } };
    gate.settle([settlementOf(reply.admission, cost)], NOON_MS + n);
  }
  gate.admit({ refusal: { code: "path_denied", detail: "No" } }, NOON_MS + 500);
  return gate;
}

function messageOf(gate: MemoryGate, events: readonly EventTuple[] = gate.state.outbox): GateMessage {
  const notices = [...gate.state.notices.values()];
  return { v: 1, kind: "gate", credential_id: gate.document.credentialId, events, notices, checkpoint: null };
}

async function rows<T>(sql: string, ...values: unknown[]): Promise<T[]> {
  return (
    await AUDIT_DB.prepare(sql)
      .bind(...values)
      .all<T>()
  ).results;
}

describe("storing", () => {
  test("events arrive whole and are confirmed to their gate", async () => {
    const gate = gateWith(4);
    expect(await deliver([messageOf(gate)])).toEqual(["ack"]);
    const stored = await rows<Record<string, unknown>>(
      "SELECT * FROM audit_events WHERE credential_id = ? ORDER BY seq",
      gate.document.credentialId,
    );
    expect(stored).toHaveLength(5);
    expect(stored[1]).toMatchObject({
      organisation_id: "org_default",
      seq: 2,
      admission: 2,
      at_ms: NOON_MS + 1,
      recipient_id: "rcpt_a",
      connection_id: "conn_a",
      grant_id: "grant_a",
      customer: null,
      environment: null,
      method: "GET",
      path: "/v1/things/1",
      decision: "allowed",
      reason: "ok",
      status: 200,
      attempts: 2,
      latency_ms: 40,
      cost_usd_micros: 10,
      address: "203.0.113.7",
      user_agent: "curl/8",
      request_id: "req_1",
      upstream_credential_id: "ucred_a",
      count: 1,
      notes: '{"echo_masked":true}',
    });
    expect(stored[1]?.["prev_hash"]).toBe(stored[0]?.["hash"]);
    expect(told).toEqual([{ gate: gate.document.credentialId, ranges: [[1, 5]], notices: [] }]);
  });

  test("writes the rows that the costs in bench/RESULTS.md are reckoned with", async () => {
    let written = 0;
    const counting = watched((results) => {
      written += results.reduce((sum, { meta }) => sum + meta.rows_written, 0);
    });
    const gate = gateWith(202);
    // Those without a customer; the first makes the hour's sum.
    const [first, second, ...others] = gate.state.outbox.filter(([, , seq]) => seq % 2 === 0);
    if (first === undefined || second === undefined) throw new Error("The gate has no events");
    await deliver([messageOf(gate, [first])], counting);
    written = 0;
    await deliver([messageOf(gate, [second])], counting);
    expect(written).toBe(11 + 1);
    written = 0;
    await deliver([messageOf(gate, others)], counting);
    expect(written).toBe(11 * others.length + 1);
  });

  test("the largest messages of many gates share one statement", async () => {
    const gates = Array.from({ length: 20 }, () => gateWith(1));
    const messages = gates.map((gate) => {
      const big = gate.state.outbox.map((event) => event.with(24, "\u20ac".repeat(8_000)) as unknown as EventTuple);
      return messageOf(gate, big);
    });
    const batches: number[] = [];
    expect(
      await deliver(
        messages,
        watched((results) => void batches.push(results.length)),
      ),
    ).toEqual(gates.map(() => "ack"));
    expect(batches).toEqual([1]);
    const ids = gates.map((gate) => gate.document.credentialId);
    expect(told.map(({ gate, ranges }) => [gate, ranges])).toEqual(ids.map((id) => [id, [[1, 2]]]));
    const stored = await rows<{ n: number }>(
      `SELECT count(*) AS n FROM audit_events WHERE length(user_agent) = 8000 AND credential_id IN (SELECT value FROM json_each(?))`,
      JSON.stringify(ids),
    );
    expect(stored).toEqual([{ n: 40 }]);
  });

  test("redelivery in any order and any cut changes no row and no sum", async () => {
    const gate = gateWith(9);
    const events = gate.state.outbox;
    const parts = [events.slice(3, 7), events.slice(0, 5), events.slice(6), events];
    for (const part of [...parts, ...parts.toReversed()]) await deliver([messageOf(gate, part)]);
    const id = gate.document.credentialId;
    expect(await rows("SELECT count(*) AS n FROM audit_events WHERE credential_id = ?", id)).toEqual([{ n: 10 }]);
    const sums = `SELECT sum(requests) AS requests, sum(forwarded) AS forwarded, sum(refused) AS refused, sum(retries) AS retries,
      sum(cost_usd_micros) AS cost, sum(latency_50) AS l50, sum(latency_100) AS l100, sum(latency_250) AS l250, sum(latency_500) AS l500
      FROM audit_rollups WHERE credential_id = ?`;
    expect(await rows(sums, id)).toEqual([
      { requests: 10, forwarded: 9, refused: 1, retries: 9, cost: 90, l50: 2, l100: 1, l250: 4, l500: 2 },
    ]);
    expect(
      await rows(
        "SELECT customer, sum(requests) AS n FROM audit_rollups WHERE credential_id = ? GROUP BY customer",
        id,
      ),
    ).toEqual([
      { customer: "", n: 5 },
      { customer: "acme", n: 5 },
    ]);
    expect(await rows("SELECT reason, count FROM audit_reasons WHERE credential_id = ?", id)).toEqual([
      { reason: "path_denied", count: 1 },
    ]);
  });

  test("a gap in a message is not confirmed over", async () => {
    const gate = gateWith(5);
    const events = gate.state.outbox.filter((event) => event[2] !== 3);
    await deliver([messageOf(gate, events)]);
    expect(told[0]?.ranges).toEqual([
      [1, 2],
      [4, 6],
    ]);
  });

  test("folded refusals without a credential are stored, twice delivered once counted", async () => {
    const event = sealEvent([
      "org_default",
      null,
      0,
      0,
      NOON_MS,
      null,
      null,
      null,
      null,
      null,
      "",
      "/x",
      null,
      "denied",
      "forged",
      401,
      null,
      0,
      0,
      0,
      0,
      0,
      0,
      null,
      "",
      "",
      null,
      37,
      '{"nonce":"n1"}',
      "0".repeat(64),
    ]);
    const message = { v: 1, kind: "doorstep", events: [event] };
    expect(await deliver([message, message])).toEqual(["ack", "ack"]);
    await deliver([message]);
    expect(await rows("SELECT count FROM audit_events WHERE credential_id IS NULL")).toEqual([{ count: 37 }]);
    expect(await rows("SELECT count FROM audit_reasons WHERE reason = 'forged'")).toEqual([{ count: 37 }]);
    expect(told).toEqual([]);
  });
});

describe("append-only", () => {
  const one = async (): Promise<string> => {
    const gate = gateWith(1);
    await deliver([messageOf(gate)]);
    return gate.document.credentialId;
  };

  test("no UPDATE, no DELETE, no REPLACE", async () => {
    const id = await one();
    const before = await rows("SELECT * FROM audit_events WHERE credential_id = ?", id);
    await expect(rows("UPDATE audit_events SET status = 500 WHERE credential_id = ?", id)).rejects.toThrow(
      "append-only",
    );
    await expect(rows("DELETE FROM audit_events WHERE credential_id = ?", id)).rejects.toThrow("append-only");
    const columns = Object.keys(before[0] ?? {}).filter((name) => name !== "status");
    for (const kept of [columns, columns.filter((name) => name !== "n")]) {
      await rows(
        `INSERT OR REPLACE INTO audit_events (${kept.join(", ")}, status)
         SELECT ${kept.join(", ")}, 500 FROM audit_events WHERE credential_id = ?`,
        id,
      );
    }
    expect(await rows("SELECT * FROM audit_events WHERE credential_id = ?", id)).toEqual(before);
  });

  test("archived rows may go, their neighbours may not, and a segment stays", async () => {
    const id = await one();
    const [first] = await rows<{ n: number }>("SELECT n FROM audit_events WHERE credential_id = ? ORDER BY n", id);
    await AUDIT_DB.prepare(
      "INSERT INTO archive_segments (id, first_n, last_n, rows, from_ms, to_ms, object_key, sha256, created_at_ms) VALUES ('seg_1', ?1, ?1, 1, 0, 1, 'k', 'h', 0)",
    )
      .bind(first?.n)
      .run();
    await expect(rows("DELETE FROM audit_events WHERE credential_id = ?", id)).rejects.toThrow("not archived");
    await rows("DELETE FROM audit_events WHERE n = ?", first?.n);
    expect(await rows("SELECT count(*) AS n FROM audit_events WHERE credential_id = ?", id)).toEqual([{ n: 1 }]);
    await expect(rows("UPDATE archive_segments SET last_n = 999999")).rejects.toThrow("append-only");
    await expect(rows("DELETE FROM archive_segments")).rejects.toThrow("append-only");
    await expect(
      rows(
        "INSERT OR REPLACE INTO archive_segments (id, first_n, last_n, rows, from_ms, to_ms, object_key, sha256, created_at_ms) VALUES ('seg_1', 0, 999999, 1, 0, 1, 'k', 'h', 0)",
      ),
    ).rejects.toThrow("append-only");
  });
});

describe("faults", () => {
  test("what is no audit message goes back and stops nobody else", async () => {
    const gate = gateWith(1);
    const good = messageOf(gate);
    const other = gateWith(1);
    const bad = [
      null,
      "text",
      { ...good, v: 2 },
      { ...good, events: [["too", "short"]] },
      { ...good, credential_id: "dcred_other" },
      { ...good, kind: "doorstep" },
      { ...good, events: good.events.map((event) => event.with(13, "perhaps")) },
    ];
    const fates = await deliver([...bad, good, messageOf(other)]);
    expect(fates).toEqual([...bad.map(() => "retry"), "ack", "ack"]);
    expect(told.map((each) => each.gate).sort()).toEqual(
      [gate.document.credentialId, other.document.credentialId].sort(),
    );
  });

  test("when the database fails, nothing is acknowledged to anyone", async () => {
    const gate = gateWith(2);
    const broken = { prepare: (sql: string) => AUDIT_DB.prepare(sql), batch: () => Promise.reject(new Error("away")) };
    expect(await deliver([messageOf(gate)], broken as unknown as D1Database)).toEqual(["retry"]);
    expect(told).toEqual([]);
  });

  test("when a gate cannot be told, the message is done all the same", async () => {
    gatesFail = true;
    expect(await deliver([messageOf(gateWith(1))])).toEqual(["ack"]);
  });
});

describe("payments", () => {
  const REFERENCE = "eip155:84532/0xtoken/0xpayer/0xnonce";
  const news = { v: 1, kind: "payment", organisation_id: "org_default", state: "kept", transaction: "0xt" };
  const stateOf = (reference: string) =>
    rows<Record<string, unknown>>(
      "SELECT state, charged_usd_micros, transaction_hash FROM audit_payments WHERE reference = ?",
      reference,
    );

  /** One payment in this state, as an event's notes say it. */
  async function withPayment(state: string): Promise<string> {
    const gate = gateWith(0);
    const nonce = `0x${gate.document.credentialId}`;
    const [network = "", asset = "", payer = ""] = REFERENCE.split("/");
    const payment = { provider: "x402", network, asset, payer, nonce, amount: "1000", usd_micros: 1_000, state };
    const reply = gate.admit({}, NOON_MS);
    if (reply.decision !== "go") throw new Error(reply.decision);
    gate.settle([settlementOf(reply.admission, { notes: { payment: { ...payment, transaction: "" } } })], NOON_MS + 1);
    expect(await deliver([messageOf(gate)])).toEqual(["ack"]);
    return `${network}/${asset}/${payer}/${nonce}`;
  }

  test("of which nobody knew are listed with what became of them, and once", async () => {
    const kept = await withPayment("unknown");
    const failed = await withPayment("unknown");
    const messages = [
      { ...news, reference: kept },
      { ...news, reference: kept, state: "failed", transaction: "" },
      { ...news, reference: failed, state: "failed", transaction: "" },
    ];
    expect(await deliver(messages)).toEqual(["ack", "ack", "ack"]);
    expect(await stateOf(kept)).toEqual([{ state: "kept", charged_usd_micros: 1_000, transaction_hash: "0xt" }]);
    expect(await stateOf(failed)).toEqual([{ state: "failed", charged_usd_micros: 0, transaction_hash: null }]);
    expect(told.flatMap(({ ranges }) => ranges)).toHaveLength(2);
  });

  test("that a call has told about, or that are another organisation's, stay as they are", async () => {
    const settled = await withPayment("settled");
    const foreign = await withPayment("unknown");
    await deliver([
      { ...news, reference: settled, state: "failed" },
      { ...news, reference: foreign, organisation_id: "org_other" },
      { ...news, reference: "nobody/knows/this/one" },
    ]);
    expect(await stateOf(settled)).toMatchObject([{ state: "settled", charged_usd_micros: 1_000 }]);
    expect(await stateOf(foreign)).toMatchObject([{ state: "unknown", charged_usd_micros: null }]);
    expect(await stateOf("nobody/knows/this/one")).toEqual([]);
  });

  test("with news that do not fit the schema go back", async () => {
    const reference = await withPayment("unknown");
    expect(await deliver([{ ...news, reference, state: "settled" }])).toEqual(["retry"]);
    expect(await deliver([{ ...news }])).toEqual(["retry"]);
    expect(await stateOf(reference)).toMatchObject([{ state: "unknown" }]);
  });
});

describe("notices", () => {
  async function withNotice(): Promise<string> {
    credentials += 1;
    const gate = new MemoryGate(
      gateDocumentOf({
        credentialId: `dcred_${credentials}`,
        trust: { mode: "fixed", addresses: [], allowWorkers: [] },
      }),
    );
    gate.admit({}, NOON_MS);
    await deliver([messageOf(gate), messageOf(gate)]);
    return gate.document.credentialId;
  }
  const stateOf = (id: string) => rows("SELECT state, attempts FROM notices WHERE credential_id = ?", id);

  test("are stored once, confirmed, and stay pending while nobody can send them", async () => {
    const id = await withNotice();
    expect(told[0]?.notices).toHaveLength(2);
    await dispatchNotices(AUDIT_DB, NO_DISPATCHER, NOON_MS);
    expect(await stateOf(id)).toEqual([{ state: "pending", attempts: 1 }]);
  });

  test("are dispatched once; a failure is tried again later", async () => {
    const id = await withNotice();
    const seen: string[] = [];
    const fails = { dispatch: () => Promise.reject(new Error("no mail")) };
    const sends = {
      dispatch: async (notice: { credentialId: string }) => (seen.push(notice.credentialId), "sent" as const),
    };
    await dispatchNotices(AUDIT_DB, fails, NOON_MS);
    await dispatchNotices(AUDIT_DB, sends, NOON_MS + 1_000);
    expect(seen.filter((each) => each === id)).toEqual([]);
    await dispatchNotices(AUDIT_DB, sends, NOON_MS + 600_000);
    await dispatchNotices(AUDIT_DB, sends, NOON_MS + 9_000_000);
    expect(seen.filter((each) => each === id)).toEqual([id]);
    expect(await stateOf(id)).toEqual([{ state: "sent", attempts: 2 }]);
  });
});
