/** The least scope that covers what was used: looked at beside what holds, and applied by one button, on the real stack. */
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { items, member, text } from "../harness/api-client.ts";
import { axe, axeText, settled } from "./browser.ts";
import { startDesk, type Desk } from "./desk.ts";

const ASK = "Suggest the least scope from what was used";
const FULL = { rules: [{ methods: ["GET", "DELETE"], paths: ["/contacts", "/contacts/*"] }] };

let desk: Desk;
beforeAll(async () => {
  desk = await startDesk();
}, 120_000);
afterAll(() => desk?.stop());

async function issued(body: object): Promise<{ readonly id: string; readonly token: string }> {
  const made = await desk.api.admin("POST", "/api/v1/delegated-credentials", { ttl_seconds: 3_600, ...body });
  expect(made.status, made.text).toBe(201);
  return { id: text(member(made.body, "id")), token: text(member(made.body, "token")) };
}

async function use(credential: { readonly id: string; readonly token: string }, paths: readonly string[]) {
  for (const path of paths) {
    expect((await desk.api.proxy("GET", `/conn_demo${path}`, credential.token)).status, path).toBe(200);
  }
  await desk.api.events(credential.id, paths.length);
}

const section = (page: Page) =>
  page.locator("section").filter({ has: page.getByRole("heading", { name: "Least scope" }) });
const lines = async (page: Page) =>
  (await section(page).locator(".difference li").allInnerTexts()).map((line) => line.replaceAll(/\s+/g, " ").trim());

it("narrows a credential to what it used, and leaves its limits alone", async () => {
  const limits = { budgets: [{ unit: "requests", limit: 500, window: "day" }] };
  const credential = await issued({ name: "reads-a-lot", grants: [{ connection_id: "conn_demo", ...FULL, limits }] });
  const { page } = desk.owner;
  await page.goto(`/credentials/${credential.id}`);
  await settled(page);
  await page.getByRole("button", { name: ASK }).click();
  await page.getByRole("heading", { name: "No allowed calls in the last 30 days" }).waitFor();
  expect(await page.getByRole("button", { name: "Apply to this credential" }).count()).toBe(0);
  expect(axeText(await axe(page))).toBe("");

  await use(credential, ["/contacts", "/contacts/1", "/contacts/2"]);
  await page.getByLabel("Going by the calls of the last").selectOption("7");
  await page.getByRole("button", { name: ASK }).focus();
  await page.keyboard.press("Enter");
  await page.getByText("These rules cover all 3 allowed calls of the last 7 days.").waitFor();
  expect(await lines(page)).toEqual([
    "− DELETE /contacts removed",
    "GET /contacts stays",
    "− GET, DELETE /contacts/* removed",
    "+ GET /contacts/:id added",
  ]);
  expect(axeText(await axe(page))).toBe("");

  await page.route(`**/delegated-credentials/${credential.id}`, (route) =>
    route.request().method() === "PATCH"
      ? route.fulfill({ status: 503, json: { title: "Cannot complete this", detail: "A gate did not answer." } })
      : route.continue(),
  );
  await page.getByRole("button", { name: "Apply to this credential" }).click();
  await section(page).getByRole("alert").getByText("A gate did not answer.").waitFor();
  await page.unrouteAll();

  await page.getByRole("button", { name: "Apply to this credential" }).click();
  await page.getByText("Applied. It holds everywhere.").waitFor();
  await page.getByText("/contacts/:id", { exact: true }).waitFor();
  expect(items(member(await desk.read(`/delegated-credentials/${credential.id}`), "grants"))).toMatchObject([
    { rules: [{ methods: ["GET"], paths: ["/contacts", "/contacts/:id"] }], limits },
  ]);
  expect((await desk.api.proxy("DELETE", "/conn_demo/contacts/1", credential.token)).status).toBe(403);
  expect((await desk.api.proxy("GET", "/conn_demo/contacts/9", credential.token)).status).toBe(200);

  await page.getByRole("button", { name: ASK }).click();
  await page.getByText(/^Nothing to narrow/).waitFor();
  expect(await page.getByRole("button", { name: "Apply to this credential" }).count()).toBe(0);
  expect(desk.owner.complaints).toEqual([]);
}, 90_000);

it("narrows a policy for all who follow it, once nothing unsaved would be lost", async () => {
  const policy = await desk.api.admin("POST", "/api/v1/policies", { name: "Contacts", ...FULL });
  const id = text(member(policy.body, "id"));
  const [first, second] = [
    await issued({ name: "one", connection_id: "conn_demo", policy_id: id }),
    await issued({ name: "two", connection_id: "conn_demo", policy_id: id }),
  ];
  await use(first, ["/contacts"]);
  await use(second, ["/contacts/5"]);
  const { page } = desk.owner;
  await page.goto(`/policies/${id}`);
  await settled(page);
  await page.getByRole("button", { name: ASK }).click();
  await page.getByText("These rules cover all 2 allowed calls of the last 30 days.").waitFor();
  const apply = page.getByRole("button", { name: "Apply to this policy" });
  await page.getByLabel("Name", { exact: true }).fill("Renamed");
  expect(await apply.isDisabled()).toBe(true);
  await page.getByText("First save or undo what you changed above.").waitFor();
  await page.getByLabel("Name", { exact: true }).fill("Contacts");
  await apply.click();
  await page.getByText("Saved as version 2. Every credential follows.").waitFor();
  expect(member(await desk.read(`/policies/${id}`), "rules")).toEqual([
    { methods: ["GET"], paths: ["/contacts", "/contacts/:id"] },
  ]);
  expect(await page.getByLabel("Paths").first().inputValue()).toBe("/contacts\n/contacts/:id");
  expect((await desk.api.proxy("DELETE", "/conn_demo/contacts/1", second.token)).status).toBe(403);
}, 90_000);

it("says of a credential under a policy that it would leave it, and warns of what reaches further than now", async () => {
  const policy = await desk.api.admin("POST", "/api/v1/policies", {
    name: "Two contacts",
    allowed_methods: ["GET"],
    allowed_paths: ["/contacts/1", "/contacts/2"],
  });
  const id = text(member(policy.body, "id"));
  const credential = await issued({ name: "reads-two", connection_id: "conn_demo", policy_id: id });
  await use(credential, ["/contacts/1"]);
  const { page, context } = await desk.signedIn({ scheme: "dark", width: 390, height: 800 });
  await page.goto(`/credentials/${credential.id}`);
  await settled(page);
  await page.getByRole("button", { name: ASK }).click();
  await page.getByText("These rules cover the 1 allowed call of the last 30 days.").waitFor();
  expect(await lines(page)).toEqual([
    "− GET /contacts/1 removed",
    "− GET /contacts/2 removed",
    "+ GET /contacts/:id wider than now added",
  ]);
  await page.getByText(/^What is marked reaches further than now/).waitFor();
  await page.getByText(/in place of those of the policy Two contacts/).waitFor();
  expect(axeText(await axe(page))).toBe("");
  expect(await page.evaluate("document.documentElement.scrollWidth > window.innerWidth")).toBe(false);
  await context.close();
}, 60_000);

it("leaves grants that were not called exactly as they are", async () => {
  const other = await desk.api.admin("POST", "/api/v1/connections", {
    name: "Other",
    base_url: `http://127.0.0.1:${desk.stack.demoPort}/v2`,
    auth: { scheme: "none" },
    environment: "staging",
  });
  const restricted = {
    connection_id: text(member(other.body, "id")),
    environment: "staging",
    rules: [{ methods: ["*"], paths: ["/a,b", "/things/*"] }],
    deny_query_params: ["expand"],
    allow_query_params: [],
    body_rules: [{ member: "plan", effect: "one_of", values: ["free", 1, null] }],
    max_body_bytes: 900,
    models: [],
    allow_headers: ["x-account"],
    remove_response_members: ["data[].email"],
    limits: { rate: [{ requests: 7, per_seconds: 1 }] },
    customers: { mode: "required", unknown: "refuse" },
    price: { provider: "credits", account: "recipient", default_usd_micros: 2_500 },
  };
  const credential = await issued({
    name: "two-grants",
    grants: [{ connection_id: "conn_demo", ...FULL }, restricted],
  });
  const grantTo = async (connectionId: string) =>
    items(member(await desk.read(`/delegated-credentials/${credential.id}`), "grants")).find(
      (grant) => member(grant, "connection_id") === connectionId,
    );
  const before = await grantTo(restricted.connection_id);
  await use(credential, ["/contacts"]);
  const { page } = desk.owner;
  await page.goto(`/credentials/${credential.id}`);
  await settled(page);
  await page.getByRole("button", { name: ASK }).click();
  await page.getByText("Not called in that time. It stays as it is.").waitFor();
  await page.getByRole("button", { name: "Apply to this credential" }).click();
  await page.getByText("Applied. It holds everywhere.").waitFor();
  expect(await grantTo("conn_demo")).toMatchObject({ rules: [{ methods: ["GET"], paths: ["/contacts"] }] });
  expect(await grantTo(restricted.connection_id)).toEqual(before);

  const left = { grants: [restricted] };
  expect((await desk.api.admin("PATCH", `/api/v1/delegated-credentials/${credential.id}`, left)).status).toBe(200);
  await page.getByRole("button", { name: ASK }).click();
  await page.getByRole("heading", { name: "No allowed calls in the last 30 days" }).waitFor();
}, 60_000);

it("lets an auditor look, and not apply", async () => {
  const credential = await issued({
    name: "looked-at",
    connection_id: "conn_demo",
    allowed_methods: ["GET"],
    allowed_paths: ["/*"],
  });
  await use(credential, ["/contacts"]);
  const key = await desk.api.admin("POST", "/api/v1/management-keys", { name: "Auditors", role: "auditor" });
  const { page, context } = await desk.signedIn({ key: text(member(key.body, "key")) });
  await page.goto(`/credentials/${credential.id}`);
  await settled(page);
  await page.getByRole("button", { name: ASK }).click();
  await page.getByText(/^These rules cover/).waitFor();
  expect(await page.getByRole("button", { name: "Apply to this credential" }).count()).toBe(0);
  await context.close();
}, 60_000);
