import { preset, readTest, sensitive, VENDOR_DEFAULTS, type Vendor } from "../vendor.ts";

/** HiBob: human resources. */
export const hibob: Vendor = {
  ...VENDOR_DEFAULTS,
  id: "hibob",
  name: "HiBob",
  category: "hr",
  summary: "People, time off and payroll data through a service user. Many reads are POST.",
  baseUrl: "https://api.hibob.com/v1",
  regions: [
    { id: "production", label: "Production", baseUrl: "https://api.hibob.com/v1" },
    { id: "sandbox", label: "Sandbox", baseUrl: "https://api.sandbox.hibob.com/v1" },
  ],
  variables: [
    { name: "service_user", label: "Service user id", pattern: "^[A-Za-z0-9_.-]{1,120}$", example: "SERVICE-1234" },
  ],
  auth: [
    {
      id: "basic",
      label: "Service user",
      scheme: { scheme: "basic", secret_in: "password", fixed: "{service_user}" },
      secretLabel: "Token of the service user",
    },
  ],
  defaultHeaders: { accept: "application/json" },
  collapseBasePath: true,
  reliability: {
    retryStatuses: [429, 500, 502, 503, 504],
    limitSigns: [{ statuses: [429], header: null, bodyIncludes: null }],
    // The vendor counts by endpoint: what is left for one says nothing about the others, so nothing is paced by it.
    quotaHeaders: [],
  },
  limitsNote: "By endpoint and minute: 50 people searches, 50 balances, ten for most writes of policies.",
  pagination: "limit and cursor in the body.",
  test: readTest("/v1/company/named-lists", "it reads the company's lists"),
  presets: [
    preset("Read people", "Search people and read their basic fields. The vendor reads with POST.", [
      "POST /v1/people/search",
      "POST /v1/people/:id",
      "GET /v1/company/people/fields",
    ]),
    preset("Who is out", "Absences of today and changes of requests.", [
      "GET /v1/timeoff/outtoday",
      "GET /v1/timeoff/whosout",
      "GET /v1/timeoff/requests/changes",
    ]),
    preset("Company lists", "Names of sites, departments and the like.", [
      "GET /v1/company/named-lists",
      "GET /v1/company/named-lists/:list",
    ]),
  ],
  sensitive: [
    ...sensitive(
      "pii_bulk_export",
      "What people earn, or everything about everyone at once.",
      "GET /v1/people/:id/salaries",
      "GET /v1/bulk/**",
      "GET /v1/payroll/history",
      "GET /v1/company/reports/**",
    ),
    ...sensitive(
      "pii_bulk_export",
      "Contracts, copies of identity papers and confidential folders.",
      "GET|POST|DELETE /v1/docs/people/**",
    ),
    ...sensitive(
      "money_movement",
      "Changes pay, shares or the account that salary goes to.",
      "POST|PUT|DELETE /v1/people/:id/salaries/**",
      "GET|POST|PUT|DELETE /v1/people/:id/equities/**",
      "GET|POST|PUT|DELETE /v1/people/:id/bank-accounts/**",
    ),
    ...sensitive("access_control", "Makes an employee record with a login.", "POST /v1/people"),
    ...sensitive("deletion", "Ends somebody's employment.", "POST /v1/employees/:id/terminate"),
    ...sensitive("config_takeover", "Changes any field of a person, the work e-mail included.", "PUT /v1/people/:id"),
  ],
  notes: [
    "POST does not mean writing here, so read-only scopes name the search paths.",
    "The vendor's firewall blocks addresses that collect 401 and 403: stop a failing key at once.",
  ],
  unverified: [
    "When and for how long the firewall blocks",
    "Whether a 429 names the seconds to wait",
    "The paths of bank accounts, equities, documents and termination",
    "How reports are downloaded",
  ],
};
