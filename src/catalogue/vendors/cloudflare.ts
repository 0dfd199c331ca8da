import { preset, readTest, sensitive, VENDOR_DEFAULTS, type Vendor } from "../vendor.ts";

/** Cloudflare: the v4 client API. */
export const cloudflare: Vendor = {
  ...VENDOR_DEFAULTS,
  id: "cloudflare",
  name: "Cloudflare",
  category: "infrastructure",
  summary: "Zones, DNS, Workers and AI through the v4 API.",
  baseUrl: "https://api.cloudflare.com/client/v4",
  variables: [
    {
      name: "email",
      label: "Account e-mail",
      pattern: "^[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,190}$",
      example: "ops@example.com",
    },
  ],
  auth: [
    { id: "bearer", label: "API token", scheme: { scheme: "bearer" }, secretLabel: "API token" },
    {
      id: "global_key",
      label: "Global API key (legacy, all powers)",
      scheme: { scheme: "header", name: "x-auth-key", prefix: "" },
      headers: { "x-auth-email": "{email}" },
      secretLabel: "Global API key",
      hint: "This key can do everything that its owner can: prefer a token.",
    },
  ],
  collapseBasePath: true,
  accountHeaders: ["x-auth-email", "x-auth-key", "x-auth-user-service-key"],
  tokenHeaders: ["x-auth-key"],
  reliability: {
    retryStatuses: [429, 500, 502, 503, 504],
    limitSigns: [{ statuses: [429], header: null, bodyIncludes: null, waitSeconds: 300 }],
  },
  limitsNote:
    "1200 requests in five minutes for each user or account token, the dashboard included; going over blocks all calls for five minutes.",
  pagination: "page and per_page, or a cursor, in result_info.",
  test: readTest("/client/v4/user/tokens/verify", "the vendor confirms that the token is active", {
    failsWith: [
      { statuses: [], bodyIncludes: '"success":false', hint: "The vendor says that the token is not active." },
    ],
  }),
  presets: [
    preset("Read zones and DNS", "See zones and their records.", [
      "GET /client/v4/zones",
      "GET /client/v4/zones/:zone",
      "GET /client/v4/zones/:zone/dns_records",
      "GET /client/v4/zones/:zone/dns_records/:record",
    ]),
    preset("Edit DNS of one zone", "Add and change records of the zone that you name; delete none.", [
      "GET|POST /client/v4/zones/{zone}/dns_records",
      "GET|PUT|PATCH /client/v4/zones/{zone}/dns_records/:record",
    ]),
    preset("Purge cache", "Empty the cache of any zone.", ["POST /client/v4/zones/:zone/purge_cache"]),
    preset("Run Workers AI", "Call AI models.", [
      "POST /client/v4/accounts/:account/ai/run/**",
      "GET /client/v4/accounts/:account/ai/models/search",
    ]),
  ],
  sensitive: [
    ...sensitive(
      "credential_minting",
      "Makes or renews tokens, which may hold more rights than this scope.",
      "GET|POST|PUT|DELETE /client/v4/user/tokens/**",
      "GET|POST|PUT|DELETE /client/v4/accounts/:account/tokens/**",
      "POST /client/v4/accounts/:account/client-secret",
      "POST|DELETE /client/v4/accounts/:account/oauth_clients/**",
    ),
    ...sensitive(
      "access_control",
      "Adds administrators, changes groups or takes over how people log in.",
      "POST|PUT|DELETE /client/v4/accounts/:account/members/**",
      "POST|PUT|DELETE /client/v4/accounts/:account/iam/**",
      "POST|PATCH|DELETE /client/v4/accounts/:account/sso_connectors/**",
    ),
    ...sensitive(
      "money_movement",
      "Charges the stored means of payment or changes it.",
      "POST /client/v4/accounts/:account/pay-invoice",
      "POST /client/v4/accounts/:account/pay-bad-debt",
      "POST|PUT|DELETE /client/v4/accounts/:account/payment-methods/**",
    ),
    ...sensitive("spend", "Buys or cancels plans.", "POST|PUT|DELETE /client/v4/accounts/:account/subscriptions/**"),
    ...sensitive(
      "deletion",
      "Drops a domain or a whole account.",
      "DELETE /client/v4/zones/:zone",
      "DELETE /client/v4/accounts/:account",
    ),
    ...sensitive(
      "config_takeover",
      "Can lead a domain's traffic, mail or certificates elsewhere.",
      "POST|PUT|PATCH|DELETE /client/v4/zones/:zone/dns_records/**",
      "POST|PUT|DELETE /client/v4/zones/:zone/workers/routes/**",
    ),
    ...sensitive(
      "code_execution",
      "Puts code on the account's domains, where it can read its bindings.",
      "PUT|DELETE /client/v4/accounts/:account/workers/scripts/**",
    ),
    ...sensitive("pii_bulk_export", "Tells who did what.", "GET /client/v4/accounts/:account/logs/audit"),
    ...sensitive(
      "pii_bulk_export",
      "One path for every data set: a path scope cannot narrow it.",
      "POST /client/v4/graphql",
    ),
  ],
  sdk: {
    package: "cloudflare",
    version: "7.3.0",
    lines: [
      'import Cloudflare from "cloudflare";',
      'const cloudflare = new Cloudflare({ apiToken: "{token}", baseURL: "{proxy}/client/v4" });',
    ],
    keepsBasePath: true,
    keyOnWire: "Authorization: Bearer",
    caveats: ["The base URL must end in /client/v4.", "It repeats POST twice by itself."],
  },
  notes: [
    "RelayKey may run in the same account: a token that may write Workers or KV can reach RelayKey itself.",
    "Addresses for direct uploads lie on other hosts, need no key and are left as they are.",
  ],
  unverified: [
    "The paths of Workers AI and of direct uploads",
    "Whether every endpoint sends the Ratelimit headers",
    "Tokens that an account owns are verified on another path",
  ],
};
