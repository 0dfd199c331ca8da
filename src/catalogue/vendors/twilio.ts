import { preset, readTest, sensitive, VENDOR_DEFAULTS, type Vendor } from "../vendor.ts";

/** Products with a host of their own, reached by the connection's sub-host. */
const PRODUCTS = [
  "accounts",
  "bulkexports",
  "chat",
  "content",
  "conversations",
  "events",
  "flex-api",
  "iam",
  "insights",
  "intelligence",
  "lookups",
  "messaging",
  "monitor",
  "notify",
  "numbers",
  "oauth",
  "pricing",
  "proxy",
  "routes",
  "serverless",
  "studio",
  "supersim",
  "sync",
  "taskrouter",
  "trunking",
  "trusthub",
  "verify",
  "video",
  "voice",
  "wireless",
];

/** Twilio: messages, calls, verification. */
export const twilio: Vendor = {
  ...VENDOR_DEFAULTS,
  id: "twilio",
  name: "Twilio",
  category: "communications",
  summary: "Messages, calls and verification, spread over some forty product hosts.",
  baseUrl: "https://api.twilio.com",
  regions: [
    { id: "us1", label: "United States", baseUrl: "https://api.twilio.com" },
    { id: "ie1", label: "Ireland", baseUrl: "https://api.dublin.ie1.twilio.com" },
    { id: "au1", label: "Australia", baseUrl: "https://api.sydney.au1.twilio.com" },
  ],
  variables: [
    {
      name: "sid",
      label: "Account SID (AC…) or API key SID (SK…)",
      pattern: "^(AC|SK)[0-9a-f]{32}$",
      example: "AC followed by 32 hexadecimal digits",
    },
  ],
  auth: [
    {
      id: "basic",
      label: "SID with auth token or API key secret",
      scheme: { scheme: "basic", secret_in: "password", fixed: "{sid}" },
      secretLabel: "Auth token or API key secret",
    },
  ],
  origins: PRODUCTS.map((name) => ({ name, baseUrl: `https://${name}.twilio.com`, pathPrefixes: [] })),
  urlMembers: ["meta.next_page_url", "meta.previous_page_url", "meta.first_page_url", "meta.url", "url", "links.*"],
  reliability: {
    // After a 5xx the message may have been sent all the same; a 429 was never processed.
    retryStatuses: [429],
    limitSigns: [{ statuses: [429], header: null, bodyIncludes: null }],
  },
  limitsNote: "Concurrency of the account; Verify has limits of its own.",
  pagination: "Absolute URLs in meta, which point at the proxy when they come back; older lists name paths.",
  test: readTest("/2010-04-01/Accounts/{sid}.json", "it reads the account", {
    realWith: [
      { statuses: [403], bodyIncludes: null, hint: "This is a restricted key that may not read the account." },
    ],
  }),
  presets: [
    preset("Send SMS", "Send messages from the account that you name.", [
      "POST /2010-04-01/Accounts/{sid}/Messages.json",
      "GET /2010-04-01/Accounts/{sid}/Messages/*.json",
    ]),
    preset("Read messages and calls", "Lists of messages, calls and usage.", [
      "GET /2010-04-01/Accounts/{sid}/Messages.json",
      "GET /2010-04-01/Accounts/{sid}/Calls.json",
      "GET /2010-04-01/Accounts/{sid}/Usage/Records.json",
    ]),
    preset("Verify codes", "Send and check codes of one service, at the product host verify.", [
      "POST /v2/Services/{service}/Verifications",
      "POST /v2/Services/{service}/VerificationCheck",
    ]),
    preset("Look up numbers", "Ask about telephone numbers, at the product host lookups.", [
      "GET /v2/PhoneNumbers/:number",
    ]),
  ],
  sensitive: [
    ...sensitive(
      "credential_minting",
      "Makes keys or tokens, or replaces the master secret.",
      "GET|POST|DELETE /2010-04-01/Accounts/:sid/Keys/**",
      "GET|POST /2010-04-01/Accounts/:sid/Keys.json",
      "GET|POST|DELETE /2010-04-01/Accounts/:sid/SigningKeys/**",
      "GET|POST|DELETE /v1/Keys/**",
      "POST /v1/AuthTokens/**",
      "POST /2010-04-01/Accounts/:sid/Tokens.json",
      "POST /v2/Services/:service/AccessTokens",
    ),
    ...sensitive("access_control", "Makes another account below this one.", "POST /2010-04-01/Accounts.json"),
    ...sensitive(
      "config_takeover",
      "Suspends an account or leads a running call elsewhere.",
      "POST /2010-04-01/Accounts/*.json",
      "POST /2010-04-01/Accounts/:sid/Calls/*.json",
    ),
    ...sensitive(
      "outbound_messaging",
      "Costs money and reaches people: the usual target of toll fraud.",
      "POST /2010-04-01/Accounts/:sid/Messages.json",
      "POST /2010-04-01/Accounts/:sid/Calls.json",
    ),
    ...sensitive(
      "spend",
      "Buys or gives up telephone numbers.",
      "POST|DELETE /2010-04-01/Accounts/:sid/IncomingPhoneNumbers/**",
      "POST /2010-04-01/Accounts/:sid/IncomingPhoneNumbers.json",
    ),
    ...sensitive(
      "pii_bulk_export",
      "Recordings, or the text of messages with their one-time codes.",
      "GET /2010-04-01/Accounts/:sid/Recordings/**",
      "GET /2010-04-01/Accounts/:sid/Messages.json",
    ),
    ...sensitive(
      "deletion",
      "Loses messages or recordings.",
      "DELETE /2010-04-01/Accounts/:sid/Messages/:message",
      "DELETE /2010-04-01/Accounts/:sid/Recordings/:recording",
    ),
  ],
  sdk: {
    package: "twilio",
    version: "6.2.0",
    lines: [
      'import twilio from "twilio";',
      'const client = twilio("AC…", "{token}");',
      'client.api.baseUrl = "{proxy}";',
    ],
    keepsBasePath: true,
    keyOnWire: "Authorization: Basic, the token as password",
    caveats: [
      "It has no base-URL option: set baseUrl on each product, or pass a request client that rewrites the address.",
      "The user half must begin with AC or SK.",
    ],
  },
  notes: [
    "The path names the account, and a parent key reaches all accounts below: name the SID in the scope.",
    "Other products are reached at the connection's sub-host of the same name.",
  ],
  unverified: [
    "Hosts of regions and edges",
    "Whether a 429 names the seconds to wait",
    "The host for serverless uploads",
  ],
};
