import { preset, readTest, sensitive, VENDOR_DEFAULTS, type Vendor } from "../vendor.ts";

/** Survicate: survey data. */
export const survicate: Vendor = {
  ...VENDOR_DEFAULTS,
  id: "survicate",
  name: "Survicate",
  category: "surveys",
  summary: "Export of surveys and answers. The header says Basic but carries the bare key.",
  baseUrl: "https://data-api.survicate.com/v2",
  auth: [
    {
      id: "raw_basic",
      label: "API key",
      scheme: { scheme: "basic", secret_in: "username", fixed: "", raw: true },
      secretLabel: "API key, as the vendor shows it",
    },
  ],
  collapseBasePath: true,
  urlMembers: ["pagination_data.next_url"],
  reliability: {
    retryStatuses: [429, 500, 502, 503, 504],
    limitSigns: [{ statuses: [429], header: null, bodyIncludes: null }],
  },
  limitsNote: "Five requests at a time and 1000 a minute for the workspace.",
  pagination: "next_url in the body.",
  test: readTest("/v2/surveys?items_per_page=1", "it lists the surveys"),
  presets: [
    preset("Read surveys", "Surveys and their questions.", [
      "GET /v2/surveys",
      "GET /v2/surveys/:id",
      "GET /v2/surveys/:id/questions",
    ]),
    preset("Read responses", "Answers to surveys.", [
      "GET /v2/surveys/:id/responses",
      "GET /v2/surveys/:id/responses/:response",
    ]),
    preset("Read respondents", "Who answered.", ["GET /v2/respondents/**"]),
  ],
  sensitive: [
    ...sensitive("deletion", "Erases all data of a person for good.", "DELETE /v2/personal-data"),
    ...sensitive(
      "pii_bulk_export",
      "What named people answered.",
      "GET /v2/personal-data",
      "GET /v2/respondents/**",
      "GET /v2/surveys/:id/responses",
    ),
  ],
  notes: ["Version 1 was announced to end in September 2026."],
  unverified: [
    "Whether next_url is a whole URL or a path",
    "Whether a 429 names the seconds to wait",
    "Writing endpoints other than personal data",
  ],
};
