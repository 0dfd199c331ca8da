import { describe, expect, test } from "vitest";
import { rewriteLocation } from "./rewrite.ts";
import { resolveRoute } from "./route.ts";
import { urlMapFor } from "./url-map.ts";

const STRIPE = {
  baseUrl: "https://api.stripe.com",
  origins: [
    { name: "files", baseUrl: "https://files.stripe.com", pathPrefixes: ["/v1/files"] },
    { name: "verify", baseUrl: "https://verify.stripe.com", pathPrefixes: [] },
  ],
};
/** Where `url` points for a caller of `requestUrl`. */
function pointed(url: string, requestUrl: string, proxyOrigin: string | null = "https://proxy.test"): string | null {
  const route = resolveRoute(requestUrl, { proxyDomain: "proxy.test" });
  if (route.kind !== "proxy") throw new Error(`no route: ${requestUrl}`);
  return rewriteLocation(url, urlMapFor({ connection: STRIPE, route, requestUrl, proxyOrigin }));
}
const BY_PATH = "https://proxy.test/conn_stripe/v1/x";
const BY_HOST = "https://stripe.proxy.test/v1/x";

test.each([
  ["https://api.stripe.com/v1/y?a=1", BY_PATH, "https://proxy.test/conn_stripe/v1/y?a=1"],
  ["https://api.stripe.com/v1/y", "https://proxy.test/proxy/stripe/v1/x", "https://proxy.test/proxy/stripe/v1/y"],
  ["https://files.stripe.com/v1/files/f", BY_PATH, "https://proxy.test/conn_stripe.files/v1/files/f"],
  ["https://api.stripe.com/v1/y", "https://proxy.test/conn_stripe.verify/v2", "https://proxy.test/conn_stripe/v1/y"],
  [
    "https://verify.stripe.com/v2/z",
    "https://proxy.test/conn_stripe.verify/v2",
    "https://proxy.test/conn_stripe.verify/v2/z",
  ],
  ["https://api.stripe.com/v1/y", BY_HOST, "https://stripe.proxy.test/v1/y"],
  ["https://verify.stripe.com/v2/z", BY_HOST, "https://verify.stripe.proxy.test/v2/z"],
  ["https://verify.stripe.com/v2/z", "https://verify.stripe.proxy.test/v2", "https://verify.stripe.proxy.test/v2/z"],
  ["https://api.stripe.com/v1/y", "https://verify.stripe.proxy.test/v2", "https://stripe.proxy.test/v1/y"],
  ["https://storage.test/signed", BY_PATH, "https://storage.test/signed"],
  ["https://api.stripe.com.evil.test/x", BY_HOST, "https://api.stripe.com.evil.test/x"],
])("%s for a caller of %s", (url, requestUrl, expected) => expect(pointed(url, requestUrl)).toBe(expected));

describe("the caller's own origin", () => {
  test("locally each name gets itself back", () => {
    for (const origin of ["http://127.0.0.1:8787", "http://localhost:8787", "http://[::1]:8787"]) {
      const back = pointed("https://api.stripe.com/v1/y", `${origin}/conn_stripe/v1`, "http://localhost:8787");
      expect(back).toBe(`${origin}/conn_stripe/v1/y`);
    }
  });
  test("a second https name gets itself back; where TLS was taken off, the configured origin", () => {
    const url = "https://api.stripe.com/v1/y";
    expect(pointed(url, "https://other.test/conn_stripe/v1")).toBe("https://other.test/conn_stripe/v1/y");
    expect(pointed(url, "http://internal.test/conn_stripe/v1")).toBe("https://proxy.test/conn_stripe/v1/y");
    expect(pointed(url, "http://internal.test/conn_stripe/v1", null)).toBe("http://internal.test/conn_stripe/v1/y");
  });
});
