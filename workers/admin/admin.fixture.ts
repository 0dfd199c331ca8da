/** What the admin tests share: calls over HTTP as a client makes them, and the simplest bodies. */
import { SELF, env } from "cloudflare:test";

declare global {
  namespace Cloudflare {
    interface Env {
      CONTROL_DB: D1Database;
      AUDIT_DB: D1Database;
      RELAYKEY_OWNER_KEY: string;
      RELAYKEY_PEPPERS: string;
    }
  }
}

export const ORIGIN = "http://localhost:8788";

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore: the tests look into answers freely
  readonly json: Record<string, any>;
}

export interface CallOptions {
  readonly key?: string | null;
  readonly body?: unknown;
  readonly raw?: string | Uint8Array;
  readonly headers?: Record<string, string>;
}

/** A call with the owner's key unless another is given; `null` sends none. */
export async function call(method: string, path: string, options: CallOptions = {}): Promise<Answer> {
  const headers = new Headers(options.headers);
  const key = options.key === undefined ? env.RELAYKEY_OWNER_KEY : options.key;
  if (key !== null) headers.set("authorization", `Bearer ${key}`);
  const body = options.raw ?? (options.body === undefined ? undefined : JSON.stringify(options.body));
  if (body !== undefined && !headers.has("content-type")) headers.set("content-type", "application/json");
  const response = await SELF.fetch(`${ORIGIN}${path}`, {
    method,
    headers,
    redirect: "manual",
    ...(body === undefined ? {} : { body }),
  });
  const text = await response.text();
  const isJson = (response.headers.get("content-type") ?? "").includes("json");
  return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : {} };
}

export const FAKE_SECRET = ["master", "key", "for", "tests", "9876"].join("-");

export async function newConnection(extra: Record<string, unknown> = {}, key?: string): Promise<Answer> {
  return call("POST", "/api/v1/connections", {
    ...(key === undefined ? {} : { key }),
    body: {
      name: "Vendor",
      base_url: "https://api.vendor.example",
      auth: { scheme: "bearer" },
      secret: FAKE_SECRET,
      ...extra,
    },
  });
}
