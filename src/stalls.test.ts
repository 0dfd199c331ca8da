/** A body, the caller's or the vendor's, that stops in its middle: the call ends in time, is answered, and is settled once. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DEFAULT_RELIABILITY } from "./domain/reliability.ts";
import { resolveRoute } from "./domain/route.ts";
import { handleCall } from "./pipeline.ts";
import { connection, grant, scope, SETTINGS, world, type World } from "./pipeline.fixture.ts";

const IDLE_MS = 5_000;
const TOTAL_MS = 20_000;
const FIRST_BYTE_MS = 3_000;
const reliability = {
  ...DEFAULT_RELIABILITY,
  firstByteTimeoutMs: FIRST_BYTE_MS,
  idleTimeoutMs: IDLE_MS,
  totalTimeoutMs: TOTAL_MS,
  maxAttempts: 1,
};

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

/** Gives its pieces, each after a pause, and then nothing more. */
function stalling(pieces: readonly string[], pauseMs = 0): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const piece = pieces[at++];
      if (piece === undefined) return new Promise(() => undefined);
      if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
      controller.enqueue(new TextEncoder().encode(piece));
    },
  });
}

const URL_TEXT = "http://localhost/conn_test/contacts/7";

function ask(made: World, init: RequestInit = {}): Promise<Response> {
  const headers = { authorization: `Bearer ${made.token}`, "content-type": "application/json" };
  return handle(made, new Request(URL_TEXT, { headers, ...init }));
}

function handle(made: World, request: Request): Promise<Response> {
  const route = resolveRoute(request.url, { proxyDomain: "localhost" });
  if (route.kind !== "proxy") throw new Error(`not a proxy route: ${route.kind}`);
  return handleCall(request, route, made.ports, SETTINGS);
}

/** The answer, when it comes within that time and not before `atLeastMs`. */
async function answeredWithin(answer: Promise<Response>, atLeastMs: number, atMostMs: number): Promise<Response> {
  let come: Response | null = null;
  void answer.then((response) => (come = response));
  await vi.advanceTimersByTimeAsync(atLeastMs);
  expect(come).toBeNull();
  await vi.advanceTimersByTimeAsync(atMostMs - atLeastMs);
  if (come === null) throw new Error(`no answer after ${atMostMs} ms`);
  return come;
}

function granted(change: Parameters<typeof scope>[0] = {}): World {
  return world({ grants: [grant({ connection: connection({ reliability }), scope: scope(change) })] });
}

describe("a vendor that stops in the middle of its answer", () => {
  const cases: readonly (readonly [string, Record<string, string>, Parameters<typeof scope>[0]])[] = [
    ["of known length", { "content-length": "20" }, {}],
    ["in gzip", { "content-encoding": "gzip" }, {}],
    ["from which members are to be taken", {}, { removeResponseMembers: ["secret"] }],
  ];

  it.each(cases)("%s: 504 after the idle timeout, settled once", async (_, headers, change) => {
    const made = granted(change);
    made.vendor = () =>
      new Response(stalling(['{"a"']), { headers: { "content-type": "application/json", ...headers } });
    const response = await answeredWithin(ask(made), IDLE_MS - 100, IDLE_MS + 100);
    expect(response.status).toBe(504);
    expect(await response.json()).toMatchObject({ code: "upstream_timeout" });
    expect(made.settlements).toMatchObject([{ status: 504, upstreamStatus: 200, reason: "idle_timeout" }]);
  });

  it("drop by drop: 504 after the total timeout", async () => {
    const made = granted();
    const drops = Array.from({ length: 20 }, () => "x");
    made.vendor = () => new Response(stalling(drops, IDLE_MS - 1_000), { headers: { "content-encoding": "gzip" } });
    const response = await answeredWithin(ask(made), TOTAL_MS - 100, TOTAL_MS + 100);
    expect(response.status).toBe(504);
    expect(made.settlements).toMatchObject([{ status: 504, reason: "total_timeout" }]);
  });
});

describe("a caller that stops in the middle of its body", () => {
  it("is refused when the body must be judged, and the refusal is on record", async () => {
    const made = granted({ body: [{ member: "secret", effect: "deny", values: [] }] });
    const answer = ask(made, { method: "POST", body: stalling(['{"a"']) });
    const response = await answeredWithin(answer, 29_900, 30_100);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: "invalid_request" });
    expect(made.admissions).toMatchObject([{ refusal: { code: "invalid_request" } }]);
    expect(made.sent).toEqual([]);
  });

  it("is refused when a GET may have a body", async () => {
    const made = granted();
    const headers = new Headers({ authorization: `Bearer ${made.token}` });
    // The platform's Request refuses to hold one.
    const parts = { method: "GET", url: URL_TEXT, headers, body: stalling([]), signal: new AbortController().signal };
    const response = await answeredWithin(handle(made, parts as unknown as Request), 29_900, 30_100);
    expect(response.status).toBe(400);
    expect(made.sent).toEqual([]);
  });

  it("is passed on piece by piece when it could be repeated but takes its time", async () => {
    const made = granted({ rules: [{ methods: ["PUT"], paths: ["/contacts/*"] }] });
    const got: string[] = [];
    made.vendor = async (request) => {
      got.push(await request.text());
      return Response.json({ ok: true });
    };
    const slow = ["one ", "two ", "three"];
    let at = 0;
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        await new Promise((resolve) => setTimeout(resolve, 1_500));
        const piece = slow[at++];
        if (piece === undefined) controller.close();
        else controller.enqueue(new TextEncoder().encode(piece));
      },
    });
    const answer = ask(made, { method: "PUT", body });
    await vi.advanceTimersByTimeAsync(2_100);
    expect(made.sent).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(6_000);
    expect((await answer).status).toBe(200);
    expect(got).toEqual(["one two three"]);
  });

  it.each([
    ["of unknown length", {}, TOTAL_MS],
    ["of a declared million bytes", { "content-length": "1000000" }, FIRST_BYTE_MS + 8_000],
  ])("has more time for a body %s than the vendor's first byte may take", async (_, headers, timeoutMs) => {
    const made = granted();
    made.vendor = () => new Promise(() => undefined);
    const authorization = `Bearer ${made.token}`;
    const answer = ask(made, { method: "POST", body: stalling(["one"]), headers: { authorization, ...headers } });
    const response = await answeredWithin(answer, timeoutMs - 100, timeoutMs + 100);
    expect(response.status).toBe(504);
    expect(made.settlements).toMatchObject([{ status: 504, reason: "upstream_timeout" }]);
  });

  it("has no more time without a body", async () => {
    const made = granted();
    made.vendor = () => new Promise(() => undefined);
    const response = await answeredWithin(ask(made), FIRST_BYTE_MS - 100, FIRST_BYTE_MS + 100);
    expect(response.status).toBe(504);
  });
});
