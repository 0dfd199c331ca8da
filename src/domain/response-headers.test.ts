import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { callerResponseHeaders, type CallerHeaderOptions } from "./response-headers.ts";

function passed(upstream: Record<string, string>, options: CallerHeaderOptions = {}): Record<string, string> {
  return Object.fromEntries(callerResponseHeaders(new Headers(upstream), options));
}

const DENIED = [
  "Connection",
  "Keep-Alive",
  "Transfer-Encoding",
  "Trailer",
  "Upgrade",
  "Proxy-Authenticate",
  "Set-Cookie",
  "Set-Cookie2",
  "X-RelayKey-Source",
  "X-RelayKey-Request-Id",
  "PAYMENT-REQUIRED",
  "Payment-Response",
  "X-PAYMENT-RESPONSE",
  "Settlement-Overrides",
  "Alt-Svc",
  "Strict-Transport-Security",
  "Clear-Site-Data",
  "Service-Worker-Allowed",
  "NEL",
  "Report-To",
  "Reporting-Endpoints",
  "Public-Key-Pins",
  "Refresh",
  "CF-Ray",
  "Sec-WebSocket-Accept",
];

const PASSED = {
  "access-control-allow-origin": "*",
  "cache-control": "no-store",
  "content-disposition": "attachment",
  "content-encoding": "br",
  "content-length": "12",
  "content-type": "application/json",
  etag: '"1"',
  link: "<https://a.test/2>; rel=next",
  location: "https://a.test/",
  ratelimit: "limit=1",
  "retry-after": "1",
  "www-authenticate": "Bearer",
  "x-ratelimit-remaining": "1",
  "x-request-id": "1",
};

describe("callerResponseHeaders", () => {
  it.each(DENIED)("drops %s in every spelling", (name) => {
    for (const separator of ["-", "_", "."]) {
      expect(passed({ [name.replaceAll("-", separator)]: "v", accept: "x" })).toEqual({ accept: "x" });
    }
  });

  it("drops every Set-Cookie of several", () => {
    const upstream = new Headers({ accept: "x" });
    upstream.append("set-cookie", "a=1");
    upstream.append("set-cookie", "b=2");
    expect([...callerResponseHeaders(upstream, {})]).toEqual([["accept", "x"]]);
  });

  it("lets the vendor's own headers through unchanged", () => {
    expect(passed(PASSED)).toEqual(PASSED);
  });

  it("drops what Connection names", () => {
    expect(passed({ connection: "x-hop", "x-hop": "1", x_hop: "1", etag: "1" })).toEqual({ etag: "1" });
  });

  it("drops headers about the exact bytes when the body is rewritten", () => {
    const upstream = { "content-length": "1", etag: "1", "repr-digest": "d", "content-type": "t" };
    expect(passed(upstream, { bodyRewritten: true })).toEqual({ "content-type": "t" });
  });

  it("keeps the answer to a WebSocket handshake", () => {
    const upstream = { upgrade: "websocket", connection: "Upgrade", "sec-websocket-protocol": "realtime" };
    expect(passed(upstream, { upgrade: true })).toEqual({ upgrade: "websocket", "sec-websocket-protocol": "realtime" });
  });

  it("never lets a denied name through, whatever stands beside it", () => {
    const names = fc.constantFrom(...DENIED, ...Object.keys(PASSED));
    fc.assert(
      fc.property(fc.dictionary(names, fc.constantFrom("a", "b, c")), (upstream) => {
        for (const name of Object.keys(passed(upstream))) expect(name in PASSED).toBe(true);
      }),
    );
  });
});
