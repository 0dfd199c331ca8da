/**
 * `npm run screenshots`: pictures of every screen of the dashboard, in both themes and at two widths, on a stack of its own
 * with a small made-up company. They land in `dist/screenshots` (or the directory given), which is not kept in the repository.
 */
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { openPage, settled, signIn, startBrowser } from "../tests/dashboard/browser.ts";
import { buildBusyWorld } from "../tests/dashboard/busy-world.ts";
import { screensOf } from "../tests/dashboard/screens.ts";
import { buildWorld, makeCalls } from "../tests/dashboard/world.ts";
import { apiClient } from "../tests/harness/api-client.ts";
import { startStack } from "../tests/harness/stack.ts";
import { REPOSITORY } from "./build.ts";

const WIDTHS = [360, 1_440] as const;
const SCHEMES = ["light", "dark"] as const;
const ROUNDS = 10;

async function main(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  const stack = await startStack();
  const browser = await startBrowser();
  try {
    const api = apiClient(stack);
    const world = await buildWorld(stack, api);
    const busy = await buildBusyWorld(api, world);
    await makeCalls(api, world, ROUNDS);
    for (const scheme of SCHEMES) {
      for (const width of WIDTHS) {
        const { page, context } = await openPage(browser, stack.admin, {
          scheme,
          width,
          height: width === 360 ? 780 : 900,
        });
        const save = (name: string) =>
          page.screenshot({ path: join(directory, `${name}-${scheme}-${width}.png`), fullPage: true });
        await page.goto("/");
        await page.getByRole("heading", { name: "Sign in" }).waitFor();
        await save("login");
        await signIn(page, stack.ownerKey);
        for (const screen of screensOf(world, busy)) {
          await page.goto(screen.path);
          await settled(page);
          await save(screen.name);
        }
        await page.goto("/payments");
        await settled(page);
        await page.getByRole("table", { name: "Payments" }).getByRole("link").first().click();
        await settled(page);
        await save("payment");
        await page.goto(`/payments/credits/recipients/${world.payingRecipientId}`);
        await settled(page);
        await page.getByRole("button", { name: "Top up" }).click();
        await save("credit-top-up");
        await page.goto("/audit");
        await settled(page);
        await page.getByRole("grid").focus();
        await page.keyboard.press("Enter");
        await save("audit-event");
        await page.keyboard.press("Control+k");
        await save("palette");
        await context.close();
      }
    }
  } finally {
    await browser.close();
    await stack.stop();
  }
  console.log(`Pictures are in ${directory}`);
}

await main(resolve(process.argv[2] ?? join(REPOSITORY, "dist/screenshots")));
