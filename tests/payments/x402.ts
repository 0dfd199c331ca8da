/**
 * Paid calls against a real chain: unmodified clients, every way to cheat that is known, a facilitator that fails and lies.
 * The token's balances and the vendor's own log decide: one transfer and one delivery for each payment.
 */
import { execFile } from "node:child_process";
import type { ServerResponse } from "node:http";
import { createServer } from "node:net";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { x402Client, wrapFetchWithPayment } from "@x402/fetch";
import { registerExactEvmScheme } from "@x402/evm/exact/client";
import { generatePrivateKey, privateKeyToAccount, type PrivateKeyAccount } from "viem/accounts";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { decodeXPaymentResponse, wrapFetchWithPayment as wrapV1FetchWithPayment } from "x402-fetch";
import { items, member } from "../harness/api-client.ts";
import { until } from "../harness/stack.ts";
import { NETWORK, PAY_TO, TOKEN } from "./chain.ts";
import type { Fault } from "./facilitator.ts";
import {
  call,
  credential,
  decode,
  encode,
  hangUp,
  offered,
  payload,
  paymentHeader,
  PRICE_USD_MICROS,
  stranger,
  x402Price,
  type Credential,
  type Offered,
  type World,
} from "./world.ts";

const PRICE = BigInt(PRICE_USD_MICROS);
const FUNDS = 1_000_000n;
const EXAMPLE = resolve(import.meta.dirname, "../../examples/agent-buys-from-a-resold-api.ts");

let world: World;
let paid: Credential;
let payer: PrivateKeyAccount;

/** Names of the headers with which the vendor was called first, in lower case. */
function sentNames(): readonly string[] {
  const [first] = world.vendor.requests;
  if (first === undefined) throw new Error("the vendor was not called");
  return first.rawHeaders.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase());
}

async function spent(): Promise<bigint> {
  return FUNDS - (await world.chain.balanceOf(payer.address));
}

async function payments(query: string) {
  const answer = await world.api.admin("GET", `/api/v1/payments?${query}`);
  expect(answer.status, answer.text).toBe(200);
  return items(member(answer.body, "data"));
}

/** An address where nobody listens. */
async function closedUrl(): Promise<string> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  await new Promise<void>((done) => server.close(() => done()));
  return `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 1}/`;
}

export function x402Tests(of: () => World): void {
  beforeAll(async () => {
    world = of();
    paid = await credential(world, x402Price(world.facilitator));
  });

  beforeEach(async () => {
    world.facilitator.fault = "none";
    world.facilitator.calls.length = 0;
    world.vendor.requests.length = 0;
    world.vendor.answerWith((_request, response) => void response.writeHead(200).end('{"ok":true}'));
    payer = await world.chain.payer(FUNDS);
  });

  describe("unmodified clients", () => {
    it("pay with @x402/fetch, version 2", async () => {
      const client = registerExactEvmScheme(new x402Client(), { signer: payer });
      const paying = wrapFetchWithPayment(fetch, client);
      const headers = { authorization: `Bearer ${paid.token}` };
      const before = await world.chain.balanceOf(PAY_TO);
      const response = await paying(`${world.stack.proxy}/conn_paid/things/1`, { headers });
      expect(response.status).toBe(200);
      expect(await response.json()).toEqual({ ok: true });
      const receipt = decode(response.headers.get("payment-response"));
      expect(receipt).toMatchObject({ success: true, network: NETWORK, payer: payer.address.toLowerCase() });
      expect(receipt["transaction"]).toMatch(/^0x[0-9a-f]{64}$/);
      expect(await spent()).toBe(PRICE);
      expect((await world.chain.balanceOf(PAY_TO)) - before).toBe(PRICE);
      expect(world.vendor.requests).toHaveLength(1);
      expect(sentNames().filter((name) => /payment|access-control-expose/.test(name))).toEqual([]);
    });

    it("pay with x402-fetch, which knows version 1 alone", async () => {
      const paying = wrapV1FetchWithPayment(fetch, payer);
      const headers = { authorization: `Bearer ${paid.token}` };
      const response = await paying(`${world.stack.proxy}/conn_paid/things/3`, { headers });
      expect(response.status).toBe(200);
      expect(await response.json()).toEqual({ ok: true });
      const receipt = decodeXPaymentResponse(response.headers.get("x-payment-response") ?? "");
      expect(receipt).toMatchObject({ success: true, network: "base-sepolia", payer: payer.address.toLowerCase() });
      expect(await spent()).toBe(PRICE);
      expect(world.vendor.requests).toHaveLength(1);
      expect(sentNames().filter((name) => /payment|access-control-expose/.test(name))).toEqual([]);
      const dear = await credential(world, x402Price(world.facilitator, { default_usd_micros: 200_000 }));
      const refusing = paying(`${world.stack.proxy}/conn_paid/things/4`, {
        headers: { authorization: `Bearer ${dear.token}` },
      });
      await expect(refusing).rejects.toThrow("exceeds maximum");
      expect(await spent()).toBe(PRICE);
    });

    it("pay with version 1's part of the same client, from the body of the same 402", async () => {
      const client = registerExactEvmScheme(new x402Client(), { signer: payer });
      // What a client of version 1 does: it reads the body and does not know the header.
      const v1Fetch: typeof fetch = async (input, init) => {
        const response = await fetch(input, init);
        const headers = new Headers(response.headers);
        headers.delete("payment-required");
        return new Response(response.body, { status: response.status, headers });
      };
      const paying = wrapFetchWithPayment(v1Fetch, client);
      const headers = { authorization: `Bearer ${paid.token}` };
      const response = await paying(`${world.stack.proxy}/conn_paid/things/2`, { headers });
      expect(response.status).toBe(200);
      const receipt = decode(response.headers.get("x-payment-response"));
      expect(receipt).toMatchObject({ success: true, network: "base-sepolia" });
      expect(response.headers.get("payment-response")).toBe(null);
      expect(await spent()).toBe(PRICE);
      expect(world.facilitator.calls.map((each) => each.operation)).toEqual(["verify", "settle"]);
    });
  });

  it("an agent with a wallet buys with the documented example, and not above its own limit", async () => {
    const key = generatePrivateKey();
    const { address } = privateKeyToAccount(key);
    await world.chain.mint(address, 100_000n);
    const run = (token: string) =>
      promisify(execFile)(process.execPath, [EXAMPLE], {
        env: {
          ...process.env,
          RELAYKEY_URL: `${world.stack.proxy}/conn_paid/v1/reports/7`,
          RELAYKEY_TOKEN: token,
          WALLET_KEY: key,
        },
      });
    const { stdout } = await run(paid.token);
    expect(stdout).toContain('200 {"ok":true}');
    expect(stdout).toMatch(/0x[0-9a-f]{40} paid 1000 in 0x[0-9a-f]{64}/);
    const dear = await credential(world, x402Price(world.facilitator, { default_usd_micros: 60_000 }));
    await expect(run(dear.token)).rejects.toThrow();
    expect(await world.chain.balanceOf(address)).toBe(99_000n);
  });

  describe("the 402", () => {
    it("carries both versions and a problem document, and reaches nobody", async () => {
      const answer = await world.api.proxy("GET", "/conn_paid/a?secret=1", paid.token);
      expect(answer.status).toBe(402);
      expect(answer.headers.get("content-type")).toContain("application/problem+json");
      expect(member(answer.body, "code")).toBe("payment_required");
      expect(member(answer.body, "x402Version")).toBe(1);
      expect(member(answer.body, "accepts", 0, "network")).toBe("base-sepolia");
      expect(member(answer.body, "accepts", 0, "maxAmountRequired")).toBe("1000");
      const required = decode(answer.headers.get("payment-required"));
      expect(required).toMatchObject({
        x402Version: 2,
        resource: { url: `http://localhost:${world.stack.proxyPort}/conn_paid/a` },
        accepts: [{ scheme: "exact", network: NETWORK, amount: "1000", asset: TOKEN, payTo: PAY_TO }],
      });
      expect(world.vendor.requests).toEqual([]);
      expect(world.facilitator.calls).toEqual([]);
    });

    it("quotes by method and path", async () => {
      const prices = [{ methods: ["POST"], paths: ["/reports/*"], usd_micros: 7_000 }];
      const other = await credential(world, x402Price(world.facilitator, { prices }));
      expect((await offered(world, other, "/reports/1", "POST")).offer.amount).toBe("7000");
      expect((await offered(world, other, "/reports/1")).offer.amount).toBe("1000");
      const free = await credential(world, x402Price(world.facilitator, { default_usd_micros: 0, prices }));
      expect((await world.api.proxy("GET", "/conn_paid/free", free.token)).status).toBe(200);
    });
  });

  describe("a quote", () => {
    it("stays payable for its lifetime although the price has changed", async () => {
      const policy = await world.api.admin("POST", "/api/v1/policies", {
        name: "priced",
        allowed_methods: ["GET"],
        allowed_paths: ["/**"],
        price: x402Price(world.facilitator, { quote_lifetime_seconds: 2 }),
      });
      expect(policy.status, policy.text).toBe(201);
      const id = String(member(policy.body, "id"));
      const made = await world.api.admin("POST", "/api/v1/delegated-credentials", {
        name: "quoted",
        grants: [{ connection_id: "conn_paid", policy_id: id }],
      });
      expect(made.status, made.text).toBe(201);
      const quoted = { id: String(member(made.body, "id")), token: String(member(made.body, "token")) };
      const old = await offered(world, quoted, "/q");
      const raised = x402Price(world.facilitator, { default_usd_micros: 9_000, quote_lifetime_seconds: 2 });
      const changed = await world.api.admin("PATCH", `/api/v1/policies/${id}`, { price: raised });
      expect(changed.status, changed.text).toBe(200);
      expect((await offered(world, quoted, "/q")).offer.amount).toBe("9000");
      expect((await call(world, quoted, "/q", await paymentHeader(payer, old))).status).toBe(200);
      expect(await spent()).toBe(PRICE);
      await new Promise((done) => setTimeout(done, 3_000));
      const late = await call(world, quoted, "/q", await paymentHeader(payer, old));
      expect(late.status).toBe(402);
      expect(member(late.body, "payment_error")).toBe("quote_expired");
      expect(await spent()).toBe(PRICE);
    });
  });

  describe("one payment", () => {
    it("buys one call: a replay is refused, also after a restart, and names the transaction", async () => {
      const header = await paymentHeader(payer, await offered(world, paid, "/once"));
      expect((await call(world, paid, "/once", header)).status).toBe(200);
      const again = await call(world, paid, "/once", header);
      expect(again.status).toBe(409);
      expect(member(again.body, "code")).toBe("payment_replayed");
      expect(String(member(again.body, "transaction"))).toMatch(/^0x/);
      await world.stack.killRuntime();
      expect((await call(world, paid, "/once", header)).status).toBe(409);
      expect(world.vendor.requests).toHaveLength(1);
      expect(await spent()).toBe(PRICE);
    });

    it("used eight times at once is delivered for once and charged once", async () => {
      const header = await paymentHeader(payer, await offered(world, paid, "/race"));
      const answers = await Promise.all(Array.from({ length: 8 }, () => call(world, paid, "/race", header)));
      expect(answers.map((each) => each.status).sort()).toEqual([200, ...Array.from({ length: 7 }, () => 409)]);
      expect(world.vendor.requests).toHaveLength(1);
      expect(await spent()).toBe(PRICE);
    });

    it("200 uses of 20 nonces are 20 deliveries and 20 transfers", async () => {
      const offer = await offered(world, paid, "/many");
      const headers = await Promise.all(Array.from({ length: 20 }, () => paymentHeader(payer, offer)));
      const answers = await Promise.all(
        Array.from({ length: 200 }, (_, at) => call(world, paid, "/many", headers[at % 20] ?? "")),
      );
      const count = (status: number) => answers.filter((each) => each.status === status).length;
      expect([count(200), count(409)]).toEqual([20, 180]);
      expect(world.vendor.requests).toHaveLength(20);
      expect(await spent()).toBe(20n * PRICE);
    });

    it("is named once: a second payment with its identifier is refused", async () => {
      const offer = await offered(world, paid, "/named");
      const named = async () =>
        encode({
          x402Version: 2,
          accepted: offer.offer,
          payload: await payload(payer, offer.offer),
          extensions: { "payment-identifier": { info: { required: false, id: "pay_0123456789abcdef" } } },
        });
      expect((await call(world, paid, "/named", await named())).status).toBe(200);
      expect((await call(world, paid, "/named", await named())).status).toBe(409);
      expect(await spent()).toBe(PRICE);
    });
  });

  describe("a payment that does not fit", () => {
    const OTHER = "0x000000000000000000000000000000000000dEaD";
    const nowSeconds = () => BigInt(Math.floor(Date.now() / 1_000));
    const edited = (change: object) => async (quote: Offered) => {
      const offer = { ...quote.offer, ...change };
      return encode({ x402Version: 2, accepted: offer, payload: await payload(payer, offer) });
    };
    const cheats: readonly (readonly [string, (quote: Offered) => Promise<string>])[] = [
      ["pays somebody else", edited({ payTo: OTHER })],
      ["is in another token", edited({ asset: OTHER })],
      ["is on another network", edited({ network: "eip155:8453" })],
      ["offers less", edited({ amount: "1" })],
      ["edits the token's name", edited({ extra: { name: "FAKE", version: "2", quote: "" } })],
      ["is signed to another recipient", (quote) => paymentHeader(payer, quote, { message: { to: OTHER } })],
      ["is signed over less", (quote) => paymentHeader(payer, quote, { message: { value: 1n } })],
      ["is signed for another chain", (quote) => paymentHeader(payer, quote, { domain: { chainId: 8_453 } })],
      ["is signed by another key", (quote) => paymentHeader(payer, quote, { signer: stranger() })],
      ["has expired", (quote) => paymentHeader(payer, quote, { message: { validBefore: nowSeconds() - 5n } })],
      [
        "expires during a slow call",
        (quote) => paymentHeader(payer, quote, { message: { validBefore: nowSeconds() + 9n } }),
      ],
      ["is not valid yet", (quote) => paymentHeader(payer, quote, { message: { validAfter: nowSeconds() + 60n } })],
      ["was made for another route", async () => paymentHeader(payer, await offered(world, paid, "/other"))],
      [
        "names another resource",
        (quote) => paymentHeader(payer, { ...quote, resource: { ...quote.resource, url: "https://x.test/" } }),
      ],
      [
        "has a made-up signature",
        async ({ offer }) =>
          encode({
            x402Version: 2,
            accepted: offer,
            payload: { ...(await payload(payer, offer)), signature: `0x${"12".repeat(65)}` },
          }),
      ],
    ];

    it.each(cheats)("that %s is refused before anybody is asked", async (_what, make) => {
      // A facilitator that accepts everything must not matter.
      world.facilitator.fault = "verify_accepts_all";
      const header = await make(await offered(world, paid, "/cheat"));
      const answer = await call(world, paid, "/cheat", header);
      expect(answer.status, answer.text).toBe(402);
      expect(member(answer.body, "code")).toBe("payment_required");
      expect(decode(answer.headers.get("payment-required"))["accepts"]).toHaveLength(1);
      expect(world.facilitator.calls).toEqual([]);
      expect(world.vendor.requests).toEqual([]);
      expect(await spent()).toBe(0n);
    });

    it("in an unreadable header is refused as such", async () => {
      const { offer } = await offered(world, paid, "/cheat");
      const good = { x402Version: 2, accepted: offer, payload: await payload(payer, offer) };
      const bad: readonly (readonly [string, number])[] = [
        ["%%%", 400],
        [encode("{"), 400],
        [encode({ ...good, x402Version: 3 }), 400],
        [encode(`${"[".repeat(4_000)}${"]".repeat(4_000)}`), 400],
        ["A".repeat(100_000), 431],
      ];
      for (const [header, status] of bad) {
        const answer = await call(world, paid, "/cheat", header);
        expect([answer.status, answer.headers.get("x-relaykey-source")]).toEqual([status, "relaykey"]);
      }
      const both = await world.api.proxy("GET", "/conn_paid/cheat", paid.token, {
        headers: { "payment-signature": encode(good), "x-payment": encode(good) },
      });
      expect(both.status).toBe(400);
      expect(world.vendor.requests).toEqual([]);
    });
  });

  describe("a facilitator that fails or lies", () => {
    const atVerify: readonly Fault[] = ["verify_500", "verify_slow", "verify_garbage", "verify_other_payer"];
    it.each(atVerify)("at %s stops the call with 503, and the payment can be used after", async (fault) => {
      const header = await paymentHeader(payer, await offered(world, paid, "/v"));
      world.facilitator.fault = fault;
      const answer = await call(world, paid, "/v", header);
      expect(answer.status).toBe(503);
      expect(answer.headers.get("retry-after")).not.toBe(null);
      expect(world.vendor.requests).toEqual([]);
      world.facilitator.fault = "none";
      expect((await call(world, paid, "/v", header)).status).toBe(200);
      expect(await spent()).toBe(PRICE);
    });

    it("and is down stops the call with 503 as well", async () => {
      const gone = await credential(world, x402Price(world.facilitator, { facilitator_url: await closedUrl() }));
      const answer = await call(world, gone, "/down", await paymentHeader(payer, await offered(world, gone, "/down")));
      expect([answer.status, member(answer.body, "code")]).toEqual([503, "unavailable"]);
      expect(world.vendor.requests).toEqual([]);
      expect(await spent()).toBe(0n);
    });

    const atSettle: readonly Fault[] = [
      "settle_500",
      "settle_garbage",
      "settle_lost_answer",
      "settle_made_up",
      "settle_other_payer",
      "settle_other_network",
    ];
    it.each(atSettle)("at %s leaves it open: nothing is delivered, and the same payment resolves it", async (fault) => {
      const header = await paymentHeader(payer, await offered(world, paid, "/s"));
      world.facilitator.fault = fault;
      const answer = await call(world, paid, "/s", header);
      expect(answer.status).toBe(503);
      expect(member(answer.body, "code")).toBe("settlement_unknown");
      expect(answer.headers.get("payment-required")).toBe(null);
      expect(answer.headers.get("x-relaykey-source")).toBe("relaykey");
      expect((await call(world, paid, "/s", header)).status).toBe(503);
      world.facilitator.fault = "none";
      expect((await call(world, paid, "/s", header)).status).toBe(200);
      expect((await call(world, paid, "/s", header)).status).toBe(409);
      expect(await spent()).toBe(PRICE);
    });

    it("is asked again by alarm, without anybody's call", async () => {
      const header = await paymentHeader(payer, await offered(world, paid, "/alarm"));
      world.facilitator.fault = "settle_500";
      expect((await call(world, paid, "/alarm", header)).status).toBe(503);
      world.facilitator.fault = "none";
      await until(
        async () => (await spent()) === PRICE,
        10_000,
        () => "never settled",
      );
      const listed = async () =>
        (await payments(`credential_id=${paid.id}&payer=${payer.address.toLowerCase()}`))[0] ?? null;
      const listedAs = (state: string) =>
        until(
          async () => member(await listed(), "state") === state,
          10_000,
          () => `not listed as ${state}`,
        );
      await listedAs("kept");
      expect(await listed()).toMatchObject({ charged_usd_micros: PRICE_USD_MICROS, status: 503 });
      expect(member(await listed(), "transaction")).toMatch(/^0x[0-9a-f]{64}$/);
      expect((await call(world, paid, "/alarm", header)).status).toBe(200);
      expect(await spent()).toBe(PRICE);
      await listedAs("settled");
    });

    it("and refuses to settle is not paid: no delivery, a new offer", async () => {
      const header = await paymentHeader(payer, await offered(world, paid, "/r"));
      world.facilitator.fault = "settle_refuses";
      const answer = await call(world, paid, "/r", header);
      expect(answer.status).toBe(402);
      expect(decode(answer.headers.get("payment-response"))).toMatchObject({ success: false, transaction: "" });
      expect(answer.text).not.toContain('"ok":true');
      expect(await spent()).toBe(0n);
    });

    it("tells an empty wallet from a full one", async () => {
      const poor = await world.chain.payer(PRICE - 1n);
      const answer = await call(world, paid, "/poor", await paymentHeader(poor, await offered(world, paid, "/poor")));
      expect(answer.status).toBe(402);
      expect(world.vendor.requests).toEqual([]);
    });
  });

  describe("the vendor", () => {
    it("that fails costs nothing, and the payment can be used again", async () => {
      const header = await paymentHeader(payer, await offered(world, paid, "/fails", "POST"));
      world.vendor.answerWith((_request, response) => void response.writeHead(500).end("no"));
      expect((await call(world, paid, "/fails", header, "POST")).status).toBe(500);
      expect(await spent()).toBe(0n);
      world.vendor.answerWith((_request, response) => void response.writeHead(402).end("pay me"));
      const own = await call(world, paid, "/fails", header, "POST");
      expect([own.status, member(own.body, "code")]).toEqual([502, "vendor_payment_required"]);
      expect(await spent()).toBe(0n);
      world.vendor.answerWith((_request, response) => void response.writeHead(200).end("yes"));
      expect((await call(world, paid, "/fails", header, "POST")).status).toBe(200);
      expect(await spent()).toBe(PRICE);
    });

    it.each([
      ["before its answer", (): void => undefined],
      [
        "in its middle",
        (response: ServerResponse): void => void response.writeHead(200, { "content-length": "9" }).write("x"),
      ],
    ])("is paid although the caller hangs up %s, and the payment buys nothing more", async (_when, begin) => {
      const header = await paymentHeader(payer, await offered(world, paid, "/job", "POST"));
      await hangUp(world, paid, begin, { "payment-signature": header });
      await until(
        async () => (await spent()) === PRICE,
        10_000,
        () => "the vendor's work is not paid for",
      );
      world.vendor.answerWith((_request, response) => void response.writeHead(200).end('{"ok":true}'));
      const again = await call(world, paid, "/job", header, "POST");
      expect([again.status, member(again.body, "code")]).toEqual([409, "payment_replayed"]);
      expect(world.vendor.requests).toHaveLength(1);
      expect(await spent()).toBe(PRICE);
    });

    it("whose answer breaks off before any of it was passed on is not paid for: the same payment buys the next try", async () => {
      const header = await paymentHeader(payer, await offered(world, paid, "/breaks", "POST"));
      world.vendor.answerWith((_request, response) => {
        response.writeHead(200, { "content-length": "100" });
        response.write("x", () => response.destroy());
      });
      const broken = await call(world, paid, "/breaks", header, "POST");
      expect([broken.status, member(broken.body, "code")]).toEqual([502, "upstream_unreachable"]);
      world.vendor.answerWith((_request, response) => void response.writeHead(200).end('{"ok":true}'));
      expect((await call(world, paid, "/breaks", header, "POST")).status).toBe(200);
      expect((await call(world, paid, "/breaks", header, "POST")).status).toBe(409);
      expect(await spent()).toBe(PRICE);
    });

    it("cannot speak about payments", async () => {
      world.vendor.answerWith((_request, response) => {
        const headers = {
          "payment-response": "fake",
          "x-payment-response": "fake",
          "payment-required": "fake",
          "settlement-overrides": '{"amount":"999999"}',
        };
        response.writeHead(200, headers).end("yes");
      });
      const header = await paymentHeader(payer, await offered(world, paid, "/speaks"));
      const answer = await call(world, paid, "/speaks", header);
      expect(answer.status).toBe(200);
      expect(decode(answer.headers.get("payment-response"))).toMatchObject({ success: true });
      expect(JSON.stringify([...answer.headers])).not.toContain("fake");
      expect(await spent()).toBe(PRICE);
    });

    it("that streams is not waited for: the first byte comes before the last", async () => {
      let finish = (): void => undefined;
      world.vendor.answerWith((_request, response) => {
        response.writeHead(200, { "content-type": "text/event-stream" });
        response.write("data: 1\n\n");
        finish = () => void response.end("data: 2\n\n");
      });
      const header = await paymentHeader(payer, await offered(world, paid, "/stream"));
      const response = await fetch(`${world.stack.proxy}/conn_paid/stream`, {
        headers: { authorization: `Bearer ${paid.token}`, "payment-signature": header },
      });
      const reader = response.body?.getReader();
      const first = await reader?.read();
      expect(Buffer.from((first?.value as Uint8Array | undefined) ?? []).toString()).toBe("data: 1\n\n");
      expect(await spent()).toBe(PRICE);
      finish();
      while (reader !== undefined && !(await reader.read()).done);
      world.vendor.answerWith((_request, response) => void response.writeHead(200).end('{"ok":true}'));
    });
  });

  describe("upfront", () => {
    it("is settled before the vendor is called; what failed is tried again for the same payment", async () => {
      const upfront = await credential(world, x402Price(world.facilitator, { flow: "upfront" }));
      const header = await paymentHeader(payer, await offered(world, upfront, "/up", "POST"));
      let paidBefore = 0n;
      world.vendor.answerWith(async (_request, response) => {
        paidBefore = await spent();
        response.writeHead(500).end("no");
      });
      expect((await call(world, upfront, "/up", header, "POST")).status).toBe(500);
      expect(paidBefore).toBe(PRICE);
      world.vendor.answerWith((_request, response) => void response.writeHead(200).end('{"ok":true}'));
      const answer = await call(world, upfront, "/up", header, "POST");
      expect(answer.status).toBe(200);
      expect(decode(answer.headers.get("payment-response"))).toMatchObject({ success: true });
      expect((await call(world, upfront, "/up", header, "POST")).status).toBe(409);
      expect(await spent()).toBe(PRICE);
    });
  });

  describe("the record", () => {
    it("says who paid what, in which transaction, and what became of it", async () => {
      const fresh = await credential(world, x402Price(world.facilitator));
      const header = await paymentHeader(payer, await offered(world, fresh, "/rec"));
      const answer = await call(world, fresh, "/rec", header);
      expect(answer.status).toBe(200);
      const { transaction } = decode(answer.headers.get("payment-response"));
      const events = await world.api.events(fresh.id, 2);
      expect(events.map((each) => member(each, "reason"))).toEqual(["payment_required", "ok"]);
      const detail = await world.api.admin("GET", `/api/v1/audit-events/${String(member(events[1] ?? null, "id"))}`);
      expect(member(detail.body, "notes", "payment")).toMatchObject({
        provider: "x402",
        payer: payer.address.toLowerCase(),
        amount: "1000",
        asset: TOKEN.toLowerCase(),
        network: NETWORK,
        state: "settled",
        transaction,
      });
      const found = await payments(`credential_id=${fresh.id}`);
      expect(found).toMatchObject([
        {
          provider: "x402",
          state: "settled",
          usd_micros: PRICE_USD_MICROS,
          charged_usd_micros: PRICE_USD_MICROS,
          payer: payer.address.toLowerCase(),
          transaction,
          event_id: member(events[1] ?? null, "id"),
          path: "/rec",
        },
      ]);
      const usage = await world.api.admin("GET", `/api/v1/usage?credential_id=${fresh.id}`);
      expect(member(usage.body, "totals", "payments")).toMatchObject({ calls: 1, x402_usd_micros: PRICE_USD_MICROS });
    });

    it("says what nobody knows, until the same payment's next call does", async () => {
      const fresh = await credential(world, x402Price(world.facilitator, { flow: "upfront" }));
      const header = await paymentHeader(payer, await offered(world, fresh, "/open"));
      world.facilitator.fault = "settle_500";
      expect((await call(world, fresh, "/open", header)).status).toBe(503);
      await world.api.events(fresh.id, 2);
      expect(await payments(`credential_id=${fresh.id}&state=unknown`)).toMatchObject([{ charged_usd_micros: null }]);
      world.facilitator.fault = "none";
      expect((await call(world, fresh, "/open", header)).status).toBe(200);
      await world.api.events(fresh.id, 3);
      expect(await payments(`credential_id=${fresh.id}`)).toMatchObject([{ state: "settled", status: 200 }]);
    });
  });
}
