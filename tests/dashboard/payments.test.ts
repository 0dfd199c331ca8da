/** What an admin does about money: prices, credits and receipts, in a real browser on the real stack. */
import type { Route } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { PaymentRecord } from "../../src/contract/payment-record.ts";
import { member, text } from "../harness/api-client.ts";
import { axe, axeText, errorAt, settled } from "./browser.ts";
import { startDesk, type Desk } from "./desk.ts";
import { buildWorld, HOSTILE_NAME, makeCalls, type World } from "./world.ts";

const PAY_TO = "0x209693Bc6afc0C5328bA36FaF03C514EF312287C";
const PAYER = "0x857b06519e91e3a54538791bdbb0e22373e36b66";

let desk: Desk;
let world: World;
beforeAll(async () => {
  desk = await startDesk();
  world = await buildWorld(desk.stack, desk.api);
  await makeCalls(desk.api, world, 1);
  await desk.api.events(world.payingCredentialId, 3);
}, 180_000);
afterAll(() => desk?.stop());

describe("the price of a policy", () => {
  it("is set in dollars, judged at its fields, and taken away again", async () => {
    const { page } = desk.owner;
    await page.goto(`/policies/${world.policyId}`);
    await settled(page);
    await page.getByRole("radio", { name: /^Prepaid credits/ }).check();
    await page.getByLabel("Price of a call, US dollars").fill("0,5");
    await page.getByRole("button", { name: "Save" }).click();
    expect(await errorAt(page, "Price of a call, US dollars")).toContain("Is not an amount");
    await page.getByLabel("Price of a call, US dollars").fill("0.0025");
    await page.getByRole("button", { name: "Add a price for some calls" }).click();
    const rule = page.getByRole("group", { name: "Price 1" });
    await rule.getByRole("checkbox", { name: "GET" }).check();
    await rule.getByLabel("Paths").fill("/contacts");
    await rule.getByLabel("US dollars a call").fill("0.05");
    await page.getByLabel("Its path").fill("/contacts");
    await page.getByText("This call costs $0.05.").waitFor();
    await page.getByLabel("Its path").fill("/contacts/7");
    await page.getByText("This call costs $0.0025.").waitFor();
    expect(axeText(await axe(page))).toBe("");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("version 2", { exact: true }).waitFor();
    expect(member(await desk.read(`/policies/${world.policyId}`), "price")).toMatchObject({
      provider: "credits",
      account: "recipient",
      default_usd_micros: 2_500,
      prices: [{ methods: ["POST", "GET"], paths: ["/contacts"], usd_micros: 50_000 }],
      accepts: [],
    });

    await page.getByRole("radio", { name: /^Nothing/ }).check();
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("version 3", { exact: true }).waitFor();
    expect(member(await desk.read(`/policies/${world.policyId}`), "price")).toBeNull();
    await settled(page);
    expect(await page.getByRole("table", { name: "Versions" }).getByRole("row").count()).toBe(4);
  }, 90_000);

  it("in tokens knows the usual ones and names what is wrong with the others", async () => {
    const { page } = desk.owner;
    await page.goto(`/policies/${world.policyId}`);
    await settled(page);
    await page.getByRole("radio", { name: /^A token/ }).check();
    await page.getByLabel("Token", { exact: true }).selectOption({ label: "USDC on Base Sepolia (test money)" });
    await page.getByText("A call costs 0.001 USDC").waitFor();
    await page.getByLabel("Paid to").fill(PAY_TO.replace("Bc6", "bC6"));
    await page.getByLabel("Facilitator").fill("ftp://facilitator.example.com");
    await page.getByRole("button", { name: "Save" }).click();
    expect(await errorAt(page, "Paid to")).toContain("checksum");
    await page.getByLabel("Paid to").fill(PAY_TO);
    await page.getByRole("button", { name: "Save" }).click();
    await expect.poll(() => page.locator(".field.invalid", { hasText: "Facilitator" }).count()).toBe(1);
    await page.getByLabel("Facilitator").fill("https://facilitator.example.com/");
    await page.getByRole("radio", { name: /^Before the call/ }).check();
    await page.getByLabel("When such a call fails, what was paid").selectOption("recipient");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("version 4", { exact: true }).waitFor();
    expect(member(await desk.read(`/policies/${world.policyId}`), "price")).toMatchObject({
      provider: "x402",
      flow: "upfront",
      account: "recipient",
      accepts: [{ network: "eip155:84532", pay_to: PAY_TO, decimals: 6, name: "USDC", version: "2" }],
    });
    expect(desk.owner.complaints).toEqual([]);
  }, 90_000);

  it("keeps what the form has no field for, and empties what was emptied", async () => {
    const made = await desk.api.admin("POST", "/api/v1/policies", {
      name: "With more",
      allowed_methods: ["POST"],
      allowed_paths: ["/echo"],
      max_body_bytes: 10_000,
      deny_query_params: ["debug"],
      models: ["small-*"],
    });
    const id = text(member(made.body, "id"));
    const { page } = desk.owner;
    await page.goto(`/policies/${id}`);
    await settled(page);
    await page.getByText("Query, models and answers").click();
    await page.getByLabel("Refused query parameters").fill("");
    await page.getByLabel("Allowed models").fill("");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("version 2", { exact: true }).waitFor();
    expect(await desk.read(`/policies/${id}`)).toMatchObject({
      max_body_bytes: 10_000,
      deny_query_params: [],
      models: null,
    });
  }, 60_000);
});

describe("credits", () => {
  it("are topped up and adjusted by name, and the statement adds up to the balance", async () => {
    const { page } = desk.owner;
    await page.goto("/payments/credits");
    await settled(page);
    await page.getByRole("link", { name: "Nightly import" }).click();
    await page.getByText("Nothing has moved yet").waitFor();
    await page.getByRole("button", { name: "Top up" }).click();
    const dialog = page.getByRole("dialog");
    const confirm = dialog.getByRole("button", { name: "Top up", exact: true });
    await dialog.getByLabel("Amount").fill("12.50");
    await dialog.getByLabel("Note").fill("Invoice 12");
    await dialog.getByText("From $0.00 to $12.50.").waitFor();
    expect(await confirm.isDisabled()).toBe(true);
    await dialog.getByLabel(/Type/).fill("Nightly import");
    expect(axeText(await axe(page))).toBe("");
    await confirm.click();
    await page.getByText("All 1 line add up to $12.50, the balance.").waitFor();

    await page.getByRole("button", { name: "Adjust" }).click();
    await dialog.getByLabel("Amount").fill("0");
    await dialog.getByLabel("Why").fill("Billed twice");
    await dialog.getByLabel(/Type/).fill("Nightly import");
    await dialog.getByRole("button", { name: "Adjust the balance" }).click();
    expect(await errorAt(page, "Amount")).toContain("above zero");
    await dialog.getByLabel("Amount").fill("2.25");
    await dialog.getByRole("button", { name: "Adjust the balance" }).click();
    await page.getByText("All 2 lines add up to $10.25, the balance.").waitFor();
    const first = page.getByRole("table", { name: "Statement" }).getByRole("row").nth(1);
    await first.getByText("-$2.25").waitFor();
    await first.getByText("Billed twice").waitFor();
    expect(axeText(await axe(page))).toBe("");
  }, 90_000);

  it("move once, however often a lost answer makes somebody send again", async () => {
    const { page } = desk.owner;
    await page.goto(`/payments/credits/recipients/${world.recipientId}`);
    await page.getByRole("button", { name: "Top up" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Amount").fill("5");
    await dialog.getByLabel(/Type/).fill("Kate Moss");
    const lost = async (route: Route) => {
      await route.fetch();
      await route.abort();
    };
    await page.route("**/credits/top-ups", lost);
    await dialog.getByRole("button", { name: "Top up", exact: true }).click();
    await dialog.getByText("RelayKey did not answer").waitFor();
    await page.unroute("**/credits/top-ups", lost);
    await dialog.getByRole("button", { name: "Top up", exact: true }).click();
    await page.getByText("All 1 line add up to $5.00, the balance.").waitFor();
    const credits = await desk.read(`/recipients/${world.recipientId}/credits`);
    expect(member(credits, "balance_usd_micros")).toBe(5_000_000);
  }, 60_000);

  it("of callers are charged call by call, and each charge leads to its call", async () => {
    const { page } = desk.owner;
    await page.goto(`/payments/credits/recipients/${world.payingRecipientId}`);
    await page.getByText("All 5 lines add up to $23.4825, the balance.").waitFor();
    const charge = page.getByRole("row").filter({ hasText: "charge" }).first();
    await charge.getByRole("link").click();
    await expect.poll(() => page.url()).toContain("/audit?request_id=");
  }, 60_000);
});

describe("payments", () => {
  it("made with credits are listed, filtered by chips in the URL, and opened with their audit event", async () => {
    const { page } = desk.owner;
    await page.goto("/payments");
    await settled(page);
    const table = page.getByRole("table", { name: "Payments" });
    await table.getByText("Research agent").first().waitFor();
    expect(await table.getByText("settled").count()).toBe(3);
    await page.getByText("$0.0175").first().waitFor();

    await page.getByRole("button", { name: "Filter", exact: true }).click();
    await page.getByLabel("Filter by").selectOption("provider");
    await page.getByLabel("Paid with", { exact: true }).selectOption("x402");
    await page.getByRole("button", { name: "Add filter" }).click();
    await expect.poll(() => page.url()).toContain("provider=x402");
    await page.getByText("No payment fits these filters").waitFor();
    await page.getByRole("button", { name: "Remove the filter Paid with" }).click();

    await table.getByRole("link").first().click();
    const panel = page.getByRole("region", { name: "Payment" });
    await panel.getByText("Taken, and the call was answered.").waitFor();
    await panel.getByText("of its credential, with the hash").waitFor();
    expect(axeText(await axe(page))).toBe("");
    await page.keyboard.press("Escape");
    await panel.waitFor({ state: "detached" });
    expect(page.url()).not.toContain("payment=");
    // The keyboard goes on at the row whose details were open.
    expect(await page.evaluate("document.activeElement.closest('tbody tr') !== null")).toBe(true);
  }, 60_000);

  it("made with tokens are shown in tokens, whatever their texts hold", async () => {
    const { page, context, foreign, complaints } = await desk.signedIn({ width: 360, height: 780 });
    await page.route("**/api/v1/payments*", (route) =>
      new URL(route.request().url()).searchParams.has("cursor")
        ? route.fulfill({ json: { data: tokenPayments(), next_cursor: null } })
        : // A page without rows is not the end.
          route.fulfill({ json: { data: [], next_cursor: "more" } }),
    );
    await page.goto("/payments");
    await page.getByText("USDC on Base Sepolia").waitFor();
    expect(axeText(await axe(page))).toBe("");
    await page.getByRole("table", { name: "Payments" }).getByRole("link").first().click();
    const panel = page.getByRole("region", { name: "Payment" });
    await panel.getByRole("heading", { name: "0.001 USDC" }).waitFor();
    await panel.getByText(PAYER).waitFor();
    expect(axeText(await axe(page))).toBe("");
    await panel.getByRole("button", { name: "Close the payment" }).click();
    await page.getByText("Token on eip155:31337").waitFor();
    expect(await page.title()).not.toContain("owned");
    expect(foreign).toEqual([]);
    expect(complaints).toEqual([]);
    await context.close();
  }, 60_000);

  it("are read, but not moved, by auditors", async () => {
    const { page, context } = await desk.signedIn({ key: world.keys.auditor });
    await page.goto(`/payments/credits/recipients/${world.payingRecipientId}`);
    await page.getByText("the balance.").waitFor();
    for (const name of ["Top up", "Adjust"]) expect(await page.getByRole("button", { name }).count()).toBe(0);
    await page.goto(`/policies/${world.pricedPolicyId}`);
    await settled(page);
    expect(await page.getByLabel("Price of a call, US dollars").isDisabled()).toBe(true);
    expect(await page.getByRole("button", { name: "Save" }).count()).toBe(0);
    await context.close();
  }, 60_000);
});

/** As the API writes them: one of a known token, one of a token that is not known, with hostile text. */
function tokenPayments(): readonly PaymentRecord[] {
  const common = {
    at: "2026-11-22T07:00:00.000Z",
    updated_at: "2026-11-22T07:00:00.000Z",
    provider: "x402",
    usd_micros: 1_000,
    account: null,
    payer: PAYER,
    amount: "1000",
    nonce: `0x${"4".repeat(64)}`,
    credential_id: world.payingCredentialId,
    recipient_id: world.payingRecipientId,
    connection_id: world.connectionId,
    grant_id: null,
    customer: HOSTILE_NAME,
    environment: null,
    method: "GET",
    path: `/${HOSTILE_NAME}`,
    status: 200,
    request_id: "req_0123456789abcdef",
    event_id: "evt_0123456789abcdef",
  } as const;
  return [
    {
      ...common,
      id: "evt_1",
      state: "settled",
      charged_usd_micros: 1_000,
      asset: "0x036cbd53842c5426634e7929541ec2318f3dcf7e",
      network: "eip155:84532",
      transaction: `0x${"a".repeat(64)}`,
    },
    {
      ...common,
      id: "evt_2",
      state: "unknown",
      charged_usd_micros: null,
      asset: PAY_TO.toLowerCase(),
      network: "eip155:31337",
      transaction: null,
    },
  ];
}
