/**
 * The properties that everything else stands on: a replay of the log gives the same state at any point, no budget is
 * exceeded however requests, settlements and crashes fall, and the chain has no gap.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  gateDocumentOf,
  grantOf,
  MemoryGate,
  NOON_MS,
  plain,
  settlementOf,
} from "../../tests/harness/gate-fixtures.ts";
import { EVENT_SEQ, eventFromTuple, GENESIS_HASH, verifyChain } from "./chain.ts";
import { NO_LIMITS } from "./limits.ts";

const BUDGET_REQUESTS = 12;
const BUDGET_MICROS = 5_000;

type Step =
  | {
      readonly do: "call";
      readonly gapMs: number;
      readonly ip: number;
      readonly reserve: number;
      readonly denied: boolean;
    }
  | { readonly do: "settle"; readonly which: number; readonly cost: number | null; readonly forwarded: boolean }
  | { readonly do: "expire" | "confirm" | "deliver"; readonly which: number }
  | { readonly do: "version" | "crash" | "checkpoint" };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("call" as const),
      gapMs: fc.oneof(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 0, max: 9_000_000 })),
      ip: fc.integer({ min: 1, max: 4 }),
      reserve: fc.integer({ min: 0, max: 1_500 }),
      denied: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("settle" as const),
      which: fc.nat(40),
      cost: fc.option(fc.integer({ min: 0, max: 1_500 })),
      forwarded: fc.boolean(),
    }),
  },
  fc.record({ do: fc.constantFrom("expire" as const, "confirm" as const, "deliver" as const), which: fc.nat(40) }),
  fc.record({ do: fc.constantFrom("version" as const, "crash" as const, "checkpoint" as const) }),
);

function documentOf(version: number) {
  const budgets = [
    { unit: "requests" as const, limit: BUDGET_REQUESTS, window: "day" as const, anchorMs: null },
    { unit: "usd_micros" as const, limit: BUDGET_MICROS, window: "month" as const, anchorMs: NOON_MS },
  ];
  const rate = [{ requests: 5, perSeconds: 1, burst: 3 }];
  return gateDocumentOf({
    version,
    trust: { mode: "first_use", addresses: [], allowWorkers: [] },
    limits: { ...NO_LIMITS, budgets },
    grants: [grantOf({ limits: { ...NO_LIMITS, rate: version % 2 === 0 ? [] : rate } })],
  });
}

class Run {
  readonly gate = new MemoryGate(documentOf(1));
  readonly costs = new Map<number, { readonly atMs: number; readonly reserve: number; spent: number; calls: number }>();
  nowMs = NOON_MS;

  take(each: Step): void {
    const { gate } = this;
    switch (each.do) {
      case "call": {
        this.nowMs += each.gapMs;
        const reply = gate.admit(
          {
            address: { ip: `203.0.113.${each.ip}`, viaWorker: false },
            reserveUsdMicros: each.reserve,
            refusal: each.denied ? { code: "path_denied", detail: "No" } : null,
          },
          this.nowMs,
        );
        if (reply.decision === "go") {
          this.costs.set(reply.admission, { atMs: this.nowMs, reserve: each.reserve, spent: each.reserve, calls: 1 });
        }
        return;
      }
      case "settle": {
        const open = gate.state.open.get(each.which);
        const cost = each.cost === null || open === undefined ? null : Math.min(each.cost, open.reserveUsdMicros);
        gate.settle([settlementOf(each.which, { costUsdMicros: cost, forwarded: each.forwarded })], this.nowMs);
        const known = this.costs.get(each.which);
        if (known === undefined || open === undefined) return;
        known.spent = cost ?? (each.forwarded ? known.reserve : 0);
        known.calls = each.forwarded ? 1 : 0;
        return;
      }
      case "expire":
        if (gate.state.open.has(each.which)) gate.act(["expire", this.nowMs, each.which]);
        return;
      case "confirm": {
        const id = [...gate.state.confirmations.keys()][each.which];
        if (id !== undefined) gate.act(["confirm", this.nowMs, id]);
        return;
      }
      case "deliver":
        gate.act([
          "delivered",
          [[Math.max(1, each.which - 3), each.which]],
          [...gate.state.notices.keys()].slice(0, 1),
        ]);
        return;
      case "version":
        gate.document = documentOf(gate.document.version + 1);
        return;
      case "crash":
        expect(plain(gate.reload())).toEqual(plain(gate.state));
        gate.state = gate.reload();
        return;
      case "checkpoint":
        gate.checkpoint();
        return;
    }
  }

  /** What was spent in the window from `fromMs`, open calls at what they reserved. */
  sums(fromMs: number, toMs: number): { readonly calls: number; readonly micros: number } {
    const inside = [...this.costs.values()].filter(({ atMs }) => atMs >= fromMs && atMs < toMs);
    return {
      calls: inside.reduce((sum, { calls }) => sum + calls, 0),
      micros: inside.reduce((sum, { spent }) => sum + spent, 0),
    };
  }
}

describe("gate, whatever happens", () => {
  test("memory lost at any point comes back the same, and no budget is exceeded", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const run = new Run();
        for (const each of steps) {
          run.take(each);
          const day = Math.floor(run.nowMs / 86_400_000) * 86_400_000;
          expect(run.sums(day, day + 86_400_000).calls).toBeLessThanOrEqual(BUDGET_REQUESTS);
          for (const counter of run.gate.state.budgets.values()) expect(counter.reserved).toBeGreaterThanOrEqual(0);
        }
        expect(plain(run.gate.reload())).toEqual(plain(run.gate.state));
        expect(run.sums(0, Infinity).micros).toBeLessThanOrEqual(BUDGET_MICROS * monthsIn(run.nowMs));
      }),
      { numRuns: 300 },
    );
  });

  test("every request that was decided has exactly one event once all are closed, and the chain verifies", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 80 }), async (steps) => {
        const run = new Run();
        for (const each of steps) if (each.do !== "deliver") run.take(each);
        for (const admission of run.gate.state.open.keys()) run.gate.act(["expire", run.nowMs, admission]);
        const { outbox } = run.gate.state;
        expect(outbox.map((event) => event[EVENT_SEQ])).toEqual(outbox.map((_, at) => at + 1));
        const admissions = outbox.map((event) => event[3]).filter((admission) => admission > 0);
        expect(new Set(admissions)).toEqual(new Set(run.costs.keys()));
        expect(admissions.length).toBe(run.costs.size);
        const verified = await verifyChain(outbox.map(eventFromTuple), [], () => Promise.resolve(true), GENESIS_HASH);
        expect(verified.ok).toBe(true);
      }),
      { numRuns: 60 },
    );
  });
});

function monthsIn(nowMs: number): number {
  return Math.floor((nowMs - NOON_MS) / (28 * 86_400_000)) + 1;
}
