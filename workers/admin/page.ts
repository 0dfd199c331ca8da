/**
 * The few HTML pages that people meet without the dashboard: confirmation, share, mailbox, login. No inline script or style,
 * nothing from third parties, no frame; what is interpolated is escaped by `html`.
 */
import { html } from "hono/html";

export type Html = ReturnType<typeof html>;

export const PAGE_STYLE_PATH = "/pages/page.css";
export const SHARE_SCRIPT_PATH = "/pages/share.js";

interface PageOptions {
  readonly status?: number;
  /** The page runs RelayKey's own script and talks to its own origin. */
  readonly script?: `/${string}`;
  readonly headers?: Readonly<Record<string, string>>;
}

/** `content` must come from `html`, so that values in it are escaped. */
export async function page(title: string, content: Html, options: PageOptions = {}): Promise<Response> {
  const scripted = options.script !== undefined;
  const script = scripted ? html`<script src="${options.script}" defer></script>` : "";
  const document = await html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        <title>${title} – RelayKey</title>
        <link rel="stylesheet" href="${PAGE_STYLE_PATH}" />
        ${script}
      </head>
      <body>
        <main>
          <h1>${title}</h1>
          ${content}
        </main>
      </body>
    </html> `;
  return new Response(String(document), {
    status: options.status ?? 200,
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": contentSecurityPolicy(scripted),
      // Same-origin and not none: with none, browsers send `Origin: null` with the page's own form.
      "referrer-policy": "same-origin",
      "x-frame-options": "DENY",
      "x-robots-tag": "noindex, nofollow",
      ...options.headers,
    },
  });
}

function contentSecurityPolicy(scripted: boolean): string {
  const script = scripted ? "script-src 'self'; connect-src 'self'; " : "";
  return `default-src 'none'; ${script}style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`;
}

/** A small file that pages load; versions change with the deployment, so it is not kept for long. */
export function pageFile(text: string, contentType: string): Response {
  return new Response(text, {
    headers: { "content-type": `${contentType}; charset=utf-8`, "cache-control": "public, max-age=300" },
  });
}

/**
 * Whether a form was posted from somewhere else. A client that does not say where it comes from is no browser and cannot
 * be tricked by another page; a browser always says.
 */
export function isForeignForm(request: Request, adminOrigin: string | null): boolean {
  if (request.headers.get("sec-fetch-site") === "cross-site") return true;
  const origin = request.headers.get("origin");
  return origin !== null && origin !== new URL(request.url).origin && origin !== adminOrigin;
}
