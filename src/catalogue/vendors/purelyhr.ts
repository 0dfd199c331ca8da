import { preset, readTest, sensitive, VENDOR_DEFAULTS, type Vendor } from "../vendor.ts";

/** PurelyHR: time off, read only, XML, the key in the query. */
export const purelyhr: Vendor = {
  ...VENDOR_DEFAULTS,
  id: "purelyhr",
  name: "PurelyHR",
  category: "hr",
  summary: "Time-off data, read only. The key is a query parameter and answers are XML.",
  baseUrl: "https://data.purelyhr.com",
  auth: [{ id: "query", label: "API key", scheme: { scheme: "query", name: "ak" }, secretLabel: "API key" }],
  tokenQueryParams: ["ak"],
  reliability: { retryStatuses: [429, 500, 502, 503, 504] },
  limitsNote: "None documented.",
  pagination: "A range of dates (sDate, eDate).",
  test: readTest("/xml/?sDate={today}&eDate={today}", "it reads today's absences", {
    failsWith: [
      { statuses: [200], bodyIncludes: "invalid", hint: "The vendor answers a bad key with 200; its text says so." },
      { statuses: [200], bodyIncludes: "<html", hint: "The answer is a web page and not XML." },
    ],
  }),
  presets: [
    preset("Read time-off requests", "Requests alone.", ["GET /xml/"]),
    preset("Read everything", "Also holidays, events and daily absences.", ["GET /**"]),
  ],
  sensitive: sensitive("pii_bulk_export", "Who was absent, when and why, which may tell of illness.", "GET /**"),
  notes: ["The key travels in the URL. RelayKey adds it last, drops a client's own, and never shows the vendor's URL."],
  unverified: [
    "The paths of holidays, events and daily data",
    "How a bad key is answered",
    "Limits",
    "The order of day and month in dates",
  ],
};
