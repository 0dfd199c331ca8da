import { preset, readTest, sensitive, VENDOR_DEFAULTS, type Vendor } from "../vendor.ts";

/** Talkdesk: contact centre. */
export const talkdesk: Vendor = {
  ...VENDOR_DEFAULTS,
  id: "talkdesk",
  name: "Talkdesk",
  category: "contact-center",
  summary: "Cloud contact centre. Client credentials at the account's own host give tokens for ten minutes.",
  baseUrl: "https://api.talkdeskapp.com",
  regions: [
    {
      id: "us",
      label: "United States",
      baseUrl: "https://api.talkdeskapp.com",
      values: { token_domain: "talkdeskid.com" },
    },
    { id: "eu", label: "Europe", baseUrl: "https://api.talkdeskapp.eu", values: { token_domain: "talkdeskid.eu" } },
    {
      id: "ca",
      label: "Canada",
      baseUrl: "https://api.talkdeskappca.com",
      values: { token_domain: "talkdeskidca.com" },
    },
  ],
  variables: [
    { name: "account", label: "Account name", pattern: "^[a-z0-9][a-z0-9-]{0,62}$", example: "acme" },
    { name: "client_id", label: "Client ID", pattern: "^[A-Za-z0-9_.-]{1,200}$", example: "abc123" },
    {
      name: "scope",
      label: "Scopes, with spaces between",
      pattern: "^[a-z_-]{1,60}:[a-z_-]{1,60}( [a-z_-]{1,60}:[a-z_-]{1,60}){0,60}$",
      example: "users:read account:read",
    },
  ],
  auth: [
    {
      id: "oauth",
      label: "Client credentials",
      scheme: {
        scheme: "oauth2_client_credentials",
        token_url: "https://{account}.{token_domain}/oauth/token",
        client_id: "{client_id}",
        scope: "{scope}",
        audience: null,
        client_auth: "basic",
        token_ttl_seconds: 600,
      },
      secretLabel: "Client secret",
    },
  ],
  urlMembers: ["_links.*.href", "_embedded.*.*._links.*.href"],
  reliability: {
    retryStatuses: [429, 500, 502, 503, 504],
    limitSigns: [{ statuses: [429], header: null, bodyIncludes: null }],
  },
  limitsNote: "No public numbers.",
  pagination: "HAL: links in _links, which point at the proxy when they come back.",
  test: readTest("/users?per_page=1", "the login succeeds and it lists the users", {
    realWith: [{ statuses: [403], bodyIncludes: null, hint: "The token lacks the scope users:read." }],
  }),
  presets: [
    preset("Read users", "Agents, read only.", ["GET /users", "GET /users/:id"]),
    preset("Reports", "Start reports and fetch them.", ["GET|POST /data/reports/**"]),
    preset("Read contacts", "Contacts, read only.", ["GET /contacts/**"]),
    preset("Request a callback", "Ask for a callback and nothing else.", ["POST /calls/callback"]),
  ],
  sensitive: [
    ...sensitive(
      "pii_bulk_export",
      "Recordings of calls, or the list of staff.",
      "GET /**/recordings/**",
      "GET /users",
    ),
    ...sensitive(
      "access_control",
      "Changes agents and their roles, one by one or in bulk.",
      "POST|PUT|PATCH /users/**",
      "POST /bulk-imports/**",
    ),
    ...sensitive("deletion", "Deletes records in bulk.", "DELETE /record-lists/:list/records/bulks"),
    ...sensitive(
      "config_takeover",
      "Changes installed apps, or lets diallers call people who opted out.",
      "POST|PUT|DELETE /do-not-call-lists/**",
      "POST|DELETE /apps/**",
    ),
    ...sensitive(
      "outbound_messaging",
      "Calls or writes to people.",
      "POST /calls/callback",
      "POST /flows/:flow/interactions",
      "POST|PUT /campaigns/**",
    ),
    ...sensitive("credential_minting", "Hands out the vendor's token.", "POST /oauth/token"),
  ],
  notes: ["New scopes take some minutes to work and answer 401 until then."],
  unverified: [
    "Limits and whether a 429 names the seconds to wait",
    "The paths of recordings, campaigns and reports",
    "Whether links name the host of the region",
    "Whether there is an idempotency header",
  ],
};
