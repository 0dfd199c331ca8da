import { preset, readTest, sensitive, VENDOR_DEFAULTS, type Vendor } from "../vendor.ts";

/** Absorb LMS: learners, courses, enrolments. */
export const absorbLms: Vendor = {
  ...VENDOR_DEFAULTS,
  id: "absorb-lms",
  name: "Absorb LMS",
  category: "learning",
  summary: "Learning management. A portal key and a four-hour token from a login travel together on every call.",
  baseUrl: "https://rest.myabsorb.com",
  regions: [
    { id: "us", label: "United States", baseUrl: "https://rest.myabsorb.com" },
    { id: "ca", label: "Canada", baseUrl: "https://rest.myabsorb.ca" },
    { id: "eu", label: "Europe", baseUrl: "https://rest.myabsorb.eu" },
    { id: "au", label: "Australia", baseUrl: "https://rest.myabsorb.com.au" },
    { id: "sandbox-us", label: "Sandbox, United States", baseUrl: "https://rest.sandbox.myabsorb.com" },
    { id: "sandbox-ca", label: "Sandbox, Canada", baseUrl: "https://rest.sandbox.myabsorb.ca" },
    { id: "sandbox-eu", label: "Sandbox, Europe", baseUrl: "https://rest.sandbox.myabsorb.eu" },
    { id: "sandbox-au", label: "Sandbox, Australia", baseUrl: "https://rest.sandbox.myabsorb.com.au" },
  ],
  auth: [
    {
      id: "token_exchange",
      label: "Private key and API user",
      scheme: {
        scheme: "token_exchange",
        login_path: "/authenticate",
        login_headers: { "x-api-key": "{privateKey}", "x-api-version": "2" },
        login_body: { username: "{username}", password: "{password}", privateKey: "{privateKey}" },
        public_parts: ["username"],
        token_ttl_seconds: 14_400,
        headers: { "x-api-key": "{privateKey}", authorization: "Bearer {token}" },
      },
      secretLabel: "Private key, user name and password of an API user",
      hint: "Use a user of its own: each login ends that user's earlier session.",
    },
  ],
  defaultHeaders: { "x-api-version": "2" },
  tokenHeaders: ["x-api-key"],
  reliability: { limitSigns: [{ statuses: [429], header: null, bodyIncludes: null }] },
  limitsNote: "200 requests a second with a burst of 100 more, as others report it.",
  pagination: "_limit (at most 1000) and _offset, which counts pages.",
  test: readTest("/departments?_limit=1", "the login succeeds and it reads the departments"),
  presets: [
    preset("Read users", "Look up learners.", ["GET /users", "GET /users/:id"]),
    preset("Read courses and enrolments", "The catalogue and learners' progress, read only.", [
      "GET /courses/**",
      "GET /users/:id/enrollments",
      "GET /users/:id/enrollments/:enrolment",
    ]),
    preset("Enrol learners", "Put learners into existing courses.", [
      "POST /users/:id/enrollments/:course",
      "GET /courses",
    ]),
  ],
  sensitive: [
    ...sensitive(
      "credential_minting",
      "Returns a token that works without RelayKey, and ends the session that RelayKey holds.",
      "POST /authenticate",
    ),
    ...sensitive("pii_bulk_export", "The directory of all learners, with private addresses and numbers.", "GET /users"),
    ...sensitive("access_control", "Can make or promote administrators.", "POST|PUT|PATCH /users/**"),
    ...sensitive("deletion", "Removes learners, enrolments or courses.", "DELETE /**"),
  ],
  notes: ["RelayKey logs in once for all callers and shares the token, since a second login would end the first."],
  unverified: [
    "The limits (known at second hand)",
    "The write paths below users and enrolments",
    "Whether some calls need only the portal key",
    "Whether a 429 names the seconds to wait",
  ],
};
