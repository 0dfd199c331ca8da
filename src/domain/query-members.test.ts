import { describe, expect, it } from "vitest";
import { judgeScope } from "./scope-judge.ts";
import { EMPTY_SCOPE } from "./scope.ts";
import type { BodyRule, Scope } from "./scope.ts";

const rule = (effect: BodyRule["effect"], member: string, ...values: BodyRule["values"]): BodyRule => ({
  member,
  effect,
  values,
});

/** The code of the refusal, of a call on a path that the scope allows. */
function judge(scope: Partial<Scope>, query: string, method = "POST"): string | null {
  const whole = { ...EMPTY_SCOPE, rules: [{ methods: ["*"], paths: ["/**"] }], ...scope };
  const judged = judgeScope(whole, { method, path: "/api/chat.postMessage", query }, []);
  return judged.ok ? null : judged.error.code;
}

describe("a parameter that names a ruled member", () => {
  it.each([
    ["channel=C_OTHER", "body_denied"],
    ["Channel=C_OTHER", "body_denied"],
    ["chan%6eel=C_OTHER", "body_denied"],
    ["chan%256eel=C_OTHER", "body_denied"],
    ["channel[]=C_OTHER", "body_denied"],
    ["channel=C_ALLOWED&channel=C_OTHER", "body_denied"],
    ["a=1;channel=C_OTHER", "body_denied"],
    ["channel=%FF", "body_denied"],
    ["channel", "body_denied"],
    ["channel=C_ALLOWED", null],
    ["text=hi&channels=x", null],
    ["", null],
  ])("must have one of its values: %s", (query, code) => {
    expect(judge({ body: [rule("one_of", "channel", "C_ALLOWED")] }, query)).toBe(code);
    expect(judge({ body: [rule("one_of", "channel", "C_ALLOWED")] }, query, "GET")).toBe(code);
  });

  it.each([
    ["metadata[plan]=gold", "body_denied"],
    ["metadata.plan=gold", "body_denied"],
    ["metadata[plan][x]=gold", "body_denied"],
    ["metadata={}", "body_denied"],
    ["plan=gold", null],
    ["metadata[other]=gold", null],
  ])("may not be there when the member may not: %s", (query, code) => {
    expect(judge({ body: [rule("deny", "metadata.plan")] }, query)).toBe(code);
  });

  it.each(["items[0][price]=p3", "items[][price]=p3", "items.0.price=p3", "items[0].Price=p3", "items=p1"])(
    "is found in a list: %s",
    (query) => {
      const scope = { body: [rule("one_of", "items[].price", "p1")] };
      expect(judge(scope, query)).toBe("body_denied");
      expect(judge(scope, "items[0][price]=p1&items[1][price]=p1")).toBeNull();
      expect(judge({ body: [rule("allow", "items[].price")] }, query)).toBe(
        query === "items=p1" ? "query_denied" : null,
      );
    },
  );

  it.each([
    "dry.run=false",
    "dry%20run=false",
    "dry+run=false",
    "dry[run=false",
    "dryRun=false",
    "dry_run%3Dtrue=true",
  ])("is found where a server makes its name of another: %s", (query) => {
    expect(judge({ body: [rule("one_of", "dry_run", true)] }, query)).toBe("body_denied");
  });

  it("may hide no value in its name or behind a semicolon", () => {
    expect(judge({ body: [rule("deny", "role", "admin")] }, "role%3Dadmin")).toBe("body_denied");
    expect(judge({ body: [rule("deny", "role", "admin")] }, "x;role=admin")).toBe("body_denied");
    expect(judge({ body: [rule("one_of", "role", "user")] }, "role=user;admin")).toBe("body_denied");
  });

  it("may not have a denied value, or an allowed member another than its values", () => {
    expect(judge({ body: [rule("deny", "role", "admin")] }, "role=+Admin")).toBe("body_denied");
    expect(judge({ body: [rule("deny", "role", "admin")] }, "role=user")).toBeNull();
    expect(judge({ body: [rule("deny", "live", true)] }, "live=1")).toBe("body_denied");
    expect(judge({ body: [rule("deny", "limit", 10)] }, "limit=%2B10")).toBe("body_denied");
    expect(judge({ body: [rule("allow", "size", 1, 2)] }, "size=2")).toBeNull();
    expect(judge({ body: [rule("allow", "size", 1, 2)] }, "size=3")).toBe("body_denied");
  });

  it("must be an allowed model", () => {
    expect(judge({ models: ["small-*"] }, "model=large")).toBe("body_denied");
    expect(judge({ models: ["small-*"] }, "model=small-1")).toBeNull();
    expect(judge({ models: ["small-*"] }, "model[]=small-1&Model[0]=large")).toBe("body_denied");
  });
});

describe("a JSON-RPC call in the query", () => {
  const rules = { jsonRpc: { methods: ["eth_get*", "tools/call"], tools: ["search"] } };

  it.each([
    ["method=eth_getBalance&id=1", null],
    ["method=eth_sendTransaction", "body_denied"],
    ["METHOD=eth_sendTransaction", "body_denied"],
    ["method[]=eth_sendTransaction", "body_denied"],
    ["m%65thod=eth_sendTransaction", "body_denied"],
    ["method=eth_getBalance&method=eth_sendTransaction", "body_denied"],
    ["method=tools/call", "body_denied"],
    ["method=Tools%2FCall", "body_denied"],
    ["params[name]=delete", "body_denied"],
    ["params=%7B%22name%22%3A%22delete%22%7D", "body_denied"],
    ["page=2&methods=x", null],
  ])("%s: %s", (query, code) => {
    expect(judge(rules, query, "GET")).toBe(code);
    expect(judge(rules, query)).toBe(code);
  });

  it("is judged by what the rule names", () => {
    expect(judge({ jsonRpc: { methods: null, tools: null } }, "method=any&params[name]=any", "GET")).toBeNull();
    expect(judge({ jsonRpc: { methods: ["ping"], tools: null } }, "method=ping&params[name]=any", "GET")).toBeNull();
    expect(judge({ jsonRpc: { methods: null, tools: ["search"] } }, "method=tools/call", "GET")).toBe("body_denied");
  });
});

describe("beside a list of allowed members", () => {
  const listed = { body: [rule("allow", "amount"), rule("allow", "metadata")] };

  it.each([
    ["destination=acct_1", "query_denied"],
    ["%64estination=acct_1", "query_denied"],
    ["amount%2Fx=1", "query_denied"],
    ["amount=1&metadata[plan]=x", null],
  ])("a write may carry no other parameter: %s", (query, code) => {
    expect(judge(listed, query)).toBe(code);
    expect(judge(listed, query, "DELETE")).toBe(code);
  });

  it("reading may, and so may what the scope allows by name", () => {
    expect(judge(listed, "limit=3&expand[]=x", "GET")).toBeNull();
    expect(judge({ ...listed, allowQueryParams: ["api-version", "amount"] }, "api-version=2026-01-01")).toBeNull();
    expect(judge({ ...listed, allowQueryParams: ["expand"] }, "expand[]=x&expand[0]=y")).toBeNull();
  });

  it("names what would allow it", () => {
    const scope = { ...EMPTY_SCOPE, rules: [{ methods: ["POST"], paths: ["/x"] }], ...listed };
    const judged = judgeScope(scope, { method: "POST", path: "/x", query: "b=secret-value" }, []);
    if (judged.ok) throw new Error("It passed");
    expect(judged.error.detail).toContain("allow_query_params");
    expect(JSON.stringify(judged.error)).not.toContain("secret-value");
  });
});
