/** Everything a paid call needs, for real: the stack, a vendor, a chain, a facilitator; and payments made by hand. */
import { randomBytes } from "node:crypto";
import type { ServerResponse } from "node:http";
import { connect } from "node:net";
import type { Hex } from "viem";
import { generatePrivateKey, privateKeyToAccount, type PrivateKeyAccount } from "viem/accounts";
import { expect } from "vitest";
import { apiClient, member, text, type ApiClient } from "../harness/api-client.ts";
import { startRecordingVendor, type RecordingVendor } from "../harness/recording-vendor.ts";
import { startStack, type Stack } from "../harness/stack.ts";
import { NETWORK, PAY_TO, startChain, TOKEN, type Chain } from "./chain.ts";
import { startFacilitator, type Facilitator } from "./facilitator.ts";

/** Until what a vendor began to answer has arrived at the proxy. */
const BEGUN_MS = 300;
export const PRICE_USD_MICROS = 1_000;

export interface World {
  readonly stack: Stack;
  readonly api: ApiClient;
  readonly vendor: RecordingVendor;
  readonly chain: Chain;
  readonly facilitator: Facilitator;
  stop(): Promise<void>;
}

export async function startWorld(): Promise<World> {
  const [stack, vendor, chain] = await Promise.all([startStack({ demo: false }), startRecordingVendor(), startChain()]);
  const facilitator = await startFacilitator(chain);
  const api = apiClient(stack);
  const connection = {
    id: "conn_paid",
    name: "Paid",
    base_url: vendor.origin,
    auth: { scheme: "bearer" },
    secret: "fake-key",
    reliability: { total_timeout_ms: 10_000 },
  };
  const made = await api.admin("POST", "/api/v1/connections", connection);
  expect(made.status, made.text).toBe(201);
  return {
    stack,
    api,
    vendor,
    chain,
    facilitator,
    stop: async () => {
      await Promise.allSettled([stack.stop(), vendor.stop(), chain.stop(), facilitator.stop()]);
    },
  };
}

export function x402Price(facilitator: Facilitator, more: object = {}): object {
  return {
    provider: "x402",
    default_usd_micros: PRICE_USD_MICROS,
    accepts: [{ network: NETWORK, asset: TOKEN, pay_to: PAY_TO, decimals: 6, name: "USDC", version: "2" }],
    facilitator_url: facilitator.url,
    ...more,
  };
}

export interface Credential {
  readonly id: string;
  readonly token: string;
}

export async function credential(world: World, price: object, more: object = {}): Promise<Credential> {
  const answer = await world.api.admin("POST", "/api/v1/delegated-credentials", {
    connection_id: "conn_paid",
    name: "payer",
    allowed_methods: ["GET", "POST"],
    allowed_paths: ["/**"],
    price,
    ...more,
  });
  expect(answer.status, answer.text).toBe(201);
  return { id: text(member(answer.body, "id")), token: text(member(answer.body, "token")) };
}

export interface Offer {
  readonly scheme: string;
  readonly network: string;
  readonly amount: string;
  readonly asset: Hex;
  readonly payTo: Hex;
  readonly maxTimeoutSeconds: number;
  readonly extra: { readonly name: string; readonly version: string; readonly quote: string };
}

export interface Offered {
  readonly offer: Offer;
  readonly resource: { readonly url: string; readonly description: string };
}

/** What a call without payment is asked for. */
export async function offered(world: World, of: Credential, path: string, method = "GET"): Promise<Offered> {
  const answer = await world.api.proxy(method, `/conn_paid${path}`, of.token);
  expect(answer.status, answer.text).toBe(402);
  const required = decode(answer.headers.get("payment-required"));
  const [offer] = required["accepts"] as Offer[];
  if (offer === undefined) throw new Error("no offer");
  return { offer, resource: required["resource"] as Offered["resource"] };
}

export interface Signing {
  readonly domain?: object;
  readonly message?: object;
  readonly signer?: PrivateKeyAccount;
}

/** A signed payment for an offer; `signing` changes what is signed. */
export async function payload(payer: PrivateKeyAccount, offer: Offer, signing: Signing = {}): Promise<object> {
  const nowSeconds = Math.floor(Date.now() / 1_000);
  const message = {
    from: payer.address,
    to: offer.payTo,
    value: BigInt(offer.amount),
    validAfter: BigInt(nowSeconds - 600),
    validBefore: BigInt(nowSeconds + offer.maxTimeoutSeconds),
    nonce: `0x${randomBytes(32).toString("hex")}` as Hex,
    ...signing.message,
  };
  const signature = await (signing.signer ?? payer).signTypedData({
    domain: {
      name: offer.extra.name,
      version: offer.extra.version,
      chainId: 84_532,
      verifyingContract: offer.asset,
      ...signing.domain,
    },
    types: {
      TransferWithAuthorization: [
        { name: "from", type: "address" },
        { name: "to", type: "address" },
        { name: "value", type: "uint256" },
        { name: "validAfter", type: "uint256" },
        { name: "validBefore", type: "uint256" },
        { name: "nonce", type: "bytes32" },
      ],
    },
    primaryType: "TransferWithAuthorization",
    message,
  });
  const authorization = Object.fromEntries(Object.entries(message).map(([name, value]) => [name, String(value)]));
  return { signature, authorization };
}

export function encode(value: unknown): string {
  return Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64");
}

export function decode(header: string | null): Record<string, unknown> {
  if (header === null) throw new Error("no such header");
  return JSON.parse(Buffer.from(header, "base64").toString("utf8")) as Record<string, unknown>;
}

export async function paymentHeader(
  payer: PrivateKeyAccount,
  { offer, resource }: Offered,
  signing: Signing = {},
): Promise<string> {
  return encode({ x402Version: 2, resource, accepted: offer, payload: await payload(payer, offer, signing) });
}

export function call(world: World, of: Credential, path: string, header: string, method = "GET") {
  return world.api.proxy(method, `/conn_paid${path}`, of.token, { headers: { "payment-signature": header } });
}

/**
 * One POST whose caller leaves while the vendor works on it; `begin` may begin the answer. It leaves by a reset: workerd takes
 * the end of what a caller sends for no more than that, as HTTP does.
 */
export async function hangUp(
  world: World,
  of: Credential,
  begin: (response: ServerResponse) => void,
  headers: Readonly<Record<string, string>> = {},
): Promise<void> {
  const socket = connect({ port: world.stack.proxyPort, host: "127.0.0.1" });
  const told: Buffer[] = [];
  socket.on("data", (chunk) => told.push(chunk));
  const left = new Promise<void>((done) => void socket.on("close", () => done()));
  world.vendor.answerWith((_request, response) => {
    begin(response);
    setTimeout(() => socket.resetAndDestroy(), BEGUN_MS);
  });
  const sent = { host: "localhost", authorization: `Bearer ${of.token}`, "content-length": "2", ...headers };
  const lines = Object.entries(sent).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`POST /conn_paid/job HTTP/1.1\r\n${lines.join("")}\r\n{}`);
  await left;
  expect(Buffer.concat(told).toString()).toBe("");
}

export function stranger(): PrivateKeyAccount {
  return privateKeyToAccount(generatePrivateKey());
}
