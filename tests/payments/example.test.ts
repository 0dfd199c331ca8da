/** The documented example, run as its reader would run it. */
import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { afterAll, beforeAll, expect, it } from "vitest";
import { credential, startWorld, x402Price, type World } from "./world.ts";

const EXAMPLE = resolve(import.meta.dirname, "../../examples/agent-buys-from-a-resold-api.ts");

let world: World;

beforeAll(async () => {
  world = await startWorld();
});

afterAll(async () => {
  await world?.stop();
});

it("an agent with a wallet buys from a resold API in one file, and not above its own limit", async () => {
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
  const cheap = await credential(world, x402Price(world.facilitator));
  const { stdout } = await run(cheap.token);
  expect(stdout).toContain('200 {"ok":true}');
  expect(stdout).toMatch(/0x[0-9a-f]{40} paid 1000 in 0x[0-9a-f]{64}/);
  const dear = await credential(world, x402Price(world.facilitator, { default_usd_micros: 60_000 }));
  await expect(run(dear.token)).rejects.toThrow();
  expect(await world.chain.balanceOf(address)).toBe(99_000n);
});
