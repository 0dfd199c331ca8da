import { preset, readTest, sensitive, VENDOR_DEFAULTS, type Vendor } from "../vendor.ts";

/** Ramp: corporate cards, bills, reimbursements. */
export const ramp: Vendor = {
  ...VENDOR_DEFAULTS,
  id: "ramp",
  name: "Ramp",
  category: "finance",
  summary: "Cards, bills and reimbursements. An app logs in with client credentials and asks for scopes.",
  baseUrl: "https://api.ramp.com/developer/v1",
  regions: [
    {
      id: "production",
      label: "Production",
      baseUrl: "https://api.ramp.com/developer/v1",
      values: { api_host: "api.ramp.com" },
    },
    {
      id: "sandbox",
      label: "Sandbox",
      baseUrl: "https://demo-api.ramp.com/developer/v1",
      values: { api_host: "demo-api.ramp.com" },
    },
  ],
  variables: [
    { name: "client_id", label: "Client ID", pattern: "^[A-Za-z0-9_.-]{1,200}$", example: "ramp_id_abc" },
    {
      name: "scope",
      label: "Scopes, with spaces between",
      pattern: "^[a-z_]{1,60}:[a-z_]{1,60}( [a-z_]{1,60}:[a-z_]{1,60}){0,60}$",
      example: "transactions:read receipts:read business:read",
    },
  ],
  auth: [
    {
      id: "oauth",
      label: "Client credentials",
      scheme: {
        scheme: "oauth2_client_credentials",
        token_url: "https://{api_host}/developer/v1/token",
        client_id: "{client_id}",
        scope: "{scope}",
        audience: null,
        client_auth: "basic",
        token_ttl_seconds: 86_400,
      },
      secretLabel: "Client secret",
      hint: "Ask for the narrowest scopes: nothing that the token lacks can be misused.",
    },
  ],
  collapseBasePath: true,
  urlMembers: ["page.next"],
  reliability: {
    retryStatuses: [500, 502, 503, 504],
    limitSigns: [{ statuses: [429], header: null, bodyIncludes: null, waitSeconds: 60 }],
  },
  limitsNote: "200 requests in a rolling ten seconds. Once blocked, every further call starts the minute's wait anew.",
  pagination: "page.next is a whole URL, which points at the proxy when it comes back.",
  test: readTest("/developer/v1/business", "the login succeeds and it reads the business", {
    realWith: [{ statuses: [403], bodyIncludes: null, hint: "The token lacks the scope business:read." }],
  }),
  presets: [
    preset("Read transactions", "Transactions and receipts, read only.", [
      "GET /developer/v1/transactions",
      "GET /developer/v1/transactions/:id",
      "GET /developer/v1/receipts",
      "GET /developer/v1/receipts/:id",
    ]),
    preset("Read bills and vendors", "What is owed and to whom, read only.", [
      "GET /developer/v1/bills",
      "GET /developer/v1/bills/:id",
      "GET /developer/v1/vendors",
      "GET /developer/v1/vendors/:id",
    ]),
    preset("Upload receipts", "Hand receipts in; read nothing.", ["POST /developer/v1/receipts"]),
    preset("People directory", "Users, departments and locations, read only.", [
      "GET /developer/v1/users",
      "GET /developer/v1/users/:id",
      "GET /developer/v1/departments",
      "GET /developer/v1/locations",
    ]),
    preset("Accounting sync", "Read accounting data and report what was booked.", [
      "GET /developer/v1/accounting/**",
      "POST /developer/v1/accounting/syncs",
    ]),
  ],
  sensitive: [
    ...sensitive(
      "credential_minting",
      "Hands out the vendor's token, or one that shows card numbers.",
      "POST /developer/v1/token",
      "POST /developer/v1/embedded/cards/:card/embed",
    ),
    ...sensitive(
      "config_takeover",
      "Ends the shared token or sends events elsewhere.",
      "POST /developer/v1/token/revoke",
      "POST|DELETE /developer/v1/webhooks/**",
    ),
    ...sensitive(
      "secret_access",
      "Full card numbers with their codes.",
      "GET|POST /developer/v1/vault/**",
      "GET|POST /developer/v1/cards/vault/**",
    ),
    ...sensitive(
      "money_movement",
      "Makes, changes or releases a payment.",
      "POST /developer/v1/bills",
      "PATCH /developer/v1/bills/:id",
      "POST /developer/v1/bills/:id/release",
      "POST /developer/v1/reimbursements/**",
      "POST /developer/v1/blank-canvas-approvals/:id",
      "POST /developer/v1/applications",
    ),
    ...sensitive(
      "money_movement",
      "Decides who is paid, or how much may be spent.",
      "POST /developer/v1/vendors",
      "POST /developer/v1/vendors/:id/update-bank-accounts",
      "POST|PATCH|DELETE /developer/v1/funds/**",
      "POST|PATCH|DELETE /developer/v1/limits/**",
      "POST|PATCH|DELETE /developer/v1/cards/physical/**",
    ),
    ...sensitive(
      "access_control",
      "Invites people, locks them out or changes roles.",
      "POST|PATCH /developer/v1/users/**",
    ),
    ...sensitive(
      "deletion",
      "Drops every mapping of the accounting connection.",
      "DELETE /developer/v1/accounting/connection",
    ),
    ...sensitive(
      "pii_bulk_export",
      "Bank details or the record of who did what.",
      "GET /developer/v1/bank-accounts",
      "GET /developer/v1/audit-logs/events",
    ),
  ],
  notes: [
    "A 429 is not repeated: a call during the block prolongs it.",
    "Some creating calls take an idempotency_key in their body, which RelayKey does not add.",
  ],
  unverified: [
    "Which calls take an idempotency_key",
    "Whether page.next is always a whole URL",
    "Today's limits and their headers",
    "Whether limits are now called funds",
  ],
};
