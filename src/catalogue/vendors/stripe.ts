import { preset, readTest, sensitive, VENDOR_DEFAULTS, type Vendor } from "../vendor.ts";

/** Stripe: payments. Several hosts behind one SDK. */
export const stripe: Vendor = {
  ...VENDOR_DEFAULTS,
  id: "stripe",
  name: "Stripe",
  category: "payments",
  summary: "Payments and billing. Writes carry an idempotency key, so that a lost answer can be asked for again.",
  baseUrl: "https://api.stripe.com",
  auth: [
    {
      id: "bearer",
      label: "Secret or restricted key",
      scheme: { scheme: "bearer" },
      secretLabel: "Secret key",
      hint: "A restricted key is a second fence: give RelayKey the narrowest one that its users need.",
    },
    {
      id: "basic",
      label: "Secret key as a Basic user name",
      scheme: { scheme: "basic", secret_in: "username", fixed: "" },
      secretLabel: "Secret key",
    },
  ],
  origins: [
    { name: "files", baseUrl: "https://files.stripe.com", pathPrefixes: ["/v1/files"] },
    { name: "connect", baseUrl: "https://connect.stripe.com", pathPrefixes: ["/oauth"] },
    {
      name: "meter-events",
      baseUrl: "https://meter-events.stripe.com",
      pathPrefixes: ["/v2/billing/meter_event_stream"],
    },
  ],
  accountHeaders: ["stripe-account", "stripe-context"],
  noRetryHeader: "stripe-should-retry",
  reliability: {
    retryStatuses: [409, 429, 500, 502, 503, 504],
    idempotencyHeader: "idempotency-key",
    injectIdempotencyKey: true,
    limitSigns: [{ statuses: [429], header: null, bodyIncludes: null }],
  },
  limitsNote:
    "100 reads and 100 writes a second in live mode, 25 and 25 in test mode; files and search have their own.",
  pagination: "Cursors (starting_after, ending_before); v2 lists name the next page as a path.",
  test: readTest("/v1/balance", "it reads the account's balance", {
    realWith: [
      {
        statuses: [403],
        bodyIncludes: "more_permissions_required",
        hint: "This is a restricted key without access to the balance.",
      },
    ],
  }),
  presets: [
    preset("Read customers and payments", "Look up customers, payment intents and charges; change nothing.", [
      "GET /v1/customers/**",
      "GET /v1/payment_intents",
      "GET /v1/payment_intents/:id",
      "GET /v1/charges",
      "GET /v1/charges/:id",
    ]),
    preset("Create checkout sessions", "Sell existing products through hosted checkout pages.", [
      "POST /v1/checkout/sessions",
      "GET /v1/checkout/sessions/:id",
      "GET /v1/prices",
      "GET /v1/products",
    ]),
    preset("Read billing", "Invoices and subscriptions, read only.", [
      "GET /v1/invoices/**",
      "GET /v1/subscriptions",
      "GET /v1/subscriptions/:id",
    ]),
    preset("Read balance", "The balance and its movements, read only.", [
      "GET /v1/balance",
      "GET /v1/balance_transactions",
      "GET /v1/balance_transactions/:id",
    ]),
  ],
  sensitive: [
    ...sensitive(
      "money_movement",
      "Moves money out of the account or back to a buyer.",
      "POST /v1/payouts/**",
      "POST /v1/refunds/**",
      "POST /v1/charges/:id/refund",
      "POST /v1/transfers/**",
      "POST /v1/credit_notes/**",
      "POST /v1/customers/:id/balance_transactions",
      "POST /v1/treasury/**",
      "POST /v2/money_management/**",
    ),
    ...sensitive(
      "money_movement",
      "Takes money from a card or a bank account.",
      "POST /v1/topups/**",
      "POST /v1/charges/**",
      "POST /v1/payment_intents/**",
      "POST /v1/invoices/:id/pay",
    ),
    ...sensitive("money_movement", "Issues cards or approves what they spend.", "POST /v1/issuing/**"),
    ...sensitive(
      "money_movement",
      "Changes the bank account that payouts go to.",
      "POST|DELETE /v1/accounts/:id/external_accounts/**",
    ),
    ...sensitive("secret_access", "Can reveal a full card number when expanded.", "GET /v1/issuing/cards/:id"),
    ...sensitive("secret_access", "Reads or writes secrets that apps have stored.", "GET|POST /v1/apps/secrets/**"),
    ...sensitive(
      "credential_minting",
      "Hands out a key, a client secret or a login that works without RelayKey.",
      "POST /v1/ephemeral_keys",
      "POST /v1/account_links",
      "POST /v1/account_sessions",
      "POST /v1/accounts/:id/login_links",
      "POST /oauth/token",
      "POST /v1/terminal/connection_tokens",
    ),
    ...sensitive(
      "config_takeover",
      "Sends the account's events elsewhere and returns the signing secret.",
      "POST|DELETE /v1/webhook_endpoints/**",
      "POST|DELETE /v2/core/event_destinations/**",
    ),
    ...sensitive(
      "deletion",
      "Cannot be undone and ends running subscriptions.",
      "DELETE /v1/customers/:id",
      "DELETE /v1/subscriptions/:id",
      "DELETE /v1/accounts/:id",
    ),
    ...sensitive(
      "pii_bulk_export",
      "Lists personal data of many people, such as names, addresses and identity documents.",
      "GET /v1/customers",
      "POST /v1/reporting/report_runs",
      "GET /v1/identity/**",
      "GET /v1/financial_connections/**",
    ),
  ],
  sdk: {
    package: "stripe",
    version: "23.1.0",
    lines: [
      'import Stripe from "stripe";',
      'const stripe = new Stripe("{token}", { host: "{host}", port: 443, protocol: "https" });',
    ],
    keepsBasePath: false,
    keyOnWire: "Authorization: Bearer",
    caveats: [
      "It has no option for a base path: use the connection's own host name, or its fetch client with a rewritten URL.",
      "With another host, its calls for files, OAuth and meter events arrive at the same host; RelayKey routes them by path.",
      "It repeats a 429 only when Stripe-Should-Retry says so.",
    ],
  },
  notes: [
    "Calls below /v1/files go to files.stripe.com whatever their method.",
    "Stripe-Version is passed through as the client sends it.",
  ],
  unverified: [
    "How long an idempotency key is kept",
    "The code with which a restricted key is refused",
    "Whether files.stripe.com also lists files",
  ],
};
