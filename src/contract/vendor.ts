/** Catalogue entries on the wire: what a person needs to make a connection and to choose a scope. */
import * as z from "zod";
import type { ScopePreset, Vendor } from "../catalogue/vendor.ts";

const RuleView = z.strictObject({ methods: z.array(z.string()), paths: z.array(z.string()) });

export const VendorView = z
  .strictObject({
    id: z.string(),
    name: z.string(),
    category: z.string(),
    summary: z.string(),
    base_url: z.string().nullable(),
    regions: z.array(z.strictObject({ id: z.string(), label: z.string(), base_url: z.string() })),
    variables: z.array(
      z.strictObject({ name: z.string(), label: z.string(), pattern: z.string(), example: z.string() }),
    ),
    auth: z.array(
      z.strictObject({
        id: z.string(),
        label: z.string(),
        /** As in a connection; strings may be templates (`{header}`) for the variables. */
        scheme: z.record(z.string(), z.unknown()),
        secret_label: z.string(),
        hint: z.string().nullable(),
      }),
    ),
    presets: z.array(
      z.strictObject({
        id: z.string(),
        name: z.string(),
        description: z.string(),
        rules: z.array(RuleView),
        variables: z.array(z.string()),
        /** Further members of the scope, without which the rules would allow more than the preset says. */
        scope: z.strictObject({
          body_rules: z.array(z.record(z.string(), z.unknown())).optional(),
          graphql: z.record(z.string(), z.unknown()).optional(),
        }),
      }),
    ),
    sensitive: z.array(z.strictObject({ ...RuleView.shape, category: z.string(), why: z.string() })),
    limits_note: z.string(),
    pagination: z.string(),
    sdk: z
      .strictObject({
        package: z.string(),
        version: z.string(),
        lines: z.array(z.string()),
        keeps_base_path: z.boolean(),
        caveats: z.array(z.string()),
      })
      .nullable(),
    notes: z.array(z.string()),
    unverified: z.array(z.string()),
  })
  .meta({ id: "Vendor" });
export type VendorView = z.infer<typeof VendorView>;

export function vendorView(vendor: Vendor): VendorView {
  return {
    id: vendor.id,
    name: vendor.name,
    category: vendor.category,
    summary: vendor.summary,
    base_url: vendor.baseUrl,
    regions: vendor.regions.map((region) => ({ id: region.id, label: region.label, base_url: region.baseUrl })),
    variables: vendor.variables.map(({ name, label, pattern, example }) => ({ name, label, pattern, example })),
    auth: vendor.auth.map((option) => ({
      id: option.id,
      label: option.label,
      scheme: { ...option.scheme },
      secret_label: option.secretLabel,
      hint: option.hint ?? null,
    })),
    presets: vendor.presets.map((preset) => ({
      id: preset.id,
      name: preset.name,
      description: preset.description,
      rules: preset.rules.map(ruleView),
      variables: [...preset.variables],
      scope: presetScope(preset),
    })),
    sensitive: vendor.sensitive.map((each) => ({ ...ruleView(each), category: each.category, why: each.why })),
    limits_note: vendor.limitsNote,
    pagination: vendor.pagination,
    sdk: vendor.sdk && {
      package: vendor.sdk.package,
      version: vendor.sdk.version,
      lines: [...vendor.sdk.lines],
      keeps_base_path: vendor.sdk.keepsBasePath,
      caveats: [...vendor.sdk.caveats],
    },
    notes: [...vendor.notes],
    unverified: [...vendor.unverified],
  };
}

/** In the form that issuing a credential takes. */
function presetScope({ scope }: ScopePreset) {
  return {
    ...(scope?.body === undefined ? {} : { body_rules: scope.body.map((rule) => ({ ...rule })) }),
    ...(scope?.graphql === undefined || scope.graphql === null ? {} : { graphql: { ...scope.graphql } }),
  };
}

function ruleView(rule: { readonly methods: readonly string[]; readonly paths: readonly string[] }) {
  return { methods: [...rule.methods], paths: [...rule.paths] };
}
