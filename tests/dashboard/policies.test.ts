/** A policy's rules tried against past calls before they are saved, in a real browser on the real stack. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { member, text } from "../harness/api-client.ts";
import { axe, axeText, settled } from "./browser.ts";
import { startDesk, type Desk } from "./desk.ts";

let desk: Desk;
beforeAll(async () => {
  desk = await startDesk();
}, 120_000);
afterAll(() => desk?.stop());

it("says what changed rules would have blocked, and of which calls the record does not tell", async () => {
  const policy = await desk.api.admin("POST", "/api/v1/policies", {
    name: "Read contacts",
    allowed_methods: ["GET"],
    allowed_paths: ["/contacts", "/contacts/*"],
  });
  const policyId = text(member(policy.body, "id"));
  const made = await desk.api.admin("POST", "/api/v1/delegated-credentials", {
    connection_id: "conn_demo",
    name: "reader",
    policy_id: policyId,
    ttl_seconds: 3_600,
  });
  expect(made.status, made.text).toBe(201);
  const token = text(member(made.body, "token"));
  for (const path of ["/contacts", "/contacts/1", "/contacts/2"]) {
    expect((await desk.api.proxy("GET", `/conn_demo${path}`, token)).status).toBe(200);
  }
  await desk.api.events(text(member(made.body, "id")), 3);

  const { page } = desk.owner;
  await page.goto(`/policies/${policyId}`);
  await settled(page);
  await page.getByRole("button", { name: "Try these rules" }).click();
  await page.getByText(/^0 of 3 calls/).waitFor();
  await page.getByText("Query, models and answers").click();
  await page.getByLabel("Refused query parameters").fill("expand");
  await page.getByLabel("Paths").first().fill("/contacts");
  await page.getByRole("button", { name: "Try these rules" }).click();
  await page.getByText("2 would have been blocked").click();
  await page.getByText("GET /contacts/2", { exact: true }).waitFor();
  await page.getByText(/the record does not tell: deny_query_params would have judged/).waitFor();
  expect(axeText(await axe(page))).toBe("");
  // Trying changes nothing.
  const after = await desk.api.admin("GET", `/api/v1/policies/${policyId}`);
  expect(member(after.body, "version")).toBe(member(policy.body, "version"));
}, 60_000);
