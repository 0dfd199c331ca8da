/** Vendors without an SDK of their own (or whose SDK is not installed here), by plain `fetch` as their documentation shows it. */
import { createHmac } from "node:crypto";
import { expect, it } from "vitest";
import { member, text, type Json } from "../harness/api-client.ts";
import type { RecordedRequest, RecordingVendor } from "../harness/recording-vendor.ts";
import { everythingSeen, jsonBody, madeUpSecret, type World } from "./world.ts";

type Reply = (status: number, body: unknown, headers?: Record<string, string>) => void;
type Handler = (request: RecordedRequest, url: URL, reply: Reply) => void;

function answers(vendor: RecordingVendor, handler: Handler): void {
  vendor.answerWith((request, response) => {
    handler(request, new URL(request.target, vendor.origin), (status, body, headers = {}) => {
      response.writeHead(status, { "content-type": "application/json", ...headers });
      response.end(typeof body === "string" ? body : JSON.stringify(body));
    });
  });
}

async function get(url: string, token: string, headers: Record<string, string> = {}): Promise<[number, Json, Headers]> {
  const response = await fetch(url, { headers: { authorization: `Bearer ${token}`, ...headers }, redirect: "manual" });
  const body = await response.text();
  try {
    return [response.status, JSON.parse(body) as Json, response.headers];
  } catch {
    return [response.status, body, response.headers];
  }
}

const everything = [{ methods: ["GET"], paths: ["/**"] }];

export function plainSuite(world: () => World): void {
  it("Absorb: logs in once for all callers, sends both headers, and logs in again after a 401", async () => {
    const vendor = await world().vendor();
    const [password, privateKey] = [madeUpSecret(), madeUpSecret()];
    let logins = 0;
    let live = "";
    answers(vendor, (request, url, reply) => {
      if (url.pathname === "/authenticate") {
        const body = jsonBody(request);
        const good =
          request.headers["x-api-key"] === privateKey &&
          member(body, "username") === "api-user" &&
          member(body, "password") === password &&
          member(body, "privateKey") === privateKey;
        if (!good) return reply(401, "no");
        logins += 1;
        // A new login ends the session before it.
        live = `session-${logins}-${"x".repeat(20)}`;
        return reply(200, JSON.stringify(live));
      }
      if (request.headers["x-api-key"] !== privateKey || request.headers.authorization !== `Bearer ${live}`) {
        return reply(401, { code: "expired" });
      }
      return reply(200, [{ id: url.pathname }]);
    });
    const connected = await world().connect("conn_absorb", {
      vendor: "absorb-lms",
      base_url: vendor.origin,
      secret: { username: "api-user", password, privateKey },
    });
    const token = await connected.token(everything);
    const all = await Promise.all(Array.from({ length: 8 }, () => get(`${connected.proxy}/courses`, token)));
    expect(all.map(([status]) => status)).toEqual(Array.from({ length: 8 }, () => 200));
    expect(logins).toBe(1);
    live = "ended by somebody else";
    expect((await get(`${connected.proxy}/courses`, token))[0]).toBe(200);
    expect(logins).toBe(2);
    expect((await get(`${connected.proxy}/users`, token, { "x-api-key": "my own" }))[0]).toBe(200);
    expect(everythingSeen(vendor)).not.toContain(token);
  });

  it("Sumsub: signs time, method, path with query and the exact body, multipart included", async () => {
    const vendor = await world().vendor();
    const [appToken, key] = [madeUpSecret(), madeUpSecret()];
    answers(vendor, (request, _url, reply) => {
      const at = String(request.headers["x-app-access-ts"]);
      const expected = createHmac("sha256", key)
        .update(`${at}${request.method}${request.target}`)
        .update(request.body)
        .digest("hex");
      const fresh = Math.abs(Date.now() / 1_000 - Number(at)) < 60;
      const good =
        fresh && request.headers["x-app-token"] === appToken && request.headers["x-app-access-sig"] === expected;
      reply(good ? 200 : 401, { good });
    });
    const connected = await world().connect("conn_sumsub", {
      vendor: "sumsub",
      base_url: vendor.origin,
      secret: { token: appToken, key },
    });
    const token = await connected.token([{ methods: ["GET", "POST"], paths: ["/resources/**"] }]);
    const call = (path: string, init: RequestInit = {}) =>
      fetch(`${connected.proxy}${path}`, {
        ...init,
        headers: { "x-app-token": token, "x-app-access-sig": "forged", "x-app-access-ts": "1", ...init.headers },
      });
    expect((await call("/resources/applicants/a1/status?x=%20y&z=1+2")).status).toBe(200);
    const json = { method: "POST", body: '{"externalUserId":"ü"}', headers: { "content-type": "application/json" } };
    expect((await call("/resources/applicants?levelName=basic", json)).status).toBe(200);
    const form = new FormData();
    form.set("metadata", '{"idDocType":"PASSPORT"}');
    form.set("content", new Blob([Buffer.from(Array.from({ length: 50_000 }, (_, i) => i % 256))]), "p.png");
    expect((await call("/resources/applicants/a1/info/idDoc", { method: "POST", body: form })).status).toBe(200);
    expect(everythingSeen(vendor)).not.toContain(key);
    expect(everythingSeen(vendor)).not.toContain(token);
  });

  it("Greenhouse: client credentials with Basic and a sub, then Link pagination by a lone cursor", async () => {
    const vendor = await world().vendor();
    const secret = madeUpSecret();
    let minted = 0;
    answers(vendor, (request, url, reply) => {
      if (url.pathname === "/token") {
        const form = new URLSearchParams(request.body.toString());
        const basic = `Basic ${Buffer.from(`client-1:${secret}`).toString("base64")}`;
        const good =
          request.headers.authorization === basic &&
          form.get("grant_type") === "client_credentials" &&
          form.get("sub") === "4012345";
        if (!good) return reply(401, { error: "invalid_client" });
        minted += 1;
        return reply(200, { access_token: `jwt-${minted}-${"y".repeat(20)}`, token_type: "Bearer", expires_in: 3_600 });
      }
      if (!String(request.headers.authorization).startsWith(`Bearer jwt-${minted}-`)) return reply(401, {});
      if (url.searchParams.has("cursor")) {
        return [...url.searchParams].length === 1 ? reply(200, [{ id: 2 }]) : reply(422, { message: "cursor only" });
      }
      return reply(200, [{ id: 1 }], { link: `<${vendor.origin}/v3/jobs?cursor=abc%3D>; rel="next"` });
    });
    const connected = await world().connect("conn_greenhouse", {
      vendor: "greenhouse",
      base_url: vendor.origin,
      auth: {
        scheme: "oauth2_client_credentials",
        token_url: `${vendor.origin}/token`,
        client_id: "client-1",
        client_auth: "basic",
        params: { sub: "4012345" },
      },
      variables: { client_id: "client-1", user_id: "4012345" },
      secret,
    });
    const token = await connected.token([{ methods: ["GET"], paths: ["/v3/jobs"] }]);
    const [status, , headers] = await get(`${connected.proxy}/v3/jobs?per_page=1`, token);
    expect(status).toBe(200);
    const next = /<([^>]+)>; rel="next"/.exec(headers.get("link") ?? "")?.[1] ?? "";
    expect(next).toBe(`${connected.proxy}/v3/jobs?cursor=abc%3D`);
    expect(await get(next, token)).toMatchObject([200, [{ id: 2 }], {}]);
    expect(minted).toBe(1);
    expect(everythingSeen(vendor)).not.toContain(token);
  });

  it("Ramp: page.next points at the proxy, and a token that the vendor rejects is replaced once", async () => {
    const vendor = await world().vendor();
    let minted = 0;
    let revoked = false;
    answers(vendor, (request, url, reply) => {
      if (url.pathname === "/developer/v1/token") {
        minted += 1;
        revoked = false;
        const scope = new URLSearchParams(request.body.toString()).get("scope");
        return reply(200, { access_token: `ramp-${minted}-${"z".repeat(20)}`, expires_in: 864_000, scope });
      }
      if (revoked || !String(request.headers.authorization).startsWith(`Bearer ramp-${minted}-`)) return reply(401, {});
      const next = url.searchParams.has("start")
        ? null
        : `${vendor.origin}/developer/v1/transactions?start=t2&page_size=2`;
      return reply(200, { data: [{ id: url.searchParams.get("start") ?? "t1" }], page: { next } });
    });
    const connected = await world().connect("conn_ramp", {
      vendor: "ramp",
      base_url: `${vendor.origin}/developer/v1`,
      auth: {
        scheme: "oauth2_client_credentials",
        token_url: `${vendor.origin}/developer/v1/token`,
        client_id: "ramp-client",
        scope: "transactions:read",
        client_auth: "basic",
      },
      variables: { client_id: "ramp-client", scope: "transactions:read" },
    });
    const token = await connected.token([{ methods: ["GET"], paths: ["/developer/v1/transactions"] }]);
    const [, first] = await get(`${connected.proxy}/developer/v1/transactions?page_size=2`, token);
    const next = text(member(first, "page", "next"));
    expect(next.startsWith(connected.proxy)).toBe(true);
    expect(await get(next, token)).toMatchObject([200, { data: [{ id: "t2" }], page: { next: null } }, {}]);
    revoked = true;
    expect((await get(`${connected.proxy}/transactions`, token))[0]).toBe(200);
    expect(minted).toBe(2);
    expect(everythingSeen(vendor)).not.toContain(token);
  });

  it("Survicate: the bare key behind the word Basic, and the token in any Basic form", async () => {
    const vendor = await world().vendor();
    answers(vendor, (request, _url, reply) => reply(200, { sent: request.headers.authorization?.split(" ")[0] }));
    const connected = await world().connect("conn_survicate", { vendor: "survicate", base_url: `${vendor.origin}/v2` });
    const token = await connected.token([{ methods: ["GET"], paths: ["/v2/surveys"] }]);
    for (const authorization of [`Basic ${token}`, `Basic ${btoa(`${token}:`)}`, `Bearer ${token}`]) {
      const response = await fetch(`${connected.proxy}/surveys`, { headers: { authorization } });
      expect(response.status, authorization.split(" ")[0]).toBe(200);
      expect(vendor.requests.at(-1)?.headers.authorization).toBe(`Basic ${connected.secret}`);
      expect(vendor.requests.at(-1)?.target).toBe("/v2/surveys");
    }
    expect(everythingSeen(vendor)).not.toContain(token);
  });

  it("PurelyHR: the key in the query, added last, and none that a client sets", async () => {
    const vendor = await world().vendor();
    vendor.answerWith((_request, response) => {
      response.writeHead(200, { "content-type": "application/xml" }).end("<requests><day/></requests>");
    });
    const connected = await world().connect("conn_purelyhr", { vendor: "purelyhr", base_url: vendor.origin });
    const token = await connected.token([{ methods: ["GET"], paths: ["/xml/"] }]);
    const answer = await fetch(`${connected.proxy}/xml/?sDate=2026/01/02&ak=${token}`);
    expect(answer.status).toBe(200);
    expect(await answer.text()).toBe("<requests><day/></requests>");
    expect(vendor.requests[0]?.target).toBe(`/xml/?sDate=2026/01/02&ak=${connected.secret}`);
    const before = vendor.requests.length;
    const smuggled = await fetch(`${connected.proxy}/xml/?ak=my-own`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const target = vendor.requests[before]?.target ?? "";
    // Whether it is refused or dropped, the client's own value never arrives.
    expect(target).not.toContain("my-own");
    expect([200, 403]).toContain(smuggled.status);
  });

  it("Twilio: the token as Basic password, and whole next-page addresses", async () => {
    const vendor = await world().vendor();
    const sid = `AC${"0a".repeat(16)}`;
    answers(vendor, (_request, url, reply) => {
      const next = url.searchParams.has("Page") ? null : `${vendor.origin}/v1/Services?PageSize=1&Page=1`;
      reply(200, { services: [{ sid: "x" }], meta: { next_page_url: next, key: "services" } });
    });
    const connected = await world().connect("conn_twilio", {
      vendor: "twilio",
      base_url: vendor.origin,
      variables: { sid },
    });
    const token = await connected.token([{ methods: ["GET"], paths: ["/v1/Services"] }]);
    const basic = { authorization: `Basic ${btoa(`${sid}:${token}`)}` };
    const first = (await (await fetch(`${connected.proxy}/v1/Services`, { headers: basic })).json()) as Json;
    expect(vendor.requests[0]?.headers.authorization).toBe(
      `Basic ${Buffer.from(`${sid}:${connected.secret}`).toString("base64")}`,
    );
    const next = text(member(first, "meta", "next_page_url"));
    expect(next).toBe(`${connected.proxy}/v1/Services?PageSize=1&Page=1`);
    expect((await fetch(next, { headers: basic })).status).toBe(200);
    expect(everythingSeen(vendor)).not.toContain(btoa(`${sid}:${token}`));
  });

  it.each([
    ["elevenlabs", "xi-api-key", (secret: string) => secret],
    ["shopify", "x-shopify-access-token", (secret: string) => secret],
    ["linear", "authorization", (secret: string) => secret],
    ["hubspot", "authorization", (secret: string) => `Bearer ${secret}`],
    ["notion", "authorization", (secret: string) => `Bearer ${secret}`],
    ["cloudflare", "authorization", (secret: string) => `Bearer ${secret}`],
  ] as const)("%s: the token stands where the vendor's key would", async (id, header, sent) => {
    const vendor = await world().vendor();
    const connected = await world().connect(`conn_${id}`, {
      vendor: id,
      base_url: vendor.origin,
      variables: { shop: "my-store" },
    });
    const token = await connected.token(everything);
    const value = header === "authorization" && id !== "linear" ? `Bearer ${token}` : token;
    const response = await fetch(`${connected.proxy}/v1/things`, {
      headers: { [header]: value, "x-auth-email": "somebody@example.com" },
    });
    expect(response.status).toBe(200);
    const [request] = vendor.requests;
    expect(request?.headers[header]).toBe(sent(connected.secret));
    if (id === "cloudflare") expect(request?.headers["x-auth-email"]).toBeUndefined();
    if (id === "notion") expect(request?.headers["notion-version"]).toBe("2025-09-03");
    expect(everythingSeen(vendor)).not.toContain(token);
  });
}
