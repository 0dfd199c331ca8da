/** The style sheet and the script of RelayKey's own pages. */
import { ok } from "../../../src/domain/result.ts";
import { PAGE_STYLE_PATH, pageFile, SHARE_SCRIPT_PATH } from "../page.ts";
import { definePublicRoute, type MediaTypes, type Outcome, type Route } from "../route.ts";
import { SHARE_SCRIPT } from "../share-script.ts";

const STYLE = `:root{color-scheme:light dark;--bg:light-dark(#faf9f7,#121315);--surface:light-dark(#fff,#191b1e);--line:light-dark(#e6e4df,#2c2f34);
--strong:light-dark(#8d8a84,#74787f);--text:light-dark(#1d1d1f,#ececea);--muted:light-dark(#5b5c61,#a3a6ad);--accent:light-dark(#2f4bbd,#a5b5ff);
--on-accent:light-dark(#fff,#10131f);--bad:light-dark(#a1232a,#ffa09c);--sunken:light-dark(#f3f2ef,#212327);
font:16px/1.55 -apple-system,BlinkMacSystemFont,"Segoe UI",Roboto,"Noto Sans",Ubuntu,Cantarell,"Liberation Sans",Arial,sans-serif}
*{box-sizing:border-box}body{margin:0;padding:clamp(1.25rem,6vh,4.5rem) 1rem;background:var(--bg);color:var(--text)}
main{max-width:34rem;margin:0 auto;padding:1.5rem;background:var(--surface);border:1px solid var(--line);border-radius:14px}
h1{font-size:1.375rem;line-height:1.25;margin:0 0 1rem;letter-spacing:-.01em}h2{font-size:1.05rem;margin:0}p{margin:.75rem 0}a{color:var(--accent)}
dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.4rem 1rem;margin:1rem 0;padding:.9rem 1rem;background:var(--sunken);border-radius:10px}
dt{color:var(--muted)}dd{margin:0;overflow-wrap:anywhere}strong{font-weight:600;overflow-wrap:anywhere}
.choices{display:grid;gap:.75rem;margin:1.25rem 0}form{margin:0}
button{font:inherit;font-weight:500;width:100%;min-height:46px;padding:.6rem 1rem;border-radius:10px;border:1px solid var(--strong);background:var(--surface);color:var(--text);cursor:pointer}
button:disabled{opacity:.55;cursor:default}button:focus-visible,a:focus-visible,input:focus-visible,summary:focus-visible,[tabindex]:focus-visible{outline:3px solid var(--accent);outline-offset:2px;border-radius:6px}
button.primary{background:var(--accent);color:var(--on-accent);border-color:var(--accent)}button.danger{color:var(--bad);border-color:var(--bad)}
.note{color:var(--muted);font-size:.9rem}
article{border-top:1px solid var(--line);padding:1rem 0}
pre,textarea,output{font:14px/1.55 ui-monospace,"SF Mono",Menlo,Consolas,"Liberation Mono",monospace;white-space:pre-wrap;overflow-wrap:anywhere}
output,textarea{display:block;width:100%;margin:1rem 0;padding:.9rem 1rem;border:1px solid var(--line);border-radius:10px;background:var(--sunken);color:var(--text)}
[hidden]{display:none!important}
label{display:block;margin:1rem 0}input{font:inherit;padding:.5rem .7rem;width:100%;border:1px solid var(--strong);border-radius:10px;background:var(--surface);color:var(--text)}
@media (max-width:30rem){main{padding:1.25rem 1.1rem}dl{grid-template-columns:1fr;gap:.1rem}dd+dt{margin-top:.5rem}}
`;

export const PAGE_FILE_ROUTES: readonly Route[] = [
  file(PAGE_STYLE_PATH, "getPageStyle", "Style of RelayKey's own pages", STYLE, "text/css"),
  file(SHARE_SCRIPT_PATH, "getShareScript", "Script of the share page", SHARE_SCRIPT, "text/javascript"),
];

function file(
  path: `/${string}`,
  operationId: string,
  summary: string,
  text: string,
  contentType: MediaTypes[number],
): Route {
  return definePublicRoute({
    method: "GET",
    path,
    operationId,
    tag: "Pages",
    summary,
    responses: { 200: [contentType] },
    handler: async (): Promise<Outcome> => ok(pageFile(text, contentType)),
  });
}
