/**
 * The dashboard's files, with the headers that keep its pages to themselves. Only reading is offered; a path without a
 * file gets the dashboard's start page, which routes in the browser.
 */
import { answerProblem, freshRequestId } from "./answer.ts";
import type { AdminEnv } from "./env.ts";

const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

export async function serveDashboard(request: Request, env: AdminEnv): Promise<Response> {
  if (request.method !== "GET" && request.method !== "HEAD") return noSuchFile();
  const found = await env.ASSETS.fetch(request);
  const wantsPage = (request.headers.get("accept") ?? "").includes("text/html");
  const served =
    found.status === 404 && wantsPage ? await env.ASSETS.fetch(new Request(new URL("/", request.url), request)) : found;
  if (served.status === 404) return noSuchFile();
  const response = new Response(served.body, served);
  response.headers.set("content-security-policy", PAGE_POLICY);
  response.headers.set("x-content-type-options", "nosniff");
  response.headers.set("referrer-policy", "no-referrer");
  response.headers.set("x-frame-options", "DENY");
  return response;
}

function noSuchFile(): Response {
  return answerProblem({ code: "not_found", detail: "There is no such page" }, freshRequestId());
}
