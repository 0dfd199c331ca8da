/** The audit log while calls come in: every one appears, at its place in time, and the reader keeps theirs. */
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { member, text } from "../harness/api-client.ts";
import { startRecordingVendor, type RecordingVendor } from "../harness/recording-vendor.ts";
import { axe, axeText } from "./browser.ts";
import { startDesk, type Desk } from "./desk.ts";
import { made } from "./world.ts";

const FILLING_CALLS = 40;
/** A look every two seconds, and the way of an event to the audit database. */
const APPEARS_MS = 15_000;

let desk: Desk;
let vendor: RecordingVendor;
let token: string;
let connectionId: string;
let releaseSlow: () => void;

beforeAll(async () => {
  vendor = await startRecordingVendor();
  const slow = new Promise<void>((resolve) => (releaseSlow = resolve));
  vendor.answerWith(async (request, response) => {
    if (request.target === "/slow") await slow;
    response.end("{}");
  });
  desk = await startDesk();
  const connection = await made(desk.api, "/connections", {
    name: "Slow vendor",
    base_url: vendor.origin,
    auth: { scheme: "bearer" },
    secret: "not-a-real-key-of-the-slow-vendor",
  });
  connectionId = text(member(connection, "id"));
  const credential = await made(desk.api, "/delegated-credentials", {
    name: "reads-all",
    kind: "virtual",
    connection_id: connectionId,
    allowed_methods: ["GET"],
    allowed_paths: ["/*"],
  });
  token = text(member(credential, "token"));
}, 120_000);
afterAll(async () => {
  await desk?.stop();
  await vendor?.stop();
});

const get = async (path: string) =>
  expect((await desk.api.proxy("GET", `/${connectionId}${path}`, token)).status).toBe(200);
const row = (page: Page, path: string) => page.getByRole("row").filter({ hasText: path });
const indexOf = async (page: Page, path: string) => Number(await row(page, path).getAttribute("aria-rowindex"));
/** The path of the event with the mark; its age, beside it, changes by itself. */
const selected = async (page: Page) =>
  /\/[\w-]+\./.exec((await page.locator('.log-row[aria-selected="true"]').textContent()) ?? "")?.[0];

describe("the audit log's live tail", () => {
  it("shows a slow call that began before quicker ones which were shown already", async () => {
    await get("/first");
    const { page } = desk.owner;
    await page.goto("/audit");
    await row(page, "/first").waitFor({ timeout: APPEARS_MS });
    const slow = get("/slow");
    await expect.poll(() => vendor.requests.some((each) => each.target === "/slow")).toBe(true);
    await get("/quick");
    await row(page, "/quick").waitFor({ timeout: APPEARS_MS });
    expect(await row(page, "/slow").count()).toBe(0);
    releaseSlow();
    await slow;
    await row(page, "/slow").waitFor({ timeout: APPEARS_MS });
    expect(await indexOf(page, "/slow")).toBe((await indexOf(page, "/quick")) + 1);
    expect(await indexOf(page, "/first")).toBe((await indexOf(page, "/slow")) + 1);
  }, 90_000);

  it("leaves the reader where they scrolled to, and their mark on its event", async () => {
    for (let i = 0; i < FILLING_CALLS; i += 1) await get(`/filling-${i}.`);
    const { page } = await desk.signedIn();
    await page.goto("/audit");
    await row(page, `/filling-${FILLING_CALLS - 1}.`).waitFor({ timeout: APPEARS_MS });
    await page.getByRole("grid").focus();
    for (let i = 0; i < 3; i += 1) await page.keyboard.press("ArrowDown");
    const marked = await selected(page);
    expect(marked).toBe(`/filling-${FILLING_CALLS - 4}.`);
    await get("/while-at-top.");
    await row(page, "/while-at-top.").waitFor({ timeout: APPEARS_MS });
    expect(await selected(page)).toBe(marked);

    await page.evaluate("document.querySelector('.log').scrollTop = 36 * 20");
    const read = row(page, "/filling-15.");
    await read.waitFor();
    const before = await read.boundingBox();
    const rowsBefore = Number(await page.getByRole("grid").getAttribute("aria-rowcount"));
    await get("/while-away-1.");
    await get("/while-away-2.");
    await expect
      .poll(async () => Number(await page.getByRole("grid").getAttribute("aria-rowcount")), { timeout: APPEARS_MS })
      .toBe(rowsBefore + 2);
    await expect.poll(async () => (await read.boundingBox())?.y).toBe(before?.y);
    const news = page.getByRole("button", { name: "2 new events" });
    await news.waitFor();
    expect(axeText(await axe(page))).toBe("");
    await news.click();
    await row(page, "/while-away-2.").waitFor();
    await news.waitFor({ state: "detached" });
    await page.context().close();
  }, 90_000);
});
