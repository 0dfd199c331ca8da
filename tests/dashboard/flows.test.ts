/** What an admin and the people around them do, in a real browser on the real stack, from the first key to the last revoke. */
import { readFileSync } from "node:fs";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { member, text } from "../harness/api-client.ts";
import { startRecordingVendor, type RecordingVendor } from "../harness/recording-vendor.ts";
import { axe, axeText, openPage, settled } from "./browser.ts";
import { startDesk, type Desk } from "./desk.ts";
import { buildWorld, makeCalls, type World } from "./world.ts";

const FAKE_KEY = `not-a-real-master-key-${"7".repeat(16)}`;

/** Issues the credential that the form describes and gives its token. */
async function issue(page: Page, verb = "Issue the credential"): Promise<string> {
  await page.getByRole("button", { name: verb }).click();
  const token = page.getByLabel("token", { exact: true });
  await token.waitFor();
  return (await token.innerText()).trim();
}

async function storedText(page: Page): Promise<string> {
  return String(
    await page.evaluate("JSON.stringify([{ ...localStorage }, { ...sessionStorage }, location.href, document.cookie])"),
  );
}

describe("the first run", () => {
  let desk: Desk;
  let vendor: RecordingVendor;
  beforeAll(async () => {
    vendor = await startRecordingVendor();
    desk = await startDesk({ demo: false });
  });
  afterAll(async () => {
    await desk?.stop();
    await vendor?.stop();
  });

  it("leads from a vendor's key to a successful proxied call", async () => {
    const { page, foreign, complaints } = desk.owner;
    await page.getByRole("link", { name: "Protect your first key" }).click();
    await page.getByRole("button", { name: "Another API" }).click();
    await page.getByLabel("Name").fill("My vendor");
    await page.getByLabel("Base URL").fill(`${vendor.origin}/v1`);
    const key = page.getByLabel("Key", { exact: true });
    await key.fill(FAKE_KEY);
    expect(await key.getAttribute("type")).toBe("password");
    await page.getByRole("button", { name: "Save and test" }).click();
    await page.getByLabel("Path to read").fill("/v1/me");
    await page.getByRole("button", { name: "Test the key" }).click();
    await page.getByText("The key works").waitFor();
    expect(vendor.requests.at(-1)?.headers["authorization"]).toBe(`Bearer ${FAKE_KEY}`);
    expect(await page.content()).not.toContain(FAKE_KEY);
    await page.getByRole("button", { name: "Go on" }).click();

    await page.getByLabel("Name").fill("first");
    await page.getByLabel("Paths").fill("/v1/things/*");
    await page.getByText("Nothing stands out").or(page.locator(".findings")).first().waitFor();
    const token = await issue(page);
    expect(token).toMatch(/^rk_proxy_/);
    await page.getByRole("tab", { name: "curl" }).click();
    const curl = await page.getByLabel("curl command", { exact: true }).innerText();
    const url = /(http:\S+)/.exec(curl)?.[1] ?? "";
    expect(url).toMatch(/\/conn_[a-z0-9]+\/things$/);
    const answer = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
    expect(answer.status, await answer.text()).toBe(200);
    expect(vendor.requests.at(-1)).toMatchObject({ target: "/v1/things" });

    await page.getByRole("tab", { name: "Any agent" }).click();
    expect(await page.getByLabel("Any agent prompt", { exact: true }).innerText()).not.toContain(token);
    await page.getByRole("button", { name: "Copy Any agent prompt" }).click();
    await page.getByText("Copied", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Done" }).click();
    await page.getByRole("heading", { level: 1, name: "first" }).waitFor();
    const kept = await storedText(page);
    for (const secret of [FAKE_KEY, token, desk.stack.ownerKey]) {
      expect(kept).not.toContain(secret);
      expect(await page.content()).not.toContain(secret);
    }
    expect(foreign).toEqual([]);
    expect(complaints).toEqual([]);
  }, 120_000);
});

describe("day by day", () => {
  let desk: Desk;
  let world: World;
  beforeAll(async () => {
    desk = await startDesk({ environment: { RELAYKEY_CRON_SECONDS: "3" } });
    world = await buildWorld(desk.stack, desk.api);
    await makeCalls(desk.api, world, 3);
  }, 120_000);
  afterAll(() => desk?.stop());

  it("hands a token over by a link that opens once, on a phone", async () => {
    const { page } = desk.owner;
    await page.goto("/credentials/new?connection_id=conn_demo");
    await page.getByLabel("Name").fill("shared");
    await page.getByLabel("Paths").fill("/contacts\n/contacts/*");
    const token = await issue(page);
    await page.getByRole("tab", { name: "Link that opens once" }).click();
    await page.getByRole("button", { name: "Make the link" }).click();
    const link = (await page.getByLabel("share link", { exact: true }).innerText()).trim();
    expect(link).toMatch(/\/share\/[A-Za-z0-9_-]+#[A-Za-z0-9_-]{43}$/);
    expect(link).not.toContain(token);

    const phone = await openPage(desk.browser, new URL(link).origin, { width: 360, height: 740 });
    await phone.page.goto(link);
    expect(axeText(await axe(phone.page))).toBe("");
    await phone.page.locator("#open").click();
    await phone.page.getByText(token).waitFor();
    expect(phone.page.url()).not.toContain("#");
    const used = await desk.api.proxy("GET", "/conn_demo/contacts", token);
    expect(used.status, used.text).toBe(200);
    await phone.page.goto("about:blank");
    await phone.page.goto(link);
    const again = phone.page.locator("#open");
    if ((await again.count()) > 0) await again.click();
    await phone.page.waitForTimeout(500);
    expect(await phone.page.content()).not.toContain(token);
    expect(phone.complaints).toEqual([]);
    await phone.context.close();
  }, 60_000);

  it("stops a new address until its mail is confirmed", async () => {
    const made = await desk.api.admin("POST", "/api/v1/delegated-credentials", {
      name: "travels",
      recipient_id: world.recipientId,
      connection_id: "conn_demo",
      allowed_methods: ["GET"],
      allowed_paths: ["/contacts"],
    });
    const token = text(member(made.body, "token"));
    const from = (address: string) =>
      desk.api.proxy("GET", "/conn_demo/contacts", token, { headers: { "cf-connecting-ip": address } });
    expect((await from("203.0.113.7")).status).toBe(200);
    expect((await from("203.0.113.8")).status).toBe(423);

    const phone = await openPage(desk.browser, desk.stack.admin, { width: 360, height: 740 });
    const link = phone.page.locator('a[href*="/confirm/"]').first();
    await expect
      .poll(
        async () => {
          await phone.page.goto("/dev/mailbox");
          return link.count();
        },
        { timeout: 20_000 },
      )
      .toBeGreaterThan(0);
    expect(axeText(await axe(phone.page))).toBe("");
    await phone.page.goto((await link.getAttribute("href")) ?? "");
    expect(axeText(await axe(phone.page))).toBe("");
    expect((await from("203.0.113.8")).status).toBe(423);
    await phone.page.getByRole("button", { name: "Yes, trust this address" }).click();
    await phone.page.getByRole("heading", { name: "Address confirmed" }).waitFor();
    expect((await from("203.0.113.8")).status).toBe(200);
    await desk.owner.page.goto(`/credentials/${text(member(made.body, "id"))}`);
    await desk.owner.page.getByText("203.0.113.8").waitFor();
    await phone.context.close();
  }, 60_000);

  it("filters the log by chips in the URL and exports what is seen", async () => {
    const { page } = desk.owner;
    await page.goto("/audit");
    await page.getByRole("button", { name: "Filter" }).click();
    await page.getByLabel("Filter by").selectOption("decision");
    await page.getByLabel("Decision", { exact: true }).selectOption("denied");
    await page.getByRole("button", { name: "Add filter" }).click();
    await expect.poll(() => page.url()).toContain("decision=denied");
    await page.getByRole("button", { name: "Remove the filter Decision" }).waitFor();
    await settled(page);
    await page.getByRole("row").nth(2).waitFor();
    expect(await page.getByRole("gridcell", { name: "allowed" }).count()).toBe(0);

    await page.getByRole("grid").focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    const panel = page.getByRole("region", { name: "Event" });
    expect(await panel.locator(".steps li").count()).toBe(10);
    expect(await panel.locator(".steps .stopped").count()).toBe(1);
    await page.keyboard.press("Escape");
    await panel.waitFor({ state: "detached" });

    await page.getByRole("link", { name: "Export these" }).click();
    await page.getByRole("button", { name: "Remove the filter Decision" }).waitFor();
    await page.getByRole("button", { name: "Start the export" }).click();
    const file = page.getByRole("link", { name: "Download" }).first();
    await file.waitFor({ timeout: 40_000 });
    const [download] = await Promise.all([page.waitForEvent("download"), file.click()]);
    const exported = readFileSync(await download.path(), "utf8");
    expect(exported).toContain("denied");
    expect(exported).not.toMatch(/"decision":"allowed"/);
  }, 90_000);

  it("offboards a recipient in one step, named by hand", async () => {
    const { page } = desk.owner;
    const before = await desk.api.proxy("GET", "/conn_demo/contacts", world.token, {
      headers: { "user-agent": "agent/1.0" },
    });
    expect(before.status).toBe(200);
    await page.goto(`/recipients/${world.recipientId}`);
    await page.getByRole("button", { name: "Offboard" }).click();
    const dialog = page.getByRole("dialog");
    const confirm = dialog.getByRole("button", { name: "Offboard" });
    expect(await confirm.isDisabled()).toBe(true);
    await dialog.getByLabel(/Type/).fill("Kate");
    expect(await confirm.isDisabled()).toBe(true);
    await dialog.getByLabel(/Type/).fill("Kate Moss");
    expect(axeText(await axe(page))).toBe("");
    await confirm.click();
    await page.getByText(/Offboarded: \d+ credentials? revoked/).waitFor();
    expect((await desk.api.proxy("GET", "/conn_demo/contacts", world.token)).status).toBe(401);
  }, 60_000);

  it("signs members in by a mailed link, and out again", async () => {
    const { page, context } = await openPage(desk.browser, `http://localhost:${desk.stack.adminPort}`);
    await page.goto("/");
    await page.getByRole("tab", { name: "Link by mail" }).click();
    await page.getByLabel("Email").fill("olga@example.com");
    await page.getByRole("button", { name: "Send me a link" }).click();
    await page.getByText("a link is on its way").waitFor();
    const link = page.locator('a[href*="/login/"]').first();
    await expect
      .poll(
        async () => {
          await page.goto("/dev/mailbox");
          return link.count();
        },
        { timeout: 20_000 },
      )
      .toBeGreaterThan(0);
    await page.goto((await link.getAttribute("href")) ?? "");
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByText("Olga Owner").waitFor();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    await page.goto("/connections");
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    await context.close();
  }, 60_000);

  it("shows each role only what it may", async () => {
    const auditor = await desk.signedIn({ key: world.keys.auditor });
    await auditor.page.goto("/connections");
    await auditor.page.getByRole("link", { name: "HubSpot" }).waitFor();
    expect(await auditor.page.getByRole("link", { name: "Connect a vendor" }).count()).toBe(0);
    await auditor.page.goto("/connections/conn_demo");
    await auditor.page.getByRole("heading", { name: "Keys" }).waitFor();
    for (const name of ["Pause", "Edit", "Rotate", "Delete this connection", "Add a key"]) {
      expect(await auditor.page.getByRole("button", { name, exact: true }).count(), name).toBe(0);
    }
    await auditor.page.goto("/connections/new");
    await auditor.page.getByRole("heading", { name: "Not found" }).waitFor();
    await auditor.context.close();

    const runner = await desk.signedIn({ key: world.keys.provisioner });
    const { page } = runner;
    const names = await page.getByRole("navigation", { name: "Main" }).getByRole("listitem").allInnerTexts();
    expect(names.map((name) => name.trim())).toEqual(["Overview", "Credentials", "Settings"]);
    await page.goto("/audit");
    await page.getByRole("heading", { name: "Not found" }).waitFor();
    await page.goto("/credentials/new");
    await page.getByLabel("Name").fill("run-1");
    await page.getByLabel("Connection’s id").fill("conn_demo");
    await page.getByLabel("Paths").fill("/everything/*");
    await page.getByLabel("Expires").selectOption("900");
    await page.getByRole("button", { name: "Issue the credential" }).click();
    await page.getByText("outside", { exact: false }).first().waitFor();
    await page.getByLabel("Paths").fill("/contacts/*");
    expect(await issue(page)).toMatch(/^rk_proxy_/);
    expect(runner.complaints).toEqual([]);
    await runner.context.close();
  }, 90_000);
});
