import { preset, readTest, sensitive, VENDOR_DEFAULTS, type Vendor } from "../vendor.ts";

/** Airtable: records in bases. */
export const airtable: Vendor = {
  ...VENDOR_DEFAULTS,
  id: "airtable",
  name: "Airtable",
  category: "database",
  summary: "Records in bases, with a hard limit of five requests a second for each base.",
  baseUrl: "https://api.airtable.com",
  auth: [{ id: "bearer", label: "Personal access token", scheme: { scheme: "bearer" }, secretLabel: "Token" }],
  origins: [{ name: "content", baseUrl: "https://content.airtable.com", pathPrefixes: [] }],
  reliability: {
    // A call during the penalty of thirty seconds gains nothing, so the vendor's 429 is not repeated here.
    retryStatuses: [500, 502, 503],
    limitSigns: [{ statuses: [429], header: null, bodyIncludes: null, waitSeconds: 30 }],
  },
  limitsNote: "Five requests a second for each base and 50 for each user; going over costs thirty seconds.",
  pagination: "An offset token in the body.",
  test: readTest("/v0/meta/whoami", "it names its owner"),
  presets: [
    preset("Read one base", "Tables and records of the base that you name.", [
      "GET /v0/{base_id}/:table",
      "GET /v0/{base_id}/:table/:record",
      "POST /v0/{base_id}/:table/listRecords",
    ]),
    preset("Write one table", "Read, add and change records of one table; delete none.", [
      "GET|POST|PATCH /v0/{base_id}/{table}",
      "GET|PATCH /v0/{base_id}/{table}/:record",
    ]),
    preset("Read schema", "Which bases and tables there are.", [
      "GET /v0/meta/bases",
      "GET /v0/meta/bases/:base/tables",
    ]),
  ],
  sensitive: [
    ...sensitive(
      "deletion",
      "Deletes records, several in one call.",
      "DELETE /v0/:base/:table",
      "DELETE /v0/:base/:table/:record",
    ),
    ...sensitive(
      "config_takeover",
      "Makes bases, changes their structure, or streams changes out.",
      "POST /v0/meta/bases",
      "POST|PATCH /v0/meta/bases/:base/tables/**",
      "POST|DELETE /v0/bases/:base/webhooks/**",
    ),
    ...sensitive(
      "access_control",
      "Shares bases and workspaces with others.",
      "POST|PATCH|DELETE /v0/meta/bases/:base/collaborators/**",
      "POST|PATCH|DELETE /v0/meta/workspaces/**",
      "GET|POST|DELETE /v0/meta/enterpriseAccounts/**",
    ),
    ...sensitive("pii_bulk_export", "Reads whole tables.", "GET /v0/:base/:table"),
  ],
  operations: [
    { method: "GET", template: "/v0/meta/whoami", name: "whoami" },
    { method: "GET", template: "/v0/meta/bases", name: "listBases" },
    { method: "GET", template: "/v0/:baseId/:table", name: "listRecords" },
    { method: "POST", template: "/v0/:baseId/:table", name: "createRecords" },
    { method: "GET", template: "/v0/:baseId/:table/:recordId", name: "getRecord" },
    { method: "PATCH", template: "/v0/:baseId/:table/:recordId", name: "updateRecord" },
  ],
  sdk: {
    package: "airtable",
    version: "0.12.2",
    lines: [
      'import Airtable from "airtable";',
      'const airtable = new Airtable({ apiKey: "{token}", endpointUrl: "{proxy}" });',
    ],
    keepsBasePath: true,
    keyOnWire: "Authorization: Bearer",
    caveats: [
      "It repeats every 429 without end and ignores Retry-After: prefer short rate limits to budgets for its users.",
    ],
  },
  unverified: ["The upload host and how long attachments live", "The paths of enterprise accounts and collaborators"],
};
