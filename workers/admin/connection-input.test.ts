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
const TAKEN = [
  [{ scheme: "bearer" }, "Authorization"],
  [{ scheme: "basic", secret_in: "password" }, "authorization"],
  [{ scheme: "header", name: "X-Key" }, "x-key"],
  [HMAC, "x-signature"],
  [EXCHANGE, "x-session"],
  [OAUTH, "authorization"],
  [{ ...OAUTH, sent_as: { header: "X-Shop" } }, "x-shop"],
] as const;

describe("a fixed header", () => {
  it.each(TAKEN)("does not take the key's place: %j", async (auth, name) => {
    const made = await newConnection({ auth, secret: undefined, headers: { [name]: "7" } });
    expect(made.status, made.text).toBe(422);
    expect(made.json["errors"]).toMatchObject([{ field: `headers.${name}` }]);
    const free = await newConnection({ auth, secret: undefined, headers: { "x-account": "7" } });
    expect(free.status, free.text).toBe(201);
    const changed = await call("PATCH", `/api/v1/connections/${textOf(free, "id")}`, {
      body: { headers: { [name]: "7" } },
    });
    expect(changed.status, changed.text).toBe(422);
  });
});
