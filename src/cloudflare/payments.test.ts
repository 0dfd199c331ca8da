/** The payment port inside workerd: what runs without a price, what a hold costs, and what the objects keep. */
import { secp256k1 } from "@noble/curves/secp256k1";
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import type { ProxyEnv } from "../../workers/proxy/env.ts";
import { resolveRoute } from "../domain/route.ts";
import { ok } from "../domain/result.ts";
import { handleCall } from "../pipeline.ts";
import { connection, grant, SETTINGS, world } from "../pipeline.fixture.ts";
import type { PaymentRule } from "../domain/payment.ts";
import { authorizationDigest, recoverSigner } from "../domain/x402-authorization.ts";
import { encodeHeader, type Requirements } from "../domain/x402-wire.ts";
import type { PaymentHold, PaymentInput } from "../ports.ts";
import { sendLater } from "./credit-closings.ts";
import type { CreditLedger, HoldClosing } from "./credit-ledger.ts";
import { verifyPayment, type FacilitatorOrder } from "./facilitator.ts";
import type { AuditMessage } from "./audit-messages.ts";
import { PaymentNonces } from "./payment-nonces.ts";
import { payments, type PaymentOptions } from "./payments.ts";
import { RideBuffer } from "./ride-buffer.ts";

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

function port(more: Partial<PaymentOptions> = {}) {
  return payments({
    ledgers: LEDGERS,
    closings: new RideBuffer<HoldClosing>(),
    nonces: PAYMENTS,
    quoteKey: new Uint8Array(32),
    proxyOrigin: null,
    allowPrivate: false,
    fetch: () => Promise.reject(new Error("unreachable")),
    defer: (work) => void work,
    ...more,
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
    held: null,
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

describe("charges on their way", () => {
  const far = (name: string) => LEDGERS.getByName(name);
  const until = async (holds: () => Promise<boolean>) => {
    for (let round = 0; round < 100 && !(await holds()); round += 1) await new Promise((done) => setTimeout(done, 20));
    expect(await holds()).toBe(true);
  };

  it("ride on the account's next hold, and on no other's", async () => {
    const closings = new RideBuffer<HoldClosing>();
    const [name, other] = ["org_default/customer/rides", "org_default/customer/other"];
    await far(name).move("top_up", 10, "start", "");
    await far(name).hold("a", 10, 60_000);
    const sent = sendLater(closings, name, far(name), [{ id: "a", usdMicros: 4 }]);
    expect(closings.take(other)).toEqual([]);
    const riding = closings.take(name);
    expect(await far(name).hold("b", 6, 60_000, riding)).toMatchObject({ granted: true, balanceUsdMicros: 6 });
    await sent;
    expect(await far(name).inspect()).toMatchObject({ balanceUsdMicros: 6, heldUsdMicros: 6 });
  });

  it("are sent by themselves, together, and again when the ledger was away", async () => {
    const closings = new RideBuffer<HoldClosing>();
    const name = "org_default/customer/again";
    await far(name).move("top_up", 10, "start", "");
    for (const id of ["a", "b"]) await far(name).hold(id, 5, 60_000);
    const tries: number[] = [];
    const flaky = {
      close: async (over: readonly HoldClosing[]) => {
        tries.push(over.length);
        // The first time it arrives and the answer is lost: closing twice must change nothing.
        await far(name).close(over);
        if (tries.length === 1) throw new Error("away");
      },
    } as DurableObjectStub<CreditLedger>;
    await Promise.all(["a", "b"].map((id) => sendLater(closings, name, flaky, [{ id, usdMicros: null }])));
    await until(async () => tries.length === 2);
    expect(tries).toEqual([2, 2]);
    expect(await far(name).inspect()).toMatchObject({ balanceUsdMicros: 0, heldUsdMicros: 0 });
    expect(await far(name).statement(10, null)).toHaveLength(3);
  });

  it("are kept when the hold that carried them failed", async () => {
    const closings = new RideBuffer<HoldClosing>();
    const call = input(rule, { customer: "carried" });
    const name = `${call.document.organisationId}/customer/carried`;
    await far(name).move("top_up", 10, "start", "");
    await far(name).hold("a", 10, 60_000);
    closings.put(name, [{ id: "a", usdMicros: 3 }], Date.now());
    closings.sending(name);
    const away = {
      hold: () => Promise.reject(new Error("away")),
      close: (over: HoldClosing[]) => far(name).close(over),
    };
    const ledgers = { getByName: () => away } as unknown as typeof LEDGERS;
    await expect(port({ ledgers, closings }).take(call)).rejects.toThrow("away");
    await until(async () => (await far(name).inspect()).heldUsdMicros === 0);
    expect(await far(name).inspect()).toMatchObject({ balanceUsdMicros: 7 });
  });
});

it("a WebSocket is paid for with its handshake, and carries the receipt", async () => {
  const made = world({ grants: [grant({ payment: rule, connection: connection({}) })] });
  const closed: unknown[] = [];
  const hold: PaymentHold = {
    settle: async () => ok({ headers: { "payment-response": "receipt" }, note: {} }),
    close: async (actual) => void closed.push(actual),
    release: async () => void closed.push("released"),
  };
  made.vendor = () => new Response(null, { status: 101, webSocket: new WebSocketPair()[0] });
  const ports = { ...made.ports, payments: { take: async () => ok(hold) } };
  const url = "http://localhost/conn_test/contacts/7";
  const route = resolveRoute(url, { proxyDomain: "localhost" });
  if (route.kind !== "proxy") throw new Error(route.kind);
  const request = new Request(url, { headers: { authorization: `Bearer ${made.token}`, upgrade: "websocket" } });
  const response = await handleCall(request, route, ports, SETTINGS);
  expect([response.status, response.headers.get("payment-response")]).toEqual([101, "receipt"]);
  expect(closed).toHaveLength(1);
  expect(closed).not.toContain("released");
  expect(made.settlements).toHaveLength(1);
});

const order: FacilitatorOrder = { url: "https://f.example.com", body: "{}", payer: "0x", network: "n", amount: "1" };

describe("a reservation", () => {
  const wish = (requestId: string) => ({
    nonce: "0x1",
    digest: "d",
    paymentId: null,
    listed: { organisationId: "org_default", reference: "n/a/p/0x1" },
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

describe("a settlement that is found out late", () => {
  const listed = { organisationId: "org_default", reference: "n/a/late/0x1" };
  const wish = (requestId: string) => {
    const validBeforeMs = Date.now() + 600_000;
    return { nonce: "0x1", digest: "d", paymentId: null, listed, requestId, validBeforeMs, fresh: true };
  };
  const transaction = `0x${"ab".repeat(32)}`;

  it("is told to the owner, again and again until the queue takes it", async () => {
    const startMs = Date.now();
    const clock = vi.spyOn(Date, "now").mockReturnValue(startMs);
    const facilitator = vi.spyOn(globalThis, "fetch").mockImplementation(async () => new Response("", { status: 500 }));
    const sent: unknown[] = [];
    let away = true;
    const send = async (message: unknown): Promise<void> => {
      if (away) throw new Error("The queue is away");
      sent.push(message);
    };
    await runInDurableObject(PAYMENTS.getByName("n/a/late"), async (_, state) => {
      const queue = { send } as unknown as Queue<AuditMessage>;
      const nonces = new PaymentNonces(state, { AUDIT_QUEUE: queue });
      expect(await nonces.reserve(wish("a"), order)).toEqual({ kind: "reserved" });
      expect(await nonces.settle("0x1", "a", true)).toEqual({ kind: "unknown" });
      expect(sent).toEqual([]);
      facilitator.mockImplementation(async () =>
        Response.json({ success: true, transaction, payer: "0x", network: "n", amount: "1" }),
      );
      clock.mockReturnValue(startMs + 10_000);
      await nonces.alarm();
      expect(await state.storage.getAlarm()).toBeGreaterThan(startMs + 10_000);
      away = false;
      clock.mockReturnValue(startMs + 60_000);
      await nonces.alarm();
      const { organisationId: organisation_id, reference } = listed;
      expect(sent).toEqual([{ v: 1, kind: "payment", organisation_id, reference, state: "kept", transaction }]);
      expect(await nonces.reserve(wish("b"), order)).toEqual({ kind: "paid", transaction });
    });
    vi.restoreAllMocks();
  });
});

describe("a facilitator's answer", () => {
  const valid = JSON.stringify({ isValid: true });
  const verified = async (body: BodyInit, headers: Record<string, string>): Promise<boolean> => {
    const answer = new Response(body, { headers });
    return (await verifyPayment(order, { allowPrivate: false, fetch: () => Promise.resolve(answer) })).ok;
  };
  const stream = (text: string): ReadableStream => new Blob([text]).stream();

  it("is read whether or not its length is told", async () => {
    expect(await verified(valid, { "content-length": String(valid.length) })).toBe(true);
    expect(await verified(stream(valid), {})).toBe(true);
    expect(await verified("", { "content-length": "0" })).toBe(false);
  });

  it("is refused above 64 KiB, whatever its length is said to be", async () => {
    const long = valid + " ".repeat(65_536);
    expect(await verified(stream(long), {})).toBe(false);
    expect(await verified(long, { "content-length": String(long.length) })).toBe(false);
    // The length of what is compressed says nothing about what comes out of it.
    expect(await verified(stream(long), { "content-length": "90", "content-encoding": "br" })).toBe(false);
  });
});

describe("an x402 payment", () => {
  const accept = {
    network: "eip155:84532",
    asset: `0x${"0a".repeat(20)}`,
    payTo: `0x${"0b".repeat(20)}`,
    decimals: 6,
    name: "USDC",
    version: "2",
  };
  const priced: PaymentRule = {
    ...rule,
    provider: "x402",
    account: null,
    accepts: [accept],
    facilitatorUrl: "https://f.example.com",
  };

  function sign(digest: Uint8Array): string {
    const signature = secp256k1.sign(digest, new Uint8Array(32).fill(7));
    return `0x${signature.toCompactHex()}${signature.recovery === 1 ? "1c" : "1b"}`;
  }

  /** A good payment of the call's first offer. */
  async function paidHeaders(call: PaymentInput): Promise<Headers> {
    const offered = await port().take(call);
    const header = offered.ok ? "" : (offered.error.headers?.["payment-required"] ?? "");
    const { accepts } = JSON.parse(atob(header)) as { readonly accepts: readonly Requirements[] };
    const accepted = accepts[0];
    if (accepted === undefined) throw new Error("no offer");
    const any = new Uint8Array(32).fill(1);
    const authorization = {
      from: recoverSigner(any, sign(any)) ?? "",
      to: accepted.payTo,
      value: accepted.amount,
      validAfter: "0",
      validBefore: String(Math.floor(Date.now() / 1_000) + 3_600),
      nonce: `0x${"0c".repeat(32)}`,
    };
    const domain = { name: accept.name, version: accept.version, chainId: 84_532, contract: accept.asset };
    const signature = sign(authorizationDigest(authorization, domain));
    const payment = { x402Version: 2, accepted, payload: { signature, authorization } };
    return new Headers({ "payment-signature": encodeHeader(payment) });
  }

  it("is shown to the facilitator once it is reserved, so that a replay troubles nobody", async () => {
    const call = input(priced);
    const headers = await paidHeaders(call);
    for (const kind of ["busy", "reserved"] as const) {
      const asked: string[] = [];
      const waiting = Promise.withResolvers<{ kind: string }>();
      const nonces = { getByName: () => ({ reserve: () => waiting.promise, renew: async () => true }) };
      const taken = port({
        nonces: nonces as unknown as typeof PAYMENTS,
        fetch: async (request) => {
          asked.push(new URL(request.url).pathname);
          return Response.json({ isValid: true });
        },
      }).take({ ...call, headers });
      let over = false;
      void taken.then(() => (over = true));
      await new Promise((done) => setTimeout(done, 20));
      expect([asked, over]).toEqual([[], false]);
      waiting.resolve({ kind });
      const hold = await taken;
      expect([asked, hold.ok]).toEqual(kind === "reserved" ? [["/verify"], true] : [[], false]);
      if (hold.ok) await hold.value.release("upstream_500");
    }
  });

  it.each(["authorization", "upfront"] as const)(
    "is not taken (%s) for a call that is refused anyway",
    async (flow) => {
      const held = { code: "circuit_open", detail: "The vendor is failing." } as const;
      const call = input({ ...priced, flow }, { held });
      const unpaid = await port().take(call);
      expect(unpaid.ok ? null : unpaid.error.code).toBe("payment_required");
      const nobody = { getByName: () => ({ reserve: () => Promise.reject(new Error("asked")) }) };
      const fetch = (): Promise<Response> => Promise.reject(new Error("asked"));
      const taken = await port({ nonces: nobody as unknown as typeof PAYMENTS, fetch }).take({
        ...call,
        headers: await paidHeaders(call),
      });
      expect(taken).toEqual({ ok: false, error: held });
    },
  );

  it("is refused when it cannot be reserved, whatever the facilitator says", async () => {
    const call = input(priced);
    const headers = await paidHeaders(call);
    const away = { getByName: () => ({ reserve: () => Promise.reject(new Error("away")) }) };
    const nonces = away as unknown as typeof PAYMENTS;
    const fetch = (): Promise<Response> => Promise.resolve(Response.json({ isValid: true }));
    await expect(port({ nonces, fetch }).take({ ...call, headers })).rejects.toThrow("away");
  });
});
