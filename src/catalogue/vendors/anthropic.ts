import { preset, readTest, sensitive, VENDOR_DEFAULTS, type Vendor } from "../vendor.ts";

/** Anthropic: the Claude API. */
export const anthropic: Vendor = {
  ...VENDOR_DEFAULTS,
  id: "anthropic",
  name: "Anthropic",
  category: "ai",
  summary: "Messages, batches and files of the Claude API.",
  baseUrl: "https://api.anthropic.com",
  auth: [
    {
      id: "header",
      label: "API key in x-api-key",
      scheme: { scheme: "header", name: "x-api-key", prefix: "" },
      secretLabel: "API key",
      hint: "The vendor reads this header under every API version, so it also serves SDKs that send a bearer token.",
    },
    { id: "bearer", label: "Bearer token", scheme: { scheme: "bearer" }, secretLabel: "API key or OAuth token" },
  ],
  defaultHeaders: { "anthropic-version": "2023-06-01" },
  accountHeaders: ["anthropic-workspace-id"],
  tokenHeaders: ["x-api-key"],
  urlMembers: ["results_url", "data.*.results_url"],
  reliability: {
    retryStatuses: [408, 409, 429, 500, 502, 503, 504, 529],
    // A message without streaming may take most of an hour to begin.
    firstByteTimeoutMs: 600_000,
    totalTimeoutMs: 3_600_000,
    limitSigns: [{ statuses: [429], header: null, bodyIncludes: null }],
  },
  limitsNote: "Requests and input and output tokens a minute, by organisation and model tier.",
  pagination: "Cursors (after_id, before_id, page).",
  test: readTest("/v1/models?limit=1", "it lists the models"),
  presets: [
    preset("Send messages", "Inference and token counts.", [
      "POST /v1/messages",
      "POST /v1/messages/count_tokens",
      "GET /v1/models",
      "GET /v1/models/:id",
    ]),
    preset("Batches", "Queue message batches and read their results.", [
      "POST /v1/messages/batches",
      "GET /v1/messages/batches/**",
      "POST /v1/messages/batches/:id/cancel",
    ]),
    preset("List models", "See which models exist.", ["GET /v1/models", "GET /v1/models/:id"]),
    preset("Files", "Upload files and read them back.", ["POST /v1/files", "GET /v1/files/**"]),
  ],
  sensitive: [
    ...sensitive(
      "credential_minting",
      "Lists, makes or changes keys, service accounts and rules by which outsiders obtain tokens.",
      "GET|POST|DELETE /v1/organizations/api_keys/**",
      "GET|POST|DELETE /v1/organizations/service_accounts/**",
      "GET|POST|DELETE /v1/organizations/federation_*/**",
    ),
    ...sensitive(
      "access_control",
      "Changes the members of the organisation or its workspaces.",
      "POST|DELETE /v1/organizations/users/**",
      "POST /v1/organizations/invites",
      "POST|DELETE /v1/organizations/workspaces/**",
    ),
    ...sensitive("secret_access", "Holds credentials that agents use elsewhere.", "GET|POST|DELETE /v1/vaults/**"),
    ...sensitive(
      "config_takeover",
      "Sends the organisation's events elsewhere.",
      "POST|DELETE /v1/organizations/webhooks/**",
    ),
    ...sensitive("pii_bulk_export", "Reports on what each person used.", "GET /v1/organizations/analytics/**"),
    ...sensitive("deletion", "Removes stored files.", "DELETE /v1/files/:id"),
    ...sensitive("spend", "One call can queue a very large bill.", "POST /v1/messages/batches"),
  ],
  operations: [
    { method: "POST", template: "/v1/messages", name: "createMessage" },
    { method: "POST", template: "/v1/messages/count_tokens", name: "countTokens" },
    { method: "POST", template: "/v1/messages/batches", name: "createBatch" },
    { method: "GET", template: "/v1/messages/batches", name: "listBatches" },
    { method: "GET", template: "/v1/messages/batches/:id", name: "retrieveBatch" },
    { method: "GET", template: "/v1/messages/batches/:id/results", name: "batchResults" },
    { method: "GET", template: "/v1/models", name: "listModels" },
    { method: "GET", template: "/v1/models/:id", name: "retrieveModel" },
    { method: "POST", template: "/v1/files", name: "uploadFile" },
  ],
  sdk: {
    package: "@anthropic-ai/sdk",
    version: "1.12.0",
    lines: [
      'import Anthropic from "@anthropic-ai/sdk";',
      'const anthropic = new Anthropic({ apiKey: "{token}", baseURL: "{proxy}" });',
    ],
    keepsBasePath: true,
    keyOnWire: "Authorization: Bearer in 1.x, x-api-key in 0.x",
    caveats: ["It repeats POST twice by itself; a final refusal from RelayKey says x-should-retry: false."],
  },
  notes: [
    "anthropic-version is the client's; a default is added only when there is none.",
    "results_url of a batch points at the proxy, so that its results can be read.",
  ],
  unverified: [
    "The exact names of the rate-limit headers",
    "Whether a bearer API key is taken with the oldest API version",
    "The numbers behind the tiers",
  ],
};
