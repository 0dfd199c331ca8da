/** The payment port inside workerd: what runs without a price, what a hold costs, and what the objects keep. */
import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { ProxyEnv } from "../../workers/proxy/env.ts";
import { connection, grant, world } from "../pipeline.fixture.ts";
import type { PaymentRule } from "../domain/payment.ts";
import type { PaymentInput } from "../ports.ts";
import { ClosingBuffer } from "./credit-closings.ts";
import type { FacilitatorOrder } from "./facilitator.ts";
import { payments } from "./payments.ts";

const bindings = env as Partial<ProxyEnv>;

function bound<T>(binding: T | undefined): T {
  if (binding === undefined) throw new Error("A binding is missing");
  return binding;
}

const LEDGERS = bound(bindings.LEDGERS);
const PAYMENTS = bound(bindings.PAYMENTS);

const rule: PaymentRule = {
  provider: "credits",
  prices: [],
  defaultUsdMicros: 10,
  flow: "authorization",
  quoteLifetimeSeconds: 60,
  accepts: [],
  facilitatorUrl: null,
  account: "customer",
};

function port() {
  return payments({
    ledgers: LEDGERS,
    closings: new ClosingBuffer(),
    nonces: PAYMENTS,
    quoteKey: new Uint8Array(32),
    proxyOrigin: null,
    allowPrivate: false,
    fetch: () => Promise.reject(new Error("unreachable")),
    defer: (work) => void work,
  });
}

function input(payment: PaymentRule | null, more: Partial<PaymentInput> = {}): PaymentInput {
  const made = world({ grants: [grant({ payment, connection: connection({}) })] });
  const { document } = made;
  const [granted] = document.grants;
  if (granted === undefined) throw new Error("no grant");
  return {
    document,
    grant: granted,
    headers: new Headers(),
    method: "GET",
    path: "/contacts",
    resourceUrl: "https://proxy.example.com/conn_test/contacts",
    customer: "acme",
    requestId: `req_${Math.random()}`,
    nowMs: Date.now(),
    note: () => undefined,
    ...more,
  };
}

describe("the payment port", () => {
  it("asks nobody when nothing is due", async () => {
    const free = { ...rule, defaultUsdMicros: 0 };
    for (const payment of [null, free]) expect((await port().take(input(payment))).ok).toBe(true);
  });

  it("holds the price, and refuses who has no credits or names nobody", async () => {
    const call = input(rule);
    const ledger = LEDGERS.getByName(`${call.document.organisationId}/customer/acme`);
    await ledger.move("top_up", 15, "start", "");
    expect((await port().take(call)).ok).toBe(true);
    expect(await ledger.inspect()).toMatchObject({ heldUsdMicros: 10, availableUsdMicros: 5 });
    expect((await port().take(input(rule))).ok).toBe(false);
    const refused = await port().take(input(rule, { customer: "nobody" }));
    expect(refused).toMatchObject({ ok: false, error: { code: "credits_exhausted" } });
    expect(await port().take(input(rule, { customer: null }))).toMatchObject({
      ok: false,
      error: { code: "payment_required" },
    });
  });

  it("charges what a metered answer cost, and the price for all others", async () => {
    const metered = connection({
      prices: [{ kind: "header", methods: [], paths: [], name: "x-cost", usdMicrosPerUnit: 1, maxUsdMicros: 10 }],
    });
    const cases = [
      [metered, 3, 7],
      [metered, null, 0],
      [metered, 50, 0],
      [connection({}), 3, 0],
    ] as const;
    for (const [at, [of, actual, left]] of cases.entries()) {
      const base = input(rule, { customer: `metered-${at}` });
      const call = { ...base, grant: { ...base.grant, connection: of } };
      const ledger = LEDGERS.getByName(`${call.document.organisationId}/customer/metered-${at}`);
      await ledger.move("top_up", 10, "start", "");
      const taken = await port().take(call);
      if (!taken.ok) throw new Error(taken.error.code);
      await taken.value.settle();
      await taken.value.close(actual);
      expect((await ledger.inspect()).balanceUsdMicros).toBe(left);
    }
  });
});

describe("a reservation", () => {
  const order: FacilitatorOrder = { url: "https://f.example.com", body: "{}", payer: "0x", network: "n", amount: "1" };
  const wish = (requestId: string) => ({
    nonce: "0x1",
    digest: "d",
    paymentId: null,
    requestId,
    validBeforeMs: Date.now() + 60_000,
    fresh: true,
  });

  it("is kept over a restart of its object, and given to one of many", async () => {
    const nonces = PAYMENTS.getByName("n/a/p");
    const replies = await Promise.all(["a", "b", "c", "d"].map((id) => nonces.reserve(wish(id), order)));
    expect(replies.filter((reply) => reply.kind === "reserved")).toHaveLength(1);
    const winner = ["a", "b", "c", "d"][replies.findIndex((reply) => reply.kind === "reserved")] ?? "";
    await evictDurableObject(nonces);
    expect(await nonces.reserve(wish("e"), order)).toEqual({ kind: "busy" });
    expect(await nonces.settle("0x1", "e", true)).toEqual({ kind: "lost" });
    await nonces.release("0x1", "e");
    expect(await nonces.reserve(wish("e"), order)).toEqual({ kind: "busy" });
    expect(await nonces.renew("0x1", winner)).toBe(true);
    await nonces.release("0x1", winner);
    expect(await nonces.reserve(wish("e"), order)).toEqual({ kind: "reserved" });
  });
});
