/**
 * Lines over a socket, as SMTP speaks them (RFC 5321 §4.2). Bounded: a server can neither send endless lines nor make
 * us wait longer than the caller's deadline.
 */
const MAX_REPLY_BYTES = 16_384;

export interface SmtpReply {
  readonly code: number;
  /** The texts of all lines, without code. */
  readonly lines: readonly string[];
}

export interface LineStreams {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
}

/** Thrown by the connection when the server breaks the protocol or the deadline passes; caught by the mailer. */
export class SmtpFault extends Error {
  override readonly name = "SmtpFault";
}

export class SmtpLines {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #deadline: Promise<never>;
  #held = "";

  constructor(streams: LineStreams, deadline: Promise<never>) {
    this.#reader = streams.readable.getReader();
    this.#writer = streams.writable.getWriter();
    this.#deadline = deadline;
  }

  async write(text: string): Promise<void> {
    await Promise.race([this.#writer.write(new TextEncoder().encode(text)), this.#deadline]);
  }

  /** One reply, however many lines it has. Codes of its lines must agree. */
  async reply(): Promise<SmtpReply> {
    const lines: string[] = [];
    let code: number | null = null;
    for (;;) {
      const line = await this.#line();
      const match = /^([2-5]\d\d)(?:([ -])(.*))?$/.exec(line);
      if (match === null || (code !== null && code !== Number(match[1]))) throw new SmtpFault("malformed reply");
      code = Number(match[1]);
      lines.push(match[3] ?? "");
      if (match[2] !== "-") return { code, lines };
      if (lines.length > 100) throw new SmtpFault("endless reply");
    }
  }

  /** Gives the streams back for the change to TLS. Anything sent before it counts as an attack (RFC 3207 §6). */
  release(): void {
    if (this.#held !== "") throw new SmtpFault("data before TLS");
    this.#reader.releaseLock();
    this.#writer.releaseLock();
  }

  async #line(): Promise<string> {
    for (;;) {
      const end = this.#held.indexOf("\n");
      if (end >= 0) {
        const line = this.#held.slice(0, end).replace(/\r$/, "");
        this.#held = this.#held.slice(end + 1);
        return line;
      }
      if (this.#held.length > MAX_REPLY_BYTES) throw new SmtpFault("endless line");
      const chunk = await Promise.race([this.#reader.read(), this.#deadline]);
      if (chunk.done) throw new SmtpFault("connection closed");
      for (const byte of chunk.value) this.#held += String.fromCharCode(byte);
    }
  }
}
