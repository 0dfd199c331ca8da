/** One keep-alive connection that sends a prepared request and says how long the whole answer took. Anything but 2xx throws. */
import { connect, type Socket } from "node:net";

export class Asker {
  readonly #socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #waiting: PromiseWithResolvers<void> | null = null;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("error", (error) => this.#waiting?.reject(error));
    socket.on("close", () => this.#waiting?.reject(new Error("the connection was closed")));
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
  }

  static open(port: number): Promise<Asker> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: "127.0.0.1", noDelay: true });
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.removeListener("error", reject);
        resolve(new Asker(socket));
      });
    });
  }

  /** Milliseconds until the answer was complete. One at a time. */
  async ask(request: Buffer): Promise<number> {
    if (this.#socket.destroyed) throw new Error("the connection was closed");
    this.#received = Buffer.alloc(0);
    this.#waiting = Promise.withResolvers();
    const startedAt = performance.now();
    this.#socket.write(request);
    await this.#waiting.promise;
    return performance.now() - startedAt;
  }

  close(): void {
    this.#waiting = null;
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    const status = completeStatus(this.#received);
    if (status === null) return;
    if (status >= 200 && status <= 299) this.#waiting?.resolve();
    else this.#waiting?.reject(new Error(`answered with ${status}: ${this.#received.toString("utf8").slice(-600)}`));
  }
}

/** The status once head and body are there (content-length or chunked), else null. */
function completeStatus(bytes: Buffer): number | null {
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0) return null;
  const head = bytes.subarray(0, end).toString("latin1");
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  const isComplete =
    length === undefined
      ? bytes.subarray(-5).toString("latin1") === "0\r\n\r\n"
      : bytes.length >= end + 4 + Number(length);
  return isComplete ? Number(head.slice(9, 12)) : null;
}
