/** Two changes at one moment: the later one is refused when it builds on what the other has changed. */
import { describe, expect, it, vi } from "vitest";
import {
  bindings,
  call,
  FAKE_SECRET,
  fieldsOf,
  newConnection,
  newCredential,
  textOf,
  withMeanwhile,
} from "./admin.fixture.ts";
import type { Answer } from "./admin.fixture.ts";

vi.setConfig({ testTimeout: 60_000 });

const CREDENTIALS = "/api/v1/delegated-credentials";
const KEYS = "/api/v1/management-keys";

/** A request that has read when another one is made and answered. */
async function overtaken(
  request: readonly [method: string, path: string, body?: object],
  other: readonly [method: string, path: string, body?: object],
  key: string = bindings.RELAYKEY_OWNER_KEY,
): Promise<{ first: Answer; late: Answer }> {
  let first: Answer | null = null;
  const env = withMeanwhile(async () => {
    first = await call(other[0], other[1], { body: other[2], key });
  });
  const late = await call(request[0], request[1], { body: request[2], env, key });
  if (first === null) throw new Error("The request wrote nothing");
  return { first, late };
}

function expectConflict(late: Answer): void {
  expect(late.status, late.text).toBe(409);
  expect(late.json).toMatchObject({ code: "conflict", detail: expect.stringContaining("read it again") });
}

describe("a token that is replaced twice at one moment", () => {
  it("is a credential's: the second rotation neither brings the old token back nor ends the new one", async () => {
    const path = `${CREDENTIALS}/${textOf(await newCredential(textOf(await newConnection(), "id")), "id")}`;
    const hard = ["POST", `${path}/rotate`, { overlap_seconds: 0 }] as const;
    const { first, late } = await overtaken(["POST", `${path}/rotate`, { overlap_seconds: 600 }], hard);
    expectConflict(late);
    expect((await call("GET", path)).json).toMatchObject({
      token_last4: textOf(first, "token").slice(-4),
      previous_token_expires_at: null,
    });
    const shared = await overtaken(["POST", `${path}/share`, {}], hard);
    expectConflict(shared.late);
    expect((await call("GET", `${path}/shares`)).json["data"]).toEqual([]);
    expect((await call("GET", path)).json["token_last4"]).toBe(textOf(shared.first, "token").slice(-4));
  });

  it("is a credential's that is revoked, or whose given token is shared", async () => {
    const made = await newCredential(textOf(await newConnection(), "id"));
    const path = `${CREDENTIALS}/${textOf(made, "id")}`;
    const given = { token: textOf(made, "token") };
    expectConflict((await overtaken(["POST", `${path}/share`, given], ["POST", `${path}/rotate`, {}])).late);
    expectConflict((await overtaken(["POST", `${path}/rotate`, {}], ["POST", `${path}/revoke`])).late);
  });

  it("is a management key's", async () => {
    const made = await call("POST", KEYS, { body: { name: "auditor", role: "auditor" } });
    const path = `${KEYS}/${textOf(made, "id")}`;
    const { first, late } = await overtaken(
      ["POST", `${path}/rotate`, { overlap_seconds: 600 }],
      ["POST", `${path}/rotate`, { overlap_seconds: 0 }],
    );
    expectConflict(late);
    expect((await call("GET", KEYS, { key: textOf(made, "key") })).status).toBe(401);
    expect((await call("GET", KEYS, { key: textOf(first, "key") })).status).toBe(200);
    expectConflict((await overtaken(["POST", `${path}/rotate`, {}], ["POST", `${path}/revoke`])).late);
  });
});

describe("a webhook's signing secret", () => {
  it("is shown to one of two who replace it at one moment, and not when the webhook is deleted", async () => {
    const made = await call("POST", "/api/v1/webhooks", { body: { name: "Ops", url: "https://hooks.example.com" } });
    const path = `/api/v1/webhooks/${textOf(made, "id")}`;
    const rotate = ["POST", `${path}/rotate-secret`] as const;
    const { first, late } = await overtaken(rotate, rotate);
    expect([first.status, textOf(first, "secret").slice(0, 6)]).toEqual([200, "whsec_"]);
    expectConflict(late);
    expectConflict((await overtaken(rotate, ["DELETE", path])).late);
  });
});

describe("the grants of a credential", () => {
  const rules = { allowed_methods: ["GET"], allowed_paths: ["/v1/*"] };
  const grantsOf = async (path: string): Promise<string[]> =>
    ((await call("GET", path)).json["grants"] as { connection_id: string }[]).map((each) => each.connection_id);

  it("are those of one request when several set them at one moment", async () => {
    const connections = await Promise.all([1, 2, 3, 4, 5].map(async () => textOf(await newConnection(), "id")));
    const path = `${CREDENTIALS}/${textOf(await newCredential(connections[0] ?? ""), "id")}`;
    for (let round = 0; round < 3; round += 1) {
      const answers = await Promise.all(
        connections.map((id) => call("PATCH", path, { body: { grants: [{ connection_id: id, ...rules }] } })),
      );
      const statuses = answers.map((each) => each.status);
      expect(statuses).toContain(200);
      expect(statuses.filter((status) => status !== 200 && status !== 409)).toEqual([]);
      expect(await grantsOf(path)).toHaveLength(1);
    }
  });

  it("are not set over a grant that was added or changed in between", async () => {
    const connection = textOf(await newConnection(), "id");
    const other = textOf(await newConnection(), "id");
    const id = textOf(await newCredential(connection), "id");
    const path = `${CREDENTIALS}/${id}`;
    const both = { grants: [connection, other].map((each) => ({ connection_id: each, ...rules })) };
    const added = { credential_id: id, connection_id: other, ...rules };
    expectConflict((await overtaken(["PATCH", path, both], ["POST", "/admin/bindings", added])).late);
    const one = { grants: [{ connection_id: connection, ...rules }] };
    expectConflict((await overtaken(["PATCH", path, both], ["PATCH", path, one])).late);
    expect(await grantsOf(path)).toEqual([connection]);
  });
});

describe("a change that meets another of the same thing", () => {
  it("is refused where both write settings that are stored as one", async () => {
    const connection = textOf(await newConnection(), "id");
    const grants = (await newCredential(connection)).json["grants"] as { id: string }[];
    const binding = `/admin/bindings/${grants[0]?.id}`;
    const tightened = { deny_query_params: ["expand"] };
    expectConflict((await overtaken(["PATCH", binding, { max_body_bytes: 100 }], ["PATCH", binding, tightened])).late);
    expect((await call("GET", binding)).json).toMatchObject(tightened);
    const path = `/api/v1/connections/${connection}`;
    const masked = { token_headers: ["x-minted"] };
    expectConflict((await overtaken(["PATCH", path, { url_members: ["next"] }], ["PATCH", path, masked])).late);
  });

  it("sends no key to a host that its connection was given at the same moment", async () => {
    const admin = textOf(await call("POST", KEYS, { body: { name: "admin", role: "admin" } }), "key");
    const path = `/api/v1/connections/${textOf(await newConnection({ secret: undefined }), "id")}`;
    const add = ["POST", `${path}/upstream-credentials`, { secret: FAKE_SECRET }] as const;
    const move = (host: string) => ["PATCH", path, { base_url: `https://${host}` }] as const;
    expectConflict((await overtaken(add, move("api.other.example"), admin)).late);
    expect((await call("GET", `${path}/upstream-credentials`)).json["data"]).toEqual([]);
    const { first, late } = await overtaken(move("api.attacker.example"), add, admin);
    expect(first.status, first.text).toBe(201);
    expectConflict(late);
    expect((await call("GET", path)).json["base_url"]).toBe("https://api.other.example");
    expect((await call("PATCH", path, { key: admin, body: { base_url: "https://api.attacker.example" } })).status).toBe(
      403,
    );
  });

  it("leaves alone what it does not name", async () => {
    const reference = textOf(await newConnection(), "id").slice(5);
    const member = { email: `${reference}@example.com`, role: "admin" };
    const constraints = {
      connections: ["conn_x"],
      allowed_methods: ["GET"],
      allowed_paths: ["/x"],
      max_ttl_seconds: 60,
    };
    const trust = { issuer: "https://ci.example.com", audience: "relaykey", claims: { sub: "x" }, constraints };
    const things: [path: string, body: object, tightened: object, shown?: object][] = [
      ["/api/v1/members", member, { role: "auditor" }],
      ["/api/v1/trust-policies", { name: "CI", ...trust }, { status: "paused" }],
      ["/api/v1/organisations", { name: "Tenant", plan: "unlimited" }, { plan: "free" }, { plan: { id: "free" } }],
      ["/api/v1/webhooks", { url: "https://hooks.example.com" }, { status: "paused" }],
    ];
    for (const [path, body, tightened, shown = tightened] of things) {
      const one = `${path}/${textOf(await call("POST", path, { body }), "id")}`;
      const { first, late } = await overtaken(["PATCH", one, { name: "Other" }], ["PATCH", one, tightened]);
      expect([first.status, late.status], `${path} ${first.text} ${late.text}`).toEqual([200, 200]);
      const stored = await call("PATCH", one, { body: { name: "Other" } });
      expect(stored.json, stored.text).toMatchObject({ name: "Other", ...shown });
    }
  });
});

describe("a share link", () => {
  it("is not withdrawn when it was opened at the same moment", async () => {
    const credential = `${CREDENTIALS}/${textOf(await newCredential(textOf(await newConnection(), "id")), "id")}`;
    const share = await call("POST", `${credential}/share`, { body: {} });
    const open = ["POST", `${new URL(textOf(share, "url")).pathname}/open`, {}] as const;
    const { first, late } = await overtaken(["DELETE", `/api/v1/shares/${textOf(share, "id")}`], open);
    expect(first.status, first.text).toBe(200);
    expect(late.status, late.text).toBe(409);
    expect((await call("GET", `${credential}/shares`)).json["data"]).toMatchObject([
      { status: "opened", withdrawn_at: null },
    ]);
    const withdrawn = bindings.CONTROL_DB.prepare(
      "SELECT count(*) AS n FROM control_events WHERE action = 'withdrawShare' AND target_id = ?",
    );
    expect(await withdrawn.bind(textOf(share, "id")).first("n")).toBe(0);
  });
});

describe("what is made twice at one moment", () => {
  const MEMBERS = "/api/v1/members";
  const WEBHOOKS = "/api/v1/webhooks";
  const invitation = (email: string) => ["POST", MEMBERS, { email, role: "auditor" }] as const;

  it("is one member, also one that had been removed", async () => {
    const email = `${textOf(await newConnection(), "id").slice(5)}@example.com`;
    for (let round = 0; round < 2; round += 1) {
      const { first, late } = await overtaken(invitation(email), invitation(email));
      expect([first.status, late.status], `${first.text} ${late.text}`).toEqual([201, 409]);
      expect((await call("DELETE", `${MEMBERS}/${textOf(first, "id")}`)).status).toBe(204);
    }
  });

  it("does not pass the plan's maximum", async () => {
    const made = await call("POST", "/api/v1/organisations", { body: { name: "Small", plan: "free" } });
    const key = textOf(made, "key");
    const refusal = { code: "plan_limit" };
    const fixed = textOf(await call("POST", MEMBERS, { key, body: invitation("a@example.com")[2] }), "id");
    expect((await call("POST", MEMBERS, { key, body: invitation("b@example.com")[2] })).status).toBe(201);
    const third = await overtaken(invitation("c@example.com"), invitation("d@example.com"), key);
    expect(third.first.status, third.first.text).toBe(201);
    expect(third.late.json).toMatchObject({ ...refusal, resource: "members", limit: 3 });
    expect((await call("DELETE", `${MEMBERS}/${fixed}`, { key })).status).toBe(204);
    const again = await overtaken(invitation("a@example.com"), invitation("c@example.com"), key);
    expect(again.late.json).toMatchObject(refusal);
    const hook = ["POST", WEBHOOKS, { url: "https://hooks.example.com" }] as const;
    const hooks = await overtaken(hook, hook, key);
    expect(hooks.first.status, hooks.first.text).toBe(201);
    expect(hooks.late.json).toMatchObject({ ...refusal, resource: "webhooks", limit: 1 });
  });
});

describe("a customer", () => {
  const limits = (requests: number) => ({ limits: { rate: [{ requests, per_seconds: 60 }] } });
  const newCustomer = async (body: object) => {
    const reference = textOf(await newConnection(), "id");
    return `/api/v1/customers/${textOf(await call("POST", "/api/v1/customers", { body: { reference, ...body } }), "id")}`;
  };

  it("is not removed with limits that the request has not read, nor changed when it is gone", async () => {
    const limited = await newCustomer({});
    const removal = await overtaken(["DELETE", limited], ["PATCH", limited, limits(5)]);
    expect(removal.first.status, removal.first.text).toBe(200);
    expectConflict(removal.late);
    expect((await call("GET", limited)).json).toMatchObject(limits(5));
    for (const body of [limits(7), { name: "Acme" }]) {
      const gone = await newCustomer(limits(3));
      const change = await overtaken(["PATCH", gone, body], ["DELETE", gone]);
      expect(change.first.status, change.first.text).toBe(204);
      expectConflict(change.late);
    }
  });

  it("has the limits of one of two who set them at one moment", async () => {
    const path = await newCustomer({});
    const { first, late } = await overtaken(["PATCH", path, limits(7)], ["PATCH", path, limits(5)]);
    expect(first.status, first.text).toBe(200);
    expectConflict(late);
    expect((await call("GET", path)).json).toMatchObject(limits(5));
  });
});

describe("issuing beside a recipient's revoke", () => {
  it("gives nobody a credential that the revoke has not seen", async () => {
    const connection = textOf(await newConnection(), "id");
    const recipient = textOf(await call("POST", "/api/v1/recipients", { body: { name: "Kate" } }), "id");
    const body = { name: "late", connection_id: connection, recipient_id: recipient, allowed_methods: ["GET"] };
    const { first, late } = await overtaken(
      ["POST", CREDENTIALS, { ...body, allowed_paths: ["/a"], ttl_seconds: 600 }],
      ["POST", `/api/v1/recipients/${recipient}/revoke`],
    );
    expect(first.status).toBe(200);
    expect([late.status, fieldsOf(late)]).toEqual([422, ["recipient_id"]]);
    expect((await call("GET", `${CREDENTIALS}?recipient_id=${recipient}`)).json["data"]).toEqual([]);
  });

  it("and changing one gives it to nobody either", async () => {
    const recipient = textOf(await call("POST", "/api/v1/recipients", { body: { name: "Kate" } }), "id");
    const path = `${CREDENTIALS}/${textOf(await newCredential(textOf(await newConnection(), "id")), "id")}`;
    const revoke = ["POST", `/api/v1/recipients/${recipient}/revoke`] as const;
    const { first, late } = await overtaken(["PATCH", path, { recipient_id: recipient }], revoke);
    expect(first.status).toBe(200);
    expectConflict(late);
    expect((await call("GET", path)).json).toMatchObject({ recipient_id: null, status: "active" });
  });
});
