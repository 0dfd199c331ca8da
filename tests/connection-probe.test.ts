/** The test call of a connection against loopback vendors: what it sends, and what it makes of the answer. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { vendorById } from "../src/catalogue/catalogue.ts";
import { testCallFor } from "../src/catalogue/choices.ts";
import { probeConnection, type Probe } from "../src/cloudflare/connection-probe.ts";
import type { AuthScheme } from "../src/domain/auth-scheme.ts";
import { customTest } from "../src/domain/connection-test.ts";

const SECRET = ["probe", "secret", "for", "tests"].join("-");
interface Seen {
  readonly line: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}
let server: Server;
let origin = "";
let seen: Seen[] = [];
let answer: (request: Seen, response: ServerResponse) => void = () => undefined;

beforeAll(async () => {
  server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      const one = { line: `${request.method} ${request.url}`, headers: request.headers, body };
      seen.push(one);
      answer(one, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => new Promise((resolve) => server.close(resolve)));
beforeEach(() => {
  seen = [];
});

function probe(vendorId: string, over: Partial<Probe> & { auth?: AuthScheme; base?: string; secret?: string } = {}) {
  const vendor = vendorById(vendorId);
  if (vendor === null) throw new Error("no such vendor");
  const auth = over.auth ?? vendor.auth[0].scheme;
  const call = testCallFor(vendor, auth, {}, Date.UTC(2026, 0, 2));
  if (!call.ok) throw new Error(call.error.message);
  return probeConnection({
    connection: { baseUrl: `${origin}${over.base ?? ""}`, auth, headers: vendor.headers },
    call: over.call ?? call.value,
    secret: over.secret ?? SECRET,
    defaultHeaders: vendor.defaultHeaders,
    allowPrivate: over.allowPrivate ?? true,
    fetch: over.fetch ?? ((request) => fetch(request)),
    nowMs: () => 1_700_000_000_000,
  });
}
const json = (response: ServerResponse, body: unknown, status = 200): void =>
  void response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));

describe("what is sent", () => {
  test("the path stands once, with or without the base path in it", async () => {
    answer = (_request, response) => json(response, { object: "list" });
    expect(await probe("openai", { base: "/v1" })).toMatchObject({ ok: true });
    await probe("openai", { base: "/v1", call: customTest("/models") });
    expect(seen.map(({ line }) => line)).toEqual(["GET /v1/models", "GET /v1/models"]);
    expect(seen[0]?.headers["authorization"]).toBe(`Bearer ${SECRET}`);
  });
  test("version headers and a User-Agent go along", async () => {
    answer = (_request, response) => json(response, {});
    await probe("anthropic");
    expect(seen[0]?.headers).toMatchObject({
      "x-api-key": SECRET,
      "anthropic-version": "2023-06-01",
      "user-agent": "RelayKey",
    });
  });
  test("the query key and the date", async () => {
    answer = (_request, response) => void response.end("<requests/>");
    expect(await probe("purelyhr")).toMatchObject({ ok: true });
    expect(seen[0]?.line).toBe(`GET /xml/?sDate=2026/01/02&eDate=2026/01/02&ak=${SECRET}`);
  });
  test("a signed call", async () => {
    answer = (_request, response) => json(response, []);
    await probe("sumsub", { secret: JSON.stringify({ token: "app-token", key: "key" }) });
    expect(seen[0]?.headers["x-app-access-ts"]).toBe("1700000000");
    expect(seen[0]?.headers["x-app-access-sig"]).toMatch(/^[0-9a-f]{64}$/);
  });
  test("a login first, where the scheme needs one", async () => {
    answer = (request, response) =>
      request.line.startsWith("POST /authenticate") ? json(response, "session-token") : json(response, []);
    const secret = JSON.stringify({ username: "u", password: "p", privateKey: "private-key" });
    expect(await probe("absorb-lms", { secret })).toMatchObject({ ok: true });
    expect(seen[1]?.headers).toMatchObject({ "x-api-key": "private-key", authorization: "Bearer session-token" });
    answer = (_request, response) => json(response, {}, 401);
    expect(await probe("absorb-lms", { secret })).toMatchObject({
      ok: false,
      summary: "The vendor refuses the login.",
    });
  });
});

describe("what is found", () => {
  test("Slack's 200 with ok:false is a dead token, and a missing scope a live one", async () => {
    answer = (_request, response) => json(response, { ok: false, error: "invalid_auth" });
    expect(await probe("slack", { base: "/api" })).toMatchObject({ ok: false, status: 200 });
    expect(seen[0]?.line).toBe("POST /api/auth.test");
    answer = (_request, response) => json(response, { ok: false, error: "missing_scope" });
    expect(await probe("slack", { base: "/api" })).toMatchObject({ ok: true });
  });
  test("a restricted key is a real key", async () => {
    answer = (_request, response) => json(response, { name: "restricted_api_key" }, 401);
    expect(await probe("resend")).toMatchObject({ ok: true, summary: "The key is real." });
    answer = (_request, response) => json(response, { name: "validation_error" }, 401);
    expect(await probe("resend")).toMatchObject({ ok: false });
  });
  test("nothing of an answer that echoes the key is shown", async () => {
    answer = (_request, response) => json(response, { error: `bad key ${SECRET}` }, 400);
    expect(JSON.stringify(await probe("stripe"))).not.toContain(SECRET);
  });
  test("a redirect is not followed, with or without a key", async () => {
    answer = (_request, response) => void response.writeHead(302, { location: `${origin}/elsewhere` }).end();
    expect(await probe("stripe")).toMatchObject({ ok: false, status: 302 });
    expect(seen.length).toBe(1);
  });
  test("an endless body is cut off", async () => {
    answer = (_request, response) => {
      response.writeHead(200);
      const more = setInterval(() => response.write("x".repeat(65_536)), 1);
      response.on("close", () => clearInterval(more));
    };
    expect(await probe("stripe")).toMatchObject({ ok: true });
  });
  test("no host, private host, unusable secret", async () => {
    const reset = () => Promise.reject(new TypeError("connect failed"));
    expect(await probe("stripe", { fetch: reset })).toMatchObject({ ok: false, status: null });
    expect(await probe("stripe", { allowPrivate: false })).toMatchObject({ ok: false, status: null });
    expect(await probe("stripe", { secret: "with\nbreak" })).toMatchObject({ ok: false, status: null });
    expect(await probe("sumsub", { secret: "{}" })).toMatchObject({ ok: false, status: null });
    expect(seen).toEqual([]);
  });
});
