import { preset, sensitive, VENDOR_DEFAULTS, type Vendor } from "../vendor.ts";

/** Shopify Admin: one host for each store. */
export const shopify: Vendor = {
  ...VENDOR_DEFAULTS,
  id: "shopify",
  name: "Shopify Admin",
  category: "e-commerce",
  summary: "A store's products, orders and customers. GraphQL first; REST is the older way.",
  baseUrl: "https://{shop}.myshopify.com",
  variables: [
    { name: "shop", label: "Name of the store", pattern: "^[a-z0-9][a-z0-9-]{0,62}$", example: "my-store" },
    { name: "client_id", label: "Client ID", pattern: "^[A-Za-z0-9]{1,100}$", example: "abc123" },
  ],
  auth: [
    {
      id: "header",
      label: "Admin API access token",
      scheme: { scheme: "header", name: "x-shopify-access-token", prefix: "" },
      secretLabel: "Access token",
    },
    {
      id: "oauth",
      label: "Client credentials (stores of the same organisation)",
      scheme: {
        scheme: "oauth2_client_credentials",
        token_url: "https://{shop}.myshopify.com/admin/oauth/access_token",
        client_id: "{client_id}",
        scope: null,
        audience: null,
        client_auth: "body",
        token_ttl_seconds: 86_399,
        sent_as: { header: "x-shopify-access-token", prefix: "" },
      },
      secretLabel: "Client secret",
    },
  ],
  tokenHeaders: ["x-shopify-access-token"],
  reliability: {
    retryStatuses: [429, 430, 500, 502, 503, 504],
    limitSigns: [
      { statuses: [429, 430], header: null, bodyIncludes: null },
      { statuses: [200], header: null, bodyIncludes: '"THROTTLED"' },
    ],
  },
  limitsNote:
    "REST two to twenty requests a second by plan; GraphQL counts cost points. A GraphQL limit comes as 200 with THROTTLED.",
  pagination: "REST: absolute Link headers, which point at the proxy when they come back. GraphQL: cursors.",
  test: {
    method: "POST",
    path: "/admin/api/2026-07/graphql.json",
    body: '{"query":"{shop{id name}}"}',
    contentType: "application/json",
    proves: "it reads the store's name",
    failsWith: [{ statuses: [200], bodyIncludes: '"errors"', hint: "The vendor answers with GraphQL errors." }],
    realWith: [{ statuses: [], bodyIncludes: '"THROTTLED"', hint: "The vendor asks to wait; try again in a moment." }],
  },
  presets: [
    preset("Read products and orders (REST)", "Read only, any version.", [
      "GET /admin/api/:version/products.json",
      "GET /admin/api/:version/products/**",
      "GET /admin/api/:version/orders.json",
      "GET /admin/api/:version/orders/**",
    ]),
    preset("GraphQL queries", "Read by GraphQL; change nothing.", ["POST /admin/api/:version/graphql.json"], {
      graphql: { operations: ["query"], fields: null },
    }),
    preset("GraphQL", "All operations that the token allows.", ["POST /admin/api/:version/graphql.json"]),
    preset("Inventory", "Read and set stock levels.", [
      "GET /admin/api/:version/inventory_levels.json",
      "POST /admin/api/:version/inventory_levels/set.json",
    ]),
  ],
  sensitive: [
    ...sensitive(
      "credential_minting",
      "Returns a token that works without RelayKey.",
      "POST /admin/oauth/access_token",
      "POST /admin/access_tokens/delegate",
    ),
    ...sensitive(
      "access_control",
      "All operations share this path, refunds and exports among them: narrow it by GraphQL rules.",
      "POST /admin/api/:version/graphql.json",
    ),
    ...sensitive(
      "money_movement",
      "Gives money back, takes it, or makes gift cards.",
      "POST /admin/api/:version/orders/:order/refunds.json",
      "POST /admin/api/:version/orders/:order/transactions.json",
      "POST /admin/api/:version/orders/:order/cancel.json",
      "POST /admin/api/:version/gift_cards.json",
    ),
    ...sensitive(
      "pii_bulk_export",
      "Customers and where they live.",
      "GET /admin/api/:version/customers.json",
      "GET /admin/api/:version/orders.json",
    ),
    ...sensitive(
      "deletion",
      "Removes products or customers.",
      "DELETE /admin/api/:version/products/:product",
      "DELETE /admin/api/:version/customers/:customer",
    ),
    ...sensitive("config_takeover", "Sends events elsewhere.", "POST|PUT|DELETE /admin/api/:version/webhooks/**"),
    ...sensitive(
      "code_execution",
      "Puts scripts on the storefront.",
      "PUT /admin/api/:version/themes/:theme/assets.json",
    ),
  ],
  sdk: {
    package: "@shopify/admin-api-client",
    version: "2.0.0",
    lines: [
      'import { createAdminApiClient } from "@shopify/admin-api-client";',
      'const shopify = createAdminApiClient({ storeDomain: "{host}", apiVersion: "2026-07", accessToken: "{token}" });',
    ],
    keepsBasePath: false,
    keyOnWire: "X-Shopify-Access-Token",
    caveats: ["It drops a path from the store domain: use the connection's own host name, or customFetchApi."],
  },
  notes: ["Results of bulk operations lie in signed storage and need no key."],
  unverified: [
    "How long a token from client credentials lives",
    "Redirects of a store that moved",
    "The status 430",
    "Idempotency of newer mutations",
    "When REST ends",
  ],
};
