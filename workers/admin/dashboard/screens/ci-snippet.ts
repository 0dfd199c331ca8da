/**
 * What a CI job runs to exchange its identity token for a credential. Pure text, written from the policy; no secret stands
 * in it. A refusal ends the job with the reason that RelayKey gave.
 */
import type { TrustPolicy } from "../../../../src/contract/exchange.ts";
import type { KnownIssuer } from "./trust-issuers.ts";

export type Snippet = KnownIssuer["id"] | "shell";
type Exchanged = Pick<TrustPolicy, "id" | "audience" | "claims">;

/** RFC 8693 §2.1 and §3. */
const GRANT_TYPE = "urn:ietf:params:oauth:grant-type:token-exchange";
const JWT_TYPE = "urn:ietf:params:oauth:token-type:jwt";
/** Its error is the reason that RelayKey gave. */
const TOKEN_OF_ANSWER = `jq -r '.access_token // error(.detail)'`;

/** `adminOrigin`: where the admin API answers. */
export function ciSnippet(kind: Snippet, policy: Exchanged, adminOrigin: string): string {
  const exchange = (variable: string): string[] => [
    `ANSWER=$(curl -sS "${adminOrigin}/api/v1/token-exchange" \\`,
    `  -d grant_type=${GRANT_TYPE} \\`,
    `  -d subject_token_type=${JWT_TYPE} \\`,
    `  -d trust_policy_id=${policy.id} \\`,
    `  --data-urlencode "subject_token=$IDENTITY")`,
    // Apart from the call, so that the failure of either ends the job in every shell.
    `${variable}=$(printf '%s' "$ANSWER" | ${TOKEN_OF_ANSWER})`,
  ];
  switch (kind) {
    case "github":
      return text(githubLines(policy, exchange("TOKEN")));
    case "gitlab":
      return text(gitlabLines(policy, exchange("RELAYKEY_TOKEN")));
    case "shell":
      return text([
        `# $IDENTITY is the identity token (a JWT) of this run, for the audience ${policy.audience}`,
        ...exchange("RELAYKEY_TOKEN"),
      ]);
  }
}

function githubLines(policy: Exchanged, exchange: readonly string[]): string[] {
  return [
    "permissions:",
    "  id-token: write",
    "  contents: read",
    "jobs:",
    "  call-api:",
    "    runs-on: ubuntu-latest",
    ...indented(4, environmentLine(policy)),
    "    steps:",
    "      - name: Get a token for this run",
    "        run: |",
    ...indented(10, [
      `IDENTITY=$(curl -sSf "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=${encodeURIComponent(policy.audience)}" \\`,
      `  -H "Authorization: Bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" | jq -er .value)`,
      ...exchange,
      'echo "::add-mask::$TOKEN"',
      'echo "RELAYKEY_TOKEN=$TOKEN" >> "$GITHUB_ENV"',
    ]),
    "      # Later steps find the token in $RELAYKEY_TOKEN.",
  ];
}

function gitlabLines(policy: Exchanged, exchange: readonly string[]): string[] {
  return [
    "call-api:",
    ...indented(2, environmentLine(policy)),
    "  id_tokens:",
    "    IDENTITY:",
    `      aud: ${quoted(policy.audience)}`,
    "  script:",
    "    - |",
    ...indented(6, exchange),
    "    # The lines below find the token in $RELAYKEY_TOKEN.",
    "    - export RELAYKEY_TOKEN",
  ];
}

/** A token names an environment only when its job does. */
function environmentLine(policy: Exchanged): string[] {
  const [environment] = policy.claims["environment"] ?? [];
  return environment === undefined ? [] : [`environment: ${quoted(environment)}`];
}

/** A JSON string is a YAML string too; bare words such as `true` are none. */
function quoted(value: string): string {
  return /^[a-z][a-z0-9_-]*$/i.test(value) && !/^(?:true|false|yes|no|on|off|null|y|n)$/i.test(value)
    ? value
    : JSON.stringify(value);
}

function indented(spaces: number, lines: readonly string[]): string[] {
  return lines.map((line) => " ".repeat(spaces) + line);
}

function text(lines: readonly string[]): string {
  return lines.join("\n");
}
