/**
 * The runtime dies while a payment is being verified, while the vendor works, and after the money moved but before anybody
 * was told. Afterwards the same payment buys its one call, and the token's balances show one transfer each.
 *
 * In a world of its own. Most of its time it waits for a lease to end, so `payments.test.ts` lets it run beside the other tests.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { until } from "../harness/stack.ts";
import {
  call,
  credential,
  offered,
  paymentHeader,
  PRICE_USD_MICROS,
  startWorld,
  x402Price,
  type World,
} from "./world.ts";

const FUNDS = 1_000_000n;
const PRICE = BigInt(PRICE_USD_MICROS);
/** Within this a payment whose holder died can be used again. */
const LEASE_MS = 15_000;

/** Throws what does not hold. */
export async function payThroughCrash(): Promise<void> {
  const world = await startWorld();
  try {
    await crashInThreePlaces(world);
  } finally {
    await world.stop();
  }
}

async function crashInThreePlaces(world: World): Promise<void> {
  const paid = await credential(world, x402Price(world.facilitator));
  const payers = await Promise.all([0, 1, 2].map(() => world.chain.payer(FUNDS)));
  const headers: string[] = [];
  for (const [at, payer] of payers.entries()) {
    headers.push(await paymentHeader(payer, await offered(world, paid, `/crash/${at}`)));
  }
  const header = (at: number): string => headers[at] ?? "";
  const spent = async (at: number): Promise<bigint> => {
    const address = payers[at]?.address;
    return address === undefined ? -1n : FUNDS - (await world.chain.balanceOf(address));
  };
  const send = (at: number) => call(world, paid, `/crash/${at}`, header(at)).catch(() => null);
  const seen = (at: number): number => world.vendor.requests.filter((each) => each.target === `/crash/${at}`).length;

  world.facilitator.fault = "settle_then_hangs";
  const open = [send(2)];
  await until(
    async () => (await spent(2)) === PRICE,
    10_000,
    () => "not settled",
  );
  world.facilitator.fault = "none";
  world.vendor.answerWith(() => undefined);
  open.push(send(1));
  await until(
    () => seen(1) === 1,
    10_000,
    () => "not forwarded",
  );
  world.facilitator.fault = "verify_slow";
  const asked = world.facilitator.calls.length;
  open.push(send(0));
  await until(
    () => world.facilitator.calls.length > asked,
    10_000,
    () => "not verified",
  );
  await world.stack.killRuntime();
  const killedAtMs = Date.now();
  expect((await Promise.all(open)).map((each) => each?.status ?? null)).not.toContain(200);

  world.facilitator.fault = "none";
  world.vendor.answerWith((_request, response) => void response.writeHead(200).end('{"ok":true}'));
  expect((await call(world, paid, "/crash/2", header(2))).status).toBe(200);
  expect(await spent(2)).toBe(PRICE);
  expect([await spent(0), await spent(1), seen(0), seen(1)]).toEqual([0n, 0n, 0, 1]);

  await sleep(Math.max(0, killedAtMs + LEASE_MS - Date.now()));
  for (const at of [0, 1]) expect((await call(world, paid, `/crash/${at}`, header(at))).status).toBe(200);
  for (const at of [0, 1, 2]) {
    expect((await call(world, paid, `/crash/${at}`, header(at))).status).toBe(409);
    expect(await spent(at)).toBe(PRICE);
  }
  expect([seen(0), seen(1), seen(2)]).toEqual([1, 2, 2]);
}
