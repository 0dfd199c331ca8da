/**
 * A loopback vendor that records every request byte for byte, bodies included, and answers what the test says.
 * It sees the request target and the headers as they came over the wire.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

export interface RecordedRequest {
  readonly method: string;
  /** As on the request line. */
  readonly target: string;
  readonly headers: IncomingMessage["headers"];
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
}

export type Answer = (request: RecordedRequest, response: ServerResponse) => void | Promise<void>;

export interface RecordingVendor {
  readonly port: number;
  readonly origin: string;
  readonly requests: RecordedRequest[];
  /** Replaces the answer; by default 200 with a small JSON body. */
  answerWith(answer: Answer): void;
  stop(): Promise<void>;
}

const DEFAULT_ANSWER: Answer = (_request, response) => {
  response.writeHead(200, { "content-type": "application/json" }).end('{"ok":true}');
};

export async function startRecordingVendor(): Promise<RecordingVendor> {
  const requests: RecordedRequest[] = [];
  let answer = DEFAULT_ANSWER;
  const server = createServer((request, response) => {
    response.on("error", () => {});
    record(request)
      .then((recorded) => {
        requests.push(recorded);
        return answer(recorded, response);
      })
      .catch(() => response.destroy());
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    port,
    origin: `http://127.0.0.1:${port}`,
    requests,
    answerWith: (next) => {
      answer = next;
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function record(request: IncomingMessage): Promise<RecordedRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
  return {
    method: request.method ?? "",
    target: request.url ?? "",
    headers: request.headers,
    rawHeaders: request.rawHeaders,
    body: Buffer.concat(chunks),
  };
}
