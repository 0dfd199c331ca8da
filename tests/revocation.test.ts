/**
 * Revocation is immediate: whatever many clients do at the same time, no request that starts after an acknowledgement is
 * let through, for a credential, for a recipient with all its credentials, for a paused connection, and for a suspended
 * organisation. What the vendor saw counts, not only what the callers were told.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { apiClient, member, text, type ApiClient } from "./harness/api-client.ts";
import { startRecordingVendor, type RecordingVendor } from "./harness/recording-vendor.ts";
import { startStack, type Stack } from "./harness/stack.ts";

/** Thousands of rounds run where nobody waits for them. */
const ROUNDS = Number(process.env["RELAYKEY_REVOKE_ROUNDS"] ?? (process.env["CI"] === undefined ? 40 : 1_000));
const CLIENTS = 6;
const RECIPIENT_CREDENTIALS = 50;
const TIMEOUT_MS = 60_000 + ROUNDS * 3_000;

let stack: Stack;
let vendor: RecordingVendor;
let api: ApiClient;

beforeAll(async () => {
  [stack, vendor] = await Promise.all([startStack({ demo: false }), startRecordingVendor()]);
  api = apiClient(stack);
  await connect();
});

function connect(key?: string) {
  const auth = { scheme: "bearer" };
  const body = { id: "conn_revoke", name: "Revoke", base_url: vendor.origin, auth, secret: "fake-key" };
  return post("/api/v1/connections", body, key);
}

afterAll(async () => {
  await stack?.stop();
  await vendor?.stop();
});

async function post(path: string, body: unknown, key?: string) {
  const answer = await api.admin("POST", path, body, key);
  expect(answer.status, answer.text).toBeLessThan(300);
  return answer.body;
}

async function credential(
  recipientId?: string,
  key?: string,
): Promise<{ readonly id: string; readonly token: string }> {
  const wanted = {
    connection_id: "conn_revoke",
    name: "short-lived",
    allowed_methods: ["GET"],
    allowed_paths: ["/things/*"],
    ...(recipientId === undefined ? {} : { recipient_id: recipientId }),
  };
  const body = await post("/api/v1/delegated-credentials", wanted, key);
  return { id: text(member(body, "id")), token: text(member(body, "token")) };
}

interface Call {
  readonly path: string;
  readonly startedMs: number;
  readonly status: number;
}

let calls = 0;

/** Calls without pause until stopped; then once more with each token, so that some start after the acknowledgement. */
async function hammer(tokens: readonly string[], stopped: () => boolean): Promise<Call[]> {
  const made: Call[] = [];
  const once = async (token: string): Promise<void> => {
    calls += 1;
    const path = `/things/${calls}`;
    const startedMs = performance.now();
    const response = await fetch(`${stack.proxy}/conn_revoke${path}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    await response.arrayBuffer();
    made.push({ path, startedMs, status: response.status });
  };
  while (!stopped()) await once(tokens[calls % tokens.length] ?? "");
  for (const token of tokens) await once(token);
  return made;
}

/** Runs `change` while clients hammer; returns the calls that began after its acknowledgement. */
async function callsAfter(tokens: readonly string[], change: () => Promise<unknown>): Promise<readonly Call[]> {
  let stopped = false;
  const clients = Array.from({ length: CLIENTS }, () => hammer(tokens, () => stopped));
  await new Promise((done) => setTimeout(done, Math.random() * 40));
  await change();
  const acknowledgedMs = performance.now();
  await new Promise((done) => setTimeout(done, Math.random() * 20));
  stopped = true;
  const made = (await Promise.all(clients)).flat();
  return made.filter(({ startedMs }) => startedMs > acknowledgedMs);
}

function expectRefused(after: readonly Call[], status: number): void {
  expect(after.length).toBeGreaterThan(0);
  expect(after.filter((call) => call.status !== status)).toEqual([]);
  const late = new Set(after.map(({ path }) => path));
  expect(vendor.requests.map(({ target }) => target).filter((target) => late.has(target))).toEqual([]);
}

describe("no request that starts after the acknowledgement passes", () => {
  it(
    "a revoked credential",
    async () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const { id, token } = await credential();
        expectRefused(await callsAfter([token], () => post(`/api/v1/delegated-credentials/${id}/revoke`, {})), 401);
        vendor.requests.length = 0;
      }
    },
    TIMEOUT_MS,
  );

  it(
    "a recipient with fifty credentials",
    async () => {
      for (let round = 0; round < Math.ceil(ROUNDS / 40); round += 1) {
        const recipientId = text(
          member(await post("/api/v1/recipients", { name: `Team ${round}`, kind: "team" }), "id"),
        );
        const tokens: string[] = [];
        for (let n = 0; n < RECIPIENT_CREDENTIALS; n += 1) tokens.push((await credential(recipientId)).token);
        expectRefused(await callsAfter(tokens, () => post(`/api/v1/recipients/${recipientId}/revoke`, {})), 401);
        vendor.requests.length = 0;
      }
    },
    TIMEOUT_MS,
  );

  it(
    "a paused connection, and a resumed one lets calls through again",
    async () => {
      const { token } = await credential();
      for (let round = 0; round < Math.ceil(ROUNDS / 4); round += 1) {
        expectRefused(await callsAfter([token], () => post("/api/v1/connections/conn_revoke/pause", {})), 503);
        await post("/api/v1/connections/conn_revoke/resume", {});
        expect((await hammer([token], () => true)).map(({ status }) => status)).toEqual([200]);
        vendor.requests.length = 0;
      }
    },
    TIMEOUT_MS,
  );

  it(
    "a suspended organisation, and a resumed one lets calls through again",
    async () => {
      const made = await post("/api/v1/organisations", { name: "Tenant", plan: "unlimited" });
      const path = `/api/v1/organisations/${text(member(made, "id"))}`;
      const key = text(member(made, "key"));
      await connect(key);
      const tokens = [(await credential(undefined, key)).token, (await credential(undefined, key)).token];
      for (let round = 0; round < Math.ceil(ROUNDS / 4); round += 1) {
        expectRefused(await callsAfter(tokens, () => post(`${path}/suspend`, {})), 401);
        const whoami = await api.proxy("GET", "/.relaykey/whoami", tokens[0] ?? "");
        expect(whoami.status).toBe(401);
        await post(`${path}/resume`, {});
        expect((await hammer(tokens, () => true)).map(({ status }) => status)).toEqual([200, 200]);
        vendor.requests.length = 0;
      }
    },
    TIMEOUT_MS,
  );
});
