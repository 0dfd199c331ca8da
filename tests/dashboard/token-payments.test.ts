/** Payments with a token on a real chain, as an admin finds them in a real browser. */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { items, member, text, type Json } from "../harness/api-client.ts";
import { until } from "../harness/stack.ts";
import { call, credential, offered, paymentHeader, startWorld, x402Price, type World } from "../payments/world.ts";
import { axe, axeText, openPage, settled, signIn, startBrowser } from "./browser.ts";

let browser: Browser;
let market: World;
beforeAll(async () => {
  browser = await startBrowser();
  market = await startWorld();
}, 120_000);
afterAll(async () => {
  await browser?.close();
  await market?.stop();
});

it("stand there with the chain's own transaction, and those in doubt are counted and found", async () => {
  const payer = await market.chain.payer(1_000_000n);
  const paid = await credential(market, x402Price(market.facilitator));
  const answer = await call(
    market,
    paid,
    "/bought",
    await paymentHeader(payer, await offered(market, paid, "/bought")),
  );
  expect(answer.status, answer.text).toBe(200);
  const doubtful = await paymentHeader(payer, await offered(market, paid, "/doubtful"));
  market.facilitator.fault = "settle_500";
  expect((await call(market, paid, "/doubtful", doubtful)).status).toBe(503);
  await until(
    async () => items(member((await market.api.admin("GET", "/api/v1/payments")).body, "data")).length === 2,
    60_000,
    () => "the payments are not listed",
  );
  const { page, context, complaints } = await openPage(browser, market.stack.admin);
  await signIn(page, market.stack.ownerKey);
  await page.goto("/payments");
  await settled(page);
  await page.getByRole("link", { name: "Show them" }).click();
  const table = page.getByRole("table", { name: "Payments" });
  await table.getByText("/doubtful").waitFor();
  await expect.poll(() => table.getByRole("row").count()).toBe(2);
  await page.getByRole("button", { name: "Remove the filter State" }).click();
  await table.getByRole("row").filter({ hasText: "/bought" }).getByRole("link").click();
  const panel = page.getByRole("region", { name: "Payment" });
  await panel.getByRole("heading", { name: "0.001 USDC" }).waitFor();
  await panel.getByText(payer.address.toLowerCase()).waitFor();
  const receipt: unknown = JSON.parse(
    Buffer.from(answer.headers.get("payment-response") ?? "", "base64").toString("utf8"),
  );
  await panel.getByText(text(member(receipt as Json, "transaction"))).waitFor();
  await panel.getByText("answered 200").waitFor();
  expect(axeText(await axe(page))).toBe("");
  expect(complaints).toEqual([]);
  await context.close();
}, 120_000);
