/**
 * The reference page, made from the OpenAPI document on the server: one HTML file without script, font or picture from
 * anywhere. Everything in it is escaped.
 */
import type { Route } from "./route.ts";

const STYLE = `:root{color-scheme:light dark;--line:#8884;--soft:#8881}
body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:64rem;padding:1.5rem}
h1{font-size:1.6rem}h2{margin-top:2.5rem;border-bottom:1px solid var(--line)}
details{border:1px solid var(--line);border-radius:.4rem;margin:.5rem 0;padding:.25rem .75rem}
summary{cursor:pointer;overflow-wrap:anywhere}code,pre{font:.875rem/1.45 ui-monospace,monospace}
pre{background:var(--soft);border-radius:.3rem;overflow:auto;padding:.75rem;max-height:28rem}
.method{display:inline-block;font-weight:700;min-width:4.5rem}nav a{margin-right:1rem}`;

export function docsPage(routes: readonly Route[], document: Record<string, unknown>): Response {
  const tags = [...new Set(routes.map((route) => route.tag))];
  const sections = tags.map((tag) => section(tag, routes, document)).join("\n");
  const html = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>RelayKey admin API</title><style>${STYLE}</style></head><body>
<main><h1>RelayKey admin API</h1>
<p>Send a management key as <code>Authorization: Bearer rk_mgmt_…</code>. Bodies are JSON; unknown members are refused.
Lists take <code>limit</code> and <code>cursor</code> and answer <code>{data, next_cursor}</code>. Every POST takes
<code>Idempotency-Key</code>. Errors are problem documents (RFC 9457) that name the field in <code>errors</code>.
The same in a machine's form: <a href="/openapi.json">/openapi.json</a>.</p>
<nav aria-label="Sections">${tags.map((tag) => `<a href="#${anchor(tag)}">${escape(tag)}</a>`).join(" ")}</nav>
${sections}
</main></body></html>`;
  return new Response(html, {
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy":
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    },
  });
}

function section(tag: string, routes: readonly Route[], document: Record<string, unknown>): string {
  const own = routes.filter((route) => route.tag === tag).map((route) => entry(route, document));
  return `<section><h2 id="${anchor(tag)}">${escape(tag)}</h2>\n${own.join("\n")}</section>`;
}

function entry(route: Route, document: Record<string, unknown>): string {
  const path = route.path.replaceAll(/:([a-z_]+)/g, "{$1}");
  const described = member(member(document["paths"], path), route.method.toLowerCase());
  const aliases = (route.aliases ?? []).map((alias) => `<code>${escape(alias)}</code>`).join(", ");
  const roles = route.roles === "public" ? "No key needed." : `Roles: ${route.roles.join(", ")}.`;
  const parts = [
    `<p>${escape(route.description ?? "")} ${roles}${aliases === "" ? "" : ` Also at ${aliases}.`}</p>`,
    schemaBlock("Parameters", member(described, "parameters")),
    schemaBlock("Body", jsonSchemaOf(member(described, "requestBody"), document)),
    ...Object.entries(route.responses).map(([status]) => {
      const answer = member(member(described, "responses"), status);
      return schemaBlock(`Answer ${status}`, jsonSchemaOf(answer, document));
    }),
  ];
  return `<details id="${escape(route.operationId)}"><summary><span class="method">${route.method}</span>
<code>${escape(path)}</code> ${escape(route.summary)}</summary>${parts.join("")}</details>`;
}

/** The schema of a body or answer; a reference to a named schema is followed once. */
function jsonSchemaOf(part: unknown, document: Record<string, unknown>): unknown {
  const schema = member(member(member(part, "content"), "application/json"), "schema");
  const name = /^#\/components\/schemas\/(.+)$/.exec(String(member(schema, "$ref")))?.[1];
  return name === undefined ? schema : member(member(document["components"], "schemas"), name);
}

function schemaBlock(title: string, value: unknown): string {
  if (value === undefined) return "";
  return `<h3>${escape(title)}</h3><pre tabindex="0">${escape(JSON.stringify(value, null, 2))}</pre>`;
}

function member(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  return Object.entries(value).find(([key]) => key === name)?.[1];
}

function anchor(tag: string): string {
  return tag.toLowerCase().replaceAll(/[^a-z]+/g, "-");
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
