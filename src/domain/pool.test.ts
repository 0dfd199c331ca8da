import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { limitKey, poolTerms, type LeaseReply, type LeaseReport, type PoolLimit, type PoolTerms } from "./lease.ts";
import { applyLeaseRecord, newLeaseBook, type Draw, type LeaseBook, type LeaseRecord } from "./lease-book.ts";
import { closingReports, leaseRequest, planTake, poolsToTell, reportsOf } from "./lease-use.ts";
import { account } from "./pool-account.ts";
import {
  askLater,
  dropStale,
  dueLeases,
  grant,
  newPool,
  nextDueMs,
  restoreLease,
  statusesOf,
  type Pool,
  type PoolLease,
} from "./pool.ts";

/** A gate as far as leases go: its log is what survives a crash. */
class Gate {
  readonly id: string;
  readonly log: LeaseRecord[] = [];
  book: LeaseBook = newLeaseBook();

  constructor(id: string) {
    this.id = id;
  }

  act(record: LeaseRecord): void {
    this.log.push(structuredClone(record));
    applyLeaseRecord(this.book, record);
  }

  crash(): void {
    const before = structuredClone(this.book);
    this.book = newLeaseBook();
    for (const record of this.log) applyLeaseRecord(this.book, record);
    expect(this.book).toEqual(before);
  }
}

interface Call {
  readonly gate: Gate;
  readonly draws: readonly Draw[];
  readonly usdMicros: number;
}

/** One pool, several gates, and a network that delays and loses what it likes. */
class World {
  nowMs = Date.UTC(2026, 4, 10, 12);
  pool: Pool = newPool(0);
  readonly gates: Gate[];
  readonly terms: PoolTerms;
  readonly admittedAt: { readonly atMs: number; readonly gateId: string }[] = [];
  readonly open: Call[] = [];
  spentCalls = 0;
  spentUsd = 0;
  refusals = 0;
  /** Replies and reports on their way. */
  readonly wire: (() => void)[] = [];

  constructor(gates: number, limits: readonly PoolLimit[]) {
    this.gates = Array.from({ length: gates }, (_, index) => new Gate(`gate_${index}`));
    this.terms = poolTerms("recipient:org:rcpt", limits);
  }

  /** Tries one call: from what is held, else with a lease request whose reply is delivered at once, late or never. */
  call(gate: Gate, usdMicros: number, reply: "now" | "late" | "lost"): boolean {
    if (this.take(gate, usdMicros)) return true;
    const demand = { terms: this.terms, usdMicros };
    gate.act({ op: "retire", pool: this.terms.pool, version: this.terms.version, nowMs: this.nowMs });
    const request = leaseRequest(gate.book, gate.id, demand, { calls: 1, usdMicros }, this.nowMs);
    const forget = account(this.pool, gate.id, request.reports, this.nowMs);
    let outcome = grant(this.pool, request, this.nowMs, false);
    if (outcome.kind === "recall") {
      this.ask(outcome.holders, "now");
      outcome = grant(this.pool, request, this.nowMs, true);
    }
    this.check();
    if (outcome.kind === "recall") throw new Error("A final answer must not recall");
    const answer: LeaseReply =
      outcome.kind === "granted"
        ? { kind: "granted", lease: outcome.lease, statuses: [], forget }
        : { kind: "exhausted", exhausted: outcome.exhausted, statuses: [], forget };
    const revisions = request.reports.map((report) => [report.leaseId, report.revision] as const);
    const deliver = (): void => {
      gate.act({ op: "told", pool: this.terms.pool, revisions, forget, nowMs: this.nowMs });
      if (answer.kind === "granted") gate.act({ op: "receive", lease: answer.lease, nowMs: this.nowMs });
    };
    if (reply === "late") this.wire.push(deliver);
    if (reply === "now") {
      deliver();
      if (answer.kind === "granted") return this.take(gate, usdMicros);
    }
    if (answer.kind === "exhausted") {
      this.refusals += 1;
      expect(answer.exhausted.resetMs).toBeGreaterThan(this.nowMs);
      expect(answer.exhausted.untilMs).toBeLessThanOrEqual(answer.exhausted.resetMs);
    }
    return false;
  }

  take(gate: Gate, usdMicros: number): boolean {
    const plan = planTake(gate.book, [{ terms: this.terms, usdMicros }], this.nowMs);
    if (plan.kind !== "take") return false;
    gate.act({ op: "draw", draws: plan.draws, nowMs: this.nowMs });
    this.open.push({ gate, draws: plan.draws, usdMicros });
    this.admittedAt.push({ atMs: this.nowMs, gateId: gate.id });
    this.spentCalls += 1;
    this.spentUsd += usdMicros;
    return true;
  }

  settle(index: number, share: number, forwarded: boolean): void {
    const [call] = this.open.splice(index % Math.max(1, this.open.length), 1);
    if (call === undefined) return;
    const cost = Math.floor(call.usdMicros * share);
    call.gate.act({ op: "settle", draws: call.draws, usdMicros: cost, forwarded });
    this.spentUsd -= forwarded ? call.usdMicros - cost : call.usdMicros;
    if (!forwarded) this.spentCalls -= 1;
  }

  /** The pool asks gates about leases; a report may come late, or never (then the pool asks again one day). */
  ask(leases: readonly PoolLease[], reply: "now" | "late" | "lost"): void {
    for (const [gateId, of] of Map.groupBy(leases, (lease) => lease.gateId)) {
      const gate = this.gates.find((each) => each.id === gateId);
      if (gate === undefined) throw new Error("Unknown gate");
      const closing = {
        pool: this.terms.pool,
        leases: of.map(({ id, expiresAtMs }) => ({ id, expiresAtMs })),
        forget: [],
      };
      gate.act({ op: "close", closing, nowMs: this.nowMs });
      const reports = closingReports(gate.book, closing);
      const deliver = (): void => void account(this.pool, gateId, structuredClone(reports), this.nowMs);
      if (reply === "now") deliver();
      else askLater(of, this.nowMs);
      if (reply === "late") this.wire.push(deliver);
    }
  }

  tell(gate: Gate): void {
    for (const pool of poolsToTell(gate.book)) {
      const reports: LeaseReport[] = reportsOf(gate.book, pool);
      const forget = account(this.pool, gate.id, reports, this.nowMs);
      const revisions = reports.map((report) => [report.leaseId, report.revision] as const);
      gate.act({ op: "told", pool, revisions, forget, nowMs: this.nowMs });
    }
  }

  restartPool(): void {
    const old = this.pool;
    const pool = newPool(old.next);
    for (const [key, count] of old.counts) {
      const stored = structuredClone(count);
      stored.held = 0;
      if (stored.kind === "window") stored.heldByGate = {};
      pool.counts.set(key, stored);
    }
    for (const lease of old.leases.values()) restoreLease(pool, structuredClone(lease), this.nowMs);
    for (const [key, count] of old.counts) expect(pool.counts.get(key)?.held).toBe(count.held);
    expect(pool.openByGate).toEqual(old.openByGate);
    this.pool = pool;
  }

  /** Never above a limit, at any moment. */
  check(): void {
    const over = this.terms.limits.find((limit) => !this.holds(limit));
    if (over !== undefined) throw new Error(`Exceeded: ${JSON.stringify(over)}`);
  }

  holds(limit: PoolLimit): boolean {
    if (limit.kind === "budget") {
      const spent = limit.unit === "requests" ? this.spentCalls : this.spentUsd;
      const count = this.pool.counts.get(limitKey(limit));
      return spent <= limit.limit && (count?.kind !== "budget" || count.used + count.held <= limit.limit);
    }
    const since = this.nowMs - limit.perSeconds * 1000;
    const recent = this.admittedAt.filter((call) => call.atMs > since);
    if (recent.length > limit.requests) return false;
    if (limit.kind === "rate") {
      if (limit.burst === null) return true;
      // Over any span: the burst, and what the span itself allows.
      const stepMs = (limit.perSeconds * 1000) / limit.requests;
      const burst = Math.max(1, limit.burst);
      return recent.every((call, index) => recent.length - index <= burst + (this.nowMs - call.atMs) / stepMs + 1e-6);
    }
    const share = Math.max(1, Math.floor(limit.requests * limit.maxShare));
    return [...Map.groupBy(recent, (call) => call.gateId).values()].every((calls) => calls.length <= share);
  }

  /** Everything ends: calls are settled, leases expire, lost words are asked for again. */
  finish(): void {
    while (this.open.length > 0) this.settle(0, 1, true);
    for (let round = 0; round < 20 && this.pool.leases.size > 0; round += 1) {
      this.nowMs += 61_000;
      this.ask(dueLeases(this.pool, this.nowMs), "now");
    }
    this.nowMs += 61_000;
    for (const gate of this.gates) {
      this.tell(gate);
      gate.act({ op: "close", closing: { pool: "another", leases: [], forget: [] }, nowMs: this.nowMs });
    }
  }
}

const BUDGET = (unit: "requests" | "usd_micros", limit: number): PoolLimit => ({
  kind: "budget",
  unit,
  limit,
  window: "month",
  anchorMs: null,
});

const step = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant("call" as const),
      gate: fc.nat(4),
      usd: fc.nat(30),
      reply: fc.constantFrom("now", "now", "now", "late", "lost"),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("settle" as const),
      index: fc.nat(50),
      share: fc.constantFrom(0, 0.3, 1),
      forwarded: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("wire" as const), index: fc.nat(20) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("crash" as const), gate: fc.nat(4) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("restart" as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("tell" as const), gate: fc.nat(4) }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.oneof(fc.nat(300), fc.nat(1_200), fc.nat(9_000)) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("ask" as const), reply: fc.constantFrom("now", "late", "lost") }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("recall" as const), reply: fc.constantFrom("now", "late") }) },
);

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function play(world: World, steps: readonly Step[]): void {
  for (const each of steps) {
    const gate = "gate" in each ? world.gates[each.gate % world.gates.length] : undefined;
    if (each.do === "call" && gate !== undefined) world.call(gate, each.usd, each.reply as "now");
    else if (each.do === "settle") world.settle(each.index, each.share, each.forwarded);
    else if (each.do === "wire") world.wire.splice(each.index, 1)[0]?.();
    else if (each.do === "crash") gate?.crash();
    else if (each.do === "restart") world.restartPool();
    else if (each.do === "tell" && gate !== undefined) world.tell(gate);
    else if (each.do === "wait") world.nowMs += each.ms;
    else if (each.do === "ask") world.ask(dueLeases(world.pool, world.nowMs), each.reply as "now");
    else if (each.do === "recall") world.ask([...world.pool.leases.values()].slice(0, 5), each.reply as "now");
    world.check();
  }
}

describe("a pool and its gates", { timeout: 30_000 }, () => {
  it("never exceed a budget and lose no unit, whatever is lost, late or crashes", () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 120 }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 0, max: 400 }),
        (steps, gates, calls, usd) => {
          const world = new World(gates, [BUDGET("requests", calls), BUDGET("usd_micros", usd)]);
          play(world, steps);
          world.finish();
          for (const deliver of world.wire) deliver();
          world.finish();
          const statuses = statusesOf(world.pool, world.terms, "", world.nowMs);
          expect(statuses.map((status) => status.remaining)).toEqual([calls - world.spentCalls, usd - world.spentUsd]);
          expect(world.pool.leases.size).toBe(0);
          // When the month is over nothing is left to be stored.
          dropStale(world.pool, world.nowMs);
          expect(world.pool.counts.size).toBe(2);
          expect(nextDueMs(world.pool)).toBe(Date.UTC(2026, 5, 1, 1));
          dropStale(world.pool, Date.UTC(2026, 5, 1, 1));
          expect(world.pool.counts.size).toBe(0);
          expect(nextDueMs(world.pool)).toBeNull();
          for (const gate of world.gates) expect(gate.book.pools).toEqual({});
        },
      ),
      { numRuns: 250 },
    );
  });

  it("never exceed a rate or a share in any window, however late leased calls are used", () => {
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 40, maxLength: 160 }),
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 24 }),
        fc.integer({ min: 1, max: 4 }),
        fc.constantFrom(0.2, 0.5, 1),
        fc.option(fc.integer({ min: 1, max: 8 })),
        (steps, gates, requests, perSeconds, maxShare, burst) => {
          const world = new World(gates, [
            { kind: "rate", requests, perSeconds, burst },
            { kind: "quota", requests: requests + 2, perSeconds: perSeconds * 2, maxShare },
          ]);
          play(world, steps);
        },
      ),
      { numRuns: 250 },
    );
  });

  it("admit exactly the budget when more is asked for, from every gate's view", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(19), { minLength: 600, maxLength: 600 }), (order) => {
        const world = new World(20, [BUDGET("requests", 200)]);
        for (const index of order) {
          const gate = world.gates[index];
          if (gate !== undefined) world.call(gate, 0, "now");
        }
        expect(world.spentCalls).toBe(200);
        // Refused for good: nobody needs to ask before the month is over or a minute has passed.
        world.finish();
        expect(statusesOf(world.pool, world.terms, "", world.nowMs)[0]?.remaining).toBe(0);
      }),
      { numRuns: 20 },
    );
  });
});
