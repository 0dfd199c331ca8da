/**
 * The gate's Durable Object on real storage. A "crash" is a second object over the same storage: whatever the first one
 * had only in memory is gone.
 */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { gateDocumentOf, requestOf, settlementOf } from "../../tests/harness/gate-fixtures.ts";
import type { ProxyEnv } from "../../workers/proxy/env.ts";
import type { AdmissionReply, AdmissionRequest, GateDocument } from "../domain/admission.ts";
import type { EventTuple } from "../domain/chain.ts";
import { EVENT_SEQ, eventFromTuple, verifyChain } from "../domain/chain.ts";
import { ADMISSION_LEASE_MS, RESTART_GRACE_MS } from "../domain/gate-state.ts";
import { NO_LIMITS } from "../domain/limits.ts";
import type { Notice } from "../domain/notice.ts";
import { MAX_DEAD_EVENTS_PER_MINUTE } from "../domain/refusal-fold.ts";
import type { AuditMessage, GateMessage } from "./audit-messages.ts";
import { checkpointKey, checkpointVerifier } from "./checkpoint-signer.ts";
import { CredentialGate } from "./credential-gate.ts";
import type { CredentialGateEnv } from "./gate-journal.ts";

const bindings = env as unknown as ProxyEnv & CredentialGateEnv;
const START_MS = Date.UTC(2026, 10, 22, 12);

/** Takes what gates send, and refuses it while `down`. */
class FakeQueue {
  readonly messages: GateMessage[] = [];
  down = false;
  hangs = false;
  hanging = 0;

  sendBatch(batch: Iterable<{ readonly body: AuditMessage }>): Promise<void> {
    if (this.hangs) {
      this.hanging += 1;
      return new Promise(() => {});
    }
    if (this.down) return Promise.reject(new Error("The queue is down"));
    for (const { body } of batch) if (body.kind === "gate") this.messages.push(JSON.parse(JSON.stringify(body)));
    return Promise.resolve();
  }

  get events(): EventTuple[] {
    return this.messages.flatMap(({ events }) => events);
  }

  get notices(): Notice[] {
    return this.messages.flatMap(({ notices }) => notices);
  }
}

class Bench {
  readonly queue = new FakeQueue();
  gate: CredentialGate;
  readonly state: DurableObjectState;
  document: GateDocument;

  constructor(state: DurableObjectState, document: GateDocument) {
    this.state = state;
    this.document = document;
    this.gate = this.#open();
  }

  /** Forgets everything that is not on disk. */
  crash(): void {
    this.gate = this.#open();
  }

  #open(): CredentialGate {
    const queue = this.queue as unknown as Queue<AuditMessage>;
    return new CredentialGate(this.state, { ...bindings, AUDIT_QUEUE: queue });
  }

  async admit(changes: Partial<AdmissionRequest> = {}): Promise<AdmissionReply> {
    const request = requestOf({ documentVersion: this.document.version, ...changes });
    const reply = await this.gate.admit(request);
    return reply.decision === "need_document" ? this.gate.admit({ ...request, document: this.document }) : reply;
  }

  async go(changes: Partial<AdmissionRequest> = {}): Promise<number> {
    const reply = await this.admit(changes);
    if (reply.decision !== "go") throw new Error(JSON.stringify(reply));
    return reply.admission;
  }

  async code(changes: Partial<AdmissionRequest> = {}): Promise<string> {
    const reply = await this.admit(changes);
    return reply.decision === "refused" ? reply.refusal.code : reply.decision;
  }
}

let names = 0;

async function withGate(work: (bench: Bench) => Promise<void>, changes: Partial<GateDocument> = {}): Promise<void> {
  names += 1;
  const credentialId = `dcred_${names}`;
  const stub = bindings.GATES.getByName(credentialId);
  await runInDurableObject(stub, (_, state) => work(new Bench(state, gateDocumentOf({ credentialId, ...changes }))));
}

function at(ms: number): void {
  vi.spyOn(Date, "now").mockReturnValue(ms);
}

function seqs(bench: Bench): readonly number[] {
  return bench.queue.events.map((event) => event[EVENT_SEQ]);
}

/** Waits until exactly these have gone to the queue: what goes at once goes beside the answer. */
async function sent(bench: Bench, expected: readonly number[]): Promise<void> {
  await vi.waitFor(() => expect(seqs(bench)).toEqual(expected));
}

/** When the alarm was last set to, from now on: the storage itself moves times that have passed. */
function alarmOf(state: DurableObjectState): () => number | null {
  const setAlarm = vi.spyOn(state.storage, "setAlarm");
  return () => Number(setAlarm.mock.lastCall?.[0] ?? Number.NaN) || null;
}

/** Rows written to the object's tables from now on. */
function countRows(state: DurableObjectState): () => number {
  const { sql } = state.storage;
  const exec = sql.exec.bind(sql);
  let rows = 0;
  vi.spyOn(sql, "exec").mockImplementation((query, ...bindings) => {
    const cursor = exec(query, ...bindings);
    rows += cursor.rowsWritten;
    return cursor as never;
  });
  return () => rows;
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe("durability", () => {
  test("what was replied survives a crash, at any point", async () => {
    await withGate(
      async (bench) => {
        for (let round = 0; round < 6; round += 1) {
          const admissions = await Promise.all(Array.from({ length: 5 }, () => bench.go()));
          expect(admissions).toEqual([1, 2, 3, 4, 5].map((n) => n + round * 5));
          if (round % 2 === 0) await bench.gate.settle(admissions.slice(0, 3).map((n) => settlementOf(n)));
          bench.crash();
        }
        expect(await bench.code()).toBe("budget_exhausted");
        const { limits } = await bench.gate.inspect();
        expect(limits.map(({ remaining }) => remaining)).toEqual([0]);
      },
      { limits: { ...NO_LIMITS, budgets: [{ unit: "requests", limit: 30, window: "month", anchorMs: null }] } },
    );
  });

  test("the log's ring turns, with and without delivery, and nothing is lost", { timeout: 30_000 }, async () => {
    await withGate(async (bench) => {
      const seen = new Map<number, EventTuple>();
      let last = await bench.go();
      for (let n = 0; n < 800; n += 1) {
        last = await bench.go({ settlements: [settlementOf(last)], path: `/v1/things/${n}` });
        if (n % 300 === 299) bench.crash();
        if (n === 500) await bench.gate.acknowledge([[1, 450]]);
      }
      bench.crash();
      await bench.gate.settle([settlementOf(last)]);
      for (let round = 0; round < 3; round += 1) await bench.gate.alarm();
      for (const event of bench.queue.events) seen.set(event[EVENT_SEQ], event);
      expect([...seen.keys()].sort((a, b) => a - b)).toEqual(Array.from({ length: 351 }, (_, n) => n + 451));
      const events = [...seen.values()].sort((a, b) => a[EVENT_SEQ] - b[EVENT_SEQ]).map(eventFromTuple);
      expect((await verifyChain(events, [], () => Promise.resolve(true), null)).ok).toBe(true);
      const rows = bench.state.storage.sql.exec<{ n: number }>("SELECT count(*) AS n FROM log").one();
      expect(rows.n).toBeLessThanOrEqual(512);
    });
  });

  test("no reply leaves for an admission that cannot be committed", async () => {
    const credentialId = "dcred_uncommitted";
    const gate = bindings.GATES.getByName(credentialId);
    const document = gateDocumentOf({ credentialId });
    const ask = () => gate.admit(requestOf({ documentVersion: document.version, document }));
    expect(await ask()).toMatchObject({ decision: "go", admission: 1 });
    await gate.settle([settlementOf(1)]);
    // Each write to the log succeeds as a statement and breaks its transaction: the script cannot see that it fails.
    await runInDurableObject(gate, (_, { storage: { sql } }) => {
      sql.exec("CREATE TABLE parent (id INTEGER PRIMARY KEY)");
      sql.exec("CREATE TABLE child (parent INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED)");
      sql.exec("CREATE TRIGGER spoil AFTER INSERT ON log BEGIN INSERT INTO child VALUES (1); END");
    });
    const replies = await Promise.allSettled([ask(), ask()]);
    expect(replies.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    const again = bindings.GATES.getByName(credentialId);
    await runInDurableObject(again, (_, { storage: { sql } }) => {
      sql.exec("DROP TRIGGER spoil");
    });
    expect(await again.admit(requestOf({ documentVersion: document.version, document }))).toMatchObject({
      decision: "go",
      admission: 2,
    });
  });

  test("storage of a later version is not touched", async () => {
    await withGate(async (bench) => {
      bench.state.storage.sql.exec("UPDATE meta SET value = 99 WHERE key = 'schema'");
      expect(() => bench.crash()).toThrow("later version");
    });
  });

  test("a hole in the log is not passed over", async () => {
    await withGate(async (bench) => {
      for (let n = 0; n < 3; n += 1) await bench.go();
      bench.state.storage.sql.exec("DELETE FROM log WHERE n = 2");
      expect(() => bench.crash()).toThrow("hole");
    });
  });
});

describe("revocation", () => {
  test("after revoke has returned nothing is admitted, also by the next object", async () => {
    await withGate(async (bench) => {
      await bench.go();
      await bench.gate.revoke(2);
      expect(await bench.code()).toBe("credential_invalid");
      bench.crash();
      await bench.gate.revoke(2);
      expect(await bench.code({ documentVersion: 3, document: { ...bench.document, version: 3 } })).toBe(
        "credential_invalid",
      );
      expect((await bench.gate.inspect()).state).toBe("revoked");
    });
  });

  test("a settlement that is repeated is answered no sooner than the first is durable", async () => {
    await withGate(async (bench) => {
      const settlement = settlementOf(await bench.go());
      const disk = Promise.withResolvers<void>();
      vi.spyOn(bench.state.storage, "sync").mockReturnValue(disk.promise);
      let answered = 0;
      const settled = [1, 2].map(() => bench.gate.settle([settlement]).then(() => (answered += 1)));
      await scheduler.wait(20);
      expect(answered).toBe(0);
      disk.resolve();
      await Promise.all(settled);
      expect(answered).toBe(2);
    });
  });

  test("a raised version sends callers with the old document back to the database", async () => {
    await withGate(async (bench) => {
      await bench.go();
      await bench.gate.require(2);
      bench.crash();
      expect(await bench.code()).toBe("reload");
      bench.document = { ...bench.document, version: 2 };
      expect(await bench.code()).toBe("go");
    });
  });

  test("a dead credential that is hammered writes a few events and a count", async () => {
    at(START_MS);
    await withGate(async (bench) => {
      await bench.go();
      await bench.gate.revoke(2);
      for (let n = 0; n < 200; n += 1) await bench.code();
      at(START_MS + 60_000);
      await bench.gate.alarm();
      // The first went out at once, and again, since nobody confirmed it.
      const events = new Map(bench.queue.events.map((event) => [event[EVENT_SEQ], eventFromTuple(event)]));
      const refused = [...events.values()].filter((event) => event.reason === "revoked");
      expect(refused.length).toBe(MAX_DEAD_EVENTS_PER_MINUTE + 1);
      expect(refused.reduce((sum, { count }) => sum + count, 0)).toBe(200);
    });
  });
});

describe("delivery", () => {
  test("events are sent, sent again until confirmed, and then forgotten", async () => {
    at(START_MS);
    await withGate(async (bench) => {
      const alarmMs = alarmOf(bench.state);
      await bench.gate.settle([settlementOf(await bench.go()), settlementOf(await bench.go())]);
      await bench.gate.alarm();
      expect(seqs(bench)).toEqual([1, 2]);
      await bench.gate.alarm();
      expect(bench.queue.events).toHaveLength(2);
      at(START_MS + 5_000);
      await bench.gate.alarm();
      expect(bench.queue.events).toHaveLength(4);
      await bench.gate.acknowledge([[1, 1]]);
      at(START_MS + 60_000);
      await bench.gate.alarm();
      expect(bench.queue.events.slice(4).map((event) => event[EVENT_SEQ])).toEqual([2]);
      await bench.gate.acknowledge([[2, 2]]);
      // Kept for the next commit, at the latest the one of the alarm that is set.
      expect(alarmMs()).toBeGreaterThan(START_MS + 60_000);
      expect(alarmMs()).toBeLessThanOrEqual(START_MS + 75_000);
      await bench.gate.alarm();
      bench.crash();
      at(START_MS + 600_000);
      await bench.gate.alarm();
      expect(bench.queue.events).toHaveLength(5);
    });
  });

  test("a confirmation that is forgotten in a crash is asked for again", async () => {
    at(START_MS);
    await withGate(async (bench) => {
      await bench.gate.settle([settlementOf(await bench.go())]);
      await sent(bench, [1]);
      await bench.gate.acknowledge([[1, 1]]);
      bench.crash();
      await bench.gate.alarm();
      await sent(bench, [1, 1]);
      await bench.gate.acknowledge([[1, 1]]);
      // The next commit takes it along.
      await bench.go();
      bench.crash();
      at(START_MS + 60_000);
      await bench.gate.alarm();
      expect(seqs(bench)).toEqual([1, 1, 2]);
    });
  });

  test("a call that comes alone is sent as it ends; those that follow it closely gather", async () => {
    at(START_MS);
    await withGate(async (bench) => {
      const alarmMs = alarmOf(bench.state);
      await bench.gate.settle([settlementOf(await bench.go())]);
      await sent(bench, [1]);
      for (const ms of [50, 100, 150]) {
        at(START_MS + ms);
        await bench.gate.settle([settlementOf(await bench.go())]);
      }
      expect(alarmMs()).toBeGreaterThan(START_MS + 150);
      expect(alarmMs()).toBeLessThanOrEqual(START_MS + 1_150);
      at(alarmMs() ?? 0);
      expect(seqs(bench)).toEqual([1]);
      await bench.gate.alarm();
      expect(seqs(bench)).toEqual([1, 2, 3, 4]);
      expect(bench.queue.messages).toHaveLength(2);
      at(START_MS + 10_000);
      await bench.gate.acknowledge([[1, 4]]);
      await bench.gate.settle([settlementOf(await bench.go())]);
      await sent(bench, [1, 2, 3, 4, 5]);
    });
  });

  test("calls that end in the same moment wait for nothing but the gathering", async () => {
    at(START_MS);
    await withGate(async (bench) => {
      const alarmMs = alarmOf(bench.state);
      const admissions = [await bench.go(), await bench.go(), await bench.go()];
      await Promise.all(admissions.map((admission) => bench.gate.settle([settlementOf(admission)])));
      await vi.waitFor(() => expect(seqs(bench)).toContain(1));
      expect(alarmMs()).toBeLessThanOrEqual(START_MS + 1_000);
      at(alarmMs() ?? 0);
      await bench.gate.alarm();
      expect(seqs(bench)).toEqual([1, 2, 3]);
    });
  });

  test("a refusal that comes alone is sent at once, with the mail that it asks for", async () => {
    const trust = { mode: "first_use" as const, addresses: [], allowWorkers: [] };
    at(START_MS);
    await withGate(
      async (bench) => {
        await bench.gate.addTrusted("203.0.113.7");
        expect(await bench.code({ address: { ip: "198.51.100.1", viaWorker: false } })).toBe("address_unconfirmed");
        await vi.waitFor(() => expect(bench.queue.notices).toHaveLength(1));
        expect(bench.queue.events.map(eventFromTuple)).toMatchObject([{ reason: "address_unconfirmed" }]);
      },
      { trust },
    );
  });

  test("a call that comes alone sets one alarm and writes three rows, as bench/cost.ts reckons", async () => {
    at(START_MS);
    await withGate(async (bench) => {
      await bench.gate.settle([settlementOf(await bench.go())]);
      await sent(bench, [1]);
      await bench.gate.acknowledge([[1, 1]]);
      at(START_MS + 5_000);
      await bench.state.storage.deleteAlarm();
      await bench.gate.alarm();

      at(START_MS + 10_000);
      const setAlarm = vi.spyOn(bench.state.storage, "setAlarm");
      const rows = countRows(bench.state);
      await bench.gate.settle([settlementOf(await bench.go())]);
      await sent(bench, [1, 2]);
      await bench.gate.acknowledge([[2, 2]]);
      expect(setAlarm).toHaveBeenCalledTimes(1);
      expect(setAlarm.mock.calls[0]?.[0]).toBe(START_MS + 15_000);
      at(START_MS + 15_000);
      await bench.gate.alarm();
      expect(rows()).toBe(3);
    });
  });

  test("a sending that never ends holds nobody up for more than ten seconds", async () => {
    at(START_MS);
    await withGate(async (bench) => {
      const alarmMs = alarmOf(bench.state);
      bench.queue.hangs = true;
      await bench.gate.settle([settlementOf(await bench.go())]);
      await vi.waitFor(() => expect(bench.queue.hanging).toBe(1));
      bench.queue.hangs = false;
      at(START_MS + 1_000);
      await bench.gate.settle([settlementOf(await bench.go())]);
      expect(alarmMs()).toBeLessThanOrEqual(START_MS + 10_000);
      await bench.gate.alarm();
      expect(seqs(bench)).toEqual([]);
      at(alarmMs() ?? 0);
      await bench.gate.alarm();
      expect(seqs(bench)).toEqual([1, 2]);
    });
  });

  test("a failing queue delays events and loses none", async () => {
    at(START_MS);
    await withGate(async (bench) => {
      bench.queue.down = true;
      for (let n = 0; n < 10; n += 1) await bench.gate.settle([settlementOf(await bench.go())]);
      await bench.gate.alarm();
      bench.crash();
      await bench.gate.alarm();
      expect(bench.queue.events).toEqual([]);
      bench.queue.down = false;
      await bench.gate.alarm();
      expect(bench.queue.events).toEqual([]);
      at(START_MS + 6_000);
      await bench.gate.alarm();
      expect(seqs(bench)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    });
  });

  test("the head of the chain is signed, once a minute at most", async () => {
    at(START_MS);
    await withGate(async (bench) => {
      await bench.gate.settle([settlementOf(await bench.go())]);
      await bench.gate.alarm();
      await bench.gate.settle([settlementOf(await bench.go())]);
      await bench.gate.alarm();
      at(START_MS + 60_000);
      await bench.gate.alarm();
      const signed = bench.queue.messages.flatMap(({ checkpoint }) => (checkpoint === null ? [] : [checkpoint]));
      expect(signed.map(({ seq }) => seq)).toEqual([1, 2]);
      const { publicKey } = await checkpointKey(bindings.RELAYKEY_SIGNING_SEED);
      const events = bench.queue.events.slice(0, 2).map(eventFromTuple);
      const verified = await verifyChain(events, signed, checkpointVerifier(publicKey));
      expect(verified).toEqual({ ok: true, value: { events: 2, checkpoints: 2 } });
      const forged = signed.map((checkpoint) => ({ ...checkpoint, atMs: checkpoint.atMs + 1 }));
      expect((await verifyChain(events, forged, checkpointVerifier(publicKey))).ok).toBe(false);
    });
  });
});

describe("admissions that nobody settles", () => {
  test("are closed as unknown after twenty seconds, unless they are renewed", async () => {
    at(START_MS);
    await withGate(async (bench) => {
      const lost = await bench.go();
      const long = await bench.go();
      at(START_MS + ADMISSION_LEASE_MS - 1);
      bench.gate.renew([long]);
      await bench.gate.alarm();
      expect(bench.queue.events).toEqual([]);
      at(START_MS + ADMISSION_LEASE_MS);
      await bench.gate.alarm();
      expect(bench.queue.events.map(eventFromTuple)).toMatchObject([
        { admission: lost, reason: "unknown", status: null },
      ]);
      await bench.gate.settle([settlementOf(lost), settlementOf(long)]);
      await bench.gate.alarm();
      expect(bench.queue.events.map((event) => event[14])).toEqual(["unknown", "ok"]);
    });
  });

  test("a crash gives them some time to renew, once, however often the object starts anew", async () => {
    at(START_MS);
    await withGate(async (bench) => {
      await bench.go();
      at(START_MS + 15_000);
      bench.crash();
      at(START_MS + ADMISSION_LEASE_MS + 1);
      bench.crash();
      await bench.gate.alarm();
      expect(bench.queue.events).toEqual([]);
      at(START_MS + 15_000 + RESTART_GRACE_MS);
      bench.crash();
      await bench.gate.alarm();
      expect(bench.queue.events.map((event) => event[14])).toEqual(["unknown"]);
    });
  });

  test("a long call that is renewed outlives two crashes", async () => {
    at(START_MS);
    await withGate(async (bench) => {
      const long = await bench.go();
      bench.crash();
      for (let ms = 7_000; ms <= 70_000; ms += 7_000) {
        at(START_MS + ms);
        bench.gate.renew([long]);
        if (ms === 35_000) bench.crash();
        await bench.gate.alarm();
      }
      expect(bench.queue.events).toEqual([]);
      await bench.gate.settle([settlementOf(long)]);
      await bench.gate.alarm();
      expect(bench.queue.events.map((event) => event[14])).toEqual(["ok"]);
    });
  });

  test("a gate that starts with something open sets an alarm", async () => {
    await withGate(async (bench) => {
      await bench.go();
      await bench.state.storage.deleteAlarm();
      bench.crash();
      await bench.gate.inspect();
      expect(await bench.state.storage.getAlarm()).not.toBeNull();
    });
  });

  test("an alarm is set as soon as something is open", async () => {
    await withGate(async (bench) => {
      await bench.go();
      expect(await bench.state.storage.getAlarm()).not.toBeNull();
    });
  });
});

describe("addresses", () => {
  const trust = { mode: "first_use" as const, addresses: [], allowWorkers: [] };
  const from = (ip: string) => ({ address: { ip, viaWorker: false } });

  test("a confirmation works once, for its address, and survives a crash", async () => {
    at(START_MS);
    await withGate(
      async (bench) => {
        await bench.go(from("203.0.113.7"));
        expect(await bench.code(from("198.51.100.1"))).toBe("address_unconfirmed");
        await bench.gate.alarm();
        const notice = bench.queue.notices[0];
        if (notice?.kind !== "confirm_address") throw new Error("no notice");
        expect(await bench.gate.confirm("cfm_unknown", notice.address)).toEqual({ ok: false, reason: "unknown" });
        expect(await bench.gate.confirm(notice.confirmationId, "198.51.100.2")).toEqual({
          ok: false,
          reason: "mismatch",
        });
        expect(await bench.code(from("198.51.100.1"))).toBe("address_unconfirmed");
        expect(await bench.gate.confirm(notice.confirmationId, notice.address)).toEqual({ ok: true });
        bench.crash();
        expect(await bench.gate.confirm(notice.confirmationId, notice.address)).toEqual({ ok: false, reason: "used" });
        expect(await bench.code(from("198.51.100.1"))).toBe("go");
        expect(bench.gate.listTrusted()).toMatchObject([
          { address: "203.0.113.7", how: "first_use" },
          { address: "198.51.100.1", how: "confirmed" },
        ]);
      },
      { trust },
    );
  });

  test("a denied confirmation can no longer be confirmed", async () => {
    await withGate(
      async (bench) => {
        await bench.go(from("203.0.113.7"));
        await bench.code(from("198.51.100.1"));
        await bench.gate.alarm();
        const notice = bench.queue.notices[0];
        if (notice?.kind !== "confirm_address") throw new Error("no notice");
        expect(await bench.gate.denyAddress(notice.confirmationId, notice.address)).toEqual({ ok: true });
        expect(await bench.gate.confirm(notice.confirmationId, notice.address)).toEqual({ ok: false, reason: "used" });
      },
      { trust },
    );
  });

  test("administrators add and remove addresses", async () => {
    await withGate(
      async (bench) => {
        expect(await bench.gate.addTrusted("2001:db8:1:2::/64")).toEqual({ ok: true, address: "2001:db8:1:2::/64" });
        expect(await bench.gate.addTrusted("2001:db8:7:8::9")).toEqual({ ok: true, address: "2001:db8:7:8::/64" });
        expect(await bench.gate.addTrusted("::ffff:198.51.100.4")).toEqual({ ok: true, address: "198.51.100.4" });
        for (const wrong of ["", "203.0.113.0/24", "2001:db8::/32", "10.0.0", "example.com"]) {
          expect(await bench.gate.addTrusted(wrong)).toEqual({ ok: false, reason: "invalid_address" });
        }
        expect(await bench.code(from("2001:db8:1:2:9::1"))).toBe("go");
        expect(await bench.gate.removeTrusted("2001:db8:1:2::/64")).toEqual({ ok: true, address: "2001:db8:1:2::/64" });
        expect(await bench.gate.removeTrusted("2001:db8:1:2::/64")).toEqual({ ok: false, reason: "not_found" });
        bench.crash();
        expect(await bench.code(from("2001:db8:1:2:9::1"))).toBe("address_unconfirmed");
      },
      { trust },
    );
  });
});

describe("holds", () => {
  test("a hold refuses calls of its connection while it lasts", async () => {
    at(START_MS);
    await withGate(async (bench) => {
      await bench.gate.hold({ connectionId: "conn_a", code: "circuit_open", untilMs: START_MS + 4_000 });
      const reply = await bench.admit();
      expect(reply).toMatchObject({ decision: "refused", refusal: { code: "circuit_open", retryAfterSeconds: 4 } });
      at(START_MS + 4_000);
      expect(await bench.code()).toBe("go");
      await bench.gate.hold({ connectionId: "conn_a", code: "vendor_limited", untilMs: START_MS + 60_000 });
      expect(await bench.code()).toBe("vendor_limited");
      await bench.gate.hold({ connectionId: "conn_a", code: "vendor_limited", untilMs: 0 });
      expect(await bench.code()).toBe("go");
    });
  });
});
