import { describe, expect, test } from "vitest";
import { authHeaderNames, authQueryNames, needsBody } from "../domain/auth-apply.ts";
import { requiredParts } from "../domain/auth-secret.ts";
import { parsePattern } from "../domain/pattern.ts";
import { everyConnection, VALUES } from "./catalogue.fixture.ts";
import { listVendors, vendorById } from "./catalogue.ts";
import { fillPreset, testCallFor } from "./choices.ts";
import type { Vendor } from "./vendor.ts";

const REQUIRED = [
  "absorb-lms",
  "airtable",
  "anthropic",
  "any",
  "cloudflare",
  "elevenlabs",
  "fly-io",
  "github",
  "greenhouse",
  "hibob",
  "hubspot",
  "linear",
  "medflyt",
  "notion",
  "openai",
  "purelyhr",
  "ramp",
  "resend",
  "salesforce",
  "sendgrid",
  "shopify",
  "slack",
  "stripe",
  "sumsub",
  "survicate",
  "talkdesk",
  "twilio",
];
const CATEGORIES = [
  "access_control",
  "code_execution",
  "config_takeover",
  "credential_minting",
  "deletion",
  "money_movement",
  "outbound_messaging",
  "pii_bulk_export",
  "secret_access",
  "spend",
];
const HEADER = /^[a-z0-9-]+$/;

/** Templates whose values become part of an address that is called. */
function everyAddress(vendor: Vendor): string {
  const tokenUrls = vendor.auth.map(({ scheme }) =>
    scheme.scheme === "oauth2_client_credentials" ? scheme.token_url : "",
  );
  return [vendor.baseUrl, ...vendor.regions.map((region) => region.baseUrl), ...tokenUrls, vendor.test?.path].join(
    "\n",
  );
}

test("holds every vendor that was promised, once, with 'any' last", () => {
  const ids = listVendors().map((vendor) => vendor.id);
  expect([...ids].sort()).toEqual([...REQUIRED].sort());
  expect(ids.at(-1)).toBe("any");
  expect(vendorById("stripe")?.name).toBe("Stripe");
  expect(vendorById("constructor")).toBeNull();
});

describe.each(listVendors().map((vendor) => [vendor.id, vendor] as const))("%s", (_id, vendor) => {
  test("makes a connection in every region with every scheme, to a public https origin", () => {
    for (const { made, option } of everyConnection(vendor)) {
      expect(made.ok, JSON.stringify(made)).toBe(true);
      if (!made.ok) continue;
      const { value } = made;
      for (const address of [value.baseUrl, ...value.origins.map((origin) => origin.baseUrl)]) {
        const url = new URL(address);
        expect(url.protocol).toBe("https:");
        expect(url.href.replace(/\/$/, "")).toBe(address);
        expect(url.hostname).toMatch(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/);
        expect(url.search + url.hash + url.username + url.port).toBe("");
      }
      if (value.auth.scheme === "oauth2_client_credentials") {
        expect(new URL(value.auth.token_url).protocol).toBe("https:");
      }
      const placeholders = JSON.stringify(value).match(/\{[A-Za-z_]+\}/g) ?? [];
      const parts = [...requiredParts(option.scheme), "token"].map((name) => `{${name}}`);
      expect(placeholders.filter((placeholder) => !parts.includes(placeholder))).toEqual([]);
    }
  });

  test("routes what its own base paths need, and its headers are lower case", () => {
    for (const { made } of everyConnection(vendor)) {
      if (made.ok) expect(made.value.collapseBasePath || new URL(made.value.baseUrl).pathname === "/").toBe(true);
    }
    for (const name of [
      ...vendor.accountHeaders,
      ...vendor.tokenHeaders,
      ...Object.keys(vendor.defaultHeaders),
      ...Object.keys(vendor.headers),
    ]) {
      expect(name).toMatch(HEADER);
    }
    for (const { remaining, reset } of vendor.reliability.quotaHeaders ?? []) {
      expect(remaining).toMatch(HEADER);
      expect(reset).toMatch(HEADER);
    }
    for (const path of vendor.reliability.idempotencyPaths ?? []) expect(parsePattern(path).ok, path).toBe(true);
    const origins = vendor.origins.map((origin) => origin.name);
    expect(new Set(origins).size).toBe(origins.length);
    for (const name of origins) expect(name).toMatch(/^[a-z][a-z0-9-]{0,30}$/);
  });

  test("recognises its own token places", () => {
    for (const { scheme } of vendor.auth) {
      const headers = authHeaderNames(scheme).filter((name) => name !== "authorization" && !name.startsWith("{"));
      const places = needsBody(scheme) ? headers.slice(0, 1) : headers;
      for (const name of places) expect(vendor.tokenHeaders).toContain(name);
      for (const name of authQueryNames(scheme)) {
        if (!name.startsWith("{")) expect(vendor.tokenQueryParams).toContain(name);
      }
    }
  });

  test("has presets and sensitive endpoints that parse", () => {
    expect(vendor.presets.length).toBeGreaterThan(0);
    expect(vendor.sensitive.length).toBeGreaterThan(0);
    expect(new Set(vendor.presets.map((preset) => preset.id)).size).toBe(vendor.presets.length);
    for (const preset of vendor.presets) {
      expect(preset.rules.length).toBeGreaterThan(0);
      const filled = fillPreset(preset, Object.fromEntries(preset.variables.map((name) => [name, "value"])));
      if (!filled.ok) throw new Error(filled.error.message);
      for (const rule of filled.value) {
        expectRule(rule);
        expect(rule.paths.join()).not.toMatch(/[{}]/);
      }
    }
    for (const endpoint of vendor.sensitive) {
      expectRule(endpoint);
      expect(endpoint.paths.join()).not.toMatch(/[{}]/);
      expect(CATEGORIES).toContain(endpoint.category);
      expect(endpoint.why).toMatch(/^[A-Z].*[.]$/);
    }
  });

  test("names operations, URL members and what is unverified properly", () => {
    for (const operation of vendor.operations) {
      expect(operation.template).toMatch(/^\/[\w/.:-]*$/);
      expect(operation.method).toMatch(/^[A-Z]+$/);
    }
    for (const member of vendor.urlMembers) expect(member).toMatch(/^[\w*]+(\.[\w*]+)*$/);
    for (const variable of vendor.variables) {
      expect(variable.pattern.startsWith("^") && variable.pattern.endsWith("$")).toBe(true);
      expect(new RegExp(variable.pattern).test(VALUES[variable.name] ?? "")).toBe(true);
      const inAddress = everyAddress(vendor).includes(`{${variable.name}}`);
      for (const evil of inAddress ? ["evil.test/", "a@b.test:80/x", "a?b", "a#b", "..", "x\ny", ""] : ["x\ny", ""]) {
        expect(new RegExp(variable.pattern).test(evil), `${variable.name} ${evil}`).toBe(false);
      }
    }
    expect(vendor.unverified.every((line) => line.length > 3)).toBe(true);
  });

  test("has a test call inside its base path, or asks for a path", () => {
    if (vendor.test === null) return;
    const first = everyConnection(vendor)[0]?.made;
    if (first === undefined || !first.ok) throw new Error("no connection");
    const call = testCallFor(vendor, first.value.auth, VALUES, 0);
    if (!call.ok) throw new Error(call.error.message);
    const base = new URL(first.value.baseUrl).pathname.replace(/\/$/, "");
    expect(call.value.path.startsWith(`${base}/`)).toBe(true);
    expect(call.value.path).not.toMatch(/[{}]/);
  });
});

function expectRule(rule: { methods: readonly string[]; paths: readonly string[] }): void {
  expect(rule.methods.length).toBeGreaterThan(0);
  for (const method of rule.methods) expect(["GET", "POST", "PUT", "PATCH", "DELETE"]).toContain(method);
  for (const path of rule.paths) expect(parsePattern(path), path).toMatchObject({ ok: true });
}
