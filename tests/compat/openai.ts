/** The `openai` package, unmodified: only its base URL and its key are RelayKey's. */
import OpenAI, { toFile } from "openai";
import { expect, it } from "vitest";
import type { Answer, RecordingVendor } from "../harness/recording-vendor.ts";
import { everythingSeen, jsonBody, thrown, type Connected, type World } from "./world.ts";

const CHUNKS = ["Hel", "lo", " you"];
const GAP_MS = 150;

/** Behaves as the vendor documents: lists, completions, server-sent events that end with [DONE], errors with `error`. */
const answer: Answer = async (request, response) => {
  const { target } = request;
  if (request.method === "GET" && target.startsWith("/v1/models")) {
    const models = [{ id: "gpt-test", object: "model", created: 1, owned_by: "openai" }];
    return void response
      .writeHead(200, { "content-type": "application/json" })
      .end(JSON.stringify({ object: "list", data: models }));
  }
  if (target === "/v1/files") {
    return void response
      .writeHead(200, { "content-type": "application/json" })
      .end(JSON.stringify({ id: "file-1", object: "file", bytes: request.body.byteLength, purpose: "batch" }));
  }
  if (target === "/v1/embeddings") {
    return void response
      .writeHead(400, { "content-type": "application/json" })
      .end(
        JSON.stringify({ error: { message: "no such model", type: "invalid_request_error", code: "model_not_found" } }),
      );
  }
  response.writeHead(200, { "content-type": "text/event-stream" });
  for (const content of CHUNKS) {
    const event = { id: "c", object: "chat.completion.chunk", choices: [{ index: 0, delta: { content } }] };
    response.write(`data: ${JSON.stringify(event)}\n\n`);
    await new Promise((resolve) => setTimeout(resolve, GAP_MS));
  }
  response.end("data: [DONE]\n\n");
};

export function openaiSuite(world: () => World): void {
  let vendor: RecordingVendor;
  let connected: Connected;
  let client: OpenAI;

  it("openai: is set up", async () => {
    vendor = await world().vendor();
    vendor.answerWith(answer);
    connected = await world().connect("conn_openai", { vendor: "openai", base_url: `${vendor.origin}/v1` });
    const token = await connected.token([
      { methods: ["GET"], paths: ["/v1/models"] },
      { methods: ["POST"], paths: ["/v1/chat/completions", "/v1/files", "/v1/embeddings"] },
    ]);
    client = new OpenAI({ apiKey: token, baseURL: `${connected.proxy}/v1`, organization: "org-of-somebody-else" });
  });

  it("openai: lists models, with the key swapped and the account header dropped", async () => {
    const models = await client.models.list();
    expect(models.data.map(({ id }) => id)).toEqual(["gpt-test"]);
    expect(vendor.requests[0]?.target).toBe("/v1/models");
    expect(vendor.requests[0]?.headers.authorization).toBe(`Bearer ${connected.secret}`);
    expect(vendor.requests[0]?.headers["openai-organization"]).toBeUndefined();
    expect(everythingSeen(vendor)).not.toContain(client.apiKey);
  });

  it("openai: streams events as they come", async () => {
    const stream = await client.chat.completions.create({
      model: "gpt-test",
      messages: [{ role: "user", content: "hi" }],
      stream: true,
    });
    const parts: string[] = [];
    const times: number[] = [];
    for await (const event of stream) {
      parts.push(event.choices[0]?.delta.content ?? "");
      times.push(performance.now());
    }
    expect(parts).toEqual(CHUNKS);
    // All three at once would mean that something on the way held them back.
    expect((times[2] ?? 0) - (times[0] ?? 0)).toBeGreaterThan(GAP_MS);
    const last = vendor.requests.at(-1);
    expect(last === undefined ? null : jsonBody(last)).toMatchObject({ stream: true });
  });

  it("openai: an aborted stream aborts at the vendor's side and is no error here", async () => {
    const stream = await client.chat.completions.create({ model: "gpt-test", messages: [], stream: true });
    for await (const _event of stream) break;
    expect(stream.controller.signal.aborted).toBe(true);
  });

  it("openai: uploads a file as multipart, byte for byte", async () => {
    const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, i) => i % 251));
    const file = await client.files.create({ file: await toFile(bytes, "data.bin"), purpose: "batch" });
    expect(file.id).toBe("file-1");
    const upload = vendor.requests.findLast(({ target }) => target === "/v1/files");
    expect(upload?.headers["content-type"]).toMatch(/^multipart\/form-data; boundary=/);
    expect(upload?.body.includes(bytes)).toBe(true);
  });

  it("openai: the vendor's own error passes unchanged", async () => {
    const error = await thrown(() => client.embeddings.create({ model: "nope", input: "x" }));
    expect(error).toBeInstanceOf(OpenAI.BadRequestError);
    expect(error).toMatchObject({ status: 400, code: "model_not_found" });
    expect(String(error)).toContain("no such model");
  });

  it("openai: a refusal is the SDK's own error, says why, and is not repeated", async () => {
    const before = vendor.requests.length;
    const error = await thrown(() => client.images.generate({ prompt: "x" }));
    expect(error).toBeInstanceOf(OpenAI.PermissionDeniedError);
    expect(error).toMatchObject({ status: 403, code: "path_denied" });
    expect(String(error)).toMatch(/\/v1\/images\/generations|outside/);
    expect(vendor.requests.length).toBe(before);
  });

  it("openai: a spent rate is a RateLimitError after the SDK's own repeats, and never reaches the vendor", async () => {
    const token = await connected.token([{ methods: ["GET"], paths: ["/v1/models"] }], {
      limits: { rate: [{ requests: 1, per_seconds: 3_600 }] },
    });
    const limited = new OpenAI({ apiKey: token, baseURL: `${connected.proxy}/v1`, maxRetries: 0 });
    await limited.models.list();
    const before = vendor.requests.length;
    const error = await thrown(() => limited.models.list());
    expect(error).toBeInstanceOf(OpenAI.RateLimitError);
    expect(error).toMatchObject({ status: 429, code: "rate_limited" });
    expect(vendor.requests.length).toBe(before);
  });

  it("openai: a wrong token is an AuthenticationError", async () => {
    const wrong = new OpenAI({ apiKey: "rk_proxy_wrong", baseURL: `${connected.proxy}/v1` });
    const error = await thrown(() => wrong.models.list());
    expect(error).toBeInstanceOf(OpenAI.AuthenticationError);
    expect(error).toMatchObject({ code: "credential_invalid" });
  });
}
