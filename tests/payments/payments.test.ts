/**
 * Payments for real: the stack, a vendor, a chain, a facilitator, unmodified clients. One world for all tests, since it takes
 * long to start; and one of its own for the crash, which waits for most of its time and so runs beside the others.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { payThroughCrash } from "./crash.ts";
import { creditTests } from "./credits.ts";
import { startWorld, type World } from "./world.ts";
import { x402Tests } from "./x402.ts";

let world: World;
let crash: Promise<unknown>;

beforeAll(async () => {
  world = await startWorld();
  crash = payThroughCrash().then(
    () => "as it should",
    (failure: unknown) => failure,
  );
});

afterAll(async () => {
  await crash;
  await world?.stop();
});

describe("x402", () => x402Tests(() => world));
describe("credits", () => creditTests(() => world));

it("kill -9 between verify, forward and settle: nothing unpaid is delivered, nothing is paid twice", async () => {
  expect(await crash).toBe("as it should");
});
