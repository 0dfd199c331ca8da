import { preset, readTest, sensitive, VENDOR_DEFAULTS, type Vendor } from "../vendor.ts";

/** Fly.io: the Machines API. */
export const flyIo: Vendor = {
  ...VENDOR_DEFAULTS,
  id: "fly-io",
  name: "Fly.io",
  category: "infrastructure",
  summary: "Apps, machines, volumes and certificates.",
  baseUrl: "https://api.machines.dev",
  variables: [
    { name: "app", label: "An app that the token may read", pattern: "^[a-z0-9][a-z0-9-]{0,62}$", example: "my-app" },
  ],
  auth: [
    {
      id: "bearer",
      label: "Token, sent with Bearer",
      scheme: { scheme: "bearer" },
      secretLabel: "App, deploy or organisation token",
      hint: "Paste the token without the word in front of it; commas between several parts belong to it.",
    },
    {
      id: "flyv1",
      label: "Token, sent with FlyV1",
      scheme: { scheme: "header", name: "authorization", prefix: "FlyV1 " },
      secretLabel: "Token as flyctl prints it, without the word FlyV1",
    },
  ],
  reliability: {
    retryStatuses: [408, 429, 500, 502, 503, 504],
    limitSigns: [{ statuses: [429], header: null, bodyIncludes: null }],
  },
  limitsNote: "One request a second for each action and machine, bursts of three; reading a machine five a second.",
  pagination: "None.",
  test: readTest("/v1/apps/{app}/machines", "it lists the machines of the app"),
  presets: [
    preset("Read one app", "Machines and volumes of the app that you name.", [
      "GET /v1/apps/{app}",
      "GET /v1/apps/{app}/machines",
      "GET /v1/apps/{app}/machines/:machine",
      "GET /v1/apps/{app}/volumes",
    ]),
    preset("Start and stop machines", "Turn machines of one app on and off; change nothing else.", [
      "GET /v1/apps/{app}/machines",
      "POST /v1/apps/{app}/machines/:machine/start",
      "POST /v1/apps/{app}/machines/:machine/stop",
      "POST /v1/apps/{app}/machines/:machine/suspend",
      "GET /v1/apps/{app}/machines/:machine/wait",
    ]),
    preset("Deploy to one app", "Make and update machines of one app.", [
      "GET|POST /v1/apps/{app}/machines",
      "GET|POST /v1/apps/{app}/machines/:machine",
      "GET|POST|DELETE /v1/apps/{app}/machines/:machine/lease",
    ]),
  ],
  sensitive: [
    ...sensitive(
      "deletion",
      "Destroys an app, a machine or stored data.",
      "DELETE /v1/apps/:app",
      "DELETE /v1/apps/:app/machines/:machine",
      "DELETE /v1/apps/:app/volumes/:volume",
    ),
    ...sensitive(
      "code_execution",
      "Runs an image or a command where the app's secrets are.",
      "POST /v1/apps/:app/machines",
      "POST /v1/apps/:app/machines/:machine",
      "POST /v1/apps/:app/machines/:machine/exec",
    ),
    ...sensitive("credential_minting", "Returns a token that other clouds accept.", "POST /v1/tokens/oidc"),
    ...sensitive("credential_minting", "Can make tokens and change billing in one path.", "POST /graphql"),
    ...sensitive("spend", "Makes apps.", "POST /v1/apps"),
  ],
  notes: ["A token with third-party conditions needs a fresh discharge every few minutes and otherwise looks dead."],
  unverified: [
    "Whether the Machines API takes FlyV1",
    "The path of exec",
    "Which status a limit has",
    "The GraphQL API at api.fly.io",
  ],
};
