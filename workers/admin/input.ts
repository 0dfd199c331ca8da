/**
 * Reads and validates what a request carries. Everything wrong becomes a problem that names the field; nothing throws,
 * and no message repeats a value, which might be a secret.
 */
import type * as z from "zod";
import { notFound } from "../../src/contract/problem.ts";
import type { AdminProblem, FieldError } from "../../src/contract/problem.ts";
import { utf8Text } from "../../src/domain/encoding.ts";
import { err, ok } from "../../src/domain/result.ts";
import type { Result } from "../../src/domain/result.ts";
import type { Route } from "./route.ts";

export const MAX_BODY_BYTES = 1_048_576;
const MAX_FIELD_ERRORS = 32;
const MAX_FIELD_CHARS = 200;
/** Deeper than any schema goes; a parser further in could overflow. */
const MAX_JSON_DEPTH = 32;

export function parseParams(route: Route, params: Record<string, string>): Result<unknown, AdminProblem> {
  if (route.params === undefined) return ok(undefined);
  const parsed = route.params.safeParse(params);
  return parsed.success ? ok(parsed.data) : err(notFound("id"));
}

/** A parameter that is given twice is refused: which of the two counts would be a guess. */
export function parseQuery(route: Route, search: URLSearchParams): Result<unknown, AdminProblem> {
  const given = new Map<string, string>();
  for (const [name, value] of search) {
    if (given.has(name)) return err(invalid([{ field: clipped(name), message: "Is given twice" }]));
    given.set(name, value);
  }
  if (route.query === undefined) {
    const [unknown] = given.keys();
    return unknown === undefined
      ? ok(undefined)
      : err(invalid([{ field: clipped(unknown), message: "Is not a parameter here" }]));
  }
  const parsed = route.query.safeParse(Object.fromEntries(given));
  return parsed.success ? ok(parsed.data) : err(invalid(fieldErrors(parsed.error.issues)));
}

/** The bytes of the body, or the problem of one that is too large. */
export async function readBody(
  request: Request,
  maxBytes: number = MAX_BODY_BYTES,
): Promise<Result<Uint8Array, AdminProblem>> {
  const tooLarge: AdminProblem = { code: "body_too_large", detail: `The body is larger than ${maxBytes} bytes` };
  if (Number(request.headers.get("content-length") ?? "0") > maxBytes) return err(tooLarge);
  if (request.body === null) return ok(new Uint8Array());
  const chunks: Uint8Array[] = [];
  let length = 0;
  const body: AsyncIterable<Uint8Array> = request.body;
  for await (const chunk of body) {
    length += chunk.byteLength;
    if (length > maxBytes) return err(tooLarge);
    chunks.push(chunk);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return ok(bytes);
}

/** An empty body counts as `{}`, so that the problem names the missing fields. `rename` may bring members to other names. */
export function parseBody(
  route: Route,
  contentType: string | null,
  bytes: Uint8Array,
  rename: (body: unknown) => unknown = (body) => body,
): Result<unknown, AdminProblem> {
  const decoded = decodeBody(route, contentType, bytes);
  if (!decoded.ok) return decoded;
  const value = rename(decoded.value);
  if (route.body === undefined) {
    const empty = typeof value === "object" && value !== null && Object.keys(value).length === 0;
    return empty ? ok(undefined) : err(invalid([{ field: "", message: "No body is expected here" }]));
  }
  const parsed = route.body.safeParse(value);
  return parsed.success ? ok(parsed.data) : err(invalid(fieldErrors(parsed.error.issues)));
}

function decodeBody(route: Route, contentType: string | null, bytes: Uint8Array): Result<unknown, AdminProblem> {
  if (bytes.length === 0) return ok({});
  const mediaType = (contentType ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
  const text = utf8Text(bytes);
  if (mediaType === "application/x-www-form-urlencoded" && route.accepts === "json_or_form") {
    return text === null
      ? err(badJson("The body is not valid UTF-8"))
      : ok(Object.fromEntries(new URLSearchParams(text)));
  }
  if (mediaType !== "application/json" && !/^application\/[a-z0-9.-]+\+json$/.test(mediaType)) {
    return err({ code: "unsupported_media_type", detail: "Send the body as application/json" });
  }
  if (text === null) return err(badJson("The body is not valid UTF-8"));
  const maxDepth = route.largeBody?.maxDepth ?? MAX_JSON_DEPTH;
  if (nestingDepth(text) > maxDepth) return err(badJson(`The body nests deeper than ${maxDepth} levels`));
  try {
    let unsettable = false;
    // Whatever copies members leaves this one out without a word.
    const seen = (name: string, member: unknown): unknown => {
      unsettable ||= name === "__proto__";
      return member;
    };
    const value: unknown = /proto|\\u/.test(text) ? JSON.parse(text, seen) : JSON.parse(text);
    return unsettable ? err(badJson("No member may be named __proto__")) : ok(value);
  } catch {
    return err(badJson("The body is not valid JSON"));
  }
}

function badJson(detail: string): AdminProblem {
  return { code: "invalid_json", detail, errors: [{ field: "", message: detail }] };
}

/** Brackets outside strings; on text that is no JSON the number means nothing, and the parser refuses it anyway. */
function nestingDepth(text: string): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (inString) {
      if (char === 0x5c) i++;
      else if (char === 0x22) inString = false;
    } else if (char === 0x22) inString = true;
    else if (char === 0x5b || char === 0x7b) deepest = Math.max(deepest, ++depth);
    else if (char === 0x5d || char === 0x7d) depth--;
  }
  return deepest;
}

export function invalid(errors: readonly FieldError[]): AdminProblem {
  const [first] = errors;
  const detail = first === undefined ? "The request is not valid" : `${first.field || "body"}: ${first.message}`;
  return { code: "invalid_request", detail, errors };
}

/** zod's issues as fields. An unknown member is named itself; of a union that fits nowhere, its own place is named. */
export function fieldErrors(issues: readonly z.core.$ZodIssue[]): FieldError[] {
  const errors: FieldError[] = [];
  for (const issue of issues) {
    if (issue.code === "unrecognized_keys") {
      for (const key of issue.keys) errors.push({ field: fieldName([...issue.path, key]), message: "Is not known" });
    } else if (issue.code === "invalid_key" || issue.code === "invalid_element") {
      const inner = issue.issues[0]?.message ?? issue.message;
      errors.push({ field: fieldName(issue.path), message: inner });
    } else {
      errors.push({ field: fieldName(issue.path), message: messageOf(issue) });
    }
  }
  return errors.slice(0, MAX_FIELD_ERRORS);
}

function messageOf(issue: z.core.$ZodIssue): string {
  if (issue.code !== "invalid_type" && issue.code !== "invalid_union") return issue.message;
  if (issue.code === "invalid_union") return issue.errors.length > 0 ? "Has none of the accepted forms" : issue.message;
  return issue.message.endsWith("received undefined") ? "Is required" : issue.message.replace(/^Invalid input: /, "");
}

/** `grants[0].allowed_paths` */
function fieldName(path: readonly PropertyKey[]): string {
  let name = "";
  for (const part of path) {
    if (typeof part === "number") name += `[${part}]`;
    else name += name === "" ? String(part) : `.${String(part)}`;
  }
  return clipped(name);
}

function clipped(name: string): string {
  return name.length > MAX_FIELD_CHARS ? `${name.slice(0, MAX_FIELD_CHARS)}…` : name;
}
