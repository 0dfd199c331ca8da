/** Sessions that a management key opens: they may what the key may, and end with it. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { controlDb, runBatch } from "../../src/store/control-db.ts";
import { insertSession } from "../../src/store/members.ts";
import { ORIGIN, bindings, call, textOf } from "./admin.fixture.ts";
import { readSettings } from "./env.ts";
import { keySessionId } from "./key-session.ts";

afterEach(() => vi.useRealTimers());

async function open(key: string): Promise<string> {
  const opened = await call("POST", "/api/v1/session", { key });
  expect(opened.status, opened.text).toBe(204);
  const header = opened.headers.get("set-cookie") ?? "";
  expect(header).toMatch(/HttpOnly; SameSite=Strict/);
  expect(header).not.toContain(key);
  return header.split(";")[0] ?? "";
}

const newAuditor = () => call("POST", "/api/v1/management-keys", { body: { name: "looks on", role: "auditor" } });

const rotate = (id: string, seconds: number) =>
  call("POST", `/api/v1/management-keys/${id}/rotate`, { body: { overlap_seconds: seconds } });

const as = (cookie: string, headers: Record<string, string> = {}) => ({ key: null, headers: { cookie, ...headers } });

describe("a key's session", () => {
  it("stands for the owner's key until it is ended", async () => {
    const cookie = await open(bindings.RELAYKEY_OWNER_KEY);
    const who = await call("GET", "/api/v1/session", as(cookie));
    expect(who.json).toMatchObject({ kind: "management_key", id: "mk_owner", role: "owner" });
    expect((await call("DELETE", "/api/v1/session", as(cookie, { origin: ORIGIN }))).status).toBe(204);
    expect((await call("GET", "/api/v1/session", as(cookie))).status).toBe(401);
  });

  it("ends when the owner's key is replaced", async () => {
    const cookie = await open(bindings.RELAYKEY_OWNER_KEY);
    const replaced = { ...as(cookie), env: { RELAYKEY_OWNER_KEY: `${bindings.RELAYKEY_OWNER_KEY}x` } };
    expect((await call("GET", "/api/v1/session", replaced)).status).toBe(401);
  });

  it("has the key's role and ends when the key is revoked", async () => {
    const made = await newAuditor();
    const cookie = await open(textOf(made, "key"));
    expect((await call("GET", "/api/v1/session", as(cookie))).json).toMatchObject({ role: "auditor" });
    const change = { ...as(cookie, { origin: ORIGIN }), body: { name: "No" } };
    expect((await call("POST", "/api/v1/recipients", change)).status).toBe(403);
    await call("POST", `/api/v1/management-keys/${textOf(made, "id")}/revoke`);
    expect((await call("GET", "/api/v1/session", as(cookie))).status).toBe(401);
  });

  it("ends at once when the key is rotated without an overlap", async () => {
    const made = await newAuditor();
    const cookie = await open(textOf(made, "key"));
    const rotated = await rotate(textOf(made, "id"), 0);
    expect((await call("GET", "/api/v1/session", as(cookie))).status).toBe(401);
    const next = await open(textOf(rotated, "key"));
    expect((await call("GET", "/api/v1/session", as(next))).status).toBe(200);
  });

  it("lasts as long as the token that opened it, when the key is rotated with an overlap", async () => {
    const made = await newAuditor();
    const cookie = await open(textOf(made, "key"));
    const rotated = await rotate(textOf(made, "id"), 60);
    const late = await open(textOf(made, "key"));
    const next = await open(textOf(rotated, "key"));
    for (const live of [cookie, late, next]) {
      expect((await call("GET", "/api/v1/session", as(live))).status).toBe(200);
    }
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 61_000 });
    for (const over of [cookie, late]) {
      expect((await call("GET", "/api/v1/session", as(over))).status).toBe(401);
    }
    expect((await call("GET", "/api/v1/session", as(next))).status).toBe(200);
  });

  it("ends with an overlap too, once the key is rotated again or revoked", async () => {
    const made = await newAuditor();
    const cookie = await open(textOf(made, "key"));
    const rotated = await rotate(textOf(made, "id"), 60);
    const next = await open(textOf(rotated, "key"));
    await rotate(textOf(made, "id"), 60);
    expect((await call("GET", "/api/v1/session", as(cookie))).status).toBe(401);
    expect((await call("GET", "/api/v1/session", as(next))).status).toBe(200);
    await call("POST", `/api/v1/management-keys/${textOf(made, "id")}/revoke`);
    expect((await call("GET", "/api/v1/session", as(next))).status).toBe(401);
  });

  it("ends with the pepper of the token that opened it", async () => {
    const cookie = await open(textOf(await newAuditor(), "key"));
    const peppers = `other:${"A".repeat(43)}`;
    const gone = { ...as(cookie), env: { RELAYKEY_PEPPERS: peppers } };
    expect((await call("GET", "/api/v1/session", gone)).status).toBe(401);
    const kept = { ...as(cookie), env: { RELAYKEY_PEPPERS: `${peppers},${bindings.RELAYKEY_PEPPERS}` } };
    expect((await call("GET", "/api/v1/session", kept)).status).toBe(200);
  });

  it("is none without the mark of a token, or with another's", async () => {
    const made = await newAuditor();
    const [name, value = ""] = (await open(textOf(made, "key"))).split("=");
    const [random, mark] = value.split(".");
    const [, otherMark] = (await open(textOf(await newAuditor(), "key"))).split(".");
    for (const forged of [random, `${random}.`, `${random}.${otherMark}`, `.${mark}`, `${value}.x`]) {
      const answer = await call("GET", "/api/v1/session", as(`${name}=${forged}`));
      expect(answer.status, String(forged)).toBe(401);
    }
    // As sessions were stored before their cookies had marks.
    const id = keySessionId(readSettings(bindings), "no-mark");
    const row = { id, organisationId: "org_default", memberId: textOf(made, "id"), revokedAtMs: null, userAgent: "" };
    const db = controlDb(bindings.CONTROL_DB);
    const expiresAtMs = Date.now() + 60_000;
    await runBatch(db, [insertSession(db, { ...row, createdAtMs: 1, lastSeenAtMs: 1, expiresAtMs })]);
    expect((await call("GET", "/api/v1/session", as(`${name}=no-mark`))).status).toBe(401);
  });

  it("changes nothing for another origin, and is not opened by a session", async () => {
    const cookie = await open(bindings.RELAYKEY_OWNER_KEY);
    const foreign = { ...as(cookie, { origin: "https://evil.example" }), body: { name: "No" } };
    expect((await call("POST", "/api/v1/recipients", foreign)).status).toBe(403);
    expect((await call("POST", "/api/v1/session", as(cookie, { origin: ORIGIN }))).status).toBe(401);
    expect((await call("POST", "/api/v1/session", { key: null })).status).toBe(401);
  });
});
