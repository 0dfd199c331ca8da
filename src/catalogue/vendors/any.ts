import { UNDESCRIBED_RELIABILITY } from "../../domain/reliability.ts";
import { preset, sensitive, VENDOR_DEFAULTS, type Vendor } from "../vendor.ts";

/** Any REST API: nothing is known but what the person says. */
export const any: Vendor = {
  ...VENDOR_DEFAULTS,
  id: "any",
  name: "Any REST API",
  category: "custom",
  summary: "An API that is not in the catalogue. You name its address and how it takes its key.",
  baseUrl: null,
  variables: [
    {
      name: "header_name",
      label: "Header that carries the key",
      pattern: "^[A-Za-z0-9-]{1,64}$",
      example: "X-Api-Key",
    },
    {
      name: "parameter",
      label: "Query parameter that carries the key",
      pattern: "^[A-Za-z0-9_.-]{1,64}$",
      example: "api_key",
    },
    { name: "username", label: "User name", pattern: "^[!-9;-~]{1,200}$", example: "api" },
  ],
  auth: [
    { id: "bearer", label: "Bearer token", scheme: { scheme: "bearer" }, secretLabel: "Token" },
    {
      id: "header",
      label: "Key in a header",
      scheme: { scheme: "header", name: "{header_name}", prefix: "" },
      secretLabel: "Key",
    },
    {
      id: "basic",
      label: "Basic, the key as password",
      scheme: { scheme: "basic", secret_in: "password", fixed: "{username}" },
      secretLabel: "Password",
    },
    {
      id: "basic_username",
      label: "Basic, the key as user name",
      scheme: { scheme: "basic", secret_in: "username", fixed: "" },
      secretLabel: "Key",
    },
    {
      id: "query",
      label: "Key in the query",
      scheme: { scheme: "query", name: "{parameter}" },
      secretLabel: "Key",
      hint: "A key in the URL is easily logged along the way; prefer a header where the vendor offers one.",
    },
    { id: "none", label: "No key", scheme: { scheme: "none" }, secretLabel: "None" },
  ],
  limitsNote: "Unknown: 429 and 503 with Retry-After are understood.",
  pagination: "Unknown: Link, Location and the usual members of JSON answers (next and its like) are rewritten.",
  reliability: {
    idempotencyHeader: UNDESCRIBED_RELIABILITY.idempotencyHeader,
    limitSigns: [{ statuses: [429], header: null, bodyIncludes: null }],
  },
  test: null,
  presets: [
    preset("Read only", "Every GET. Narrow it to the paths that are needed.", ["GET /**"]),
    preset("Read one path", "GET on one path and below.", ["GET /{path}/**"]),
  ],
  sensitive: [...sensitive("deletion", "Removes things, wherever it is allowed.", "DELETE /**")],
  notes: ["Upload the vendor's OpenAPI document to see operations by name."],
  unverified: ["Everything: RelayKey knows nothing about this vendor"],
};
