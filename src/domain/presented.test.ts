import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { carriesToken, findPresented, isTokenSubprotocol, MAX_PRESENTED, queryWithoutTokens } from "./presented.ts";

const TOKEN = `rk_proxy_${"a1B2".repeat(16)}xyz`;
const OTHER = `vk_${"Z9y8".repeat(16)}abc`;

function basic(text: string): string {
  return `Basic ${Buffer.from(text).toString("base64")}`;
}

function header(name: string, value: string): string[] {
  return findPresented([[name, value]], "").map((presented) => presented.token);
}

describe("findPresented", () => {
  it.each([
    ["X-RelayKey", TOKEN],
    ["X-RelayKey", `Bearer ${TOKEN}`],
    ["authorization", `Bearer ${TOKEN}`],
    ["authorization", `bEARER   ${TOKEN}`],
    ["authorization", `token ${TOKEN}`],
    ["authorization", TOKEN],
    ["authorization", basic(`${TOKEN}:`)],
    ["authorization", basic(`${TOKEN}`)],
    ["authorization", basic(`AC123:${TOKEN}`)],
    ["authorization", basic(`user:${TOKEN}`).replaceAll("=", "")],
    ["authorization", `Basic ${TOKEN}`],
    ["authorization", `basic ${TOKEN}:x`],
    ["authorization", `Klaviyo-API-Key ${TOKEN}`],
    ["authorization", `Token token="${TOKEN}"`],
    ["x-api-key", TOKEN],
    ["xi-api-key", ` ${TOKEN} `],
    ["x-shopify-access-token", TOKEN],
    ["x-anything-else", `Bearer ${TOKEN}`],
    ["sec-websocket-protocol", `realtime, openai-insecure-api-key.${TOKEN}, openai-beta.realtime-v1`],
    ["sec-websocket-protocol", `chat,${TOKEN}`],
  ])("finds the token in %s: %s", (name, value) => {
    expect(header(name, value)).toEqual([TOKEN]);
  });

  it("says where", () => {
    const found = findPresented(
      [
        ["X-Api-Key", TOKEN],
        ["Sec-WebSocket-Protocol", `openai-insecure-api-key.${TOKEN}`],
      ],
      `?limit=1&%61k=${TOKEN}&ak=x`,
    );
    expect(found).toEqual([
      { token: TOKEN, place: { kind: "header", name: "x-api-key" } },
      { token: TOKEN, place: { kind: "subprotocol" } },
      { token: TOKEN, place: { kind: "query", name: "ak" } },
    ]);
  });

  it("splits joined duplicates, so that two tokens are seen as two", () => {
    expect(header("authorization", `Bearer ${TOKEN}, Bearer ${OTHER}`)).toEqual([TOKEN, OTHER]);
    expect(header("authorization", `${basic(`${TOKEN}:`)}, ${basic(`x:${OTHER}`)}`)).toEqual([TOKEN, OTHER]);
    expect(header("authorization", basic(`${TOKEN}:${OTHER}`))).toEqual([TOKEN, OTHER]);
  });

  it("finds tokens in query values however they are encoded", () => {
    const escaped = [...TOKEN].map((char) => `%${char.charCodeAt(0).toString(16)}`).join("");
    for (const query of [`k=${TOKEN}`, `k=${escaped}`, `a=%zz&k=%20${TOKEN}`, `k=%ff&k=${escaped}`, `x&k=${TOKEN}&y`]) {
      expect(findPresented([], query).map((presented) => presented.token)).toEqual([TOKEN]);
    }
  });

  it("reports other text only in X-RelayKey and, when there is no token, in Authorization", () => {
    expect(header("authorization", "Bearer nonsense")).toEqual(["nonsense"]);
    expect(header("authorization", basic("user:password"))).toEqual([basic("user:password").slice(6)]);
    expect(header("x-relaykey", "nonsense")).toEqual(["nonsense"]);
    expect(header("x-api-key", "nonsense")).toEqual([]);
    expect(header("authorization", "")).toEqual([]);
    const both: [string, string][] = [
      ["authorization", "Bearer placeholder"],
      ["x-api-key", TOKEN],
    ];
    expect(findPresented(both, "").map((presented) => presented.token)).toEqual([TOKEN]);
  });

  it("takes nothing from cookies, from Referer and from look-alikes", () => {
    expect(header("cookie", `session=${TOKEN}`)).toEqual([]);
    expect(header("referer", `https://a.test/?k=${TOKEN}`)).toEqual([]);
    expect(header("idempotency-key", "vk_group_1")).toEqual([]);
    expect(findPresented([], "q=vk_group_1&rk_proxy_=1")).toEqual([]);
  });

  it("is bounded", () => {
    const many = Array.from({ length: 500 }, () => TOKEN).join(",");
    expect(header("x-api-key", many)).toHaveLength(MAX_PRESENTED);
    expect(findPresented([], many.replaceAll(",", "&k="))).toHaveLength(MAX_PRESENTED);
  });

  it("never throws, and takes linear time", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), fc.string(), (a, b, query) => {
        findPresented(
          [
            ["authorization", a],
            ["x-relaykey", b],
            ["sec-websocket-protocol", a],
          ],
          query,
        );
        queryWithoutTokens(query);
      }),
    );
    const started = performance.now();
    for (const text of [
      "basic ".repeat(20_000),
      "a ".repeat(60_000),
      `rk_${" ".repeat(120_000)}`,
      "Bearer ".repeat(9_000),
    ]) {
      header("authorization", text);
      header("x-relaykey", text);
    }
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});

describe("what is kept from the vendor", () => {
  it("recognises a token anywhere in a value", () => {
    for (const value of [`x${TOKEN}`, `https://a.test/${OTHER}`, basic(`a:${TOKEN}`), `{"k":"${TOKEN}"}`]) {
      expect(carriesToken(value)).toBe(true);
    }
    for (const value of ["", "application/json", basic("a:b"), "vk_1", "task_1"])
      expect(carriesToken(value)).toBe(false);
  });

  it("knows subprotocols that carry a credential", () => {
    expect(isTokenSubprotocol("openai-insecure-api-key.anything")).toBe(true);
    expect(isTokenSubprotocol(`bearer.${TOKEN}`)).toBe(true);
    expect(isTokenSubprotocol("realtime")).toBe(false);
  });

  it("removes exactly the parameters that hold a token", () => {
    const pair = fc
      .tuple(fc.constantFrom("a", "b%5B%5D", "k", "%zz", ""), fc.constantFrom("", "=", "=1", "=%20x+y", `=${TOKEN}`))
      .map(([name, value]) => name + value);
    fc.assert(
      fc.property(fc.array(pair, { maxLength: 8 }), (pairs) => {
        const kept = pairs.filter((text) => !text.includes(TOKEN)).join("&");
        expect(queryWithoutTokens(pairs.join("&"))).toBe(kept);
        expect(findPresented([], queryWithoutTokens(pairs.join("&")))).toEqual([]);
      }),
    );
  });
});
