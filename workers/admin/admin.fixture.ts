/// <reference types="@cloudflare/workers-types" />
/// <reference types="@cloudflare/vitest-pool-workers/types" />
/** What the admin tests share: calls over HTTP as a client makes them, and the simplest bodies. */
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expectDeclared } from "./declared-answers.fixture.ts";
import type { AdminEnv } from "./env.ts";
import admin from "./index.ts";

declare global {
  namespace Cloudflare {
    interface Env {
      readonly CONTROL_DB: D1Database;
      readonly AUDIT_DB: D1Database;
    }
  }
}

export const ORIGIN = "http://localhost:8788";
export const bindings = env as AdminEnv;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Empty for answers that are not JSON. */
  readonly json: Readonly<Record<string, unknown>>;
}

export interface CallOptions {
  readonly key?: string | null;
  readonly body?: unknown;
  readonly raw?: string;
  readonly headers?: Record<string, string>;
  /** Bindings in place of the real ones. */
  readonly env?: Partial<AdminEnv>;
}

/** A call with the owner's key unless another is given; `null` sends none. */
export async function call(method: string, path: string, options: CallOptions = {}): Promise<Answer> {
  const headers = new Headers(options.headers);
  const key = options.key === undefined ? bindings.RELAYKEY_OWNER_KEY : options.key;
  if (key !== null) headers.set("authorization", `Bearer ${key}`);
  const body = options.raw ?? (options.body === undefined ? null : JSON.stringify(options.body));
  if (body !== null && !headers.has("content-type")) headers.set("content-type", "application/json");
  const request = new Request<unknown, IncomingRequestCfProperties>(`${ORIGIN}${path}`, { method, headers, body });
  const context = createExecutionContext();
  const response = await admin.fetch(request, { ...bindings, ...options.env }, context);
  const text = await response.text();
  await waitOnExecutionContext(context);
  const isJson = (response.headers.get("content-type") ?? "").includes("json");
  const json = isJson && text !== "" ? (JSON.parse(text) as Record<string, unknown>) : {};
  expectDeclared(method, path, response);
  return { status: response.status, headers: response.headers, text, json };
}

/** A member that must be text. */
export function textOf(answer: Answer, member: string): string {
  const value = answer.json[member];
  if (typeof value !== "string") throw new Error(`${member} is not text in: ${answer.text}`);
  return value;
}

/** The fields that a problem names. */
export function fieldsOf(answer: Answer): string[] {
  const errors = answer.json["errors"];
  return Array.isArray(errors) ? errors.map((each: { field: string }) => each.field) : [];
}

export const FAKE_SECRET = ["master", "key", "for", "tests", "9876"].join("-");

export function newConnection(extra: Record<string, unknown> = {}, options: CallOptions = {}): Promise<Answer> {
  return call("POST", "/api/v1/connections", {
    ...options,
    body: {
      name: "Vendor",
      base_url: "https://api.vendor.example",
      auth: { scheme: "bearer" },
      secret: FAKE_SECRET,
      ...extra,
    },
  });
}

export function newCredential(
  connectionId: string,
  extra: Record<string, unknown> = {},
  options: CallOptions = {},
): Promise<Answer> {
  return call("POST", "/api/v1/delegated-credentials", {
    ...options,
    body: {
      connection_id: connectionId,
      name: "run",
      allowed_methods: ["GET"],
      allowed_paths: ["/v1/*"],
      ttl_seconds: 900,
      ...extra,
    },
  });
}

/** The token of a new management key. */
export async function newKey(role: string, extra: Record<string, unknown> = {}): Promise<string> {
  return textOf(await call("POST", "/api/v1/management-keys", { body: { name: role, role, ...extra } }), "key");
}

/** Bindings with which another change is made right before the request's first batch: after it has read, before it writes. */
export function withMeanwhile(change: () => Promise<unknown>): Partial<AdminEnv> {
  const database = bindings.CONTROL_DB;
  let done = false;
  const batch = async <T>(statements: D1PreparedStatement[]): Promise<D1Result<T>[]> => {
    if (!done) {
      done = true;
      await change();
    }
    return database.batch<T>(statements);
  };
  const racing: D1Database = {
    prepare: (query) => database.prepare(query),
    batch,
    exec: (query) => database.exec(query),
    withSession: (bookmark) => database.withSession(bookmark),
    dump: () => Promise.reject(new Error("Nothing here dumps a database")),
  };
  return { CONTROL_DB: racing };
}
