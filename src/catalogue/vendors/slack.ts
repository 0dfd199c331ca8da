import { preset, sensitive, VENDOR_DEFAULTS, type Vendor } from "../vendor.ts";

/** Slack: the Web API, by method names. */
export const slack: Vendor = {
  ...VENDOR_DEFAULTS,
  id: "slack",
  name: "Slack",
  category: "collaboration",
  summary: "The Web API, called by method names. Errors come as 200 with ok:false.",
  baseUrl: "https://slack.com/api",
  regions: [
    { id: "commercial", label: "slack.com", baseUrl: "https://slack.com/api" },
    { id: "gov", label: "GovSlack", baseUrl: "https://slack-gov.com/api" },
  ],
  auth: [{ id: "bearer", label: "Bot or user token", scheme: { scheme: "bearer" }, secretLabel: "Token" }],
  origins: [{ name: "files", baseUrl: "https://files.slack.com", pathPrefixes: ["/files-pri", "/files-tmb"] }],
  collapseBasePath: true,
  tokenQueryParams: ["token"],
  reliability: {
    retryStatuses: [429, 500, 502, 503, 504],
    limitSigns: [
      { statuses: [429], header: null, bodyIncludes: null },
      { statuses: [200], header: null, bodyIncludes: '"ratelimited"' },
    ],
    // The closing quotes keep these apart from the same words inside a message, where they are escaped.
    refusedSigns: [
      { statuses: [200], header: null, bodyIncludes: '"invalid_auth"' },
      { statuses: [200], header: null, bodyIncludes: '"token_revoked"' },
      { statuses: [200], header: null, bodyIncludes: '"token_expired"' },
      { statuses: [200], header: null, bodyIncludes: '"account_inactive"' },
    ],
  },
  limitsNote:
    "By method, app and workspace: tiers of 1, 20, 50 and 100 calls a minute; posting about one a second to a channel.",
  pagination: "Cursors (cursor, limit).",
  test: {
    method: "POST",
    path: "/api/auth.test",
    body: "",
    contentType: "application/x-www-form-urlencoded",
    proves: "the vendor names the workspace that it belongs to",
    failsWith: [
      {
        statuses: [],
        bodyIncludes: '"ok":false',
        hint: "The vendor answers 200 and says in the body that the token is not valid.",
      },
    ],
    realWith: [
      { statuses: [], bodyIncludes: '"error":"missing_scope"', hint: "The token is real but lacks a scope." },
      { statuses: [], bodyIncludes: '"ratelimited"', hint: "The vendor asks to wait; try again in a minute." },
    ],
  },
  presets: [
    preset("Post messages", "Write and edit messages.", [
      "POST /api/chat.postMessage",
      "POST /api/chat.update",
      "POST /api/auth.test",
    ]),
    preset("Read channels", "Channels and what is said in them.", [
      "GET|POST /api/conversations.list",
      "GET|POST /api/conversations.info",
      "GET|POST /api/conversations.history",
      "GET|POST /api/conversations.replies",
    ]),
    preset("Look up users", "Find a person.", ["GET|POST /api/users.info", "GET|POST /api/users.lookupByEmail"]),
    preset("Upload files", "Hand files in.", [
      "POST /api/files.getUploadURLExternal",
      "POST /api/files.completeUploadExternal",
    ]),
  ],
  sensitive: [
    ...sensitive(
      "credential_minting",
      "Returns a token, or an address that receives every event.",
      "POST /api/apps.connections.open",
      "POST /api/oauth.*",
      "POST /api/tooling.tokens.rotate",
    ),
    ...sensitive(
      "config_takeover",
      "Ends the shared token, removes the app or rewrites it.",
      "POST /api/auth.revoke",
      "POST /api/apps.uninstall",
      "POST /api/apps.manifest.*",
    ),
    ...sensitive(
      "access_control",
      "Changes users, workspaces or who sits in which channel.",
      "POST /api/admin.*",
      "POST /api/conversations.invite",
      "POST /api/usergroups.users.update",
    ),
    ...sensitive(
      "pii_bulk_export",
      "Reads what people say, who they are or where they log in from.",
      "GET|POST /api/conversations.history",
      "GET|POST /api/search.messages",
      "GET|POST /api/users.list",
      "GET|POST /api/team.accessLogs",
    ),
    ...sensitive("pii_bulk_export", "Makes a file public.", "POST /api/files.sharedPublicURL"),
    ...sensitive(
      "deletion",
      "Removes messages, files or channels.",
      "POST /api/chat.delete",
      "POST /api/files.delete",
      "POST /api/conversations.archive",
    ),
  ],
  sdk: {
    package: "@slack/web-api",
    version: "8.2.0",
    lines: [
      'import { WebClient } from "@slack/web-api";',
      'const slack = new WebClient("{token}", { slackApiUrl: "{proxy}/api/" });',
    ],
    keepsBasePath: true,
    keyOnWire: "Authorization: Bearer; every call is a form POST",
    caveats: [
      "It repeats ten times over half an hour; a 429 without whole seconds in Retry-After fails at once.",
      "filesUploadV2 sends the RelayKey token along to the vendor's upload address on files.slack.com.",
    ],
  },
  notes: [
    "Reads are POST as well, so scopes name methods such as conversations.list.",
    "Socket Mode runs on another host and does not pass through the proxy.",
  ],
  unverified: [
    "Lower limits of conversations.history for some apps",
    "The host of GovSlack",
    "Whether a token is still read from the query everywhere",
    "The paths of private files",
  ],
};
