/** Webhooks from the API to the receiver: signatures, retries, pausing, and what is found in what was recorded. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { collectWebhookEvents } from "../../src/cloudflare/webhook-sources.ts";
import {
  deliverDueWebhooks,
  queueWebhookEvent,
  rewrapWebhookSecrets,
  type WebhookDependencies,
} from "../../src/cloudflare/webhooks.ts";
import { encodeBase64Url } from "../../src/domain/encoding.ts";
import { sealEvent, type EventTuple } from "../../src/domain/chain.ts";
import type { WebhookEvent } from "../../src/domain/webhook-event.ts";
import { parseWebhookSecret, verifyWebhook } from "../../src/domain/webhook-signature.ts";
import { storeRows } from "../../src/store/audit-events.ts";
import { controlDb } from "../../src/store/control-db.ts";
import { bindings, call, newConnection, newCredential, textOf } from "./admin.fixture.ts";
import { readSettings } from "./env.ts";

vi.setConfig({ testTimeout: 60_000 });
const PATH = "/api/v1/webhooks";
const db = controlDb(bindings.CONTROL_DB);

interface Received {
  readonly url: string;
  readonly headers: Headers;
  readonly body: string;
}

let received: Received[] = [];
let answer: () => Response = () => new Response(null, { status: 204 });
let nowMs = Date.now();

function dependencies(part: Partial<WebhookDependencies> = {}): WebhookDependencies {
  return {
    fetch: async (request) => {
      received.push({ url: request.url, headers: request.headers, body: await request.text() });
      return answer();
    },
    keks: readSettings(bindings).keks,
    allowPrivate: false,
    nowMs: () => nowMs,
    ...part,
  };
}

function event(id: string): WebhookEvent {
  return {
    id,
    organisationId: "org_default",
    type: "budget.threshold",
    atMs: nowMs,
    data: { credential_id: "dcred_1" },
  };
}

async function newWebhook(url = "https://hooks.example.com/a?b=c", events: readonly string[] = ["*"]) {
  const made = await call("POST", PATH, { body: { name: "Ops", url, events } });
  expect(made.status, made.text).toBe(201);
  return { id: textOf(made, "id"), secret: textOf(made, "secret") };
}

async function deliveries(id: string): Promise<readonly Record<string, unknown>[]> {
  const list = await call("GET", `${PATH}/${id}/deliveries`);
  return list.json["data"] as readonly Record<string, unknown>[];
}

beforeEach(async () => {
  received = [];
  nowMs = Date.now();
  answer = () => new Response(null, { status: 204 });
  await bindings.CONTROL_DB.batch([
    bindings.CONTROL_DB.prepare("DELETE FROM webhook_deliveries"),
    bindings.CONTROL_DB.prepare("DELETE FROM webhooks"),
  ]);
});

afterEach(() => vi.restoreAllMocks());

describe("webhooks", () => {
  it("show their secret once, and keep it sealed", async () => {
    const { id, secret } = await newWebhook();
    expect(parseWebhookSecret(secret)).toHaveLength(32);
    for (const path of [PATH, `${PATH}/${id}`]) expect((await call("GET", path)).text).not.toContain(secret);
    const row = await bindings.CONTROL_DB.prepare("SELECT * FROM webhooks WHERE id = ?").bind(id).first();
    expect(JSON.stringify(row)).not.toContain(secret.slice(6));
    const rotated = await call("POST", `${PATH}/${id}/rotate-secret`);
    expect(textOf(rotated, "secret")).not.toBe(secret);
  });

  it.each([
    "http://hooks.example.com",
    "https://127.0.0.1/x",
    "https://localhost",
    "https://169.254.169.254/latest",
    "https://[::1]/",
    "https://u:p@hooks.example.com",
    "ftp://x",
    "x",
  ])("refuse %s", async (url) => {
    const made = await call("POST", PATH, {
      body: { name: "Ops", url, events: ["*"] },
      env: { ALLOW_PRIVATE_UPSTREAMS: "false" },
    });
    expect(made.status, made.text).toBe(422);
    expect(made.text).toContain('"field":"url"');
  });

  it("are delivered once, signed, whatever happens twice", async () => {
    const { id, secret } = await newWebhook();
    expect(await queueWebhookEvent(db, event("evt_1"), nowMs)).toBe(1);
    expect(await queueWebhookEvent(db, event("evt_1"), nowMs)).toBe(1);
    await Promise.all([deliverDueWebhooks(db, dependencies()), deliverDueWebhooks(db, dependencies())]);
    expect(received).toHaveLength(1);
    const [first] = received;
    const bytes = parseWebhookSecret(secret);
    if (first === undefined || bytes === null) throw new Error("Nothing was received");
    const head = (name: string) => first.headers.get(`webhook-${name}`) ?? "";
    const signed = { id: head("id"), timestamp: head("timestamp"), signature: head("signature") };
    expect(verifyWebhook(signed, first.body, bytes, Math.floor(nowMs / 1000))).toEqual({ ok: true, value: undefined });
    expect(JSON.parse(first.body)).toMatchObject({ type: "budget.threshold", data: { credential_id: "dcred_1" } });
    expect(first.url).toBe("https://hooks.example.com/a?b=c");
    expect(await deliveries(id)).toMatchObject([{ state: "delivered", attempts: 1, last_status: 204 }]);
  });

  it("are tried again, later each time, with the same id, and given up in the end", async () => {
    const { id } = await newWebhook();
    answer = () => new Response("no", { status: 500 });
    await queueWebhookEvent(db, event("evt_2"), nowMs);
    for (let attempt = 0; attempt < 12; attempt += 1) {
      await deliverDueWebhooks(db, dependencies());
      expect(await deliverDueWebhooks(db, dependencies())).toBe(0);
      nowMs += 12 * 3_600_000;
    }
    expect(received).toHaveLength(8);
    expect(new Set(received.map((each) => each.headers.get("webhook-id"))).size).toBe(1);
    expect(await deliveries(id)).toMatchObject([
      { state: "failed", attempts: 8, last_status: 500, next_attempt_at: null },
    ]);
  });

  it("follow no redirect, stop on 410, and survive a receiver that cannot be reached", async () => {
    const { id } = await newWebhook();
    answer = () => new Response(null, { status: 302, headers: { location: "https://evil.example" } });
    await queueWebhookEvent(db, event("evt_3"), nowMs);
    await deliverDueWebhooks(db, dependencies());
    expect(await deliveries(id)).toMatchObject([{ state: "pending", last_status: 302 }]);
    nowMs += 60_000;
    answer = () => {
      throw new TypeError("unreachable");
    };
    await deliverDueWebhooks(db, dependencies());
    expect(await deliveries(id)).toMatchObject([{ state: "pending", last_status: null, attempts: 2 }]);
    nowMs += 120_000;
    answer = () => new Response(null, { status: 410 });
    await deliverDueWebhooks(db, dependencies());
    expect((await call("GET", `${PATH}/${id}`)).json["status"]).toBe("paused");
    expect(await queueWebhookEvent(db, event("evt_4"), nowMs)).toBe(0);
  });

  it("never reach a private address, also when it was stored while that was allowed", async () => {
    const { id } = await newWebhook("http://127.0.0.1:9/x");
    await queueWebhookEvent(db, event("evt_5"), nowMs);
    await deliverDueWebhooks(db, dependencies());
    expect(received).toHaveLength(0);
    expect(await deliveries(id)).toMatchObject([{ state: "pending", last_status: null }]);
  });

  it("get only what they asked for, and say in a test what the receiver answered", async () => {
    const { id } = await newWebhook("https://hooks.example.com", ["credential.revoked"]);
    expect(await queueWebhookEvent(db, event("evt_6"), nowMs)).toBe(0);
    vi.spyOn(globalThis, "fetch").mockImplementation(async () => new Response(null, { status: 202 }));
    const tested = await call("POST", `${PATH}/${id}/test`);
    expect(tested.json).toMatchObject({ event: "webhook.test", state: "delivered", last_status: 202 });
    expect((await call("DELETE", `${PATH}/${id}`)).status).toBe(204);
    expect((await call("POST", `${PATH}/${id}/test`)).status).toBe(404);
  });

  it("tell of revocations that were recorded, once", async () => {
    await collectWebhookEvents(db, bindings.AUDIT_DB, nowMs);
    const { id } = await newWebhook();
    const connection = await newConnection();
    const credential = await newCredential(textOf(connection, "id"));
    const credentialId = textOf(credential, "id");
    expect((await call("POST", `/api/v1/delegated-credentials/${credentialId}/revoke`)).status).toBe(200);
    for (let run = 0; run < 3; run += 1) await collectWebhookEvents(db, bindings.AUDIT_DB, Date.now());
    await deliverDueWebhooks(db, { ...dependencies(), nowMs: () => Date.now() });
    expect(received.map((each) => JSON.parse(each.body))).toMatchObject([
      { type: "credential.revoked", data: { credential_id: credentialId } },
    ]);
    expect(await deliveries(id)).toHaveLength(1);
  });

  it("tell of masked keys each time, and of an open breaker once an hour", async () => {
    await collectWebhookEvents(db, bindings.AUDIT_DB, nowMs);
    await newWebhook("https://hooks.example.com", ["breaker.open", "key.echo_masked"]);
    const hour = nowMs - (nowMs % 3_600_000);
    const audited = (seq: number, reason: string, notes: string): EventTuple =>
      sealEvent([
        "org_default",
        "dcred_hook",
        seq,
        seq,
        hour + seq,
        null,
        "conn_hook",
        null,
        null,
        null,
        "GET",
        "/v1/x",
        null,
        reason === "ok" ? "allowed" : "denied",
        reason,
        200,
        null,
        1,
        1,
        1,
        0,
        0,
        null,
        null,
        "",
        `req_${seq}`,
        null,
        1,
        notes,
        "0".repeat(64),
      ]);
    const events = [
      audited(1, "circuit_open", "{}"),
      audited(2, "circuit_open", "{}"),
      audited(3, "ok", '{"echo_masked":true}'),
      audited(4, "ok", "{}"),
    ];
    await bindings.AUDIT_DB.batch(storeRows(bindings.AUDIT_DB, { events }));
    for (let run = 0; run < 2; run += 1) await collectWebhookEvents(db, bindings.AUDIT_DB, nowMs);
    await deliverDueWebhooks(db, dependencies());
    expect(received.map((each) => JSON.parse(each.body).type).toSorted()).toEqual(["breaker.open", "key.echo_masked"]);
  });

  it("keep working when the key-encryption key is replaced", async () => {
    const { secret } = await newWebhook();
    const old = readSettings(bindings).keks;
    const keks = [{ id: "new", key: crypto.getRandomValues(new Uint8Array(32)) }, ...old];
    expect(await rewrapWebhookSecrets(db, keks)).toBe(1);
    expect(await rewrapWebhookSecrets(db, keks)).toBe(0);
    await queueWebhookEvent(db, event("evt_7"), nowMs);
    await deliverDueWebhooks(db, dependencies({ keks: keks.slice(0, 1) }));
    expect(received).toHaveLength(1);
    expect(received[0]?.body).not.toContain(secret);
  });

  it("are moved and counted with the master keys", async () => {
    await newWebhook();
    const rotate = async (ring: string) => {
      const answer = await call("POST", "/api/v1/key-rotation", { env: { RELAYKEY_KEKS: ring } });
      expect(answer.status, answer.text).toBe(200);
      return { moved: Number(answer.json["moved"]), remaining: Number(answer.json["remaining"]) };
    };
    const fresh = `n1:${encodeBase64Url(crypto.getRandomValues(new Uint8Array(32)))}`;
    const own = bindings.RELAYKEY_KEKS;
    const sealed = async (table: string) =>
      Number(await bindings.CONTROL_DB.prepare(`SELECT count(*) AS n FROM ${table}`).first("n"));
    const [keys, hooks] = [await sealed("upstream_credentials"), await sealed("webhooks")];
    expect(hooks).toBeGreaterThan(0);
    // Without the old key nothing can be moved, and all of it is counted.
    const all = await rotate(fresh);
    expect(all).toEqual({ moved: 0, remaining: keys + hooks });
    const forth = await rotate(`${fresh},${own}`);
    expect(forth.moved).toBeGreaterThan(0);
    expect(forth.remaining).toBe(all.remaining - forth.moved);
    expect((await rotate(`${own},${fresh}`)).moved).toBe(forth.moved);
  });
});
