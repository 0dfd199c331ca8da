/** The style sheet and the script of RelayKey's own pages. */
import { ok } from "../../../src/domain/result.ts";
import { PAGE_STYLE_PATH, pageFile, SHARE_SCRIPT_PATH } from "../page.ts";
import { definePublicRoute, type Outcome, type Route } from "../route.ts";
import { SHARE_SCRIPT } from "../share-script.ts";

const STYLE = `:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}
body{margin:0;padding:2rem 1rem}
main{max-width:40rem;margin:0 auto}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin:0}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1rem}
dt{font-weight:600}dd{margin:0;overflow-wrap:anywhere}
.choices{display:flex;flex-wrap:wrap;gap:1rem;margin:1.5rem 0}
button{font:inherit;padding:.6rem 1rem;border-radius:.4rem;border:1px solid currentColor;cursor:pointer}
button:disabled{opacity:.5;cursor:default}
button:focus-visible,a:focus-visible,input:focus-visible{outline:3px solid #2f6fed;outline-offset:2px}
.primary{background:#14532d;color:#fff;border-color:#14532d}
.danger{background:#8f1d1d;color:#fff;border-color:#8f1d1d}
.note{opacity:.8;font-size:.9rem}
article{border-top:1px solid #8888;padding:1rem 0}
pre,textarea,output{font:14px/1.5 ui-monospace,monospace;white-space:pre-wrap;overflow-wrap:anywhere}
output,textarea{display:block;width:100%;box-sizing:border-box;padding:.75rem;border:1px solid #8888;border-radius:.4rem}
label{display:block;margin:1rem 0}input{font:inherit;padding:.5rem;width:100%;box-sizing:border-box}
`;

export const PAGE_FILE_ROUTES: readonly Route[] = [
  file(PAGE_STYLE_PATH, "getPageStyle", "Style of RelayKey's own pages", STYLE, "text/css"),
  file(SHARE_SCRIPT_PATH, "getShareScript", "Script of the share page", SHARE_SCRIPT, "text/javascript"),
];

function file(path: `/${string}`, operationId: string, summary: string, text: string, contentType: string): Route {
  return definePublicRoute({
    method: "GET",
    path,
    operationId,
    tag: "Pages",
    summary,
    responses: { 200: "other" },
    handler: async (): Promise<Outcome> => ok(pageFile(text, contentType)),
  });
}
