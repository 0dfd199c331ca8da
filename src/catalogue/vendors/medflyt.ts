import { preset, sensitive, VENDOR_DEFAULTS, type Vendor } from "../vendor.ts";

/** MedFlyt (Task Health): home care. A template without public documentation behind it. */
export const medflyt: Vendor = {
  ...VENDOR_DEFAULTS,
  id: "medflyt",
  name: "MedFlyt (Task Health)",
  category: "healthcare",
  summary:
    "Home care. No public API documentation was found: a template to be completed with what the vendor tells you.",
  baseUrl: "https://api.medflyt.com",
  variables: [
    {
      name: "header_name",
      label: "Header that carries the key",
      pattern: "^[A-Za-z0-9-]{1,64}$",
      example: "X-Api-Key",
    },
  ],
  auth: [
    { id: "bearer", label: "Bearer token", scheme: { scheme: "bearer" }, secretLabel: "Key" },
    {
      id: "header",
      label: "Key in a header that you name",
      scheme: { scheme: "header", name: "{header_name}", prefix: "" },
      secretLabel: "Key",
    },
  ],
  tokenHeaders: ["x-api-key"],
  limitsNote: "Unknown.",
  pagination: "Unknown.",
  test: null,
  presets: [preset("Read only", "Every GET. Narrow it once you know the paths.", ["GET /**"])],
  sensitive: [
    ...sensitive("pii_bulk_export", "Patients' health data: every read is sensitive.", "GET /**"),
    ...sensitive("deletion", "Clinical and billing records.", "POST|PUT|PATCH|DELETE /**"),
  ],
  notes: ["Health data: RelayKey keeps no bodies, and nothing else along the way should."],
  unverified: [
    "Everything but the host name: the way to authenticate, paths, limits, and whether third parties get keys at all",
  ],
};
