/**
 * What the SDK suites share: the real stack, loopback vendors, connections made as a person would make them from the
 * catalogue, and tokens with a scope.
 */
import { randomBytes } from "node:crypto";
import { expect } from "vitest";
import { apiClient, member, text, type ApiClient, type Json } from "../harness/api-client.ts";
import { startRecordingVendor, type RecordedRequest, type RecordingVendor } from "../harness/recording-vendor.ts";
import { startStack, type Stack } from "../harness/stack.ts";

export interface World {
  readonly stack: Stack;
  readonly api: ApiClient;
  /** A vendor that ends with the world. */
  vendor(): Promise<RecordingVendor>;
  /** Creates a connection; the secret is made up unless it is given. */
  connect(id: string, body: Record<string, unknown>): Promise<Connected>;
  stop(): Promise<void>;
}

export interface Connected {
  readonly id: string;
  readonly secret: string;
  /** Address of the connection at the proxy, by path. */
  readonly proxy: string;
  token(rules: readonly { methods: string[]; paths: string[] }[], more?: Record<string, unknown>): Promise<string>;
}

export async function startWorld(environment: Readonly<Record<string, string>> = {}): Promise<World> {
  const stack = await startStack({ demo: false, environment });
  const api = apiClient(stack);
  const vendors: RecordingVendor[] = [];
  return {
    stack,
    api,
    async vendor() {
      const vendor = await startRecordingVendor();
      vendors.push(vendor);
      return vendor;
    },
    connect: (id, body) => connect(stack, api, id, body),
    async stop() {
      await stack.stop();
      await Promise.all(vendors.map((vendor) => vendor.stop()));
    },
  };
}

/** A secret that no vendor ever issued, of the usual length. */
export function madeUpSecret(): string {
  return `made-up-${randomBytes(18).toString("hex")}`;
}

async function connect(stack: Stack, api: ApiClient, id: string, body: Record<string, unknown>): Promise<Connected> {
  const secret = madeUpSecret();
  const created = await api.admin("POST", "/api/v1/connections", { id, name: id, secret, ...body });
  expect(created.status, created.text).toBe(201);
  return {
    id,
    secret,
    proxy: `${stack.proxy}/${id}`,
    async token(rules, more = {}) {
      const answer = await api.admin("POST", "/api/v1/delegated-credentials", {
        name: `${id} compat`,
        grants: [{ connection_id: id, rules }],
        ttl_seconds: 3_600,
        ...more,
      });
      expect(answer.status, answer.text).toBe(201);
      return text(member(answer.body, "token"));
    },
  };
}

/** Runs `attempt` and gives back what it throws; fails when it throws nothing. */
export async function thrown(attempt: () => unknown): Promise<unknown> {
  try {
    await attempt();
  } catch (error) {
    return error;
  }
  throw new Error("expected an error, and there was none");
}

export function jsonBody(request: RecordedRequest): Json {
  const value: Json = JSON.parse(request.body.toString("utf8"));
  return value;
}

/** Everything that a vendor saw, for searches for what must not have reached it. */
export function everythingSeen(vendor: RecordingVendor): string {
  return vendor.requests
    .map(
      ({ method, target, rawHeaders, body }) =>
        `${method} ${target}\n${rawHeaders.join("\n")}\n${body.toString("latin1")}`,
    )
    .join("\n\n");
}
