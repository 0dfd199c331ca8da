import { preset, readTest, sensitive, VENDOR_DEFAULTS, type Vendor } from "../vendor.ts";

/** ElevenLabs: speech and conversational agents. */
export const elevenlabs: Vendor = {
  ...VENDOR_DEFAULTS,
  id: "elevenlabs",
  name: "ElevenLabs",
  category: "ai",
  summary: "Text to speech, transcription, voices and agents, with audio as a stream.",
  baseUrl: "https://api.elevenlabs.io",
  regions: [
    { id: "global", label: "Default", baseUrl: "https://api.elevenlabs.io" },
    { id: "us", label: "United States", baseUrl: "https://api.us.elevenlabs.io" },
    { id: "eu-residency", label: "EU residency", baseUrl: "https://api.eu.residency.elevenlabs.io" },
    { id: "in-residency", label: "India residency", baseUrl: "https://api.in.residency.elevenlabs.io" },
    { id: "sg-residency", label: "Singapore residency", baseUrl: "https://api.sg.residency.elevenlabs.io" },
  ],
  auth: [
    {
      id: "header",
      label: "API key in xi-api-key",
      scheme: { scheme: "header", name: "xi-api-key", prefix: "" },
      secretLabel: "API key",
    },
  ],
  tokenHeaders: ["xi-api-key"],
  reliability: {
    retryStatuses: [408, 429, 500, 502, 503, 504],
    limitSigns: [
      { statuses: [429], header: null, bodyIncludes: "too_many_concurrent_requests" },
      { statuses: [429], header: null, bodyIncludes: "system_busy" },
      { statuses: [429], header: null, bodyIncludes: null },
    ],
  },
  limitsNote: "Concurrent requests by plan; what is over waits a little and then gets a 429.",
  pagination: "Cursors (next_page_token, start_after_history_item_id).",
  test: readTest("/v1/user", "it reads the account that it belongs to", {
    realWith: [
      {
        statuses: [401, 403],
        bodyIncludes: "missing_permissions",
        hint: "This is a restricted key that may not read the account.",
      },
    ],
  }),
  presets: [
    preset("Speak text", "Text to speech alone.", [
      "POST /v1/text-to-speech/:voice",
      "POST /v1/text-to-speech/:voice/stream",
      "POST /v1/text-to-speech/:voice/with-timestamps",
      "POST /v1/text-to-speech/:voice/stream/with-timestamps",
      "GET /v1/voices",
      "GET /v1/models",
    ]),
    preset("Transcribe", "Speech to text alone.", [
      "POST /v1/speech-to-text",
      "GET /v1/speech-to-text/transcripts/:id",
    ]),
    preset("Read voices and models", "See voices and models.", [
      "GET /v1/voices",
      "GET /v1/voices/:voice",
      "GET /v1/models",
    ]),
    preset("Usage", "Consumption and the plan.", ["GET /v1/usage/character-stats", "GET /v1/user/subscription"]),
  ],
  sensitive: [
    ...sensitive(
      "credential_minting",
      "Makes keys or changes what they may do.",
      "POST /v1/service-accounts/:id/api-keys",
      "PATCH|DELETE /v1/service-accounts/:id/api-keys/:key",
    ),
    ...sensitive(
      "credential_minting",
      "Returns a token or a signed address that reaches the vendor without RelayKey.",
      "POST /v1/single-use-token/:kind",
      "GET /v1/convai/conversation/get-signed-url",
      "GET /v1/convai/conversation/token",
    ),
    ...sensitive(
      "access_control",
      "Changes the members of the workspace.",
      "POST /v1/workspace/invites/**",
      "POST|DELETE /v1/workspace/members/**",
    ),
    ...sensitive("access_control", "Clones a person's voice.", "POST /v1/voices/add"),
    ...sensitive("secret_access", "Holds secrets that agents' tools use.", "GET|POST|DELETE /v1/convai/secrets/**"),
    ...sensitive(
      "outbound_messaging",
      "Calls people by telephone.",
      "POST /v1/convai/twilio/outbound-call",
      "POST /v1/convai/sip-trunk/outbound-call",
      "POST /v1/convai/batch-calling/submit",
    ),
    ...sensitive(
      "pii_bulk_export",
      "Transcripts and recordings of what people said.",
      "GET /v1/convai/conversations/**",
      "POST /v1/history/download",
    ),
    ...sensitive(
      "deletion",
      "Loses a voice or generated audio.",
      "DELETE /v1/voices/:voice",
      "DELETE /v1/history/:item",
    ),
    ...sensitive("config_takeover", "Sends events elsewhere.", "POST|PATCH|DELETE /v1/workspace/webhooks/**"),
  ],
  sdk: {
    package: "@elevenlabs/elevenlabs-js",
    version: "2.73.0",
    lines: [
      'import { ElevenLabsClient } from "@elevenlabs/elevenlabs-js";',
      'const elevenlabs = new ElevenLabsClient({ apiKey: "{token}", baseUrl: "{proxy}" });',
    ],
    keepsBasePath: true,
    keyOnWire: "xi-api-key, also on a WebSocket upgrade",
    caveats: ["Public conversational agents connect to the vendor's own host and ignore the base URL."],
  },
  notes: ["Each repetition costs credits, since the vendor knows no idempotency key."],
  unverified: [
    "The error that a restricted key gets",
    "Methods of some workspace endpoints",
    "How many concurrent requests each plan has",
  ],
};
