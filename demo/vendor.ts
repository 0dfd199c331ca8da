/**
 * A small vendor to try RelayKey on: it needs a key, pages, streams, and can be told to fail. Listens on 127.0.0.1 only.
 * Its log and its console never hold the key; `/echo` and `/leak` send it back on purpose, as careless vendors do.
 *
 *     GET  /contacts?page=&limit=   three pages, with an absolute `next` URL and a `Link` header;  /contacts/{id} one of them
 *     ANY  /echo                    what arrived: method, target, headers, size and SHA-256 of the body, form parts by name
 *     GET  /stream?events=&every_ms=  server-sent events          GET /bytes/{n}    n bytes, chunked
 *     ANY  /status/{code}           that status, with ?retry_after=   ANY /slow?ms=  answers late
 *     ANY  /flaky?key=&fails=       503 for the first `fails` calls per key, then 200
 *     ANY  /redirect?to=            302                            ANY /leak         the key in body, header and error
 *     GET  /_log                    the last requests, without key (the only path that needs no key)
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { StartupError } from "../scripts/startup-error.ts";

const MAX_BODY_BYTES = 256 * 1024 * 1024;
const MAX_RESPONSE_BYTES = 256 * 1024 * 1024;
const MAX_LOG_ENTRIES = 10_000;
const MAX_FLAKY_KEYS = 1000;
const MAX_WAIT_MS = 120_000;
const MAX_EVENTS = 10_000;
const CHUNK_BYTES = 64 * 1024;

export interface DemoVendorOptions {
  /** 0 picks a free one. */
  readonly port: number;
  /** Accepted as `Authorization: Bearer`, either half of Basic, `x-api-key` or `?api_key=`. */
  readonly key: string;
}

export interface DemoVendor {
  readonly port: number;
  /** `http://127.0.0.1:port` */
  readonly origin: string;
  stop(): Promise<void>;
}

interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  readonly body: Buffer;
  readonly key: string;
}

interface Memory {
  readonly log: { at: string; method: string; target: string; request_id: string | null; authorised: boolean }[];
  readonly failures: Map<string, number>;
}

type Handler = (call: Call, memory: Memory, parameter: string) => void | Promise<void>;

/** First segment to handler; a second segment is the handler's parameter. */
const ROUTES: Readonly<Record<string, Handler>> = {
  contacts,
  echo,
  stream,
  bytes,
  status,
  slow,
  flaky,
  redirect,
  leak,
};

export function startDemoVendor(options: DemoVendorOptions): Promise<DemoVendor> {
  const memory: Memory = { log: [], failures: new Map() };
  const server = createServer((request, response) => {
    response.on("error", () => {});
    answer(request, response, options.key, memory).catch(() => {
      if (response.headersSent) response.destroy();
      else json(response, 500, { error: "demo vendor failed" });
    });
  });
  server.keepAliveTimeout = 60_000;
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(
        new StartupError(
          `The demo vendor cannot listen on port ${options.port} (${error.code ?? "unknown"}): set RELAYKEY_DEMO_PORT`,
        ),
      ),
    );
    server.listen(options.port, "127.0.0.1", () => resolve(running(server)));
  });
}

function running(server: Server): DemoVendor {
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    port,
    origin: `http://127.0.0.1:${port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, key: string, memory: Memory): Promise<void> {
  const target = request.url ?? "/";
  const url = new URL(target, "http://demo.invalid");
  if (url.pathname === "/_log") return json(response, 200, { data: memory.log });
  const authorised = presentedKeys(request, url).some((presented) => sameText(presented, key));
  remember(request, url, authorised, memory);
  const body = await readBody(request);
  if (!authorised) {
    response.setHeader("www-authenticate", 'Bearer realm="demo"');
    return json(response, 401, { error: "a key is needed" });
  }
  const [, first = "", parameter = ""] = url.pathname.split("/");
  const handler = Object.hasOwn(ROUTES, first) ? ROUTES[first] : undefined;
  if (handler === undefined) return json(response, 404, { error: "no such resource", path: url.pathname });
  await handler({ request, response, url, body, key }, memory, parameter);
}

function presentedKeys(request: IncomingMessage, url: URL): string[] {
  const found: (string | null)[] = [header(request, "x-api-key"), url.searchParams.get("api_key")];
  const [scheme = "", value = ""] = (header(request, "authorization") ?? "").split(" ", 2);
  if (scheme.toLowerCase() === "basic") found.push(...Buffer.from(value, "base64").toString("utf8").split(":", 2));
  else found.push(value);
  return found.filter((each): each is string => each !== null && each !== "");
}

function remember(request: IncomingMessage, url: URL, authorised: boolean, memory: Memory): void {
  const query = new URLSearchParams(url.searchParams);
  if (query.has("api_key")) query.set("api_key", "***");
  memory.log.push({
    at: new Date().toISOString(),
    method: request.method ?? "",
    target: query.size === 0 ? url.pathname : `${url.pathname}?${query.toString()}`,
    request_id: header(request, "x-request-id"),
    authorised,
  });
  if (memory.log.length > MAX_LOG_ENTRIES) memory.log.shift();
}

function contacts({ request, response, url }: Call, _memory: Memory, id: string): void {
  const all = Array.from({ length: 9 }, (_, index) => ({
    id: String(index + 1),
    name: `Contact ${index + 1}`,
    email: `contact${index + 1}@example.com`,
  }));
  if (id !== "") {
    const one = all.find((contact) => contact.id === id);
    if (one === undefined) return json(response, 404, { error: "no such contact" });
    if (request.method === "DELETE") return json(response, 200, { deleted: true, id });
    return json(response, 200, one);
  }
  if (request.method === "POST") return json(response, 201, { id: "10", created: true });
  const limit = number(url, "limit", 3, 100);
  const page = number(url, "page", 1, 1000);
  const data = all.slice((page - 1) * limit, page * limit);
  const more = page * limit < all.length;
  const next = more ? `http://${header(request, "host") ?? ""}/contacts?page=${page + 1}&limit=${limit}` : null;
  if (next !== null) response.setHeader("link", `<${next}>; rel="next"`);
  json(response, 200, { data, next, total: all.length });
}

function echo({ request, response, body }: Call): void {
  const headers: [string, string][] = [];
  for (let at = 0; at < request.rawHeaders.length; at += 2) {
    headers.push([request.rawHeaders[at] ?? "", request.rawHeaders[at + 1] ?? ""]);
  }
  const type = header(request, "content-type") ?? "";
  json(response, 200, {
    method: request.method,
    target: request.url,
    path: (request.url ?? "").split("?")[0],
    query: (request.url ?? "").split("?").slice(1).join("?"),
    headers: Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value])),
    raw_headers: headers,
    body_bytes: body.length,
    body_sha256: createHash("sha256").update(body).digest("hex"),
    parts: type.startsWith("multipart/form-data") ? partNames(body) : null,
  });
}

function partNames(body: Buffer): string[] {
  return [...body.toString("latin1").matchAll(/content-disposition: form-data; name="([^"]*)"/gi)].map(
    (match) => match[1] ?? "",
  );
}

async function stream({ response, url }: Call): Promise<void> {
  const events = number(url, "events", 5, MAX_EVENTS);
  const everyMs = number(url, "every_ms", 200, MAX_WAIT_MS);
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
  response.flushHeaders();
  for (let sent = 1; sent <= events && !response.destroyed; sent++) {
    response.write(`id: ${sent}\nevent: tick\ndata: {"n":${sent}}\n\n`);
    if (sent < events) await wait(everyMs);
  }
  response.end("event: done\ndata: [DONE]\n\n");
}

async function bytes({ response }: Call, _memory: Memory, parameter: string): Promise<void> {
  const total = Math.min(Number.parseInt(parameter, 10) || 0, MAX_RESPONSE_BYTES);
  response.writeHead(200, { "content-type": "application/octet-stream" });
  const chunk = Buffer.alloc(CHUNK_BYTES, "0123456789abcdef");
  for (let sent = 0; sent < total && !response.destroyed; sent += CHUNK_BYTES) {
    const roomLeft = response.write(chunk.subarray(0, Math.min(CHUNK_BYTES, total - sent)));
    if (!roomLeft) await drained(response);
  }
  response.end();
}

function status({ response, url }: Call, _memory: Memory, parameter: string): void {
  const code = Number.parseInt(parameter, 10);
  if (!(code >= 200 && code <= 599)) return json(response, 400, { error: "a status from 200 to 599" });
  const retryAfter = url.searchParams.get("retry_after");
  if (retryAfter !== null && /^[\w ,:]{1,40}$/.test(retryAfter)) response.setHeader("retry-after", retryAfter);
  if (code === 204 || code === 304) response.writeHead(code).end();
  else json(response, code, { status: code });
}

async function slow({ response, url }: Call): Promise<void> {
  const ms = number(url, "ms", 2000, MAX_WAIT_MS);
  await wait(ms);
  if (!response.destroyed) json(response, 200, { waited_ms: ms });
}

function flaky({ response, url }: Call, memory: Memory): void {
  const key = url.searchParams.get("key") ?? "default";
  const fails = number(url, "fails", 2, 1000);
  const calls = (memory.failures.get(key) ?? 0) + 1;
  if (memory.failures.size < MAX_FLAKY_KEYS || memory.failures.has(key)) memory.failures.set(key, calls);
  json(response, calls <= fails ? 503 : 200, { calls });
}

function redirect({ request, response, url }: Call): void {
  const to = url.searchParams.get("to") ?? `http://${header(request, "host") ?? ""}/contacts`;
  response.writeHead(302, { location: /^[\x21-\x7e]+$/.test(to) ? to : "/contacts" }).end();
}

function leak({ response, url, key }: Call): void {
  response.setHeader("x-debug-key", key);
  const code = url.searchParams.has("error") ? 400 : 200;
  json(response, code, { error: `invalid use of key ${key}`, base64: Buffer.from(key).toString("base64") });
}

function json(response: ServerResponse, code: number, value: unknown): void {
  const text = JSON.stringify(value);
  response.writeHead(code, { "content-type": "application/json", "content-length": Buffer.byteLength(text) }).end(text);
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    if (!Buffer.isBuffer(chunk)) continue;
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw new RangeError("body too large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function header(request: IncomingMessage, name: string): string | null {
  const value = request.headers[name];
  return typeof value === "string" ? value : null;
}

function number(url: URL, name: string, fallback: number, max: number): number {
  const value = Number.parseInt(url.searchParams.get(name) ?? "", 10);
  return Number.isNaN(value) ? fallback : Math.min(Math.max(value, 0), max);
}

function sameText(a: string, b: string): boolean {
  const left = createHash("sha256").update(a).digest();
  return timingSafeEqual(left, createHash("sha256").update(b).digest());
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    response.once("drain", resolve);
    response.once("close", resolve);
  });
}
