/** Prepaid credits from outside: paid in, held, charged, given back; never overdrawn, and the statement always adds up. */
import type { ServerResponse } from "node:http";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { items, member, text } from "../harness/api-client.ts";
import { until } from "../harness/stack.ts";
import { call, credential, decode, hangUp, offered, paymentHeader, x402Price, type World } from "./world.ts";

const PRICE = 1_000;

let world: World;

async function recipient(): Promise<string> {
  const answer = await world.api.admin("POST", "/api/v1/recipients", { name: "Team", kind: "team" });
  expect(answer.status, answer.text).toBe(201);
  return text(member(answer.body, "id"));
}

async function topUp(base: string, usdMicros: number): Promise<void> {
  const answer = await world.api.admin("POST", `${base}/credits/top-ups`, { usd_micros: usdMicros });
  expect(answer.status, answer.text).toBe(201);
}

async function balance(base: string): Promise<{ balance: number; held: number }> {
  const answer = await world.api.admin("GET", `${base}/credits`);
  expect(answer.status, answer.text).toBe(200);
  return {
    balance: Number(member(answer.body, "balance_usd_micros")),
    held: Number(member(answer.body, "held_usd_micros")),
  };
}

/** The statement, oldest first; checks that it adds up. */
async function statement(base: string) {
  const lines = [];
  let cursor = "";
  do {
    const page = await world.api.admin("GET", `${base}/credits/movements?limit=7${cursor}`);
    expect(page.status, page.text).toBe(200);
    lines.unshift(...items(member(page.body, "data")).toReversed());
    const next = member(page.body, "next_cursor");
    cursor = next === null ? "" : `&cursor=${text(next)}`;
  } while (cursor !== "");
  let sum = 0;
  for (const [at, line] of lines.entries()) {
    sum += Number(member(line, "usd_micros"));
    expect(member(line, "seq")).toBe(at + 1);
    expect(member(line, "balance_usd_micros")).toBe(sum);
  }
  expect((await balance(base)).balance).toBe(sum);
  return lines;
}

const CREDITS = { provider: "credits", account: "recipient", default_usd_micros: PRICE };

export function creditTests(of: () => World): void {
  beforeAll(() => {
    world = of();
  });

  beforeEach(() => {
    world.facilitator.fault = "none";
    world.vendor.requests.length = 0;
    world.vendor.answerWith((_request, response) => void response.writeHead(200).end('{"ok":true}'));
  });

  describe("a team's credits", () => {
    it("pay for its calls until they are used up", async () => {
      const id = await recipient();
      const base = `/api/v1/recipients/${id}`;
      const of = await credential(world, CREDITS, { recipient_id: id });
      const broke = await world.api.proxy("GET", "/conn_paid/a", of.token);
      expect([broke.status, member(broke.body, "code")]).toEqual([402, "credits_exhausted"]);
      expect(member(broke.body, "price_usd_micros")).toBe(PRICE);
      expect(broke.headers.get("payment-required")).toBe(null);
      expect(broke.headers.get("x-should-retry")).toBe("false");
      expect(world.vendor.requests).toEqual([]);

      await topUp(base, 2_500);
      for (const status of [200, 200, 402]) {
        expect((await world.api.proxy("GET", "/conn_paid/a", of.token)).status).toBe(status);
      }
      await until(
        async () => (await balance(base)).held === 0,
        5_000,
        () => "holds stay open",
      );
      expect((await statement(base)).map((line) => [member(line, "kind"), member(line, "usd_micros")])).toEqual([
        ["top_up", 2_500],
        ["charge", -PRICE],
        ["charge", -PRICE],
      ]);
      const events = await world.api.events(of.id, 4);
      expect(events.map((each) => member(each, "reason"))).toEqual([
        "credits_exhausted",
        "ok",
        "ok",
        "credits_exhausted",
      ]);
      const detail = await world.api.admin("GET", `/api/v1/audit-events/${text(member(events[1] ?? null, "id"))}`);
      expect(member(detail.body, "notes", "payment")).toMatchObject({
        provider: "credits",
        account: `recipient:${id}`,
        usd_micros: PRICE,
        state: "settled",
      });
    });

    it("are never overdrawn by calls at once, and a failed call costs nothing", async () => {
      const id = await recipient();
      const base = `/api/v1/recipients/${id}`;
      const of = await credential(world, CREDITS, { recipient_id: id });
      await topUp(base, 10 * PRICE);
      const answers = await Promise.all(
        Array.from({ length: 40 }, () => world.api.proxy("GET", "/conn_paid/b", of.token)),
      );
      const paid = answers.filter((each) => each.status === 200).length;
      expect(paid).toBe(10);
      expect(world.vendor.requests).toHaveLength(paid);
      await until(
        async () => (await balance(base)).held === 0,
        5_000,
        () => "holds stay open",
      );
      expect((await balance(base)).balance).toBe(0);
      await topUp(base, PRICE);
      world.vendor.answerWith((_request, response) => void response.writeHead(404).end("no"));
      expect((await world.api.proxy("GET", "/conn_paid/b", of.token)).status).toBe(404);
      world.vendor.answerWith((_request, response) => {
        response.writeHead(200, { "content-length": "100" });
        response.write("x", () => response.destroy());
      });
      expect((await world.api.proxy("POST", "/conn_paid/b", of.token)).status).toBe(502);
      await until(
        async () => (await balance(base)).held === 0,
        5_000,
        () => "holds stay open",
      );
      expect((await balance(base)).balance).toBe(PRICE);
      await statement(base);
    });

    it.each([
      ["before the vendor's answer", (): void => undefined],
      [
        "in its middle",
        (response: ServerResponse): void => void response.writeHead(200, { "content-length": "9" }).write("x"),
      ],
    ])("are charged when the caller hangs up %s: what was ordered is made", async (_when, begin) => {
      const id = await recipient();
      const base = `/api/v1/recipients/${id}`;
      const of = await credential(world, CREDITS, { recipient_id: id });
      await topUp(base, 3 * PRICE);
      await hangUp(world, of, begin);
      await until(
        async () => (await balance(base)).held === 0,
        5_000,
        () => "holds stay open",
      );
      expect((await statement(base)).map((line) => member(line, "usd_micros"))).toEqual([3 * PRICE, -PRICE]);
      expect((await world.api.events(of.id, 1)).map((each) => member(each, "reason"))).toEqual(["client_gone"]);
    });

    it("survive a crash: nothing is charged twice, and the statement adds up", async () => {
      const id = await recipient();
      const base = `/api/v1/recipients/${id}`;
      const of = await credential(world, CREDITS, { recipient_id: id });
      await topUp(base, 100 * PRICE);
      let stopped = false;
      let served = 0;
      const load = Array.from({ length: 4 }, async () => {
        while (!stopped) {
          const answer = await world.api.proxy("GET", "/conn_paid/c", of.token).catch(() => null);
          if (answer?.status === 200) served += 1;
          if (answer === null) await new Promise((done) => setTimeout(done, 20));
        }
      });
      await new Promise((done) => setTimeout(done, 150));
      await world.stack.killRuntime();
      await new Promise((done) => setTimeout(done, 150));
      stopped = true;
      await Promise.all(load);
      // What the last calls were charged arrives a moment after their answers.
      let before = -1;
      await until(
        async () => {
          const known = before;
          before = (await balance(base)).balance;
          if (before === known) return true;
          await new Promise((done) => setTimeout(done, 400));
          return false;
        },
        10_000,
        () => "the balance does not come to rest",
      );
      const lines = await statement(base);
      const charges = lines.filter((line) => member(line, "kind") === "charge");
      expect(charges.length).toBeLessThanOrEqual(world.vendor.requests.length);
      expect(new Set(charges.map((line) => member(line, "reference"))).size).toBe(charges.length);
      const { balance: left, held } = await balance(base);
      expect(left).toBe((100 - charges.length) * PRICE);
      // Calls that were open when the runtime died hold their price until their time is over.
      expect(charges.length * PRICE + held).toBeGreaterThanOrEqual(served * PRICE - 4 * PRICE);
    });

    it("are adjusted with a reason, by editors only", async () => {
      const id = await recipient();
      const base = `/api/v1/recipients/${id}`;
      await topUp(base, 500);
      const url = `${base}/credits/adjustments`;
      const adjusted = await world.api.admin("POST", url, { usd_micros: -200, note: "paid twice" });
      expect(adjusted.status, adjusted.text).toBe(201);
      expect(member(adjusted.body, "balance", "balance_usd_micros")).toBe(300);
      expect((await world.api.admin("POST", url, { usd_micros: -200 })).status).toBe(422);
      const key = await world.api.admin("POST", "/api/v1/management-keys", { name: "reader", role: "auditor" });
      const reader = text(member(key.body, "key"));
      expect((await world.api.admin("POST", url, { usd_micros: 5, note: "mine" }, reader)).status).toBe(403);
      expect((await world.api.admin("GET", `${base}/credits`, undefined, reader)).status).toBe(200);
      await statement(base);
    });
  });

  describe("a customer's credits", () => {
    it("pay for the calls that name the customer", async () => {
      const made = await world.api.admin("POST", "/api/v1/customers", { reference: "acme" });
      expect(made.status, made.text).toBe(201);
      await topUp(`/api/v1/customers/${text(member(made.body, "id"))}`, PRICE);
      const of = await credential(world, { ...CREDITS, account: "customer" });
      expect((await world.api.proxy("GET", "/conn_paid/d", of.token)).status).toBe(402);
      const send = (customer: string) =>
        world.api.proxy("GET", "/conn_paid/d", of.token, { headers: { "x-relaykey-customer": customer } });
      expect((await send("other")).status).toBe(402);
      expect((await send("acme")).status).toBe(200);
      expect((await send("acme")).status).toBe(402);
      expect(world.vendor.requests).toHaveLength(1);
    });
  });

  describe("both providers", () => {
    it("credits that are used up are offered to be paid by token", async () => {
      const id = await recipient();
      const price = x402Price(world.facilitator, { provider: "credits", account: "recipient" });
      const of = await credential(world, price, { recipient_id: id });
      const quote = await offered(world, of, "/e");
      const payer = await world.chain.payer(1_000_000n);
      expect((await call(world, of, "/e", await paymentHeader(payer, quote))).status).toBe(200);
      expect(await world.chain.balanceOf(payer.address)).toBe(999_000n);
      await topUp(`/api/v1/recipients/${id}`, PRICE);
      expect((await world.api.proxy("GET", "/conn_paid/e", of.token)).status).toBe(200);
    });

    it("an upfront payment for a call that failed becomes credits, which pay the next call", async () => {
      const id = await recipient();
      const price = x402Price(world.facilitator, { flow: "upfront", account: "recipient" });
      const of = await credential(world, price, { recipient_id: id });
      const payer = await world.chain.payer(1_000_000n);
      const header = await paymentHeader(payer, await offered(world, of, "/f"));
      world.vendor.answerWith((_request, response) => void response.writeHead(500).end("no"));
      expect((await call(world, of, "/f", header)).status).toBe(500);
      const lines = await statement(`/api/v1/recipients/${id}`);
      expect(lines.map((line) => [member(line, "kind"), member(line, "usd_micros")])).toEqual([["refund", PRICE]]);
      await world.api.events(of.id, 2);
      const listed = await world.api.admin("GET", `/api/v1/payments?credential_id=${of.id}`);
      expect(items(member(listed.body, "data"))).toMatchObject([
        { provider: "x402", state: "refunded", charged_usd_micros: 0, account: { kind: "recipient", reference: id } },
      ]);
      const usage = await world.api.admin("GET", `/api/v1/usage?credential_id=${of.id}`);
      expect(member(usage.body, "totals", "payments")).toMatchObject({ calls: 0, refunded_usd_micros: PRICE });
      world.vendor.answerWith((_request, response) => void response.writeHead(200).end('{"ok":true}'));
      expect((await call(world, of, "/f", header)).status).toBe(409);
      const next = await world.api.proxy("GET", "/conn_paid/f", of.token);
      expect(next.status).toBe(200);
      expect(await world.chain.balanceOf(payer.address)).toBe(999_000n);
      const empty = await world.api.proxy("GET", "/conn_paid/f", of.token);
      expect(empty.status).toBe(402);
      expect(decode(empty.headers.get("payment-required"))["x402Version"]).toBe(2);
    });
  });
}
