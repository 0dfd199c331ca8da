import { preset, readTest, sensitive, VENDOR_DEFAULTS, type Vendor } from "../vendor.ts";

/** Sumsub: identity verification. Every call is signed. */
export const sumsub: Vendor = {
  ...VENDOR_DEFAULTS,
  id: "sumsub",
  name: "Sumsub",
  category: "kyc",
  summary: "Identity verification. Each call is signed over its time, method, path with query and exact body.",
  baseUrl: "https://api.sumsub.com",
  auth: [
    {
      id: "hmac",
      label: "App token and secret key",
      scheme: {
        scheme: "hmac",
        algorithm: "HMAC-SHA256",
        encoding: "hex",
        sign: ["timestamp", "method", "path_and_query", "body"],
        token_header: "x-app-token",
        timestamp_header: "x-app-access-ts",
        signature_header: "x-app-access-sig",
        token_part: "token",
        key_part: "key",
      },
      secretLabel: "App token and secret key",
      hint: "The token's beginning decides between sandbox and production; both use one host.",
    },
  ],
  defaultHeaders: { accept: "application/json" },
  tokenHeaders: ["x-app-token"],
  reliability: {
    retryStatuses: [429, 500, 502, 503, 504],
    limitSigns: [{ statuses: [429], header: null, bodyIncludes: null }],
  },
  limitsNote: "300 GETs and 50 POSTs in five seconds.",
  pagination: "limit and offset.",
  test: readTest("/resources/applicants/-/levels", "the signature is accepted and it reads the levels"),
  presets: [
    preset("Read applicant status", "Where a verification stands.", [
      "GET /resources/applicants/:id/status",
      "GET /resources/applicants/:id/one",
    ]),
    preset("Create applicants and SDK tokens", "Start verifications from an app.", [
      "POST /resources/applicants",
      "POST /resources/accessTokens/sdk",
    ]),
    preset("Upload documents", "Hand documents in; read none.", ["POST /resources/applicants/:id/info/idDoc"]),
  ],
  sensitive: [
    ...sensitive(
      "credential_minting",
      "Returns a token for one applicant that works without RelayKey.",
      "POST /resources/accessTokens",
      "POST /resources/accessTokens/sdk",
    ),
    ...sensitive(
      "pii_bulk_export",
      "Identity data, images of papers and faces, and whole reports.",
      "GET /resources/applicants/**",
      "GET /resources/inspections/:inspection/resources/:image",
      "GET /resources/applicants/:id/summary/report",
    ),
    ...sensitive(
      "config_takeover",
      "Starts a paid check, invents a sandbox verdict or changes verified data.",
      "POST /resources/applicants/:id/status/pending",
      "POST /resources/applicants/:id/status/testCompleted",
      "PATCH /resources/applicants/:id/info",
    ),
    ...sensitive(
      "deletion",
      "Drops a verification, its documents or the profile.",
      "POST /resources/applicants/:id/reset",
      "DELETE /resources/applicants/**",
    ),
    ...sensitive("money_movement", "Decides on monitored transactions.", "POST /resources/kyt/**"),
  ],
  notes: [
    "The body is held in memory to be signed, up to the size limit of the proxy.",
    "Each repetition is signed anew with the current time.",
    "Look-ups by external id put a semicolon into the path, which RelayKey refuses as ambiguous: look up by applicant id.",
  ],
  unverified: [
    "The path of the test call",
    "Several applicant paths",
    "Whether a 429 names the seconds to wait",
    "Limits of PUT, PATCH and DELETE",
  ],
};
