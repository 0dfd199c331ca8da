/** What the catalogue says survives the admin API's wire forms unchanged. */
import { expect, test } from "vitest";
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
import { DEFAULT_RELIABILITY } from "../domain/reliability.ts";
import { everyConnection } from "./catalogue.fixture.ts";
import { listVendors, vendorById } from "./catalogue.ts";

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
    const policy = { ...DEFAULT_RELIABILITY, refusedSigns: [], idempotencyPaths: [], ...vendor.reliability };
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
        reliability: { refusedSigns: [], idempotencyPaths: [], ...known.reliability },
      };
      const wire = { base_url: baseUrl, auth, ...fromConnectionSettings(settings) };
      const parsed = ConnectionPatch.safeParse(JSON.parse(JSON.stringify(wire)));
      expect(parsed.error?.issues ?? [], vendor.id).toEqual([]);
      if (parsed.success) expect(toConnectionSettings(parsed.data, DEFAULT_CONNECTION_SETTINGS)).toEqual(settings);
      if (parsed.success) expect(parsed.data.auth).toMatchObject(auth);
    }
  }
});
