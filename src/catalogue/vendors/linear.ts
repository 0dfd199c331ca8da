import { preset, sensitive, VENDOR_DEFAULTS, type Vendor } from "../vendor.ts";

/** Linear: one GraphQL endpoint. */
export const linear: Vendor = {
  ...VENDOR_DEFAULTS,
  id: "linear",
  name: "Linear",
  category: "project-management",
  summary: "Issues and projects through one GraphQL endpoint. A personal key stands bare in Authorization.",
  baseUrl: "https://api.linear.app",
  auth: [
    {
      id: "raw",
      label: "Personal API key",
      scheme: { scheme: "header", name: "authorization", prefix: "" },
      secretLabel: "API key",
    },
    { id: "bearer", label: "OAuth access token", scheme: { scheme: "bearer" }, secretLabel: "Access token" },
  ],
  reliability: {
    retryStatuses: [429, 500, 502, 503, 504],
    limitSigns: [
      { statuses: [429], header: null, bodyIncludes: null },
      { statuses: [400], header: null, bodyIncludes: "RATELIMITED" },
    ],
    quotaHeaders: [
      { remaining: "x-ratelimit-requests-remaining", reset: "x-ratelimit-requests-reset", unit: "epoch_ms" },
      { remaining: "x-ratelimit-complexity-remaining", reset: "x-ratelimit-complexity-reset", unit: "epoch_ms" },
    ],
  },
  limitsNote:
    "Hourly budgets of requests and of complexity for each user. A limit comes as 400 with the code RATELIMITED.",
  pagination: "GraphQL cursors (first, after).",
  test: {
    method: "POST",
    path: "/graphql",
    body: '{"query":"{viewer{id}}"}',
    contentType: "application/json",
    proves: "it names its owner",
    failsWith: [{ statuses: [], bodyIncludes: '"errors"', hint: "The vendor answers with GraphQL errors." }],
    realWith: [{ statuses: [], bodyIncludes: "RATELIMITED", hint: "The vendor asks to wait; try again later." }],
  },
  presets: [
    preset("Queries only", "Read everything that the key may read; change nothing.", ["POST /graphql"], {
      graphql: { operations: ["query"], fields: null },
    }),
    preset("Any query or mutation", "All that the key may do.", ["POST /graphql"]),
  ],
  sensitive: sensitive(
    "access_control",
    "All operations share this path, deletions, invitations, roles and webhooks among them: narrow it by GraphQL rules.",
    "POST /graphql",
  ),
  operations: [{ method: "POST", template: "/graphql", name: "graphql" }],
  sdk: {
    package: "@linear/sdk",
    version: "98.0.0",
    lines: [
      'import { LinearClient } from "@linear/sdk";',
      'const linear = new LinearClient({ apiKey: "{token}", apiUrl: "{proxy}/graphql" });',
    ],
    keepsBasePath: true,
    keyOnWire: "Authorization with no word in front; Bearer when it is set as accessToken",
    caveats: ["The address must be https unless it is local."],
  },
  notes: [
    "Uploads go to a signed address and need no key; assets on uploads.linear.app are not reached by this connection.",
  ],
  unverified: [
    "Today's budgets",
    "The status of a limit",
    "Whether the reset headers count milliseconds since the epoch",
    "Whether client credentials are open to every app",
  ],
};
