/** `@anthropic-ai/sdk` in both generations: 1.x sends a bearer token, 0.x the header x-api-key. */
import Anthropic from "@anthropic-ai/sdk";
import AnthropicOld from "anthropic-sdk-0";
import { expect, it } from "vitest";
import type { Answer, RecordingVendor } from "../harness/recording-vendor.ts";
import { everythingSeen, thrown, type Connected, type World } from "./world.ts";

const EVENTS: readonly (readonly [string, Record<string, unknown>])[] = [
  [
    "message_start",
    {
      message: {
        id: "m",
        type: "message",
        role: "assistant",
        model: "claude-test",
        content: [],
        stop_reason: null,
        stop_sequence: null,
        usage: { input_tokens: 1, output_tokens: 1 },
      },
    },
  ],
  ["content_block_start", { index: 0, content_block: { type: "text", text: "" } }],
  ["content_block_delta", { index: 0, delta: { type: "text_delta", text: "Hel" } }],
  ["content_block_delta", { index: 0, delta: { type: "text_delta", text: "lo" } }],
  ["content_block_stop", { index: 0 }],
  ["message_delta", { delta: { stop_reason: "end_turn", stop_sequence: null }, usage: { output_tokens: 2 } }],
  ["message_stop", {}],
];

function answerAs(origin: () => string): Answer {
  return (request, response) => {
    const json = (body: unknown, status = 200): void =>
      void response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    if (request.headers["anthropic-version"] === undefined) return json({ type: "error", error: { type: "x" } }, 400);
    if (request.target.startsWith("/v1/models")) {
      return json({ data: [{ type: "model", id: "claude-test" }], has_more: false, first_id: null, last_id: null });
    }
    if (request.target === "/v1/messages/batches/b1") {
      const results = `${origin()}/v1/messages/batches/b1/results`;
      return json({ id: "b1", type: "message_batch", processing_status: "ended", results_url: results });
    }
    if (request.target === "/v1/messages/batches/b1/results") {
      response.writeHead(200, { "content-type": "application/x-jsonl" });
      return void response.end(
        '{"custom_id":"one","result":{"type":"canceled"}}\n{"custom_id":"two","result":{"type":"expired"}}\n',
      );
    }
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (const [type, data] of EVENTS) response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`);
    return void response.end();
  };
}

const MESSAGE = { model: "claude-test", max_tokens: 16, messages: [] };

/** The calls that both generations of the SDK are tried with. */
interface Generation {
  models(): Promise<string[]>;
  stream(): Promise<string>;
  count(): PromiseLike<unknown>;
}

async function textOf(stream: AsyncIterable<{ readonly type: string; readonly delta?: unknown }>): Promise<string> {
  let said = "";
  for await (const { delta } of stream) {
    if (typeof delta === "object" && delta !== null && "text" in delta && typeof delta.text === "string") {
      said += delta.text;
    }
  }
  return said;
}

export function anthropicSuite(world: () => World): void {
  let vendor: RecordingVendor;
  let connected: Connected;
  let token = "";

  it("anthropic: is set up", async () => {
    vendor = await world().vendor();
    vendor.answerWith(answerAs(() => vendor.origin));
    connected = await world().connect("conn_anthropic", { vendor: "anthropic", base_url: vendor.origin });
    token = await connected.token([
      { methods: ["GET"], paths: ["/v1/models", "/v1/messages/batches/**"] },
      { methods: ["POST"], paths: ["/v1/messages"] },
    ]);
  });

  const newest = (): Generation => {
    const client = new Anthropic({ apiKey: token, baseURL: connected.proxy });
    return {
      models: async () => (await client.models.list()).data.map(({ id }) => id),
      stream: async () => textOf(await client.messages.create({ ...MESSAGE, stream: true })),
      count: () => client.messages.countTokens({ model: "claude-test", messages: [] }),
    };
  };
  const older = (): Generation => {
    const client = new AnthropicOld({ apiKey: token, baseURL: connected.proxy });
    return {
      models: async () => (await client.models.list()).data.map(({ id }) => id),
      stream: async () => textOf(await client.messages.create({ ...MESSAGE, stream: true })),
      count: () => client.messages.countTokens({ model: "claude-test", messages: [] }),
    };
  };

  it.each([
    ["1.x", newest],
    ["0.x", older],
  ] as const)("anthropic %s: models, streaming, refusal", async (_version, make) => {
    const client = make();
    const first = vendor.requests.length;
    expect(await client.models()).toEqual(["claude-test"]);
    expect(vendor.requests[first]?.headers["x-api-key"]).toBe(connected.secret);
    expect(vendor.requests[first]?.headers.authorization).toBeUndefined();
    expect(vendor.requests[first]?.headers["anthropic-version"]).toMatch(/^20\d\d-/);
    expect(await client.stream()).toBe("Hello");

    const before = vendor.requests.length;
    const error = await thrown(() => client.count());
    expect(error).toMatchObject({ status: 403, error: { code: "path_denied" } });
    expect(String(error)).toContain("/v1/messages/count_tokens is outside");
    expect(vendor.requests.length).toBe(before);
    expect(everythingSeen(vendor)).not.toContain(token);
  });

  it("anthropic: reads batch results through the address in the answer, which is the proxy's", async () => {
    const client = new Anthropic({ apiKey: token, baseURL: connected.proxy });
    const batch = await client.messages.batches.retrieve("b1");
    expect(batch.results_url).toBe(`${connected.proxy}/v1/messages/batches/b1/results`);
    const ids: string[] = [];
    for await (const line of await client.messages.batches.results("b1")) ids.push(line.custom_id);
    expect(ids).toEqual(["one", "two"]);
    expect(everythingSeen(vendor)).not.toContain(token);
  });

  it("anthropic: plain fetch gets the version that the vendor requires", async () => {
    const response = await fetch(`${connected.proxy}/v1/models`, { headers: { "x-api-key": token } });
    expect(response.status).toBe(200);
    expect(vendor.requests.at(-1)?.headers["anthropic-version"]).toBe("2023-06-01");
  });
}
