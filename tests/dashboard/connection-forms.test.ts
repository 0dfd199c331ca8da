/** A connection to an API that no catalogue knows, made and changed in the dashboard: its hosts and its way to take a key. */
import { createHmac } from "node:crypto";
import type { Locator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { member, text } from "../harness/api-client.ts";
import { startRecordingVendor, type RecordingVendor } from "../harness/recording-vendor.ts";
import { axe, axeText, errorAt, settled } from "./browser.ts";
import { startDesk, type Desk } from "./desk.ts";

const FAKE_KEY = `not-a-real-master-key-${"3".repeat(16)}`;

let desk: Desk;
let vendor: RecordingVendor;
let uploads: RecordingVendor;
beforeAll(async () => {
  [vendor, uploads] = await Promise.all([startRecordingVendor(), startRecordingVendor()]);
  desk = await startDesk({ demo: false });
}, 120_000);
afterAll(async () => {
  await desk?.stop();
  await Promise.all([vendor?.stop(), uploads?.stop()]);
});

/** The form for an API of one's own, name and base URL filled in. */
async function ownApi(page: Page, name: string): Promise<void> {
  await page.goto("/connections/new");
  await page.getByRole("button", { name: "Another API" }).click();
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Base URL", { exact: true }).fill(`${vendor.origin}/v1`);
}

/** Sends the form and gives the path of the connection that was made. */
async function madeBy(page: Page): Promise<string> {
  await page.getByRole("button", { name: "Save and test" }).click();
  await page.waitForURL(/\/connections\/conn_/);
  return new URL(page.url()).pathname;
}

async function edited(page: Page, path: string): Promise<Locator> {
  await page.goto(path);
  await settled(page);
  await page.locator(".page-head").getByRole("button", { name: "Edit" }).click();
  return page.getByRole("dialog");
}

/** What the vendors get of a call through a credential that may call everything of the connection. */
async function callThrough(path: string, targets: readonly string[]): Promise<void> {
  const id = path.replace("/connections/", "");
  const made = await desk.api.admin("POST", "/api/v1/delegated-credentials", {
    name: "caller",
    kind: "virtual",
    connection_id: id,
    allowed_methods: ["GET"],
    allowed_paths: ["/**"],
    ttl_seconds: 600,
  });
  expect(made.status, made.text).toBe(201);
  for (const target of targets) {
    const answer = await desk.api.proxy("GET", `/${id}${target}`, text(member(made.body, "token")));
    expect(answer.status, answer.text).toBe(200);
  }
}

describe("further hosts", () => {
  it("are given with the connection, and calls reach them by name and by path", async () => {
    const { page } = desk.owner;
    await ownApi(page, "Two hosts");
    await page.getByText("Further hosts of this API").click();
    await page.getByRole("button", { name: "Add a host" }).click();
    const host = page.getByRole("group", { name: "host 1" });
    await host.getByLabel("Name").fill("Up loads");
    const key = page.getByLabel("Key", { exact: true });
    await key.fill(FAKE_KEY);
    await page.getByText("Further hosts of this API (1)").click();
    await page.getByRole("button", { name: "Save and test" }).click();
    // Nothing was sent, so the key stands where it was typed; the field to fill in is seen and has the focus.
    expect(await key.inputValue()).toBe(FAKE_KEY);
    expect(await host.getByLabel("Base URL").isVisible()).toBe(true);
    await expect.poll(() => page.evaluate("document.activeElement.name")).toBe("origins[0].base_url");
    await host.getByLabel("Base URL").fill(`${uploads.origin}/up`);
    await page.getByText("Further hosts of this API (1)").click();
    await page.getByRole("button", { name: "Save and test" }).click();
    await host.getByText("Is not an origin's name").waitFor();
    expect(axeText(await axe(page))).toBe("");
    await host.getByLabel("Name").fill("uploads");
    await host.getByText("/{connection}.uploads/…").waitFor();
    await host.getByLabel("Also for paths below").fill("/files\n");
    await key.fill(FAKE_KEY);
    const path = await madeBy(page);
    expect(await desk.read(path)).toMatchObject({
      origins: [{ name: "uploads", base_url: `${uploads.origin}/up`, path_prefixes: ["/files"] }],
    });
    await page.getByText(`uploads: ${uploads.origin}/up`).waitFor();
    await callThrough(path, ["/things", "/files/1", ".uploads/one"]);
    expect(vendor.requests.map((each) => each.target)).toContain("/v1/things");
    expect(uploads.requests.map((each) => [each.target, each.headers["authorization"]])).toEqual([
      ["/up/files/1", `Bearer ${FAKE_KEY}`],
      ["/up/one", `Bearer ${FAKE_KEY}`],
    ]);
  }, 90_000);

  it("are changed, named apart and taken away, and stay where they are not touched", async () => {
    const made = await desk.api.admin("POST", "/api/v1/connections", {
      name: "Three hosts",
      base_url: `${vendor.origin}/v1`,
      auth: { scheme: "none" },
      origins: [
        { name: "a", base_url: `${uploads.origin}/a`, path_prefixes: ["/v1/x,y"] },
        { name: "b", base_url: `${uploads.origin}/b`, path_prefixes: [] },
      ],
    });
    const path = `/connections/${text(member(made.body, "id"))}`;
    const { page, context } = await desk.signedIn({ scheme: "dark", width: 390, height: 800 });
    let dialog = await edited(page, path);
    await dialog.getByLabel("Name", { exact: true }).first().fill("Renamed");
    const sent = page.waitForRequest((request) => request.method() === "PATCH");
    await dialog.getByRole("button", { name: "Save" }).click();
    expect((await sent).postData()).not.toContain("origins");
    await dialog.waitFor({ state: "detached" });

    dialog = await edited(page, path);
    await dialog.getByText("Further hosts of this API (2)").click();
    const second = dialog.getByRole("group", { name: "host 2" });
    await second.getByLabel("Name").fill("a");
    await dialog.getByRole("button", { name: "Save" }).click();
    await second.getByText("Is the name of another one").waitFor();
    await second.getByLabel("Name").fill("c");
    await second.getByLabel("Base URL").fill("https://user@c.example.com");
    await dialog.getByRole("button", { name: "Save" }).click();
    expect(await errorAt(page, "Base URL")).not.toBe("");
    expect(axeText(await axe(page))).toBe("");
    expect(await page.evaluate("document.documentElement.scrollWidth > window.innerWidth")).toBe(false);
    await second.getByLabel("Base URL").fill("https://c.example.com/api");
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.waitFor({ state: "detached" });
    expect(await desk.read(path)).toMatchObject({
      origins: [
        { name: "a", base_url: `${uploads.origin}/a`, path_prefixes: ["/v1/x,y"] },
        { name: "c", base_url: "https://c.example.com/api", path_prefixes: [] },
      ],
    });

    dialog = await edited(page, path);
    await dialog.getByText("Further hosts of this API (2)").focus();
    await page.keyboard.press("Enter");
    await dialog.getByRole("button", { name: "Remove host 1" }).focus();
    await page.keyboard.press("Enter");
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.waitFor({ state: "detached" });
    expect(await desk.read(path)).toMatchObject({ origins: [{ name: "c" }] });
    await context.close();
  }, 90_000);
});

describe("the way to take a key", () => {
  it("can be a signature with a key of two parts, which is sent and signs", async () => {
    const { page } = desk.owner;
    await ownApi(page, "Signed");
    await page.getByLabel("How it expects its key").selectOption("hmac");
    await page.getByLabel("Header of the token").fill("X-App-Token");
    await page.getByLabel("Header of the time").fill("X-App-Ts");
    await page.getByLabel("Header of the signature").fill("host");
    await page.getByLabel("Signed, in this order").fill("timestamp, method, path_and_query");
    await page.getByLabel("HMAC-SHA256, written as").selectOption("base64");
    await page.getByLabel("Name of the part that signs").fill("secret_key");
    const fill = async () => {
      await page.getByLabel("token", { exact: true }).fill("not-a-real-token");
      await page.getByLabel("secret_key", { exact: true }).fill(FAKE_KEY);
    };
    await fill();
    await page.getByRole("button", { name: "Save and test" }).click();
    await expect.poll(() => errorAt(page, "Header of the signature")).toContain("Cannot carry a key");
    expect(axeText(await axe(page))).toBe("");
    await page.getByLabel("Header of the signature").fill("X-App-Sig");
    await fill();
    const path = await madeBy(page);
    expect(member(await desk.read(path), "auth")).toMatchObject({
      scheme: "hmac",
      encoding: "base64",
      sign: ["timestamp", "method", "path_and_query"],
      key_part: "secret_key",
    });
    await callThrough(path, ["/signed?x=1"]);
    const { headers } = vendor.requests.at(-1) ?? {};
    const signed = `${text(headers?.["x-app-ts"] ?? null)}GET/v1/signed?x=1`;
    expect(headers?.["x-app-token"]).toBe("not-a-real-token");
    expect(headers?.["x-app-sig"]).toBe(createHmac("sha256", FAKE_KEY).update(signed).digest("base64"));
  }, 90_000);

  it("can be a login with the key's parts, whose token the calls carry", async () => {
    vendor.answerWith((request, response) => {
      const json = request.target === "/v1/login" ? { token: `token-of-${request.body.toString()}` } : { ok: true };
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(json));
    });
    const { page, context } = await desk.signedIn({ scheme: "dark", width: 390, height: 800 });
    await ownApi(page, "With a login");
    await page.getByLabel("How it expects its key").selectOption("token_exchange");
    await page.getByLabel("Path of the login").fill("/login");
    await page.getByLabel("JSON body of the login").fill("user {user}");
    await page.getByLabel("Headers of each call").fill("X-Session: {token}");
    await page.getByLabel("user", { exact: true }).fill("someone");
    await page.getByRole("button", { name: "Save and test" }).click();
    expect(await errorAt(page, "JSON body of the login")).toContain("Is not a name, a colon and a value");
    await page.getByLabel("JSON body of the login").fill("user: {user}\npassword: {password}");
    await page.getByLabel("password", { exact: true }).fill(FAKE_KEY);
    expect(await page.getByLabel("user", { exact: true }).inputValue()).toBe("someone");
    await page.getByLabel("Parts that are no secret").fill("user");
    expect(axeText(await axe(page))).toBe("");
    expect(await page.evaluate("document.documentElement.scrollWidth > window.innerWidth")).toBe(false);
    const path = await madeBy(page);
    await callThrough(path, ["/things"]);
    const login = vendor.requests.find((each) => each.target === "/v1/login");
    expect(JSON.parse(login?.body.toString() ?? "{}")).toEqual({ user: "someone", password: FAKE_KEY });
    expect(vendor.requests.at(-1)?.headers["x-session"]).toContain("token-of-");
    expect(await page.content()).not.toContain(FAKE_KEY);
    await context.close();
  }, 90_000);

  it("is changed with all of its members, and says when the keys have to follow", async () => {
    const made = await desk.api.admin("POST", "/api/v1/connections", {
      name: "Changing",
      base_url: `${vendor.origin}/v1`,
      auth: { scheme: "basic", secret_in: "password", fixed: "someone", raw: true },
      secret: FAKE_KEY,
    });
    const path = `/connections/${text(member(made.body, "id"))}`;
    const { page } = desk.owner;
    let dialog = await edited(page, path);
    await dialog.locator("summary", { hasText: "How it expects its key" }).click();
    await dialog.getByLabel("Sent as it is").uncheck();
    await dialog.getByLabel("The key is the").selectOption("username");
    await dialog.getByLabel("Password").fill("x");
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.waitFor({ state: "detached" });
    expect(member(await desk.read(path), "auth")).toEqual({ scheme: "basic", secret_in: "username", fixed: "x" });

    dialog = await edited(page, path);
    await dialog.locator("summary", { hasText: "How it expects its key" }).click();
    await dialog.getByLabel("How it expects its key").selectOption("oauth2_client_credentials");
    await dialog.getByLabel("Token URL").fill(`${vendor.origin}/oauth`);
    await dialog.getByLabel("Client id").fill("me");
    await dialog.getByText("What this token server does otherwise").click();
    await dialog.getByLabel("Further fields of its form").fill("sub: 4711");
    await dialog.getByLabel("A token holds, seconds").fill("600");
    await dialog.getByLabel("Token’s header").fill("cookie");
    await dialog.getByText("What this token server does otherwise").click();
    await dialog.getByRole("button", { name: "Save" }).click();
    await expect.poll(() => errorAt(page, "Token’s header")).toContain("Cannot carry a key");
    await dialog.getByLabel("Token’s header").fill("X-Access");
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.waitFor({ state: "detached" });
    expect(member(await desk.read(path), "auth")).toMatchObject({
      params: { sub: "4711" },
      token_ttl_seconds: 600,
      sent_as: { header: "X-Access", prefix: "" },
    });

    dialog = await edited(page, path);
    await dialog.locator("summary", { hasText: "How it expects its key" }).click();
    expect(await dialog.getByText(/Rotate each key afterwards/).count()).toBe(0);
    await dialog.getByLabel("How it expects its key").selectOption("hmac");
    await dialog.getByText("This way takes a key of the parts token, key. Rotate each key afterwards").waitFor();
    expect(axeText(await axe(page))).toBe("");
    await dialog.getByRole("button", { name: "Cancel" }).click();
    expect(desk.owner.complaints).toEqual([]);
    expect(desk.owner.foreign).toEqual([]);
  }, 90_000);
});
