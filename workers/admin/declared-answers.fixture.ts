/** Holds every answer that a test of the admin API gets against the OpenAPI description of its operation. */
import { openApiDocument } from "./openapi.ts";
import { ROUTES } from "./route-table.ts";

interface Operation {
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, unknown>> }>>;
}

const byTemplate = openApiDocument(ROUTES, null)["paths"] as Readonly<
  Record<string, Readonly<Record<string, Operation>>>
>;

/** A path without parameters goes before one that would match it too. */
function operationOf(method: string, pathname: string): Operation | undefined {
  const exact = byTemplate[pathname]?.[method];
  if (exact !== undefined) return exact;
  for (const [template, operations] of Object.entries(byTemplate)) {
    const pattern = new RegExp(`^${template.replaceAll(/\{[a-z_]+\}/g, "[^/]+")}$`);
    if (operations[method] !== undefined && pattern.test(pathname)) return operations[method];
  }
  return undefined;
}

/** Throws when the operation's description knows no such status, or no such media type of it. */
export function expectDeclared(method: string, path: string, response: Response): void {
  const { pathname } = new URL(path, "http://localhost");
  const operation = operationOf(method.toLowerCase(), pathname);
  if (operation === undefined) return;
  const declared = operation.responses[String(response.status)];
  const mediaType = response.headers.get("content-type")?.split(";")[0];
  const known = declared !== undefined && (mediaType === undefined || declared.content?.[mediaType] !== undefined);
  if (!known) throw new Error(`${method} ${pathname} answers ${response.status} ${mediaType}, which is not declared`);
}
