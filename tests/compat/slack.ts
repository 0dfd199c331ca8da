/** `@slack/web-api`, unmodified: every call is a form POST, and errors come as 200 with ok:false. */
import { ErrorCode, LogLevel, WebClient } from "@slack/web-api";
import { expect, it } from "vitest";
import type { Answer, RecordingVendor } from "../harness/recording-vendor.ts";
import { everythingSeen, thrown, type Connected, type World } from "./world.ts";

let limitsLeft = 0;

const answer: Answer = (request, response) => {
  const json = (body: unknown): void =>
    void response.writeHead(200, { "content-type": "application/json; charset=utf-8" }).end(JSON.stringify(body));
  const form = new URLSearchParams(request.body.toString("utf8"));
  if (request.target === "/api/auth.test") return json({ ok: true, team: "Team", user: "bot" });
  if (request.target === "/api/conversations.list") {
    if (limitsLeft > 0) {
      limitsLeft -= 1;
      return void response.writeHead(429, { "retry-after": "1" }).end();
    }
    const more = form.get("cursor") === null;
    return json({
      ok: true,
      channels: [{ id: more ? "C1" : "C2" }],
      response_metadata: { next_cursor: more ? "next" : "" },
    });
  }
  if (request.target === "/api/chat.postMessage") return json({ ok: false, error: "channel_not_found" });
  return json({ ok: false, error: "unknown_method" });
};

export function slackSuite(world: () => World): void {
  let vendor: RecordingVendor;
  let connected: Connected;
  let token = "";
  let web: WebClient;

  it("slack: is set up", async () => {
    vendor = await world().vendor();
    vendor.answerWith(answer);
    connected = await world().connect("conn_slack", { vendor: "slack", base_url: `${vendor.origin}/api` });
    token = await connected.token([
      { methods: ["POST"], paths: ["/api/auth.test", "/api/conversations.*", "/api/chat.postMessage"] },
    ]);
    web = new WebClient(token, {
      slackApiUrl: `${connected.proxy}/api/`,
      logLevel: LogLevel.ERROR,
      retryConfig: { retries: 0 },
    });
  });

  it("slack: auth.test, key swapped, no token left in the form", async () => {
    expect(await web.auth.test()).toMatchObject({ ok: true, team: "Team" });
    expect(vendor.requests[0]?.headers.authorization).toBe(`Bearer ${connected.secret}`);
    expect(everythingSeen(vendor)).not.toContain(token);
  });

  it("slack: pages by cursor", async () => {
    const ids: unknown[] = [];
    for await (const page of web.paginate("conversations.list", { limit: 1 })) {
      const { channels } = page as { channels?: { id: string }[] };
      ids.push(...(channels ?? []).map(({ id }) => id));
    }
    expect(ids).toEqual(["C1", "C2"]);
  });

  it("slack: the vendor's ok:false is the SDK's platform error", async () => {
    const error = await thrown(() => web.chat.postMessage({ channel: "C9", text: "hi" }));
    expect(error).toMatchObject({ code: ErrorCode.PlatformError, data: { error: "channel_not_found" } });
  });

  it("slack: a vendor's 429 is waited out", async () => {
    limitsLeft = 1;
    const patient = new WebClient(token, {
      slackApiUrl: `${connected.proxy}/api/`,
      logLevel: LogLevel.ERROR,
      retryConfig: { retries: 3, minTimeout: 50, maxTimeout: 100 },
    });
    expect(await patient.conversations.list({})).toMatchObject({ ok: true });
  });

  it("slack: a refusal is the SDK's HTTP error with the reason in its body", async () => {
    const before = vendor.requests.length;
    const error = await thrown(() => web.users.list({}));
    expect(error).toMatchObject({
      code: ErrorCode.HTTPError,
      statusCode: 403,
      body: { code: "path_denied", error: { code: "path_denied" } },
    });
    expect(vendor.requests.length).toBe(before);
  });
}
