/** Trust policies for CI, from the form to the pipeline's snippet and away again, in a real browser on the real stack. */
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterAll, beforeAll, expect, it } from "vitest";
import { items, member, text } from "../harness/api-client.ts";
import { startRecordingVendor } from "../harness/recording-vendor.ts";
import { axe, axeText, errorAt, settled } from "./browser.ts";
import { startDesk, type Desk } from "./desk.ts";

/** A fifth of what is held to be good. */
const MAX_SHIFT = 0.02;

let desk: Desk;
beforeAll(async () => {
  desk = await startDesk();
}, 120_000);
afterAll(() => desk?.stop());

const policies = async () => items(member(await desk.read("/trust-policies"), "data"));

it("is made by the form, seen in the list, changed, paused and deleted", async () => {
  const { page, complaints } = desk.owner;
  await page.getByRole("link", { name: "CI trust policies" }).click();
  await page.getByRole("heading", { name: "No trust policy yet" }).waitFor();
  expect(axeText(await axe(page))).toBe("");
  await page.getByRole("link", { name: "New trust policy" }).first().click();
  await settled(page);
  expect(await page.getByLabel("Issuer").inputValue()).toBe("https://token.actions.githubusercontent.com");

  // By keyboard: the claim's button leads into its value.
  await page.getByLabel("Name", { exact: true }).fill("Deploy job");
  await page.getByRole("button", { name: "environment" }).focus();
  await page.keyboard.press("Enter");
  await expect.poll(() => page.evaluate("document.activeElement.name")).toBe("claims.environment");
  await page.keyboard.type("production");
  await page.keyboard.press("Enter");
  await page.keyboard.type("staging");
  const make = page.getByRole("button", { name: "Make the trust policy" });
  await make.click();
  expect(await errorAt(page, "Value of claim 1")).toBe("Say what it must be, or remove it");
  await page.getByText("Choose at least one").waitFor();
  expect(axeText(await axe(page))).toBe("");
  expect(await policies()).toHaveLength(0);

  // What is changed is not called wrong any more.
  await page.getByLabel("Value of claim 1").fill("74");
  await page.getByRole("checkbox", { name: /demo/i }).check();
  expect(await page.getByLabel("Value of claim 1").getAttribute("aria-invalid")).toBe("false");
  expect(await page.getByText("Choose at least one").count()).toBe(0);
  await page.getByLabel("Paths").fill("contacts");
  await make.click();
  // What only the API knows stands at its field as well.
  await expect.poll(() => errorAt(page, "Paths")).toMatch(/\//);
  await page.getByLabel("Paths").fill("/contacts\n/contacts/*");
  await page.getByLabel("Lifetime at most").selectOption("1800");
  await page.getByLabel("Names like").fill("ci-*");
  await page.getByRole("button", { name: "Add a rate limit" }).first().click();
  await page.getByRole("group", { name: "Rate limit 1", exact: true }).getByLabel("Calls at most").fill("60");
  await make.click();

  await page.getByRole("heading", { level: 1, name: "Deploy job" }).waitFor();
  const [made] = await policies();
  expect(made).toMatchObject({
    name: "Deploy job",
    issuer: "https://token.actions.githubusercontent.com",
    audience: "relaykey",
    jwks_url: null,
    claims: { repository_id: ["74"], ref: ["refs/heads/main"], environment: ["production", "staging"] },
    constraints: {
      connections: ["conn_demo"],
      rules: [{ methods: ["GET"], paths: ["/contacts", "/contacts/*"] }],
      max_ttl_seconds: 1_800,
      name_pattern: "ci-*",
      limits: { rate: [{ requests: 60, per_seconds: 60 }] },
    },
  });
  const id = text(member(made ?? null, "id"));
  await page.getByRole("button", { name: "Copy GitHub Actions snippet" }).click();
  const copied = String(await page.evaluate("navigator.clipboard.readText()"));
  expect(copied).toContain(`${desk.stack.admin}/api/v1/token-exchange`);
  expect(copied).toContain(`trust_policy_id=${id}`);
  expect(await page.getByRole("tab", { name: "GitLab CI" }).count()).toBe(0);
  await settled(page);
  expect(axeText(await axe(page))).toBe("");

  await page.getByRole("button", { name: "Remove claim 2" }).click();
  await page.getByRole("button", { name: "Save" }).click();
  await expect
    .poll(async () => member(await desk.read(`/trust-policies/${id}`), "claims"))
    .toEqual({
      repository_id: ["74"],
      environment: ["production", "staging"],
    });
  await page.getByText("Saved. It holds from the next exchange on.").waitFor();
  await page.getByLabel("Audience").fill("being-written");
  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByRole("button", { name: "Resume" }).waitFor();
  expect(await page.getByLabel("Audience").inputValue()).toBe("being-written");
  expect(await desk.read(`/trust-policies/${id}`)).toMatchObject({ status: "paused" });

  await page.getByRole("link", { name: "CI trust policies" }).first().click();
  const row = page.getByRole("row").filter({ hasText: "Deploy job" });
  await row.waitFor();
  expect(await row.innerText()).toMatch(/paused[\s\S]*GitHub Actions[\s\S]*repository_id 74[\s\S]*30 minutes/);
  await row.getByRole("link", { name: "Deploy job" }).click();
  await page.getByRole("button", { name: "Delete" }).click();
  const dialog = page.getByRole("dialog");
  expect(axeText(await axe(page))).toBe("");
  await dialog.getByLabel(/to confirm/).fill("Deploy job");
  await dialog.getByRole("button", { name: "Delete" }).click();
  await page.getByRole("heading", { name: "No trust policy yet" }).waitFor();
  expect(await policies()).toHaveLength(0);
  expect(complaints).toEqual([]);
}, 90_000);

it("shows what its jobs got, and nothing of anybody else", async () => {
  const issuer = await startRecordingVendor();
  try {
    const pair = await generateKeyPair("RS256");
    const keys = { keys: [{ ...(await exportJWK(pair.publicKey)), kid: "k1", alg: "RS256" }] };
    issuer.answerWith((_request, response) => void response.end(JSON.stringify(keys)));
    const made = await desk.api.admin("POST", "/api/v1/trust-policies", {
      name: "Nightly",
      issuer: "https://ci.example.com",
      audience: "relaykey",
      jwks_url: `${issuer.origin}/jwks`,
      claims: { project_id: "12" },
      constraints: {
        connections: ["conn_demo"],
        allowed_methods: ["GET"],
        allowed_paths: ["/*"],
        max_ttl_seconds: 300,
      },
    });
    expect(made.status, made.text).toBe(201);
    const { page } = desk.owner;
    await page.goto(`/trust-policies/${text(member(made.body, "id"))}`);
    const its = page.getByRole("link", { name: "Its credentials" });
    await its.click();
    await page.getByText("No credential fits these filters").waitFor();

    const subject = await new SignJWT({ project_id: "12", jti: "job-1" })
      .setProtectedHeader({ alg: "RS256", kid: "k1" })
      .setIssuer("https://ci.example.com")
      .setAudience("relaykey")
      .setSubject("project 12")
      .setIssuedAt()
      .setExpirationTime("5m")
      .sign(pair.privateKey);
    const exchanged = await desk.api.admin("POST", "/api/v1/token-exchange", {
      grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
      subject_token: subject,
      subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
      name: "nightly-1",
    });
    expect(exchanged.status, exchanged.text).toBe(200);
    await page.reload();
    const rows = page.getByRole("table", { name: "Credentials" }).getByRole("row");
    await rows.filter({ hasText: "nightly-1" }).waitFor();
    // The head and the one: the seeded credential is not among them.
    expect(await rows.count()).toBe(2);
    expect(axeText(await axe(page))).toBe("");
    await rows.getByRole("link", { name: "nightly-1" }).click();
    await page.getByRole("heading", { level: 1, name: "nightly-1" }).waitFor();
    const removed = await desk.api.admin("DELETE", `/api/v1/trust-policies/${text(member(made.body, "id"))}`);
    expect(removed.status).toBe(204);
  } finally {
    await issuer.stop();
  }
}, 60_000);

it("says what would stop its jobs, since nobody is there to accept it", async () => {
  const made = await desk.api.admin("POST", "/api/v1/connections", {
    name: "OpenAI",
    vendor: "openai",
    secret: `not-a-real-key-${"0".repeat(16)}`,
  });
  expect(made.status, made.text).toBe(201);
  const { page } = desk.owner;
  await page.goto("/trust-policies/new");
  await settled(page);
  await page.getByRole("checkbox", { name: "OpenAI" }).check();
  const rule = page.getByRole("group", { name: "Rule 1" });
  await rule.getByRole("checkbox", { name: "POST" }).check();
  await rule.getByLabel("Paths").fill("/v1/realtime/sessions");
  const finding = page.getByRole("complementary", { name: "Review" }).getByRole("listitem").first();
  await finding.getByText("stops every job").waitFor();
  expect(await finding.getByRole("checkbox").count()).toBe(0);
}, 60_000);

it("says at the claims that an issuer for everyone needs one that tells whose job it is", async () => {
  const { page } = desk.owner;
  await page.goto("/trust-policies/new");
  await settled(page);
  await page.getByRole("button", { name: /^GitLab CI/ }).click();
  await page.getByLabel("Name", { exact: true }).fill("Sync");
  await page.getByRole("button", { name: "Remove claim 1" }).click();
  await page.getByRole("checkbox", { name: /demo/i }).check();
  await page.getByLabel("Paths").fill("/contacts");
  await page.getByRole("button", { name: "Make the trust policy" }).click();
  const claims = page.getByRole("group", { name: "Claims that must all agree" });
  await claims.getByText(/This issuer serves everyone: name one of project_id/).waitFor();
  await page.getByLabel("Issuer").fill("ftp://gitlab.example.com");
  await page.getByRole("button", { name: "Make the trust policy" }).click();
  await expect.poll(() => errorAt(page, "Issuer")).not.toBe("");
  expect(await policies()).toHaveLength(0);
}, 60_000);

it("is read, but not changed, by who is no owner; on a phone nothing moves while it loads", async () => {
  const made = await desk.api.admin("POST", "/api/v1/trust-policies", {
    name: "Sync",
    issuer: "https://gitlab.example.com",
    audience: "relaykey",
    claims: { project_id: "12", ref_protected: "true" },
    constraints: { connections: ["conn_demo"], allowed_methods: ["GET"], allowed_paths: ["/*"], max_ttl_seconds: 300 },
  });
  expect(made.status, made.text).toBe(201);
  const key = await desk.api.admin("POST", "/api/v1/management-keys", { name: "Auditors", role: "auditor" });
  const { page, context } = await desk.signedIn({
    key: text(member(key.body, "key")),
    scheme: "dark",
    width: 390,
    height: 800,
  });
  await page.goto("/trust-policies");
  await page.getByRole("link", { name: "Sync" }).waitFor();
  expect(await page.getByRole("link", { name: "New trust policy" }).count()).toBe(0);
  await page.addInitScript(`
    globalThis.shifted = 0;
    new PerformanceObserver((list) => list.getEntries().forEach((each) => (globalThis.shifted += each.value)))
      .observe({ type: "layout-shift", buffered: true });
  `);
  await page.goto(`/trust-policies/${text(member(made.body, "id"))}`);
  await settled(page);
  await page.locator(".findings").waitFor();
  await page.getByLabel("GitLab CI snippet", { exact: true }).waitFor();
  expect(await page.getByLabel("Name", { exact: true }).isDisabled()).toBe(true);
  for (const name of ["Save", "Pause", "Delete"]) expect(await page.getByRole("button", { name }).count()).toBe(0);
  expect(axeText(await axe(page))).toBe("");
  expect(await page.evaluate("document.documentElement.scrollWidth > window.innerWidth")).toBe(false);
  const shifted = Number(await page.evaluate("globalThis.shifted"));
  expect(shifted).toBeLessThan(MAX_SHIFT);
  await page.goto("/trust-policies/new");
  await page.getByRole("heading", { level: 1, name: "Not found" }).waitFor();
  expect(await page.getByRole("button", { name: "Make the trust policy" }).count()).toBe(0);
  await context.close();
}, 60_000);
