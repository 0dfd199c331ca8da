/** Calls over HTTP from outside, keeping every answer, so that a test can search all of them for what must not be there. */
import { until, type Stack } from "./stack.ts";

/** Calls whose outcome died with the runtime are closed as `unknown` after 20 s, and only then go to the audit. */
const AUDIT_TIMEOUT_MS = 60_000;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: Json;
}

/** Parsed JSON, read with `member` and `items`; null when the body is none. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

export interface ApiClient {
  /** Everything answered so far: status lines, headers and bodies. */
  transcript(): string;
  admin(method: string, path: string, body?: unknown, key?: string): Promise<Answer>;
  proxy(method: string, path: string, token: string | null, init?: RequestInit): Promise<Answer>;
  /** Waits until the audit of a credential holds at least `count` events, oldest first. */
  events(credentialId: string, count: number): Promise<readonly Json[]>;
}

export function apiClient(stack: Stack): ApiClient {
  const seen: string[] = [];
  const send = async (url: string, init: RequestInit): Promise<Answer> => {
    const response = await fetch(url, { redirect: "manual", ...init });
    const text = await response.text();
    seen.push(`${response.status} ${JSON.stringify([...response.headers])}\n${text}`);
    return { status: response.status, headers: response.headers, text, body: parse(text) };
  };
  const admin: ApiClient["admin"] = (method, path, body, key = stack.ownerKey) =>
    send(`${stack.admin}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  return {
    transcript: () => seen.join("\n"),
    admin,
    proxy: (method, path, token, init = {}) => {
      const headers = new Headers(init.headers);
      if (token !== null) headers.set("authorization", `Bearer ${token}`);
      return send(`${stack.proxy}${path}`, { ...init, method, headers });
    },
    events: async (credentialId, count) => {
      let found: readonly Json[] = [];
      await until(
        async () => {
          const answer = await admin("GET", `/api/v1/audit-events?credential_id=${credentialId}&limit=100`);
          found = items(member(answer.body, "data"));
          return found.length >= count;
        },
        AUDIT_TIMEOUT_MS,
        () => `${found.length} of ${count} events of ${credentialId}: ${JSON.stringify(found)}`,
      );
      return found.toSorted((a, b) => Number(member(a, "seq")) - Number(member(b, "seq")));
    },
  };
}

/** A member of a JSON object by path; null where there is none. */
export function member(value: Json, ...path: readonly (string | number)[]): Json {
  let at: Json = value;
  for (const name of path) {
    if (isList(at)) at = at[Number(name)] ?? null;
    else if (typeof at === "object" && at !== null) at = at[name] ?? null;
    else return null;
  }
  return at;
}

export function items(value: Json): readonly Json[] {
  return isList(value) ? value : [];
}

export function text(value: Json): string {
  if (typeof value !== "string") throw new TypeError(`expected a string, found: ${JSON.stringify(value)}`);
  return value;
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

function parse(body: string): Json {
  try {
    const value: Json = JSON.parse(body);
    return value;
  } catch {
    return null;
  }
}
