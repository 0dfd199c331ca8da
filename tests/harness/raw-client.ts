/**
 * HTTP/1.1 over a bare socket, so that a request target, a header or a truncated body goes out exactly as written.
 * Reads one response: status line, raw headers, body by content-length, chunks or end of connection.
 */
import { connect, type Socket } from "node:net";

const RESPONSE_TIMEOUT_MS = 15_000;
const MAX_RESPONSE_BYTES = 16 * 1024 * 1024;

export interface RawRequest {
  readonly port: number;
  readonly host?: string;
  readonly method?: string;
  /** The request target, sent byte for byte (latin1). */
  readonly target: string;
  /** Sent in order and verbatim; `Host` and `Connection: close` are added unless present. */
  readonly headers?: readonly (readonly [string, string])[];
  readonly body?: string | Buffer;
}

export interface RawResponse {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Buffer;
  header(name: string): string | null;
  text(): string;
  json(): unknown;
}

export async function rawRequest(request: RawRequest): Promise<RawResponse> {
  return parseResponse(
    await exchange(request.port, request.host ?? "127.0.0.1", serialise(request)),
    request.method ?? "GET",
  );
}

/** Sends bytes, gives back everything until the other side closes. */
export function exchange(port: number, host: string, bytes: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect({ port, host });
    const chunks: Buffer[] = [];
    let size = 0;
    socket.setTimeout(RESPONSE_TIMEOUT_MS, () => socket.destroy(new Error("no answer in time")));
    socket.on("connect", () => socket.write(bytes));
    socket.on("data", (chunk) => {
      size += chunk.length;
      if (size > MAX_RESPONSE_BYTES) socket.destroy(new RangeError("response too large"));
      chunks.push(chunk);
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(Buffer.concat(chunks)));
  });
}

function serialise(request: RawRequest): Buffer {
  const body = Buffer.isBuffer(request.body) ? request.body : Buffer.from(request.body ?? "", "utf8");
  const headers = [...(request.headers ?? [])];
  const has = (name: string) => headers.some(([each]) => each.toLowerCase() === name);
  if (!has("host")) headers.unshift(["Host", `localhost:${request.port}`]);
  if (!has("connection")) headers.push(["Connection", "close"]);
  if (request.body !== undefined && !has("content-length") && !has("transfer-encoding")) {
    headers.push(["Content-Length", String(body.length)]);
  }
  const head = [
    `${request.method ?? "GET"} ${request.target} HTTP/1.1`,
    ...headers.map(([name, value]) => `${name}: ${value}`),
  ];
  return Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`, "latin1"), body]);
}

export function parseResponse(bytes: Buffer, method: string): RawResponse {
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0) throw new Error(`no complete response: ${bytes.subarray(0, 200).toString("latin1")}`);
  const [statusLine = "", ...lines] = bytes.subarray(0, end).toString("latin1").split("\r\n");
  const headers = lines.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon), line.slice(colon + 1).trim()] as const;
  });
  const header = (name: string) => headers.find(([each]) => each.toLowerCase() === name.toLowerCase())?.[1] ?? null;
  const rest = bytes.subarray(end + 4);
  const chunked = header("transfer-encoding")?.toLowerCase() === "chunked" && method !== "HEAD";
  const body = chunked ? unchunk(rest) : rest;
  return {
    status: Number(statusLine.split(" ")[1]),
    headers,
    body,
    header,
    text: () => body.toString("utf8"),
    json: (): unknown => JSON.parse(body.toString("utf8")),
  };
}

function unchunk(bytes: Buffer): Buffer {
  const parts: Buffer[] = [];
  let at = 0;
  for (;;) {
    const lineEnd = bytes.indexOf("\r\n", at);
    if (lineEnd < 0) break;
    const size = Number.parseInt(bytes.subarray(at, lineEnd).toString("latin1"), 16);
    if (!(size > 0)) break;
    parts.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = lineEnd + 2 + size + 2;
  }
  return Buffer.concat(parts);
}
