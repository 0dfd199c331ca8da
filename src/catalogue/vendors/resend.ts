import { preset, readTest, sensitive, VENDOR_DEFAULTS, type Vendor } from "../vendor.ts";

/** Resend: e-mail. */
export const resend: Vendor = {
  ...VENDOR_DEFAULTS,
  id: "resend",
  name: "Resend",
  category: "email",
  summary: "Transactional and marketing e-mail.",
  baseUrl: "https://api.resend.com",
  auth: [
    {
      id: "bearer",
      label: "API key",
      scheme: { scheme: "bearer" },
      secretLabel: "API key",
      hint: "A key that may only send is enough for most uses.",
    },
  ],
  // Requests without a User-Agent are refused by the vendor.
  defaultHeaders: { "user-agent": "RelayKey" },
  reliability: {
    retryStatuses: [429, 500, 502, 503, 504],
    idempotencyHeader: "idempotency-key",
    idempotencyPaths: ["/emails", "/emails/batch"],
    limitSigns: [{ statuses: [429], header: null, bodyIncludes: null }],
    quotaHeaders: [{ remaining: "ratelimit-remaining", reset: "ratelimit-reset", unit: "seconds" }],
  },
  limitsNote: "Five requests a second for the team, all keys together; also daily and monthly quotas of mail.",
  pagination: "Cursors (after, before, limit).",
  test: readTest("/domains?limit=1", "it reads the domains", {
    realWith: [
      { statuses: [401, 403], bodyIncludes: "restricted_api_key", hint: "This key may send mail and nothing else." },
    ],
  }),
  presets: [
    preset("Send e-mail", "Send, one by one or in batches.", ["POST /emails", "POST /emails/batch"]),
    preset("Send and track", "Send, and see what became of it.", ["POST /emails", "GET /emails", "GET /emails/:id"]),
    preset("Read domains", "See the sender domains.", ["GET /domains", "GET /domains/:id"]),
    preset("Manage contacts", "Read and write contacts and segments.", [
      "GET|POST /contacts",
      "GET|PATCH|DELETE /contacts/:id",
      "GET|POST /segments",
    ]),
  ],
  sensitive: [
    ...sensitive(
      "credential_minting",
      "Makes keys or secrets, or takes other people's away.",
      "GET|POST|PATCH|DELETE /api-keys/**",
      "POST /webhooks/:id/signing-secret/rotate",
    ),
    ...sensitive("access_control", "Withdraws apps' access.", "GET|DELETE /oauth/grants/**"),
    ...sensitive(
      "outbound_messaging",
      "Writes to many people at once.",
      "POST /broadcasts/:id/send",
      "POST /emails/batch",
    ),
    ...sensitive(
      "config_takeover",
      "Sends events elsewhere, weakens a sender domain, or lets mail go to people who opted out.",
      "POST|PATCH|DELETE /webhooks/**",
      "PATCH /domains/:id",
      "POST /suppressions/batch/remove",
    ),
    ...sensitive(
      "deletion",
      "Stops all mail of a domain, or loses a list.",
      "DELETE /domains/:id",
      "DELETE /segments/:id",
    ),
    ...sensitive(
      "pii_bulk_export",
      "The address book, received mail, or logs that show recipients.",
      "GET /contacts",
      "GET /emails/receiving/**",
      "GET /logs/**",
    ),
  ],
  operations: [
    { method: "POST", template: "/emails", name: "sendEmail" },
    { method: "POST", template: "/emails/batch", name: "sendBatch" },
    { method: "GET", template: "/emails/:id", name: "getEmail" },
    { method: "GET", template: "/domains", name: "listDomains" },
  ],
  sdk: {
    package: "resend",
    version: "6.38.0",
    lines: ['import { Resend } from "resend";', 'const resend = new Resend("{token}", { baseUrl: "{proxy}" });'],
    keepsBasePath: true,
    keyOnWire: "Authorization: Bearer",
    caveats: ["Errors are returned as a value and not thrown."],
  },
  notes: [
    "Only /emails and /emails/batch know an idempotency key: other writes are never repeated, and RelayKey adds none.",
  ],
  unverified: [
    "How long an idempotency key is kept",
    "The exact error of a restricted key",
    "The size limit of attachments",
    "Today's default limit: the vendor has changed it several times",
  ],
};
