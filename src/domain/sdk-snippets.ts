/**
 * One line of set-up per vendor SDK that takes another base URL, for prompts and the dashboard.
 * A table and one resolver. Never holds a token: the snippets read it from the environment.
 */

/** Proxy address of one connection, e.g. `https://proxy.example.com/conn_stripe`, without a trailing slash. */
type SnippetLines = (baseUrl: string) => readonly string[];

const TOKEN = "process.env.RELAYKEY_TOKEN";

/** JSON strings are valid JavaScript strings, so nothing in the address can leave its quotes. */
function quoted(text: string): string {
  return JSON.stringify(text);
}

const SNIPPETS: Readonly<Record<string, SnippetLines>> = {
  anthropic: (url) => [
    `import Anthropic from "@anthropic-ai/sdk";`,
    `const client = new Anthropic({ apiKey: ${TOKEN}, baseURL: ${quoted(url)} });`,
  ],
  openai: (url) => [
    `import OpenAI from "openai";`,
    `const client = new OpenAI({ apiKey: ${TOKEN}, baseURL: ${quoted(`${url}/v1`)} });`,
  ],
  stripe: (url) => [
    `import Stripe from "stripe";`,
    `const base = new URL(${quoted(url)});`,
    `const client = new Stripe(${TOKEN}, {`,
    `  host: base.hostname,`,
    `  port: base.port || (base.protocol === "https:" ? 443 : 80),`,
    `  protocol: base.protocol.slice(0, -1),`,
    `  httpClient: Stripe.createFetchHttpClient((input, init) => {`,
    `    const target = new URL(input);`,
    `    return fetch(base.href.replace(/\\/$/, "") + target.pathname + target.search, init);`,
    `  }),`,
    `});`,
  ],
  github: (url) => [
    `import { Octokit } from "@octokit/rest";`,
    `const client = new Octokit({ auth: ${TOKEN}, baseUrl: ${quoted(url)} });`,
  ],
  hubspot: (url) => [
    `import { Client } from "@hubspot/api-client";`,
    `const client = new Client({ accessToken: ${TOKEN}, basePath: ${quoted(url)} });`,
  ],
  slack: (url) => [
    `import { WebClient } from "@slack/web-api";`,
    `const client = new WebClient(${TOKEN}, { slackApiUrl: ${quoted(`${url}/api/`)} });`,
  ],
  notion: (url) => [
    `import { Client } from "@notionhq/client";`,
    `const client = new Client({ auth: ${TOKEN}, baseUrl: ${quoted(url)} });`,
  ],
  resend: (url) => [
    `import { Resend } from "resend";`,
    `const client = new Resend(${TOKEN}, { baseUrl: ${quoted(url)} });`,
  ],
  elevenlabs: (url) => [
    `import { ElevenLabsClient } from "@elevenlabs/elevenlabs-js";`,
    `const client = new ElevenLabsClient({ apiKey: ${TOKEN}, baseUrl: ${quoted(url)} });`,
  ],
};

/** Lines of JavaScript that point the vendor's own SDK at the proxy; plain `fetch` when none is known. */
export function sdkSnippet(vendor: string | null, baseUrl: string, examplePath: string): readonly string[] {
  const known = vendor !== null && Object.hasOwn(SNIPPETS, vendor) ? SNIPPETS[vendor] : undefined;
  if (known !== undefined) return known(baseUrl);
  return [
    `const response = await fetch(${quoted(baseUrl + examplePath)}, {`,
    "  headers: { Authorization: `Bearer ${" + TOKEN + "}` },",
    `});`,
  ];
}
