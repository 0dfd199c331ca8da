/** WebSocket upgrades as OpenAI realtime and ElevenLabs need them: key injected, subprotocol kept, both directions. */
import { expect, it } from "vitest";
import { startSocketVendor, type SocketVendor } from "./socket-vendor.ts";
import type { Connected, World } from "./world.ts";

const GREETING = JSON.stringify({ type: "session.created", session: { type: "realtime" } });

/** A client whose events can be awaited; messages that came before they are asked for are kept. */
interface Client {
  readonly socket: WebSocket;
  message(): Promise<string | Buffer>;
  readonly closed: Promise<number>;
}

function connectTo(url: string, options: { protocols?: string[]; headers?: Record<string, string> }): Client {
  // Headers are an extension of Node's own client that the standard's types do not know.
  const socket = Reflect.construct(WebSocket, [url, options]) as WebSocket;
  socket.binaryType = "arraybuffer";
  const messages: (string | Buffer)[] = [];
  let wake: () => void = () => undefined;
  socket.addEventListener("message", (event) => {
    const data: unknown = event.data;
    messages.push(data instanceof ArrayBuffer ? Buffer.from(data) : String(data));
    wake();
  });
  const closed = new Promise<number>((resolve) => {
    socket.addEventListener("close", ({ code }) => {
      resolve(code);
      wake();
    });
  });
  socket.addEventListener("error", () => undefined);
  return {
    socket,
    closed,
    async message() {
      while (messages.length === 0) {
        if (socket.readyState === WebSocket.CLOSED) throw new Error("the socket closed without a message");
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return messages.shift() ?? "";
    },
  };
}

export function webSocketSuite(world: () => World): void {
  let vendor: SocketVendor;
  let connected: Connected;
  let token = "";
  const base = (connection: Connected) => connection.proxy.replace("http:", "ws:");

  it("websocket: is set up", async () => {
    vendor = await startSocketVendor(GREETING);
    connected = await world().connect("conn_realtime", { vendor: "openai", base_url: `${vendor.origin}/v1` });
    token = await connected.token([{ methods: ["GET"], paths: ["/v1/realtime"] }]);
  });

  it("websocket: as servers do it, the token in a header", async () => {
    const headers = { authorization: `Bearer ${token}`, "openai-beta": "realtime=v1" };
    const client = connectTo(`${base(connected)}/v1/realtime?model=gpt-realtime`, { headers });
    expect(await client.message()).toBe(GREETING);
    client.socket.send("hello");
    expect(await client.message()).toBe("hello");
    const binary = Buffer.from(Array.from({ length: 70_000 }, (_, i) => i % 256));
    client.socket.send(binary);
    const echoed = await client.message();
    expect(typeof echoed !== "string" && binary.equals(echoed)).toBe(true);
    const [request] = vendor.upgrades;
    expect(request?.url).toBe("/v1/realtime?model=gpt-realtime");
    expect(request?.headers.authorization).toBe(`Bearer ${connected.secret}`);
    expect(request?.headers["openai-beta"]).toBe("realtime=v1");
    expect(JSON.stringify(request?.rawHeaders)).not.toContain(token);
    client.socket.close(1000);
    await client.closed;
    await expect.poll(() => vendor.ended()).toBe(1);
  });

  it("websocket: as browsers do it, the token as a subprotocol; the others are kept", async () => {
    const protocols = ["realtime", `openai-insecure-api-key.${token}`];
    const client = connectTo(`${base(connected)}/v1/realtime?model=gpt-realtime`, { protocols });
    expect(await client.message()).toBe(GREETING);
    expect(client.socket.protocol).toBe("realtime");
    const request = vendor.upgrades.at(-1);
    expect(request?.headers.authorization).toBe(`Bearer ${connected.secret}`);
    expect(request?.headers["sec-websocket-protocol"]).toBe("realtime");
    client.socket.close();
    await client.closed;
  });

  it("websocket: ElevenLabs' key header", async () => {
    const eleven = await world().connect("conn_eleven_ws", { vendor: "elevenlabs", base_url: vendor.origin });
    const voice = await eleven.token([{ methods: ["GET"], paths: ["/v1/text-to-speech/*/stream-input"] }]);
    const headers = { "xi-api-key": voice };
    const client = connectTo(`${base(eleven)}/v1/text-to-speech/v1/stream-input`, { headers });
    expect(await client.message()).toBe(GREETING);
    expect(vendor.upgrades.at(-1)?.headers["xi-api-key"]).toBe(eleven.secret);
    client.socket.close();
    await client.closed;
  });

  it("websocket: a refused upgrade never reaches the vendor", async () => {
    const before = vendor.upgrades.length;
    const client = connectTo(`${base(connected)}/v1/other`, { headers: { authorization: `Bearer ${token}` } });
    await client.closed;
    await expect(client.message()).rejects.toThrow();
    expect(vendor.upgrades.length).toBe(before);
    await vendor.stop();
  });
}
