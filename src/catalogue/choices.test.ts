import { describe, expect, test } from "vitest";
import { VALUES } from "./catalogue.fixture.ts";
import { listVendors, vendorById } from "./catalogue.ts";
import { COMMON_URL_MEMBERS } from "../domain/rewrite.ts";
import { connectionDefaults, fillPreset, testCallFor, vendorSettings } from "./choices.ts";

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

  test("every vendor's answers point back at the proxy where they go on", () => {
    for (const vendor of listVendors()) {
      const made = vendorSettings(vendor, null).urlMembers;
      expect(made, vendor.id).toEqual(expect.arrayContaining([...COMMON_URL_MEMBERS, ...vendor.urlMembers]));
      expect(new Set(made).size, vendor.id).toBe(made.length);
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
