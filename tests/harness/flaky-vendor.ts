/**
 * A loopback vendor that misbehaves on the level of bytes: what it does is named by the request's path. It counts every
 * request that reaches it, so that a test can say what was sent twice.
 */
import { randomBytes } from "node:crypto";
import { createServer, type Socket } from "node:net";
import { gzipSync } from "node:zlib";

const MAX_KEPT_BYTES = 4_194_304;

export interface FlakyRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: string;
  readonly body: string;
  readonly atMs: number;
}

export interface FlakyVendor {
  readonly origin: string;
  readonly seen: FlakyRequest[];
  /** Requests whose path begins so. */
  of(prefix: string): FlakyRequest[];
  /** Sockets that the other side closed before an answer was complete. */
  aborted(): number;
  /** Sockets that the other side closed in the middle of a request. */
  truncated(): number;
  stop(): Promise<void>;
}

type Act = (socket: Socket, request: FlakyRequest, nth: number) => void;

const plain = (status: string, headers = "", body = "ok"): string =>
  `HTTP/1.1 ${status}\r\ncontent-type: text/plain\r\ncontent-length: ${Buffer.byteLength(body)}\r\n${headers}\r\n${body}`;

/** `/{act}/{argument}/…`; the rest of the path makes a case of its own. */
const ACTS: Readonly<Record<string, (argument: string) => Act>> = {
  status:
    (code) =>
    (socket, { method }) => {
      const bodiless = method === "HEAD" || ["204", "304"].includes(code);
      socket.write(
        bodiless ? `HTTP/1.1 ${code} X\r\n${code === "204" ? "" : "content-length: 2\r\n"}\r\n` : plain(`${code} X`),
      );
    },
  /** The given status at first, then 200. */
  once: (code) => (socket, _request, nth) => socket.write(plain(nth === 1 ? `${code} X` : "200 OK")),
  limited: (seconds) => (socket, _request, nth) =>
    socket.write(nth === 1 ? plain("429 Too Many", `retry-after: ${seconds}\r\n`) : plain("200 OK")),
  reset: (times) => (socket, _request, nth) => {
    if (times !== "" && nth > Number(times)) socket.write(plain("200 OK"));
    else socket.resetAndDestroy();
  },
  silent: () => () => undefined,
  drip: () => (socket) => socket.write("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 100\r\n\r\nabc"),
  /** The beginning of a gzip body, and nothing after it. */
  gzipdrip: () => (socket) => {
    const begun = gzipSync(randomBytes(1_000)).subarray(0, 500);
    socket.write(
      "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-encoding: gzip\r\ncontent-length: 9000\r\n\r\n",
    );
    socket.write(begun);
  },
  short: (size) => (socket) => {
    socket.write(`HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: ${size}\r\n\r\nonly this`);
    setTimeout(() => socket.destroy(), 30);
  },
  long: () => (socket) => {
    socket.write(
      "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 5\r\n\r\nfirst and a lot more that was not announced",
    );
  },
  garbage: () => (socket) => socket.end("this is not HTTP at all\r\n\r\n"),
  half: () => (socket) => socket.end("HTTP/1.1 200 OK\r\ncontent-ty"),
  early: (code) => (socket) => socket.write(`HTTP/1.1 ${code} Early\r\nlink: </x>\r\n\r\n${plain("200 OK")}`),
  loop:
    () =>
    (socket, { path }) =>
      socket.write(plain("302 Found", `location: ${path}\r\n`, "")),
  chunkdeath: () => (socket) => {
    socket.write("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n");
    setTimeout(() => socket.destroy(), 30);
  },
  badchunk: () => (socket) =>
    socket.end(
      "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n",
    ),
  bodysign: (code) => (socket, _request, nth) =>
    socket.write(nth === 1 ? plain(`${code} X`, "", '{"error":"RATELIMITED"}') : plain("200 OK")),
  quota: (left) => (socket) => socket.write(plain("200 OK", `x-left: ${left}\r\nx-reset: 2\r\n`)),
};

export async function startFlakyVendor(): Promise<FlakyVendor> {
  const seen: FlakyRequest[] = [];
  const sockets = new Set<Socket>();
  let aborted = 0;
  let truncated = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    let data = "";
    let answering = false;
    socket.on("error", () => undefined);
    socket.on("close", () => {
      if (answering) aborted += 1;
      if (data !== "") truncated += 1;
      sockets.delete(socket);
    });
    socket.on("data", (chunk) => {
      data += chunk.toString("latin1");
      if (data.length > MAX_KEPT_BYTES) data = withoutMiddle(data);
      for (;;) {
        const request = parse(data);
        if (request === null) return;
        data = data.slice(request.size);
        const { path } = request;
        seen.push({ ...request, atMs: Date.now() });
        const [, name = "", argument = ""] = path.split("/");
        const act = ACTS[name]?.(argument);
        answering = ["silent", "drip", "gzipdrip"].includes(name);
        if (act === undefined) socket.write(plain("404 Not Found"));
        else act(socket, { ...request, atMs: Date.now() }, seen.filter((each) => each.path === path).length);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    origin: `http://127.0.0.1:${port}`,
    seen,
    of: (prefix) => seen.filter((request) => request.path.startsWith(prefix)),
    aborted: () => aborted,
    truncated: () => truncated,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

interface Parsed {
  readonly method: string;
  readonly path: string;
  readonly headers: string;
  readonly body: string;
  readonly size: number;
}

/** Of an upload of unknown length: its head and the end of what came. */
function withoutMiddle(data: string): string {
  return data.slice(0, data.indexOf("\r\n\r\n") + 4) + data.slice(-16);
}

function parse(data: string): Parsed | null {
  const end = data.indexOf("\r\n\r\n");
  if (end < 0) return null;
  const headers = data.slice(0, end).toLowerCase();
  const [method = "", path = ""] = data.slice(0, data.indexOf("\r\n")).split(" ");
  const from = end + 4;
  if (headers.includes("transfer-encoding: chunked")) {
    const stop = data.indexOf("0\r\n\r\n", from);
    if (stop < 0) return null;
    return { method, path, headers, body: data.slice(from, stop), size: stop + 5 };
  }
  const length = Number(/content-length: (\d+)/.exec(headers)?.[1] ?? "0");
  if (data.length < from + length) return null;
  return { method, path, headers, body: data.slice(from, from + length), size: from + length };
}
