/**
 * Instructions for an agent, in Markdown, generated from what a credential really allows.
 * Pure. Never holds a token unless the caller passes one. What people typed (names, labels, paths) is data: it is
 * stripped of control and bidirectional characters, shortened, and escaped, so that it can neither end a line,
 * open markup, nor leave a code span.
 */
import type { Limits } from "./limits.ts";
import type { Rule } from "./scope.ts";

export const PROMPT_VARIANTS = ["generic", "claude_code", "codex", "cursor", "curl", "sdk"] as const;
export type PromptVariant = (typeof PROMPT_VARIANTS)[number];

export interface PromptGrant {
  readonly connectionId: string;
  readonly connectionName: string;
  /** Catalogue id, so that an agent knows whose API this is; null: none. */
  readonly vendor: string | null;
  /** The catalogue's lines that set up the vendor's own SDK (`{proxy}`, `{host}`, `{token}`); absent: plain `fetch`. */
  readonly sdkLines?: readonly string[];
  /** Path on the proxy under which this connection answers, e.g. `/conn_hubspot`. */
  readonly baseUrlPath: string;
  /** Path of the connection's base URL (`/v1`, or empty): rules include it, requests to the proxy leave it out. */
  readonly upstreamBasePath: string;
  readonly rules: readonly Rule[];
  readonly denyQueryParams: readonly string[];
  readonly limits: Limits;
}

export interface PromptInput {
  readonly credentialName: string;
  readonly recipientName: string | null;
  readonly expiresAtMs: number | null;
  /** Scheme and host, e.g. `https://proxy.example.com`. */
  readonly proxyOrigin: string;
  readonly limits: Limits;
  readonly grants: readonly PromptGrant[];
  /** The token in clear, only when the issuer asked for it; otherwise the prompt names the environment variable. */
  readonly token?: string;
}

const MAX_NAME_CHARS = 120;
const MAX_LISTED_PATHS = 40;

/** Writes the instructions for one kind of agent. Ends with a line feed. */
export function agentPrompt(input: PromptInput, variant: PromptVariant): string {
  switch (variant) {
    case "curl":
      return document(curlLines(input));
    case "sdk":
      return document(sdkLines(input));
    case "cursor":
      return document([...CURSOR_FRONT_MATTER, ...bodyLines(input)]);
    case "claude_code":
      return document([...placement("CLAUDE.md", input.token), ...bodyLines(input)]);
    case "codex":
      return document([...placement("AGENTS.md", input.token), ...bodyLines(input)]);
    case "generic":
      return document(bodyLines(input));
  }
}

const CURSOR_FRONT_MATTER = [
  "---",
  "description: Third-party APIs are called through RelayKey with a scoped token",
  "alwaysApply: true",
  "---",
  "",
] as const;

function placement(file: string, token: string | undefined): readonly string[] {
  const how = token === undefined ? "Put the token into the environment as `RELAYKEY_TOKEN`, never into a file." : "";
  return [`<!-- Paste into ${file}. ${how}`.trimEnd() + " -->", ""];
}

function bodyLines(input: PromptInput): readonly string[] {
  const recipient = input.recipientName === null ? "" : ` for ${plain(input.recipientName)}`;
  return [
    `# API access through RelayKey`,
    "",
    `You hold the RelayKey credential “${plain(input.credentialName)}”${recipient}. It reaches only what is listed below.`,
    `RelayKey swaps it for the vendor's key: never ask for that key, and never send requests to the vendor directly.`,
    "",
    `- Send \`Authorization: Bearer ${tokenText(input)}\` on every call. A vendor's own SDK works with its base URL and key replaced.`,
    `- ${expiry(input.expiresAtMs)}`,
    `- What is left of the limits: ${code(`GET ${input.proxyOrigin}/.relaykey/whoami`)} with the same header.`,
    ...limitLines(input.limits).map((line) => `- All calls together: ${line}.`),
    ...input.grants.flatMap((grant) => grantLines(input, grant)),
    "",
    ...BEHAVIOUR,
  ];
}

function grantLines(input: PromptInput, grant: PromptGrant): readonly string[] {
  const pairs = allowedPairs(grant);
  const shown = pairs.slice(0, MAX_LISTED_PATHS);
  const denied = grant.denyQueryParams.map(code).join(", ");
  return [
    "",
    `## ${plain(grant.connectionName)}`,
    "",
    `Base URL: ${code(input.proxyOrigin + grant.baseUrlPath)}`,
    ...(grant.vendor === null ? [] : [`Vendor's API: ${code(grant.vendor)}`]),
    "",
    `Allowed (\`*\` stands for one segment, a last \`/*\` for everything below):`,
    "",
    ...shown.map((pair) => `- ${code(`${pair.methods.join(", ")} ${pair.path}`)}`),
    ...(pairs.length > shown.length ? [`- … and ${pairs.length - shown.length} more; see whoami`] : []),
    ...(pairs.length === 0 ? ["- nothing"] : []),
    ...(denied === "" ? [] : ["", `Do not send these query parameters: ${denied}.`]),
    ...limitLines(grant.limits).map((line) => `\nLimit: ${line}.`),
  ];
}

const BEHAVIOUR: readonly string[] = [
  "## When a call is refused",
  "",
  "Refusals are `application/problem+json`; read `code` and `detail`. `X-RelayKey-Source: relaykey` marks them; with",
  "`upstream` the answer is the vendor's own.",
  "",
  "- **400, 413, 431**: the request itself is at fault; `detail` says how. Mend it: the same one is refused again.",
  "- **401**: the token is wrong, expired or revoked. Stop and tell the person who gave it to you. Do not retry.",
  "- **402**: the call must be paid for or the credits are used up. Stop and ask; never pay on your own.",
  "- **403**: outside the scope. Do not look for another way to reach it; say what you need and why, and quote the",
  "  `smallest_scope` of the answer if there is one.",
  "- **404**: RelayKey has no such route. Paths begin with the connection's id, as above.",
  "- **409**: this payment was used before. Do not send it again.",
  "- **423**: a new network address. A confirmation was mailed to the credential's owner; ask them to confirm, wait a",
  "  minute, then try once more. Do not change address or route around it.",
  "- **429**: wait as many seconds as `Retry-After` says, then retry once. On `budget_exhausted` stop.",
  "- **502, 503, 504**: retry reads once after `Retry-After` (or 5 seconds). Repeat a write only with the vendor's",
  "  idempotency key; where `retryable` is false it may have been carried out, so look first.",
];

function curlLines(input: PromptInput): readonly string[] {
  const header =
    input.token === undefined
      ? `"Authorization: Bearer $RELAYKEY_TOKEN"`
      : shell(`Authorization: Bearer ${input.token}`);
  const calls = input.grants.flatMap((grant) => {
    const example = exampleCall(grant);
    if (example === null) return [];
    const method = example.method === "GET" ? "" : `-X ${shell(example.method)} `;
    return [`curl -sS ${method}-H ${header} ${shell(input.proxyOrigin + grant.baseUrlPath + example.path)}`];
  });
  return ["```sh", `curl -sS -H ${header} ${shell(`${input.proxyOrigin}/.relaykey/whoami`)}`, ...calls, "```"];
}

function sdkLines(input: PromptInput): readonly string[] {
  return input.grants.flatMap((grant) => [
    `## ${plain(grant.connectionName)}`,
    "",
    "```js",
    ...setUpLines(input, grant),
    "```",
    "",
  ]);
}

/** Values go into JSON strings, which JavaScript reads the same, so that none can leave its quotes. */
function setUpLines(input: PromptInput, grant: PromptGrant): readonly string[] {
  const url = input.proxyOrigin + grant.baseUrlPath;
  const token = input.token === undefined ? "process.env.RELAYKEY_TOKEN" : JSON.stringify(input.token);
  if (grant.sdkLines === undefined) {
    const target = JSON.stringify(url + (exampleCall(grant)?.path ?? "/"));
    return [`const response = await fetch(${target}, {`, `  headers: { Authorization: "Bearer " + ${token} },`, "});"];
  }
  const host = `${grant.connectionId.replace(/^conn_/, "")}.${input.proxyOrigin.replace(/^[a-z]+:\/\//, "")}`;
  return grant.sdkLines.map((line) =>
    line
      .replaceAll('"{token}"', () => token)
      .replaceAll("{proxy}", () => JSON.stringify(url).slice(1, -1))
      .replaceAll("{host}", () => JSON.stringify(host).slice(1, -1)),
  );
}

/** Rules as the caller writes them: methods with the path below the connection's address on the proxy. */
function allowedPairs(grant: PromptGrant): readonly { methods: readonly string[]; path: string }[] {
  return grant.rules.flatMap((rule) =>
    rule.paths.map((path) => ({ methods: rule.methods, path: belowBase(path, grant.upstreamBasePath) })),
  );
}

/** Takes the base path off a pattern; a pattern that does not begin with it is shown as it stands. */
function belowBase(pattern: string, basePath: string): string {
  if (basePath === "" || basePath === "/") return pattern;
  if (pattern === basePath) return "/";
  return pattern.startsWith(`${basePath}/`) ? pattern.slice(basePath.length) : pattern;
}

/** One call that the rules allow, reads first; wildcards become the word `ID`. Null: nothing is allowed. */
function exampleCall(grant: PromptGrant): { readonly method: string; readonly path: string } | null {
  const pairs = allowedPairs(grant);
  const read = pairs.find((pair) => pair.methods.includes("GET") || pair.methods.includes("*"));
  const chosen = read ?? pairs[0];
  const first = chosen?.methods[0];
  if (chosen === undefined || first === undefined) return null;
  const segments = chosen.path.replace(/\/\*{1,2}$/, "").split("/");
  const path = segments.map((segment) => (segment.startsWith(":") ? "ID" : segment.replaceAll(/\*+/g, "ID"))).join("/");
  return { method: read === undefined ? first : "GET", path: path === "" ? "/" : path };
}

function limitLines(limits: Limits): readonly string[] {
  const rates = limits.rate.map((rate) => `${rate.requests} requests in ${rate.perSeconds} s`);
  const budgets = limits.budgets.map((budget) =>
    budget.unit === "requests"
      ? `${budget.limit} requests per ${budget.window}`
      : `${(budget.limit / 1_000_000).toFixed(2)} US dollars per ${budget.window}`,
  );
  return [...rates, ...budgets];
}

function expiry(expiresAtMs: number | null): string {
  return expiresAtMs === null
    ? "It does not expire by itself."
    : `It expires at ${new Date(expiresAtMs).toISOString()}.`;
}

function tokenText(input: PromptInput): string {
  return input.token ?? "$RELAYKEY_TOKEN";
}

function document(lines: readonly string[]): string {
  return `${lines.join("\n").trimEnd()}\n`;
}

/** One line without control, format, private-use or separator characters. */
function oneLine(text: string): string {
  return text.replaceAll(/[\p{C}\p{Zl}\p{Zp}\s]+/gu, " ").trim();
}

/** A name inside a sentence: one line, shortened, Markdown and HTML escaped. */
function plain(text: string): string {
  const characters = Array.from(oneLine(text));
  const short =
    characters.length > MAX_NAME_CHARS ? `${characters.slice(0, MAX_NAME_CHARS).join("")}…` : characters.join("");
  return short.replaceAll("&", "&amp;").replaceAll(/[\\`*_[\]<>#|~!]/g, (mark) => `\\${mark}`);
}

/** A code span whose fence is longer than any run of backticks inside (CommonMark 6.1). */
function code(text: string): string {
  const inner = oneLine(text);
  const longest = Math.max(0, ...[...inner.matchAll(/`+/g)].map((run) => run[0].length));
  const fence = "`".repeat(longest + 1);
  return longest === 0 ? fence + inner + fence : `${fence} ${inner} ${fence}`;
}

/** A POSIX shell word in single quotes. */
function shell(text: string): string {
  return `'${oneLine(text).replaceAll("'", `'\\''`)}'`;
}
