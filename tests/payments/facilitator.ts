/**
 * The reference facilitator of @x402/evm behind HTTP, on a real chain, with faults that a test turns on: down, slow, broken
 * and lying, at verify and at settle; and settling on the chain while losing the answer.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { x402Facilitator } from "@x402/core/facilitator";
import { toFacilitatorEvmSigner } from "@x402/evm";
import { registerExactEvmScheme } from "@x402/evm/exact/facilitator";
import type { Hex } from "viem";
import { NETWORK, type Chain } from "./chain.ts";

export type Fault =
  | "none"
  | "verify_500"
  | "verify_slow"
  | "verify_garbage"
  | "verify_other_payer"
  | "verify_accepts_all"
  | "settle_500"
  | "settle_garbage"
  | "settle_lost_answer"
  | "settle_made_up"
  | "settle_other_payer"
  | "settle_other_network"
  | "settle_refuses"
  | "settle_then_hangs";

export interface Facilitator {
  readonly url: string;
  readonly calls: { readonly operation: string; readonly body: string }[];
  fault: Fault;
  stop(): Promise<void>;
}

interface Body {
  readonly paymentPayload: Parameters<x402Facilitator["verify"]>[0];
  readonly paymentRequirements: Parameters<x402Facilitator["verify"]>[1];
}

export async function startFacilitator(chain: Chain): Promise<Facilitator> {
  const reference = referenceFacilitator(chain);
  const calls: Facilitator["calls"] = [];
  const state: { fault: Fault } = { fault: "none" };
  const server = createServer((request, response) => {
    response.on("error", () => {});
    answer(request, response, reference, state, calls).catch(() => response.destroy());
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}/`,
    calls,
    get fault() {
      return state.fault;
    },
    set fault(next) {
      state.fault = next;
    },
    stop: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  reference: x402Facilitator,
  state: { readonly fault: Fault },
  calls: Facilitator["calls"],
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
  const body = Buffer.concat(chunks).toString("utf8");
  const operation = (request.url ?? "").slice(1);
  calls.push({ operation, body });
  const { fault } = state;
  if (!fault.startsWith(`${operation}_`)) return send(response, await run(reference, operation, body));
  switch (fault) {
    case "verify_500":
    case "settle_500":
      response.writeHead(500).end("{}");
      return;
    case "verify_garbage":
    case "settle_garbage":
      response.writeHead(200).end("<html>");
      return;
    case "verify_slow":
      // Never answers.
      return;
    case "settle_then_hangs":
      await run(reference, operation, body);
      return;
    case "verify_other_payer":
      return send(response, { isValid: true, payer: OTHER });
    case "verify_accepts_all":
      return send(response, { isValid: true });
    case "settle_lost_answer":
      await run(reference, operation, body);
      response.destroy();
      return;
    case "settle_made_up":
      return send(response, { success: true, transaction: "0x1234", network: NETWORK });
    case "settle_other_payer":
      return send(response, { success: true, transaction: TRANSACTION, network: NETWORK, payer: OTHER });
    case "settle_other_network":
      return send(response, { success: true, transaction: TRANSACTION, network: "eip155:1" });
    case "settle_refuses":
      return send(response, { success: false, errorReason: "insufficient_funds", transaction: "", network: NETWORK });
    case "none":
      throw new Error("no fault");
  }
}

const OTHER = `0x${"9".repeat(40)}`;
const TRANSACTION = `0x${"ab".repeat(32)}`;

function send(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value));
}

async function run(reference: x402Facilitator, operation: string, body: string): Promise<unknown> {
  const { paymentPayload, paymentRequirements } = JSON.parse(body) as Body;
  return operation === "verify"
    ? reference.verify(paymentPayload, paymentRequirements)
    : reference.settle(paymentPayload, paymentRequirements);
}

function referenceFacilitator(chain: Chain): x402Facilitator {
  const wallet = chain.walletOf(chain.operator);
  const { publicClient } = chain;
  // One transaction at a time, so that account nonces follow one another.
  let writing: Promise<unknown> = Promise.resolve();
  const signer = toFacilitatorEvmSigner({
    address: chain.operator.address,
    readContract: (args) => publicClient.readContract({ ...args, args: args.args ?? [] }),
    verifyTypedData: (args) => publicClient.verifyTypedData(args as Parameters<typeof publicClient.verifyTypedData>[0]),
    writeContract: (args) => {
      const written = writing.then(async () => {
        const hash = await wallet.writeContract(args as Parameters<typeof wallet.writeContract>[0]);
        await publicClient.waitForTransactionReceipt({ hash });
        return hash;
      });
      writing = written.catch(() => undefined);
      return written;
    },
    sendTransaction: () => Promise.reject(new Error("not offered")),
    waitForTransactionReceipt: (args: { hash: Hex }) => publicClient.waitForTransactionReceipt(args),
    getCode: (args) => publicClient.getCode(args),
  });
  return registerExactEvmScheme(new x402Facilitator(), { signer, networks: NETWORK });
}
