import { preset, readTest, sensitive, VENDOR_DEFAULTS, type Vendor } from "../vendor.ts";

/** GitHub: REST and GraphQL. */
export const github: Vendor = {
  ...VENDOR_DEFAULTS,
  id: "github",
  name: "GitHub",
  category: "developer-tools",
  summary: "Repositories, issues, pull requests and Actions. Pages follow one another by absolute Link headers.",
  baseUrl: "https://api.github.com",
  regions: [
    { id: "github-com", label: "github.com", baseUrl: "https://api.github.com" },
    { id: "enterprise-server", label: "Enterprise Server", baseUrl: "https://{hostname}/api/v3" },
    { id: "data-residency", label: "Enterprise Cloud with data residency", baseUrl: "https://api.{subdomain}.ghe.com" },
  ],
  variables: [
    {
      name: "hostname",
      label: "Host name of the Enterprise Server",
      pattern: "^[a-z0-9][a-z0-9.-]{1,250}[a-z0-9]$",
      example: "github.example.com",
    },
    { name: "subdomain", label: "Subdomain of ghe.com", pattern: "^[a-z0-9][a-z0-9-]{0,62}$", example: "octocorp" },
  ],
  auth: [
    {
      id: "bearer",
      label: "Personal access token or installation token",
      scheme: { scheme: "bearer" },
      secretLabel: "Token",
      hint: "A fine-grained token for chosen repositories is a second fence.",
    },
  ],
  // Requests without a User-Agent are refused by the vendor.
  defaultHeaders: { "user-agent": "RelayKey", accept: "application/vnd.github+json" },
  origins: [{ name: "uploads", baseUrl: "https://uploads.github.com", pathPrefixes: [] }],
  collapseBasePath: true,
  reliability: {
    retryStatuses: [429, 500, 502, 503, 504],
    limitSigns: [
      { statuses: [429], header: null, bodyIncludes: null },
      { statuses: [403], header: "retry-after", bodyIncludes: null },
      { statuses: [403], header: "x-ratelimit-remaining: 0", bodyIncludes: null },
      { statuses: [403], header: null, bodyIncludes: "rate limit" },
    ],
    quotaHeaders: [{ remaining: "x-ratelimit-remaining", reset: "x-ratelimit-reset", unit: "epoch_seconds" }],
  },
  limitsNote: "5000 requests an hour for a user, all tokens together, and secondary limits on bursts and on writing.",
  pagination: "Absolute Link headers, which point at the proxy when they come back.",
  test: readTest("/rate_limit", "the vendor names the limits of its owner", {
    failsWith: [],
    realWith: [],
  }),
  presets: [
    preset("Read one repository", "Everything in the repository that you name, read only.", [
      "GET /repos/{owner}/{repo}/**",
    ]),
    preset("Issues and comments", "Read and write issues of one repository.", [
      "GET|POST /repos/{owner}/{repo}/issues",
      "GET|PATCH /repos/{owner}/{repo}/issues/:number",
      "GET|POST /repos/{owner}/{repo}/issues/:number/comments",
    ]),
    preset("Review pull requests", "Read pull requests of one repository, review and comment; merge none.", [
      "GET /repos/{owner}/{repo}/pulls/**",
      "POST /repos/{owner}/{repo}/pulls/:number/reviews",
      "POST /repos/{owner}/{repo}/pulls/:number/comments",
    ]),
    preset("Start a workflow", "Dispatch workflows of one repository and watch the runs.", [
      "POST /repos/{owner}/{repo}/actions/workflows/:workflow/dispatches",
      "GET /repos/{owner}/{repo}/actions/runs",
      "GET /repos/{owner}/{repo}/actions/runs/:run",
    ]),
  ],
  sensitive: [
    ...sensitive(
      "deletion",
      "Deletes a repository or an organisation.",
      "DELETE /repos/:owner/:repo",
      "DELETE /orgs/:org",
    ),
    ...sensitive(
      "config_takeover",
      "Can make a repository public, give it away or send its events elsewhere.",
      "PATCH /repos/:owner/:repo",
      "POST /repos/:owner/:repo/transfer",
      "POST|PATCH|DELETE /**/hooks/**",
    ),
    ...sensitive(
      "config_takeover",
      "Switches off the rules that guard a branch.",
      "PUT|PATCH|POST|DELETE /repos/:owner/:repo/branches/:branch/protection/**",
      "POST|PUT|DELETE /**/rulesets/**",
    ),
    ...sensitive(
      "access_control",
      "Lets other people in, or approves their tokens.",
      "PUT|DELETE /repos/:owner/:repo/collaborators/:user",
      "PUT|DELETE /orgs/:org/memberships/:user",
      "POST /orgs/:org/invitations",
      "PUT|DELETE /orgs/:org/outside_collaborators/:user",
      "PUT /orgs/:org/teams/:team/memberships/:user",
      "POST /orgs/:org/personal-access-token-requests/**",
    ),
    ...sensitive(
      "access_control",
      "One path for every read and write: only GraphQL rules can narrow it.",
      "POST /graphql",
    ),
    ...sensitive(
      "credential_minting",
      "Makes a key, a token or a runner that reaches the code without RelayKey.",
      "POST /repos/:owner/:repo/keys",
      "POST /user/keys",
      "POST /user/gpg_keys",
      "POST /app/installations/:id/access_tokens",
      "POST /applications/:client/token/scoped",
      "POST /**/actions/runners/registration-token",
      "POST /**/actions/runners/generate-jitconfig",
    ),
    ...sensitive(
      "secret_access",
      "Overwrites secrets that workflows and environments use.",
      "PUT|DELETE /**/secrets/:name",
    ),
    ...sensitive(
      "code_execution",
      "Changes code, or starts workflows that run with secrets.",
      "PUT|DELETE /repos/:owner/:repo/contents/**",
      "POST|PATCH|DELETE /repos/:owner/:repo/git/refs/**",
      "POST /repos/:owner/:repo/merges",
      "POST /repos/:owner/:repo/actions/workflows/:workflow/dispatches",
      "POST /repos/:owner/:repo/deployments",
    ),
    ...sensitive(
      "pii_bulk_export",
      "Takes whole source trees or the audit log away.",
      "GET /repos/:owner/:repo/tarball/**",
      "GET /repos/:owner/:repo/zipball/**",
      "POST /orgs/:org/migrations",
      "GET /orgs/:org/audit-log",
    ),
  ],
  operations: [
    { method: "GET", template: "/user", name: "users/get-authenticated" },
    { method: "GET", template: "/user/repos", name: "repos/list-for-authenticated-user" },
    { method: "GET", template: "/repos/:owner/:repo", name: "repos/get" },
    { method: "GET", template: "/repos/:owner/:repo/issues", name: "issues/list-for-repo" },
    { method: "POST", template: "/repos/:owner/:repo/issues", name: "issues/create" },
    { method: "GET", template: "/repos/:owner/:repo/pulls", name: "pulls/list" },
  ],
  sdk: {
    package: "@octokit/rest",
    version: "22.0.1",
    lines: [
      'import { Octokit } from "@octokit/rest";',
      'const octokit = new Octokit({ auth: "{token}", baseUrl: "{proxy}" });',
    ],
    keepsBasePath: true,
    keyOnWire: "Authorization: token",
    caveats: [
      "uploadReleaseAsset goes to uploads.github.com whatever the base URL: give it a URL on the proxy.",
      "GraphQL is posted to /graphql below the base URL.",
    ],
  },
  notes: [
    "Downloads answer with a redirect to storage, which is handed to the client and carries no key.",
    "On Enterprise Server, GraphQL lies outside the base path and is not reached by this connection.",
  ],
  unverified: [
    "The host pattern of data residency",
    "The form of the redirect for a renamed repository",
    "Whether a missing User-Agent is still refused",
  ],
};
