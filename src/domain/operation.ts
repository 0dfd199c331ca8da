/**
 * The vendor's name for a call (`listContacts`), found by matching the path against the templates of the connection's
 * API description. For audit, prices and prompts alone: a name never decides whether a call is allowed.
 *
 * Templates are compiled once per document and only where a call needs them. Their text is escaped before it becomes an
 * expression, so a hostile description cannot smuggle one in; matching is case sensitive, as scopes are.
 */
import { parse } from "regexparam";

export const MAX_OPERATIONS = 10_000;
export const MAX_TEMPLATE_BYTES = 512;
/** More parameters than this in one segment would make matching slow; such a template names nothing. */
const MAX_PARAMS_IN_SEGMENT = 2;

/** `template` is a whole upstream path with `:id` or `{id}` for a parameter and a last `*` for everything below. */
export interface Operation {
  readonly method: string;
  readonly template: string;
  readonly name: string;
}

/**
 * @param path canonical upstream path, base path included
 * @returns the name of the most specific template (text before parameters, segment by segment), or null
 */
export function nameOperation(operations: readonly Operation[], method: string, path: string): string | null {
  const segments = segmentCount(path);
  const wanted = method === "HEAD" ? "GET" : method;
  const table = tableOf(operations);
  for (const key of [`${wanted} ${segments}`, `${wanted} *`]) {
    const found = templatesOf(table, key).find((template) => template.expression.test(path));
    if (found !== undefined) return found.name;
  }
  return null;
}

/** The scope pattern that matches the paths of a template: parameters are one segment, a last `*` everything below. */
export function templatePattern(template: string): string {
  const segments = template.split("/").map((segment) => {
    if (/^(?::[A-Za-z_][A-Za-z0-9_]*\??|\{[^{}]*\})$/.test(segment)) return ":parameter";
    return segment.replace(/^:[A-Za-z_][A-Za-z0-9_]*|\{[^{}]*\}/g, "*").replace(/\*+/g, "*");
  });
  return segments.join("/");
}

interface CompiledTemplate {
  readonly name: string;
  readonly expression: RegExp;
}

interface OperationTable {
  readonly operations: ReadonlyMap<string, readonly Operation[]>;
  readonly compiled: Map<string, readonly CompiledTemplate[]>;
}

const tables = new WeakMap<readonly Operation[], OperationTable>();

/** Sorted into drawers by method and number of segments, so that a call tries a few templates and not thousands. */
function tableOf(operations: readonly Operation[]): OperationTable {
  const known = tables.get(operations);
  if (known !== undefined) return known;
  const drawers = new Map<string, Operation[]>();
  for (const operation of operations.slice(0, MAX_OPERATIONS)) {
    if (operation.template.length > MAX_TEMPLATE_BYTES) continue;
    const open = operation.template.includes("*");
    const key = `${operation.method.toUpperCase()} ${open ? "*" : segmentCount(operation.template)}`;
    const drawer = drawers.get(key);
    if (drawer === undefined) drawers.set(key, [operation]);
    else drawer.push(operation);
  }
  const table = { operations: drawers, compiled: new Map() };
  tables.set(operations, table);
  return table;
}

function templatesOf(table: OperationTable, key: string): readonly CompiledTemplate[] {
  const known = table.compiled.get(key);
  if (known !== undefined) return known;
  const sorted = (table.operations.get(key) ?? []).toSorted((one, other) => {
    const [left, right] = [specificity(one.template), specificity(other.template)];
    return left < right ? -1 : left > right ? 1 : 0;
  });
  const built = sorted.flatMap((operation) => {
    const expression = compileTemplate(operation.template);
    return expression === null ? [] : [{ name: operation.name, expression }];
  });
  table.compiled.set(key, built);
  return built;
}

function segmentCount(path: string): number {
  return path.split("/").filter((segment) => segment !== "").length;
}

/** One letter a segment: text, text with a parameter, parameter, everything below. */
function specificity(template: string): string {
  return template
    .split("/")
    .slice(1)
    .map((segment) => {
      if (segment.startsWith("*")) return "d";
      if (/^:[^.]+$|^\{[^{}]*\}$/.test(segment)) return "c";
      return /^:|\{/.test(segment) ? "b" : "a";
    })
    .join("");
}

/** regexparam takes text between slashes as an expression, so parameters are turned into its syntax and text is escaped. */
function compileTemplate(template: string): RegExp | null {
  const segments: string[] = [];
  for (const [index, segment] of template.split("/").entries()) {
    if (segment === "") continue;
    const last = index === template.split("/").length - 1;
    if (segment === "*" && last) segments.push("*");
    else if (/^(?::[A-Za-z_][A-Za-z0-9_]*\??|\{[^{}]*\})$/.test(segment)) segments.push(":parameter");
    else {
      const texts = segment.split(/^:[A-Za-z_][A-Za-z0-9_]*|\{[^{}]*\}/);
      if (texts.length - 1 > MAX_PARAMS_IN_SEGMENT) return null;
      segments.push(texts.map(escapeText).join("[^/]+?"));
    }
  }
  const { pattern } = parse(`/${segments.join("/")}`);
  // regexparam ignores case; the vendors' paths do not.
  return new RegExp(pattern.source);
}

/** Escaped so that no text reads as an expression or as regexparam's own `:` and `*`. */
function escapeText(text: string): string {
  return text.replace(
    /[\\^$.*+?()[\]{}|/:-]/g,
    (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}
