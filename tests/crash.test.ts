/**
 * The runtime dies at random moments under load, again and again. Afterwards the vendor's own log decides: every call it
 * saw has exactly one audit event, no sequence has a gap, and no budget was exceeded.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { apiClient, items, member, text, type ApiClient, type Json } from "./harness/api-client.ts";
import { startRecordingVendor, type RecordingVendor } from "./harness/recording-vendor.ts";
import { startStack, until, type Stack } from "./harness/stack.ts";

/** Fifty crashes take some minutes: the full number runs where nobody waits for it. */
const ROUNDS = Number(process.env["RELAYKEY_CRASH_ROUNDS"] ?? (process.env["CI"] === undefined ? 8 : 50));
const CALLERS = 6;
const BUDGET = 150;
const METHODS = ["GET", "POST", "PUT", "DELETE"] as const;
const MAX_LOAD_MS = 250;
/** Admissions whose outcome died with the runtime are closed after 20 s; unconfirmed events come again after 5 to 60 s. */
const SETTLE_TIMEOUT_MS = 150_000;

interface Credential {
  readonly id: string;
  readonly token: string;
}

let stack: Stack;
let vendor: RecordingVendor;
let api: ApiClient;
let calls = 0;
const answered = new Map<string, number>();

beforeAll(async () => {
  [stack, vendor] = await Promise.all([startStack({ demo: false }), startRecordingVendor()]);
  api = apiClient(stack);
  const connection = {
    id: "conn_crash",
    name: "Crash",
    base_url: vendor.origin,
    auth: { scheme: "bearer" },
    secret: "fake-key",
  };
  expect((await api.admin("POST", "/api/v1/connections", connection)).status).toBe(201);
});

afterAll(async () => {
  await stack?.stop();
  await vendor?.stop();
});

async function credential(name: string, limits: unknown): Promise<Credential> {
  const answer = await api.admin("POST", "/api/v1/delegated-credentials", {
    connection_id: "conn_crash",
    name,
    allowed_methods: METHODS,
    allowed_paths: ["/things/*"],
    limits,
  });
  expect(answer.status, answer.text).toBe(201);
  return { id: text(member(answer.body, "id")), token: text(member(answer.body, "token")) };
}

/** Calls without pause until told to stop; a dead runtime is no reason to stop. */
async function call(credentials: readonly Credential[], stopped: () => boolean): Promise<void> {
  while (!stopped()) {
    calls += 1;
    const path = `/things/${calls}`;
    const method = METHODS[calls % METHODS.length] ?? "GET";
    const { token } = credentials[calls % credentials.length] ?? { token: "" };
    try {
      const response = await fetch(`${stack.proxy}/conn_crash${path}`, {
        method,
        headers: { authorization: `Bearer ${token}` },
        body: method === "GET" || method === "DELETE" ? null : "body",
        signal: AbortSignal.timeout(3_000),
      });
      await response.arrayBuffer();
      answered.set(path, response.status);
    } catch {
      await new Promise((done) => setTimeout(done, 10));
    }
  }
}

/** Kills the runtime, which the start script brings back; should it fail to, everything is killed and started anew. */
async function crash(): Promise<void> {
  try {
    await stack.killRuntime();
  } catch {
    await stack.kill();
    await stack.start();
  }
}

async function eventsOf(id: string): Promise<Json[]> {
  const events: Json[] = [];
  let cursor = "";
  do {
    const page = await api.admin("GET", `/api/v1/audit-events?credential_id=${id}&limit=200${cursor}`);
    expect(page.status, page.text).toBe(200);
    events.push(...items(member(page.body, "data")));
    const next = member(page.body, "next_cursor");
    cursor = next === null ? "" : `&cursor=${encodeURIComponent(text(next))}`;
  } while (cursor !== "");
  return events;
}

describe("kill -9 at random moments", () => {
  it(
    "leaves one event for every call that reached the vendor",
    async () => {
      const free = await credential("free", undefined);
      const capped = await credential("capped", { budgets: [{ unit: "requests", limit: BUDGET, window: "month" }] });
      let stopped = false;
      const load = Array.from({ length: CALLERS }, () => call([free, free, capped], () => stopped));
      for (let round = 0; round < ROUNDS; round += 1) {
        await new Promise((done) => setTimeout(done, Math.random() * MAX_LOAD_MS));
        await crash();
      }
      await new Promise((done) => setTimeout(done, MAX_LOAD_MS));
      stopped = true;
      await Promise.all(load);

      const seen = new Map<string, number>();
      for (const { target } of vendor.requests) seen.set(target, (seen.get(target) ?? 0) + 1);
      expect(seen.size).toBeGreaterThan(ROUNDS);

      let recorded: readonly Json[] = [];
      const complete = async (): Promise<boolean> => {
        recorded = [...(await eventsOf(free.id)), ...(await eventsOf(capped.id))];
        const paths = new Set(recorded.map((event) => member(event, "path")));
        await new Promise((done) => setTimeout(done, 1_000));
        return [...seen.keys(), ...answered.keys()].every((path) => paths.has(path));
      };
      await until(complete, SETTLE_TIMEOUT_MS, () => {
        const paths = new Set(recorded.map((event) => member(event, "path")));
        const missing = [...seen.keys()].filter((path) => !paths.has(path));
        return `calls without an event: ${missing.length} of ${seen.size}, e.g. ${missing.slice(0, 5).join(" ")}`;
      });

      const times = new Map<unknown, number>();
      for (const event of recorded) times.set(member(event, "path"), (times.get(member(event, "path")) ?? 0) + 1);
      expect([...times].filter(([, count]) => count !== 1)).toEqual([]);
      for (const { id } of [free, capped]) {
        const seqs = recorded
          .filter((event) => member(event, "credential_id") === id)
          .map((event) => Number(member(event, "seq")))
          .sort((a, b) => a - b);
        expect(seqs).toEqual(seqs.map((_, at) => at + 1));
      }
      const allowed = recorded.filter((event) => member(event, "decision") === "allowed");
      expect(allowed.filter((event) => member(event, "credential_id") === capped.id).length).toBeLessThanOrEqual(
        BUDGET,
      );
      const reasonOf = new Map(recorded.map((event) => [member(event, "path"), member(event, "reason")]));
      for (const path of seen.keys())
        expect(["ok", "unknown", "client_gone", "upstream_unreachable", "upstream_timeout"]).toContain(
          reasonOf.get(path),
        );
      for (const [path, status] of answered) {
        if (status === 200) expect(["ok", "unknown"]).toContain(reasonOf.get(path));
      }
      console.log(`${ROUNDS} crashes, ${calls} calls, ${seen.size} reached the vendor, ${recorded.length} events`);
    },
    // Each crash takes the runtime a second or two to come back.
    ROUNDS * 12_000 + SETTLE_TIMEOUT_MS + 30_000,
  );
});
