/** The OpenAPI document and the reference page: whole, in step with the table, and nothing from another host. */
import { describe, expect, it, vi } from "vitest";
import { call } from "./admin.fixture.ts";
import { ROUTES } from "./route-table.ts";

vi.setConfig({ testTimeout: 60_000 });

type Json = Record<string, unknown>;

async function document(): Promise<Json> {
  const answer = await call("GET", "/openapi.json", { key: null });
  expect(answer.status).toBe(200);
  return answer.json;
}

/** All values of a member anywhere in a document. */
function everyMember(value: unknown, name: string): unknown[] {
  if (Array.isArray(value)) return value.flatMap((item) => everyMember(item, name));
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) => [
    ...(key === name ? [member] : []),
    ...everyMember(member, name),
  ]);
}

function resolve(root: Json, pointer: string): unknown {
  let at: unknown = root;
  for (const part of pointer.slice(2).split("/")) {
    const name = part.replaceAll("~1", "/").replaceAll("~0", "~");
    at = typeof at === "object" && at !== null ? Object.entries(at).find(([key]) => key === name)?.[1] : undefined;
  }
  return at;
}

describe("/openapi.json", () => {
  it("describes every guarded operation at each of its paths", async () => {
    const root = await document();
    expect(root["openapi"]).toBe("3.1.0");
    const paths = root["paths"] as Record<string, Json>;
    for (const route of ROUTES.filter((each) => each.roles !== "public")) {
      for (const path of [route.path, ...(route.aliases ?? [])]) {
        const template = path.replaceAll(/:([a-z_]+)/g, "{$1}");
        const operation = paths[template]?.[route.method.toLowerCase()] as Json | undefined;
        expect(operation, `${route.method} ${template}`).toBeDefined();
        const parameters = (operation?.["parameters"] ?? []) as { in: string; name: string }[];
        const named = parameters.filter((each) => each.in === "path").map((each) => each.name);
        expect(named, template).toEqual([...template.matchAll(/\{([a-z_]+)\}/g)].map((match) => match[1]));
        expect(operation?.["requestBody"] === undefined, template).toBe(route.body === undefined);
      }
    }
    const ids = everyMember(root["paths"], "operationId");
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("resolves each of its references", async () => {
    const root = await document();
    const references = everyMember(root, "$ref");
    expect(references.length).toBeGreaterThan(100);
    for (const reference of references) {
      expect(resolve(root, String(reference)), String(reference)).toBeDefined();
    }
    expect(everyMember(root, "$defs")).toEqual([]);
  });

  it("marks secrets as write-only, and shows none in answers", async () => {
    const root = await document();
    const schemas = resolve(root, "#/components/schemas") as Record<string, Json>;
    const secret = resolve(root, "#/components/schemas/ConnectionCreate/properties/secret") as Json;
    expect(secret["writeOnly"]).toBe(true);
    for (const name of ["Connection", "UpstreamCredential", "Credential", "ManagementKey"]) {
      const members = Object.keys(schemas[name]?.["properties"] as Json);
      for (const hidden of ["secret", "token", "key", "token_hash", "sealed"])
        expect(members, name).not.toContain(hidden);
    }
  });
});

describe("/docs", () => {
  it("names every operation of the API, and loads nothing from anywhere", async () => {
    const page = await call("GET", "/docs", { key: null });
    expect(page.status).toBe(200);
    expect(page.headers.get("content-type")).toContain("text/html");
    expect(page.headers.get("content-security-policy")).toContain("default-src 'none'");
    for (const route of ROUTES) expect(page.text).toContain(`id="${route.operationId}"`);
    expect(page.text).not.toMatch(/<(?:script|img|iframe|link)\b/i);
    expect(page.text).not.toMatch(/(?:src|href)="https?:/i);
  });
});

describe("/health", () => {
  it("answers without a key", async () => {
    const answer = await call("GET", "/health", { key: null });
    expect(answer.json).toMatchObject({ status: "ok" });
    expect((await call("HEAD", "/health", { key: null })).status).toBe(200);
  });
});
