/**
 * Reads an OpenAPI 3.x document (JSON) into the list of operations by which audit events and scopes are named. Pure and
 * bounded; never follows a reference, never keeps schemas, examples or descriptions. Servers are looked at only for their
 * base path, never for their host.
 */
import { err, ok, type Result } from "./result.ts";

export const MAX_OPENAPI_BYTES = 8_388_608;
export const MAX_OPERATIONS = 2_000;
export const MAX_TEMPLATE_CHARS = 512;
export const MAX_OPERATION_NAME_CHARS = 120;

export interface Operation {
  /** Upper case. */
  readonly method: string;
  /** Whole upstream path in regexparam syntax (`/v1/things/:id`). */
  readonly template: string;
  readonly name: string;
}

export interface OperationsRead {
  readonly operations: readonly Operation[];
  /** What was left out and why, for the person who uploads. */
  readonly notes: readonly string[];
}

const METHODS = ["get", "put", "post", "delete", "options", "head", "patch", "trace"] as const;

/**
 * @param document the parsed document, of at most `MAX_OPENAPI_BYTES` as text
 * @param basePath the connection's base path ("" for the root); templates get it in front unless they hold it already
 * @returns the operations in the document's order, or a sentence that says why it cannot be used
 */
export function readOpenApi(document: unknown, basePath: string): Result<OperationsRead, string> {
  const version = own(document, "openapi");
  if (typeof version !== "string" || !/^3\.\d+\.\d+/.test(version)) {
    return err("The document is not OpenAPI 3: its member openapi should read 3.0.x or 3.1.x");
  }
  const paths = own(document, "paths");
  if (!isObject(paths)) return err("The document has no paths");
  const notes: string[] = [];
  const prefix = prefixOf(document, basePath, notes);
  const operations: Operation[] = [];
  const seen = new Set<string>();
  for (const [path, item] of Object.entries(paths)) {
    const template = toTemplate(path);
    if (template === null || !isObject(item)) {
      note(notes, `Left out, as the path cannot be used: ${quote(path)}`);
      continue;
    }
    if (own(item, "$ref") !== undefined) note(notes, `A path that refers elsewhere is read without it: ${quote(path)}`);
    for (const method of METHODS) {
      const operation = own(item, method);
      if (!isObject(operation)) continue;
      if (operations.length >= MAX_OPERATIONS) {
        note(notes, `Only the first ${MAX_OPERATIONS} operations are kept`);
        return ok({ operations, notes });
      }
      const whole = `${prefix}${template}`;
      const upper = method.toUpperCase();
      // Two templates that differ in parameter names alone match the same calls; the first one names them.
      const shape = `${upper} ${whole.replaceAll(/:[^/]+/g, ":")}`;
      if (seen.has(shape)) continue;
      seen.add(shape);
      operations.push({ method: upper, template: whole, name: nameOf(operation, upper, path) });
    }
  }
  return operations.length === 0 ? err("The document names no operation that can be used") : ok({ operations, notes });
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function own(value: unknown, name: string): unknown {
  return isObject(value) && Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined;
}

/** Names go into audit events and pages, so they are cut to plain words. */
function nameOf(operation: object, method: string, path: string): string {
  const id = own(operation, "operationId");
  const name =
    typeof id === "string" ? id.replaceAll(/[^A-Za-z0-9_./:-]+/g, "_").slice(0, MAX_OPERATION_NAME_CHARS) : "";
  return name === "" ? `${method} ${path}`.slice(0, MAX_OPERATION_NAME_CHARS) : name;
}

/**
 * `{id}` becomes `:id`. A segment that mixes text and a parameter cannot be written in the template language, so the whole
 * segment becomes a parameter: the name is then shared by its neighbours, which is harmless since it only names.
 */
function toTemplate(path: string): string | null {
  if (!path.startsWith("/") || path.length > MAX_TEMPLATE_CHARS || /[\u0000-\u0020\u007f?#\\]/.test(path)) return null;
  const segments = path.split("/").slice(1);
  const written = segments.map((segment) => {
    if (!/[{}]/.test(segment)) return /[:*()]/.test(segment) ? null : segment;
    const name = /\{([^{}]+)\}/.exec(segment)?.[1]?.replaceAll(/[^A-Za-z0-9_]/g, "_");
    return name === undefined ? null : `:${name}`;
  });
  return written.includes(null) ? null : `/${written.join("/")}`;
}

/** The base path of the first server, when paths are relative to it; the connection's own otherwise. */
function prefixOf(document: unknown, basePath: string, notes: string[]): string {
  const servers = own(document, "servers");
  const url: unknown = Array.isArray(servers) ? own(servers[0], "url") : undefined;
  if (typeof url !== "string") return basePath;
  const path = url.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/]*/i, "").replace(/\/+$/, "");
  if (path === basePath || path === "") return path === "" && basePath !== "" ? basePath : path;
  if (!/^\/[A-Za-z0-9._~/-]*$/.test(path)) return basePath;
  note(notes, `The first server's path ${quote(path)} stands before every path`);
  return path;
}

function quote(text: string): string {
  return JSON.stringify(text.slice(0, 120));
}

function note(notes: string[], text: string): void {
  if (notes.length < 20) notes.push(text);
}
