import { env, SELF } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import { signConfirmation } from "../../src/domain/confirmation.ts";
import { deriveKey } from "../../src/domain/derived-key.ts";
import { decodeBase64Url } from "../../src/domain/encoding.ts";
import { keepMail } from "../../src/store/dev-mailbox.ts";
import { call, newConnection, ORIGIN, withMeanwhile } from "./admin.fixture.ts";

// The machine may be busy; each test is bounded all the same.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

declare global {
  namespace Cloudflare {
    interface Env {
      RELAYKEY_SIGNING_SEED: string;
    }
  }
}

async function open(method: string, path: string, form?: Record<string, string>, headers: Record<string, string> = {}) {
  const response = await SELF.fetch(`${ORIGIN}${path}`, {
    method,
    redirect: "manual",
    headers: { ...headers, ...(form === undefined ? {} : { "content-type": "application/x-www-form-urlencoded" }) },
    ...(form === undefined ? {} : { body: new URLSearchParams(form).toString() }),
  });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

function link(
  credentialId: string,
  part: Partial<{ expiresAtMs: number; userAgent: string; confirmationId: string }> = {},
) {
  const seed = decodeBase64Url(env.RELAYKEY_SIGNING_SEED);
  if (seed === null) throw new Error("No seed");
  const token = signConfirmation(deriveKey(seed, "confirmation_link"), {
    organisationId: "org_default",
    credentialId,
    confirmationId: "cnf_unknown",
    address: "203.0.113.9",
    expiresAtMs: Date.now() + 60_000,
    requestedAtMs: Date.now(),
    credentialName: "Kate",
    connectionName: "CRM",
    userAgent: "curl/8",
    ...part,
  });
  return `/confirm/${token}`;
}

function formToken(html: string, action: string): string {
  const form = html.split("<form").find((part) => part.includes(`value="${action}"`));
  return /name="form_token" value="([^"]+)"/.exec(form ?? "")?.[1] ?? "";
}

async function credential() {
  await newConnection({ id: "conn_pages" });
  const made = await call("POST", "/api/v1/delegated-credentials", {
    body: {
      connection_id: "conn_pages",
      name: "Kate",
      allowed_methods: ["GET"],
      allowed_paths: ["/a"],
      ttl_seconds: 900,
    },
  });
  expect(made.status, made.text).toBe(201);
  return String(made.json["id"]);
}

describe("the confirmation page", () => {
  it("names the request, escapes it, and holds no inline script or style", async () => {
    const shown = await open("GET", link("dcred_0000000000000000", { userAgent: "<img src=x onerror=alert(1)>" }));
    expect(shown.status).toBe(200);
    expect(shown.text).toContain("203.0.113.9");
    expect(shown.text).toContain("&lt;img");
    expect(shown.text).not.toMatch(/<script|style=|<img|onerror="/);
    expect(shown.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(shown.headers.get("x-frame-options")).toBe("DENY");
    expect(shown.headers.get("cache-control")).toBe("no-store");
  });

  it("refuses altered and expired links", async () => {
    const good = link("dcred_0000000000000000");
    expect((await open("GET", `${good}x`)).status).toBe(404);
    expect((await open("GET", "/confirm/x")).status).toBe(404);
    expect((await open("GET", link("dcred_0000000000000000", { expiresAtMs: Date.now() - 1 }))).status).toBe(410);
  });

  it("does nothing on a post without the page's own form token, or from another site", async () => {
    const at = link("dcred_0000000000000000");
    const shown = await open("GET", at);
    const token = formToken(shown.text, "confirm");
    expect(token).not.toBe("");
    expect((await open("POST", at, { action: "confirm", form_token: "1.x" })).status).toBe(403);
    expect((await open("POST", at, { action: "reject", form_token: token })).status).toBe(403);
    const foreign = await open(
      "POST",
      at,
      { action: "confirm", form_token: token },
      { origin: "https://evil.example" },
    );
    expect(foreign.status).toBe(403);
    expect((await open("POST", at, { action: "confirm" })).status).toBe(422);
  });

  it("answers for a confirmation that the gate does not know", async () => {
    const at = link(await credential());
    const shown = await open("GET", at);
    expect((await open("POST", at, { action: "confirm", form_token: formToken(shown.text, "confirm") })).status).toBe(
      404,
    );
    expect((await open("POST", at, { action: "reject", form_token: formToken(shown.text, "reject") })).status).toBe(
      404,
    );
  });
});

describe("the mailbox", () => {
  it("shows local mail with working links and nothing else as markup", async () => {
    const mail = {
      id: "msg_1",
      to: "kate@example.com",
      subject: "<b>Hi</b>",
      text: "Open http://localhost:8788/confirm/x now <script>",
    };
    await keepMail(env.AUDIT_DB, mail, 1);
    await keepMail(env.AUDIT_DB, mail, 2);
    const shown = await open("GET", "/dev/mailbox");
    expect(shown.status).toBe(200);
    expect(shown.text).toContain('<a href="http://localhost:8788/confirm/x">');
    expect(shown.text).toContain("&lt;b&gt;Hi&lt;/b&gt;");
    expect(shown.text).not.toMatch(/<script/);
    expect(shown.text.match(/<article>/g)).toHaveLength(1);
  });
});

describe("login", () => {
  async function linkFor(email: string): Promise<string> {
    const asked = await call("POST", "/api/v1/login-links", { key: null, body: { email } });
    expect(asked.status).toBe(202);
    for (let tries = 0; tries < 20; tries += 1) {
      const { text } = await open("GET", "/dev/mailbox");
      const mine = text.split("<article>").find((part) => part.includes(email));
      const found = /href="[^"]*(\/login\/[A-Za-z0-9_-]+)"/.exec(mine ?? "")?.[1];
      if (found !== undefined) return found;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return "";
  }

  it("mails five links an hour for an address, however many ask at once", async () => {
    const email = "flooded@example.com";
    expect((await call("POST", "/api/v1/members", { body: { email, role: "auditor" } })).status).toBe(201);
    const asks = Array.from({ length: 25 }, () => call("POST", "/api/v1/login-links", { key: null, body: { email } }));
    expect(new Set((await Promise.all(asks)).map(({ status }) => status))).toEqual(new Set([202]));
    await new Promise((resolve) => setTimeout(resolve, 500));
    const rows = await env.CONTROL_DB.prepare("SELECT count(*) AS n FROM login_links WHERE email = ?")
      .bind(email)
      .first();
    expect(rows).toEqual({ n: 5 });
  });

  it("opens a session on a click, once, and ends it on logout", async () => {
    const made = await call("POST", "/api/v1/members", {
      body: { email: "Ann@example.com", name: "Ann", role: "admin" },
    });
    expect(made.status, made.text).toBe(201);
    const path = await linkFor("ann@example.com");
    expect(path).not.toBe("");
    expect((await open("GET", path)).text).toContain("Log in");
    const entered = await open("POST", path);
    expect(entered.status).toBe(303);
    const setCookie = entered.headers.get("set-cookie") ?? "";
    expect(setCookie).toContain("HttpOnly; SameSite=Strict");
    const cookie = setCookie.split(";")[0] ?? "";
    expect((await open("POST", path)).status).toBe(410);

    const session = await call("GET", "/api/v1/session", { key: null, headers: { cookie } });
    expect(session.json).toMatchObject({ kind: "member", role: "admin", organisation: { id: "org_default" } });
    const noOrigin = await call("DELETE", "/api/v1/session", { key: null, headers: { cookie } });
    expect(noOrigin.json["code"]).toBe("csrf_refused");
    const ended = await call("DELETE", "/api/v1/session", { key: null, headers: { cookie, origin: ORIGIN } });
    expect(ended.status).toBe(204);
    expect((await call("GET", "/api/v1/session", { key: null, headers: { cookie } })).status).toBe(401);
  });

  it("tells nobody who is a member, and a removed member is out at once", async () => {
    const unknown = await call("POST", "/api/v1/login-links", { key: null, body: { email: "nobody@example.com" } });
    expect(unknown.json).toEqual({ sent: true });
    const made = await call("POST", "/api/v1/members", {
      body: { email: "bob@example.com", name: "Bob", role: "auditor" },
    });
    const entered = await open("POST", await linkFor("bob@example.com"));
    const cookie = (entered.headers.get("set-cookie") ?? "").split(";")[0] ?? "";
    expect((await call("GET", "/api/v1/session", { key: null, headers: { cookie } })).status).toBe(200);
    expect((await call("GET", "/api/v1/members", { key: null, headers: { cookie } })).status).toBe(200);
    expect(
      (await call("POST", "/api/v1/members", { key: null, headers: { cookie, origin: ORIGIN }, body: {} })).status,
    ).toBe(403);
    expect((await call("DELETE", `/api/v1/members/${made.json["id"]}`)).status).toBe(204);
    expect((await call("GET", "/api/v1/session", { key: null, headers: { cookie } })).status).toBe(401);
  });

  it("lets nobody in who is removed at the same moment", async () => {
    const email = "eve@example.com";
    const made = await call("POST", "/api/v1/members", { body: { email, role: "owner" } });
    const member = `/api/v1/members/${made.json["id"]}`;
    const racing = withMeanwhile(async () => expect((await call("DELETE", member)).status).toBe(204));
    const late = await call("POST", await linkFor(email), { key: null, env: racing });
    expect([late.status, late.headers.get("set-cookie")]).toEqual([410, null]);
    expect((await call("GET", member)).json["status"]).toBe("removed");
    const live = env.CONTROL_DB.prepare("SELECT count(*) AS n FROM sessions WHERE member_id = ?");
    expect(await live.bind(made.json["id"]).first("n")).toBe(0);
  });

  it("leaves an owner when two remove or demote each other at the same moment", async () => {
    const owners = await Promise.all(
      ["pat@example.com", "sam@example.com"].map(async (email) => {
        const made = await call("POST", "/api/v1/members", { body: { email, role: "owner" } });
        const entered = await open("POST", await linkFor(email));
        const cookie = (entered.headers.get("set-cookie") ?? "").split(";")[0] ?? "";
        return { path: `/api/v1/members/${made.json["id"]}`, as: { key: null, headers: { cookie, origin: ORIGIN } } };
      }),
    );
    const [pat, sam] = owners;
    if (pat === undefined || sam === undefined) throw new Error("Two owners were made");
    const demoted = { role: "auditor" };
    const racing = withMeanwhile(async () => {
      expect((await call("PATCH", pat.path, { ...sam.as, body: demoted })).status).toBe(200);
    });
    const late = await call("DELETE", sam.path, { ...pat.as, env: racing });
    expect([late.status, late.json["code"]], late.text).toEqual([409, "conflict"]);
    expect((await call("GET", sam.path)).json).toMatchObject({ role: "owner", status: "active" });
    const gone = withMeanwhile(async () => expect((await call("DELETE", sam.path)).status).toBe(204));
    expect((await call("PATCH", sam.path, { body: { name: "Samuel" }, env: gone })).status).toBe(404);
  });
});
