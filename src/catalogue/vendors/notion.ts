import { preset, readTest, sensitive, VENDOR_DEFAULTS, type Vendor } from "../vendor.ts";

/** Notion: pages, databases, data sources. */
export const notion: Vendor = {
  ...VENDOR_DEFAULTS,
  id: "notion",
  name: "Notion",
  category: "knowledge-base",
  summary: "Pages, databases and data sources. Every call names a version.",
  baseUrl: "https://api.notion.com",
  auth: [{ id: "bearer", label: "Integration token", scheme: { scheme: "bearer" }, secretLabel: "Integration token" }],
  defaultHeaders: { "notion-version": "2025-09-03" },
  urlMembers: ["upload_url"],
  reliability: {
    retryStatuses: [429, 500, 502, 503, 504, 529],
    limitSigns: [{ statuses: [429, 529], header: null, bodyIncludes: null }],
  },
  limitsNote: "Three requests a second on average for an integration.",
  pagination: "Cursors (start_cursor, page_size).",
  test: readTest("/v1/users/me", "it names its own bot"),
  presets: [
    preset("Read pages and databases", "Read and search; querying is a POST.", [
      "GET /v1/pages/:id",
      "GET /v1/blocks/:id",
      "GET /v1/blocks/:id/children",
      "GET /v1/databases/:id",
      "GET /v1/data_sources/:id",
      "POST /v1/data_sources/:id/query",
      "POST /v1/databases/:id/query",
      "POST /v1/search",
    ]),
    preset("Write pages", "Add pages and change them, which includes moving them to the trash.", [
      "POST /v1/pages",
      "PATCH /v1/pages/:id",
      "PATCH /v1/blocks/:id/children",
    ]),
    preset(
      "Write pages, trash none",
      "Add pages and change them; a body that would trash one is refused.",
      ["POST /v1/pages", "PATCH /v1/pages/:id", "PATCH /v1/blocks/:id/children"],
      {
        body: [
          { member: "in_trash", effect: "deny", values: [] },
          { member: "archived", effect: "deny", values: [] },
        ],
      },
    ),
    preset("Comments", "Read and write comments.", ["GET|POST /v1/comments"]),
  ],
  sensitive: [
    ...sensitive("credential_minting", "Exchanges or revokes tokens.", "POST /v1/oauth/**"),
    ...sensitive(
      "deletion",
      "Moves content to the trash or drops properties, by DELETE or by PATCH.",
      "DELETE /v1/blocks/:id",
      "PATCH /v1/pages/:id",
      "PATCH /v1/data_sources/:id",
    ),
    ...sensitive("access_control", "Moves content to where others see it.", "POST /v1/pages/:id/move"),
    ...sensitive(
      "pii_bulk_export",
      "Members with their addresses, or everything shared with the integration.",
      "GET /v1/users",
      "POST /v1/search",
    ),
    ...sensitive("secret_access", "Holds credentials of agents.", "GET|POST /v1/external_agent_stub/:agent/vaults/**"),
    ...sensitive("spend", "Uses up AI credits.", "POST /v1/agents/:agent/chat"),
  ],
  sdk: {
    package: "@notionhq/client",
    version: "5.26.0",
    lines: [
      'import { Client } from "@notionhq/client";',
      'const notion = new Client({ auth: "{token}", baseUrl: "{proxy}" });',
    ],
    keepsBasePath: true,
    keyOnWire: "Authorization: Bearer",
    caveats: ["It repeats by the code in the vendor's own error body, so it does not repeat a refusal by RelayKey."],
  },
  notes: ["Notion-Version is the client's; a default is added only when there is none."],
  unverified: ["How long signed file addresses live", "The host of upload_url", "The agents' endpoints"],
};
