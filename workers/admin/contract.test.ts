/** Every operation of the route table, good and bad input alike: no answer is a 500, and every refusal names the field. */
import fc from "fast-check";
import { beforeAll, describe, expect, it, vi } from "vitest";
import {
  FAKE_SECRET,
  bindings,
  call,
  fieldsOf,
  newConnection,
  newCredential,
  newKey,
  textOf,
} from "./admin.fixture.ts";
import type { Answer, CallOptions } from "./admin.fixture.ts";
import { CONSTRAINTS, GOOD_BODIES } from "./good-bodies.fixture.ts";
import { isMediaTypes } from "./openapi.ts";
import { ROUTES } from "./route-table.ts";
import type { Route } from "./route.ts";
import { filled, oneOfEach, otherOrganisation } from "./tenant.fixture.ts";

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

const ROLES = ["owner", "admin", "provisioner", "auditor"] as const;
const GUARDED = ROUTES.filter((route) => route.roles !== "public");
/** Events arrive by the queue alone; reading one has a test of its own. */
const REACHABLE = GUARDED.filter((route) => route.operationId !== "getAuditEvent");
/** Uploaded documents have bounds and members of their own. */
const WITH_BODY = REACHABLE.filter((route) => route.body !== undefined && route.largeBody === undefined);

const HMAC = {
  scheme: "hmac",
  algorithm: "HMAC-SHA256",
  encoding: "hex",
  sign: ["timestamp", "body"],
  token_header: "x-token",
  timestamp_header: "x-time",
  signature_header: "x-signature",
  token_part: "token",
  key_part: "key",
};

let ids: Record<string, string>;
let keys: Record<(typeof ROLES)[number], string>;

beforeAll(async () => {
  ids = await oneOfEach();
  keys = {
    owner: bindings.RELAYKEY_OWNER_KEY,
    admin: await newKey("admin"),
    provisioner: await newKey("provisioner", { constraints: CONSTRAINTS }),
    auditor: await newKey("auditor"),
  };
});

function paths(route: Route): string[] {
  return [route.path, ...(route.aliases ?? [])].map((path) => filled(path, ids));
}

/** What holds for every refusal, whoever gives it. */
function expectProblem(answer: Answer, status: number, what: string): void {
  expect(answer.status, `${what}: ${answer.text}`).toBe(status);
  expect(answer.headers.get("content-type"), what).toContain("application/problem+json");
  expect(answer.json, what).toMatchObject({ status, instance: answer.headers.get("x-relaykey-request-id") });
  expect(answer.json["instance"], what).toMatch(/^req_/);
  for (const member of ["type", "title", "detail", "code"]) expect(answer.json[member], what).toBeTypeOf("string");
  expect(answer.text, what).not.toContain(FAKE_SECRET);
}

describe("the route table", () => {
  it("names each operation, method and path once", () => {
    const operations = ROUTES.map((route) => route.operationId);
    expect(new Set(operations).size).toBe(operations.length);
    const places = ROUTES.flatMap((route) =>
      [route.path, ...(route.aliases ?? [])].map((path) => `${route.method} ${path.replaceAll(/:[a-z_]+/g, ":x")}`),
    );
    expect(new Set(places).size).toBe(places.length);
  });

  it("has a good body for each operation that takes one", () => {
    const without = WITH_BODY.filter((route) => GOOD_BODIES[route.operationId] === undefined);
    expect(without.map((route) => route.operationId)).toEqual([]);
  });

  it("has roles for each operation that is not public", () => {
    for (const route of GUARDED) expect(route.roles.length, route.operationId).toBeGreaterThan(0);
  });
});

describe("authentication and roles", () => {
  it("asks everyone for a key, and refuses wrong ones", async () => {
    const wrong = `${bindings.RELAYKEY_OWNER_KEY.slice(0, -1)}${bindings.RELAYKEY_OWNER_KEY.endsWith("0") ? "1" : "0"}`;
    for (const route of GUARDED) {
      for (const path of paths(route)) {
        const missing = await call(route.method, path, { key: null });
        expectProblem(missing, 401, `${route.method} ${path}`);
        expect(missing.json["code"]).toBe("credential_missing");
        expect(missing.headers.get("www-authenticate")).toMatch(/^Bearer /);
        const invalid = await call(route.method, path, { key: wrong });
        expectProblem(invalid, 401, `${route.method} ${path}`);
        expect(invalid.json["code"]).toBe("credential_invalid");
      }
    }
  });

  it("denies each role what it does not list, before anything else is looked at", async () => {
    for (const route of GUARDED) {
      for (const role of ROLES) {
        if (route.roles !== "public" && route.roles.includes(role)) continue;
        const answer = await call(route.method, filled(route.path, ids), {
          key: keys[role],
          ...(route.method === "GET" ? {} : { raw: "not json" }),
        });
        expectProblem(answer, 403, `${role} ${route.operationId}`);
        expect(answer.json["code"]).toBe("role_denied");
      }
    }
  });

  it("knows no other credential: a proxy token, a scheme, an empty bearer", async () => {
    const token = textOf(await newCredential(ids["connection_id"] ?? ""), "token");
    for (const authorization of [`Bearer ${token}`, "Bearer", "Basic dTpw", `bearer${bindings.RELAYKEY_OWNER_KEY}`]) {
      const answer = await call("GET", "/api/v1/connections", { key: null, headers: { authorization } });
      expectProblem(answer, 401, authorization.slice(0, 12));
    }
  });
});

describe("what is not there", () => {
  it("answers 404 for ids that nothing has, that are malformed, or that belong to another organisation", async () => {
    const foreign = await otherOrganisation("org_bbbbbbbbbbbbbbbb");
    const malformed = Object.fromEntries(Object.keys(ids).map((name) => [name, "%00'--"]));
    for (const route of GUARDED.filter((each) => each.params !== undefined && !each.path.includes("vendor_id"))) {
      const good = GOOD_BODIES[route.operationId];
      // Only the body's schema is judged before the id: without a good one, the id is not reached.
      if (good === undefined && route.body !== undefined && !route.body.safeParse({}).success) continue;
      const body = good === undefined ? {} : { body: good };
      for (const path of [filled(route.path, {}), filled(route.path, malformed)]) {
        expectProblem(await call(route.method, path, body), 404, `${route.method} ${path}`);
      }
      const answer = await call(route.method, filled(route.path, ids), { key: foreign, ...body });
      expectProblem(answer, 404, `foreign ${route.method} ${route.path}`);
    }
  });

  it("shows another organisation nothing in lists", async () => {
    const foreign = await otherOrganisation("org_cccccccccccccccc");
    const lists = GUARDED.filter((route) => route.method === "GET" && route.query?.shape["cursor"] !== undefined);
    expect(lists.length).toBeGreaterThan(8);
    for (const route of lists.filter((each) => !each.path.includes(":"))) {
      const answer = await call("GET", route.path, { key: foreign });
      expect(answer.status, answer.text).toBe(200);
      const data = answer.json["data"] as Record<string, unknown>[];
      // The key that asks is the only thing that this organisation has.
      const others = data.filter((each) => each["name"] !== "org_cccccccccccccccc");
      expect(others, route.operationId).toEqual([]);
    }
  });

  it("lets no body reach into another organisation", async () => {
    const foreign = await otherOrganisation("org_dddddddddddddddd");
    const own = await newConnection({}, { key: foreign });
    const ownId = textOf(own, "id");
    const attempts: [Record<string, unknown>, string][] = [
      [{ connection_id: ids["connection_id"] }, "connection_id"],
      [{ recipient_id: ids["recipient_id"] }, "recipient_id"],
      [{ policy_id: ids["policy_id"] }, "policy_id"],
    ];
    for (const [extra, field] of attempts) {
      const answer = await newCredential(ownId, extra, { key: foreign });
      expectProblem(answer, 422, field);
      expect(fieldsOf(answer)).toEqual([field]);
    }
  });

  it("answers problems for unknown routes and methods", async () => {
    expectProblem(await call("GET", "/api/v1/nothing"), 404, "unknown route");
    expectProblem(await call("GET", "/admin/nothing"), 404, "unknown governance route");
    const wrong = await call("PUT", "/api/v1/connections");
    expectProblem(wrong, 405, "unknown method");
    expect(wrong.headers.get("allow")).toContain("POST");
  });
});

describe("bodies", () => {
  it("refuses what is no JSON object of the right type and size", async () => {
    for (const route of WITH_BODY) {
      const path = filled(route.path, ids);
      const what = route.operationId;
      for (const raw of ["{", '{"a":1}}', "nul", '"\\ud800', "{'a':1}", "\u0000"]) {
        expectProblem(await call(route.method, path, { raw }), 400, `${what} ${raw}`);
      }
      expectProblem(await call(route.method, path, { raw: "[".repeat(5_000) }), 400, `${what} deep`);
      for (const body of [[], "text", 7, null, true]) {
        expectProblem(await call(route.method, path, { body }), 422, `${what} ${JSON.stringify(body)}`);
      }
      const big = JSON.stringify({ name: "x".repeat(1_100_000) });
      expectProblem(await call(route.method, path, { raw: big }), 413, `${what} big`);
      for (const type of ["text/plain", "application/xml", "application/jsonp", ""]) {
        const headers = { "content-type": type };
        expectProblem(await call(route.method, path, { raw: "{}", headers }), 415, `${what} ${type}`);
      }
    }
  });

  it("names an unknown member, at the top and within", async () => {
    for (const route of WITH_BODY) {
      const body = { ...GOOD_BODIES[route.operationId], "no such member": 1 };
      const answer = await call(route.method, filled(route.path, ids), { body });
      expectProblem(answer, 422, route.operationId);
      expect(fieldsOf(answer), route.operationId).toContain("no such member");
    }
    const nested = await newConnection({ auth: { scheme: "header", name: "x-key", nam: "x" } });
    expect(fieldsOf(nested)).toEqual(["auth.nam"]);
  });

  it("names each member of a wrong type", async () => {
    for (const route of WITH_BODY) {
      const good: Record<string, unknown> = { ...GOOD_BODIES[route.operationId] };
      for (const member of Object.keys(good)) {
        for (const wrong of [{ unexpected: [] }, [[1]], 1.5]) {
          const body = { ...good, [member]: wrong };
          const answer = await call(route.method, filled(route.path, ids), { body });
          expectProblem(answer, 422, `${route.operationId} ${member}`);
          expect(fieldsOf(answer).join(), `${route.operationId} ${answer.text}`).toContain(member);
        }
      }
    }
  });

  it("names the secret that is too short to be masked, wherever one is taken in", async () => {
    const secret = "12345";
    const keys = `/api/v1/connections/${ids["connection_id"]}/upstream-credentials`;
    const answers = [
      await newConnection({ secret }),
      await newConnection({ secret: { token: "123456", key: "123" }, auth: HMAC }),
      await call("POST", keys, { body: { secret } }),
      await call("POST", `${keys}/${ids["upstream_credential_id"]}/rotate`, { body: { secret } }),
      await call("POST", "/admin/upstream-credentials", { body: { connection_id: ids["connection_id"], secret } }),
    ];
    for (const answer of answers) {
      expectProblem(answer, 422, "short secret");
      expect(fieldsOf(answer)).toEqual(["secret"]);
      expect(answer.text).not.toContain(secret);
    }
    expect((await newConnection({ secret: { token: "123456", key: "123456" }, auth: HMAC })).status).toBe(201);
    expect((await newConnection({ secret: undefined, auth: { scheme: "none" } })).status).toBe(201);
  });

  it("never answers 500, whatever JSON comes", async () => {
    const members = [
      "name",
      "id",
      "auth",
      "grants",
      "rules",
      "limits",
      "trust",
      "labels",
      "secret",
      "__proto__",
      "price",
    ];
    const json = fc.dictionary(fc.constantFrom(...members), fc.jsonValue(), { maxKeys: 5 });
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...WITH_BODY), json, async (route, body) => {
        const merged = { ...GOOD_BODIES[route.operationId], ...body };
        const answer = await call(route.method, filled(route.path, {}), { body: merged });
        expect(answer.status, answer.text).toBeLessThan(500);
      }),
      { numRuns: 150 },
    );
  });
});

describe("operations without a caller", () => {
  const OPEN: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
    signUp: { organisation: "New", name: "Zoe", email: "zoe@example.com" },
    askLoginLink: { email: "zoe@example.com" },
    exchangeToken: {
      grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
      subject_token: "a.b.c",
      subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
    },
  };

  it("name what is wrong as well, and never answer 500", async () => {
    const routes = ROUTES.filter((route) => route.roles === "public" && route.body !== undefined);
    const taking = routes.filter((route) => OPEN[route.operationId] !== undefined);
    expect(taking).toHaveLength(Object.keys(OPEN).length);
    for (const route of taking) {
      const good = OPEN[route.operationId] ?? {};
      const send = (options: CallOptions) => call(route.method, filled(route.path, {}), { key: null, ...options });
      for (const raw of ["{", "nul", '"\\ud800'])
        expectProblem(await send({ raw }), 400, `${route.operationId} ${raw}`);
      for (const body of [[], 7, null, {}]) {
        expectProblem(await send({ body }), 422, `${route.operationId} ${JSON.stringify(body)}`);
      }
      const big = JSON.stringify({ name: "x".repeat(1_100_000) });
      expectProblem(await send({ raw: big }), 413, `${route.operationId} big`);
      for (const name of Object.keys(good)) {
        const answer = await send({ body: { ...good, [name]: { unexpected: [] } } });
        expectProblem(answer, 422, `${route.operationId} ${name}`);
        expect(fieldsOf(answer).join()).toContain(name);
      }
      expect(fieldsOf(await send({ body: { ...good, other: 1 } }))).toEqual(["other"]);
      expect((await send({ body: good })).status).toBeLessThan(500);
    }
  });
});

describe("queries", () => {
  it("names unknown, repeated and malformed parameters", async () => {
    for (const route of REACHABLE.filter((each) => each.method === "GET")) {
      const path = filled(route.path, ids);
      const unknown = await call("GET", `${path}?no_such=1`);
      expectProblem(unknown, 422, route.operationId);
      expect(fieldsOf(unknown)).toEqual(["no_such"]);
      if (route.query?.shape["cursor"] === undefined) continue;
      for (const query of ["limit=0", "limit=x", "limit=100000", "cursor=%00", "cursor=AAAA", "limit=1&limit=2"]) {
        const answer = await call("GET", `${path}?${query}`);
        expectProblem(answer, 422, `${route.operationId} ${query}`);
        expect(fieldsOf(answer)).toEqual([query.split("=")[0]]);
      }
    }
  });
});

describe("good input", () => {
  it("answers as its schema says, and shows no secret", async () => {
    const order = ["POST", "GET", "PATCH", "DELETE"];
    const sorted = REACHABLE.toSorted((a, b) => order.indexOf(a.method) - order.indexOf(b.method));
    for (const route of sorted) {
      // Reading leaves everything as it is; whatever changes something gets things of its own.
      const own = route.method === "GET" ? ids : await oneOfEach(route.path);
      const good = GOOD_BODIES[route.operationId];
      if (good === undefined && route.body !== undefined) continue;
      if (route.query !== undefined && !route.query.safeParse({}).success) continue;
      const body = good === undefined ? {} : { body: withIds(good, own) };
      const answer = await call(route.method, filled(route.path, own), body);
      const expected = Object.keys(route.responses).map(Number);
      if (SKIPPED.has(route.operationId) && !expected.includes(answer.status)) continue;
      expect(expected, `${route.operationId}: ${answer.text}`).toContain(answer.status);
      const schema = route.responses[answer.status];
      if (schema === null) expect(answer.text).toBe("");
      if (schema === undefined || schema === null || isMediaTypes(schema)) continue;
      const parsed = schema.safeParse(answer.json);
      expect(parsed.error?.issues, `${route.operationId}: ${answer.text}`).toBeUndefined();
      expect(answer.text).not.toContain(FAKE_SECRET);
    }
  });
});

/** Operations that good input alone does not carry: they need a state that other tests set up. */
const SKIPPED = new Set(["promoteUpstreamCredential", "removeTrustedAddress", "downloadAuditExport"]);

function withIds(body: unknown, own: Readonly<Record<string, string>>): unknown {
  return JSON.parse(JSON.stringify(body).replaceAll(/\{([a-z_]+)\}/g, (_match, name: string) => own[name] ?? ""));
}
