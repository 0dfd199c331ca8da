/** Debian's Chromium, driven over its own protocol; pages that note what they ask of other hosts and what they complain of. */
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";

const EXECUTABLE = process.env["RELAYKEY_CHROMIUM"] ?? "/usr/bin/chromium";
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export type Scheme = "light" | "dark";

export interface PageOptions {
  readonly scheme?: Scheme;
  readonly width?: number;
  readonly height?: number;
}

export interface OpenPage {
  readonly context: BrowserContext;
  readonly page: Page;
  /** Requests to any origin but the dashboard's. */
  readonly foreign: string[];
  /** Errors on the page's console, violations of its policy among them. */
  readonly complaints: string[];
}

export function startBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: EXECUTABLE, args: ["--no-sandbox", "--disable-gpu"] });
}

export async function openPage(browser: Browser, origin: string, options: PageOptions = {}): Promise<OpenPage> {
  const { scheme = "light", width = 1440, height = 900 } = options;
  const context = await browser.newContext({
    baseURL: origin,
    colorScheme: scheme,
    viewport: { width, height },
    reducedMotion: "reduce",
  });
  await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin });
  const page = await context.newPage();
  const foreign: string[] = [];
  const complaints: string[] = [];
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.protocol.startsWith("http") && url.origin !== origin) foreign.push(request.url());
  });
  page.on("console", (message) => {
    if (message.type() === "error" && !/Failed to load resource/.test(message.text())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.setDefaultTimeout(30_000);
  return { context, page, foreign, complaints };
}

export async function signIn(page: Page, key: string): Promise<void> {
  await page.goto("/");
  await page.getByRole("tab", { name: "Management key" }).click();
  await page.getByRole("textbox", { name: "Management key" }).fill(key);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page
    .getByRole("navigation", { name: "Main" })
    .or(page.getByRole("button", { name: "Menu" }))
    .first()
    .waitFor();
}

export interface AxeFinding {
  readonly id: string;
  readonly impact: string | null;
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
}

/** Findings of axe-core on the page as it is now, under all of its rules for WCAG A and AA and its best practices. */
export async function axe(page: Page): Promise<readonly AxeFinding[]> {
  await page.evaluate(AXE);
  const found: unknown = await page.evaluate(
    "axe.run(document, { resultTypes: ['violations'] }).then((r) => r.violations)",
  );
  return found as readonly AxeFinding[];
}

/** Short text of findings, for a failing test. */
export function axeText(findings: readonly AxeFinding[]): string {
  return findings
    .map((each) => `${each.id}: ${each.nodes.map((node) => `${node.html}\n    ${node.failureSummary}`).join("\n  ")}`)
    .join("\n");
}

/** Resolves when nothing loads any more: no skeletons, no button that works. */
export async function settled(page: Page): Promise<void> {
  await page.waitForLoadState("networkidle").catch(() => undefined);
  await page.locator(".skeleton").first().waitFor({ state: "detached" });
}

/** The text of a field's error, by the field's label. */
export async function errorAt(page: Page, label: string | RegExp): Promise<string> {
  const field = page.locator(".field.invalid").filter({ has: page.locator("label", { hasText: label }) });
  return field.locator(".error").innerText();
}
