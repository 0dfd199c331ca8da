import { describe, expect, test } from "vitest";
import * as z from "zod";
import {
  ConnectionPatch,
  DEFAULT_CONNECTION_SETTINGS,
  fromConnectionSettings,
  toConnectionSettings,
} from "../contract/connection.ts";
import { fromReliability, ReliabilityWire, toReliability } from "../contract/reliability.ts";
import { SCOPE_MEMBERS, toScope } from "../contract/scope.ts";
import { vendorView } from "../contract/vendor.ts";
import { authHeaderNames, authQueryNames, needsBody } from "../domain/auth-apply.ts";
import { requiredParts } from "../domain/auth-secret.ts";
import { parsePattern } from "../domain/pattern.ts";
import { DEFAULT_RELIABILITY } from "../domain/reliability.ts";
import { connectionDefaults, fillPreset, listVendors, testCallFor, vendorById } from "./catalogue.ts";
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
const VALUES: Record<string, string> = {
  hostname: "github.example.com",
  subdomain: "octocorp",
  shop: "my-store",
  mydomain: "acme",
  account: "acme",
  client_id: "abc123",
  user_id: "42",
  scope: "users:read contacts:read",
  service_user: "SERVICE-1",
  sid: `AC${"0".repeat(32)}`,
  email: "ops@example.com",
  header_name: "X-Api-Key",
  parameter: "api_key",
  username: "api",
  app: "my-app",
};
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

/** Every combination of region and way to authenticate. */
function everyConnection(vendor: Vendor) {
  const regions = vendor.regions.length === 0 ? [undefined] : vendor.regions.map((region) => region.id);
  return regions.flatMap((region) =>
    vendor.auth.map((option) => ({
      option,
      made: connectionDefaults(
        vendor,
        { auth: option.id, variables: VALUES, ...(region === undefined ? {} : { region }) },
        vendor.baseUrl === null ? "https://api.example.com" : null,
      ),
    })),
  );
}

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

describe("choices", () => {
  const shopify = vendorById("shopify");
  const twilio = vendorById("twilio");
  if (shopify === null || twilio === null) throw new Error("missing");

  test("a templated host takes nothing but a name", () => {
    for (const shop of ["evil.test/", "a.b", "-x", "x/../y", "X", "a@b", "", "a".repeat(64)]) {
      expect(connectionDefaults(shopify, { variables: { shop } })).toMatchObject({
        ok: false,
        error: { field: "variables.shop" },
      });
    }
    expect(connectionDefaults(shopify, { variables: { shop: "my-store" } })).toMatchObject({
      value: { baseUrl: "https://my-store.myshopify.com" },
    });
  });

  test("another host than the vendor's own gets none of its origins", () => {
    const stripe = vendorById("stripe");
    if (stripe === null) throw new Error("missing");
    for (const [base, count] of [
      [null, 3],
      ["https://api.stripe.com", 3],
      ["http://127.0.0.1:9999", 0],
      ["https://api.stripe.com.evil.test", 0],
    ] as const) {
      const made = connectionDefaults(stripe, {}, base);
      expect(made.ok && made.value.origins.length, String(base)).toBe(count);
    }
  });

  test("an unknown region, way or a missing value is named", () => {
    expect(connectionDefaults(twilio, { region: "mars" })).toMatchObject({ error: { field: "region" } });
    expect(connectionDefaults(shopify, { region: "eu" })).toMatchObject({ error: { field: "region" } });
    expect(connectionDefaults(twilio, { auth: "magic" })).toMatchObject({ error: { field: "auth_option" } });
    expect(connectionDefaults(twilio, {})).toMatchObject({ error: { field: "variables.sid" } });
  });

  test("regions carry their own values into the token address", () => {
    const talkdesk = vendorById("talkdesk");
    if (talkdesk === null) throw new Error("missing");
    const made = connectionDefaults(talkdesk, { region: "ca", variables: VALUES });
    expect(made).toMatchObject({ value: { auth: { token_url: "https://acme.talkdeskidca.com/oauth/token" } } });
  });

  test("an unfilled preset is refused and a value cannot widen its pattern", () => {
    const preset = vendorById("github")?.presets[0];
    if (preset === undefined) throw new Error("missing");
    expect(preset.variables).toEqual(["owner", "repo"]);
    expect(fillPreset(preset, { owner: "acme" })).toMatchObject({ error: { field: "variables.repo" } });
    for (const repo of ["*", "**", "a/b", ":any", "..", "a*", ""]) {
      expect(fillPreset(preset, { owner: "acme", repo }).ok).toBe(false);
    }
    expect(fillPreset(preset, { owner: "acme", repo: "site" })).toMatchObject({
      value: [{ methods: ["GET"], paths: ["/repos/acme/site/**"] }],
    });
  });

  test("a test call takes its values from the connection, and says what it lacks", () => {
    const sid = VALUES["sid"] ?? "";
    expect(testCallFor(twilio, { scheme: "basic", secret_in: "password", fixed: sid }, {}, 0)).toMatchObject({
      value: { path: `/2010-04-01/Accounts/${sid}.json` },
    });
    const fly = vendorById("fly-io");
    const medflyt = vendorById("medflyt");
    if (fly === null || medflyt === null) throw new Error("missing");
    expect(testCallFor(fly, { scheme: "bearer" }, {}, 0)).toMatchObject({ error: { field: "variables.app" } });
    expect(testCallFor(fly, { scheme: "bearer" }, { app: "../x" }, 0)).toMatchObject({ ok: false });
    expect(testCallFor(medflyt, { scheme: "bearer" }, {}, 0)).toMatchObject({ error: { field: "path" } });
  });
});

function filledRules(preset: { readonly rules: readonly { methods: readonly string[]; paths: readonly string[] }[] }) {
  return preset.rules.map(({ methods, paths }) => ({
    methods: [...methods],
    paths: paths.map((path) => path.replaceAll(/\{[a-z_]+\}/g, "value")),
  }));
}

test("what a preset allows on the wire is no more than the entry says", () => {
  for (const vendor of listVendors()) {
    for (const [index, preset] of vendorView(vendor).presets.entries()) {
      const entry = vendor.presets[index];
      const rules = filledRules(preset);
      const members = { rules, ...preset.scope };
      const parsed = z.strictObject(SCOPE_MEMBERS).safeParse(members);
      expect(parsed.success, `${vendor.id} ${preset.id}`).toBe(true);
      if (parsed.success) expect(toScope(parsed.data)).toEqual({ rules, ...entry?.scope });
    }
  }
  const linear = vendorById("linear")?.presets.find(({ id }) => id === "queries-only");
  expect(linear?.scope?.graphql?.operations).toEqual(["query"]);
});

test("a vendor's reliability survives the wire as it stands", () => {
  for (const vendor of listVendors()) {
    const policy = { ...DEFAULT_RELIABILITY, refusedSigns: [], ...vendor.reliability };
    const parsed = ReliabilityWire.safeParse(fromReliability(policy));
    expect(parsed.success, vendor.id).toBe(true);
    if (parsed.success) expect(toReliability(parsed.data, DEFAULT_RELIABILITY)).toEqual(policy);
  }
});

test("what the catalogue fills in is what the API takes", () => {
  for (const vendor of listVendors()) {
    for (const { made } of everyConnection(vendor)) {
      if (!made.ok) throw new Error(made.error.message);
      const { vendor: _vendor, baseUrl, auth, ...known } = made.value;
      const settings = {
        ...DEFAULT_CONNECTION_SETTINGS,
        ...known,
        reliability: { ...known.reliability, refusedSigns: known.reliability.refusedSigns ?? [] },
      };
      const wire = { base_url: baseUrl, auth, ...fromConnectionSettings(settings) };
      const parsed = ConnectionPatch.safeParse(JSON.parse(JSON.stringify(wire)));
      expect(parsed.error?.issues ?? [], vendor.id).toEqual([]);
      if (parsed.success) expect(toConnectionSettings(parsed.data, DEFAULT_CONNECTION_SETTINGS)).toEqual(settings);
      if (parsed.success) expect(parsed.data.auth).toMatchObject(auth);
    }
  }
});
