import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { MAX_URL_BYTES, proxyBaseOf, resolveRoute } from "./route.ts";

// Property tests must not fail because the machine is busy.
vi.setConfig({ testTimeout: 60_000 });

const LOCAL = { proxyDomain: "localhost" };

function proxy(over: object) {
  return { kind: "proxy", originName: null, rawQuery: "", ...over };
}

describe("resolveRoute by path", () => {
  it.each([
    ["/conn_hubspot/contacts", { connectionId: "conn_hubspot", rawPath: "/contacts", prefix: "/conn_hubspot" }],
    ["/conn_hubspot", { connectionId: "conn_hubspot", rawPath: "", prefix: "/conn_hubspot" }],
    ["/conn_hubspot/", { connectionId: "conn_hubspot", rawPath: "/", prefix: "/conn_hubspot" }],
    ["/conn_a-b_9?x=1", { connectionId: "conn_a-b_9", rawPath: "", rawQuery: "x=1", prefix: "/conn_a-b_9" }],
    ["/conn_x/a?b=1?c", { connectionId: "conn_x", rawPath: "/a", rawQuery: "b=1?c", prefix: "/conn_x" }],
    ["/conn_x/a?", { connectionId: "conn_x", rawPath: "/a", prefix: "/conn_x" }],
    ["/proxy/hubspot/a/b", { connectionId: "conn_hubspot", rawPath: "/a/b", prefix: "/proxy/hubspot" }],
    ["/proxy/conn_hubspot/a", { connectionId: "conn_hubspot", rawPath: "/a", prefix: "/proxy/conn_hubspot" }],
    ["/proxy/hubspot", { connectionId: "conn_hubspot", rawPath: "", prefix: "/proxy/hubspot" }],
    // Kept verbatim for `canonicalPath` to refuse.
    ["/conn_x/../conn_y/a", { connectionId: "conn_x", rawPath: "/../conn_y/a", prefix: "/conn_x" }],
    ["/conn_x//a", { connectionId: "conn_x", rawPath: "//a", prefix: "/conn_x" }],
    ["/conn_x/a#b?c", { connectionId: "conn_x", rawPath: "/a#b", rawQuery: "c", prefix: "/conn_x" }],
    ["/conn_x/%2e%2e/a\\b", { connectionId: "conn_x", rawPath: "/%2e%2e/a\\b", prefix: "/conn_x" }],
    [
      "/conn_x/conn_y/.relaykey/whoami",
      { connectionId: "conn_x", rawPath: "/conn_y/.relaykey/whoami", prefix: "/conn_x" },
    ],
  ])("%s", (path, expected) => {
    expect(resolveRoute(`http://127.0.0.1:8787${path}`, LOCAL)).toEqual(proxy(expected));
  });

  it.each([
    ["/health", "health"],
    ["/health?x=1", "health"],
    ["/.relaykey/whoami", "whoami"],
    ["/.relaykey/prompt?format=md", "prompt"],
    ["/.relaykey", "not_found"],
    ["/.relaykey/", "not_found"],
    ["/.relaykey/whoami/", "not_found"],
    ["/.relaykey/../conn_x/a", "not_found"],
    ["/", "not_found"],
    ["", "not_found"],
    ["?conn_x/a", "not_found"],
    ["/healthy", "not_found"],
    ["/proxy", "not_found"],
    ["/proxy/", "not_found"],
    ["/proxy//a", "not_found"],
    ["/proxy/Hubspot/a", "not_found"],
    ["/proxy/%68ubspot/a", "not_found"],
    ["/proxy/../conn_x/a", "not_found"],
    ["//conn_x/a", "not_found"],
    ["/./conn_x/a", "not_found"],
    ["/a/../conn_x/b", "not_found"],
    ["/Conn_x/a", "not_found"],
    ["/conn_X/a", "not_found"],
    ["/conn_/a", "not_found"],
    ["/conn_-x/a", "not_found"],
    ["/conn_x;y/a", "not_found"],
    ["/conn_x%2fa", "not_found"],
    ["/%63onn_x/a", "not_found"],
    ["/conn_x\\a", "not_found"],
    ["/conn_x#a", "not_found"],
    [`/conn_${"x".repeat(49)}/a`, "not_found"],
  ])("%j is %s", (path, kind) => {
    expect(resolveRoute(`http://proxy.test${path}`, LOCAL)).toEqual({ kind });
  });

  it("gives every byte after the connection back, whatever it is", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (path, query) => {
        fc.pre(!path.includes("?"));
        const route = resolveRoute(`http://proxy.test/conn_x/${path}?${query}`, LOCAL);
        expect(route).toEqual(
          proxy({ connectionId: "conn_x", rawPath: `/${path}`, rawQuery: query, prefix: "/conn_x" }),
        );
      }),
    );
  });
});

describe("resolveRoute by host", () => {
  it.each([
    ["http://hubspot.localhost:8787/a?b", { connectionId: "conn_hubspot", rawPath: "/a", rawQuery: "b" }],
    ["http://HubSpot.LOCALHOST/a", { connectionId: "conn_hubspot", rawPath: "/a" }],
    ["http://conn_hubspot.localhost/a", { connectionId: "conn_hubspot", rawPath: "/a" }],
    ["http://hubspot.localhost", { connectionId: "conn_hubspot", rawPath: "" }],
    ["http://hubspot.localhost/health", { connectionId: "conn_hubspot", rawPath: "/health" }],
    ["http://hubspot.localhost/conn_x/a", { connectionId: "conn_hubspot", rawPath: "/conn_x/a" }],
    ["http://files.stripe.localhost/v1/x", { connectionId: "conn_stripe", originName: "files", rawPath: "/v1/x" }],
  ])("%s", (url, expected) => {
    expect(resolveRoute(url, LOCAL)).toEqual(proxy({ prefix: "", ...expected }));
  });

  it("keeps its own routes on every host", () => {
    expect(resolveRoute("http://hubspot.localhost/.relaykey/whoami", LOCAL)).toEqual({ kind: "whoami" });
    expect(resolveRoute("http://hubspot.localhost/.relaykey/x", LOCAL)).toEqual({ kind: "not_found" });
  });

  it.each(["http://a.b.c.localhost/x", "http://.localhost/x", "http://-a.localhost/x", "http://.a.localhost/x"])(
    "%s reaches nothing",
    (url) => {
      expect(["not_found", "invalid"]).toContain(resolveRoute(url, LOCAL).kind);
    },
  );

  it("routes by path when the host is the proxy domain itself, another one, or host routing is off", () => {
    const expected = proxy({ connectionId: "conn_x", rawPath: "/a", prefix: "/conn_x" });
    expect(resolveRoute("http://localhost:8787/conn_x/a", LOCAL)).toEqual(expected);
    expect(resolveRoute("http://evillocalhost/conn_x/a", LOCAL)).toEqual(expected);
    expect(resolveRoute("http://hubspot.localhost.evil.test/conn_x/a", LOCAL)).toEqual(expected);
    expect(resolveRoute("http://hubspot.localhost/conn_x/a", { proxyDomain: null })).toEqual(expected);
    expect(resolveRoute("http://[::1]:8787/conn_x/a", LOCAL)).toEqual(expected);
  });
});

describe("resolveRoute refuses URLs that are none", () => {
  it.each([
    "",
    "/conn_x/a",
    "ftp://h/conn_x/a",
    "http:///conn_x/a",
    "http://user@h/conn_x/a",
    "http://hubspot.localhost@evil.test/a",
    "http://a b/conn_x/a",
    "http://a%2eb/conn_x/a",
    "http://h:port/conn_x/a",
    "http://h:123456/conn_x/a",
    "http://[::1/conn_x/a",
    "http://h\\evil/conn_x/a",
    "http://hé/conn_x/a",
    "http://h\u0000/conn_x/a",
    `http://h/conn_x/${"a".repeat(MAX_URL_BYTES)}`,
  ])("%j", (url) => {
    expect(resolveRoute(url, LOCAL).kind).toBe("invalid");
  });

  it("reads an injected Host as what the URL now says and nothing more", () => {
    expect(resolveRoute("http://a.test/evil?x/x", LOCAL)).toEqual({ kind: "not_found" });
    expect(resolveRoute("http://a.test/conn_x/y?x/conn_z/secret", LOCAL)).toEqual(
      proxy({ connectionId: "conn_x", rawPath: "/y", rawQuery: "x/conn_z/secret", prefix: "/conn_x" }),
    );
  });
});

describe("further origins", () => {
  it.each([
    ["http://localhost/conn_github.uploads/repos", "uploads", "/repos", "/conn_github.uploads"],
    ["http://localhost/proxy/github.uploads/repos", "uploads", "/repos", "/proxy/github.uploads"],
  ])("%s", (url, originName, rawPath, prefix) => {
    const route = resolveRoute(url, { proxyDomain: "localhost" });
    expect(route).toMatchObject({ kind: "proxy", connectionId: "conn_github", originName, rawPath, prefix });
  });

  it.each([
    "http://localhost/conn_github./x",
    "http://localhost/conn_github.UP/x",
    "http://localhost/conn_github.a.b/x",
  ])("%s is no route", (url) => expect(resolveRoute(url, { proxyDomain: "localhost" }).kind).toBe("not_found"));

  it.each([
    ["http://localhost/conn_github/x", null, "http://localhost/conn_github"],
    ["http://localhost/conn_github/x", "uploads", "http://localhost/conn_github.uploads"],
    ["http://localhost/conn_github.uploads/x", null, "http://localhost/conn_github"],
    ["http://github.localhost/x", "uploads", "http://uploads.github.localhost"],
    ["http://uploads.github.localhost/x", null, "http://github.localhost"],
    ["http://uploads.github.localhost/x", "uploads", "http://uploads.github.localhost"],
  ])("from %s origin %s is at %s", (url, name, base) => {
    const route = resolveRoute(url, { proxyDomain: "localhost" });
    if (route.kind !== "proxy") throw new Error("not a proxy route");
    expect(proxyBaseOf(route, new URL(url).origin, name)).toBe(base);
  });
});
