/**
 * An agent with a wallet buys from an API that somebody resells through RelayKey. This file is all the agent needs.
 *
 *     npm install @x402/fetch @x402/evm viem
 *     RELAYKEY_URL=https://relay.example.com/conn_reports/v1/reports/7 \
 *     RELAYKEY_TOKEN=rk_proxy_…  WALLET_KEY=0x…  node agent-buys-from-a-resold-api.ts
 *
 * The token says what the agent may call; the wallet pays for each call. The agent asks once without a payment, is told
 * the price (402), signs a transfer of exactly that amount, and asks again. Nothing is charged when the vendor fails.
 * The wallet needs the token on the network that the policy accepts (USDC on Base, say), and no gas.
 */
import { registerExactEvmScheme } from "@x402/evm/exact/client";
import { decodePaymentResponseHeader, wrapFetchWithPayment, x402Client } from "@x402/fetch";
import { privateKeyToAccount } from "viem/accounts";

/** What the agent is willing to pay for one call, in atomic units of the token: 0.05 USDC. */
const MAX_AMOUNT = 50_000n;

const { RELAYKEY_URL, RELAYKEY_TOKEN, WALLET_KEY } = process.env;
if (RELAYKEY_URL === undefined || RELAYKEY_TOKEN === undefined || !/^0x[0-9a-f]{64}$/.test(WALLET_KEY ?? "")) {
  throw new Error("RELAYKEY_URL, RELAYKEY_TOKEN and WALLET_KEY must be set");
}

const wallet = privateKeyToAccount(WALLET_KEY as `0x${string}`);
const client = registerExactEvmScheme(new x402Client(), {
  signer: wallet,
  policies: [(_version, offers) => offers.filter((offer) => "amount" in offer && BigInt(offer.amount) <= MAX_AMOUNT)],
});
const payingFetch = wrapFetchWithPayment(fetch, client);

const response = await payingFetch(RELAYKEY_URL, { headers: { authorization: `Bearer ${RELAYKEY_TOKEN}` } });
const receipt = response.headers.get("payment-response");
console.log(response.status, await response.text());
if (receipt !== null) {
  const { payer, amount, transaction } = decodePaymentResponseHeader(receipt);
  console.log(`${payer} paid ${amount} in ${transaction}`);
}
