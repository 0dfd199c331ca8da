/**
 * A loopback vendor that speaks WebSocket (RFC 6455) far enough to greet, echo and close. Written out so that a test sees
 * the handshake as it came over the wire.
 */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const OP = { text: 1, binary: 2, close: 8 } as const;

export interface SocketVendor {
  readonly origin: string;
  /** Handshakes, in order. */
  readonly upgrades: IncomingMessage[];
  /** Connections that have ended. */
  ended(): number;
  stop(): Promise<void>;
}

/** Sends `greeting` first, then echoes. Takes the first subprotocol that is offered. */
export async function startSocketVendor(greeting: string): Promise<SocketVendor> {
  const upgrades: IncomingMessage[] = [];
  const open = new Set<Duplex>();
  let ended = 0;
  const server = createServer((_request, response) => void response.writeHead(426).end());
  server.on("upgrade", (request: IncomingMessage, socket: Duplex) => {
    upgrades.push(request);
    open.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => {
      open.delete(socket);
      ended += 1;
    });
    const accept = createHash("sha1")
      .update(`${request.headers["sec-websocket-key"] ?? ""}${GUID}`)
      .digest("base64");
    const [protocol] = (request.headers["sec-websocket-protocol"] ?? "").split(/, ?/);
    socket.write(
      [
        "HTTP/1.1 101 Switching Protocols",
        "Upgrade: websocket",
        "Connection: Upgrade",
        `Sec-WebSocket-Accept: ${accept}`,
        ...(protocol === undefined || protocol === "" ? [] : [`Sec-WebSocket-Protocol: ${protocol}`]),
        "\r\n",
      ].join("\r\n"),
    );
    socket.write(frame(OP.text, Buffer.from(greeting)));
    let held: Buffer = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      held = Buffer.concat([held, chunk]);
      for (let read = unframe(held); read !== null; read = unframe(held)) {
        held = held.subarray(read.size);
        socket.write(frame(read.op, read.payload));
        if (read.op === OP.close) socket.end();
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    origin: `http://127.0.0.1:${port}`,
    upgrades,
    ended: () => ended,
    stop: () =>
      new Promise((resolve) => {
        for (const socket of open) socket.destroy();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** One final, unmasked frame, as servers send (section 5.2). */
function frame(op: number, payload: Buffer): Buffer {
  const length = payload.byteLength;
  const head =
    length < 126
      ? Buffer.from([0x80 | op, length])
      : length < 65_536
        ? Buffer.from([0x80 | op, 126, length >> 8, length & 0xff])
        : Buffer.from([0x80 | op, 127, 0, 0, 0, 0, ...u32(length)]);
  return Buffer.concat([head, payload]);
}

function u32(value: number): number[] {
  return [(value >>> 24) & 0xff, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff];
}

/** The first frame of a client, unmasked; null while it is not complete. Messages in several frames do not occur here. */
function unframe(bytes: Buffer): { readonly op: number; readonly payload: Buffer; readonly size: number } | null {
  if (bytes.length < 2) return null;
  const [first = 0, second = 0] = bytes;
  const short = second & 0x7f;
  const at = short < 126 ? 2 : short === 126 ? 4 : 10;
  if (bytes.length < at + 4) return null;
  const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : bytes.readUInt32BE(6);
  const mask = bytes.subarray(at, at + 4);
  const size = at + 4 + length;
  if (bytes.length < size) return null;
  const payload = Buffer.from(bytes.subarray(at + 4, size).map((byte, index) => byte ^ (mask[index % 4] ?? 0)));
  return { op: first & 0x0f, payload, size };
}
