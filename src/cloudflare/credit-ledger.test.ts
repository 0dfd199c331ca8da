import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { ProxyEnv } from "../../workers/proxy/env.ts";
import type { Movement } from "../domain/credits.ts";

const LEDGERS = (env as Partial<ProxyEnv>).LEDGERS;
if (LEDGERS === undefined) throw new Error("LEDGERS is missing");

const HOUR_MS = 3_600_000;

describe("a ledger", () => {
  it("keeps balance and holds over restarts, and charges a hold once", async () => {
    const ledger = LEDGERS.getByName("org_default/recipient/restarts");
    await ledger.move("top_up", 1_000, "req_1", "");
    expect(await ledger.hold("a", 600, HOUR_MS)).toMatchObject({ granted: true, availableUsdMicros: 400 });
    await evictDurableObject(ledger);
    expect(await ledger.hold("b", 500, HOUR_MS)).toMatchObject({ granted: false, availableUsdMicros: 400 });
    await ledger.close([{ id: "a", usdMicros: 250 }]);
    await evictDurableObject(ledger);
    await ledger.close([{ id: "a", usdMicros: 250 }]);
    expect(await ledger.inspect()).toEqual({ balanceUsdMicros: 750, heldUsdMicros: 0, availableUsdMicros: 750 });
  });

  it("moves money once per reference", async () => {
    const ledger = LEDGERS.getByName("org_default/recipient/once");
    for (let time = 0; time < 3; time += 1) await ledger.move("refund", 70, "payment", "");
    expect(await ledger.inspect()).toMatchObject({ balanceUsdMicros: 70 });
    await ledger.move("top_up", 70, "payment", "");
    expect(await ledger.inspect()).toMatchObject({ balanceUsdMicros: 140 });
  });

  it("closes the calls that are over before it sets aside for the next", async () => {
    const ledger = LEDGERS.getByName("org_default/recipient/riding");
    await ledger.move("top_up", 100, "req_1", "");
    expect(await ledger.hold("a", 60, HOUR_MS)).toMatchObject({ granted: true });
    expect(await ledger.hold("b", 60, HOUR_MS)).toMatchObject({ granted: false });
    const over = [
      { id: "a", usdMicros: 10 },
      { id: "never", usdMicros: null },
    ];
    expect(await ledger.hold("b", 60, HOUR_MS, over)).toMatchObject({ granted: true, balanceUsdMicros: 90 });
    expect(await ledger.hold("c", 30, HOUR_MS, over)).toMatchObject({ granted: true, availableUsdMicros: 0 });
    await ledger.close([{ id: "b", usdMicros: 0 }]);
    expect(await ledger.inspect()).toEqual({ balanceUsdMicros: 90, heldUsdMicros: 30, availableUsdMicros: 60 });
  });

  it("takes holds back whose time is over, and charges those whose answer went out", async () => {
    const ledger = LEDGERS.getByName("org_default/recipient/expiry");
    await ledger.move("top_up", 100, "req_1", "");
    await ledger.hold("lost", 60, 30);
    await ledger.hold("answered", 40, 30);
    await ledger.delivered("answered");
    await evictDurableObject(ledger);
    await new Promise((done) => setTimeout(done, 60));
    expect(await ledger.inspect()).toEqual({ balanceUsdMicros: 60, heldUsdMicros: 0, availableUsdMicros: 60 });
  });

  it("adds up, whatever comes and whenever it is restarted", { timeout: 60_000 }, async () => {
    const ledger = LEDGERS.getByName("org_default/customer/adds-up");
    await ledger.move("top_up", 5_000, "start", "");
    let seed = 7;
    const next = (below: number): number => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed % below;
    };
    for (let step = 0; step < 150; step += 1) {
      const id = `call_${next(40)}`;
      const what = next(12);
      if (what < 4) await ledger.hold(id, next(900), next(3) === 0 ? 0 : HOUR_MS);
      else if (what < 7) await ledger.close([{ id, usdMicros: next(2) === 0 ? null : next(900) }]);
      else if (what < 8) await ledger.close([{ id, usdMicros: 0 }]);
      else if (what < 9) await ledger.delivered(id);
      else if (what < 10) await ledger.move("top_up", next(300) + 1, `top_${step}`, "");
      else await evictDurableObject(ledger);
      expect((await ledger.inspect()).availableUsdMicros).toBeGreaterThanOrEqual(0);
    }
    const lines: Movement[] = [];
    for (let before: number | null = null; ; before = lines[0]?.seq ?? 1) {
      const page: readonly Movement[] = await ledger.statement(50, before);
      if (page.length === 0) break;
      lines.unshift(...page.toReversed());
    }
    const { balanceUsdMicros } = await ledger.inspect();
    expect(lines.reduce((sum, line) => sum + line.usdMicros, 0)).toBe(balanceUsdMicros);
    expect(lines.map((line) => line.seq)).toEqual(lines.map((_, at) => at + 1));
    const rows = await runInDurableObject(ledger, (_, state) =>
      state.storage.sql.exec("SELECT count(*) AS n FROM movement").one(),
    );
    expect(rows["n"]).toBe(lines.length);
  });
});
