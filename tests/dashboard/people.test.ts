/** Those who hold credentials, what they may use, and how it is handed to them, in a real browser on the real stack. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { items, member, text } from "../harness/api-client.ts";
import { axe, axeText, settled } from "./browser.ts";
import { buildBusyWorld, type BusyWorld } from "./busy-world.ts";
import { startDesk, type Desk } from "./desk.ts";
import { buildWorld, type World } from "./world.ts";

let desk: Desk;
let world: World;
let busy: BusyWorld;
beforeAll(async () => {
  desk = await startDesk();
  world = await buildWorld(desk.stack, desk.api);
  busy = await buildBusyWorld(desk.api, world);
  await desk.api.events(busy.storefrontId, 99);
  await desk.api.events(busy.spentId, 11);
}, 180_000);
afterAll(() => desk?.stop());

describe("recipients", () => {
  it("are edited with labels and several limits, and found by label", async () => {
    const { page } = desk.owner;
    await page.goto(`/recipients/${world.recipientId}`);
    await page.getByRole("button", { name: "Edit", exact: true }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Environment").fill("production");
    await dialog.getByRole("button", { name: "Add a label" }).click();
    await dialog.getByLabel("Name of label 3").fill("cost-centre");
    await dialog.getByLabel("Value of label 3").fill("4711");
    await dialog.getByRole("button", { name: "Add a budget" }).click();
    const budget = dialog.getByRole("group", { name: "Budget 2" });
    await budget.getByLabel("Of").selectOption("usd_micros");
    await budget.getByLabel("Budget", { exact: true }).fill("12.50");
    await budget.getByLabel("In").selectOption("day");
    expect(axeText(await axe(page))).toBe("");
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.waitFor({ state: "detached" });
    await page.getByText("$12.50 a day").waitFor();
    expect(await desk.read(`/recipients/${world.recipientId}`)).toMatchObject({
      name: "Kate Moss",
      email: "kate@example.com",
      environment: "production",
      labels: { team: "sales", region: "emea", "cost-centre": "4711" },
      limits: {
        rate: [{ requests: 600, per_seconds: 60 }],
        budgets: [
          { unit: "requests", limit: 400, window: "month" },
          { unit: "usd_micros", limit: 12_500_000, window: "day" },
        ],
      },
    });
    await page.getByRole("link", { name: "cost-centre: 4711" }).click();
    await page.getByRole("heading", { level: 1, name: "Recipients" }).waitFor();
    await settled(page);
    await page.getByRole("button", { name: "Remove the filter Label" }).waitFor();
    expect(await page.getByRole("row").count()).toBe(2);
    await page.getByRole("link", { name: "Kate Moss" }).waitFor();
  }, 60_000);
});

describe("a credential", () => {
  it("is issued with labels and limits of every kind, and handed over in every form", async () => {
    const { page } = desk.owner;
    await page.goto("/credentials/new?connection_id=conn_demo");
    await page.getByLabel("Name", { exact: true }).fill("many-limits");
    await page.getByRole("button", { name: "Add a label" }).click();
    await page.getByLabel("Name of label 1").fill("team");
    await page.getByLabel("Value of label 1").fill("data");
    await page.getByLabel("Paths").fill("/contacts/*");
    const add = (name: string) => page.getByRole("button", { name, exact: true }).first();
    await add("Add a rate limit").click();
    await page.getByRole("group", { name: "Rate limit 1", exact: true }).getByLabel("Calls at most").fill("5");
    await add("Add a rate limit").click();
    const second = page.getByRole("group", { name: "Rate limit 2" });
    await second.getByLabel("Calls at most").fill("1000");
    await second.getByLabel("In").selectOption("3600");
    await add("Add a budget").click();
    await page
      .getByRole("group", { name: "Budget 1", exact: true })
      .getByLabel("Budget", { exact: true })
      .fill("20000");
    await page.getByText("For each customer on its own").click();
    await page.getByRole("button", { name: "Add a budget" }).last().click();
    await page.getByRole("group", { name: "Budget 1, per customer" }).getByLabel("Budget", { exact: true }).fill("100");
    await page.getByRole("button", { name: "Issue the credential" }).click();
    const shown = page.getByLabel("token", { exact: true });
    await shown.waitFor();
    const token = (await shown.innerText()).trim();
    const forms: readonly [tab: string, label: string, says: RegExp][] = [
      ["curl", "curl command", /^curl /],
      ["Claude Code", "Claude Code prompt", /CLAUDE\.md/],
      ["Codex", "Codex prompt", /AGENTS\.md/],
      ["Cursor", "Cursor prompt", /alwaysApply/],
      ["Any agent", "Any agent prompt", /API access through RelayKey/],
      ["Vendor’s SDK", "Vendor’s SDK code", /process\.env\.RELAYKEY_TOKEN/],
    ];
    for (const [tab, label, says] of forms) {
      await page.getByRole("tab", { name: tab }).click();
      const block = page.getByLabel(label, { exact: true });
      await block.waitFor();
      const said = await block.innerText();
      expect(said, tab).toMatch(says);
      expect(said.includes(token), tab).toBe(tab === "curl");
      await page.getByRole("button", { name: `Copy ${label}` }).click();
      const copied = String(await page.evaluate("navigator.clipboard.readText()"));
      expect(copied.trim(), tab).toBe(said.trim());
    }
    expect(axeText(await axe(page))).toBe("");
    await page.getByRole("button", { name: "I have kept the token" }).click();
    await page.getByRole("heading", { level: 1, name: "many-limits" }).waitFor();
    const id = page.url().split("/").at(-1) ?? "";
    expect(await desk.read(`/delegated-credentials/${id}`)).toMatchObject({
      labels: { team: "data" },
      limits: {
        rate: [
          { requests: 5, per_seconds: 60 },
          { requests: 1_000, per_seconds: 3_600 },
        ],
        budgets: [{ unit: "requests", limit: 20_000, window: "month" }],
        per_customer: { budgets: [{ unit: "requests", limit: 100, window: "month" }] },
      },
    });
  }, 90_000);

  it("keeps what its grant states beside the policy when it is saved", async () => {
    const { page } = desk.owner;
    const before = await desk.read(`/delegated-credentials/${busy.refinedId}`);
    await page.goto(`/credentials/${busy.refinedId}/edit`);
    await page.getByText("Keep what this grant states beside the policy").waitFor();
    await page.getByLabel("Name", { exact: true }).fill("renamed");
    await page.getByRole("button", { name: "Add another connection" }).click();
    const added = page.locator(".card").filter({ hasText: "Connection 2" });
    await added.getByLabel("Connection", { exact: true }).selectOption({ label: "OpenAI" });
    await added.getByLabel("Paths").fill("/v1/models");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByRole("heading", { level: 1, name: "renamed" }).waitFor();
    const after = await desk.read(`/delegated-credentials/${busy.refinedId}`);
    const refined = member(before, "grants", 0);
    const ids = [0, 1].map((i) => member(after, "grants", i, "id"));
    const at = ids.indexOf(member(refined, "id"));
    expect(member(after, "grants", at)).toEqual(refined);
    expect(member(after, "grants", 1 - at, "rules")).toEqual([{ methods: ["GET"], paths: ["/v1/models"] }]);
    expect(member(refined, "own")).toMatchObject({ max_body_bytes: 2_000, deny_query_params: ["expand"] });
  }, 60_000);
});

describe("budgets", () => {
  it("stand on the overview, the fullest first, with what is used and when they reset", async () => {
    const { page } = desk.owner;
    await page.goto("/");
    await settled(page);
    const first = page.locator(".budget").first();
    await first.waitFor();
    expect(await first.innerText()).toMatch(/nightly-sync[\s\S]*10 of 10 calls[\s\S]*used up, resets/);
    expect(await page.locator(".budget").filter({ hasText: "storefront" }).first().innerText()).toMatch(
      /99 of 120 calls[\s\S]*83 %/,
    );
    await page.getByText("budget used up", { exact: true }).waitFor();
    expect(axeText(await axe(page))).toBe("");
  }, 60_000);

  it("of a customer stand on its page", async () => {
    const { page } = desk.owner;
    await page.goto(`/customers/${busy.customerId}`);
    await settled(page);
    await page.locator(".budget").filter({ hasText: "globex" }).waitFor();
    expect(axeText(await axe(page))).toBe("");
  }, 60_000);
});

describe("customers", () => {
  it("have limits for each of them, edited without touching the connection's others", async () => {
    const { page } = desk.owner;
    await page.goto("/customers");
    await page.getByRole("button", { name: /Change the limits .* at .*demo/i }).click();
    const dialog = page.getByRole("dialog");
    const rate = dialog.getByRole("group", { name: "Rate limit 1, per customer" });
    await rate.getByLabel("Calls at most").fill("30");
    await dialog.getByRole("button", { name: "Remove budget 1, per customer" }).click();
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.waitFor({ state: "detached" });
    const connection = await desk.read("/connections/conn_demo");
    expect(member(connection, "limits")).toMatchObject({
      budgets: [{ unit: "usd_micros", limit: 2_000_000, window: "month" }],
      per_customer: { rate: [{ requests: 30, per_seconds: 60 }], budgets: [] },
    });
  }, 60_000);

  it("have limits of their own, over everything that they are named on", async () => {
    const { page } = desk.owner;
    await page.goto(`/customers/${busy.customerId}`);
    await page.getByRole("button", { name: "Edit", exact: true }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: "Add a budget" }).click();
    await dialog.getByRole("group", { name: "Budget 1", exact: true }).getByLabel("Budget", { exact: true }).fill("2");
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.waitFor({ state: "detached" });
    await page.getByText("2 calls a month").waitFor();
    const answers: number[] = [];
    for (let i = 0; i < 3; i += 1) {
      const headers = { "x-relaykey-customer": "globex" };
      answers.push((await desk.api.proxy("GET", "/conn_demo/contacts/1", busy.storefrontToken, { headers })).status);
    }
    expect(answers).toEqual([200, 200, 429]);
    const other = { "x-relaykey-customer": "initech" };
    expect(
      (await desk.api.proxy("GET", "/conn_demo/contacts/1", busy.storefrontToken, { headers: other })).status,
    ).toBe(200);
  }, 60_000);
});

describe("a management key", () => {
  it("of a provisioner is made with the constraints that the form states", async () => {
    const { page } = desk.owner;
    await page.goto("/keys");
    await page.getByRole("button", { name: "New key" }).first().click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name", { exact: true }).fill("Batch jobs");
    await dialog.getByRole("checkbox", { name: /demo/i }).check();
    await dialog.getByLabel("Paths").fill("/contacts/*");
    await dialog.getByLabel("Lifetime at most").selectOption("900");
    await dialog.getByLabel("At a time").fill("3");
    await dialog.getByLabel("Names like").fill("run-*");
    await dialog.getByRole("button", { name: "Add a label" }).click();
    await dialog.getByLabel("Name of label 1").fill("team");
    await dialog.getByLabel("Value of label 1").fill("*");
    await dialog.getByRole("button", { name: "Make the key" }).click();
    await page.getByRole("button", { name: "I have kept the key" }).click();
    const row = page.getByRole("row").filter({ hasText: "Batch jobs" });
    expect(await row.innerText()).toMatch(/at most 15 minutes; 3 at a time/);
    const made = items(member(await desk.read("/management-keys"), "data")).find(
      (each) => member(each, "name") === "Batch jobs",
    );
    expect(made).toMatchObject({
      role: "provisioner",
      constraints: {
        connections: ["conn_demo"],
        rules: [{ methods: ["GET"], paths: ["/contacts/*"] }],
        max_ttl_seconds: 900,
        max_active: 3,
        name_pattern: "run-*",
        labels: { team: "*" },
      },
    });
  }, 60_000);

  it("is shown once, until the button says that it was kept", async () => {
    const { page } = desk.owner;
    await page.goto("/keys");
    const row = page.getByRole("row").filter({ hasText: "Auditors" });
    await row.getByRole("button", { name: "Rotate" }).click();
    const dialog = page.getByRole("dialog", { name: "Auditors is ready" });
    const key = (await dialog.getByLabel("management key", { exact: true }).innerText()).trim();
    expect((await desk.api.admin("GET", "/api/v1/members", undefined, key)).status).toBe(200);
    await page.keyboard.press("Escape");
    await page.keyboard.press("Escape");
    // A browser may close it for a moment before it is open again.
    await expect.poll(() => dialog.isVisible()).toBe(true);
    expect(axeText(await axe(page))).toBe("");
    await dialog.getByRole("button", { name: "I have kept the key" }).click();
    await dialog.waitFor({ state: "detached" });
    expect(await page.content()).not.toContain(key);
  }, 60_000);

  it("keeps whoever replaces the own key signed in, with the new one", async () => {
    const made = await desk.api.admin("POST", "/api/v1/management-keys", { name: "Olga’s own", role: "owner" });
    const { page, context } = await desk.signedIn({ key: text(member(made.body, "key")) });
    const before = await context.cookies();
    await page.goto("/keys");
    await page.getByRole("row").filter({ hasText: "Olga’s own" }).getByRole("button", { name: "Rotate" }).click();
    const dialog = page.getByRole("dialog", { name: "Olga’s own is ready" });
    await expect.poll(async () => (await context.cookies())[0]?.value !== before[0]?.value).toBe(true);
    const key = (await dialog.getByLabel("management key", { exact: true }).innerText()).trim();
    await dialog.getByRole("button", { name: "I have kept the key" }).click();
    await page.goto("/members");
    await page.getByRole("heading", { name: "Members" }).waitFor();
    expect(await page.evaluate("JSON.stringify([{ ...localStorage }, { ...sessionStorage }])")).not.toContain(key);
    await context.close();
  }, 60_000);
});
