/**
 * The one way in which the dashboard speaks to the API: JSON over the same origin, failures as values. A management key
 * that could not be turned into a session stays in this module's memory and is gone with the page; it is never stored.
 */
import { signal } from "@preact/signals";

export type Method = "GET" | "POST" | "PATCH" | "PUT" | "DELETE";

export interface FieldError {
  readonly field: string;
  readonly message: string;
}

/** `missing`: this deployment has no such route. `offline`: no answer came. */
export interface Failure {
  readonly kind: "offline" | "signed_out" | "missing" | "refused";
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  readonly requestId: string | null;
  readonly errors: readonly FieldError[];
  /** The whole problem document, for the members that some refusals add. */
  readonly document: Readonly<Record<string, unknown>>;
}

export type Answer<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: Failure };

export interface Page<T> {
  readonly data: readonly T[];
  readonly next_cursor: string | null;
}

export type Query = Readonly<Record<string, string | number | undefined>>;

/** Whether the last request got an answer. */
export const online = signal(true);
/** Raised each time an answer says that nobody is signed in. */
export const signedOutCount = signal(0);

const TIMEOUT_MS = 30_000;
let bearer: string | null = null;

/** Null forgets it. */
export function holdKey(key: string | null): void {
  bearer = key;
}

export function apiPath(path: string, query: Query = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== "") search.set(name, String(value));
  }
  const text = search.toString();
  return `/api/v1${path}${text === "" ? "" : `?${text}`}`;
}

/**
 * `path` is below `/api/v1`, with its query. Never throws for a refusal; `signal` aborts quietly as `offline`. The same
 * `onceKey` and body do a POST only once, however often it is sent.
 */
export async function call<T>(
  method: Method,
  path: string,
  body?: unknown,
  signal?: AbortSignal,
  onceKey: string = crypto.randomUUID(),
): Promise<Answer<T>> {
  const headers = new Headers({ accept: "application/json" });
  if (bearer !== null) headers.set("authorization", `Bearer ${bearer}`);
  if (body !== undefined) headers.set("content-type", "application/json");
  if (method === "POST") headers.set("idempotency-key", onceKey);
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  try {
    const response = await fetch(path, {
      method,
      headers,
      credentials: "same-origin",
      cache: "no-store",
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    online.value = true;
    const parsed = await readJson(response);
    if (response.ok) return { ok: true, value: parsed as T };
    return { ok: false, error: failureOf(response.status, parsed) };
  } catch {
    if (signal?.aborted !== true) online.value = navigator.onLine && timeout.aborted;
    return { ok: false, error: OFFLINE };
  }
}

export function get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<Answer<T>> {
  return call<T>("GET", apiPath(path, query), undefined, signal);
}

export function post<T>(path: string, body: unknown = {}): Promise<Answer<T>> {
  return call<T>("POST", apiPath(path), body);
}

export function patch<T>(path: string, body: unknown): Promise<Answer<T>> {
  return call<T>("PATCH", apiPath(path), body);
}

export function remove(path: string, query: Query = {}): Promise<Answer<unknown>> {
  return call("DELETE", apiPath(path, query));
}

const OFFLINE: Failure = {
  kind: "offline",
  status: 0,
  code: "offline",
  title: "RelayKey did not answer",
  detail: "Check your connection, then try again. Nothing was changed unless you see it here.",
  requestId: null,
  errors: [],
  document: {},
};

async function readJson(response: Response): Promise<unknown> {
  if (response.status === 204) return null;
  try {
    const value: unknown = await response.json();
    return value;
  } catch {
    return null;
  }
}

function failureOf(status: number, parsed: unknown): Failure {
  const document = isRecord(parsed) ? parsed : {};
  const code = text(document["code"], "unexpected_answer");
  if (status === 401) signedOutCount.value += 1;
  return {
    kind: kindOf(status, code, document),
    status,
    code,
    title: text(document["title"], `The API answered ${status}`),
    detail: text(document["detail"], "No reason was given."),
    requestId: typeof document["instance"] === "string" ? document["instance"] : null,
    errors: fieldErrors(document["errors"]),
    document,
  };
}

function kindOf(status: number, code: string, document: Readonly<Record<string, unknown>>): Failure["kind"] {
  if (status === 401) return "signed_out";
  const route = code === "method_not_allowed" || text(document["detail"], "").startsWith("There is no such route");
  return route || (status === 404 && code !== "not_found") ? "missing" : "refused";
}

function fieldErrors(value: unknown): FieldError[] {
  if (!Array.isArray(value)) return [];
  return value
    .filter(isRecord)
    .map((each) => ({ field: text(each["field"], ""), message: text(each["message"], "Is not valid") }));
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function text(value: unknown, fallback: string): string {
  return typeof value === "string" ? value : fallback;
}
