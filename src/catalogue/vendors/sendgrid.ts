import { preset, readTest, sensitive, VENDOR_DEFAULTS, type Vendor } from "../vendor.ts";

/** Twilio SendGrid: e-mail. */
export const sendgrid: Vendor = {
  ...VENDOR_DEFAULTS,
  id: "sendgrid",
  name: "Twilio SendGrid",
  category: "email",
  summary: "Sending e-mail and marketing lists.",
  baseUrl: "https://api.sendgrid.com",
  regions: [
    { id: "global", label: "Global", baseUrl: "https://api.sendgrid.com" },
    { id: "eu", label: "Europe", baseUrl: "https://api.eu.sendgrid.com" },
  ],
  auth: [{ id: "bearer", label: "API key", scheme: { scheme: "bearer" }, secretLabel: "API key" }],
  accountHeaders: ["on-behalf-of"],
  urlMembers: ["_metadata.self", "_metadata.prev", "_metadata.next"],
  reliability: {
    retryStatuses: [429, 500, 502, 503, 504],
    limitSigns: [{ statuses: [429], header: null, bodyIncludes: null }],
    // The vendor counts by endpoint: what is left for one says nothing about the others, so nothing is paced by it.
    quotaHeaders: [],
  },
  limitsNote: "By endpoint and period; sending mail has no such headers.",
  pagination: "Several kinds; whole URLs in _metadata and Link point at the proxy when they come back.",
  test: readTest("/v3/scopes", "the vendor lists what it may do"),
  presets: [
    preset("Send mail", "Send and nothing else.", ["POST /v3/mail/send"]),
    preset("Read stats", "Numbers about what was sent.", [
      "GET /v3/stats",
      "GET /v3/categories/stats",
      "GET /v3/messages",
    ]),
    preset("Read suppressions", "Who does not want mail.", ["GET /v3/suppression/**", "GET /v3/asm/suppressions"]),
    preset("Read templates", "Templates, read only.", ["GET /v3/templates", "GET /v3/templates/:id"]),
  ],
  sensitive: [
    ...sensitive("credential_minting", "Makes keys, up to full access.", "GET|POST|PUT|PATCH|DELETE /v3/api_keys/**"),
    ...sensitive(
      "access_control",
      "Adds people or rights, opens the address list or takes the account over.",
      "POST|PATCH|DELETE /v3/teammates/**",
      "POST|PATCH /v3/sso/**",
      "POST|PATCH|DELETE /v3/subusers/**",
      "PATCH /v3/scopes/requests/:id/approve",
      "PUT /v3/user/password",
      "PUT /v3/user/email",
      "POST|DELETE /v3/access_settings/whitelist/**",
    ),
    ...sensitive(
      "config_takeover",
      "Sends events or received mail elsewhere, or changes sender domains.",
      "PATCH /v3/user/webhooks/**",
      "POST|PATCH|DELETE /v3/user/webhooks/parse/settings/**",
      "POST|PATCH|DELETE /v3/whitelabel/**",
    ),
    ...sensitive(
      "config_takeover",
      "Lets mail go to people who opted out.",
      "DELETE /v3/suppression/**",
      "DELETE /v3/asm/**",
    ),
    ...sensitive(
      "pii_bulk_export",
      "Takes the list or the record of messages away.",
      "POST /v3/marketing/contacts/exports",
      "POST /v3/marketing/contacts/search",
      "POST /v3/messages/download",
    ),
    ...sensitive("deletion", "Can empty the whole list by one parameter.", "DELETE /v3/marketing/contacts"),
    ...sensitive(
      "outbound_messaging",
      "Writes to many people in one call.",
      "POST /v3/mail/send",
      "POST|PUT /v3/marketing/singlesends/:id/schedule",
    ),
  ],
  operations: [
    { method: "POST", template: "/v3/mail/send", name: "sendMail" },
    { method: "GET", template: "/v3/scopes", name: "listScopes" },
    { method: "GET", template: "/v3/templates", name: "listTemplates" },
  ],
  sdk: {
    package: "@sendgrid/client",
    version: "8.1.6",
    lines: [
      'import client from "@sendgrid/client";',
      'client.setApiKey("{token}");',
      'client.setDefaultRequest("baseUrl", "{proxy}");',
    ],
    keepsBasePath: true,
    keyOnWire: "Authorization: Bearer",
    caveats: [
      "It warns on the console that the key has another prefix; the call works. For @sendgrid/mail use mail.setClient(client).",
    ],
  },
  unverified: [
    "Where whole URLs appear in _metadata and Link",
    "The size limit of attachments",
    "Limits by plan",
    "The parameter that deletes all contacts",
  ],
};
