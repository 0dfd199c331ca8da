/** Sessions that a management key opens: they may what the key may, and end with it. */
import { describe, expect, it } from "vitest";
import { ORIGIN, bindings, call, textOf } from "./admin.fixture.ts";

async function open(key: string): Promise<string> {
  const opened = await call("POST", "/api/v1/session", { key });
  expect(opened.status, opened.text).toBe(204);
  const header = opened.headers.get("set-cookie") ?? "";
  expect(header).toMatch(/HttpOnly; SameSite=Strict/);
  expect(header).not.toContain(key);
  return header.split(";")[0] ?? "";
}

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
    const made = await call("POST", "/api/v1/management-keys", { body: { name: "looks on", role: "auditor" } });
    const cookie = await open(textOf(made, "key"));
    expect((await call("GET", "/api/v1/session", as(cookie))).json).toMatchObject({ role: "auditor" });
    const change = { ...as(cookie, { origin: ORIGIN }), body: { name: "No" } };
    expect((await call("POST", "/api/v1/recipients", change)).status).toBe(403);
    await call("POST", `/api/v1/management-keys/${textOf(made, "id")}/revoke`);
    expect((await call("GET", "/api/v1/session", as(cookie))).status).toBe(401);
  });

  it("changes nothing for another origin, and is not opened by a session", async () => {
    const cookie = await open(bindings.RELAYKEY_OWNER_KEY);
    const foreign = { ...as(cookie, { origin: "https://evil.example" }), body: { name: "No" } };
    expect((await call("POST", "/api/v1/recipients", foreign)).status).toBe(403);
    expect((await call("POST", "/api/v1/session", as(cookie, { origin: ORIGIN }))).status).toBe(401);
    expect((await call("POST", "/api/v1/session", { key: null })).status).toBe(401);
  });
});
