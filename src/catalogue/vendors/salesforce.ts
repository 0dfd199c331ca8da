import { preset, readTest, sensitive, VENDOR_DEFAULTS, type Vendor } from "../vendor.ts";

/** Salesforce: REST through a connected app. */
export const salesforce: Vendor = {
  ...VENDOR_DEFAULTS,
  id: "salesforce",
  name: "Salesforce",
  category: "crm",
  summary: "Records and queries through a connected app with client credentials, which acts as its run-as user.",
  baseUrl: "https://{mydomain}.my.salesforce.com",
  regions: [
    { id: "production", label: "Production", baseUrl: "https://{mydomain}.my.salesforce.com", values: { env: "" } },
    {
      id: "sandbox",
      label: "Sandbox",
      baseUrl: "https://{mydomain}.sandbox.my.salesforce.com",
      values: { env: ".sandbox" },
    },
  ],
  variables: [
    {
      name: "mydomain",
      label: "My Domain name (in a sandbox with its suffix, such as acme--dev)",
      pattern: "^[a-z0-9][a-z0-9-]{0,79}$",
      example: "acme",
    },
    { name: "client_id", label: "Consumer key", pattern: "^[A-Za-z0-9_.]{1,300}$", example: "3MVG9…" },
  ],
  auth: [
    {
      id: "oauth",
      label: "Client credentials",
      scheme: {
        scheme: "oauth2_client_credentials",
        token_url: "https://{mydomain}{env}.my.salesforce.com/services/oauth2/token",
        client_id: "{client_id}",
        scope: null,
        audience: null,
        client_auth: "body",
        token_ttl_seconds: 3_600,
      },
      secretLabel: "Consumer secret",
    },
    {
      id: "bearer",
      label: "Access token that was obtained elsewhere",
      scheme: { scheme: "bearer" },
      secretLabel: "Access token",
      hint: "It ends with its session and is not renewed.",
    },
  ],
  reliability: {
    retryStatuses: [500, 503],
    limitSigns: [{ statuses: [403], header: null, bodyIncludes: "REQUEST_LIMIT_EXCEEDED" }],
    refusedSigns: [{ statuses: [401, 403], header: null, bodyIncludes: "INVALID_SESSION_ID" }],
  },
  limitsNote: "A pool of requests in 24 hours by edition and licences; 25 long requests at a time.",
  pagination: "nextRecordsUrl is a path, before which clients put the address they were given.",
  test: readTest("/services/data/v65.0/limits", "the login succeeds and it reads the limits"),
  presets: [
    preset("Query", "Read by SOQL whatever the run-as user sees.", [
      "GET /services/data/:version/query",
      "GET /services/data/:version/query/:cursor",
    ]),
    preset("Read one object type", "Records of one type, read only.", [
      "GET /services/data/:version/sobjects/{object}/:id",
      "GET /services/data/:version/sobjects/{object}/describe",
    ]),
    preset("Create leads", "Add leads; read none.", ["POST /services/data/:version/sobjects/Lead"]),
  ],
  sensitive: [
    ...sensitive("credential_minting", "Hands out tokens or revokes them.", "POST /services/oauth2/**"),
    ...sensitive(
      "pii_bulk_export",
      "Reads any record by query or in bulk.",
      "GET /services/data/:version/query",
      "GET /services/data/:version/queryAll",
      "POST|PATCH|PUT /services/data/:version/jobs/**",
    ),
    ...sensitive(
      "config_takeover",
      "Hides writes inside a batch, or deploys configuration.",
      "POST /services/data/:version/composite/**",
      "POST /services/data/:version/metadata/**",
    ),
    ...sensitive(
      "code_execution",
      "Runs code in the organisation, one of them by GET.",
      "POST /services/data/:version/tooling/**",
      "GET /services/data/:version/tooling/executeAnonymous/**",
      "POST /services/apexrest/**",
    ),
    ...sensitive("deletion", "Deletes records.", "DELETE /services/data/:version/sobjects/**"),
    ...sensitive(
      "access_control",
      "Changes users and their rights.",
      "POST|PATCH /services/data/:version/sobjects/User/**",
      "POST|PATCH /services/data/:version/sobjects/PermissionSetAssignment/**",
    ),
    ...sensitive("access_control", "SOAP does everything on one path.", "POST /services/Soap/**"),
  ],
  sdk: {
    package: "jsforce",
    version: "3.10.26",
    lines: [
      'import jsforce from "jsforce";',
      'const salesforce = new jsforce.Connection({ instanceUrl: "{proxy}", accessToken: "{token}", version: "65.0" });',
    ],
    keepsBasePath: true,
    keyOnWire: "Authorization: Bearer",
    caveats: ["It is the community's library, not the vendor's own."],
  },
  notes: ["Calls go to the My Domain host alone; an instance address in a token answer is not followed."],
  unverified: [
    "Most paths and limits: the vendor's pages were not reached",
    "The current API version",
    "Whether the app must send its secret in the body",
    "How long a session lives",
  ],
};
