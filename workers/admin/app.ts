/**
 * The admin API's front: hono routes made from the route table. Order for each request: authentication, role, path,
 * query, body, Idempotency-Key, handler. What is not listed is denied; what goes wrong inside says nothing of the inside.
 */
import { Hono } from "hono";
import type { Context } from "hono";
import type { AdminProblem } from "../../src/contract/problem.ts";
import { clientAddress } from "../../src/domain/address.ts";
import { err, ok } from "../../src/domain/result.ts";
import type { Result } from "../../src/domain/result.ts";
import { controlDb } from "../../src/store/control-db.ts";
import { answerProblem, answerReply, freshRequestId } from "./answer.ts";
import { authenticate } from "./authenticate.ts";
import { readSettings } from "./env.ts";
import type { AdminEnv } from "./env.ts";
import { apiNames, apiQuery, isGovernancePath } from "./governance-names.ts";
import { onceOnly } from "./idempotent.ts";
import { parseBody, parseParams, parseQuery, readBody } from "./input.ts";
import type { Caller, Outcome, PublicContext, Route } from "./route.ts";

type AdminHono = Hono<{ Bindings: AdminEnv }>;
type AdminContext = Context<{ Bindings: AdminEnv }>;

/** `fallback` serves what no route names: the dashboard's files. Paths of the API itself never reach it. */
export function createApp(
  routes: readonly Route[],
  fallback: (request: Request, env: AdminEnv) => Promise<Response>,
): AdminHono {
  const app: AdminHono = new Hono({ strict: true });
  const methodsByPath = new Map<string, Set<string>>();
  for (const route of routes) {
    for (const path of [route.path, ...(route.aliases ?? [])]) {
      app.on(route.method, path, (c) => serve(c, route));
      methodsByPath.set(path, (methodsByPath.get(path) ?? new Set()).add(route.method));
    }
  }
  for (const [path, methods] of methodsByPath) {
    app.all(path, (c) => methodNotAllowed(c, methods));
  }
  app.all("/api/*", (c) => noSuchRoute(c));
  app.all("/admin/*", (c) => noSuchRoute(c));
  app.notFound((c) => fallback(c.req.raw, c.env));
  app.onError((error, c) => {
    const requestId = freshRequestId();
    // The message of a database error may quote values; its class does not.
    console.error("admin request failed", { requestId, error: error.name, cause: causeName(error) });
    if (c.env.RELAYKEY_LOCAL === "true") console.error(error);
    return answerProblem(
      { code: "internal", detail: "The request failed inside RelayKey; nothing is known of why here" },
      requestId,
    );
  });
  return app;
}

async function serve(c: AdminContext, route: Route): Promise<Response> {
  const context = publicContext(c, route.operationId);
  const outcome = await answer(c, route, context);
  return outcome.ok ? answerReply(outcome.value, context.requestId) : answerProblem(outcome.error, context.requestId);
}

async function answer(c: AdminContext, route: Route, context: PublicContext): Promise<Outcome> {
  const caller = await admit(route, context);
  if (!caller.ok) return caller;
  const params = parseParams(route, c.req.param());
  if (!params.ok) return params;
  const url = new URL(context.request.url);
  const governance = isGovernancePath(url.pathname);
  const query = parseQuery(route, governance ? apiQuery(url.searchParams) : url.searchParams);
  if (!query.ok) return query;
  if (route.method === "GET") {
    return route.handle(context, caller.value, { params: params.value, query: query.value, body: undefined });
  }
  const bytes = await readBody(context.request, route.largeBody?.maxBytes);
  if (!bytes.ok) return bytes;
  const contentType = context.request.headers.get("content-type");
  const body = parseBody(route, contentType, bytes.value, governance ? apiNames : undefined);
  if (!body.ok) return body;
  const run = (): Promise<Outcome> =>
    route.handle(context, caller.value, { params: params.value, query: query.value, body: body.value });
  if (route.method !== "POST" || route.idempotent === false || caller.value === null) return run();
  return onceOnly(context, caller.value, bytes.value, run);
}

/** Null for a public route. A role that the route does not list is denied. */
async function admit(route: Route, context: PublicContext): Promise<Result<Caller | null, AdminProblem>> {
  if (route.roles === "public") return ok(null);
  const caller = await authenticate(context);
  if (!caller.ok) return caller;
  if (route.roles.includes(caller.value.role)) return caller;
  return err({
    code: "role_denied",
    detail: `The role ${caller.value.role} may not do this; it takes ${route.roles.join(" or ")}`,
  });
}

function publicContext(c: AdminContext, operationId: string): PublicContext {
  const settings = readSettings(c.env);
  return {
    env: c.env,
    settings,
    db: controlDb(c.env.CONTROL_DB),
    request: c.req.raw,
    requestId: freshRequestId(),
    operationId,
    nowMs: Date.now(),
    address: clientAddress(c.req.raw.headers, settings.local).ip,
    random: (length) => crypto.getRandomValues(new Uint8Array(length)),
    defer: (work) => c.executionCtx.waitUntil(work),
  };
}

function methodNotAllowed(c: AdminContext, methods: ReadonlySet<string>): Response {
  const problem: AdminProblem = { code: "method_not_allowed", detail: `This path offers ${[...methods].join(", ")}` };
  const response = answerProblem(problem, freshRequestId());
  response.headers.set("allow", [...methods].join(", "));
  return c.req.method === "HEAD" ? new Response(null, response) : response;
}

function noSuchRoute(_c: AdminContext): Response {
  return answerProblem({ code: "not_found", detail: "There is no such route; see /docs" }, freshRequestId());
}

function causeName(error: Error): string | null {
  return error.cause instanceof Error ? error.cause.name : null;
}
