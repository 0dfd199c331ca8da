import { preset, readTest, sensitive, VENDOR_DEFAULTS, type Vendor } from "../vendor.ts";

/** Greenhouse Harvest: recruiting. */
export const greenhouse: Vendor = {
  ...VENDOR_DEFAULTS,
  id: "greenhouse",
  name: "Greenhouse Harvest",
  category: "recruiting",
  summary:
    "Candidates, applications and jobs. Version 3 logs in with client credentials; versions 1 and 2 used a Basic key.",
  baseUrl: "https://harvest.greenhouse.io",
  variables: [
    { name: "client_id", label: "Client ID", pattern: "^[A-Za-z0-9_.-]{1,200}$", example: "abc123" },
    {
      name: "user_id",
      label: "Numeric id of the Greenhouse user to act as",
      pattern: "^[0-9]{1,20}$",
      example: "4012345",
    },
  ],
  auth: [
    {
      id: "oauth",
      label: "Client credentials (version 3)",
      scheme: {
        scheme: "oauth2_client_credentials",
        token_url: "https://auth.greenhouse.io/token",
        client_id: "{client_id}",
        scope: null,
        audience: null,
        client_auth: "basic",
        params: { sub: "{user_id}" },
        token_ttl_seconds: 3_600,
      },
      secretLabel: "Client secret",
    },
    {
      id: "basic",
      label: "Harvest key (versions 1 and 2)",
      scheme: { scheme: "basic", secret_in: "username", fixed: "" },
      secretLabel: "Harvest API key",
      hint: "The vendor announced the end of versions 1 and 2 for August 2026.",
    },
  ],
  accountHeaders: ["on-behalf-of"],
  reliability: {
    retryStatuses: [429, 500, 502, 503, 504],
    limitSigns: [{ statuses: [429], header: null, bodyIncludes: null }],
    quotaHeaders: [{ remaining: "x-ratelimit-remaining", reset: "x-ratelimit-reset", unit: "epoch_seconds" }],
  },
  limitsNote: "Version 1: about 50 requests in ten seconds. Version 3: a fixed window of thirty seconds.",
  pagination: "Absolute Link headers. In version 3 the cursor must stay the only parameter.",
  test: readTest("/v3/jobs?per_page=1", "it reads the jobs"),
  presets: [
    preset("Read candidates (v3)", "Candidates and applications, read only.", [
      "GET /v3/candidates",
      "GET /v3/candidates/:id",
      "GET /v3/applications",
      "GET /v3/applications/:id",
    ]),
    preset("Read jobs (v3)", "Jobs, posts, departments and offices, read only.", [
      "GET /v3/jobs",
      "GET /v3/jobs/:id",
      "GET /v3/job_posts",
      "GET /v3/departments",
      "GET /v3/offices",
    ]),
    preset("Read candidates (v1)", "The same in the older version.", [
      "GET /v1/candidates",
      "GET /v1/candidates/:id",
      "GET /v1/applications",
      "GET /v1/applications/:id",
    ]),
    preset("Add candidates", "Put new candidates, applications and attachments in; read none.", [
      "POST /v3/candidates",
      "POST /v3/applications",
      "POST /v3/attachments",
    ]),
  ],
  sensitive: [
    ...sensitive(
      "deletion",
      "Loses a candidate or the record of hiring for good.",
      "DELETE /v3/candidates/:id",
      "DELETE /v1/candidates/:id",
      "DELETE /*/applications/:id",
      "PUT /v1/candidates/merge",
      "PUT /v1/candidates/:id/anonymize",
    ),
    ...sensitive(
      "pii_bulk_export",
      "Applicants' contact data, assessments or pay.",
      "GET /*/candidates",
      "GET /*/offers",
      "GET /*/scorecards",
    ),
    ...sensitive(
      "pii_bulk_export",
      "Protected characteristics of applicants.",
      "GET /*/eeoc",
      "GET /*/demographics/**",
    ),
    ...sensitive(
      "access_control",
      "Makes, promotes, opens or locks recruiters' accounts.",
      "POST /v1/users",
      "PATCH /v1/users/permission_level",
      "PUT|DELETE /v1/users/:id/permissions/**",
      "PATCH /v2/users/enable",
      "PATCH /v2/users/disable",
    ),
    ...sensitive(
      "config_takeover",
      "Marks somebody as hired, which may start their onboarding.",
      "POST /v1/applications/:id/hire",
    ),
    ...sensitive(
      "outbound_messaging",
      "Can write to a candidate in the company's name.",
      "POST /v1/applications/:id/reject",
      "POST /v1/candidates/:id/activity_feed/emails",
    ),
    ...sensitive("money_movement", "Changes the terms of an offer.", "PATCH /v1/applications/:id/offers/current_offer"),
  ],
  notes: [
    "Attachment addresses are signed, live a few days and need no key.",
    "A GET with a body is refused by the vendor.",
  ],
  unverified: [
    "Whether versions 1 and 2 still answer",
    "The limits of version 3",
    "Which paths version 3 has for merging, anonymising and permissions",
    "How long a token from client credentials lives",
    "Whether X-RateLimit-Reset counts from the epoch",
  ],
};
