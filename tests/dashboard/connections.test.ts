/** What an admin sets on a connection, in a real browser on the real stack: reliability, operations, keys, headers, prices. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { items, member, text } from "../harness/api-client.ts";
import { axe, axeText, errorAt, settled } from "./browser.ts";
import { startDesk, type Desk } from "./desk.ts";
import { HOSTILE_NAME } from "./world.ts";

const CONNECTION = "/connections/conn_demo";

let desk: Desk;
beforeAll(async () => {
  desk = await startDesk();
}, 120_000);
afterAll(() => desk?.stop());

describe("a connection", () => {
  it("is told how long to wait and how often to repeat", async () => {
    const { page } = desk.owner;
    await page.goto(CONNECTION);
    await settled(page);
    await page.getByRole("button", { name: "Edit reliability" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("First byte").fill("2.5");
    await dialog.getByLabel("Attempts at most").fill("5");
    await dialog.getByLabel("After the statuses").fill("429, often");
    await dialog.getByText("Leave a failing vendor alone for a while").click();
    await dialog.getByText("How the vendor speaks of limits and keys").click();
    await dialog.getByRole("button", { name: "Add a sign of wait" }).click();
    await dialog.getByRole("group", { name: "sign of wait 1" }).getByLabel("Header").fill("x-left: 0");
    expect(axeText(await axe(page))).toBe("");
    await dialog.getByRole("button", { name: "Save" }).click();
    expect(await errorAt(page, /^After the statuses/)).toContain("statuses such as");
    await dialog.getByLabel("After the statuses").fill("429, 503");
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.waitFor({ state: "detached" });
    expect(member(await desk.read(CONNECTION), "reliability")).toMatchObject({
      first_byte_timeout_ms: 2_500,
      max_attempts: 5,
      retry_statuses: [429, 503],
      breaker: null,
      limit_signs: [{ statuses: [429], header: "x-left: 0", body_includes: null }],
      connect_timeout_ms: 10_000,
    });
    await page.getByText("429, 503", { exact: true }).waitFor();
  }, 60_000);

  it("gets names for its calls from the vendor's document", async () => {
    const { page } = desk.owner;
    await page.goto(CONNECTION);
    await settled(page);
    const file = page.locator('input[type="file"]');
    await file.setInputFiles({ name: "api.yaml", mimeType: "text/yaml", buffer: Buffer.from("openapi: 3.0.0") });
    await page.getByText("The file is not JSON").waitFor();
    const document = {
      openapi: "3.0.3",
      info: { title: "Demo", version: "1" },
      paths: Object.fromEntries(
        Array.from({ length: 40 }, (_, i) => [
          `/things/${i}/{id}`,
          { get: { operationId: `readThing${i}` }, delete: { summary: HOSTILE_NAME } },
        ]),
      ),
    };
    await file.setInputFiles({
      name: "api.json",
      mimeType: "application/json",
      buffer: Buffer.from(JSON.stringify(document)),
    });
    await page.getByLabel("Search 80 operations").fill("readThing39");
    const table = page.getByRole("table", { name: "Operations" });
    await table.getByText("GET /things/39/:id").waitFor();
    expect(await table.getByRole("row").count()).toBe(2);
    expect(axeText(await axe(page))).toBe("");
    expect(items(member(await desk.read(CONNECTION), "operations"))).toHaveLength(80);
    expect(await page.title()).not.toContain("owned");

    await page.getByRole("button", { name: "Remove all" }).click();
    const name = await page.getByRole("heading", { level: 1 }).innerText();
    await page
      .getByRole("dialog")
      .getByLabel(/Type/)
      .fill(name.split("\n")[0]?.trim() ?? "");
    await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
    await page.getByText("No names yet").waitFor();
  }, 60_000);

  it("can be told another way to send its key, and headers for every call", async () => {
    const made = await desk.api.admin("POST", "/api/v1/connections", {
      name: "Own API",
      base_url: `http://127.0.0.1:${desk.stack.demoPort}/v2`,
      auth: { scheme: "basic", secret_in: "password", fixed: "someone", raw: true },
    });
    const path = `/connections/${text(member(made.body, "id"))}`;
    const { page } = desk.owner;
    await page.goto(path);
    await settled(page);
    await page.getByRole("button", { name: "Edit", exact: true }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("Headers that RelayKey adds").click();
    await dialog.getByLabel("On every call").fill("X-Account 7");
    await dialog.getByRole("button", { name: "Save" }).click();
    expect(await errorAt(page, "On every call")).toContain("Is not a name, a colon and a value");
    await dialog.getByLabel("On every call").fill("X-Account: 7");
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.waitFor({ state: "detached" });
    const basic = { scheme: "basic", secret_in: "password", fixed: "someone", raw: true };
    expect(await desk.read(path)).toMatchObject({ headers: { "X-Account": "7" }, auth: basic });

    await page.getByRole("button", { name: "Edit", exact: true }).click();
    await dialog.locator("summary", { hasText: "How it expects its key" }).click();
    await dialog.getByLabel("How it expects its key").selectOption("header");
    await dialog.getByLabel("Header’s name").fill("host");
    await dialog.getByRole("button", { name: "Save" }).click();
    expect(await errorAt(page, "Header’s name")).toContain("Cannot carry a key");
    await dialog.getByLabel("Header’s name").fill("X-Token");
    expect(axeText(await axe(page))).toBe("");
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.waitFor({ state: "detached" });
    expect(await desk.read(path)).toMatchObject({ auth: { scheme: "header", name: "X-Token", prefix: "" } });
  }, 60_000);

  it("takes keys of several parts, keys kept elsewhere, and an order among them", async () => {
    const made = await desk.api.admin("POST", "/api/v1/connections", {
      name: "Signed API",
      base_url: `http://127.0.0.1:${desk.stack.demoPort}/v2`,
      auth: {
        scheme: "hmac",
        sign: ["timestamp", "method", "path_and_query", "body"],
        token_header: "X-App-Token",
        timestamp_header: "X-App-Ts",
        signature_header: "X-App-Sig",
        token_part: "app_token",
        key_part: "secret_key",
      },
    });
    const path = `/connections/${text(member(made.body, "id"))}`;
    const { page } = desk.owner;
    await page.goto(path);
    await settled(page);
    await page.getByRole("button", { name: "Add a key" }).click();
    const dialog = page.getByRole("dialog");
    const parts = { app_token: `not-a-real-token-${"3".repeat(12)}`, secret_key: `not-a-real-key-${"4".repeat(12)}` };
    for (const [part, secret] of Object.entries(parts)) await dialog.getByLabel(part).fill(secret);
    expect(axeText(await axe(page))).toBe("");
    await dialog.getByRole("button", { name: "Seal the key" }).click();
    await dialog.waitFor({ state: "detached" });
    expect(await page.content()).not.toContain(parts.secret_key);

    await page.getByRole("button", { name: "Add a key" }).click();
    await dialog.getByText("The key is kept elsewhere").click();
    await dialog.getByLabel("Kept").selectOption("vault");
    await dialog.getByLabel("Mount").fill("secret");
    await dialog.getByLabel("Path").fill("vendors/signed");
    await dialog.getByLabel("Field").fill("key");
    await dialog.getByLabel("Name").fill("Spare");
    await dialog.getByRole("button", { name: "Use that key" }).click();
    await dialog.waitFor({ state: "detached" });
    const row = page.getByRole("table", { name: "Keys" }).getByRole("row").filter({ hasText: "Spare" });
    await row.getByText("in Vault").waitFor();
    await row.getByRole("button", { name: "Edit" }).click();
    await dialog.getByLabel("Priority").fill("5");
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.waitFor({ state: "detached" });
    const keys = items(member(await desk.read(path), "upstream_credentials"));
    expect(keys.map((key) => [member(key, "provider"), member(key, "priority")]).toSorted()).toEqual([
      ["envelope", 0],
      ["vault", 5],
    ]);
  }, 60_000);

  it("has keys that are kept elsewhere from owners alone", async () => {
    const made = await desk.api.admin("POST", "/api/v1/management-keys", { name: "Admins", role: "admin" });
    const { page, context } = await desk.signedIn({ key: text(member(made.body, "key")) });
    await page.goto(CONNECTION);
    await page.getByRole("button", { name: "Add a key" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("Only an owner may have the key read from a store outside").waitFor();
    expect(await dialog.getByText("The key is kept elsewhere").count()).toBe(0);
    expect(axeText(await axe(page))).toBe("");
    await context.close();
  }, 60_000);

  it("has prices of every kind", async () => {
    const { page } = desk.owner;
    await page.goto(CONNECTION);
    await settled(page);
    await page.getByRole("button", { name: "Add a price" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Paths").fill("/v1/messages");
    await dialog.getByRole("radio", { name: /^By numbers/ }).check();
    await dialog.getByLabel("Member").fill("usage.output_tokens");
    await dialog.getByLabel("US dollars for a million").fill("15");
    await dialog.getByLabel("US dollars a call at most").fill("lots");
    await dialog.getByRole("button", { name: "Add", exact: true }).click();
    expect(await errorAt(page, "US dollars a call at most")).toContain("Is not an amount");
    await dialog.getByLabel("US dollars a call at most").fill("0.5");
    await dialog.getByRole("button", { name: "Add", exact: true }).click();
    await page.getByText("$15 for a million of usage.output_tokens, at most $0.50").waitFor();
    expect(desk.owner.complaints).toEqual([]);
    expect(desk.owner.foreign).toEqual([]);
  }, 60_000);
});
