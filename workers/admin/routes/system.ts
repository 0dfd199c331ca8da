/** Liveness, the OpenAPI document and the reference page. No authentication, no secrets. */
import * as z from "zod";
import { VERSION } from "../../../src/version.ts";
import { ok } from "../../../src/domain/result.ts";
import { reply } from "../answer.ts";
import { definePublicRoute } from "../route.ts";
import type { Route } from "../route.ts";

const health = definePublicRoute({
  method: "GET",
  path: "/health",
  operationId: "health",
  tag: "System",
  summary: "Liveness and the version",
  responses: { 200: z.strictObject({ status: z.literal("ok"), version: z.string() }) },
  handler: () => Promise.resolve(reply(200, { status: "ok", version: VERSION })),
});

/** `document` and `page` are made from the whole table, so they come as functions. */
export function systemRoutes(document: () => object, page: () => Response): readonly Route[] {
  return [
    health,
    definePublicRoute({
      method: "GET",
      path: "/openapi.json",
      operationId: "openapi",
      tag: "System",
      summary: "This description",
      responses: { 200: ["application/json"] },
      handler: () => Promise.resolve(ok(Response.json(document()))),
    }),
    definePublicRoute({
      method: "GET",
      path: "/docs",
      operationId: "docs",
      tag: "System",
      summary: "The reference page",
      responses: { 200: ["text/html"] },
      handler: () => Promise.resolve(ok(page())),
    }),
  ];
}
