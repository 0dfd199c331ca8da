import { env, SELF } from "cloudflare:test";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { encodeBase64Url } from "../../src/domain/encoding.ts";
import { openShare, sealShare } from "../../src/domain/share.ts";
import { parsePeppers, parseToken } from "../../src/domain/token.ts";
import { bindings, call, fieldsOf, newConnection, ORIGIN, textOf } from "./admin.fixture.ts";

// The machine may be busy; each test is bounded all the same.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

async function issue() {
  const made = await call("POST", "/api/v1/delegated-credentials", {
    body: {
      connection_id: "conn_share",
      name: "Kate",
      allowed_methods: ["GET"],
      allowed_paths: ["/a"],
      ttl_seconds: 900,
    },
  });
  expect(made.status, made.text).toBe(201);
  return { id: String(made.json["id"]), token: String(made.json["token"]) };
}

const pathOf = (url: string) => new URL(url).pathname;
const keyOf = (url: string) => new URL(url).hash.slice(1);
const openAt = (url: string) => call("POST", `${pathOf(url)}/open`, { key: null, body: {} });

beforeAll(async () => {
  expect((await newConnection({ id: "conn_share" })).status).toBe(201);
});

describe("share links", () => {
  it("hand the token over once, and the server keeps nothing that opens it", async () => {
    const { id, token } = await issue();
    const shared = await call("POST", `/api/v1/delegated-credentials/${id}/share`, { body: { token } });
    expect(shared.status, shared.text).toBe(201);
    const url = String(shared.json["url"]);
    expect(keyOf(url)).toHaveLength(43);
    const stored = await env.CONTROL_DB.prepare("SELECT * FROM share_links").all();
    expect(JSON.stringify(stored.results)).not.toContain(keyOf(url));
    expect(JSON.stringify(stored.results)).not.toContain(token);
    expect(JSON.stringify(stored.results)).not.toContain(pathOf(url).slice(7));

    const shown = await SELF.fetch(`${ORIGIN}${pathOf(url)}`);
    expect(shown.status).toBe(200);
    expect(shown.headers.get("content-security-policy")).toContain("script-src 'self'; connect-src 'self'");
    expect(await shown.text()).toContain('<script src="/pages/share.js" defer>');
    const opened = await openAt(url);
    expect(opened.status, opened.text).toBe(200);
    expect(await openShare({ iv: textOf(opened, "iv"), ciphertext: textOf(opened, "ciphertext") }, keyOf(url))).toEqual(
      {
        ok: true,
        value: token,
      },
    );
    expect((await openAt(url)).status).toBe(410);
    expect((await SELF.fetch(`${ORIGIN}${pathOf(url)}`)).status).toBe(410);
    const list = await call("GET", `/api/v1/delegated-credentials/${id}/shares`);
    expect(list.json["data"]).toMatchObject([{ status: "opened" }]);
    const events = await env.CONTROL_DB.prepare(
      "SELECT action, after_json FROM control_events WHERE action IN ('openShare', 'shareDelegatedCredential')",
    ).all();
    expect(events.results).toHaveLength(2);
    expect(JSON.stringify(events.results)).not.toContain(keyOf(url));
  });

  it("open for one of two who come at the same moment", async () => {
    const { id, token } = await issue();
    const url = String(
      (await call("POST", `/api/v1/delegated-credentials/${id}/share`, { body: { token } })).json["url"],
    );
    const answers = await Promise.all(Array.from({ length: 6 }, () => openAt(url)));
    expect(answers.map((answer) => answer.status).toSorted()).toEqual([200, 410, 410, 410, 410, 410]);
  });

  it("carry a text that the client sealed, with no key in the answer", async () => {
    const { id, token } = await issue();
    const key = new Uint8Array(32).fill(5);
    const sealed = await sealShare(token, key, new Uint8Array(12).fill(6));
    const shared = await call("POST", `/api/v1/delegated-credentials/${id}/share`, { body: { sealed } });
    expect(shared.json["url"]).not.toContain("#");
    const opened = await openAt(String(shared.json["url"]));
    expect(opened.json).toEqual(sealed);
    expect(await openShare(sealed, encodeBase64Url(key))).toEqual({ ok: true, value: token });
  });

  it("make a new token when none is given; the old one is no longer good", async () => {
    const { id, token } = await issue();
    const url = String((await call("POST", `/api/v1/delegated-credentials/${id}/share`, { body: {} })).json["url"]);
    const opened = await openAt(url);
    const fresh = await openShare({ iv: textOf(opened, "iv"), ciphertext: textOf(opened, "ciphertext") }, keyOf(url));
    if (!fresh.ok) throw new Error(fresh.error);
    expect(fresh.value).not.toBe(token);
    const peppers = parsePeppers(bindings.RELAYKEY_PEPPERS);
    if (!peppers.ok) throw new Error(peppers.error);
    const row = await env.CONTROL_DB.prepare("SELECT lookup_id, doc_version FROM credentials WHERE id = ?")
      .bind(id)
      .first();
    expect(row).toEqual({ lookup_id: parseToken(fresh.value, peppers.value)?.lookupId, doc_version: 2 });
  });

  it("can be withdrawn, and refuse what cannot be", async () => {
    const { id, token } = await issue();
    const path = `/api/v1/delegated-credentials/${id}/share`;
    const shared = await call("POST", path, { body: { token } });
    expect((await call("DELETE", `/api/v1/shares/${shared.json["id"]}`)).json["status"]).toBe("withdrawn");
    expect((await openAt(String(shared.json["url"]))).status).toBe(410);
    const foreign = await call("POST", path, { body: { token: (await issue()).token } });
    expect(fieldsOf(foreign)).toEqual(["token"]);
    expect((await call("POST", path, { body: { sealed: { iv: "A".repeat(16), ciphertext: "AAAA" } } })).status).toBe(
      422,
    );
    expect((await call("POST", path, { body: { ttl_seconds: 8 * 86_400 } })).status).toBe(422);
    expect(
      (await call("POST", "/api/v1/delegated-credentials/dcred_0000000000000000/share", { body: {} })).status,
    ).toBe(404);
    expect((await SELF.fetch(`${ORIGIN}/share/${"A".repeat(32)}`)).status).toBe(404);
    const revoked = await call("POST", `/api/v1/delegated-credentials/${id}/revoke`);
    expect(revoked.status, revoked.text).toBe(200);
    expect((await call("POST", path, { body: {} })).status).toBe(409);
  });

  it("open in a browser with the page's own script", async () => {
    const script = await (await SELF.fetch(`${ORIGIN}/pages/share.js`)).text();
    expect(script).toContain("relaykey/share/v1");
    expect(script).not.toMatch(/https?:\/\//);
  });
});
