/**
 * Many calls of one credential at the same moment share their way to the gate. Each hears its own answer, a limit still counts
 * each of them, and those whose caller goes away in the middle take nobody with them.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { apiClient, items, member, text, type ApiClient } from "./harness/api-client.ts";
import { startRecordingVendor, type RecordingVendor } from "./harness/recording-vendor.ts";
import { startStack, type Stack } from "./harness/stack.ts";

const WAVES = 8;
const CALLS = 45;
const VENDOR_MS = 5;
/** Well beyond what a whole wave takes, and less than the seven seconds after which a call that waits for a dead one gives up. */
const PROMPT_MS = 6_000;

let stack: Stack;
let vendor: RecordingVendor;
let api: ApiClient;

beforeAll(async () => {
  [stack, vendor] = await Promise.all([startStack({ demo: false }), startRecordingVendor()]);
  api = apiClient(stack);
  vendor.answerWith(async (request, response) => {
    await new Promise((resolve) => setTimeout(resolve, VENDOR_MS));
    response.writeHead(200, { "content-type": "text/plain" }).end(request.target);
  });
  const auth = { scheme: "bearer" };
  const connection = {
    id: "conn_meeting",
    name: "Meeting",
    base_url: vendor.origin,
    auth,
    secret: "meeting-master-key",
  };
  expect((await api.admin("POST", "/api/v1/connections", connection)).status).toBe(201);
});

afterAll(async () => {
  await stack?.stop();
  await vendor?.stop();
});

async function credential(limits?: unknown): Promise<{ readonly id: string; readonly token: string }> {
  const wanted = {
    connection_id: "conn_meeting",
    name: "Meeting",
    allowed_methods: ["GET"],
    allowed_paths: ["/things/*"],
  };
  const made = await api.admin("POST", "/api/v1/delegated-credentials", { ...wanted, ...(limits ? { limits } : {}) });
  expect(made.status, made.text).toBe(201);
  return { id: text(member(made.body, "id")), token: text(member(made.body, "token")) };
}

interface Told {
  readonly path: string;
  readonly status: number;
  readonly body: string;
  readonly tookMs: number;
}

/** One call, which the caller breaks off after `leaveMs`: then null. */
async function call(token: string, path: string, leaveMs: number | null): Promise<Told | null> {
  const startedMs = performance.now();
  const leaving = new AbortController();
  if (leaveMs !== null) setTimeout(() => leaving.abort(), leaveMs);
  try {
    const answer = await api.proxy("GET", `/conn_meeting${path}`, token, { signal: leaving.signal });
    return { path, status: answer.status, body: answer.text, tookMs: performance.now() - startedMs };
  } catch (error) {
    if (leaving.signal.aborted) return null;
    throw error;
  }
}

describe("calls that meet", { timeout: 180_000 }, () => {
  it("hear their own answers, promptly, whoever else goes away; and what reached the vendor is on record once", async () => {
    let survivors = 0;
    for (let wave = 0; wave < WAVES; wave += 1) {
      const { id, token } = await credential();
      const before = vendor.requests.length;
      const calls = Array.from({ length: CALLS }, (_, n) =>
        call(token, `/things/${wave}-${n}`, n % 3 === 1 ? Math.random() * 25 : null),
      );
      const told = (await Promise.all(calls)).filter((each) => each !== null);
      for (const { path, status, body, tookMs } of told) {
        expect({ status, body }).toEqual({ status: 200, body: path });
        expect(tookMs).toBeLessThan(PROMPT_MS);
      }
      survivors += told.length;
      const after = await call(token, `/things/${wave}-after`, null);
      expect(after).toMatchObject({ status: 200, body: `/things/${wave}-after` });
      const seen = vendor.requests.slice(before).map(({ target }) => target);
      expect(new Set(seen).size).toBe(seen.length);
      const events = await api.events(id, seen.length);
      const recorded = events.map((event) => text(member(event, "path")));
      for (const path of seen) expect(recorded.filter((each) => each === path)).toEqual([path]);
    }
    expect(survivors).toBeGreaterThanOrEqual((WAVES * CALLS * 2) / 3);
  });

  it("are counted one by one", async () => {
    const limit = 25;
    const { id, token } = await credential({ rate: [{ requests: limit, per_seconds: 3_600 }] });
    const before = vendor.requests.length;
    const told = await Promise.all(Array.from({ length: 70 }, (_, n) => call(token, `/things/limit-${n}`, null)));
    const statuses = told.map((each) => each?.status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(limit);
    expect(statuses.filter((status) => status === 429)).toHaveLength(70 - limit);
    expect(vendor.requests.length - before).toBe(limit);
    const events = items(await api.events(id, limit));
    expect(events.filter((event) => member(event, "decision") === "allowed")).toHaveLength(limit);
  });
});
