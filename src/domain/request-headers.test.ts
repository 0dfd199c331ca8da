import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findPresented } from "./presented.ts";
import {
  isFixableHeader,
  MAX_HEADER_BYTES_TOTAL,
  MAX_HEADERS,
  type VendorHeaderOptions,
  vendorRequestHeaders,
} from "./request-headers.ts";

const TOKEN = `rk_proxy_${"a1B2".repeat(16)}xyz`;

const PLAIN: VendorHeaderOptions = {
  presented: [],
  accountHeaders: ["stripe-account", "openai-organization"],
  allowHeaders: [],
  fixed: {},
  authHeaderNames: ["x-api-key"],
  upgrade: false,
};

function sent(incoming: Record<string, string>, options: Partial<VendorHeaderOptions> = {}): Record<string, string> {
  const result = vendorRequestHeaders(new Headers(incoming), { ...PLAIN, ...options });
  if (!result.ok) throw new Error(result.error.code);
  return Object.fromEntries(result.value);
}

const DENIED = [
  "Connection",
  "Keep-Alive",
  "TE",
  "Trailer",
  "Transfer-Encoding",
  "Upgrade",
  "HTTP2-Settings",
  "Proxy",
  "Proxy-Authorization",
  "Proxy-Connection",
  "Expect",
  "Host",
  "Content-Length",
  "Authorization",
  "Cookie",
  "Cookie2",
  "Referer",
  "X-RelayKey",
  "X-RelayKey-Customer",
  "CF-Connecting-IP",
  "CF-Worker",
  "CF-Ray",
  "CDN-Loop",
  "X-Forwarded-For",
  "X-Forwarded-Host",
  "X-Forwarded-Proto",
  "X-Forwarded",
  "Forwarded",
  "Forwarded-For",
  "Via",
  "X-Real-IP",
  "True-Client-IP",
  "X-Client-IP",
  "Client-IP",
  "X-Cluster-Client-IP",
  "Fastly-Client-IP",
  "WL-Proxy-Client-IP",
  "X-Azure-ClientIP",
  "X-Remote-IP",
  "X-Remote-Addr",
  "X-Originating-IP",
  "X-AppEngine-User-IP",
  "X-HTTP-Method-Override",
  "X-HTTP-Method",
  "X-Method-Override",
  "X-Vendor-Method-Override",
  "X-Original-URL",
  "X-Rewrite-URL",
  "X-Original-Host",
  "X-Host",
  "X-Envoy-Original-Path",
  "Destination",
  "Payment-Signature",
  "PAYMENT-REQUIRED",
  "X-PAYMENT",
  "X-PAYMENT-RESPONSE",
  "Settlement-Overrides",
  "Access-Control-Expose-Headers",
  "Stripe-Account",
  "OpenAI-Organization",
  "X-Amz-Copy-Source",
  "x_ms_rename_source",
  "X-Copy-From",
  "As-User",
  "Sudo",
  "Dropbox-API-Select-User",
  "X-Api-Key",
  "Sec-Fetch-Site",
  "Sec-WebSocket-Protocol",
  "Sec-WebSocket-Key",
];

const PASSED = {
  accept: "application/json",
  "accept-encoding": "gzip, br",
  "content-type": "application/json",
  "content-encoding": "gzip",
  "idempotency-key": "i-1",
  "if-none-match": '"a"',
  origin: "https://app.test",
  range: "bytes=0-1",
  "stripe-version": "2026-01-01",
  traceparent: "00-0",
  "user-agent": "sdk/1",
  "x-request-id": "r",
  "x-stainless-os": "Linux",
};

describe("vendorRequestHeaders", () => {
  it.each(DENIED)("drops %s in every spelling", (name) => {
    const separators = [...name].filter((char) => char === "-").length;
    for (let mask = 0; mask < 5 ** Math.min(separators, 4); mask++) {
      let rest = mask;
      const spelling = name.replaceAll("-", () => {
        const chosen = "-_.~!".charAt(rest % 5);
        rest = Math.floor(rest / 5);
        return chosen;
      });
      expect(sent({ [spelling]: "v", [spelling.toUpperCase()]: "v" })).toEqual({});
    }
  });

  it("lets everything else through unchanged", () => {
    expect(sent(PASSED)).toEqual(PASSED);
  });

  it("drops what Connection names, look-alikes included, and never the vendor's own rules", () => {
    const incoming = { connection: "close, X-Secret-Hop , x.other", "x-secret-hop": "1", x_other: "2", accept: "*/*" };
    expect(sent(incoming)).toEqual({ accept: "*/*" });
  });

  it("drops whatever carried a token, wherever it was", () => {
    const incoming = new Headers({
      "x-goog-api-key": TOKEN,
      "x-odd": `a=${TOKEN}`,
      "x-basic": `Basic ${Buffer.from(`u:${TOKEN}`).toString("base64")}`,
      accept: "*/*",
    });
    for (const presented of [findPresented(incoming, ""), []]) {
      const result = vendorRequestHeaders(incoming, { ...PLAIN, presented });
      expect(result.ok && Object.fromEntries(result.value)).toEqual({ accept: "*/*" });
    }
    const named = { token: "x", place: { kind: "header", name: "x-custom" } } as const;
    expect(sent({ "x-custom": "x", x_custom: "x" }, { presented: [named] })).toEqual({});
  });

  it("lets a granted account header through in its exact name alone", () => {
    const allowHeaders = ["Stripe-Account", "Authorization", "Cookie", "X-Forwarded-For"];
    const incoming = {
      "stripe-account": "acct_1",
      stripe_account: "acct_2",
      "openai-organization": "o",
      authorization: "Bearer x",
      cookie: "a=b",
      "x-forwarded-for": "203.0.113.1",
    };
    expect(sent(incoming, { allowHeaders })).toEqual({ "stripe-account": "acct_1" });
  });

  it("adds defaults only where the caller sent none, and none about framing", () => {
    const defaults = { "x-api-version": "1", "user-agent": "RelayKey", Host: "evil.test" };
    expect(sent({ "X-Api-Version": "9" }, { defaults })).toEqual({ "x-api-version": "9", "user-agent": "RelayKey" });
    expect(sent({}, { defaults, fixed: { "x-api-version": "2" } })).toEqual({
      "x-api-version": "2",
      "user-agent": "RelayKey",
    });
  });

  it("sets the owner's fixed headers over the caller's", () => {
    const fixed = { "X-Api-Version": "2", "Stripe-Account": "acct_owner", Host: "evil.test", Connection: "x" };
    const incoming = { "x-api-version": "1", x_api_version: "1", "stripe-account": "acct_1" };
    expect(sent(incoming, { fixed, allowHeaders: ["stripe-account"] })).toEqual({
      "x-api-version": "2",
      "stripe-account": "acct_owner",
    });
  });

  it("keeps a WebSocket handshake, less the credential", () => {
    const incoming = {
      connection: "Upgrade, Sec-WebSocket-Key",
      upgrade: "websocket",
      "sec-websocket-key": "k",
      "sec-websocket-version": "13",
      "sec-websocket-extensions": "permessage-deflate",
      "sec-websocket-protocol": `realtime, openai-insecure-api-key.${TOKEN}, openai-beta.realtime-v1`,
      sec_websocket_protocol: `openai-insecure-api-key.${TOKEN}`,
      authorization: "Bearer x",
    };
    expect(sent(incoming, { upgrade: true })).toEqual({
      upgrade: "websocket",
      "sec-websocket-key": "k",
      "sec-websocket-version": "13",
      "sec-websocket-extensions": "permessage-deflate",
      "sec-websocket-protocol": "realtime, openai-beta.realtime-v1",
    });
    const only = { "sec-websocket-protocol": "openai-insecure-api-key.x" };
    expect(sent(only, { upgrade: true })).toEqual({ upgrade: "websocket" });
  });

  it("switches no vendor's account, whatever the connection knows of its vendor", () => {
    const incoming = { "stripe-account": "acct_1", "openai-organization": "org_1", openai_project: "p" };
    expect(sent(incoming, { accountHeaders: [] })).toEqual({});
    expect(sent(incoming, { accountHeaders: [], allowHeaders: ["Stripe-Account"] })).toEqual({
      "stripe-account": "acct_1",
    });
  });

  it("asks for no coding and no charset in which the key could not be found", () => {
    const incoming = {
      accept: "application/json;charset=utf-16",
      "accept-encoding": "gzip, deflate, zstd",
      accept_encoding: "zstd",
      "accept-charset": "utf-16",
      "a-im": "vcdiff",
    };
    expect(sent(incoming)).toEqual({ accept: "application/json", "accept-encoding": "gzip" });
  });

  it("never lets a denied name through, whatever stands beside it", () => {
    const names = fc.constantFrom(...DENIED, ...Object.keys(PASSED));
    fc.assert(
      fc.property(fc.dictionary(names, fc.constantFrom("a", "b, c", TOKEN)), fc.boolean(), (incoming, upgrade) => {
        const result = sent(incoming, { upgrade });
        for (const [name, value] of Object.entries(result)) {
          expect(upgrade && /^(?:upgrade|sec-websocket-)/.test(name) ? true : name in PASSED).toBe(true);
          expect(value).not.toContain(TOKEN);
        }
      }),
    );
  });
});

function refusalCode(headers: Headers): string | null {
  const result = vendorRequestHeaders(headers, PLAIN);
  return result.ok ? null : result.error.code;
}

describe("limits", () => {
  it("refuse too many headers and too many bytes", () => {
    const many = new Headers();
    for (let at = 0; at < MAX_HEADERS; at++) many.set(`x-${at}`, "1");
    expect(vendorRequestHeaders(many, PLAIN).ok).toBe(true);
    many.set("x-one-more", "1");
    expect(refusalCode(many)).toBe("header_too_large");
    expect(vendorRequestHeaders(new Headers({ a: "b".repeat(MAX_HEADER_BYTES_TOTAL - 1) }), PLAIN).ok).toBe(true);
    expect(refusalCode(new Headers({ a: "b".repeat(MAX_HEADER_BYTES_TOTAL) }))).toBe("header_too_large");
  });
});

describe("isFixableHeader", () => {
  it("refuses framing, RelayKey's own and payment headers", () => {
    for (const name of ["Host", "transfer_encoding", "X-RelayKey", "payment-required", "Connection"]) {
      expect(isFixableHeader(name)).toBe(false);
    }
    for (const name of ["anthropic-version", "Authorization", "Stripe-Account"])
      expect(isFixableHeader(name)).toBe(true);
  });
});
