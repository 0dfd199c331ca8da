/** A vendor that echoes what it was sent: whatever the scheme, no form of the key reaches the caller. */
import { expect, it } from "vitest";
import type { RecordedRequest } from "../harness/recording-vendor.ts";
import { madeUpSecret, type World } from "./world.ts";

interface Echo {
  readonly auth: Record<string, unknown>;
  readonly secret: string | Record<string, string>;
  /** Strings of which none may come back, besides the secret's own. */
  readonly forms: readonly string[];
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const hex = (text: string): string => Buffer.from(text).toString("hex");

function schemes(origin: string): Record<string, Echo> {
  const [one, two, three] = [madeUpSecret(), madeUpSecret(), madeUpSecret()];
  const oauth = { token_url: `${origin}/token`, client_id: "client-1", scheme: "oauth2_client_credentials" };
  return {
    bearer: { auth: { scheme: "bearer" }, secret: one, forms: [one] },
    header: { auth: { scheme: "header", name: "x-api-key" }, secret: one, forms: [one] },
    query: {
      auth: { scheme: "query", name: "ak" },
      secret: `${one}/+&=`,
      forms: [`${one}/+&=`],
    },
    basic: {
      auth: { scheme: "basic", secret_in: "password", fixed: "user-1" },
      secret: one,
      forms: [one, base64(`user-1:${one}`)],
    },
    "raw basic": { auth: { scheme: "basic", secret_in: "username", raw: true }, secret: one, forms: [one] },
    hmac: {
      auth: {
        scheme: "hmac",
        sign: ["timestamp", "method", "path_and_query", "body"],
        token_header: "x-app-token",
        timestamp_header: "x-ts",
        signature_header: "x-sig",
      },
      secret: { token: one, key: two },
      forms: [one, two],
    },
    "client credentials": {
      auth: { ...oauth, client_auth: "basic" },
      secret: one,
      forms: [one, base64(`client-1:${one}`), "minted-access-token-1"],
    },
    "token exchange": {
      auth: {
        scheme: "token_exchange",
        login_path: "/login",
        login_body: { user: "{user}", password: "{password}" },
        public_parts: ["user"],
        token_ttl_seconds: 600,
        headers: { "x-api-key": "{key}", authorization: "Bearer {token}" },
      },
      secret: { user: "api-user", password: two, key: three },
      forms: [two, three, "minted-access-token-1"],
    },
  };
}

export function echoSuite(world: () => World): void {
  it("echo: no form of any key comes back, in body, headers or error, on success and on failure", async () => {
    const vendor = await world().vendor();
    let status = 200;
    const forms = new Map<string, readonly string[]>();
    vendor.answerWith((request: RecordedRequest, response) => {
      if (request.target === "/token" || request.target === "/login") {
        response.writeHead(200, { "content-type": "application/json" });
        return void response.end('{"access_token":"minted-access-token-1","expires_in":600}');
      }
      const known = forms.get(new URL(request.target, "http://v").pathname.split("/")[1] ?? "") ?? [];
      const everyForm = known.flatMap((form) => [form, base64(form), hex(form), encodeURIComponent(form)]);
      const echoed = { target: request.target, headers: request.headers, forms: everyForm };
      response.writeHead(status, {
        "content-type": "application/json",
        "x-echo": String(request.headers.authorization ?? "none"),
        "x-echo-key": String(request.headers["x-api-key"] ?? request.headers["x-app-token"] ?? "none"),
      });
      const text = JSON.stringify(echoed);
      // Cut in the middle, so that a form may lie across two chunks.
      response.write(text.slice(0, text.length / 2));
      setTimeout(() => response.end(text.slice(text.length / 2)), 5);
    });
    for (const [name, echo] of Object.entries(schemes(vendor.origin))) {
      const id = `conn_echo_${name.replaceAll(" ", "_")}`;
      const connected = await world().connect(id, { base_url: vendor.origin, auth: echo.auth, secret: echo.secret });
      const token = await connected.token([{ methods: ["GET"], paths: ["/**"] }]);
      const path = name.replaceAll(" ", "-");
      forms.set(path, echo.forms);
      for (status of [200, 500]) {
        const answer = await world().api.proxy("GET", `/${id}/${path}`, token);
        expect(answer.status, name).toBe(status);
        const seen = `${answer.text}${JSON.stringify([...answer.headers])}`;
        for (const form of echo.forms) {
          for (const spelled of [form, base64(form).replace(/=+$/, ""), hex(form), encodeURIComponent(form)]) {
            expect(seen.includes(spelled), `${name} ${status} ${spelled.slice(0, 12)}`).toBe(false);
          }
        }
      }
    }
  });
}
