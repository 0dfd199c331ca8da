/** What a connection's members must fulfil together: an owner's fixed header may not stand where the vendor's key goes. */
import { describe, expect, it } from "vitest";
import { call, newConnection, textOf } from "./admin.fixture.ts";

const HMAC = {
  scheme: "hmac",
  sign: ["timestamp"],
  token_header: "X-Token",
  timestamp_header: "X-Time",
  signature_header: "X-Signature",
};
const EXCHANGE = {
  scheme: "token_exchange",
  login_path: "/login",
  token_ttl_seconds: 60,
  headers: { "X-Session": "{token}" },
};
const OAUTH = {
  scheme: "oauth2_client_credentials",
  token_url: "https://login.vendor.example/token",
  client_id: "app",
  client_auth: "body",
};
/** Schemes whose key has a header of its own. `Authorization` is no fixed header under any scheme. */
const TAKEN = [
  [{ scheme: "header", name: "X-Key" }, "x-key"],
  [HMAC, "x-signature"],
  [EXCHANGE, "x-session"],
  [{ ...OAUTH, sent_as: { header: "X-Shop" } }, "x-shop"],
] as const;
const WITHOUT = [{ scheme: "bearer" }, { scheme: "basic", secret_in: "password" }, OAUTH, { scheme: "none" }] as const;

describe("a fixed header", () => {
  it.each(TAKEN)("does not take the key's place: %j", async (auth, name) => {
    const headers = { [name]: "7" };
    const made = await newConnection({ auth, secret: undefined, headers });
    expect(made.status, made.text).toBe(422);
    expect(made.json["errors"]).toMatchObject([{ field: `headers.${name}`, message: "Is where the key goes" }]);
    const free = await newConnection({ auth, secret: undefined, headers: { "x-account": "7" } });
    expect(free.status, free.text).toBe(201);
    const changed = await call("PATCH", `/api/v1/connections/${textOf(free, "id")}`, { body: { headers } });
    expect(changed.status, changed.text).toBe(422);
  });

  it.each(WITHOUT)("is never Authorization: %j", async (auth) => {
    const made = await newConnection({ auth, secret: undefined, headers: { Authorization: "7" } });
    expect(made.status, made.text).toBe(422);
    expect(made.json["errors"]).toMatchObject([{ field: "headers.Authorization" }]);
  });
});

describe("a vendor's entry", () => {
  const basic = { scheme: "basic", secret_in: "password", fixed: "AC1" } as const;

  it("holds where address and key are stated, although a variable of its own templates is not", async () => {
    const made = await newConnection({ vendor: "twilio", base_url: "https://twilio.example", auth: basic });
    expect(made.status, made.text).toBe(201);
    expect(made.json).toMatchObject({ vendor: "twilio", base_url: "https://twilio.example", auth: basic });
    expect(made.json["url_members"]).toContain("meta.next_page_url");
  });

  it("of any API points the usual members for the next page at the proxy", async () => {
    const made = await newConnection({ vendor: "any", auth: { scheme: "bearer" } });
    expect(made.status, made.text).toBe(201);
    expect(made.json["url_members"]).toContain("next");
  });
});

describe("a member that would be lost on the way", () => {
  it.each(['{"name":"x","headers":{"__proto__":"y"}}', '{"\\u005f_pr\\u006fto__":{},"name":"x"}'])(
    "is refused: %s",
    async (raw) => {
      const told = await call("POST", "/api/v1/connections", { raw });
      expect([told.status, told.json["code"]]).toEqual([400, "invalid_json"]);
      expect(told.text).toContain("__proto__");
    },
  );

  it("is not one that only looks like it", async () => {
    const raw = JSON.stringify({ name: "protocol \u00e9 __proto__", kind: "service" }).replace("\u00e9", "\\u00e9");
    expect((await call("POST", "/api/v1/recipients", { raw })).status).toBe(201);
  });
});
